//! Values without parts, read without looking at a [`Type`] tree.

use super::{Cursor, Value, ValueError};
use crate::types::Type;

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $read:expr;)*) => {
        /// A value that is a number, a truth or a text. Unlike a [`Value`] it can be copied, and
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
            /// As [`Value::read`], which reads the same.
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
