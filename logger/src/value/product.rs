//! Products: structs and variants with `#[derive(Record)]`. The derive names fields, the rest is here.

use stenolog_format::types::{EnumType, Fields, Shape, Type};

use super::bound::Bound;
use super::{Value, add_fixed, put, signature};

/// The hash of a struct or of a variant, by the hashes of its fields' types.
#[must_use]
pub const fn product_signature(name: &str, shape: Shape, fields: &[&str], types: &[u64]) -> u64 {
    let mut state = signature::mix_str(signature::leaf("Struct"), name);
    state = signature::mix(state, shape as u64);
    state = signature::mix(state, fields.len() as u64);
    let mut at = 0;
    while at < fields.len() {
        state = signature::mix_str(state, fields[at]);
        state = signature::mix(state, types[at]);
        at += 1;
    }
    state
}

/// The hash of an enum.
#[must_use]
pub const fn enum_signature(name: &str, variants: &[u64]) -> u64 {
    let mut state = signature::mix_str(signature::leaf("Enum"), name);
    state = signature::mix(state, variants.len() as u64);
    let mut at = 0;
    while at < variants.len() {
        state = signature::mix(state, variants[at]);
        at += 1;
    }
    state
}

/// The size of every value of a struct or of a variant, if all have the same.
#[must_use]
pub const fn product_fixed_size(fields: &[Option<usize>]) -> Option<usize> {
    let mut sum = Some(0);
    let mut at = 0;
    while at < fields.len() {
        sum = add_fixed(sum, fields[at]);
        at += 1;
    }
    sum
}

/// The size of every value of an enum, if all variants have the same.
#[must_use]
pub const fn enum_fixed_size(variants: &[Option<usize>]) -> Option<usize> {
    let mut at = 1;
    while at < variants.len() {
        match (variants[at - 1], variants[at]) {
            (Some(a), Some(b)) if a == b => at += 1,
            _ => return None,
        }
    }
    match variants {
        [first, ..] => add_fixed(*first, Some(INDEX_SIZE)),
        // Never constructed; any size is right.
        [] => None,
    }
}

const INDEX_SIZE: usize = size_of::<u16>();

/// An upper bound on what a reader needs for a struct or a variant.
#[must_use]
pub const fn product_bound(name: &str, _: Shape, names: &[&str], fields: &[Bound]) -> Bound {
    Bound::product(name, names, fields)
}

/// The same for an enum.
#[must_use]
pub const fn enum_bound(name: &str, variants: &[Bound]) -> Bound {
    Bound::of_enum(name, variants)
}

/// The description of a struct.
#[must_use]
pub fn describe_struct(fields: Fields) -> Type {
    Type::Struct(fields)
}

/// The description of an enum.
#[must_use]
pub fn describe_enum<const N: usize>(name: &str, variants: [Fields; N]) -> Type {
    Type::Enum(EnumType { name: name.to_owned(), variants: variants.into() })
}

/// The description of a struct or of a variant without what it belongs to.
#[must_use]
pub fn describe_fields<const N: usize>(
    name: &str,
    shape: Shape,
    names: &[&str],
    types: [Type; N],
) -> Fields {
    let fields = names.iter().map(|field| (*field).to_owned()).zip(types).collect();
    Fields { name: name.to_owned(), shape, fields }
}

/// The size that all values have, or else the sum of their fields.
#[inline(always)]
pub fn fixed_or(fixed: Option<usize>, sizes: impl FnOnce() -> usize) -> usize {
    match fixed {
        Some(size) => size,
        None => sizes(),
    }
}

/// The sum of what fields take.
#[inline(always)]
#[must_use]
pub fn sum_sizes<const N: usize>(sizes: [usize; N]) -> usize {
    sizes.into_iter().fold(0, usize::saturating_add)
}

/// The size of a variant with its index.
#[inline(always)]
#[must_use]
pub fn variant_size(fields: usize) -> usize {
    fields.saturating_add(INDEX_SIZE)
}

/// Writes the index of a variant; its fields follow.
///
/// # Safety
/// Two bytes from `out` on may be written.
#[inline(always)]
pub unsafe fn write_index(out: *mut u8, index: u16) -> *mut u8 {
    // SAFETY: the caller grants the bytes.
    unsafe { put(out, index.to_le_bytes()) }
}

/// The value of a field with `#[record(redact)]`: an enum whose only variant is the mark, which is all that
/// a reader can show.
#[derive(Clone, Copy, Debug)]
pub struct Redacted;

impl Redacted {
    const MARK: &str = "[redacted]";
}

// SAFETY: two bytes, the index of the only variant.
unsafe impl Value for Redacted {
    const SIGNATURE: u64 = signature::leaf("Redacted");
    const FIXED_SIZE: Option<usize> = Some(INDEX_SIZE);
    const BOUND: Bound = Bound::of_enum(Self::MARK, &[Bound::product(Self::MARK, &[], &[])]);

    fn describe() -> Type {
        describe_enum(Self::MARK, [describe_fields(Self::MARK, Shape::Unit, &[], [])])
    }

    #[inline]
    fn size(&self) -> usize {
        INDEX_SIZE
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { write_index(out, 0) }
    }
}
