//! Logfmt format: `key=value` pairs, a line an entry.
//!
//! There is no standard; every reader takes what Go's `go-logfmt` reads. Keys are words without
//! `=`, `"` and control characters. Values are bare if they are such words, else JSON strings.

use std::fmt::Write as _;

use stenolog_format::dictionary::Role;
use stenolog_format::value::Value;

use super::json::{gone_name, moment};
use super::shown::{Content, ShownEntry};
use super::site_text::SiteText;
use super::span_text::with_text;
use crate::escape::is_word;
use crate::json::{write_json, write_json_string};
use crate::model::loss::{LOSS_TARGET, LossCause, LossEntry};
use crate::model::record::Record;
use crate::model::span::SpanTextForm;
use crate::record_text::rewrite_from;
use crate::text::{write_debug, write_display};

pub(super) fn write(shown: &ShownEntry<'_>, scratch: &mut String, out: &mut String) {
    let ShownEntry { content, time, level, thread_name, .. } = *shown;
    out.push_str("time=");
    out.push_str(time);
    out.push_str(" level=");
    out.push_str(level.as_str());
    out.push_str(" target=");
    match content {
        Content::Record(record, _) => push_value(out, &record.call_site().target),
        Content::Loss(_) => out.push_str(LOSS_TARGET),
        Content::Event(event) => push_value(out, event.target()),
    }
    out.push_str(" thread=");
    push_value(out, thread_name);
    out.push_str(" msg=");
    scratch.clear();
    match content {
        Content::Record(record, site) => {
            record.write_message(scratch);
            push_value(out, scratch);
            write_fields(record, site, out);
            write_spans(record, out);
        }
        Content::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(scratch, "{loss}");
            push_value(out, scratch);
            write_loss(loss, out);
        }
        Content::Event(event) => {
            out.push_str(event.word());
            event.push_logfmt(out);
            write_spans(&event.entry.record, out);
        }
    }
    out.push('\n');
}

fn write_fields(record: &Record<'_>, site: &SiteText, out: &mut String) {
    for field in &site.fields {
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

/// Appends the spans of a record as one value, as the short format shows them.
fn write_spans(record: &Record<'_>, out: &mut String) {
    let Some(chain) = record.spans else { return };
    // A key does not come twice.
    let is_taken = |key: &str| record.site().fields().iter().any(|field| *field.key == *key);
    out.push_str(if is_taken("spans") { " spans_2=" } else { " spans=" });
    with_text(chain, SpanTextForm::Text, |text| {
        push_value(out, text.strip_suffix(": ").unwrap_or(text));
    });
}

#[inline]
fn push_value(out: &mut String, text: &str) {
    if is_bare(text) {
        out.push_str(text);
    } else {
        write_json_string(out, text);
    }
}

/// Whether readers take the text without quotes. They take an unquoted replacement character for an
/// encoding error.
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
