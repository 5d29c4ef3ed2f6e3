//! Text of a record, shared by all text formats and used by searches: the escaped message, and values as they
//! follow `name=`.
//!
//! Nothing is allocated unless something has to be escaped.

use stenolog_format::dictionary::Role;
use stenolog_format::value::{Product, Value};

use crate::escape::{self, push_escaped, push_quoted_if_needed};
use crate::model::record::Record;
use crate::model::site::FieldName;
use crate::text::{Json, Reserved, write_debug, write_display};

/// Appends what `short` shows after the target: the message, then the fields.
pub(crate) fn write_body(record: &Record<'_>, out: &mut String) {
    let start = out.len();
    write_message(record, out);
    for field in record.site().shown_fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        if out.len() > start {
            out.push(' ');
        }
        write_name(out, field);
        write_value(out, value, field.role);
    }
}

/// Appends `name=`, escaped.
#[inline]
pub(crate) fn write_name(out: &mut String, field: &FieldName) {
    if field.is_clean {
        out.push_str(&field.name);
    } else {
        push_escaped(out, &field.name);
    }
    out.push('=');
}

/// Appends the message, escaped.
pub(crate) fn write_message(record: &Record<'_>, out: &mut String) {
    let start = out.len();
    record.write_message(out);
    escape_from(out, start);
}

/// Appends a value as it follows `name=`.
pub(crate) fn write_value(out: &mut String, value: &Value<'_>, role: Role) {
    let start = out.len();
    match value {
        // `Debug` adds quotes where they are needed.
        _ if role == Role::DebugField => write_debug(out, value),
        Value::Str(text) | Value::Formatted(text) => return push_quoted_if_needed(out, text),
        // An error is shown as its message, which is text, and so is what prints in its own way.
        Value::Struct(product) if product.as_error().is_some() || is_text(product) => {
            write_display(out, value);
            return rewrite_from(out, start, push_quoted_if_needed);
        }
        Value::Char(_) => {
            write_display(out, value);
            return rewrite_from(out, start, push_quoted_if_needed);
        }
        _ => write_display(out, value),
    }
    escape_from(out, start);
}

/// Whether a struct is shown as text of its own, which may have spaces.
fn is_text(product: &Product<'_>) -> bool {
    Reserved::of(product).is_some_and(|reserved| matches!(reserved.json(), Json::Text))
}

/// Escapes the text from `start` on.
pub(crate) fn escape_from(out: &mut String, start: usize) {
    let is_clean = out.get(start..).is_none_or(|text| escape::is_clean(text.as_bytes()));
    if !is_clean {
        rewrite_from(out, start, push_escaped);
    }
}

/// Replaces the text from `start` on by what `write` makes of it.
pub(crate) fn rewrite_from(out: &mut String, start: usize, write: impl FnOnce(&mut String, &str)) {
    let text = out.split_off(start);
    write(out, &text);
}
