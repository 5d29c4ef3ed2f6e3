//! Builder of blocks from the records of a ring.

mod assemble;
mod choose;
mod fixed;
mod gather;
mod group;
mod kind;
mod pays;
mod pools;
mod raw;
mod times;
mod varying;

use std::sync::Arc;

pub use group::{Depth, SectionHint};

use self::group::Group;
#[cfg(any(test, feature = "__columns"))]
use super::columns::{Columns, Rest};
use super::plan::SitePlan;
use super::raw::{RawHeader, RawRuns};
use super::{BlockHeader, Codec, most_rows, put_length};
use crate::dictionary::CallSite;
use crate::loss::Loss;
#[cfg(any(test, feature = "__columns"))]
use crate::summary::SummaryBuilder;
use crate::value::{ValueError, put_int, put_uint};

/// Builds the block of a batch of records: packs them, and collects what the header states.
///
/// Reuse a builder within a session, where a tag has one plan: it keeps its buffers.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    rows: Vec<u8>,
    /// The encoding of columns that groups replaced.
    #[cfg(any(test, feature = "__columns"))]
    columns: Columns,
    #[cfg(any(test, feature = "__columns"))]
    has_columns: bool,
    group: Group,
    body: Vec<u8>,
    /// A record that was packed.
    unpacked: Vec<u8>,
    header: Option<BlockHeader>,
    counters: Times,
    unix: Times,
    loss: Option<Arc<SitePlan>>,
    last_loss: Option<Loss>,
}

/// What to do with the first record of a call site in a block: see [`BlockBuilder::push_raw`].
#[derive(Clone, Debug)]
pub enum First {
    /// Take it, by this plan.
    Take(Arc<SitePlan>),
    /// End the block before it.
    EndBefore,
}

/// The body of a block that is being [finished](BlockBuilder::finish_with).
#[derive(Clone, Copy, Debug)]
pub struct PlainBody<'a> {
    /// The bytes to compress.
    pub bytes: &'a [u8],
    /// The most bytes that it takes as packed rows.
    rows_bytes: usize,
}

impl PlainBody<'_> {
    /// Whether to store it compressed in `stored_bytes`: that is shorter, and within what readers accept.
    #[must_use]
    pub fn may_stand_in(&self, codec: Codec, stored_bytes: usize) -> bool {
        stored_bytes < self.bytes.len()
            && codec.allows(self.bytes.len(), stored_bytes)
            && self.rows_bytes <= most_rows(stored_bytes)
    }
}

/// The times of one kind in a block, as unsigned numbers in their order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    any: bool,
    first: u64,
    last: u64,
    smallest: u64,
    largest: u64,
}

/// Flipping this bit puts signed numbers into the order of unsigned ones.
pub(super) const SIGN: u64 = 1 << 63;

impl Times {
    /// Notes a time; returns the difference from the one before.
    #[inline]
    pub(super) fn note(&mut self, time: u64) -> i64 {
        if !self.any {
            *self = Self { any: true, first: time, last: time, smallest: time, largest: time };
        }
        self.smallest = self.smallest.min(time);
        self.largest = self.largest.max(time);
        let difference = time.wrapping_sub(self.last);
        self.last = time;
        difference as i64
    }

    /// Notes several times; returns the time before the first one, or the first one itself.
    pub(super) fn note_all(&mut self, times: &[u64]) -> u64 {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return self.last };
        if !self.any {
            *self = Self { any: true, first, last: first, smallest: first, largest: first };
        }
        // Usually a clock does not go back.
        let (smallest, largest) = if times.is_sorted() {
            (first, last)
        } else {
            let bounds = (first, first);
            times.iter().fold(bounds, |(least, most), time| (least.min(*time), most.max(*time)))
        };
        self.smallest = self.smallest.min(smallest);
        self.largest = self.largest.max(largest);
        std::mem::replace(&mut self.last, last)
    }

    /// Whether there is one.
    pub(super) const fn is_any(&self) -> bool {
        self.any
    }

    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// The difference between the first time and the smallest one.
    const fn base(&self) -> i64 {
        self.first.wrapping_sub(self.smallest) as i64
    }
}

impl BlockHeader {
    /// States the times; returns the bases.
    pub(super) fn note_times(&mut self, counters: &Times, unix: &Times) -> [i64; 2] {
        if counters.any {
            self.flags |= Self::HAS_COUNTER;
            (self.counter_first, self.counter_last) = (counters.smallest, counters.largest);
        }
        if unix.any {
            self.flags |= Self::HAS_UNIX;
            self.unix_first = (unix.smallest ^ SIGN) as i64;
            self.unix_last = (unix.largest ^ SIGN) as i64;
        }
        [counters.base(), unix.base()]
    }
}

impl BlockBuilder {
    /// Begins a block at `position` of `ring`, and forgets the previous one.
    pub fn begin(&mut self, ring: u32, position: u64, first_record: u64) {
        self.rows.clear();
        self.rows.resize(BASES_BYTES, 0);
        #[cfg(any(test, feature = "__columns"))]
        {
            self.columns.clear();
            self.has_columns = false;
        }
        (self.counters, self.unix) = (Times::default(), Times::default());
        self.last_loss = None;
        self.group.is_open = false;
        self.header = Some(empty_header(ring, position, first_record));
    }

    /// Like [`begin`](Self::begin), with the records in columns of one ring, as writers of 1.2 and 1.3 put them. For
    /// tests of readers.
    #[cfg(any(test, feature = "__columns"))]
    pub fn begin_columns(&mut self, ring: u32, position: u64, first_record: u64) {
        self.begin(ring, position, first_record);
        self.has_columns = true;
    }

    /// Takes a record of a call site, in raw layout: the time word, then the values. For many records of
    /// a site, make a plan for it once and call [`push_planned`](Self::push_planned).
    ///
    /// # Errors
    /// If the payload does not match the types of the call site. Begin the block again.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push(&mut self, site: &CallSite, payload: &[u8]) -> Result<(), ValueError> {
        self.push_planned(&SitePlan::new(site), payload)
    }

    /// Takes a record of a call site, in raw layout: the time word, then the values.
    ///
    /// # Errors
    /// If the payload does not match the types of the call site. Begin the block again.
    ///
    /// # Panics
    /// If no block was begun.
    #[inline]
    pub fn push_planned(&mut self, plan: &SitePlan, payload: &[u8]) -> Result<(), ValueError> {
        let (time_word, values) = payload.split_first_chunk().ok_or(ValueError::End)?;
        let time_word = u64::from_le_bytes(*time_word);
        if self.group.is_open {
            return self.group.columns.take(plan, time_word, values);
        }
        #[cfg(any(test, feature = "__columns"))]
        if self.has_columns {
            return self.columns.take(plan, time_word, values);
        }
        let difference = if plan.is_unix {
            self.unix.note(time_word ^ SIGN)
        } else {
            self.counters.note(time_word)
        };
        let header = self.header.as_mut().expect(BEGUN);
        header.count += 1;
        header.levels |= plan.level;
        self.put_row(plan, values, difference)
    }

    /// Takes a record of a call site with packed values, such as those from another block.
    ///
    /// # Errors
    /// If the values do not match the types of the call site. Begin the block again.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push_packed(
        &mut self,
        plan: &SitePlan,
        time_word: u64,
        values: &[u8],
    ) -> Result<(), ValueError> {
        let mut payload = std::mem::take(&mut self.unpacked);
        payload.clear();
        payload.extend_from_slice(&time_word.to_le_bytes());
        let unpacked = plan.unpack(values, &mut payload);
        let pushed = unpacked.and_then(|()| self.push_planned(plan, &payload));
        self.unpacked = payload;
        pushed
    }

    /// Takes a loss statement.
    ///
    /// # Errors
    /// If the payload is too short. Begin the block again.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push_loss(&mut self, payload: &[u8]) -> Result<(), ValueError> {
        if self.group.is_open {
            return self.group.columns.take_loss(payload);
        }
        let payload = payload.get(..Loss::BYTES).ok_or(ValueError::End)?;
        let plan = Arc::clone(self.loss.get_or_insert_with(|| Arc::new(SitePlan::loss())));
        let result = self.push_planned(&plan, payload);
        self.last_loss = Loss::decode(payload);
        self.header.as_mut().expect(BEGUN).flags |= BlockHeader::HAS_LOSS;
        result
    }

    /// Takes records in the form that they have in a ring: a raw body, or a part of one that ends with a
    /// record. This is by far the fastest way for many records, especially into columns, and for runs of one
    /// call site.
    ///
    /// `first_of` gets a tag, and the number of records in the block before it. It is called at least once
    /// for each tag but loss statements; in columns exactly once.
    ///
    /// Returns how many bytes were taken: all, unless `first_of` ends the block.
    ///
    /// # Errors
    /// If `first_of` does not know a tag, or if a record does not match the types of its call site. Begin the
    /// block again.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push_raw(
        &mut self,
        records: &[u8],
        mut first_of: impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<usize, ValueError> {
        if self.group.is_open {
            return self.push_runs(records, RawRuns::of(records), first_of);
        }
        let mut rest = records;
        let mut last: Option<Arc<SitePlan>> = None;
        loop {
            #[cfg(any(test, feature = "__columns"))]
            if self.has_columns {
                rest = match self.columns.take_raw(rest, &mut first_of)? {
                    Rest::Nothing => &[],
                    Rest::Loss(rest) => rest,
                    Rest::End(rest) => return Ok(records.len() - rest.len()),
                };
            }
            if rest.is_empty() {
                return Ok(records.len());
            }
            let header = RawHeader::read(*rest.first_chunk().ok_or(ValueError::End)?);
            let (record, next) = rest.split_at_checked(header.span()).ok_or(ValueError::End)?;
            let payload = &record[RawHeader::BYTES..][..header.bytes];
            if header.tag == CallSite::LOSS_ID && !header.is_dead {
                self.push_loss(payload)?;
            } else if !header.is_dead {
                let plan = match last.take() {
                    Some(plan) if plan.tag == header.tag => plan,
                    _ => match first_of(header.tag, self.count()) {
                        Some(First::Take(plan)) => plan,
                        Some(First::EndBefore) => return Ok(records.len() - rest.len()),
                        None => return Err(ValueError::Trailing),
                    },
                };
                self.push_planned(&plan, payload)?;
                last = Some(plan);
            }
            rest = next;
        }
    }

    /// The last loss statement of the block, or of the part of a group.
    #[must_use]
    pub const fn last_loss(&self) -> Option<Loss> {
        if self.group.is_open { self.group.columns.last_loss() } else { self.last_loss }
    }

    fn put_row(
        &mut self,
        plan: &SitePlan,
        values: &[u8],
        difference: i64,
    ) -> Result<(), ValueError> {
        let rows = &mut self.rows;
        put_uint(rows, plan.tag.into());
        // The length comes first and is known last. Usually it is one byte.
        let length_at = rows.len();
        rows.push(0);
        put_int(rows, difference);
        let values_at = rows.len();
        if plan.is_loss() {
            rows.extend_from_slice(values);
        } else {
            plan.pack(values, rows)?;
        }
        put_length(
            ((rows.len() - values_at) as u64) << 1 | u64::from(plan.is_unix),
            length_at,
            rows,
        );
        Ok(())
    }

    /// The number of records in the block so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        let in_rows = self.header.map_or(0, |header| header.count);
        #[cfg(any(test, feature = "__columns"))]
        if self.has_columns {
            return self.columns.count();
        }
        if self.group.is_open { self.group.columns.part_count() } else { in_rows }
    }

    /// Whether columns take fewer bytes than rows. They do not if there are many kinds with few records each.
    #[cfg(any(test, feature = "__columns"))]
    #[must_use]
    pub fn are_columns_worthwhile(&self) -> bool {
        self.has_columns && self.columns.are_worthwhile()
    }

    /// Appends the payload of the block's frame to `out`. The ring's next block begins at
    /// `end_position`.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn finish(&mut self, end_position: u64, out: &mut Vec<u8>) -> BlockHeader {
        self.finish_with(end_position, out, |body, out| {
            out.extend_from_slice(body.bytes);
            Codec::None
        })
    }

    /// Like [`finish`](Self::finish). `compress` appends the body to the payload and returns the codec; it must
    /// respect [`PlainBody::may_stand_in`].
    ///
    /// # Panics
    /// If no block was begun.
    pub fn finish_with(
        &mut self,
        end_position: u64,
        out: &mut Vec<u8>,
        compress: impl FnOnce(PlainBody<'_>, &mut Vec<u8>) -> Codec,
    ) -> BlockHeader {
        let mut header = self.header.take().expect(BEGUN);
        header.end_position = end_position;
        self.body.clear();
        let body = self.body(&mut header);
        header.body_bytes = body.bytes.len() as u32;
        let start = out.len();
        out.resize(start + BlockHeader::BYTES, 0);
        header.codec = compress(body, out).number();
        out[start..start + BlockHeader::BYTES].copy_from_slice(&header.encode());
        header
    }

    /// The body of the block; states what the header lacks.
    fn body(&mut self, header: &mut BlockHeader) -> PlainBody<'_> {
        #[cfg(any(test, feature = "__columns"))]
        if self.has_columns {
            header.encoding = BlockHeader::COLUMNS;
            let (start, rows_bytes) = self.columns.assemble(header, &mut self.body);
            return PlainBody { bytes: &self.body[start..], rows_bytes };
        }
        // Differences start from the first record's time, which is not the smallest if the clock, or
        // the caller, went back. Room for it is reserved before the rows.
        let bases = header.note_times(&self.counters, &self.unix);
        bases.into_iter().for_each(|base| put_int(&mut self.body, base));
        let start = BASES_BYTES - self.body.len();
        self.rows[start..BASES_BYTES].copy_from_slice(&self.body);
        PlainBody { bytes: &self.rows[start..], rows_bytes: 0 }
    }

    /// Summarizes the records of a block in columns: its call sites, and their text if `has_text`. May be called
    /// after the block is [finished](Self::finish_with).
    #[cfg(any(test, feature = "__columns"))]
    pub fn sum_up(&self, has_text: bool, summary: &mut SummaryBuilder) {
        summary.begin();
        self.columns.sum_up(has_text, summary);
    }
}

/// The header of a packed block without records.
fn empty_header(ring: u32, position: u64, first_record: u64) -> BlockHeader {
    BlockHeader {
        ring,
        encoding: BlockHeader::PACKED,
        position,
        end_position: position,
        first_record,
        ..BlockHeader::default()
    }
}

/// The maximum length of two zigzags.
const BASES_BYTES: usize = 20;

const BEGUN: &str = "`begin` comes before all else";
