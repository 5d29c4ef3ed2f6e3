//! Search in columns of texts.

use stenolog_format::block::{BlockError, GroupColumn, GroupKind, Layout};

use super::bits::Bits;
use super::{Seeker, is_of_texts};
use crate::filter::TextSearch;

/// Texts, one after the other, and their lengths.
pub(super) struct Texts<'a> {
    lengths: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Texts<'a> {
    /// The texts of a column or a pool.
    pub(super) fn new(mut data: &'a [u8]) -> Result<Self, BlockError> {
        let length = take_uint(&mut data).and_then(|length| usize::try_from(length).ok());
        let (lengths, bytes) =
            length.and_then(|length| data.split_at_checked(length)).ok_or(BlockError::Columns)?;
        Ok(Self { lengths, bytes })
    }

    /// Calls `found` with the index of each text that has the piece.
    pub(super) fn find(
        &self,
        search: &TextSearch,
        mut found: impl FnMut(usize),
    ) -> Result<(), BlockError> {
        let (mut at, mut index, mut end) = (0, 0, 0_usize);
        let mut lengths = self.lengths;
        while let Some((first, after)) = search.find_at(self.bytes, at) {
            while end <= first {
                let length = take_uint(&mut lengths).ok_or(BlockError::Columns)?;
                let length = usize::try_from(length).map_err(|_| BlockError::Columns)?;
                end = end.saturating_add(length);
                index += 1;
            }
            // What begins in one text and ends in another is in neither.
            at = if after <= end {
                found(index - 1);
                end
            } else {
                first + 1
            };
        }
        Ok(())
    }

    /// Calls `found` with the index of each text with a byte that may be escaped.
    pub(super) fn find_escaped(
        &self,
        in_digits: bool,
        mut found: impl FnMut(usize),
    ) -> Result<(), BlockError> {
        if !may_be_escaped(self.bytes, in_digits) {
            return Ok(());
        }
        let (mut lengths, mut rest, mut index) = (self.lengths, self.bytes, 0);
        while !lengths.is_empty() {
            let length = take_uint(&mut lengths).ok_or(BlockError::Columns)?;
            let length = usize::try_from(length).map_err(|_| BlockError::Columns)?;
            let (text, after) = rest.split_at_checked(length).ok_or(BlockError::Columns)?;
            if may_be_escaped(text, in_digits) {
                found(index);
            }
            (rest, index) = (after, index + 1);
        }
        Ok(())
    }
}

/// Whether a text has a byte of a character that any format escapes: in digits, which no printable one needs, or in
/// any way.
pub(super) fn may_be_escaped(text: &[u8], in_digits: bool) -> bool {
    let is_quoted = |byte: &u8| !in_digits && matches!(byte, b'"' | b'\'' | b'\\');
    let is_special = |byte: &u8| !matches!(byte, b' '..0x7f) || is_quoted(byte);
    text.chunks(64).any(|chunk| chunk.iter().fold(false, |any, byte| any | is_special(byte)))
}

/// The next varint.
pub(super) fn take_uint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

impl Seeker<'_> {
    /// Adds the records whose text in a column has a piece; `false` if all may.
    pub(super) fn find_text(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        piece: &[u8],
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let Some(search) = self.selection.text_search(piece) else { return Ok(false) };
        match column.layout {
            layout if is_of_texts(layout) => {
                Texts::new(self.plain(column)?)?.find(search, |index| found.insert(index))?;
                Ok(true)
            }
            layout if layout.is_pooled() => {
                self.find_in_pools(piece)?;
                let is_none = |of: &Vec<bool>| of.iter().all(|is| !is);
                if self.entries.get(piece).is_none_or(is_none) {
                    return Ok(true);
                }
                self.read_integers(kind, column)?;
                let Some(entries) = self.entries.get(piece) else { return Ok(true) };
                for (index, &entry) in self.integers.iter().enumerate() {
                    if entries.get(entry as usize).is_some_and(|is| *is) {
                        found.insert(index);
                    }
                }
                Ok(true)
            }
            Layout::Constant => Ok(search.find_at(self.plain(column)?, 0).is_none()),
            _ => Ok(false),
        }
    }

    /// Adds the records whose string in a column has something to escape; `false` if all may.
    pub(super) fn find_escaped(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        in_digits: bool,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        match column.layout {
            Layout::Texts => {
                let texts = Texts::new(self.plain(column)?)?;
                texts.find_escaped(in_digits, |index| found.insert(index))?;
                Ok(true)
            }
            Layout::PooledTexts(_) => {
                self.find_escaped_entries(in_digits)?;
                let is_none = |of: &Vec<bool>| of.iter().all(|is| !is);
                if self.escaped[usize::from(in_digits)].as_ref().is_none_or(is_none) {
                    return Ok(true);
                }
                self.read_integers(kind, column)?;
                let escaped = &self.escaped[usize::from(in_digits)];
                let Some(are_escaped) = escaped else { return Ok(true) };
                for (index, &entry) in self.integers.iter().enumerate() {
                    if are_escaped.get(entry as usize).is_none_or(|is| *is) {
                        found.insert(index);
                    }
                }
                Ok(true)
            }
            Layout::Constant => {
                // After its length.
                let mut text = self.plain(column)?;
                Ok(take_uint(&mut text).is_some() && !may_be_escaped(text, in_digits))
            }
            _ => Ok(false),
        }
    }
}
