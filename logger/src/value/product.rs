//! What `#[derive(Record)]` is made of: the derive names fields, all else happens here.

use stenolog_format::types::{EnumType, Fields, Shape, Type};

use super::{Args, add_fixed, put, signature};

/// The hash of a struct or of a variant.
#[must_use]
pub const fn product_signature<F: Args>(name: &str, shape: Shape, fields: &[&str]) -> u64 {
    let mut state = signature::mix_str(signature::leaf("Struct"), name);
    state = signature::mix(state, shape as u64);
    state = signature::mix(state, fields.len() as u64);
    let mut at = 0;
    while at < fields.len() {
        state = signature::mix_str(state, fields[at]);
        at += 1;
    }
    signature::mix(state, F::SIGNATURE)
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

/// The description of a struct.
#[must_use]
pub fn describe_struct<F: Args>(name: &str, shape: Shape, fields: &[&str]) -> Type {
    Type::Struct(describe_fields::<F>(name, shape, fields))
}

/// The description of an enum.
#[must_use]
pub fn describe_enum<const N: usize>(name: &str, variants: [Fields; N]) -> Type {
    Type::Enum(EnumType { name: name.to_owned(), variants: variants.into() })
}

/// The description of a struct or of a variant without what it belongs to.
#[must_use]
pub fn describe_fields<F: Args>(name: &str, shape: Shape, fields: &[&str]) -> Fields {
    let mut types = Vec::with_capacity(fields.len());
    F::describe(&mut types);
    let fields = fields.iter().map(|field| (*field).to_owned()).zip(types).collect();
    Fields { name: name.to_owned(), shape, fields }
}

/// The size of a variant with its index.
#[inline]
#[must_use]
pub fn variant_size<F: Args>(fields: &F) -> usize {
    fields.size().saturating_add(INDEX_SIZE)
}

/// Writes a variant: its index, then its fields.
///
/// # Safety
/// [`variant_size`] bytes from `out` on may be written.
#[inline]
pub unsafe fn write_variant<F: Args>(out: *mut u8, index: u16, fields: &F) -> *mut u8 {
    // SAFETY: the caller grants the bytes.
    unsafe { fields.write(put(out, index.to_le_bytes())) }
}
