//! Blocks: the records of one ring, in the order in which its thread committed them.
//!
//! A *raw* body has the bytes of the ring, unchanged:
//!
//! ```text
//! | len u32 | tag u32 | time u64 | values … | padding to 8 |   the top bit of len marks dead space
//! ```
//!
//! A *packed* body holds the same in fewer bytes:
//!
//! ```text
//! | first counter − smallest, zigzag varint | first unix time − earliest, zigzag varint |   once
//! | tag varint | values' length ≪ 1 | 1 if unix time, varint | time − time before, zigzag | values … |
//! ```
//!
//! In *columns* the same rows are transposed, so they compress better. A reader turns them back into
//! rows ([`BlockHeader::rows`]), or reads them as they are ([`ColumnWalk`]).

mod builder;
mod codec;
mod columns;
mod group;
mod layout;
mod packed;
mod plan;
mod raw;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use builder::{BlockBuilder, Depth, First, PlainBody, SectionHint};
pub use codec::Codec;
pub use columns::walk::{ColumnKind, ColumnRecord, ColumnValues, ColumnWalk, Wish};
pub use group::{
    GroupBody, GroupColumn, GroupHead, GroupKind, GroupRecord, GroupValues, GroupWords, Pattern,
    PatternPiece, Pool, PoolClass, Section, Unpack, WordForm, WordKind,
};
pub use layout::{Integers, Layout};
pub use plan::SitePlan;

use crate::bytes::Fields;
use crate::value::{Encoding, put_uint};

/// An error is rare if at least this many records of its ring without an error precede it. Writers put it into
/// a block of its own, with the errors that follow at once, so a search for errors reads little else. Readers
/// do not depend on it.
pub const RARE_AFTER_RECORDS: u64 = 1024;

/// The header of a block: which records it holds, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHeader {
    /// The ring that the records come from.
    pub ring: u32,
    /// How they are laid out: [`BlockHeader::RAW`] and its siblings.
    pub encoding: u8,
    /// How the body is compressed: the [number](Codec::number) of a [`Codec`].
    pub codec: u8,
    /// The levels that occur, one [bit](crate::dictionary::Level::bit) each.
    pub levels: u8,
    /// [`BlockHeader::HAS_COUNTER`] and its siblings.
    pub flags: u8,
    /// The position in the ring where its previous block ended, in bytes from the ring's beginning.
    pub position: u64,
    /// The position in the ring after the last record: the next block begins there.
    pub end_position: u64,
    /// The number of the first record: how many records the ring held before it.
    pub first_record: u64,
    /// The number of records.
    pub count: u32,
    /// The length of the body before compression.
    pub body_bytes: u32,
    /// The smallest raw counter, if the block has one.
    pub counter_first: u64,
    /// The largest raw counter.
    pub counter_last: u64,
    /// The earliest time that a caller gave (`at:`), if the block has one.
    pub unix_first: i64,
    /// The latest time that a caller gave.
    pub unix_last: i64,
}

impl BlockHeader {
    /// The length of the header in a block frame.
    pub const BYTES: usize = 72;

    /// Encoding: the bytes of the ring.
    pub const RAW: u8 = 0;
    /// Encoding: packed rows.
    pub const PACKED: u8 = 1;
    /// Encoding: packed rows in columns.
    pub const COLUMNS: u8 = 2;
    /// Encoding: a [group](GroupHead) of parts in columns. Since format 1.4.
    pub const GROUP: u8 = 3;

    /// The ring of a group with several parts. No thread has it.
    pub const SEVERAL_RINGS: u32 = u32::MAX - 1;

    /// Flag: there are records with a raw counter.
    pub const HAS_COUNTER: u8 = 1;
    /// Flag: there are records with a time that a caller gave.
    pub const HAS_UNIX: u8 = 2;
    /// Flag: there are loss statements, which count as records but have no level.
    pub const HAS_LOSS: u8 = 4;

    /// Encodes the header as it is stored in a frame.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0..4].copy_from_slice(&self.ring.to_le_bytes());
        out[4..8].copy_from_slice(&[self.encoding, self.codec, self.levels, self.flags]);
        out[8..16].copy_from_slice(&self.position.to_le_bytes());
        out[16..24].copy_from_slice(&self.end_position.to_le_bytes());
        out[24..32].copy_from_slice(&self.first_record.to_le_bytes());
        out[32..36].copy_from_slice(&self.count.to_le_bytes());
        out[36..40].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[40..48].copy_from_slice(&self.counter_first.to_le_bytes());
        out[48..56].copy_from_slice(&self.counter_last.to_le_bytes());
        out[56..64].copy_from_slice(&self.unix_first.to_le_bytes());
        out[64..72].copy_from_slice(&self.unix_last.to_le_bytes());
        out
    }

    /// Reads the header at the beginning of a block frame's payload; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        Some(Self {
            ring: fields.u32()?,
            encoding: fields.u8()?,
            codec: fields.u8()?,
            levels: fields.u8()?,
            flags: fields.u8()?,
            position: fields.u64()?,
            end_position: fields.u64()?,
            first_record: fields.u64()?,
            count: fields.u32()?,
            body_bytes: fields.u32()?,
            counter_first: fields.u64()?,
            counter_last: fields.u64()?,
            unix_first: fields.i64()?,
            unix_last: fields.i64()?,
        })
    }

    /// Turns a decompressed body in columns back into packed rows, and appends them to `out`. Returns the
    /// header that they would have, for [`records`](Self::records).
    ///
    /// `stored_bytes` is the length of the body in the file, compressed or not. It limits the memory that
    /// the rows may take, as `FORMAT.md` states.
    ///
    /// # Errors
    /// If the columns are malformed. `out` may then hold some of the rows.
    pub fn rows(
        &self,
        body: &[u8],
        stored_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<Self, BlockError> {
        self.rows_of(body, stored_bytes, out, |_| true)
    }

    /// Like [`rows`](Self::rows), but leaves out the values of records with unwanted tags, unchecked.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn rows_of(
        &self,
        body: &[u8],
        stored_bytes: usize,
        out: &mut Vec<u8>,
        is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Self, BlockError> {
        if self.encoding != 2 {
            return Err(BlockError::Encoding { encoding: self.encoding });
        }
        let start = out.len();
        columns::read::put_rows(body, self.count, most_rows(stored_bytes), out, is_wanted)
            .map_err(|columns::read::Malformed| BlockError::Columns)?;
        let body_bytes = (out.len() - start) as u32;
        Ok(Self { encoding: 1, codec: 0, body_bytes, ..*self })
    }

    /// Walks over the records in `body`, which may be cut.
    ///
    /// # Errors
    /// If this version does not know the encoding, or if the body is compressed or in columns. Decompress it
    /// first and set [`codec`](Self::codec) to 0; for columns see [`rows`](Self::rows).
    pub fn records<'a>(&self, body: &'a [u8]) -> Result<Records<'a>, BlockError> {
        if self.codec != 0 {
            return Err(BlockError::Codec { codec: self.codec });
        }
        let encoding = match self.encoding {
            0 => Encoding::Raw,
            1 => Encoding::Packed,
            encoding => return Err(BlockError::Encoding { encoding }),
        };
        let mut records = Records {
            body,
            length: body.len(),
            encoding,
            left: self.count,
            counter: self.counter_first,
            unix_ns: self.unix_first,
        };
        if encoding == Encoding::Packed && records.read_packed_bases().is_err() {
            // Too short for a record as well: the iterator will say so.
            records.body = &[];
        }
        Ok(records)
    }
}

/// The error of reading the records of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A codec of a later version, or one that this reader was built without.
    #[error("compression {codec} is unknown to this reader: use a newer steno")]
    Codec {
        /// The number in the header.
        codec: u8,
    },
    /// A compressed body that is cut, and so cannot be decompressed.
    #[error("the compressed block is cut")]
    Cut,
    /// A compressed body that is longer than [`Codec::allows`].
    #[error("{stored} compressed bytes claim to hold {bytes}, more than a block may have")]
    TooLong {
        /// The length before compression, by the header.
        bytes: u32,
        /// The length in the file.
        stored: usize,
    },
    /// Bytes that do not decompress to a body of this length.
    #[error("its body does not decompress to {bytes} bytes")]
    Compressed {
        /// The length before compression, by the header.
        bytes: u32,
    },
    /// An encoding of a later version.
    #[error("record encoding {encoding} is unknown to this reader: use a newer steno")]
    Encoding {
        /// The number in the header.
        encoding: u8,
    },
    /// The columns do not match the header or their directory.
    #[error("the columns of the block are malformed")]
    Columns,
    /// The body ends within a record.
    #[error("the block ends within a record, {left} records early")]
    End {
        /// How many of the stated records are missing.
        left: u32,
    },
    /// No record begins where one should.
    #[error("no record begins at byte {offset} of the block")]
    Record {
        /// The place in the body.
        offset: usize,
    },
}

/// The time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordTime {
    /// The raw counter.
    Counter(u64),
    /// Nanoseconds since the Unix epoch, as the caller gave them.
    UnixNanos(i64),
    /// The time word of a raw record. Its meaning depends on
    /// [`CallSite::time`](crate::dictionary::CallSite::time).
    Word(u64),
}

/// A record as it is stored in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The call site's id, or [`CallSite::LOSS_ID`](crate::dictionary::CallSite::LOSS_ID).
    pub tag: u32,
    /// When it was logged.
    pub time: RecordTime,
    /// The values.
    pub values: &'a [u8],
    /// How the values are laid out.
    pub encoding: Encoding,
}

/// The records of a block, in order. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    body: &'a [u8],
    length: usize,
    encoding: Encoding,
    left: u32,
    counter: u64,
    unix_ns: i64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RawRecord<'a>, BlockError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let read = match self.encoding {
            Encoding::Raw => self.next_raw(),
            Encoding::Packed => self.next_packed(),
        };
        match read {
            Ok(_) => self.left -= 1,
            Err(_) => self.left = 0,
        }
        Some(read)
    }
}

/// A place among the records of a block: [`Records`] without the bytes.
///
/// For readers that walk over many blocks in turn, whose bytes may move meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct RecordsPlace {
    offset: usize,
    encoding: Encoding,
    left: u32,
    counter: u64,
    unix_ns: i64,
}

impl RecordsPlace {
    /// How many of the records that the header states have not been read yet.
    #[inline]
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// How many bytes of the body precede it.
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Records<'a> {
    /// The place of the next record.
    #[inline]
    #[must_use]
    pub const fn place(&self) -> RecordsPlace {
        RecordsPlace {
            offset: self.length - self.body.len(),
            encoding: self.encoding,
            left: self.left,
            counter: self.counter,
            unix_ns: self.unix_ns,
        }
    }

    /// Continues at `place` in `body`, which must be the one that the walk began with.
    #[inline]
    #[must_use]
    pub fn resume(body: &'a [u8], place: RecordsPlace) -> Self {
        let RecordsPlace { offset, encoding, left, counter, unix_ns } = place;
        let length = body.len();
        let body = body.get(offset..).unwrap_or_default();
        Self { body, length, encoding, left, counter, unix_ns }
    }

    /// Skips the next unwanted records and returns how many they are. Stops before the first wanted record,
    /// and before one that cannot be read.
    ///
    /// `is_wanted` gets the record's tag and the range of its values in the body.
    #[inline]
    pub fn pass_over(&mut self, mut is_wanted: impl FnMut(u32, Range<usize>) -> bool) -> u32 {
        if self.encoding == Encoding::Packed {
            return self.pass_over_packed(is_wanted);
        }
        let mut passed = 0;
        loop {
            let mut next = self.clone();
            let Some(Ok(record)) = next.next() else { return passed };
            let at = (record.values.as_ptr() as usize).wrapping_sub(self.body.as_ptr() as usize);
            let start = (self.length - self.body.len()).wrapping_add(at);
            if is_wanted(record.tag, start..start.wrapping_add(record.values.len())) {
                return passed;
            }
            *self = next;
            passed += 1;
        }
    }

    /// How many of the records that the header states have not been read yet.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// The bytes after the records that were read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.body
    }
}

impl Records<'_> {
    fn end(&self) -> BlockError {
        BlockError::End { left: self.left }
    }

    fn no_record(&self) -> BlockError {
        BlockError::Record { offset: self.length - self.body.len() }
    }
}

/// The most bytes of packed rows that `stored_bytes` of columns in a file may turn into.
///
/// ```
/// assert_eq!(stenolog_format::block::most_rows(10), 10 * 1024 + 4096);
/// ```
#[must_use]
pub fn most_rows(stored_bytes: usize) -> usize {
    Codec::MAX_BODY_BYTES.min(stored_bytes.saturating_mul(1024).saturating_add(4096))
}

/// Puts the length of the values before them, where a byte was reserved for it.
#[inline]
fn put_length(length: u64, at: usize, out: &mut Vec<u8>) {
    if length < 0x80 {
        out[at] = length as u8;
        return;
    }
    let end = out.len();
    put_uint(out, length);
    // Move the length from after the row to its place, and remove the reserved byte.
    let bytes = out.len() - end;
    out[at..].rotate_right(bytes);
    out.remove(at + bytes);
}

#[cfg(test)]
mod tests;
