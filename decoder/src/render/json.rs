//! A JSON object an entry; the schema is told at [`Format`](super::Format).

use std::fmt::Write as _;

use stenolog_format::dictionary::Level;
use stenolog_format::loss::GoneCause;
use stenolog_format::value::Value;

use super::LOSS_TARGET;
use crate::json::{write_json, write_json_string};
use crate::model::entry::{Entry, LossCause, LossEntry, Record};

pub(super) fn write(entry: &Entry<'_>, time: &str, scratch: &mut String, out: &mut String) {
    write_object(entry, time, scratch, out);
    out.push('\n');
}

pub(super) fn write_pretty(entry: &Entry<'_>, time: &str, scratch: &mut String, out: &mut String) {
    let start = out.len();
    write_object(entry, time, scratch, out);
    scratch.clear();
    scratch.push_str(&out[start..]);
    out.truncate(start);
    indent(scratch, out);
    out.push('\n');
}

fn write_object(entry: &Entry<'_>, time: &str, scratch: &mut String, out: &mut String) {
    out.push_str("{\"timestamp\":\"");
    out.push_str(time);
    out.push_str("\",\"level\":\"");
    out.push_str(entry.level().as_str());
    out.push_str("\",");
    match entry {
        Entry::Record(record) => write_record(record, scratch, out),
        Entry::Loss(loss) => write_loss(loss, scratch, out),
    }
}

fn write_record(record: &Record<'_>, scratch: &mut String, out: &mut String) {
    let texts = record.site().texts();
    out.push_str(&texts.json_target);
    if let Some(message) = record.site().constant_message() {
        write_json_string(out, message);
    } else {
        scratch.clear();
        record.write_message(scratch);
        write_json_string(out, scratch);
    }
    out.push_str(&record.origin.thread_name.json);
    out.push_str(&texts.json_place);
    write_fields(record, out);
    out.push('}');
}

/// The named values as an object.
pub(super) fn write_fields(record: &Record<'_>, out: &mut String) {
    let mut separator = '{';
    for field in record.site().fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        out.push(separator);
        separator = ',';
        out.push_str(&field.json);
        write_json(out, value);
    }
    out.push_str(if separator == '{' { "{}" } else { "}" });
}

fn write_loss(loss: &LossEntry<'_>, scratch: &mut String, out: &mut String) {
    out.push_str("\"target\":");
    write_json_string(out, LOSS_TARGET);
    scratch.clear();
    // Writing to a string cannot fail.
    let _ = write!(scratch, "{loss}");
    out.push_str(",\"message\":");
    write_json_string(out, scratch);
    out.push_str(&loss.origin.thread_name.json);
    out.push_str("\"file\":null,\"line\":null,\"fields\":");
    write_loss_fields(loss, out);
    out.push('}');
}

/// What there is to know of a loss, as an object.
pub(super) fn write_loss_fields(loss: &LossEntry<'_>, out: &mut String) {
    let (total, ring, kind) = (loss.total(), loss.ring(), loss.kind());
    // Writing to a string cannot fail.
    let _ = write!(out, "{{\"lost\":{total},\"ring\":{ring},\"cause\":\"{kind}\"");
    match loss.cause() {
        LossCause::Unrecorded { full, too_large } => {
            write_counts("ring_full", &full, out);
            write_counts("too_large", &too_large, out);
        }
        LossCause::Gone { first, why, .. } => {
            let why = gone_name(why);
            let _ = write!(out, ",\"first_record\":{first},\"why\":\"{why}\"");
        }
        LossCause::Missing { first, .. } => {
            let _ = write!(out, ",\"first_record\":{first}");
        }
    }
    let statements = loss.statements();
    if statements > 1 {
        let _ = write!(out, ",\"statements\":{statements},\"first_timestamp\":");
        write_json(out, &moment(loss.first_unix_ns()));
    }
    out.push('}');
}

/// A time as a value.
pub(super) fn moment(unix_ns: i64) -> Value<'static> {
    const NANOS: i64 = 1_000_000_000;
    Value::SystemTime(unix_ns.div_euclid(NANOS), unix_ns.rem_euclid(NANOS) as u32)
}

/// What became of a file, in a word.
pub(super) const fn gone_name(why: Option<GoneCause>) -> &'static str {
    match why {
        Some(GoneCause::Removed) => "removed",
        Some(GoneCause::Truncated) => "truncated",
        Some(GoneCause::Unsaved) => "unsaved",
        Some(GoneCause::Overwritten) => "overwritten",
        _ => "unknown",
    }
}

fn write_counts(name: &str, counts: &[u64; 5], out: &mut String) {
    if counts.iter().all(|&count| count == 0) {
        return;
    }
    let _ = write!(out, ",\"{name}\":");
    let mut separator = '{';
    for (level, count) in Level::ALL.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let _ = write!(out, "{separator}\"{level}\":{count}");
        separator = ',';
    }
    out.push('}');
}

/// Appends the JSON text `compact` with a member a line.
fn indent(compact: &str, out: &mut String) {
    let mut depth = 0_usize;
    let mut is_empty = false;
    let mut rest = compact;
    // A piece is a string, a word or number, or one of the marks between them.
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find(['}', ']', ',', ':']).unwrap_or(rest.len()),
        };
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        if matches!(first, '}' | ']') {
            depth = depth.saturating_sub(1);
            if !is_empty {
                push_line(depth, out);
            }
        } else if is_empty {
            push_line(depth, out);
        }
        out.push_str(piece);
        is_empty = matches!(first, '{' | '[');
        match first {
            '{' | '[' => depth += 1,
            ',' => push_line(depth, out),
            ':' => out.push(' '),
            _ => {}
        }
    }
}

/// The length of the JSON string, quotes included, that `text` begins with.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(length) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += length;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

fn push_line(depth: usize, out: &mut String) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}
