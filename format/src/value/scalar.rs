//! Scalars: values without parts, read without a [`Type`] tree.

use super::{Cursor, Value, ValueError};
use crate::types::Type;

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $read:expr;)*) => {
        /// A number, a truth value, a character or a text. Unlike a [`Value`] it can be copied, and
        /// dropping it does nothing.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Scalar<'a> {
            $($(#[$doc])* $name($inner),)*
        }

        /// The type of a [`Scalar`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ScalarType {
            $($(#[$doc])* $name,)*
        }

        impl ScalarType {
            /// The type, if its values are scalars.
            #[must_use]
            pub const fn of(ty: &Type) -> Option<Self> {
                match ty {
                    $(Type::$name => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl<'a> Scalar<'a> {
            /// Reads one scalar.
            ///
            /// # Errors
            /// As [`Value::read`].
            #[inline]
            pub fn read(cursor: &mut Cursor<'a>, ty: ScalarType) -> Result<Self, ValueError> {
                Ok(match ty {
                    $(ScalarType::$name => {
                        let read: fn(&mut Cursor<'a>) -> Result<$inner, ValueError> = $read;
                        Self::$name(read(cursor)?)
                    })*
                })
            }
        }

        impl<'a> From<Scalar<'a>> for Value<'a> {
            #[inline]
            fn from(scalar: Scalar<'a>) -> Self {
                match scalar {
                    $(Scalar::$name(inner) => Self::$name(inner),)*
                }
            }
        }
    };
}

impl<'a> Scalar<'a> {
    /// The scalar of a word of a [`ColumnWalk`](crate::block::ColumnWalk): an integer extended to 64 bits, a
    /// character, the bits of a float, or the offset of a text in `body`, shifted by 32 bits, and its length.
    /// A walk has no words for characters.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub fn from_word(ty: ScalarType, word: u64, body: &'a [u8]) -> Result<Self, ValueError> {
        let overflow = |_| ValueError::Overflow;
        Ok(match ty {
            ScalarType::Bool => match word {
                0 | 1 => Self::Bool(word == 1),
                _ => return Err(ValueError::Flag { found: word as u8 }),
            },
            ScalarType::U8 => Self::U8(word as u8),
            ScalarType::U16 => Self::U16(u16::try_from(word).map_err(overflow)?),
            ScalarType::U32 => Self::U32(u32::try_from(word).map_err(overflow)?),
            ScalarType::U64 => Self::U64(word),
            ScalarType::I8 => Self::I8(word as i8),
            ScalarType::I16 => Self::I16(i16::try_from(word as i64).map_err(overflow)?),
            ScalarType::I32 => Self::I32(i32::try_from(word as i64).map_err(overflow)?),
            ScalarType::I64 => Self::I64(word as i64),
            ScalarType::F32 => Self::F32(f32::from_bits(word as u32)),
            ScalarType::F64 => Self::F64(f64::from_bits(word)),
            ScalarType::Str => Self::Str(text(word, body)?),
            ScalarType::Formatted => Self::Formatted(text(word, body)?),
            ScalarType::Char => {
                char::from_u32(word as u32).map(Self::Char).ok_or(ValueError::Char)?
            }
        })
    }

    /// The word from which [`from_word`](Self::from_word) makes this scalar. A text must be in `body`.
    #[inline]
    #[must_use]
    pub fn to_word(self, body: &[u8]) -> u64 {
        let place = |text: &str| {
            let start = (text.as_ptr() as u64).wrapping_sub(body.as_ptr() as u64);
            start << 32 | text.len() as u64
        };
        match self {
            Self::Bool(truth) => truth.into(),
            Self::Char(char) => u32::from(char).into(),
            Self::U8(n) => n.into(),
            Self::U16(n) => n.into(),
            Self::U32(n) => n.into(),
            Self::U64(n) => n,
            Self::I8(n) => i64::from(n) as u64,
            Self::I16(n) => i64::from(n) as u64,
            Self::I32(n) => i64::from(n) as u64,
            Self::I64(n) => n as u64,
            Self::F32(n) => n.to_bits().into(),
            Self::F64(n) => n.to_bits(),
            Self::Str(text) | Self::Formatted(text) => place(text),
        }
    }
}

fn text(word: u64, body: &[u8]) -> Result<&str, ValueError> {
    let (start, length) = ((word >> 32) as usize, word as u32 as usize);
    let bytes = body.get(start..).and_then(|rest| rest.get(..length));
    std::str::from_utf8(bytes.ok_or(ValueError::End)?).map_err(|_| ValueError::Utf8)
}

scalars! {
    /// `bool`
    Bool(bool) = Cursor::bool;
    /// `char`
    Char(char) = Cursor::char;
    /// `u8`
    U8(u8) = Cursor::u8;
    /// `u16`
    U16(u16) = Cursor::u16;
    /// `u32`
    U32(u32) = Cursor::u32;
    /// `u64`
    U64(u64) = Cursor::u64;
    /// `i8`
    I8(i8) = |cursor| cursor.u8().map(|byte| byte as i8);
    /// `i16`
    I16(i16) = Cursor::i16;
    /// `i32`
    I32(i32) = Cursor::i32;
    /// `i64`
    I64(i64) = Cursor::i64;
    /// `f32`
    F32(f32) = |cursor| cursor.array().map(|bytes| f32::from_bits(u32::from_le_bytes(bytes)));
    /// `f64`
    F64(f64) = |cursor| cursor.array().map(|bytes| f64::from_bits(u64::from_le_bytes(bytes)));
    /// A string.
    Str(&'a str) = Cursor::str;
    /// Text that was formatted at the call.
    Formatted(&'a str) = Cursor::str;
}
