//! Text of the spans that a record is in: `request{path="/x"}:query{n=3}: `, or `,"spans":[…]`.
//!
//! Made once for all records that are in the same spans.

use std::fmt::Write as _;

use stenolog_format::dictionary::Role;
use stenolog_format::value::{Product, Value};

use super::short::BOLD;
use crate::escape::{push_escaped, push_quoted_if_needed};
use crate::json::{write_json, write_json_string};
use crate::model::site::FieldName;
use crate::model::span::{Span, SpanChain, SpanTextForm};
use crate::record_text::{escape_from, write_name, write_value};
use crate::text::{CUT, write_debug};

/// The most text of the spans of a record: what follows is left out. Only hostile dumps have more.
const MAX_BYTES: usize = 64 << 10;

/// Most texts are shorter.
const USUAL_BYTES: usize = 256;

/// The longest text that is kept with its chain.
const MAX_KEPT_BYTES: usize = 4 << 10;

/// Passes the text of a chain to `with`.
pub(super) fn with_text<R>(
    chain: &SpanChain,
    form: SpanTextForm,
    with: impl FnOnce(&str) -> R,
) -> R {
    if let Some(text) = chain.text(form) {
        return with(text);
    }
    let mut text = String::with_capacity(USUAL_BYTES);
    match form {
        SpanTextForm::Text => write_text(chain, false, &mut text),
        SpanTextForm::Colored => write_text(chain, true, &mut text),
        SpanTextForm::Json => write_spans(chain, &mut text),
    }
    if text.len() <= MAX_KEPT_BYTES {
        return with(chain.keep_text(form, &text));
    }
    with(&text)
}

/// Appends the spans before the message of a record.
pub(super) fn push_text(chain: &SpanChain, color: bool, out: &mut String) {
    let form = if color { SpanTextForm::Colored } else { SpanTextForm::Text };
    with_text(chain, form, |text| out.push_str(text));
}

fn write_text(chain: &SpanChain, color: bool, out: &mut String) {
    for (index, span) in chain.spans().enumerate() {
        out.push_str(if index > 0 { ":" } else { "" });
        if out.len() > MAX_BYTES {
            out.push_str(CUT);
            break;
        }
        // Writing to a string cannot fail.
        let _ = if color { write!(out, "{BOLD}") } else { Ok(()) };
        match span.name() {
            Some(name) => push_escaped(out, name),
            None => {
                let _ = write!(out, "#{}", span.id());
            }
        }
        let _ = if color { write!(out, "{BOLD:#}") } else { Ok(()) };
        let mut separator = "{";
        for (field, value) in span.named_values() {
            out.push_str(separator);
            separator = " ";
            write_name(out, field);
            write_field(out, &value, field);
        }
        out.push_str(if separator == "{" { "" } else { "}" });
    }
    out.push_str(": ");
}

/// Appends a value: strings have quotes here, as `tracing` shows them.
fn write_field(out: &mut String, value: &Value<'_>, field: &FieldName) {
    let start = out.len();
    match value {
        Value::Str(_) | Value::Char(_) => {
            write_debug(out, value);
            escape_from(out, start);
        }
        Value::Formatted(text) if field.role != Role::DebugField => {
            push_quoted_if_needed(out, text)
        }
        _ => write_value(out, value, field.role),
    }
    if out.len() - start > MAX_BYTES {
        let mut end = start + MAX_BYTES;
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
        out.push_str(CUT);
    }
}

/// Appends `,"spans":[…]`.
fn write_spans(chain: &SpanChain, out: &mut String) {
    out.push_str(",\"spans\":[");
    for (index, span) in chain.spans().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_span(&span, out.len() > MAX_BYTES, out);
    }
    out.push(']');
}

/// Appends a span; only its id if the rest is not known, or too long. If fields are left out because they are long,
/// `"cut":true` says it.
fn write_span(span: &Span<'_>, is_too_long: bool, out: &mut String) {
    let begin = out.len();
    out.push('{');
    let Some(name) = span.name().filter(|_| !is_too_long) else {
        let cut = if is_too_long { ",\"cut\":true" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(out, "\"id\":{}{cut}}}", span.id());
        return;
    };
    out.push_str("\"name\":");
    write_json_string(out, name);
    let _ = write!(out, ",\"id\":{},\"fields\":", span.id());
    let mut separator = '{';
    let mut is_cut = false;
    for (field, value) in span.named_values() {
        let start = out.len();
        let mut rest = MAX_BYTES.saturating_sub(field.name.len());
        if start - begin <= MAX_BYTES && take_text(&value, &mut rest) {
            out.push(separator);
            write_json_string(out, &field.name);
            out.push(':');
            write_json(out, &value);
        }
        // Nothing of a value that is too long is shown: a part of it would look like another value.
        if out.len() == start || out.len() - start > MAX_BYTES {
            out.truncate(start);
            is_cut = true;
            continue;
        }
        separator = ',';
    }
    out.push_str(if separator == '{' { "{}" } else { "}" });
    out.push_str(if is_cut { ",\"cut\":true}" } else { "}" });
}

/// Takes the least bytes that a value's JSON has from `rest`; `false` if they are more.
fn take_text(value: &Value<'_>, rest: &mut usize) -> bool {
    let product = |of: &Product<'_>, rest: &mut usize| {
        of.fields.iter().all(|(name, value)| take(name.len(), rest) && take_text(value, rest))
    };
    let own = match value {
        Value::Str(text) | Value::Formatted(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 1,
    };
    take(own, rest)
        && match value {
            Value::Some(inner) => take_text(inner, rest),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                items.iter().all(|item| take_text(item, rest))
            }
            Value::Map(entries) => {
                entries.iter().all(|(key, value)| take_text(key, rest) && take_text(value, rest))
            }
            Value::Struct(of) => product(of, rest),
            Value::Variant(of) => take(of.name.len(), rest) && product(of, rest),
            _ => true,
        }
}

fn take(bytes: usize, rest: &mut usize) -> bool {
    let left = rest.checked_sub(bytes);
    *rest = left.unwrap_or(0);
    left.is_some()
}
