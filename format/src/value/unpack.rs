//! Unpacking of packed values to raw ones, to pack records again.

use super::cursor::Cursor;
use super::error::ValueError;
use crate::types::{Fields, Type};

/// Reads one packed value of type `ty` and appends it in raw layout.
///
/// # Errors
/// If the bytes end early or are not a value of the type. `out` may then hold a part of it.
pub fn unpack(packed: &mut Cursor<'_>, ty: &Type, out: &mut Vec<u8>) -> Result<(), ValueError> {
    match ty {
        Type::Unit => {}
        Type::Bool => out.push(u8::from(packed.bool()?)),
        Type::U8 | Type::I8 => out.push(packed.u8()?),
        Type::Char => out.extend(u32::from(packed.char()?).to_le_bytes()),
        Type::U16 => out.extend(packed.u16()?.to_le_bytes()),
        Type::U32 => out.extend(packed.u32()?.to_le_bytes()),
        Type::U64 => out.extend(packed.u64()?.to_le_bytes()),
        Type::U128 => out.extend(packed.u128()?.to_le_bytes()),
        Type::I16 => out.extend(packed.i16()?.to_le_bytes()),
        Type::I32 => out.extend(packed.i32()?.to_le_bytes()),
        Type::I64 => out.extend(packed.i64()?.to_le_bytes()),
        Type::I128 => out.extend(packed.i128()?.to_le_bytes()),
        Type::F32 => out.extend_from_slice(packed.take(4)?),
        Type::F64 => out.extend_from_slice(packed.take(8)?),
        // What serde has made is packed in both layouts.
        Type::Str | Type::Formatted | Type::Serde(_) => {
            let bytes = packed.bytes()?;
            put_length(bytes.len(), out)?;
            out.extend_from_slice(bytes);
        }
        Type::Option(of) => {
            let some = packed.bool()?;
            out.push(u8::from(some));
            if some {
                unpack(packed, of, out)?;
            }
        }
        Type::Array(of, n) => unpack_list(packed, of, *n as usize, out)?,
        Type::Slice(of) => {
            let count = packed.length()?;
            put_length(count, out)?;
            unpack_list(packed, of, count, out)?;
        }
        Type::Tuple(of) => of.iter().try_for_each(|ty| unpack(packed, ty, out))?,
        Type::Map(key, value) => unpack_map(packed, key, value, out)?,
        Type::Struct(of) => unpack_fields(packed, of, out)?,
        Type::Enum(of) => {
            let index = packed.variant()?;
            let variant = of.variants.get(index).ok_or(ValueError::Variant { index })?;
            let raw_index = u16::try_from(index).map_err(|_| ValueError::Overflow)?;
            out.extend(raw_index.to_le_bytes());
            unpack_fields(packed, variant, out)?;
        }
        Type::Duration => {
            let duration = packed.duration()?;
            out.extend(duration.as_secs().to_le_bytes());
            out.extend(duration.subsec_nanos().to_le_bytes());
        }
        Type::SystemTime => {
            let (seconds, nanos) = packed.system_time()?;
            out.extend(seconds.to_le_bytes());
            out.extend(nanos.to_le_bytes());
        }
        Type::Ipv4 => out.extend_from_slice(packed.take(4)?),
        Type::Ipv6 => out.extend_from_slice(packed.take(16)?),
        Type::SocketV4 => out.extend_from_slice(packed.take(6)?),
        Type::SocketV6 => out.extend_from_slice(packed.take(26)?),
        Type::Ip => unpack_by_version(packed, 4, 16, out)?,
        Type::Socket => unpack_by_version(packed, 6, 26, out)?,
    }
    Ok(())
}

fn put_length(length: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let length = u32::try_from(length).map_err(|_| ValueError::Overflow)?;
    out.extend(length.to_le_bytes());
    Ok(())
}

fn unpack_list(
    packed: &mut Cursor<'_>,
    of: &Type,
    n: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    if matches!(of, Type::U8) {
        out.extend_from_slice(packed.take(n)?);
        return Ok(());
    }
    packed.check_count(n, &[of])?;
    (0..n).try_for_each(|_| unpack(packed, of, out))
}

fn unpack_map(
    packed: &mut Cursor<'_>,
    key: &Type,
    value: &Type,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let count = packed.length()?;
    packed.check_count(count, &[key, value])?;
    put_length(count, out)?;
    for _ in 0..count {
        unpack(packed, key, out)?;
        unpack(packed, value, out)?;
    }
    Ok(())
}

fn unpack_fields(
    packed: &mut Cursor<'_>,
    of: &Fields,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    of.fields.iter().try_for_each(|(_, ty)| unpack(packed, ty, out))
}

fn unpack_by_version(
    packed: &mut Cursor<'_>,
    v4_bytes: usize,
    v6_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let version = packed.u8()?;
    let length = match version {
        4 => v4_bytes,
        6 => v6_bytes,
        _ => return Err(ValueError::IpVersion { version }),
    };
    out.push(version);
    out.extend_from_slice(packed.take(length)?);
    Ok(())
}
