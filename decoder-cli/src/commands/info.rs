//! `steno info`: what a dump holds, without reading its records.

use serde_json::{Value, json};
use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{Dump, Info, Level, Tail, Thread, Zone, info_with};

use crate::cli::exit::Outcome;
use crate::cli::time;
use crate::cli::units::{bytes, count, counted, span};
use crate::commands::plan::InfoPlan;
use crate::input::rings::{Rings, breaks_off};
use crate::input::{self, Opened};
use crate::output::Output;
use crate::output::completeness;
use crate::output::damage::{damage_json, damage_line};

/// How many threads to name; programs may have started thousands.
const MAX_THREADS: usize = 12;

pub(super) fn run(plan: &InfoPlan) -> anyhow::Result<Outcome> {
    let mut opened = input::open(&plan.inputs, &plan.rings.limits, false)?;
    let rings = Rings::merge(&mut opened, &plan.rings);
    let mut output = Output::new();
    let mut outcome = Outcome { unreadable: opened.unreadable, ..Outcome::default() };
    outcome.incomplete = opened.incomplete || rings.lacks_dump();
    let named = opened.dumps.iter().filter(|dump| !dump.is_from_rings() || rings.lacks_dump());
    for (index, dump) in named.enumerate() {
        let of_session = |rings: &&Dump| {
            rings.is_from_rings() && rings.header().session == dump.header().session
        };
        let of_dump = opened.dumps.iter().find(of_session).filter(|_| breaks_off(dump));
        let info = info_with(dump, of_dump);
        outcome.incomplete |= !info.is_complete();
        let text = if plan.json {
            format!("{}\n", as_json(&opened, &info))
        } else {
            let separator = if index > 0 { "\n" } else { "" };
            let state = state(&info, dump, &rings);
            format!("{separator}{}", as_text(&opened, &info, &state, plan.zone))
        };
        output.append(|out| out.push_str(&text))?;
    }
    output.flush()?;
    Ok(outcome)
}

fn state(info: &Info, dump: &Dump, rings: &Rings) -> String {
    match (info.tail, info.writer_is_alive, info.continues) {
        (Tail::Sealed, _, Some(true)) => "sealed; the log goes on in the next file".to_owned(),
        (Tail::Sealed, ..) => "sealed".to_owned(),
        (_, Some(true), _) => format!("being written by process {}", info.process_id),
        _ if info.is_completed => {
            let held = counted(info.recovered, "record");
            format!("not sealed: its writer died; {held} more in its rings")
        }
        _ => format!("not sealed: {}{}", completeness::breaks_off(dump), rings.absence(dump)),
    }
}

fn as_text(opened: &Opened, info: &Info, state: &str, zone: Zone) -> String {
    let mut text = String::new();
    push_escaped(&mut text, &opened.name(&info.file));
    text.push('\n');
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("  {:<12}", format!("{name}:")));
        push_escaped(&mut text, value);
        text.push('\n');
    };
    line("state", state);
    line("size", &size(info));
    line("records", &records(info));
    if let Some((first, last)) = info.unix_ns {
        let length = span(last.abs_diff(first));
        let (first, last) = (time::show(first, zone), time::show(last, zone));
        line("time", &format!("{first} to {last} ({length})"));
    }
    line("lost", &lost(info));
    line("threads", &threads(&info.threads));
    line("call sites", &call_sites(info));
    line("blocks", &blocks(info));
    line("writer", &format!("process {}, session {}", info.process_id, session(info)));
    let begun = time::show(info.created_unix_ns, zone);
    line("file", &format!("number {} of its session, begun {begun}", info.sequence));
    line("format", &format!("version {}, clock {}", info.version, frequency(info.counter_hz)));
    for damage in &info.damage {
        let damage = damage_line(damage);
        let name = opened.name(&info.file);
        line("damage", damage.strip_prefix(&format!("{name}: ")).unwrap_or(&damage));
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

/// What is known to be missing, or that it cannot be known.
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
    let ends = info.tail == Tail::Sealed || info.writer_is_alive == Some(true) || info.is_completed;
    if !ends {
        parts.push("what its writer had not written yet".to_owned());
    }
    match (parts.as_slice(), info.damage.as_slice()) {
        ([], []) => "nothing".to_owned(),
        ([], _) => "not known: it is damaged; `steno verify` reads it all".to_owned(),
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
        some => format!("{all}, of which {} format text at the call", count(some)),
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

fn session(info: &Info) -> String {
    info.session.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frequency(hz: u64) -> String {
    match hz {
        0..1_000_000 => format!("{hz} Hz"),
        1_000_000..1_000_000_000 => format!("{:.3} MHz", hz as f64 / 1e6),
        _ => format!("{:.3} GHz", hz as f64 / 1e9),
    }
}

fn as_json(opened: &Opened, info: &Info) -> Value {
    let frames = &info.frames;
    let [raw, packed] = info.blocks_by_encoding;
    let thread = |thread: &Thread| json!({ "ring": thread.ring, "os_id": thread.os_id, "name": thread.name });
    json!({
        "path": opened.name(&info.file),
        "bytes": info.bytes,
        "sealed": info.tail == Tail::Sealed,
        "writer_is_alive": info.writer_is_alive,
        "continues": info.continues,
        "complete": info.is_complete(),
        "records": info.records,
        "recovered": info.recovered,
        "lost": info.lost,
        "missing": info.missing,
        "gone": info.gone,
        "unreadable": info.unreadable,
        "first": info.unix_ns.map(|(first, _)| time::show_exactly(first)),
        "last": info.unix_ns.map(|(_, last)| time::show_exactly(last)),
        "levels": info.levels.iter().map(Level::to_string).collect::<Vec<_>>(),
        "threads": info.threads.iter().map(thread).collect::<Vec<_>>(),
        "rings": info.rings,
        "call_sites": info.call_sites,
        "formatting_call_sites": info.formatting_call_sites,
        "blocks": { "raw": raw, "packed": packed, "bytes": info.block_bytes },
        "clock_pairs": info.clock_pairs,
        "counter_hz": info.counter_hz,
        "process_id": info.process_id,
        "session": session(info),
        "sequence": info.sequence,
        "created": time::show_exactly(info.created_unix_ns),
        "version": info.version.to_string(),
        "frames": {
            "dictionary": frames.dictionary,
            "thread": frames.thread,
            "clock": frames.clock,
            "block": frames.block,
            "loss": frames.loss,
            "watermark": frames.watermark,
            "index": frames.index,
            "end": frames.end,
            "summary": frames.summary,
            "volatile": frames.volatile,
            "header": frames.header,
            "unknown": frames.unknown,
        },
        "damage": damage_json(&info.damage),
    })
}
