//! Console: records as text while the program runs, for development, containers and tests.
//!
//! The drain copies what the rings hold into small dumps in memory, and a thread of its own decodes and prints
//! them, so a slow terminal never slows the drain. The queue between the two is bounded: what does not fit is
//! counted, and the next text says so.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use std::time::Duration;

use stenolog_decoder::{Decoder, Dump, Entry, Format, Losses, RenderOptions, Renderer, Zone};
use stenolog_format::dictionary::Level;

use crate::config::console::{Console, Stream};
use crate::error::StartError;
use crate::filter::{Filter, FilterError};

/// How many bytes of records may wait to be printed.
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// How long a flush, and the end of the logger, wait for the console.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Starts the thread that prints.
pub(crate) fn open(console: &Console) -> Result<Screen, StartError> {
    let filter = console.filter.as_deref().map(Filter::parse).transpose();
    let filter =
        filter.map_err(|source: FilterError| StartError::Filter { variable: None, source })?;
    let color = console.color.unwrap_or_else(|| console.stream.is_coloured());
    let zone = console.zone.unwrap_or(match console.format {
        Format::Short | Format::Verbose => Zone::LOCAL,
        _ => Zone::UTC,
    });
    let options = RenderOptions::default().with_color(color).with_zone(zone);
    let queued = Arc::new(AtomicUsize::new(0));
    let (messages, inbox) = channel();
    let printer = Printer {
        stream: console.stream,
        level: console.level,
        filter,
        format: console.format,
        options,
        is_begun: false,
        queued: Arc::clone(&queued),
    };
    let thread = std::thread::Builder::new().name("stenolog-console".to_owned());
    let spawned = thread.spawn(move || printer.run(&inbox));
    spawned.map_err(|source| StartError::Console { source })?;
    Ok(Screen { messages, queued, left_out: 0, lost: 0, overdue: None })
}

/// Prints. Errors are of no concern to the program: the dump has the records.
#[expect(
    clippy::print_stdout,
    reason = "only what goes through the macro is captured by the test harness"
)]
fn write(stream: Stream, text: &str) {
    let _ = match stream {
        Stream::Stderr => io::stderr().lock().write_all(text.as_bytes()),
        Stream::Stdout => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        Stream::Test => {
            print!("{text}");
            Ok(())
        }
    };
}

/// What the printing thread is told.
enum Message {
    /// A dump of these records, and how many other records were left out or lost before it.
    Records { dump: Vec<u8>, left_out: u64, lost: u64 },
    /// Answer when everything before is printed.
    Flush(SyncSender<()>),
}

/// The drain's end of a console.
#[derive(Debug)]
pub(crate) struct Screen {
    messages: Sender<Message>,
    /// How many bytes wait.
    queued: Arc<AtomicUsize>,
    /// How many records were left out since the last dump that was queued.
    left_out: u64,
    /// How many losses the console was not told meanwhile.
    lost: u64,
    /// An answer that did not come in time: the output is stuck until it comes.
    overdue: Option<Receiver<()>>,
}

impl Screen {
    /// Has a dump of `records` printed, if there is room for it. `lost` counts those that the rings had no room
    /// for.
    pub(crate) fn show(&mut self, dump: Vec<u8>, records: u64, lost: u64) {
        if self.queued.load(Ordering::Relaxed) + dump.len() > MAX_QUEUED_BYTES {
            self.left_out += records;
            self.lost += lost;
            return;
        }
        self.queued.fetch_add(dump.len(), Ordering::Relaxed);
        self.send(dump, lost);
    }

    fn send(&mut self, dump: Vec<u8>, lost: u64) {
        let left_out = std::mem::take(&mut self.left_out);
        let lost = lost + std::mem::take(&mut self.lost);
        let _ = self.messages.send(Message::Records { dump, left_out, lost });
    }

    /// Waits until everything is printed, but not for ever, and not again while the output is stuck.
    pub(crate) fn flush(&mut self) {
        if self.left_out > 0 || self.lost > 0 {
            self.send(Vec::new(), 0);
        }
        if let Some(overdue) = &self.overdue {
            if overdue.try_recv() == Err(TryRecvError::Empty) {
                return;
            }
            self.overdue = None;
        }
        let (done, is_done) = sync_channel(1);
        if self.messages.send(Message::Flush(done)).is_ok()
            && is_done.recv_timeout(ENDS_WITHIN) == Err(RecvTimeoutError::Timeout)
        {
            self.overdue = Some(is_done);
        }
    }
}

/// The thread that prints.
struct Printer {
    stream: Stream,
    level: Level,
    filter: Option<Filter>,
    format: Format,
    options: RenderOptions,
    /// The header of the format was printed.
    is_begun: bool,
    queued: Arc<AtomicUsize>,
}

impl Printer {
    fn run(mut self, inbox: &Receiver<Message>) {
        crate::thread::begin_drain_thread();
        for message in inbox {
            match message {
                Message::Records { dump, left_out, lost } => {
                    let bytes = dump.len();
                    let text = self.text(dump, left_out, lost);
                    write(self.stream, &text);
                    self.queued.fetch_sub(bytes, Ordering::Relaxed);
                }
                Message::Flush(done) => drop(done.send(())),
            }
        }
    }

    fn text(&mut self, dump: Vec<u8>, left_out: u64, lost: u64) -> String {
        let mut text = String::new();
        let mut renderer = Renderer::new(self.format, self.options.clone());
        if !std::mem::replace(&mut self.is_begun, true) {
            renderer.write_header(&mut text);
        }
        self.put_notice(left_out, "records are not shown: this output is too slow", &mut text);
        self.put_notice(lost, "records were lost because their rings were full", &mut text);
        // The logger made the dump; if it cannot be read, what is in the log file can.
        let Ok(dump) = Dump::from_bytes("console", dump) else { return text };
        let (filter, level) = (&self.filter, self.level);
        let _ = Decoder::new(dump).with_losses(Losses::None).for_each(|entry| {
            if let Entry::Record(record) = entry
                && record.level().index() <= level.index()
                && filter
                    .as_ref()
                    .is_none_or(|it| it.allows(record.level(), &record.call_site().target))
            {
                renderer.write(entry, &mut text);
            }
            ControlFlow::Continue(())
        });
        text
    }

    fn put_notice(&self, records: u64, what: &str, text: &mut String) {
        if records == 0 {
            return;
        }
        let notice = match self.format {
            Format::Json | Format::JsonPretty => format!(
                "{{\"level\":\"WARN\",\"target\":\"stenolog\",\"message\":\"{records} {what}\",\"fields\":{{\"lost\":{records}}}}}\n"
            ),
            Format::Logfmt => {
                format!("level=warn target=stenolog msg=\"{records} {what}\" lost={records}\n")
            }
            // A table has no place for it.
            Format::Csv => String::new(),
            _ => format!("stenolog: {records} {what}\n"),
        };
        text.push_str(&notice);
    }
}
