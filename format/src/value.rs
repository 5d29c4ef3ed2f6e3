//! Recorded values and their two encodings.
//!
//! A call site stores values *raw*: fixed widths, little-endian, no padding. The drain *packs* them when it has
//! time: postcard's wire format, with variable-length integers. Reading either needs the [`Type`].

mod cursor;
pub mod dynamic;
mod error;
mod hexdump;
mod leaf;
mod pack;
mod skip;
mod unpack;
mod words;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(crate) use cursor::split_uint;
pub use cursor::{Cursor, Encoding};
pub use error::ValueError;
pub use hexdump::write_hexdump;
pub(crate) use leaf::read_leaves;
pub use leaf::{Leaf, leaves, words_of};
pub use pack::{pack, put_int, put_uint};
pub(crate) use skip::skip;
pub use unpack::unpack;
pub use words::{HAS_SPACE, IN_RESTORED, IS_CLEAN, IS_WORD, SlotWords, WordPlan, Words};
pub(crate) use words::{MAX_LENGTH, mark_texts, text_marks};

use crate::types::{EnumType, Fields, MAX_TYPE_DEPTH, Shape, Type};

/// A value read from a record.
///
/// Text and bytes borrow from the record, names from the dictionary. Only values that contain other values
/// allocate.
///
/// # Examples
///
/// ```
/// use stenolog_format::types::Type;
/// use stenolog_format::value::{Cursor, Encoding, Value};
///
/// let bytes = [1, 7, 0, 0, 0];
/// let ty = Type::Option(Box::new(Type::U32));
/// let value = Value::read(&mut Cursor::new(&bytes, Encoding::Raw), &ty)?;
/// assert_eq!(value, Value::Some(Box::new(Value::U32(7))));
/// # Ok::<(), stenolog_format::value::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `()`
    Unit,
    /// `bool`
    Bool(bool),
    /// `char`
    Char(char),
    /// `u8`
    U8(u8),
    /// `u16`
    U16(u16),
    /// `u32`
    U32(u32),
    /// `u64`
    U64(u64),
    /// `u128`
    U128(u128),
    /// `i8`
    I8(i8),
    /// `i16`
    I16(i16),
    /// `i32`
    I32(i32),
    /// `i64`
    I64(i64),
    /// `i128`
    I128(i128),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// A string.
    Str(&'a str),
    /// Text that was formatted at the call.
    Formatted(&'a str),
    /// `[u8]` and `[u8; N]`; printed like other lists.
    Bytes(&'a [u8]),
    /// `None`
    None,
    /// `Some(…)`
    Some(Box<Value<'a>>),
    /// An array or a slice.
    List(Vec<Value<'a>>),
    /// A tuple.
    Tuple(Vec<Value<'a>>),
    /// A map, in the order in which it was written.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// A set, in the order in which it was written.
    Set(Vec<Value<'a>>),
    /// A struct.
    Struct(Product<'a>),
    /// A variant of an enum.
    Variant(Product<'a>),
    /// `std::time::Duration`
    Duration(Duration),
    /// `std::time::SystemTime`: seconds since the Unix epoch, rounded down, and nanoseconds.
    SystemTime(i64, u32),
    /// An IP address of either version.
    Ip(IpAddr),
    /// A socket address of either version.
    Socket(SocketAddr),
}

/// The fields of a struct or of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Product<'a> {
    /// The name of the struct or of the variant.
    pub name: &'a str,
    /// Whether and how the fields are named.
    pub shape: Shape,
    /// Name and value of each field; the names of a tuple are empty.
    pub fields: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Product<'a> {
    /// The message and the sources, if this is an [error](crate::types::error_type).
    #[must_use]
    pub fn as_error(&self) -> Option<(&Value<'a>, &[Value<'a>])> {
        match self.fields.as_slice() {
            [("message", message), ("sources", Value::List(sources))]
                if self.name.is_empty() && self.shape == Shape::Struct =>
            {
                Some((message, sources))
            }
            _ => None,
        }
    }
}

/// The most elements of lists of values without size (`[(); n]`) in a record.
///
/// Nothing else bounds such lists: they take no bytes.
pub const MAX_UNSIZED_ELEMENTS: usize = 65_536;

/// The most elements of one such list that a writer records.
pub const MAX_UNSIZED_LIST: usize = 4096;

/// How many values, nested ones included, a record may have per byte, besides the [`MAX_UNSIZED_ELEMENTS`]
/// that any record may have.
pub const VALUES_PER_BYTE: usize = MAX_TYPE_DEPTH;

/// How many bytes of names of structs, variants and fields any record may show.
pub const FREE_NAME_BYTES: usize = 1 << 20;

/// How many more bytes of names a record may show per byte.
pub const NAME_BYTES_PER_BYTE: usize = 1024;

/// The text in place of a serde value whose `Serialize` failed.
pub const NOT_SERIALISED: &str = "<could not be serialised>";

/// The text in place of a serde value whose bytes do not match its schema.
pub const NOT_AS_ITS_SCHEMA: &str = "<not readable: serialised otherwise than its schema says>";

impl<'a> Value<'a> {
    /// Reads one value of type `ty`.
    ///
    /// # Errors
    /// If the bytes end early or are not a value of the type, or if the type has far more values than a
    /// program would log (`FORMAT.md`, section 11).
    pub fn read(cursor: &mut Cursor<'a>, ty: &'a Type) -> Result<Self, ValueError> {
        cursor.count_value()?;
        Ok(match ty {
            Type::Unit => Self::Unit,
            Type::Bool => Self::Bool(cursor.bool()?),
            Type::Char => Self::Char(cursor.char()?),
            Type::U8 => Self::U8(cursor.u8()?),
            Type::U16 => Self::U16(cursor.u16()?),
            Type::U32 => Self::U32(cursor.u32()?),
            Type::U64 => Self::U64(cursor.u64()?),
            Type::U128 => Self::U128(cursor.u128()?),
            Type::I8 => Self::I8(cursor.u8()? as i8),
            Type::I16 => Self::I16(cursor.i16()?),
            Type::I32 => Self::I32(cursor.i32()?),
            Type::I64 => Self::I64(cursor.i64()?),
            Type::I128 => Self::I128(cursor.i128()?),
            Type::F32 => Self::F32(f32::from_bits(u32::from_le_bytes(cursor.array()?))),
            Type::F64 => Self::F64(f64::from_bits(u64::from_le_bytes(cursor.array()?))),
            Type::Str => Self::Str(cursor.str()?),
            Type::Formatted => Self::Formatted(cursor.str()?),
            Type::Option(of) => {
                if cursor.bool()? {
                    Self::Some(Box::new(Self::read(cursor, of)?))
                } else {
                    Self::None
                }
            }
            Type::Array(of, n) => Self::read_list(cursor, of, *n as usize)?,
            Type::Slice(of) => {
                let count = cursor.length()?;
                Self::read_list(cursor, of, count)?
            }
            Type::Tuple(of) => {
                Self::Tuple(of.iter().map(|ty| Self::read(cursor, ty)).collect::<Result<_, _>>()?)
            }
            Type::Map(key, value) if value.is_nothing_at_all() => {
                Self::read_set(cursor, key, value)?
            }
            Type::Map(key, value) => Self::read_map(cursor, key, value)?,
            Type::Struct(of) => dynamic::resolve(Self::read_product(cursor, of)?),
            Type::Enum(of) => Self::Variant(Self::read_variant(cursor, of)?),
            Type::Duration => Self::Duration(cursor.duration()?),
            Type::SystemTime => {
                let (seconds, nanos) = cursor.system_time()?;
                Self::SystemTime(seconds, nanos)
            }
            Type::Ipv4 => Self::Ip(IpAddr::V4(cursor.array::<4>()?.into())),
            Type::Ipv6 => Self::Ip(IpAddr::V6(cursor.array::<16>()?.into())),
            Type::Ip => Self::Ip(cursor.ip()?),
            Type::SocketV4 => Self::Socket(cursor.socket_v4()?),
            Type::SocketV6 => Self::Socket(cursor.socket_v6()?),
            Type::Socket => Self::Socket(cursor.socket()?),
            Type::Serde(of) => {
                let bytes = cursor.bytes()?;
                Self::read_serde(cursor, bytes, of)?
            }
        })
    }

    fn read_list(cursor: &mut Cursor<'a>, of: &'a Type, n: usize) -> Result<Self, ValueError> {
        if matches!(of, Type::U8) {
            return Ok(Self::Bytes(cursor.take(n)?));
        }
        cursor.check_count(n, &[of])?;
        Ok(Self::List((0..n).map(|_| Self::read(cursor, of)).collect::<Result<_, _>>()?))
    }

    fn read_set(
        cursor: &mut Cursor<'a>,
        key: &'a Type,
        nothing: &'a Type,
    ) -> Result<Self, ValueError> {
        let n = cursor.length()?;
        cursor.check_count(n, &[key, nothing])?;
        let elements = (0..n).map(|_| {
            let element = Self::read(cursor, key)?;
            // It takes no bytes, but counts as a value.
            Self::read(cursor, nothing)?;
            Ok(element)
        });
        Ok(Self::Set(elements.collect::<Result<_, ValueError>>()?))
    }

    fn read_serde(
        cursor: &mut Cursor<'a>,
        bytes: &'a [u8],
        of: &'a Type,
    ) -> Result<Self, ValueError> {
        if bytes.is_empty() && cursor.takes_bytes(of)? {
            return Ok(Self::Formatted(NOT_SERIALISED));
        }
        // Its length is known: damage within it does not spread.
        match cursor.nested(bytes, |inner| Self::read(inner, of)) {
            Err(_) if !cursor.is_exceeded() => Ok(Self::Formatted(NOT_AS_ITS_SCHEMA)),
            value => value,
        }
    }

    fn read_map(
        cursor: &mut Cursor<'a>,
        key: &'a Type,
        value: &'a Type,
    ) -> Result<Self, ValueError> {
        let n = cursor.length()?;
        cursor.check_count(n, &[key, value])?;
        let entries = (0..n).map(|_| Ok((Self::read(cursor, key)?, Self::read(cursor, value)?)));
        Ok(Self::Map(entries.collect::<Result<_, ValueError>>()?))
    }

    fn read_variant(cursor: &mut Cursor<'a>, of: &'a EnumType) -> Result<Product<'a>, ValueError> {
        let index = cursor.variant()?;
        let variant = of.variants.get(index).ok_or(ValueError::Variant { index })?;
        Self::read_product(cursor, variant)
    }

    fn read_product(cursor: &mut Cursor<'a>, of: &'a Fields) -> Result<Product<'a>, ValueError> {
        cursor.count_names(of)?;
        let fields =
            of.fields.iter().map(|(name, ty)| Ok((name.as_str(), Self::read(cursor, ty)?)));
        Ok(Product {
            name: &of.name,
            shape: of.shape,
            fields: fields.collect::<Result<_, ValueError>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
