//! Packing of raw values.

use super::cursor::Cursor;
use super::error::ValueError;
use crate::types::{Fields, Type};

/// Appends a variable-length integer: seven bits a byte, least significant first.
#[inline]
pub fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed variable-length integer: zigzag, then as [`put_uint`].
#[inline]
pub fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, (value << 1 ^ value >> 63) as u64);
}

fn put_uint128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads one raw value of type `ty` and appends it packed.
///
/// # Errors
/// If the bytes end early or are not a value of the type. `out` may then hold a part of it.
pub fn pack(raw: &mut Cursor<'_>, ty: &Type, out: &mut Vec<u8>) -> Result<(), ValueError> {
    match ty {
        Type::Unit => {}
        Type::Bool => out.push(u8::from(raw.bool()?)),
        Type::U8 | Type::I8 => out.push(raw.u8()?),
        Type::Char => {
            let mut buffer = [0; 4];
            put_bytes(out, raw.char()?.encode_utf8(&mut buffer).as_bytes());
        }
        Type::U16 => put_uint(out, raw.u16()?.into()),
        Type::U32 => put_uint(out, raw.u32()?.into()),
        Type::U64 => put_uint(out, raw.u64()?),
        Type::U128 => put_uint128(out, raw.u128()?),
        Type::I16 => put_int(out, raw.i16()?.into()),
        Type::I32 => put_int(out, raw.i32()?.into()),
        Type::I64 => put_int(out, raw.i64()?),
        Type::I128 => {
            let value = raw.i128()?;
            put_uint128(out, (value << 1 ^ value >> 127) as u128);
        }
        Type::F32 => out.extend_from_slice(&raw.array::<4>()?),
        Type::F64 => out.extend_from_slice(&raw.array::<8>()?),
        Type::Str | Type::Formatted | Type::Serde(_) => put_bytes(out, raw.bytes()?),
        Type::Option(of) => {
            let some = raw.bool()?;
            out.push(u8::from(some));
            if some {
                pack(raw, of, out)?;
            }
        }
        Type::Array(of, n) => pack_list(raw, of, *n as usize, out)?,
        Type::Slice(of) => {
            let count = raw.length()?;
            put_uint(out, count as u64);
            pack_list(raw, of, count, out)?;
        }
        Type::Tuple(of) => of.iter().try_for_each(|ty| pack(raw, ty, out))?,
        Type::Map(key, value) => pack_map(raw, key, value, out)?,
        Type::Struct(of) => pack_fields(raw, of, out)?,
        Type::Enum(of) => {
            let index = raw.variant()?;
            let variant = of.variants.get(index).ok_or(ValueError::Variant { index })?;
            put_uint(out, index as u64);
            pack_fields(raw, variant, out)?;
        }
        Type::Duration => {
            let duration = raw.duration()?;
            put_uint(out, duration.as_secs());
            put_uint(out, duration.subsec_nanos().into());
        }
        Type::SystemTime => {
            let (seconds, nanos) = raw.system_time()?;
            put_int(out, seconds);
            put_uint(out, nanos.into());
        }
        Type::Ipv4 => out.extend_from_slice(raw.take(4)?),
        Type::Ipv6 => out.extend_from_slice(raw.take(16)?),
        Type::SocketV4 => out.extend_from_slice(raw.take(6)?),
        Type::SocketV6 => out.extend_from_slice(raw.take(26)?),
        Type::Ip => pack_by_version(raw, 4, 16, out)?,
        Type::Socket => pack_by_version(raw, 6, 26, out)?,
    }
    Ok(())
}

fn pack_list(
    raw: &mut Cursor<'_>,
    of: &Type,
    n: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    if matches!(of, Type::U8) {
        out.extend_from_slice(raw.take(n)?);
        return Ok(());
    }
    raw.check_count(n, &[of])?;
    (0..n).try_for_each(|_| pack(raw, of, out))
}

fn pack_map(
    raw: &mut Cursor<'_>,
    key: &Type,
    value: &Type,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let count = raw.length()?;
    raw.check_count(count, &[key, value])?;
    put_uint(out, count as u64);
    for _ in 0..count {
        pack(raw, key, out)?;
        pack(raw, value, out)?;
    }
    Ok(())
}

fn pack_fields(raw: &mut Cursor<'_>, of: &Fields, out: &mut Vec<u8>) -> Result<(), ValueError> {
    of.fields.iter().try_for_each(|(_, ty)| pack(raw, ty, out))
}

fn pack_by_version(
    raw: &mut Cursor<'_>,
    v4_bytes: usize,
    v6_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let version = raw.u8()?;
    let length = match version {
        4 => v4_bytes,
        6 => v6_bytes,
        _ => return Err(ValueError::IpVersion { version }),
    };
    out.push(version);
    out.extend_from_slice(raw.take(length)?);
    Ok(())
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
