//! Cursor over the values of a record, in either encoding. It never reads past the end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use super::error::ValueError;
use super::{FREE_NAME_BYTES, MAX_UNSIZED_ELEMENTS, NAME_BYTES_PER_BYTE, VALUES_PER_BYTE};
use crate::types::{Fields, Type};

/// The encoding of a record's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Fixed widths, as in a ring.
    Raw,
    /// Postcard's wire format.
    Packed,
}

/// How much a record may still hold that takes no bytes of it.
///
/// Without a limit, the types of a hostile dump could turn a few bytes into gigabytes.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    unsized_elements: usize,
    values: usize,
    name_bytes: usize,
    /// The length of the record that it is for.
    of_bytes: usize,
    /// Whether the limit was exceeded.
    is_exceeded: bool,
}

impl Allowance {
    const fn new(bytes: usize) -> Self {
        Self {
            unsized_elements: MAX_UNSIZED_ELEMENTS,
            values: MAX_UNSIZED_ELEMENTS.saturating_add(bytes.saturating_mul(VALUES_PER_BYTE)),
            name_bytes: FREE_NAME_BYTES.saturating_add(bytes.saturating_mul(NAME_BYTES_PER_BYTE)),
            of_bytes: bytes,
            is_exceeded: false,
        }
    }
}

/// The variable-length integer at the front of `bytes`, and what follows it.
///
/// # Errors
/// As [`Cursor::uint`].
#[inline]
pub(crate) fn split_uint(bytes: &[u8]) -> Result<(u64, &[u8]), ValueError> {
    // Tags, lengths and most differences; then small numbers, which may be the last of a record.
    match *bytes {
        [byte @ ..0x80, ref rest @ ..] => Ok((u64::from(byte), rest)),
        [low, high @ ..0x80, ref rest @ ..] => {
            Ok((u64::from(low & 0x7f) | u64::from(high) << 7, rest))
        }
        _ => split_long_uint(bytes),
    }
}

fn split_long_uint(bytes: &[u8]) -> Result<(u64, &[u8]), ValueError> {
    if let [low, middle, high @ ..0x80, ref rest @ ..] = *bytes {
        let value = u64::from(low & 0x7f) | u64::from(middle & 0x7f) << 7;
        return Ok((value | u64::from(high) << 14, rest));
    }
    let Some(chunk) = bytes.first_chunk() else { return split_uint_slowly(bytes) };
    let word = u64::from_le_bytes(*chunk);
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return split_uint_slowly(bytes);
    }
    // All bytes up to the first one with a clear top bit, without the top bits.
    let mut bits = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    bits = (bits & 0x7f00_7f00_7f00_7f00) >> 1 | bits & 0x007f_007f_007f_007f;
    bits = (bits & 0xffff_0000_ffff_0000) >> 2 | bits & 0x0000_ffff_0000_ffff;
    bits = (bits & 0xffff_ffff_0000_0000) >> 4 | bits & 0x0000_0000_ffff_ffff;
    let length = ends.trailing_zeros() as usize / 8 + 1;
    Ok((bits, bytes.get(length..).unwrap_or_default()))
}

/// Byte by byte: near the end of the bytes, and for integers of nine bytes and more.
fn split_uint_slowly(mut bytes: &[u8]) -> Result<(u64, &[u8]), ValueError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte, rest @ ..] = bytes else { return Err(ValueError::End) };
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(ValueError::Overflow);
        }
        value |= bits << shift;
        bytes = rest;
        if *byte < 0x80 {
            return Ok((value, bytes));
        }
    }
    Err(ValueError::Overflow)
}

/// A place in the bytes of a record.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    allowance: Allowance,
}

impl<'a> Cursor<'a> {
    /// A cursor on the first of `bytes`, which are the values of one record.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8], encoding: Encoding) -> Self {
        Self { bytes, encoding, allowance: Allowance::new(bytes.len()) }
    }

    /// Reads packed `bytes` within a value with `read`, which must read all of them.
    pub(super) fn nested<R>(
        &mut self,
        bytes: &'a [u8],
        read: impl FnOnce(&mut Self) -> Result<R, ValueError>,
    ) -> Result<R, ValueError> {
        let mut inner = Self { bytes, encoding: Encoding::Packed, ..*self };
        let value = read(&mut inner);
        // What a failed attempt used counts as well.
        self.allowance = inner.allowance;
        let value = value?;
        if inner.is_empty() { Ok(value) } else { Err(ValueError::Trailing) }
    }

    /// Counts a value, with or without bytes.
    #[inline]
    pub(super) fn count_value(&mut self) -> Result<(), ValueError> {
        let Allowance { values, of_bytes: bytes, .. } = self.allowance;
        match values.checked_sub(1) {
            Some(left) => self.allowance.values = left,
            None => return Err(self.exceeded(ValueError::Values { bytes })),
        }
        Ok(())
    }

    #[cold]
    fn exceeded(&mut self, error: ValueError) -> ValueError {
        self.allowance.is_exceeded = true;
        error
    }

    /// Whether the record exceeded its limit, which is not one value's fault.
    pub(super) const fn is_exceeded(&self) -> bool {
        self.allowance.is_exceeded
    }

    /// Whether values of a type take any bytes. Each type looked at counts as a value, because a list of few
    /// bytes may have a type of very many units.
    pub(super) fn takes_bytes(&mut self, ty: &Type) -> Result<bool, ValueError> {
        let mut any = |types: &mut dyn Iterator<Item = &Type>| {
            for ty in types {
                if self.takes_bytes(ty)? {
                    return Ok(true);
                }
            }
            self.count_value()?;
            Ok(false)
        };
        match ty {
            Type::Unit => any(&mut std::iter::empty()),
            Type::Tuple(of) => any(&mut of.iter()),
            Type::Struct(of) => any(&mut of.fields.iter().map(|(_, ty)| ty)),
            Type::Array(of, n) => any(&mut std::iter::once(&**of).filter(|_| *n > 0)),
            _ => Ok(true),
        }
    }

    /// Counts the names of a product.
    #[inline]
    pub(super) fn count_names(&mut self, of: &Fields) -> Result<(), ValueError> {
        let Allowance { name_bytes, of_bytes: bytes, .. } = self.allowance;
        let of_fields = of.fields.iter().map(|(name, _)| name.len()).sum::<usize>();
        let left = name_bytes.checked_sub(of.name.len().saturating_add(of_fields));
        match left {
            Some(left) => self.allowance.name_bytes = left,
            None => return Err(self.exceeded(ValueError::Names { bytes })),
        }
        Ok(())
    }

    /// The bytes that have not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether all has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// If there are fewer.
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], ValueError> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or(ValueError::End)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(ValueError::End)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// A variable-length integer: seven bits a byte, least significant first.
    ///
    /// # Errors
    /// If the bytes end, or the integer has more than 64 bits.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, ValueError> {
        let (value, rest) = split_uint(self.bytes)?;
        self.bytes = rest;
        Ok(value)
    }

    fn uint128(&mut self) -> Result<u128, ValueError> {
        let mut value = 0;
        for shift in (0..128).step_by(7) {
            let [byte] = self.array()?;
            let bits = u128::from(byte & 0x7f);
            if shift == 126 && bits > 3 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ValueError::Overflow)
    }

    /// A variable-length signed integer: zigzag, then as [`Cursor::uint`].
    ///
    /// # Errors
    /// As [`Cursor::uint`].
    #[inline]
    pub fn int(&mut self) -> Result<i64, ValueError> {
        let zigzag = self.uint()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    #[inline]
    pub(super) fn bool(&mut self) -> Result<bool, ValueError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(ValueError::Flag { found }),
        }
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, ValueError> {
        self.array().map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(u16::from_le_bytes),
            Encoding::Packed => u16::try_from(self.uint()?).map_err(|_| ValueError::Overflow),
        }
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(u32::from_le_bytes),
            Encoding::Packed => u32::try_from(self.uint()?).map_err(|_| ValueError::Overflow),
        }
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(u64::from_le_bytes),
            Encoding::Packed => self.uint(),
        }
    }

    pub(super) fn u128(&mut self) -> Result<u128, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(u128::from_le_bytes),
            Encoding::Packed => self.uint128(),
        }
    }

    #[inline]
    pub(super) fn i16(&mut self) -> Result<i16, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(i16::from_le_bytes),
            Encoding::Packed => i16::try_from(self.int()?).map_err(|_| ValueError::Overflow),
        }
    }

    #[inline]
    pub(super) fn i32(&mut self) -> Result<i32, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(i32::from_le_bytes),
            Encoding::Packed => i32::try_from(self.int()?).map_err(|_| ValueError::Overflow),
        }
    }

    #[inline]
    pub(super) fn i64(&mut self) -> Result<i64, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(i64::from_le_bytes),
            Encoding::Packed => self.int(),
        }
    }

    pub(super) fn i128(&mut self) -> Result<i128, ValueError> {
        match self.encoding {
            Encoding::Raw => self.array().map(i128::from_le_bytes),
            Encoding::Packed => {
                let zigzag = self.uint128()?;
                Ok((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128))
            }
        }
    }

    pub(super) fn char(&mut self) -> Result<char, ValueError> {
        match self.encoding {
            Encoding::Raw => char::from_u32(self.u32()?).ok_or(ValueError::Char),
            Encoding::Packed => {
                let mut chars = self.str()?.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(c),
                    _ => Err(ValueError::Char),
                }
            }
        }
    }

    /// The count of a list or the length of a text.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, ValueError> {
        let length = match self.encoding {
            Encoding::Raw => u64::from(self.u32()?),
            Encoding::Packed => self.uint()?,
        };
        usize::try_from(length).map_err(|_| ValueError::Overflow)
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ValueError> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    pub(super) fn str(&mut self) -> Result<&'a str, ValueError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ValueError::Utf8)
    }

    pub(super) fn variant(&mut self) -> Result<usize, ValueError> {
        match self.encoding {
            Encoding::Raw => self.u16().map(usize::from),
            Encoding::Packed => self.u32().map(|index| index as usize),
        }
    }

    /// Refuses a count that the rest of the record cannot hold, before anything is allocated.
    pub(super) fn check_count(&mut self, count: usize, of: &[&Type]) -> Result<(), ValueError> {
        if count == 0 {
            return Ok(());
        }
        // Values that take bytes in raw encoding take at least one in packed encoding.
        let mut takes_bytes = false;
        for ty in of {
            takes_bytes = takes_bytes || self.takes_bytes(ty)?;
        }
        if takes_bytes {
            return if count > self.bytes.len() {
                Err(ValueError::Count { count })
            } else {
                Ok(())
            };
        }
        let claimed = count.saturating_mul(of.iter().map(|ty| ty.nodes()).sum());
        let left = self.allowance.unsized_elements.checked_sub(claimed);
        match left {
            Some(left) => self.allowance.unsized_elements = left,
            None => return Err(self.exceeded(ValueError::Count { count })),
        }
        Ok(())
    }

    fn nanos(&mut self) -> Result<u32, ValueError> {
        let nanos = self.u32()?;
        if nanos < 1_000_000_000 { Ok(nanos) } else { Err(ValueError::Nanos { nanos }) }
    }

    pub(super) fn duration(&mut self) -> Result<Duration, ValueError> {
        let seconds = self.u64()?;
        Ok(Duration::new(seconds, self.nanos()?))
    }

    pub(super) fn system_time(&mut self) -> Result<(i64, u32), ValueError> {
        let seconds = self.i64()?;
        Ok((seconds, self.nanos()?))
    }

    pub(super) fn ip(&mut self) -> Result<IpAddr, ValueError> {
        match self.u8()? {
            4 => Ok(IpAddr::V4(self.array::<4>()?.into())),
            6 => Ok(IpAddr::V6(self.array::<16>()?.into())),
            version => Err(ValueError::IpVersion { version }),
        }
    }

    // Addresses are the same in both encodings.

    pub(super) fn socket_v4(&mut self) -> Result<SocketAddr, ValueError> {
        let ip = Ipv4Addr::from(self.array::<4>()?);
        let port = u16::from_le_bytes(self.array()?);
        Ok(SocketAddr::V4(SocketAddrV4::new(ip, port)))
    }

    pub(super) fn socket_v6(&mut self) -> Result<SocketAddr, ValueError> {
        let ip = Ipv6Addr::from(self.array::<16>()?);
        let port = u16::from_le_bytes(self.array()?);
        let flow = u32::from_le_bytes(self.array()?);
        let scope = u32::from_le_bytes(self.array()?);
        Ok(SocketAddr::V6(SocketAddrV6::new(ip, port, flow, scope)))
    }

    pub(super) fn socket(&mut self) -> Result<SocketAddr, ValueError> {
        match self.u8()? {
            4 => self.socket_v4(),
            6 => self.socket_v6(),
            version => Err(ValueError::IpVersion { version }),
        }
    }
}
