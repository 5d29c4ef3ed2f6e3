//! JSON formats: an object an entry. [`Format`](crate::Format) documents the schema.

use std::fmt::Write as _;

use stenolog_format::dictionary::Level;
use stenolog_format::loss::GoneCause;
use stenolog_format::value::Value;

use super::shown::{Content, ShownEntry};
use super::site_text::SiteText;
use super::span_text::with_text;
use super::thread_label::ThreadLabel;
use crate::json::{write_json, write_json_string};
use crate::model::loss::{LOSS_TARGET, LossCause, LossEntry};
use crate::model::record::Record;
use crate::model::span::SpanTextForm;

pub(super) fn write(shown: &ShownEntry<'_>, scratch: &mut String, out: &mut String) {
    write_object(shown, scratch, out);
    out.push('\n');
}

pub(super) fn write_pretty(shown: &ShownEntry<'_>, scratch: &mut String, out: &mut String) {
    let start = out.len();
    write_object(shown, scratch, out);
    scratch.clear();
    scratch.push_str(&out[start..]);
    out.truncate(start);
    indent(scratch, out);
    out.push('\n');
}

fn write_object(shown: &ShownEntry<'_>, scratch: &mut String, out: &mut String) {
    let ShownEntry { content, time, level, thread, .. } = *shown;
    out.push_str("{\"timestamp\":\"");
    out.push_str(time);
    out.push_str("\",\"level\":\"");
    out.push_str(level.as_str());
    out.push_str("\",");
    match content {
        Content::Record(record, site) => write_record(record, site, thread, scratch, out),
        Content::Loss(loss) => write_loss(loss, thread, scratch, out),
        Content::Event(event) => event.push_json(&thread.json, out),
    }
}

fn write_record(
    record: &Record<'_>,
    site: &SiteText,
    thread: &ThreadLabel,
    scratch: &mut String,
    out: &mut String,
) {
    out.push_str(&site.json_target);
    if let Some(message) = record.site().constant_message() {
        write_json_string(out, message);
    } else {
        scratch.clear();
        record.write_message(scratch);
        write_json_string(out, scratch);
    }
    out.push_str(&thread.json);
    out.push_str(&site.json_place);
    write_fields(record, site, out);
    if let Some(chain) = record.spans {
        with_text(chain, SpanTextForm::Json, |text| out.push_str(text));
    }
    out.push('}');
}

/// Appends the named values as an object.
pub(super) fn write_fields(record: &Record<'_>, site: &SiteText, out: &mut String) {
    let mut separator = '{';
    for field in &site.fields {
        let Some(value) = record.values().get(field.slot) else { continue };
        out.push(separator);
        separator = ',';
        out.push_str(&field.json);
        write_json(out, value);
    }
    out.push_str(if separator == '{' { "{}" } else { "}" });
}

fn write_loss(loss: &LossEntry<'_>, thread: &ThreadLabel, scratch: &mut String, out: &mut String) {
    out.push_str("\"target\":");
    write_json_string(out, LOSS_TARGET);
    scratch.clear();
    // Writing to a string cannot fail.
    let _ = write!(scratch, "{loss}");
    out.push_str(",\"message\":");
    write_json_string(out, scratch);
    out.push_str(&thread.json);
    out.push_str("\"file\":null,\"line\":null,\"fields\":");
    write_loss_fields(loss, out);
    out.push('}');
}

/// Appends the fields of a loss as an object.
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

/// The name of a file event.
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

/// Appends the JSON text `compact` with one member a line.
fn indent(compact: &str, out: &mut String) {
    let mut depth = 0_usize;
    let mut is_empty = false;
    let mut rest = compact;
    // A token is a string, a word, a number, or one of the marks between them.
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find(['}', ']', ',', ':']).unwrap_or(rest.len()),
        };
        let (piece, more) = rest.split_at(length);
        rest = more;
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

/// The length of the JSON string, including its quotes, that `text` begins with.
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
