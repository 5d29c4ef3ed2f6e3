//! Walk over the records of a block in columns, some at a time, without turning them into rows.
//!
//! ```text
//!   which   0 1 0 0 2 1 …      kind 0 ──▶ all its next values of column 0, then of column 1, …
//!   times   ▭ ▭ ▭ ▭ ▭ ▭ …                 as words, ready to be printed
//!                              kind 1 ──▶ packed values, as in a row
//!                              kind 2 ──▶ nothing: unwanted records are stepped over
//! ```
//!
//! The whole block is [checked](check) before its first record is [read](read), so a malformed one gives no
//! records, as with [`BlockHeader::rows`]. Unusual but valid blocks, such as one with a tag without records,
//! are refused as well: [`ColumnWalk::begin`] then returns `false`, and reading rows gives the exact error.

mod check;
pub(in crate::block) mod columns;
pub(in crate::block) mod read;
pub(in crate::block) mod words;

use std::ops::Range;

use super::read::{ColumnPlace, Malformed};
use crate::block::{BlockHeader, RecordTime, most_rows};
use crate::value::WordPlan;
use columns::{ColumnUse, SlotTypes};

/// How to read the records with a tag.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'t> {
    /// Not at all: they are skipped, and their values are not checked.
    Nothing,
    /// Packed values, as in a row.
    Packed,
    /// Packed values, and one record at a time.
    Alone,
    /// [Words](ColumnValues::Words) if the columns hold values of the call site's types, otherwise packed
    /// values.
    Words(&'t WordPlan),
}

/// A record of a block in columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnRecord {
    /// Its place in the block.
    pub index: u32,
    /// The place of its kind among the [kinds](ColumnWalk::kinds).
    pub kind: u8,
    /// When it was logged.
    pub time: RecordTime,
    /// Where its values are.
    pub values: ColumnValues,
}

/// Where the values of a [`ColumnRecord`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnValues {
    /// Packed, among the bytes that were appended.
    Packed {
        /// The place of the first byte.
        start: u32,
        /// How many bytes they take.
        length: u32,
    },
    /// [Words](crate::value::Words), among those that were appended. Places are in the body, or among the bytes
    /// that were appended. All values are valid for their types, except that texts may not be UTF-8 and that
    /// pieces may hold anything.
    Words {
        /// The place of the first word.
        first: u32,
        /// The distance from each word to the next one.
        stride: u32,
    },
}

/// A kind of records in a block: those with one tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnKind {
    /// The call site's id, or [`CallSite::LOSS_ID`](crate::dictionary::CallSite::LOSS_ID).
    pub tag: u32,
    /// Whether their times are unix times.
    pub is_unix: bool,
    reading: Reading,
    /// The range of their columns among those of the walk, if they are read.
    columns: (u32, u32),
    /// How many the block has.
    count: u32,
    /// The number of words of a record, if words are read.
    words: u32,
    /// Of the records that are being read: the place of the next one's first word, and their number; 0 if
    /// they are read packed.
    first: u32,
    stride: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Nothing,
    Packed,
    Alone,
    Words,
}

/// A walk over the records of a block in columns.
///
/// It does not borrow the block's bytes, which may move meanwhile. Reuse it: it keeps its buffers.
#[derive(Clone, Debug, Default)]
pub struct ColumnWalk {
    kinds: Vec<ColumnKind>,
    columns: Vec<(ColumnPlace, ColumnUse)>,
    types: SlotTypes,
    /// Where the columns of the kind that is being read were before.
    before: Vec<ColumnPlace>,
    /// The rest of the kinds of records, and of their times.
    which: Range<usize>,
    times: Range<usize>,
    next: u32,
    left: u32,
    /// How many of the records that are left are wanted.
    wanted_left: u32,
    counter: u64,
    unix: u64,
    has_unix: bool,
    has_alone: bool,
    scratch: Vec<u64>,
}

impl ColumnWalk {
    /// Begins with the first record of a block. Its `body` is decompressed; `stored_bytes` is its length in the
    /// file. Returns `false` if the records cannot be read in this way; [`BlockHeader::rows`] then returns the
    /// error.
    ///
    /// Allocates only for kinds and columns, whose numbers are limited.
    pub fn begin<'t>(
        &mut self,
        header: &BlockHeader,
        body: &[u8],
        stored_bytes: usize,
        wish: impl FnMut(u32) -> Wish<'t>,
    ) -> bool {
        let begun = header.encoding == 2
            && i32::try_from(body.len()).is_ok()
            && self.check(header, body, most_rows(stored_bytes), wish).is_ok();
        if !begun {
            (self.left, self.wanted_left) = (0, 0);
        }
        begun
    }

    /// The kinds of records in the block.
    #[must_use]
    pub fn kinds(&self) -> &[ColumnKind] {
        &self.kinds
    }

    /// How many records are still to be read.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Reads up to `most` records and calls `each` with the wanted ones. Appends their values to `words` and
    /// `bytes`. Returns the number of records, unwanted ones included; 0 after the last one, and if `body`
    /// is not the one that the walk began with.
    ///
    /// If no wanted record is left, it continues to the end.
    pub fn next(
        &mut self,
        body: &[u8],
        most: usize,
        words: &mut Vec<u64>,
        bytes: &mut Vec<u8>,
        each: impl FnMut(ColumnRecord),
    ) -> u32 {
        if self.wanted_left == 0 {
            self.next += self.left;
            return std::mem::take(&mut self.left);
        }
        self.read(body, most, words, bytes, each).unwrap_or_else(|Malformed| {
            // The block was checked, so these are other bytes.
            (self.left, self.wanted_left) = (0, 0);
            0
        })
    }
}

#[cfg(test)]
mod tests;
