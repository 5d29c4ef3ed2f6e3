//! The loggers that are compared, each set up as its documentation recommends for speed:
//! asynchronous, to a file, its background thread on the core on which it was started, with queues
//! that hold a burst and callers that wait rather than lose a record.

mod fast_log;
mod ftlog;
mod inqjet;
mod kvlog;
mod quicklog;
mod slog_async;
mod spdlog;
mod stenolog;
mod ticklog;
mod tracing_appender;

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench_statements::Statement;
use bench_workload::Event;

/// A logger, and the six statements as its macros have them.
pub struct Peer {
    /// As it is called on the command line and in the tables.
    pub name: &'static str,
    /// How it is set up, for the foot of the tables.
    pub setup: &'static str,
    /// The six statements.
    pub calls: [Statement; 6],
    /// The statements with values of high entropy.
    pub high: [Statement; 7],
    /// A record of the workload, if the logger has a way to take it. Loggers of text are given the line,
    /// which is rendered at the call.
    pub service: Option<fn(&Event)>,
    /// The fourth statement, refused by a filter at run time, if the logger has one.
    pub disabled: Option<Statement>,
    /// Whether more than one thread may log.
    pub threads: bool,
    /// How many records its queue holds at the most.
    pub queue_records: u64,
    /// Counts the records of a file, if that takes a walk over it. Such a logger does not write messages as
    /// `format!` has them.
    pub count: Option<fn(&Path) -> io::Result<u64>>,
    /// Starts it on a new file. Once in a process: most are global.
    pub start: fn(&Path) -> Started,
}

/// A logger that was started, or why it could not be.
pub type Started = Result<Box<dyn Running>, Box<dyn Error>>;

/// A logger that was started.
pub trait Running {
    /// Waits until all that was logged, `expected` records since the start, has left the queue.
    fn settle(&self, expected: u64);

    /// Ends the logger, as far as it can be ended, and tells what is in the file.
    fn finish(self: Box<Self>, expected: u64) -> Result<Written, Box<dyn Error>>;
}

/// What a logger has written.
pub struct Written {
    pub records: u64,
    pub bytes: u64,
}

impl Written {
    /// With the records counted, which takes time that is not the logger's.
    pub fn counted(mut self, peer: &Peer, path: &Path) -> io::Result<Self> {
        if let Some(count) = peer.count {
            self.records = count(path)?;
        }
        Ok(self)
    }
}

/// Every logger, Stenolog first.
pub const ALL: [&Peer; 10] = [
    &stenolog::PEER,
    &kvlog::PEER,
    &ticklog::PEER,
    &inqjet::PEER,
    &quicklog::PEER,
    &slog_async::PEER,
    &fast_log::PEER,
    &spdlog::PEER,
    &tracing_appender::PEER,
    &ftlog::PEER,
];

/// Stenolog with rings in huge pages, which not every table has a row for.
pub const HUGE_PAGES: &Peer = &stenolog::HUGE_PAGES;

/// The logger of that name.
pub fn named(name: &str) -> Result<&'static Peer, Box<dyn Error>> {
    let known = ALL.into_iter().chain([HUGE_PAGES]).find(|peer| peer.name == name);
    known.ok_or_else(|| format!("there is no logger {name}").into())
}

/// Lines and bytes that have reached a text logger's file.
#[derive(Clone, Default)]
struct Lines(Arc<(AtomicU64, AtomicU64)>);

impl Lines {
    fn add(&self, lines: usize, bytes: usize) {
        self.0.0.fetch_add(lines as u64, Ordering::Release);
        self.0.1.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn lines(&self) -> u64 {
        self.0.0.load(Ordering::Acquire)
    }

    /// Waits for `expected` lines, as long as any arrive. Polls rarely: each poll takes the cache line
    /// away from the counting thread.
    fn wait(&self, expected: u64) {
        let (mut last, mut moved) = (self.lines(), Instant::now());
        while last < expected && moved.elapsed() < Duration::from_millis(500) {
            std::thread::sleep(Duration::from_micros(50));
            let now = self.lines();
            if now != last {
                (last, moved) = (now, Instant::now());
            }
        }
    }

    fn written(&self) -> Written {
        Written { records: self.lines(), bytes: self.0.1.load(Ordering::Relaxed) }
    }
}

/// A text logger that was started: its lines, and what ends it when it is dropped.
struct Text<G> {
    lines: Lines,
    guard: G,
}

impl<G: Send + 'static> Running for Text<G> {
    fn settle(&self, expected: u64) {
        self.lines.wait(expected);
    }

    fn finish(self: Box<Self>, expected: u64) -> Result<Written, Box<dyn Error>> {
        self.lines.wait(expected);
        let Self { lines, guard } = *self;
        // Some loggers leave the last bytes in the buffer of a writer that is never dropped: these
        // are counted as written.
        drop(guard);
        Ok(lines.written())
    }
}

/// What text loggers write to that take any writer: a file with a large buffer.
struct Output {
    file: BufWriter<File>,
    lines: Lines,
    /// Whether `flush` does what it says. A logger that calls it after each record is spared the
    /// system call.
    flushes: bool,
}

impl Output {
    fn create(path: &Path, lines: &Lines, flushes: bool) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        Ok(Self { file, lines: lines.clone(), flushes })
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.lines.add(memchr::memchr_iter(b'\n', &buf[..n]).count(), n);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.flushes { self.file.flush() } else { Ok(()) }
    }
}

/// A statement of Stenolog's with a time that the caller has.
pub fn with_time(statement: usize) -> Statement {
    stenolog::WITH_TIME[statement]
}

/// A logger of Stenolog's own, outside the trait.
pub fn stenolog_at(path: &Path) -> Result<::stenolog::Logger, Box<dyn Error>> {
    stenolog::started(path, "trace")
}
