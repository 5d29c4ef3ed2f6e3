//! Values of call sites that are described at run time.

use std::error::Error;
use std::fmt;

use super::values::{Code, Values};

/// A value of a record whose call site is described at run time: see [`DynamicSite`](super::DynamicSite).
///
/// Numbers, strings and bytes are stored as they are. The last three kinds are formatted at the call.
///
/// ```
/// use stenolog::DynamicValue;
///
/// let values: [DynamicValue<'_>; 4] = [7_u8.into(), (-1).into(), "text".into(), None::<f64>.into()];
/// assert_eq!(values.map(|value| value.to_string()), ["7", "-1", "text", ""]);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum DynamicValue<'a> {
    /// No value: the field is left out.
    Empty,
    /// `bool`
    Bool(bool),
    /// A signed integer of up to 64 bits.
    I64(i64),
    /// An unsigned integer of up to 64 bits.
    U64(u64),
    /// A signed integer of 128 bits.
    I128(i128),
    /// An unsigned integer of 128 bits.
    U128(u128),
    /// A floating-point number.
    F64(f64),
    /// A character.
    Char(char),
    /// A string.
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text, formatted at the call.
    Display(&'a dyn fmt::Display),
    /// Text in the form of `Debug`, formatted at the call.
    Debug(&'a dyn fmt::Debug),
    /// An error: its text and those of its sources, formatted at the call.
    Error(&'a (dyn Error + 'static)),
}

impl DynamicValue<'_> {
    #[inline]
    pub(super) fn append(&self, values: &mut Values, index: usize) {
        match *self {
            Self::Empty => values.index(Code::Empty, index),
            Self::Bool(value) => {
                values.index(Code::Bool, index);
                values.put(&[u8::from(value)]);
            }
            Self::I64(value) => {
                values.index(Code::I64, index);
                values.put(&value.to_le_bytes());
            }
            Self::U64(value) => {
                values.index(Code::U64, index);
                values.put(&value.to_le_bytes());
            }
            Self::I128(value) => {
                values.index(Code::I128, index);
                values.put(&value.to_le_bytes());
            }
            Self::U128(value) => {
                values.index(Code::U128, index);
                values.put(&value.to_le_bytes());
            }
            Self::F64(value) => {
                values.index(Code::F64, index);
                values.put(&value.to_le_bytes());
            }
            Self::Char(value) => {
                values.index(Code::Char, index);
                values.put(&u32::from(value).to_le_bytes());
            }
            Self::Str(value) => {
                values.index(Code::Str, index);
                values.put_counted(value.as_bytes());
            }
            Self::Bytes(value) => {
                values.index(Code::Bytes, index);
                values.put_counted(value);
            }
            Self::Display(value) => {
                values.index(Code::Display, index);
                values.put_text(format_args!("{value}"));
            }
            Self::Debug(value) => {
                values.index(Code::Debug, index);
                values.put_text(format_args!("{value:?}"));
            }
            Self::Error(value) => {
                values.index(Code::Error, index);
                values.put_error(value);
            }
        }
    }
}

/// The value as text; nothing if it is empty.
impl fmt::Display for DynamicValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::I128(value) => value.fmt(f),
            Self::U128(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::Char(value) => value.fmt(f),
            Self::Str(value) => value.fmt(f),
            Self::Bytes(value) => write!(f, "{value:?}"),
            Self::Display(value) => value.fmt(f),
            Self::Debug(value) => value.fmt(f),
            Self::Error(value) => value.fmt(f),
        }
    }
}

impl fmt::Debug for DynamicValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Char(value) => value.fmt(f),
            Self::Str(value) => value.fmt(f),
            value => fmt::Display::fmt(value, f),
        }
    }
}

macro_rules! from {
    ($($variant:ident($($ty:ty)+);)+) => {$($(
        impl From<$ty> for DynamicValue<'_> {
            fn from(value: $ty) -> Self {
                Self::$variant(value.into())
            }
        }
    )+)+};
}

from! {
    Bool(bool);
    I64(i8 i16 i32 i64);
    U64(u8 u16 u32 u64);
    I128(i128);
    U128(u128);
    F64(f32 f64);
    Char(char);
}

impl From<usize> for DynamicValue<'_> {
    fn from(value: usize) -> Self {
        Self::U64(value as u64)
    }
}

impl From<isize> for DynamicValue<'_> {
    fn from(value: isize) -> Self {
        Self::I64(value as i64)
    }
}

impl<'a> From<&'a str> for DynamicValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a String> for DynamicValue<'a> {
    fn from(value: &'a String) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a [u8]> for DynamicValue<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

/// `None` is [`Empty`](DynamicValue::Empty).
impl<'a, T: Into<DynamicValue<'a>>> From<Option<T>> for DynamicValue<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}
