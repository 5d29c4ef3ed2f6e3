//! Messages and values in text formats: escaped, and without allocating unless something must be.

use stenolog_format::dictionary::Role;
use stenolog_format::value::Value;

use crate::escape::{self, push_escaped, push_quoted_if_needed};
use crate::model::entry::Record;
use crate::text::{write_debug, write_display};

/// Appends what `short` shows behind the target: the message, then the fields.
pub(crate) fn write_body(record: &Record<'_>, out: &mut String) {
    let start = out.len();
    write_message(record, out);
    for field in record.site().shown_fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        // As `short` does it, also behind a blank.
        if out.len() > start {
            out.push(' ');
        }
        out.push_str(&field.text);
        write_value(out, value, field.role);
    }
}

/// Appends the message, escaped.
pub(super) fn write_message(record: &Record<'_>, out: &mut String) {
    let start = out.len();
    record.write_message(out);
    escape_from(out, start);
}

/// Appends a value as it stands behind `name=`.
pub(super) fn write_value(out: &mut String, value: &Value<'_>, role: Role) {
    let start = out.len();
    match value {
        // What prints as `Debug` does has quotes of its own where it needs them.
        _ if role == Role::DebugField => write_debug(out, value),
        Value::Str(text) | Value::Formatted(text) => return push_quoted_if_needed(out, text),
        // Text too.
        Value::Struct(product) if product.as_error().is_some() => {
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

/// Escapes what stands from `start` on.
pub(super) fn escape_from(out: &mut String, start: usize) {
    let is_clean = out.get(start..).is_none_or(|text| escape::is_clean(text.as_bytes()));
    if !is_clean {
        rewrite_from(out, start, push_escaped);
    }
}

/// Has `write` append anew what stands from `start` on.
pub(super) fn rewrite_from(out: &mut String, start: usize, write: impl FnOnce(&mut String, &str)) {
    let text = out.split_off(start);
    write(out, &text);
}
