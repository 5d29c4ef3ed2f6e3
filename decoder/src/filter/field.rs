//! Conditions on values: `NAME=VALUE`.

use std::str::FromStr;
use std::time::Duration;

use chrono::DateTime;
use stenolog_format::dictionary::Slot;
use stenolog_format::types::{Shape, Type};
use stenolog_format::value::{Product, Value};

use super::prefilter::RequiredLiteral;
use crate::json::write_json;
use crate::model::record::Record;
use crate::model::site::{CompiledSite, FieldName};
use crate::text::{Decimal, Reserved, is_uuid, write_debug, write_display};

/// A condition on a value: `name=value`.
///
/// The name is that of a field or an argument as any format shows it (`a_2` if the name comes twice,
/// `fields.level` and `user_id` for `user id` in logfmt), or a path into a structured one (`order.side`).
///
/// `span.path` is the field `path` of any span that the record is in, `span.name` the name of one, and `span.id` its
/// id; a field of a span that is called `name` or `id` is `span.fields.name`. A field of the record itself that is
/// called so matches as well.
///
/// The value is compared by its type and with each form in which it is shown: as text, with and without
/// quotes (`opt=Some(5)`), and as JSON (`opt=5`). Numbers are compared as numbers (`0x10` is not a number),
/// durations as durations (`dur=1.5s`, `dur=1500ms`, and `dur=1.5` in seconds as in JSON), and times in
/// RFC 3339 as times.
///
/// ```
/// use stenolog_decoder::{FieldMatch, Filter};
///
/// let by_path: FieldMatch = "order.side=Buy".parse()?;
/// let filter = Filter::default().with_field(by_path).with_field(FieldMatch::new("qty", "100"));
/// # Ok::<(), stenolog_decoder::FieldMatchError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMatch {
    name: Box<str>,
    text: Box<str>,
    /// The text between the quotes, if it is quoted.
    unquoted: Option<Box<str>>,
    integer: Option<i128>,
    float: Option<f64>,
    duration: Option<Duration>,
    /// Seconds since the Unix epoch, and nanoseconds.
    time: Option<(i64, u32)>,
    /// The condition on a span, if the name begins with `span.`.
    pub(super) of_span: Option<Box<Self>>,
}

/// The error of a condition without a name or without `=`.
///
/// ```
/// use stenolog_decoder::FieldMatch;
///
/// let error = "peer".parse::<FieldMatch>().unwrap_err();
/// assert_eq!(error.to_string(), "`peer` is not a filter: write NAME=VALUE");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a filter: write NAME=VALUE")]
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
    /// Requires that the value called `name` is `value`.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        let time = DateTime::parse_from_rfc3339(value).ok();
        Self {
            name: name.into(),
            text: value.into(),
            unquoted: unquoted(value).map(Into::into),
            integer: value.parse().ok(),
            float: value.parse().ok(),
            duration: parse_duration(value),
            time: time.map(|time| (time.timestamp(), time.timestamp_subsec_nanos())),
            of_span: name.strip_prefix(SPAN).map(|name| Box::new(Self::new(name, value))),
        }
    }

    /// Whether records of the call site, or losses, have a field or an argument of this name, or one that may have a
    /// part of this name.
    #[must_use]
    pub fn is_known_to(&self, site: &CompiledSite) -> bool {
        let name = self.name.strip_prefix("fields.").unwrap_or(&self.name);
        Self::OF_LOSSES.contains(&name)
            || !site.is_span_event() && self.slots(site).next().is_some()
            || self.is_known_to_spans(site)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the call site has a slot of this name.
    pub(super) fn names_slot_of(&self, site: &CompiledSite) -> bool {
        self.slots(site).next().is_some()
    }

    /// The fields of losses.
    pub(super) const OF_LOSSES: [&str; 4] = ["lost", "ring", "cause", "first_record"];

    /// Whether records of the call site can have such a value at all.
    pub(super) fn may_match(&self, site: &CompiledSite) -> bool {
        self.slots(site).any(|(path, slot)| path.is_empty() || may_have_parts(&slot.ty))
    }

    /// What the values of a matching record of the call site must hold.
    pub(super) fn required(&self, site: &CompiledSite) -> RequiredLiteral {
        let slots = self.slots_named(site).zip(&site.call_site().slots).enumerate();
        let mut types = Vec::new();
        for (index, (path, slot)) in slots {
            // Parts of values are not searched for.
            match path {
                Some("") => types.push((index, &slot.ty)),
                Some(_) => return RequiredLiteral::Unknown,
                None => {}
            }
        }
        RequiredLiteral::of_value(&self.text, self.integer, types.into_iter())
    }

    pub(super) fn matches(&self, record: &Record<'_>, text: &mut String) -> bool {
        let names = self.slots_named(record.site());
        let mut values = names.zip(record.values());
        values.any(|(path, value)| path.is_some_and(|path| self.matches_in(value, path, text)))
            || self
                .of_span
                .as_ref()
                .is_some_and(|of| record.spans().any(|span| of.is_met(&span, text)))
    }

    /// Whether it is this very field with this value.
    pub(super) fn is_of(&self, name: &str, value: &Value<'_>, text: &mut String) -> bool {
        let is_named = *self.name == *name || self.name.strip_prefix("fields.") == Some(name);
        is_named && self.equals(value, text)
    }

    /// The slots that may have the value, each with the path to it.
    fn slots<'s>(&'s self, site: &'s CompiledSite) -> impl Iterator<Item = (&'s str, &'s Slot)> {
        let names = self.slots_named(site).zip(&site.call_site().slots);
        names.filter_map(|(path, slot)| Some((path?, slot)))
    }

    /// For each slot, the rest of the path after its name, if the path begins with its name.
    fn slots_named<'s>(&'s self, site: &'s CompiledSite) -> impl Iterator<Item = Option<&'s str>> {
        let mut fields = site.fields().iter().peekable();
        site.call_site().slots.iter().enumerate().map(move |(index, slot)| {
            let shown = fields.next_if(|field| field.slot == index)?;
            self.path_in(slot.name.as_str(), shown)
        })
    }

    /// The rest of the path after the name of a field, if it begins with that.
    pub(super) fn path_in(&self, name: &str, shown: &FieldName) -> Option<&str> {
        let (shown, key) = (&*shown.name, &*shown.key);
        let path = |whole| {
            inside(whole, name).or_else(|| inside(whole, shown)).or_else(|| inside(whole, key))
        };
        path(&self.name).or_else(|| path(self.name.strip_prefix("fields.")?))
    }

    pub(super) fn matches_in(&self, value: &Value<'_>, path: &str, text: &mut String) -> bool {
        if path.is_empty() {
            return self.equals(value, text);
        }
        match value {
            Value::Some(inner) => self.matches_in(inner, path, text),
            Value::Struct(product) => self.matches_in_product(product, path, text),
            Value::Variant(product) => {
                self.matches_in_product(product, path, text)
                    // JSON wraps its fields in an object.
                    || inside(path, product.name).is_some_and(|path| {
                        !path.is_empty() && self.matches_in_product(product, path, text)
                            || path.is_empty()
                                && matches!(&*product.fields, [(_, inner)] if self.equals(inner, text))
                    })
            }
            Value::Map(entries) => entries.iter().any(|(key, value)| {
                text.clear();
                write_display(text, key);
                inside(path, text).is_some_and(|path| self.matches_in(value, path, text))
            }),
            Value::Tuple(values) | Value::List(values) | Value::Set(values) => {
                let (index, path) = path.split_once('.').unwrap_or((path, ""));
                let value = index.parse().ok().and_then(|index: usize| values.get(index));
                value.is_some_and(|value| self.matches_in(value, path, text))
            }
            _ => false,
        }
    }

    fn matches_in_product(&self, product: &Product<'_>, path: &str, text: &mut String) -> bool {
        if product.shape == Shape::Tuple {
            let (index, path) = path.split_once('.').unwrap_or((path, ""));
            let field = index.parse().ok().and_then(|index: usize| product.fields.get(index));
            return field.is_some_and(|(_, value)| self.matches_in(value, path, text))
                // JSON shows the field instead of the struct.
                || matches!(&*product.fields, [(_, inner)] if self.matches_in(inner, path, text));
        }
        product.fields.iter().any(|(name, value)| {
            inside(path, name).is_some_and(|path| self.matches_in(value, path, text))
        })
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
            // In JSON they are in quotes.
            Value::I128(n) => integer(n) || self.unquoted.is_some() && self.is_shown(value, text),
            Value::U128(n) => {
                i128::try_from(n).is_ok_and(integer)
                    || self.integer.is_none() && self.is_shown(value, text)
            }
            // The text 0.1 means the nearest `f32`. A text that is no number may be what JSON shows
            // for infinity.
            Value::F32(x) => {
                self.text.parse().is_ok_and(|y: f32| x == y || x.is_nan() && y.is_nan())
                    || self.float.is_none() && self.is_shown(value, text)
            }
            Value::F64(x) => {
                self.float.is_some_and(|y| x == y || x.is_nan() && y.is_nan())
                    || self.float.is_none() && self.is_shown(value, text)
            }
            Value::Str(s) | Value::Formatted(s) => self.is_text(s),
            // All forms of them are read as such.
            Value::Duration(of) => self.duration == Some(of),
            Value::SystemTime(seconds, nanos) => {
                self.time == Some((seconds, nanos))
                    || self.time.is_none() && self.is_shown(value, text)
            }
            // JSON shows the inner value.
            Value::Some(ref inner) => {
                self.equals(inner, text) || self.begins_with("Some(") && self.is_shown(value, text)
            }
            Value::Struct(ref product) => {
                if let Some(reserved) = Reserved::of(product) {
                    return self.is_reserved(&reserved) || self.is_shown(value, text);
                }
                let newtype = match &*product.fields {
                    [(_, inner)] if product.shape == Shape::Tuple => Some(inner),
                    // An error, by its message alone.
                    _ => product.as_error().map(|(message, _)| message),
                };
                let may_be_shown = newtype.is_none()
                    || !product.name.is_empty() && self.begins_with(product.name)
                    // With its sources.
                    || product.as_error().is_some() && self.begins_with("{");
                newtype.is_some_and(|inner| self.equals(inner, text))
                    || may_be_shown && self.is_shown(value, text)
            }
            _ => self.is_shown(value, text),
        }
    }

    /// Whether it is meant, however it is written.
    fn is_reserved(&self, value: &Reserved<'_>) -> bool {
        let text = self.unquoted.as_deref().unwrap_or(&self.text);
        match value {
            Reserved::Uuid(bytes) => is_uuid(bytes, text),
            Reserved::Decimal(number) => {
                Decimal::parse(text).is_some_and(|wanted| wanted.equals(*number))
            }
            _ => {
                let time = value.moment().is_some_and(|moment| self.time == Some(moment));
                let of = value.duration();
                time || of.is_some() && self.duration == of
            }
        }
    }

    pub(super) fn is_text(&self, text: &str) -> bool {
        *self.text == *text || self.unquoted.as_deref() == Some(text)
    }

    /// Whether the wanted value begins so, with or without quotes around all of it, as logfmt has them.
    fn begins_with(&self, start: &str) -> bool {
        self.text.starts_with(start)
            || self.unquoted.as_deref().is_some_and(|text| text.starts_with(start))
    }

    /// Whether any format shows the value so. This is slow: comparisons without text come first.
    fn is_shown(&self, value: &Value<'_>, text: &mut String) -> bool {
        [write_display, write_debug, write_json].into_iter().any(|write| {
            text.clear();
            write(text, value);
            self.is_text(text)
        })
    }

    pub(super) fn is_integer(&self, value: i128) -> bool {
        match (self.integer, self.float) {
            (Some(wanted), _) => value == wanted,
            // `1e3` and `5.0` are integers too.
            (None, Some(wanted)) => value as f64 == wanted,
            (None, None) => false,
        }
    }
}

/// What the name of a condition on a span begins with.
const SPAN: &str = "span.";

/// The rest of a path after `name`.
fn inside<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    if name.is_empty() {
        return None;
    }
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// The text that a quoted text means, with the escapes of all formats.
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        match chars.next()? {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            '0' => out.push('\0'),
            'u' => {
                let after = chars.as_str();
                let (digits, after) = match after.strip_prefix('{') {
                    Some(after) => after.split_once('}')?,
                    None => after.split_at_checked(4)?,
                };
                let mut unit = u32::from_str_radix(digits, 16).ok()?;
                rest = after;
                if (0xd800..0xdc00).contains(&unit) {
                    // The other half of a pair.
                    let (low, after) = after.strip_prefix("\\u")?.split_at_checked(4)?;
                    let low = u32::from_str_radix(low, 16).ok()?.checked_sub(0xdc00)?;
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + low;
                    rest = after;
                }
                out.push(char::from_u32(unit)?);
                continue;
            }
            other => out.push(other),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Some(out)
}

/// Reads `1.5s`, `20ms`, and a number of seconds as JSON has it, exactly.
fn parse_duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let nanos: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "" | "s" => 1_000_000_000,
        "m" | "min" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        "d" => 86_400 * 1_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || part.len() > 20 {
        return None;
    }
    let part = part.trim_end_matches('0');
    let scale = 10_u128.pow(part.len() as u32);
    let fraction: u128 = if part.is_empty() { 0 } else { part.parse().ok()? };
    let fraction = fraction.checked_mul(nanos)?;
    if fraction % scale != 0 {
        return None;
    }
    let all = whole.parse::<u128>().ok()?.checked_mul(nanos)?.checked_add(fraction / scale)?;
    let seconds = u64::try_from(all / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, (all % 1_000_000_000) as u32))
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
