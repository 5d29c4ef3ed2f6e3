//! `key=value` pairs, a line an entry, as logfmt readers take them.
//!
//! There is no standard: what Go's `go-logfmt` reads is what the others read too. Keys are words without
//! `=`, `"` and control characters. Values are bare if they are such words, else JSON strings.

use std::fmt::Write as _;

use stenolog_format::dictionary::Role;
use stenolog_format::value::Value;

use super::LOSS_TARGET;
use super::fields::rewrite_from;
use super::json::{gone_name, moment};
use crate::escape::{is_unsafe, is_word};
use crate::json::{write_json, write_json_string};
use crate::model::entry::{Entry, LossCause, LossEntry, Record};
use crate::text::{write_debug, write_display};

pub(super) fn write(entry: &Entry<'_>, time: &str, scratch: &mut String, out: &mut String) {
    out.push_str("time=");
    out.push_str(time);
    out.push_str(" level=");
    out.push_str(entry.level().as_str());
    out.push_str(" target=");
    match entry {
        Entry::Record(record) => push_value(out, &record.call_site().target),
        Entry::Loss(_) => out.push_str(LOSS_TARGET),
    }
    out.push_str(" thread=");
    push_value(out, entry.thread_name());
    out.push_str(" msg=");
    scratch.clear();
    match entry {
        Entry::Record(record) => {
            record.write_message(scratch);
            push_value(out, scratch);
            write_fields(record, out);
        }
        Entry::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(scratch, "{loss}");
            push_value(out, scratch);
            write_loss(loss, out);
        }
    }
    out.push('\n');
}

fn write_fields(record: &Record<'_>, out: &mut String) {
    for field in record.site().fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        out.push(' ');
        out.push_str(&field.logfmt);
        let start = out.len();
        match value {
            _ if field.role == Role::DebugField => write_debug(out, value),
            Value::Str(text) | Value::Formatted(text) => {
                push_value(out, text);
                continue;
            }
            _ => write_display(out, value),
        }
        if !is_bare(&out[start..]) {
            rewrite_from(out, start, write_json_string);
        }
    }
}

fn push_value(out: &mut String, text: &str) {
    if is_bare(text) {
        out.push_str(text);
    } else {
        write_json_string(out, text);
    }
}

/// Whether readers take the text without quotes. In their place, the replacement character would be an
/// error in the text's encoding.
fn is_bare(text: &str) -> bool {
    is_word(text) && !text.contains('\u{fffd}')
}

fn write_loss(loss: &LossEntry<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, " lost={} ring={} cause={}", loss.total(), loss.ring(), loss.kind());
    let _ = match loss.cause() {
        LossCause::Unrecorded { .. } => Ok(()),
        LossCause::Missing { first, .. } => write!(out, " first_record={first}"),
        LossCause::Gone { first, why, .. } => {
            write!(out, " first_record={first} why={}", gone_name(why))
        }
    };
    let statements = loss.statements();
    if statements > 1 {
        let mut first = String::new();
        write_json(&mut first, &moment(loss.first_unix_ns()));
        let _ = write!(out, " statements={statements} first_timestamp={}", first.trim_matches('"'));
    }
}

/// Appends the key of a field: a word, and not one of those that stand before the fields.
pub(crate) fn push_key(name: &str, out: &mut String) {
    if matches!(name, "time" | "level" | "target" | "thread" | "msg") {
        out.push_str("fields.");
    }
    let is_taken =
        |c: char| matches!(c, '=' | '"' | '\u{fffd}') || is_unsafe(c) || c.is_whitespace();
    out.extend(name.chars().map(|c| if is_taken(c) { '_' } else { c }));
}
