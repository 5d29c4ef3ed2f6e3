//! Values with a reserved name: types of other packages and of std, printed as they print themselves.
//!
//! The dictionary has them as structs (`stenolog_format::types::reserved`). A struct whose parts are not those
//! of its name prints as any other.

mod calendar;
mod chrono;
mod decimal;
mod jiff;
mod time;
mod url;

use std::fmt;
use std::time::Duration;

use stenolog_format::template::Trait;
use stenolog_format::types::reserved as names;
use stenolog_format::value::{Product, Value, write_hexdump};

use self::chrono::Chrono;
pub(crate) use self::decimal::Decimal;
use self::jiff::Jiff;
use self::time::Time;
use self::url::Url;
use super::std_print;

/// A value with a reserved name.
#[derive(Debug)]
pub(crate) enum Reserved<'v> {
    Uuid([u8; 16]),
    Chrono(Chrono),
    Jiff(Jiff<'v>),
    Time(Time),
    Decimal(Decimal),
    Bytes(&'v [u8]),
    Hexdump(&'v [u8]),
    Url(&'v str),
    /// The beginning, what is between, the end.
    Range(Option<&'v Value<'v>>, &'static str, Option<&'v Value<'v>>),
    Phantom(&'v str),
}

/// The form of such a value in JSON.
pub(crate) enum Json<'v> {
    /// A string with the text of `{}`.
    Text,
    /// As the struct that it is.
    Struct,
    Bytes(&'v [u8]),
    Null,
}

impl<'v> Reserved<'v> {
    /// The value of a struct, if that has a reserved name and the parts that belong to it.
    pub(crate) fn of(product: &'v Product<'v>) -> Option<Self> {
        if !names::is_reserved(product.name) {
            return None;
        }
        let range = |between| match product.fields.as_slice() {
            [(_, start), (_, end)] => Some(Self::Range(Some(start), between, Some(end))),
            _ => None,
        };
        let lone = match product.fields.as_slice() {
            [(_, value)] => Some(value),
            _ => None,
        };
        match product.name {
            names::UUID => match lone? {
                Value::Bytes(bytes) => Some(Self::Uuid((*bytes).try_into().ok()?)),
                _ => None,
            },
            names::BYTES => bytes(lone?).map(Self::Bytes),
            names::HEXDUMP => bytes(lone?).map(Self::Hexdump),
            names::URL => match lone? {
                Value::Str(text) => Some(Self::Url(text)),
                _ => None,
            },
            names::PHANTOM => match lone? {
                Value::Formatted(text) => Some(Self::Phantom(text)),
                _ => None,
            },
            names::DECIMAL => Decimal::of(product).map(Self::Decimal),
            names::RANGE => range(".."),
            names::RANGE_INCLUSIVE => range("..="),
            names::RANGE_FROM => Some(Self::Range(Some(lone?), "..", None)),
            names::RANGE_TO => Some(Self::Range(None, "..", Some(lone?))),
            names::RANGE_TO_INCLUSIVE => Some(Self::Range(None, "..=", Some(lone?))),
            _ => Chrono::of(product)
                .map(Self::Chrono)
                .or_else(|| Jiff::of(product).map(Self::Jiff))
                .or_else(|| Time::of(product).map(Self::Time)),
        }
    }

    /// Prints by a trait. Those that the type lacks in Rust print as `{}`, or else as `{:?}`.
    pub(super) fn fmt(&self, format: Trait, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_debug = matches!(format, Trait::Debug | Trait::DebugLowerHex | Trait::DebugUpperHex);
        match self {
            Self::Uuid(bytes) => write_uuid(bytes, format == Trait::UpperHex, f),
            Self::Chrono(value) => value.fmt(is_debug, f),
            Self::Jiff(value) => value.fmt(is_debug, f),
            Self::Time(value) => value.fmt(is_debug, f),
            Self::Decimal(value) => value.fmt(format, f),
            Self::Bytes(bytes) => match format {
                Trait::LowerHex => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
                Trait::UpperHex => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
                _ => write_bytes(bytes, f),
            },
            Self::Hexdump(bytes) => write_hexdump(f, bytes),
            Self::Url(text) if is_debug => fmt::Debug::fmt(&Url(text), f),
            Self::Url(text) => fmt::Display::fmt(text, f),
            Self::Range(start, between, end) => {
                if let Some(start) = start {
                    std_print::debug(start, f)?;
                }
                f.write_str(between)?;
                match end {
                    Some(end) => std_print::debug(end, f),
                    None => Ok(()),
                }
            }
            Self::Phantom(text) => f.write_str(text),
        }
    }

    /// The form in JSON.
    pub(crate) fn json(&self) -> Json<'v> {
        match self {
            Self::Range(..) => Json::Struct,
            Self::Bytes(bytes) => Json::Bytes(bytes),
            Self::Phantom(_) => Json::Null,
            _ => Json::Text,
        }
    }

    /// The moment that it is, in seconds since the Unix epoch, rounded down, and nanoseconds.
    pub(crate) fn moment(&self) -> Option<(i64, u32)> {
        match self {
            Self::Chrono(value) => value.moment(),
            Self::Jiff(value) => value.moment(),
            Self::Time(value) => value.moment(),
            _ => None,
        }
    }

    /// The duration that it is, unless it is negative.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let (seconds, nanos) = match self {
            Self::Chrono(value) => value.duration(),
            Self::Jiff(value) => value.duration(),
            Self::Time(value) => value.duration(),
            _ => None,
        }?;
        Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?))
    }
}

/// Whether a text is this UUID, in any of the ways to write one.
pub(crate) fn is_uuid(bytes: &[u8; 16], text: &str) -> bool {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
    let is_same = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .all(|digit| digits.next() == Some(Some(u32::from(digit))));
    is_same && digits.next().is_none()
}

fn bytes<'v>(value: &'v Value<'v>) -> Option<&'v [u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn write_uuid(bytes: &[u8; 16], is_upper: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let number = u128::from_be_bytes(*bytes);
    let part =
        |at: u32, digits: u32| (number >> (128 - at - 4 * digits)) & ((1 << (4 * digits)) - 1);
    let [a, b, c, d, e] = [part(0, 8), part(32, 4), part(48, 4), part(64, 4), part(80, 12)];
    if is_upper {
        write!(f, "{a:08X}-{b:04X}-{c:04X}-{d:04X}-{e:012X}")
    } else {
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

/// `Debug` of `bytes::Bytes`.
fn write_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("b\"")?;
    for &byte in bytes {
        match byte {
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            0 => f.write_str("\\0")?,
            b'\\' | b'"' => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_str("\"")
}

/// The integers that a value consists of.
fn integers<const N: usize>(product: &Product<'_>) -> Option<[i64; N]> {
    let mut integers = [0; N];
    if product.fields.len() != N {
        return None;
    }
    for (place, (_, value)) in integers.iter_mut().zip(&product.fields) {
        *place = integer(value)?;
    }
    Some(integers)
}

fn integer(value: &Value<'_>) -> Option<i64> {
    Some(match *value {
        Value::U8(n) => n.into(),
        Value::U32(n) => n.into(),
        Value::I8(n) => n.into(),
        Value::I16(n) => n.into(),
        Value::I32(n) => n.into(),
        Value::I64(n) => n,
        _ => return None,
    })
}

/// Nanoseconds below a second.
fn nanos(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|nanos| *nanos < 1_000_000_000)
}

/// Nanoseconds below a second, of either sign.
fn is_below_second(number: i64) -> Option<()> {
    (-999_999_999..=999_999_999).contains(&number).then_some(())
}

#[cfg(test)]
mod tests;
