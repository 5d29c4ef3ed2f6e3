//! Checks for records that a reader might refuse, which are not written.

use stenolog_format::types::Type;
use stenolog_format::value::{Cursor, Encoding, Value as Read, ValueError, pack};

use super::Args;

/// Whether a reader accepts these values, in either encoding; reads them to find out.
///
/// Allocates twice the size of the values, plus what reading them takes. Only called for types that can
/// exceed a limit at all.
#[cold]
#[inline(never)]
pub(super) fn is_readable<A: Args + ?Sized>(values: &A) -> bool {
    let size = values.size();
    let mut raw = Vec::new();
    // What there is no memory for is longer than every ring as well.
    if raw.try_reserve_exact(size).is_err() {
        return false;
    }
    raw.resize(size, 0);
    // SAFETY: there is room for the size.
    unsafe { values.write(raw.as_mut_ptr()) };
    let mut types = Vec::new();
    A::describe(&mut types);
    are_readable(&types, &raw)
}

/// Whether a reader accepts values of these types in this raw encoding, and in the packed one.
pub(crate) fn are_readable(types: &[Type], raw: &[u8]) -> bool {
    let read = |bytes: &[u8], encoding| {
        let mut cursor = Cursor::new(bytes, encoding);
        types.iter().try_for_each(|ty| Read::read(&mut cursor, ty).map(drop))
    };
    let packed = || -> Result<Vec<u8>, ValueError> {
        let (mut cursor, mut packed) = (Cursor::new(raw, Encoding::Raw), Vec::new());
        types.iter().try_for_each(|ty| pack(&mut cursor, ty, &mut packed))?;
        Ok(packed)
    };
    read(raw, Encoding::Raw).is_ok()
        && packed().is_ok_and(|packed| read(&packed, Encoding::Packed).is_ok())
}
