//! `key=value` pairs, a line an entry, as logfmt readers take them.

use std::fmt::Write as _;

use stenolog_format::dictionary::Role;
use stenolog_format::value::Value;

use super::LOSS_TARGET;
use super::fields::{rewrite_from, write_value};
use super::json::gone_name;
use crate::entry::{Entry, LossCause, LossEntry, Record};
use crate::escape::{push_escaped, push_quoted_if_needed};

pub(super) fn write(entry: &Entry<'_>, time: &str, scratch: &mut String, out: &mut String) {
    out.push_str("time=");
    out.push_str(time);
    out.push_str(" level=");
    out.push_str(entry.level().as_str());
    out.push_str(" target=");
    match entry {
        Entry::Record(record) => push_quoted_if_needed(out, &record.call_site().target),
        Entry::Loss(_) => out.push_str(LOSS_TARGET),
    }
    out.push_str(" thread=");
    push_quoted_if_needed(out, entry.thread_name());
    out.push_str(" msg=");
    scratch.clear();
    match entry {
        Entry::Record(record) => {
            record.write_message(scratch);
            push_quoted_if_needed(out, scratch);
            write_fields(record, out);
        }
        Entry::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(scratch, "{loss}");
            push_quoted_if_needed(out, scratch);
            write_loss(loss, out);
        }
    }
    out.push('\n');
}

fn write_fields(record: &Record<'_>, out: &mut String) {
    for field in record.site().fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        out.push(' ');
        push_key(&field.name, out);
        out.push('=');
        let start = out.len();
        write_value(out, value, field.role);
        // `Debug` has spaces and quotes of its own, which logfmt wants within quotes.
        let is_quoted = matches!(value, Value::Struct(product) if product.as_error().is_some());
        if field.role == Role::DebugField || has_parts(value) && !is_quoted {
            rewrite_from(out, start, push_quoted_if_needed);
        }
    }
}

/// Whether a value prints as `Debug` does for want of a `Display`.
fn has_parts(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Bytes(_)
            | Value::Some(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Map(_)
            | Value::Set(_)
            | Value::Struct(_)
            | Value::Variant(_)
            | Value::SystemTime(..)
    )
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
}

/// A key must be a word, and not one of those that stand before the fields.
fn push_key(name: &str, out: &mut String) {
    if matches!(name, "time" | "level" | "target" | "thread" | "msg") {
        out.push_str("fields.");
    }
    let breaks_word = |c: char| c.is_whitespace() || matches!(c, '=' | '"');
    for (index, part) in name.split(breaks_word).enumerate() {
        if index > 0 {
            out.push('_');
        }
        push_escaped(out, part);
    }
}
