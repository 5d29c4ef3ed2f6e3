//! Printing of one value: shortcuts for nearly all placeholders, std for the rest.

use stenolog_format::template::Trait;
use stenolog_format::value::Value;

use super::float::{self, Style};
use super::spec::ResolvedSpec;
use super::{limit, std_print};
use crate::escape::is_clean;

/// Appends `value` as `format!` prints it by `spec`.
///
/// See [`ResolvedSpec`] for an example.
pub fn write_value(out: &mut String, value: &Value<'_>, spec: &ResolvedSpec) {
    let values = std::slice::from_ref(value);
    limit::within(out, values, |out, limit| self::value(out, value, spec, limit));
}

/// Appends `value` as `{}` prints it, or as `{:?}` does if Rust has no `Display` for its type.
///
/// ```
/// use stenolog_decoder::text::{write_debug, write_display};
/// use stenolog_format::value::Value;
///
/// let mut out = String::new();
/// write_display(&mut out, &Value::Str("a\n"));
/// assert_eq!(out, "a\n");
///
/// out.clear();
/// write_display(&mut out, &Value::Some(Box::new(Value::Str("a\n"))));
/// assert_eq!(out, r#"Some("a\n")"#);
/// ```
pub fn write_display(out: &mut String, value: &Value<'_>) {
    // Without a width, the text is hardly longer than the value and the names in it.
    let _within_limit = display(out, value, usize::MAX);
}

/// Appends `value` as `{:?}` prints it.
///
/// See [`write_display`] for an example.
pub fn write_debug(out: &mut String, value: &Value<'_>) {
    let _within_limit = debug(out, value, usize::MAX);
}

/// Like [`write_value`]; returns `false` if `out` would have grown beyond `limit`.
#[must_use]
pub(super) fn value(
    out: &mut String,
    value: &Value<'_>,
    spec: &ResolvedSpec,
    limit: usize,
) -> bool {
    if spec.has_only_precision() {
        match (spec.precision, spec.format, value) {
            (None, Trait::Display, _) => return display(out, value, limit),
            (None, Trait::Debug, _) => return debug(out, value, limit),
            (Some(digits), Trait::Display | Trait::Debug, Value::F64(number))
                if float::push_decimals(out, *number, digits) =>
            {
                return true;
            }
            (Some(digits), Trait::Display | Trait::Debug, Value::F32(number))
                if float::push_decimals(out, f64::from(*number), digits) =>
            {
                return true;
            }
            _ => {}
        }
    }
    std_print::print(out, value, spec, limit)
}

/// `{}`
#[must_use]
pub(super) fn display(out: &mut String, value: &Value<'_>, limit: usize) -> bool {
    match value {
        Value::Str(text) | Value::Formatted(text) => out.push_str(text),
        Value::Char(char) => out.push(*char),
        Value::F32(number) if float::push_shortest_f32(out, *number, Style::Display) => {}
        Value::F64(number) if float::push_shortest(out, *number, Style::Display) => {}
        _ if push_simple(out, value) => {}
        _ => return std_print::print(out, value, &ResolvedSpec::new(Trait::Display), limit),
    }
    true
}

/// `{:?}`
#[must_use]
pub(super) fn debug(out: &mut String, value: &Value<'_>, limit: usize) -> bool {
    match value {
        Value::Formatted(text) => out.push_str(text),
        Value::Str(text) if is_clean(text.as_bytes()) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        Value::F32(number) if float::push_shortest_f32(out, *number, Style::Debug) => {}
        Value::F64(number) if float::push_shortest(out, *number, Style::Debug) => {}
        _ if push_simple(out, value) => {}
        _ => return std_print::print(out, value, &ResolvedSpec::new(Trait::Debug), limit),
    }
    true
}

/// Appends what `{}` and `{:?}` print alike; `false` if `value` is of another kind.
fn push_simple(out: &mut String, value: &Value<'_>) -> bool {
    fn push_integer(out: &mut String, integer: impl itoa::Integer) {
        out.push_str(itoa::Buffer::new().format(integer));
    }
    match *value {
        Value::U8(n) => push_integer(out, n),
        Value::U16(n) => push_integer(out, n),
        Value::U32(n) => push_integer(out, n),
        Value::U64(n) => push_integer(out, n),
        Value::U128(n) => push_integer(out, n),
        Value::I8(n) => push_integer(out, n),
        Value::I16(n) => push_integer(out, n),
        Value::I32(n) => push_integer(out, n),
        Value::I64(n) => push_integer(out, n),
        Value::I128(n) => push_integer(out, n),
        Value::Bool(truth) => out.push_str(if truth { "true" } else { "false" }),
        Value::None => out.push_str("None"),
        Value::Unit => out.push_str("()"),
        _ => return false,
    }
    true
}
