//! Skipping of values: the checks of reading without its result.

use super::{Cursor, ValueError};
use crate::types::{Fields, Type};

/// Passes one value of type `ty`. It accepts what [`Value::read`](super::Value::read) accepts, and allocates
/// nothing.
///
/// # Errors
/// As [`Value::read`](super::Value::read).
pub(crate) fn skip(cursor: &mut Cursor<'_>, ty: &Type) -> Result<(), ValueError> {
    cursor.count_value()?;
    match ty {
        Type::Unit => {}
        Type::Bool => drop(cursor.bool()?),
        Type::Char => drop(cursor.char()?),
        Type::U8 | Type::I8 => drop(cursor.u8()?),
        Type::U16 => drop(cursor.u16()?),
        Type::U32 => drop(cursor.u32()?),
        Type::U64 => drop(cursor.u64()?),
        Type::U128 => drop(cursor.u128()?),
        Type::I16 => drop(cursor.i16()?),
        Type::I32 => drop(cursor.i32()?),
        Type::I64 => drop(cursor.i64()?),
        Type::I128 => drop(cursor.i128()?),
        Type::F32 | Type::Ipv4 => drop(cursor.take(4)?),
        Type::F64 => drop(cursor.take(8)?),
        Type::Ipv6 => drop(cursor.take(16)?),
        Type::SocketV4 => drop(cursor.take(6)?),
        Type::SocketV6 => drop(cursor.take(26)?),
        Type::Ip => drop(cursor.ip()?),
        Type::Socket => drop(cursor.socket()?),
        Type::Duration => drop(cursor.duration()?),
        Type::SystemTime => drop(cursor.system_time()?),
        Type::Str | Type::Formatted => drop(cursor.str()?),
        Type::Option(of) => {
            if cursor.bool()? {
                skip(cursor, of)?;
            }
        }
        Type::Array(of, n) => skip_list(cursor, of, *n as usize)?,
        Type::Slice(of) => {
            let count = cursor.length()?;
            skip_list(cursor, of, count)?;
        }
        Type::Tuple(of) => of.iter().try_for_each(|ty| skip(cursor, ty))?,
        Type::Map(key, value) => {
            let count = cursor.length()?;
            cursor.check_count(count, &[key, value])?;
            for _ in 0..count {
                skip(cursor, key)?;
                skip(cursor, value)?;
            }
        }
        Type::Struct(of) => skip_fields(cursor, of)?,
        Type::Enum(of) => {
            let index = cursor.variant()?;
            skip_fields(cursor, of.variants.get(index).ok_or(ValueError::Variant { index })?)?;
        }
        Type::Serde(of) => {
            let bytes = cursor.bytes()?;
            if bytes.is_empty() && cursor.takes_bytes(of)? {
                return Ok(());
            }
            // Bytes that are no value of the type are shown as such.
            return match cursor.nested(bytes, |inner| skip(inner, of)) {
                Err(_) if !cursor.is_exceeded() => Ok(()),
                skipped => skipped,
            };
        }
    }
    Ok(())
}

fn skip_list(cursor: &mut Cursor<'_>, of: &Type, n: usize) -> Result<(), ValueError> {
    if matches!(of, Type::U8) {
        return cursor.take(n).map(|_| ());
    }
    cursor.check_count(n, &[of])?;
    (0..n).try_for_each(|_| skip(cursor, of))
}

fn skip_fields(cursor: &mut Cursor<'_>, of: &Fields) -> Result<(), ValueError> {
    cursor.count_names(of)?;
    of.fields.iter().try_for_each(|(_, ty)| skip(cursor, ty))
}
