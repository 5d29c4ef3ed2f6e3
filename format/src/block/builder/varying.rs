//! Column of a group whose values vary in length: texts, and values that are packed as a whole.

use crate::value::put_uint;

use super::pays::Pays;

/// How much capacity for texts to keep from group to group.
const KEPT_TEXT_BYTES: usize = 1 << 18;

/// A column of values of varying length.
#[derive(Debug, Default)]
pub(super) struct Varying {
    pub(super) lengths: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) pays: Pays,
}

impl Varying {
    pub(super) fn clear(&mut self) {
        self.lengths.clear();
        self.bytes.clear();
        // Do not keep the capacity of a few long values for each call site.
        if self.bytes.capacity() > KEPT_TEXT_BYTES {
            self.bytes.shrink_to(KEPT_TEXT_BYTES);
        }
    }

    /// Takes a text.
    #[inline]
    pub(super) fn take(&mut self, text: &[u8]) {
        put_length(text.len(), &mut self.lengths);
        self.bytes.extend_from_slice(text);
    }

    /// The values.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let (mut lengths, mut bytes) = (&self.lengths[..], &self.bytes[..]);
        std::iter::from_fn(move || {
            let length = take_length(&mut lengths)?;
            let (value, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some(value)
        })
    }

    /// The length of the column in the layouts of texts and pieces.
    pub(super) fn stored_bytes(&self) -> usize {
        let mut length = Vec::with_capacity(5);
        put_uint(&mut length, self.lengths.len() as u64);
        length.len() + self.lengths.len() + self.bytes.len()
    }

    /// Appends the column in these layouts.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_uint(out, self.lengths.len() as u64);
        out.extend_from_slice(&self.lengths);
        out.extend_from_slice(&self.bytes);
    }
}

/// Appends a length as a varint.
#[inline]
pub(super) fn put_length(length: usize, out: &mut Vec<u8>) {
    if length < 0x80 { out.push(length as u8) } else { put_uint(out, length as u64) }
}

/// Takes a length from the front of the varints.
#[inline]
fn take_length(lengths: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let (&byte, rest) = lengths.split_first()?;
        *lengths = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}
