//! Blocks from the records that the ring of a dead writer still holds.
//!
//! Used by readers, and by loggers that start again. The result is the payloads of block frames, packed where
//! the records match the types of their call sites, raw otherwise. Numbers and positions continue as in the
//! ring, so a record that is also in the dump is recognized.
//!
//! ```text
//!   dump:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┐
//!   ring:            ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭       the same position, the same number: the same record
//!                           └─ RingSpan ─┘
//! ```

use crate::block::{BlockBuilder, BlockHeader};
use crate::dictionary::{CallSite, Level, TimeSource};

/// The most ring bytes in a block, unless a single record is longer.
pub const MAX_BLOCK_BYTES: u64 = 1 << 20;

/// The longest record that a block can hold raw. The top bit of the length has another meaning.
const MAX_RECORD_BYTES: usize = (1 << 31) - 1;

/// A record as it is in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingRecord<'a> {
    /// Its position, in bytes from the ring's beginning.
    pub position: u64,
    /// The id of its call site, or [`CallSite::LOSS_ID`].
    pub tag: u32,
    /// The time word, then the values in raw encoding.
    pub payload: &'a [u8],
}

/// The part of a ring to put into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSpan {
    /// The ring, by its id in the dump.
    pub ring: u32,
    /// The position where it begins: where the dump's last block of the ring ended, if there is one.
    pub position: u64,
    /// The position where it ends, after the last record.
    pub end_position: u64,
    /// The number of the first record in it.
    pub first_record: u64,
}

/// Numbers of what was put into blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocks {
    /// The number of blocks.
    pub blocks: u64,
    /// The number of records in them, loss statements included.
    pub records: u64,
    /// The number of records that are too short to have a time. They are in no block, and their numbers are
    /// skipped.
    pub unreadable: u64,
}

/// Puts records of one ring, in their order, into blocks of at most [`MAX_BLOCK_BYTES`].
///
/// `site` looks up call sites; `put` gets each block's header, and the payload of its frame with the header.
/// Without records there is no block. Time and memory depend on the length of the records only, not on what
/// is in them.
///
/// # Examples
///
/// ```
/// use stenolog_format::frame::{FrameKind, FrameWriter};
/// use stenolog_format::loss::Loss;
/// use stenolog_format::recovery::{RingRecord, RingSpan, put_blocks};
///
/// let statement = Loss::default().encode();
/// let record = RingRecord { position: 64, tag: 1, payload: &statement };
/// let span = RingSpan { ring: 3, position: 64, end_position: 160, first_record: 7 };
/// let (mut frames, mut dump) = (FrameWriter::default(), Vec::new());
/// let put = put_blocks(span, [record], |_| None, |header, payload| {
///     assert_eq!((header.ring, header.first_record, header.count), (3, 7, 1));
///     frames.frame(&mut dump, FrameKind::Block, |out| out.extend_from_slice(payload));
/// });
/// assert_eq!((put.blocks, put.records), (1, 1));
/// ```
pub fn put_blocks<'r, 's>(
    span: RingSpan,
    records: impl IntoIterator<Item = RingRecord<'r>>,
    site: impl Fn(u32) -> Option<&'s CallSite>,
    put: impl FnMut(&BlockHeader, &[u8]),
) -> Blocks {
    let mut batch = Batch {
        ring: span.ring,
        position: span.position,
        first_record: span.first_record,
        records: Vec::new(),
        builder: BlockBuilder::default(),
        payload: Vec::new(),
        made: Blocks::default(),
        site,
        put,
    };
    let mut number = span.first_record;
    for record in records {
        let bytes = record.payload.len();
        let end = record.position.saturating_add(8 + (bytes as u64).next_multiple_of(8));
        if end.saturating_sub(batch.position) > MAX_BLOCK_BYTES {
            batch.finish(record.position);
        }
        if (8..=MAX_RECORD_BYTES).contains(&bytes) {
            batch.records.push(record);
        } else {
            batch.finish(record.position);
            batch.made.unreadable += 1;
            batch.first_record = number.saturating_add(1);
        }
        number = number.saturating_add(1);
    }
    batch.finish(span.end_position);
    batch.made
}

/// The records of the next block, and its builder.
struct Batch<'r, S, P> {
    ring: u32,
    position: u64,
    first_record: u64,
    records: Vec<RingRecord<'r>>,
    builder: BlockBuilder,
    payload: Vec<u8>,
    made: Blocks,
    site: S,
    put: P,
}

impl<'s, S, P> Batch<'_, S, P>
where
    S: Fn(u32) -> Option<&'s CallSite>,
    P: FnMut(&BlockHeader, &[u8]),
{
    fn finish(&mut self, end: u64) {
        if self.records.is_empty() {
            return;
        }
        self.payload.clear();
        self.builder.begin(self.ring, self.position, self.first_record);
        let is_packed = self.records.iter().all(|record| {
            if record.tag == CallSite::LOSS_ID {
                self.builder.push_loss(record.payload).is_ok()
            } else {
                let site = (self.site)(record.tag);
                site.is_some_and(|site| self.builder.push(site, record.payload).is_ok())
            }
        });
        let header = if is_packed {
            self.builder.finish(end, &mut self.payload)
        } else {
            self.finish_raw(end)
        };
        (self.put)(&header, &self.payload);
        self.made.blocks += 1;
        self.made.records += u64::from(header.count);
        self.position = end;
        self.first_record = self.first_record.saturating_add(header.count.into());
        self.records.clear();
    }

    /// Keeps records that do not match the types of their call sites as they are, so nothing is lost.
    fn finish_raw(&mut self, end: u64) -> BlockHeader {
        let mut body = Vec::new();
        self.builder.begin(self.ring, self.position, self.first_record);
        for RingRecord { tag, payload, .. } in &self.records {
            let word = payload.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
            match (self.site)(*tag) {
                _ if *tag == CallSite::LOSS_ID => self.builder.note_loss(word),
                Some(site) => self.builder.note(site.level, site.time, word),
                // Of an unknown level, which no filter by level may skip.
                None => self.builder.note(Level::Error, TimeSource::Counter, word),
            }
            body.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            body.extend_from_slice(&tag.to_le_bytes());
            body.extend_from_slice(payload);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        self.builder.finish_raw(end, &[&body], &mut self.payload)
    }
}

#[cfg(test)]
mod tests;
