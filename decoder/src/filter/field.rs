//! `NAME=VALUE`

use std::str::FromStr;

use stenolog_format::dictionary::CallSite;
use stenolog_format::types::Type;
use stenolog_format::value::Value;

use super::needle::Need;
use crate::entry::Record;
use crate::text::write_display;

/// A condition on a value: `name=value`.
///
/// The name is that of a field or an argument, or a path into a structured one (`order.side`).
/// Numbers are compared as numbers (`0x10` is none), all else by what `{}` prints; `Some(x)` is
/// compared as `x`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMatch {
    name: Box<str>,
    text: Box<str>,
    integer: Option<i128>,
    float: Option<f64>,
}

/// A condition without a name or without `=`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no condition: write NAME=VALUE")]
pub struct FieldMatchError(String);

impl FromStr for FieldMatch {
    type Err = FieldMatchError;

    fn from_str(text: &str) -> Result<Self, FieldMatchError> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self::new(name, value)),
            _ => Err(FieldMatchError(text.to_owned())),
        }
    }
}

impl FieldMatch {
    /// The value called `name` must be `value`.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.into(),
            text: value.into(),
            integer: value.parse().ok(),
            float: value.parse().ok(),
        }
    }

    /// Whether records of the call site can have such a value at all.
    pub(super) fn may_match(&self, call_site: &CallSite) -> bool {
        call_site.slots.iter().any(|slot| {
            self.path_in(&slot.name).is_some_and(|path| path.is_empty() || may_have_parts(&slot.ty))
        })
    }

    /// What the records of the call site must have in their values to match.
    pub(super) fn need(&self, call_site: &CallSite) -> Need {
        let slots = call_site.slots.iter();
        let paths = slots.filter_map(|slot| Some((self.path_in(&slot.name)?, &slot.ty)));
        // What a part of a value prints as is not looked into.
        let types: Option<Vec<_>> = paths.map(|(path, ty)| path.is_empty().then_some(ty)).collect();
        types.map_or(Need::Nothing, |types| {
            Need::of_value(&self.text, self.integer, types.into_iter())
        })
    }

    pub(super) fn matches(&self, record: &Record<'_>, text: &mut String) -> bool {
        let slots = record.call_site().slots.iter().zip(record.values());
        slots.into_iter().any(|(slot, value)| {
            self.path_in(&slot.name).is_some_and(|path| self.matches_in(value, path, text))
        })
    }

    /// What is left of the name behind `slot`.
    fn path_in(&self, slot: &str) -> Option<&str> {
        if slot.is_empty() {
            return None;
        }
        let rest = self.name.strip_prefix(slot)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    }

    fn matches_in(&self, value: &Value<'_>, path: &str, text: &mut String) -> bool {
        if path.is_empty() {
            return self.equals(value, text);
        }
        match value {
            Value::Some(inner) => self.matches_in(inner, path, text),
            Value::Struct(product) | Value::Variant(product) => {
                product.fields.iter().any(|(name, value)| {
                    inside(path, name).is_some_and(|path| self.matches_in(value, path, text))
                })
            }
            Value::Map(entries) => entries.iter().any(|(key, value)| {
                let Value::Str(key) = key else { return false };
                inside(path, key).is_some_and(|path| self.matches_in(value, path, text))
            }),
            Value::Tuple(values) | Value::List(values) | Value::Set(values) => {
                let (index, path) = path.split_once('.').unwrap_or((path, ""));
                let value = index.parse().ok().and_then(|index: usize| values.get(index));
                value.is_some_and(|value| self.matches_in(value, path, text))
            }
            _ => false,
        }
    }

    fn equals(&self, value: &Value<'_>, text: &mut String) -> bool {
        let integer = |value: i128| self.is_integer(value);
        match *value {
            Value::U8(n) => integer(n.into()),
            Value::U16(n) => integer(n.into()),
            Value::U32(n) => integer(n.into()),
            Value::U64(n) => integer(n.into()),
            Value::I8(n) => integer(n.into()),
            Value::I16(n) => integer(n.into()),
            Value::I32(n) => integer(n.into()),
            Value::I64(n) => integer(n.into()),
            Value::I128(n) => integer(n),
            Value::U128(n) => match i128::try_from(n) {
                Ok(n) => integer(n),
                Err(_) => self.text.parse() == Ok(n),
            },
            // What was written as 0.1 means the number that `f32` has for it.
            Value::F32(x) => {
                self.text.parse().is_ok_and(|y: f32| x == y || x.is_nan() && y.is_nan())
            }
            Value::F64(x) => self.float.is_some_and(|y| x == y || x.is_nan() && y.is_nan()),
            Value::Str(s) | Value::Formatted(s) => *self.text == *s,
            Value::Some(ref inner) => self.equals(inner, text),
            // By its message, or with all its sources as it is shown.
            Value::Struct(ref product)
                if product.as_error().is_some_and(|(message, _)| self.equals(message, text)) =>
            {
                true
            }
            _ => {
                text.clear();
                write_display(text, value);
                *self.text == **text
            }
        }
    }

    fn is_integer(&self, value: i128) -> bool {
        match (self.integer, self.float) {
            (Some(wanted), _) => value == wanted,
            // `1e3` and `5.0` are integers in other clothes.
            (None, Some(wanted)) => value as f64 == wanted,
            (None, None) => false,
        }
    }
}

/// What is left of a path behind `name`.
fn inside<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

fn may_have_parts(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Struct(_)
            | Type::Enum(_)
            | Type::Map(..)
            | Type::Serde(_)
            | Type::Option(_)
            | Type::Tuple(_)
            | Type::Slice(_)
            | Type::Array(..)
    )
}
