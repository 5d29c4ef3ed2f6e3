//! Leaves: the parts of fixed shape that types are made of, each read as one word or several.
//!
//! ```text
//!   (u32, Option<Duration>, Ipv4Addr)  ──▶  U32  Option{1 leaf, 2 words}  Duration  Ipv4
//!                                            │    │                        │  │      │
//!                                    words:  n    0 or 1             seconds  ns     a.b.c.d
//! ```
//!
//! | leaf | words |
//! |---|---|
//! | numbers of up to 64 bits, `bool`, `char` | the number extended to 64 bits, 0 or 1, the code point, the bits of the float |
//! | numbers of 128 bits | the lower half, the upper half |
//! | `Duration`, `SystemTime` | seconds, nanoseconds |
//! | addresses | for those of either version the version; then the bytes of the address, the port, and what else there is, eight to a word, the first one lowest |
//! | enums without fields | the index of the variant |
//! | options | 0 or 1; then the words of the content, which are 0 for `None` |
//! | texts, serde values, byte arrays, values of other types | the place of their bytes: the offset, shifted by 32 bits, and the length; with [`IN_RESTORED`](super::IN_RESTORED), not in the body; with [`IS_CLEAN`](super::IS_CLEAN), [`IS_WORD`](super::IS_WORD) and [`HAS_SPACE`](super::HAS_SPACE), with or without some characters |

use super::words::MAX_LENGTH;
use super::{Cursor, ValueError};
use crate::types::Type;

/// A part of a value, or the beginning of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leaf {
    /// `bool`
    Bool,
    /// `char`
    Char,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `u128`
    U128,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `i128`
    I128,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// A string. It may not be UTF-8.
    Str,
    /// Text that was formatted at the call. It may not be UTF-8.
    Formatted,
    /// The bytes of a serde value. They may not be of its type.
    Serde,
    /// An array of this many `u8`.
    Bytes(u32),
    /// `std::time::Duration`
    Duration,
    /// `std::time::SystemTime`
    SystemTime,
    /// `std::net::Ipv4Addr`
    Ipv4,
    /// `std::net::Ipv6Addr`
    Ipv6,
    /// `std::net::IpAddr`
    Ip,
    /// `std::net::SocketAddrV4`
    SocketV4,
    /// `std::net::SocketAddrV6`
    SocketV6,
    /// `std::net::SocketAddr`
    Socket,
    /// An enum of this many variants, all without fields.
    Variant(u32),
    /// An option. The content has the next leaves.
    Option {
        /// The number of the content's leaves.
        leaves: u16,
        /// The number of the content's words.
        words: u16,
    },
    /// A whole value without a fixed shape, such as a list. Its bytes are a value of the slot's type.
    Piece,
}

/// A value with more leaves is read as a [piece](Leaf::Piece). Writers put no more values than this in
/// columns of their own.
const MAX_LEAVES: usize = 64;

impl Leaf {
    /// The number of words, for options without those of the content.
    #[inline]
    #[must_use]
    pub const fn words(self) -> usize {
        match self {
            Self::U128 | Self::I128 | Self::Duration | Self::SystemTime | Self::Ipv6 => 2,
            Self::Ip => 3,
            Self::SocketV6 => 4,
            Self::Socket => 5,
            _ => 1,
        }
    }

    /// Whether its word is the place of bytes.
    #[must_use]
    pub const fn is_place(self) -> bool {
        matches!(self, Self::Str | Self::Formatted | Self::Serde | Self::Bytes(_) | Self::Piece)
    }

    /// Reads its words and passes them to `put`. Places are in `base`, which must contain the cursor's bytes.
    #[inline]
    fn read(
        self,
        cursor: &mut Cursor<'_>,
        base: &[u8],
        mut put: impl FnMut(usize, u64),
    ) -> Result<(), ValueError> {
        match self {
            Self::Bool => put(0, cursor.bool()?.into()),
            Self::Char => put(0, u32::from(cursor.char()?).into()),
            Self::U8 => put(0, cursor.u8()?.into()),
            Self::U16 => put(0, cursor.u16()?.into()),
            Self::U32 => put(0, cursor.u32()?.into()),
            Self::U64 => put(0, cursor.u64()?),
            Self::I8 => put(0, cursor.u8()? as i8 as u64),
            Self::I16 => put(0, cursor.i16()? as u64),
            Self::I32 => put(0, cursor.i32()? as u64),
            Self::I64 => put(0, cursor.i64()? as u64),
            Self::U128 => put_wide(cursor.u128()?, put),
            Self::I128 => put_wide(cursor.i128()? as u128, put),
            Self::F32 => put(0, u32::from_le_bytes(cursor.array()?).into()),
            Self::F64 => put(0, u64::from_le_bytes(cursor.array()?)),
            Self::Str | Self::Formatted | Self::Serde => put(0, place(cursor.bytes()?, base)),
            Self::Bytes(n) => put(0, place(cursor.take(n as usize)?, base)),
            Self::Duration => {
                let duration = cursor.duration()?;
                put(0, duration.as_secs());
                put(1, duration.subsec_nanos().into());
            }
            Self::SystemTime => {
                let (seconds, nanos) = cursor.system_time()?;
                put(0, seconds as u64);
                put(1, nanos.into());
            }
            Self::Ipv4 => put_bytes(cursor.take(4)?, put),
            Self::Ipv6 => put_bytes(cursor.take(16)?, put),
            Self::SocketV4 => put_bytes(cursor.take(6)?, put),
            Self::SocketV6 => put_bytes(cursor.take(26)?, put),
            Self::Ip => put_address(cursor, (4, 16), 3, put)?,
            Self::Socket => put_address(cursor, (6, 26), 5, put)?,
            Self::Variant(count) => {
                let index = cursor.variant()?;
                if index >= count as usize {
                    return Err(ValueError::Variant { index });
                }
                put(0, index as u64);
            }
            // Read by those who know the content, or the type.
            Self::Option { .. } | Self::Piece => {}
        }
        Ok(())
    }
}

fn put_wide(value: u128, mut put: impl FnMut(usize, u64)) {
    put(0, value as u64);
    put(1, (value >> 64) as u64);
}

/// Eight bytes to a word, the first one lowest.
fn put_bytes(bytes: &[u8], mut put: impl FnMut(usize, u64)) {
    for (at, part) in bytes.chunks(8).enumerate() {
        put(at, part.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
}

fn put_address(
    cursor: &mut Cursor<'_>,
    (v4_bytes, v6_bytes): (usize, usize),
    words: usize,
    mut put: impl FnMut(usize, u64),
) -> Result<(), ValueError> {
    let version = cursor.u8()?;
    let bytes = match version {
        4 => v4_bytes,
        6 => v6_bytes,
        _ => return Err(ValueError::IpVersion { version }),
    };
    (2..words).for_each(|at| put(at, 0));
    put(0, version.into());
    put_bytes(cursor.take(bytes)?, |at, word| put(at + 1, word));
    Ok(())
}

/// The word that says where in `base` some bytes are.
#[inline]
pub(crate) fn place(bytes: &[u8], base: &[u8]) -> u64 {
    let start = (bytes.as_ptr() as u64).wrapping_sub(base.as_ptr() as u64);
    // An empty slice may point anywhere.
    if bytes.is_empty() { 0 } else { start << 32 | (bytes.len() as u64).min(MAX_LENGTH) }
}

/// Reads the words of consecutive leaves, and passes each word and its index to `put`. The leaves must have no
/// [piece](Leaf::Piece).
///
/// # Errors
/// As [`Value::read`](super::Value::read), except that texts may not be UTF-8.
#[inline]
pub(crate) fn read_leaves(
    leaves: &[Leaf],
    cursor: &mut Cursor<'_>,
    base: &[u8],
    mut put: impl FnMut(usize, u64),
) -> Result<(), ValueError> {
    let (mut at, mut word) = (0, 0);
    while let Some(&leaf) = leaves.get(at) {
        at += 1;
        if let Leaf::Option { leaves, words } = leaf {
            let is_some = cursor.bool()?;
            put(word, is_some.into());
            word += 1;
            if !is_some {
                (0..usize::from(words)).for_each(|of_content| put(word + of_content, 0));
                (at, word) = (at + usize::from(leaves), word + usize::from(words));
            }
        } else {
            leaf.read(cursor, base, |of_leaf, value| put(word + of_leaf, value))?;
            word += leaf.words();
        }
    }
    Ok(())
}

/// The leaves of a type. Values without a fixed shape, or with very many leaves, are one [piece](Leaf::Piece).
#[must_use]
pub fn leaves(ty: &Type) -> Vec<Leaf> {
    let mut found = Vec::new();
    if !put_leaves(ty, &mut found) {
        found = vec![Leaf::Piece];
    }
    found
}

/// The number of words of leaves.
#[must_use]
pub fn words_of(leaves: &[Leaf]) -> usize {
    leaves.iter().map(|leaf| leaf.words()).sum()
}

/// Appends the leaves of a type; `false` if its values have no fixed shape.
fn put_leaves(ty: &Type, out: &mut Vec<Leaf>) -> bool {
    let leaf = match ty {
        Type::Unit => return true,
        Type::Bool => Leaf::Bool,
        Type::Char => Leaf::Char,
        Type::U8 => Leaf::U8,
        Type::U16 => Leaf::U16,
        Type::U32 => Leaf::U32,
        Type::U64 => Leaf::U64,
        Type::U128 => Leaf::U128,
        Type::I8 => Leaf::I8,
        Type::I16 => Leaf::I16,
        Type::I32 => Leaf::I32,
        Type::I64 => Leaf::I64,
        Type::I128 => Leaf::I128,
        Type::F32 => Leaf::F32,
        Type::F64 => Leaf::F64,
        Type::Str => Leaf::Str,
        Type::Formatted => Leaf::Formatted,
        Type::Serde(_) => Leaf::Serde,
        Type::Duration => Leaf::Duration,
        Type::SystemTime => Leaf::SystemTime,
        Type::Ipv4 => Leaf::Ipv4,
        Type::Ipv6 => Leaf::Ipv6,
        Type::Ip => Leaf::Ip,
        Type::SocketV4 => Leaf::SocketV4,
        Type::SocketV6 => Leaf::SocketV6,
        Type::Socket => Leaf::Socket,
        Type::Array(of, n) if matches!(**of, Type::U8) => Leaf::Bytes(*n),
        Type::Array(of, n) => return put_array(of, *n, out),
        Type::Tuple(of) => return of.iter().all(|ty| put_leaves(ty, out)),
        Type::Struct(of) => return of.fields.iter().all(|(_, ty)| put_leaves(ty, out)),
        Type::Enum(of) => {
            let are_plain = of.variants.iter().all(|variant| variant.fields.is_empty());
            match u32::try_from(of.variants.len()) {
                Ok(count @ 1..) if are_plain => Leaf::Variant(count),
                _ => return false,
            }
        }
        Type::Option(of) => {
            let at = out.len();
            out.push(Leaf::Option { leaves: 0, words: 0 });
            if !put_leaves(of, out) {
                return false;
            }
            let content = out.get(at + 1..).unwrap_or_default();
            let (leaves, words) = (content.len() as u16, words_of(content) as u16);
            if let Some(option) = out.get_mut(at) {
                *option = Leaf::Option { leaves, words };
            }
            return true;
        }
        Type::Slice(_) | Type::Map(..) => return false,
    };
    out.push(leaf);
    out.len() <= MAX_LEAVES
}

fn put_array(of: &Type, n: u32, out: &mut Vec<Leaf>) -> bool {
    let start = out.len();
    if n == 0 {
        return true;
    }
    if !put_leaves(of, out) {
        return false;
    }
    // Of elements without words there could be any number.
    if out.len() == start {
        return n as usize <= MAX_LEAVES;
    }
    let element = out.len() - start;
    let all = (n as usize).saturating_mul(element);
    if start.saturating_add(all) > MAX_LEAVES {
        return false;
    }
    (1..n).for_each(|_| out.extend_from_within(start..start + element));
    true
}
