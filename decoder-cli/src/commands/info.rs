//! `steno info`: a summary of a dump, without reading its records.

use stenolog_decoder::{Dump, DumpState, Info, Level, Thread, Zone, info_with};

use super::Run;
use crate::cli::args::{InputArgs, RingArgs, TimeZoneError, zone};
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::time;
use crate::cli::units::{bytes, count, counted, recovered, span};
use crate::input::rings::{FoundRings, RingsPlan};
use crate::input::{self, Input};
use crate::output::report::{JsonLine, damage_line, damage_text, push_line};
use crate::output::{Output, completeness};

const EXAMPLES: &str = "\
Examples:
  steno info app.steno                          writer, time span, records, losses, threads
  steno info logs/ --json | jq .records         one JSON object per file
  ssh host cat app.steno.gz | steno info -      standard input, decompressed

Exit codes: 0 complete; 1 an input could not be read; 2 wrong usage; 3 damaged or incomplete, as
far as can be told without reading the records (`steno verify` reads them).";

/// Summarize dumps: writer, time span, threads, call sites, losses
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Print a JSON object per file
    #[arg(long)]
    json: bool,
    /// Show times in UTC instead of local time
    #[arg(long, conflicts_with_all = ["time_zone", "json"])]
    utc: bool,
    /// Show times in ZONE: Europe/Berlin, +05:30, utc or local
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, conflicts_with = "json")]
    time_zone: Option<String>,
    #[command(flatten)]
    rings: RingArgs,
}

/// Which dumps to summarize.
pub(super) struct Plan {
    inputs: Vec<Input>,
    json: bool,
    zone: Zone,
    rings: RingsPlan,
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> Result<Self, TimeZoneError> {
        Ok(Self {
            inputs: args.inputs.into(),
            json: args.json,
            zone: zone(args.utc, args.time_zone.as_deref())?.unwrap_or(Zone::LOCAL),
            rings: args.rings.into(),
        })
    }
}

/// How many threads to name; programs may have started thousands.
const MAX_THREADS: usize = 12;

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let mut inputs = input::open(&self.inputs, &self.rings.limits, false)?;
        let rings = FoundRings::merge(&mut inputs, &self.rings);
        let mut output = Output::new();
        let mut outcome = Outcome { unreadable: inputs.unreadable, ..Outcome::default() };
        outcome.incomplete = inputs.incomplete || rings.lacks_dump();
        for (index, (dump, of_dump)) in rings.pairs(&inputs.dumps).enumerate() {
            let info = info_with(dump, of_dump);
            outcome.incomplete |= !info.is_complete();
            let text = if self.json {
                JsonLine::new(&info)?.with_flags(&info.damage).to_string()
            } else {
                let separator = if index > 0 { "\n" } else { "" };
                format!("{separator}{}", as_text(&info, &state(&info, dump, &rings), self.zone))
            };
            output.append(|out| out.push_str(&text))?;
        }
        output.flush()?;
        Ok(outcome)
    }
}

fn state(info: &Info, dump: &Dump, rings: &FoundRings) -> String {
    match dump.state() {
        DumpState::Sealed if info.continues == Some(true) => {
            "sealed; the log continues in the next file".to_owned()
        }
        DumpState::Sealed => "sealed".to_owned(),
        DumpState::Growing => format!("being written by process {}", info.process_id),
        _ if info.is_completed => {
            let held = recovered(info.recovered, info.recovered_spans);
            format!("not sealed: its writer died; {held} more in its rings")
        }
        _ => {
            let (end, why) = completeness::end_and_cause(dump);
            format!("not sealed: {end}; {why}{}", rings.absence(dump))
        }
    }
}

fn as_text(info: &Info, state: &str, zone: Zone) -> String {
    let mut text = String::new();
    push_line(&mut text, &info.file.to_string_lossy());
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("  {:<12}", format!("{name}:")));
        push_line(&mut text, value);
    };
    line("state", state);
    line("size", &size(info));
    line("records", &records(info));
    if info.spans > 0 {
        line("spans", &format!("{} events of spans", count(info.spans)));
    }
    if let Some((first, last)) = info.unix_ns {
        let length = span(last.abs_diff(first));
        let (first, last) = (time::show(first, zone), time::show(last, zone));
        line("time", &format!("{first} to {last} ({length})"));
    }
    line("lost", &lost(info));
    line("threads", &threads(&info.threads));
    line("call sites", &call_sites(info));
    line("blocks", &blocks(info));
    line("writer", &format!("process {}, session {}", info.process_id, info.session_hex()));
    let begun = time::show(info.created_unix_ns, zone);
    line("file", &format!("number {} of its session, begun {begun}", info.sequence));
    line("format", &format!("version {}, clock {}", info.version, frequency(info.counter_hz)));
    for damage in &info.damage {
        let is_here = damage.file == info.file;
        line("damage", &if is_here { damage_text(damage) } else { damage_line(damage) });
    }
    text
}

fn size(info: &Info) -> String {
    match info.bytes_per_record() {
        Some(each) => format!("{}, {each:.1} bytes a record", bytes(info.bytes)),
        None => bytes(info.bytes),
    }
}

fn records(info: &Info) -> String {
    let levels: Vec<_> = info.levels.iter().map(Level::to_string).collect();
    let records = match info.recovered {
        0 => count(info.records),
        more => format!("{}, and {} in the rings of its writer", count(info.records), count(more)),
    };
    match levels.as_slice() {
        [] => records,
        levels => format!("{records} ({})", levels.join(", ")),
    }
}

/// The missing records, or why they are unknown.
fn lost(info: &Info) -> String {
    let Info { lost, missing, gone, unreadable, .. } = *info;
    let parts = [
        (lost, "lost when logged"),
        (missing, "missing from the file"),
        (gone, "gone with an earlier file of the log"),
        (unreadable, "unreadable in the rings"),
    ];
    let parts = parts.into_iter().filter(|&(number, _)| number > 0);
    let mut parts: Vec<_> =
        parts.map(|(number, what)| format!("{} {what}", counted(number, "record"))).collect();
    if info.state() == DumpState::Unfinished && !info.is_completed {
        parts.push("what its writer had not written yet".to_owned());
    }
    match (parts.as_slice(), info.damage.as_slice()) {
        ([], []) => "nothing".to_owned(),
        ([], _) => "unknown: it is damaged; `steno verify` reads all of it".to_owned(),
        (parts, _) => parts.join(", "),
    }
}

fn threads(threads: &[Thread]) -> String {
    let name = |thread: &Thread| match (thread.name.as_str(), thread.os_id) {
        ("", id) => format!("thread-{id}"),
        (name, 0) => name.to_owned(),
        (name, id) => format!("{name} ({id})"),
    };
    let mut names: Vec<_> = threads.iter().take(MAX_THREADS).map(name).collect();
    if threads.len() > MAX_THREADS {
        names.push("…".to_owned());
    }
    match names.as_slice() {
        [] => "none".to_owned(),
        names => format!("{}: {}", count(threads.len() as u64), names.join(", ")),
    }
}

fn call_sites(info: &Info) -> String {
    let all = count(info.call_sites);
    match info.formatting_call_sites {
        0 => all,
        some => format!("{all}, {} of which format text at the call", count(some)),
    }
}

fn blocks(info: &Info) -> String {
    let [raw, packed] = info.blocks_by_encoding;
    let kinds = match (raw, packed) {
        (0, packed) => format!("{} packed", count(packed)),
        (raw, 0) => format!("{} raw", count(raw)),
        (raw, packed) => format!("{} raw, {} packed", count(raw), count(packed)),
    };
    format!("{kinds}, of {}, {}", counted(info.rings, "ring"), bytes(info.block_bytes))
}

fn frequency(hz: u64) -> String {
    match hz {
        0..1_000_000 => format!("{hz} Hz"),
        1_000_000..1_000_000_000 => format!("{:.3} MHz", hz as f64 / 1e6),
        _ => format!("{:.3} GHz", hz as f64 / 1e9),
    }
}
