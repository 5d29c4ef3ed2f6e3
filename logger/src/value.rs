//! Values that a call site stores in binary form and the decoder formats.
//!
//! A record's payload is its values one after the other: little-endian, unaligned, without padding, each laid
//! out as [`Type`] says. Two constants tell the writer whether it must look at the values at all: `FIXED_SIZE`,
//! which most call sites have at compile time, and `SIGNATURE`, which is equal for equal [`Type`]s, because one
//! static call site serves every monomorphisation of a generic function.
//!
//! - **V1 (size).** [`Value::write`] writes exactly [`Value::size`] bytes, and two calls of
//!   `size` on one borrow agree: no implementor has interior mutability or runs foreign code, except the accessors
//!   of the packages that have a feature, which yield the same for the same value.
//! - **V2 (fixed).** If `FIXED_SIZE` is `Some(n)`, every value has size `n`.
//! - **V3 (plain).** If `IS_PLAIN`, the bytes in memory are the bytes to be written.
//! - **V4 (short).** The size of a value that `is_short` is never saturated: the hot path adds to it.
//!
//! Apart from V4, `is_short` is about speed: it keeps values that take many bytes, or a loop, off the hot path.
//!
//! Sums of sizes saturate: a list too long for its 32-bit count has a size that no ring can hold.
//! The claim fails, and nothing wrong is written.

/// Calls a macro for tuples of each length that values have, with a parameter and an index for each part.
macro_rules! for_tuples {
    ($make:ident) => {
        $make!(A 0);
        $make!(A 0, B 1);
        $make!(A 0, B 1, C 2);
        $make!(A 0, B 1, C 2, D 3);
        $make!(A 0, B 1, C 2, D 3, E 4);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
        $make!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
    };
}
use for_tuples;

mod as_record;
mod attribute;
mod bound;
mod collection;
mod container;
mod dynamic;
mod hexdump;
mod limits;
mod named;
mod packages;
mod product;
mod scalar;
#[cfg(feature = "serde")]
mod serde;
mod signature;
mod special;
mod std_types;
mod text;
mod time_net;

use stenolog_format::types::Type;

pub use self::as_record::{AsRecord, Derived, Laid, Prepared, Shown};
pub use self::attribute::{Ascii, Hex, With, ascii_text, debug_text, display_text, hex_text, with};
pub use self::bound::Bound;
#[cfg(feature = "serde")]
pub use self::dynamic::serde;
pub use self::dynamic::{Serialized, recursive};
pub use self::hexdump::{Hexdump, hexdump};
pub(crate) use self::limits::are_readable;
#[cfg(feature = "chrono")]
pub(crate) use self::packages::Zone;
pub use self::product::{
    Redacted, describe_enum, describe_fields, describe_struct, enum_bound, enum_fixed_size,
    enum_signature, fixed_or, product_bound, product_fixed_size, product_signature, sum_sizes,
    variant_size, write_index,
};
#[cfg(feature = "serde")]
pub(crate) use self::serde::Encoded;
pub use self::special::Empty;
pub(crate) use self::special::{AsString, ErrorChain, Recorded};
pub use self::text::{Buffer, Text};

/// A value that is stored in binary form and formatted by the decoder.
///
/// Implemented for the types of the standard library that print, and by
/// [`#[derive(Record)]`](macro@crate::Record) for structs and enums of such types. Use it as a bound in generic
/// code, but do not implement it by hand: [`AsRecord`](crate::AsRecord) is the safe way to choose how a type is
/// recorded.
///
/// # Safety
/// [`write`](Self::write) writes exactly [`size`](Self::size) bytes, and nothing that happens
/// between two calls of either on one borrow changes that number. If
/// [`FIXED_SIZE`](Self::FIXED_SIZE) is `Some(n)`, `size` returns `n`. If
/// [`IS_PLAIN`](Self::IS_PLAIN), the value has no padding, and its bytes in memory are the bytes
/// that `write` would write. No method runs foreign code or panics.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as a typed value",
    label = "this type is neither a standard type that prints nor one with `#[derive(Record)]`",
    note = "add `#[derive(stenolog::Record)]` to `{Self}`, or log the value as text with `?` or `%`"
)]
pub unsafe trait Value {
    /// A hash of [`describe`](Self::describe): equal for equal types.
    #[doc(hidden)]
    const SIGNATURE: u64;

    /// The size of every value, if all have the same.
    #[doc(hidden)]
    const FIXED_SIZE: Option<usize>;

    /// Whether the value lies in memory as it is written.
    #[doc(hidden)]
    const IS_PLAIN: bool = false;

    /// An upper bound on what a reader needs for a value.
    #[doc(hidden)]
    const BOUND: Bound = Bound::leaf(Self::FIXED_SIZE);

    /// The type as the dictionary states it.
    #[doc(hidden)]
    fn describe() -> Type;

    /// The bytes that [`write`](Self::write) writes.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// Whether writing the value takes so little that the hot path does it.
    #[doc(hidden)]
    #[inline]
    fn is_short(&self) -> bool {
        is_short_fixed(Self::FIXED_SIZE)
    }

    /// Writes the value and returns the address past its last byte.
    ///
    /// # Safety
    /// [`size`](Self::size) bytes from `out` on may be written.
    #[doc(hidden)]
    unsafe fn write(&self, out: *mut u8) -> *mut u8;
}

/// The values of a record as a list of pairs: `(&a, (&b, ()))`.
///
/// # Safety
/// As for [`Value`].
pub unsafe trait Args {
    /// A hash of the types in order.
    const SIGNATURE: u64;

    /// The size of every such list, if all have the same.
    const FIXED_SIZE: Option<usize>;

    /// An upper bound on what a reader needs for such a list.
    const BOUND: Bound;

    /// Appends the types in order.
    fn describe(types: &mut Vec<Type>);

    /// The bytes that [`write`](Self::write) writes.
    fn size(&self) -> usize;

    /// Whether all values are short.
    fn is_short(&self) -> bool;

    /// Whether readers take the values: not if they have far more parts, or longer names, than bytes.
    #[inline(always)]
    fn is_readable(&self) -> bool {
        (const { Self::BOUND.is_always_readable() }) || limits::is_readable(self)
    }

    /// Writes the values in order and returns the address past the last byte.
    ///
    /// # Safety
    /// [`size`](Self::size) bytes from `out` on may be written.
    unsafe fn write(&self, out: *mut u8) -> *mut u8;
}

// SAFETY: nothing is written, and the size is 0.
unsafe impl Args for () {
    const SIGNATURE: u64 = signature::EMPTY;
    const FIXED_SIZE: Option<usize> = Some(0);
    const BOUND: Bound = Bound::nothing();

    fn describe(_: &mut Vec<Type>) {}

    #[inline]
    fn size(&self) -> usize {
        0
    }

    #[inline]
    fn is_short(&self) -> bool {
        true
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        out
    }
}

// SAFETY: head and rest keep V1 and V2, and so does the text that replaces a head that no reader
// takes; they are written one after the other.
unsafe impl<V: Value, Rest: Args> Args for (V, Rest) {
    const SIGNATURE: u64 = signature::pair(V::SIGNATURE, Rest::SIGNATURE);
    const FIXED_SIZE: Option<usize> = match V::BOUND.refusal() {
        None => add_fixed(V::FIXED_SIZE, Rest::FIXED_SIZE),
        Some(_) => None,
    };
    const BOUND: Bound = match V::BOUND.refusal() {
        None => V::BOUND.and(Rest::BOUND),
        Some(_) => Bound::leaf(None).and(Rest::BOUND),
    };

    fn describe(types: &mut Vec<Type>) {
        types.push(match const { V::BOUND.refusal() } {
            None => V::describe(),
            Some(_) => Type::Formatted,
        });
        Rest::describe(types);
    }

    #[inline]
    fn size(&self) -> usize {
        match (Self::FIXED_SIZE, const { V::BOUND.refusal() }) {
            (Some(size), _) => size,
            (None, None) => self.0.size().saturating_add(self.1.size()),
            (None, Some(word)) => word.size().saturating_add(self.1.size()),
        }
    }

    #[inline]
    fn is_short(&self) -> bool {
        match const { V::BOUND.refusal() } {
            None => self.0.is_short() && self.1.is_short(),
            Some(_) => self.1.is_short(),
        }
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the sum of both sizes, and the head takes its own (V1).
        unsafe {
            let out = match const { V::BOUND.refusal() } {
                None => self.0.write(out),
                Some(word) => word.write(out),
            };
            self.1.write(out)
        }
    }
}

// SAFETY: the value that is referred to keeps V1 and V2.
unsafe impl<A: Args> Args for &A {
    const SIGNATURE: u64 = A::SIGNATURE;
    const FIXED_SIZE: Option<usize> = A::FIXED_SIZE;
    const BOUND: Bound = A::BOUND;

    fn describe(types: &mut Vec<Type>) {
        A::describe(types);
    }

    #[inline]
    fn size(&self) -> usize {
        A::size(self)
    }

    #[inline]
    fn is_short(&self) -> bool {
        A::is_short(self)
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { A::write(self, out) }
    }
}

/// The size of two values in a row, if both always have the same.
const fn add_fixed(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => a.checked_add(b),
        _ => None,
    }
}

/// The most bytes that the hot path copies itself.
const SHORT_BYTES: usize = 64;

/// Whether all values of a type are short.
const fn is_short_fixed(fixed_size: Option<usize>) -> bool {
    matches!(fixed_size, Some(size) if size <= SHORT_BYTES)
}

/// Writes bytes whose number is known when the program is compiled.
///
/// # Safety
/// `N` bytes from `out` on may be written.
#[inline]
unsafe fn put<const N: usize>(out: *mut u8, bytes: [u8; N]) -> *mut u8 {
    // SAFETY: the caller grants the bytes, and an array of bytes needs no alignment.
    unsafe {
        out.cast::<[u8; N]>().write(bytes);
        out.add(N)
    }
}

/// Writes the number of bytes, then the bytes.
///
/// # Safety
/// `4 + bytes.len()` bytes from `out` on may be written.
#[inline]
unsafe fn put_counted(out: *mut u8, bytes: &[u8]) -> *mut u8 {
    // A longer slice has a size that no ring can hold, so its count is never cut short here.
    let count = bytes.len() as u32;
    // SAFETY: the caller grants the bytes, which are new space and overlap nothing.
    unsafe { put_bytes(put(out, count.to_le_bytes()), bytes.as_ptr(), bytes.len()) }
}

/// Writes `len` bytes. A few bytes are copied by overlapping moves, because a call of `memcpy` costs more than
/// the copy.
///
/// # Safety
/// `len` bytes may be read from `from` on, and written from `out` on; they do not overlap.
#[inline]
unsafe fn put_bytes(out: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: each move begins and ends within the `len` bytes, which the caller grants.
    unsafe {
        let copy =
            |at: usize, bytes: usize| from.add(at).copy_to_nonoverlapping(out.add(at), bytes);
        if len >= 16 {
            if len > SHORT_BYTES {
                copy(0, len);
            } else {
                copy(0, 16);
                if len > 32 {
                    copy(16, 16);
                    copy(len - 32, 16);
                }
                copy(len - 16, 16);
            }
        } else if len >= 8 {
            copy(0, 8);
            copy(len - 8, 8);
        } else if len >= 4 {
            copy(0, 4);
            copy(len - 4, 4);
        } else if len > 0 {
            copy(0, 1);
            copy(len / 2, 1);
            copy(len - 1, 1);
        }
        out.add(len)
    }
}

#[cfg(test)]
mod tests;
