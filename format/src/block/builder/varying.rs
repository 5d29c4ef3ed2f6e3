//! Column of a group whose values vary in length: texts, and values that are packed as a whole.

use crate::value::put_uint;

use super::pays::Pays;

/// How much capacity for texts to keep from group to group.
const KEPT_TEXT_BYTES: usize = 1 << 18;

/// A column of values of varying length.
#[derive(Debug, Default)]
pub(super) struct Varying {
    pub(super) lengths: Vec<u8>,
    /// The values, and then room that was used before.
    buffer: Vec<u8>,
    used: usize,
    pub(super) pays: Pays,
}

/// Shorter texts are copied with what follows them: the processor then need not guess their length.
const COPIED_BYTES: usize = 64;

const _: () = assert!(COPIED_BYTES < 0x80, "a length of one byte");

impl Varying {
    pub(super) fn clear(&mut self) {
        self.lengths.clear();
        self.used = 0;
        // Do not keep the capacity of a few long values for each call site.
        if self.buffer.len() > KEPT_TEXT_BYTES {
            self.buffer.truncate(KEPT_TEXT_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    /// Takes the text of this length at the beginning of `bytes`; `None` if they are fewer.
    #[inline(always)]
    pub(super) fn take(&mut self, bytes: &[u8], length: usize) -> Option<()> {
        if length <= COPIED_BYTES
            && let Some(source) = bytes.first_chunk::<COPIED_BYTES>()
            && let Some(room) = self.buffer.get_mut(self.used..)
            && let Some(room) = room.first_chunk_mut::<COPIED_BYTES>()
        {
            self.lengths.push(length as u8);
            *room = *source;
            self.used += length;
            return Some(());
        }
        self.take_long(bytes.get(..length)?);
        Some(())
    }

    #[inline(never)]
    fn take_long(&mut self, text: &[u8]) {
        put_length(text.len(), &mut self.lengths);
        if self.buffer.len() < self.used + text.len() + COPIED_BYTES {
            self.grow(text.len() + COPIED_BYTES);
        }
        self.buffer[self.used..][..text.len()].copy_from_slice(text);
        self.used += text.len();
    }

    /// Makes room for this many bytes more.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        let room = (2 * self.buffer.len()).max(self.used + bytes).max(1 << 10);
        self.buffer.resize(room, 0);
    }

    /// Takes the value that `put` appends to the buffer that it gets.
    pub(super) fn take_with<E>(
        &mut self,
        put: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.buffer.truncate(self.used);
        put(&mut self.buffer)?;
        put_length(self.buffer.len() - self.used, &mut self.lengths);
        self.used = self.buffer.len();
        Ok(())
    }

    /// All values, one after the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.used]
    }

    /// The values.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let (mut lengths, mut bytes) = (&self.lengths[..], self.bytes());
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
        length.len() + self.lengths.len() + self.used
    }

    /// Appends the column in these layouts.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_uint(out, self.lengths.len() as u64);
        out.extend_from_slice(&self.lengths);
        out.extend_from_slice(self.bytes());
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
