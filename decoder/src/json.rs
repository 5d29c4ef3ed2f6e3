//! Recorded values as JSON: valid for every value, the same in every release.
//!
//! | value | JSON |
//! |---|---|
//! | integers | number, exact (beyond 2^53 too, which JavaScript rounds) |
//! | integers of 128 bits | string, for every value |
//! | floats | number, the shortest that reads back, with a point or an exponent (`1.0`, `1e300`); NaN and infinity as `null`, as JSON has none |
//! | `bool` | `true`, `false` |
//! | `()`, `None`, unit structs | `null` |
//! | `Some(x)`, newtype structs | as `x` |
//! | `char`, strings, formatted text | string |
//! | lists, sets, byte slices, tuples, tuple structs | array |
//! | structs | object |
//! | maps | object; a key that is not a string becomes the text of `{}`, or else of `{:?}`; unit variants become their names, newtypes and `Some` their content |
//! | variants | as serde: `"Name"`, `{"Name": x}`, `{"Name": [x, y]}`, `{"Name": {"field": x}}` |
//! | `Duration` | number of seconds with a point, exact to the nanosecond: `2.0`, `0.000000001` |
//! | `SystemTime` | string, RFC 3339 in UTC with nanoseconds; outside of the years 0 to 9999 the seconds since the Unix epoch |
//! | addresses | string |
//! | types of other packages, such as `Uuid` or `DateTime` | string with the text of `{}`; `Bytes` as byte slices |
//! | ranges | object with `start` and `end` |
//! | `PhantomData` | `null` |
//!
//! The form depends only on the type: a field of a call site has the same JSON type, or `null`, in all its
//! records, so a store that infers a column from the first record accepts the others too. Enums that mix
//! variants with and without data are the exception.
//!
//! Strings contain no character that a terminal could interpret: characters that [`escape`] escapes are written
//! as `\uXXXX`. A name or key that occurs twice is written twice.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, SecondsFormat};
use stenolog_format::types::Shape;
use stenolog_format::value::{Product, Value};

use crate::escape::{self, QUOTED, UNSAFE};
use crate::text::{Json, Reserved, write_debug, write_display};

/// Appends `value` as JSON, without any space.
///
/// ```
/// use stenolog_decoder::json::write_json;
/// use stenolog_format::value::Value;
///
/// let mut out = String::new();
/// let value = Value::Tuple(vec![Value::F64(f64::NAN), Value::I8(-1), Value::Str("\n"), Value::None]);
/// write_json(&mut out, &value);
/// assert_eq!(out, r#"[null,-1,"\n",null]"#);
/// ```
pub fn write_json(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Unit | Value::None => out.push_str("null"),
        Value::Str(text) | Value::Formatted(text) => write_json_string(out, text),
        Value::Char(char) => write_json_string(out, char.encode_utf8(&mut [0; 4])),
        Value::F32(n) => write_float(out, f64::from(*n), value),
        Value::F64(n) => write_float(out, *n, value),
        Value::Bytes(bytes) => write_array(out, bytes.iter().map(|&byte| Value::U8(byte))),
        Value::Some(inner) => write_json(out, inner),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => write_array(out, items),
        Value::Map(entries) => write_map(out, entries),
        Value::Struct(product) => write_struct(out, product),
        Value::Variant(product) => write_variant(out, product),
        Value::Duration(duration) => {
            write_seconds(out, *duration);
            // As for floats: many readers take `2` for another type.
            out.push_str(if duration.subsec_nanos() == 0 { ".0" } else { "" });
        }
        Value::SystemTime(seconds, nanos) => write_system_time(out, *seconds, *nanos),
        Value::Ip(_) | Value::Socket(_) => push_in_quotes(out, value),
        // For small values too: many stores refuse a field that is a number first and a string later.
        Value::U128(_) | Value::I128(_) => push_in_quotes(out, value),
        Value::Bool(_) => write_display(out, value),
        Value::U8(_) | Value::U16(_) | Value::U32(_) | Value::U64(_) => write_display(out, value),
        Value::I8(_) | Value::I16(_) | Value::I32(_) | Value::I64(_) => write_display(out, value),
        // A kind of value that was added later.
        _ => {
            let mut text = String::new();
            write_display(&mut text, value);
            write_json_string(out, &text);
        }
    }
}

/// Appends `text` as a JSON string, in quotes.
///
/// ```
/// use stenolog_decoder::json::write_json_string;
///
/// let mut out = String::new();
/// write_json_string(&mut out, "größe\t\"\u{1b}[0m\"");
/// assert_eq!(out, r#""größe\t\"\u001b[0m\"""#);
/// ```
pub fn write_json_string(out: &mut String, text: &str) {
    out.push('"');
    push_json_text(out, text);
    out.push('"');
}

/// Appends the text of a JSON string, without quotes.
pub(crate) fn push_json_text(out: &mut String, text: &str) {
    escape::push_with(out, text, UNSAFE | QUOTED, push_escape);
}

fn push_escape(out: &mut String, char: char) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        _ => {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

/// Appends a value whose text has nothing that JSON would escape.
fn push_in_quotes(out: &mut String, value: &Value<'_>) {
    out.push('"');
    write_display(out, value);
    out.push('"');
}

/// `{:?}` of a finite float is a JSON number: it has a digit on each side of the point.
fn write_float(out: &mut String, number: f64, value: &Value<'_>) {
    if number.is_finite() {
        write_debug(out, value);
    } else {
        out.push_str("null");
    }
}

fn write_array<'a, V: std::borrow::Borrow<Value<'a>>>(
    out: &mut String,
    items: impl IntoIterator<Item = V>,
) {
    out.push('[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_json(out, item.borrow());
    }
    out.push(']');
}

/// Appends an object for keys of any type: the type of a field does not depend on its value.
fn write_map(out: &mut String, entries: &[(Value<'_>, Value<'_>)]) {
    out.push('{');
    for (i, (key, value)) in entries.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_key(out, key);
        out.push(':');
        write_json(out, value);
    }
    out.push('}');
}

/// Appends a value as the name of a member.
fn write_key(out: &mut String, key: &Value<'_>) {
    if let Value::Struct(product) = key
        && Reserved::of(product).is_none()
        && let Some(inner) = newtype(product)
    {
        return write_key(out, inner);
    }
    match key {
        Value::Str(_) | Value::Formatted(_) | Value::Char(_) | Value::SystemTime(..) => {
            write_json(out, key);
        }
        Value::Variant(product) if product.shape == Shape::Unit => {
            write_json_string(out, product.name);
        }
        Value::Some(inner) => write_key(out, inner),
        Value::Duration(duration) => {
            out.push('"');
            write_seconds(out, *duration);
            out.push('"');
        }
        // The text of `{}`, or of `{:?}` if there is no `Display`.
        _ => {
            let mut text = String::new();
            write_display(&mut text, key);
            write_json_string(out, &text);
        }
    }
}

/// The field of a tuple struct or tuple variant with one field.
fn newtype<'v, 'a>(product: &'v Product<'a>) -> Option<&'v Value<'a>> {
    match (product.shape, product.fields.as_slice()) {
        (Shape::Tuple, [(_, inner)]) => Some(inner),
        _ => None,
    }
}

fn write_struct(out: &mut String, product: &Product<'_>) {
    match Reserved::of(product).map(|reserved| reserved.json()) {
        Some(Json::Text) => return write_text(out, product),
        Some(Json::Bytes(bytes)) => return write_json(out, &Value::Bytes(bytes)),
        Some(Json::Null) => return out.push_str("null"),
        Some(Json::Struct) | None => {}
    }
    match product.shape {
        Shape::Unit => out.push_str("null"),
        Shape::Tuple | Shape::Struct => write_fields(out, product),
    }
}

/// Appends the text of `{}` as a string.
fn write_text(out: &mut String, product: &Product<'_>) {
    let mut text = String::new();
    write_display(&mut text, &Value::Struct(product.clone()));
    write_json_string(out, &text);
}

fn write_variant(out: &mut String, product: &Product<'_>) {
    if product.shape == Shape::Unit {
        return write_json_string(out, product.name);
    }
    out.push('{');
    write_json_string(out, product.name);
    out.push(':');
    write_fields(out, product);
    out.push('}');
}

fn write_fields(out: &mut String, product: &Product<'_>) {
    if product.shape != Shape::Struct {
        return match newtype(product) {
            Some(inner) => write_json(out, inner),
            None => write_array(out, product.fields.iter().map(|(_, value)| value)),
        };
    }
    out.push('{');
    for (i, (name, value)) in product.fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_json_string(out, name);
        out.push(':');
        write_json(out, value);
    }
    out.push('}');
}

/// Appends a number of seconds with as many decimals as it needs.
fn write_seconds(out: &mut String, duration: Duration) {
    out.push_str(itoa::Buffer::new().format(duration.as_secs()));
    if duration.subsec_nanos() > 0 {
        // The leading 1 keeps the zeros after the point.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(1_000_000_000 + duration.subsec_nanos());
        out.push('.');
        out.push_str(digits[1..].trim_end_matches('0'));
    }
}

/// The years that RFC 3339 can write.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9999;

fn write_system_time(out: &mut String, seconds: i64, nanos: u32) {
    out.push('"');
    match DateTime::from_timestamp(seconds, nanos) {
        Some(time) if YEARS.contains(&time.year()) => {
            out.push_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true));
        }
        _ => {
            // Seconds are rounded down, so before the epoch the nanoseconds count towards zero.
            let nanos = u64::from(nanos);
            let (size, nanos) = match (seconds < 0, nanos) {
                (true, 1..) => (seconds.unsigned_abs() - 1, 1_000_000_000u64.saturating_sub(nanos)),
                _ => (seconds.unsigned_abs(), nanos),
            };
            if seconds < 0 {
                out.push('-');
            }
            write_seconds(
                out,
                Duration::from_secs(size).saturating_add(Duration::from_nanos(nanos)),
            );
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
