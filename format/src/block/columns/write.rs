//! Columns of a block that is being built.

use std::sync::Arc;

use super::kind::Kind;
use super::numbers::{GROUP, Words};
use super::times::TimeColumn;
use super::{MAX_COLUMNS, MAX_KINDS};
use crate::block::BlockHeader;
use crate::block::builder::First;
use crate::block::plan::SitePlan;
use crate::block::raw::RawHeader;
use crate::dictionary::CallSite;
use crate::summary::SummaryBuilder;
use crate::value::{ValueError, put_int, put_uint};

/// The columns of a block that is being built.
#[derive(Debug)]
pub(in crate::block) struct Columns {
    /// Kinds of records, those of this block first. The others keep their buffers.
    kinds: Vec<Kind>,
    used: usize,
    /// The last place of a tag's kind, by the lowest bits of the tag.
    lately: Box<[u8; RECENT]>,
    records: usize,
    /// The kind of each record, if there is more than one.
    which: Vec<u8>,
    times: TimeColumn,
    /// How many columns the kinds have together.
    columns: usize,
    /// Whether there are more kinds or columns than a block may have.
    are_too_many: bool,
    /// Scratch space for a group of values.
    words: Box<Words>,
    /// Buffers of `assemble`, kept for their capacity.
    head: Vec<u8>,
}

/// A header that is not of a record of a recent kind.
enum Met {
    /// One of a kind, which is known now.
    Kind,
    /// One that the block has no room for.
    TooMany,
    Loss,
    DeadSpace,
    /// One that the block ends before.
    End,
}

/// The rest of the records after some were taken.
pub(in crate::block) enum Rest<'a> {
    Nothing,
    /// It begins with a loss statement.
    Loss(&'a [u8]),
    /// The block ends before it.
    End(&'a [u8]),
}

const RECENT: usize = 1024;

/// Smaller blocks are rows.
const MIN_RECORDS: usize = 16;
const MIN_RECORDS_OF_A_KIND: usize = 4;

impl Default for Columns {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            used: 0,
            lately: Box::new([0; RECENT]),
            records: 0,
            which: Vec::new(),
            times: TimeColumn::default(),
            columns: 0,
            are_too_many: false,
            words: Box::new([0; GROUP + 1]),
            head: Vec::new(),
        }
    }
}

impl Columns {
    pub(in crate::block) fn clear(&mut self) {
        self.kinds[..self.used].iter_mut().for_each(Kind::clear);
        self.used = 0;
        self.records = 0;
        self.which.clear();
        self.times.clear();
        self.columns = 0;
        self.are_too_many = false;
    }

    /// Takes the time of a record and its values in raw layout.
    ///
    /// After an error, clear the columns.
    pub(in crate::block) fn take(
        &mut self,
        plan: &SitePlan,
        time: u64,
        values: &[u8],
    ) -> Result<(), ValueError> {
        let of_block = &self.kinds[..self.used];
        let known = of_block.iter().position(|kind| kind.tag() == plan.tag);
        let Some(at) = known.or_else(|| self.begin(Arc::new(plan.clone()))) else { return Ok(()) };
        let kind = &mut self.kinds[at];
        kind.take(values, &mut self.words)?;
        self.times.push(time, kind.is_unix());
        self.records += 1;
        if self.used > 1 {
            self.which.push(at as u8);
        }
        Ok(())
    }

    /// Takes records as they are in a ring, up to a loss statement or to the end of the block. `first_of` gets
    /// the tags that the block does not have yet.
    ///
    /// After an error, clear the columns.
    pub(in crate::block) fn take_raw<'a>(
        &mut self,
        records: &'a [u8],
        first_of: &mut impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<Rest<'a>, ValueError> {
        let mut rest = records;
        while let Some(word) = rest.first_chunk() {
            let header = RawHeader::read(*word);
            let span = header.span();
            let at = usize::from(self.lately[header.tag as usize % RECENT]);
            let kind = self.kinds.get_mut(..self.used).and_then(|kinds| kinds.get_mut(at));
            let Some(kind) = kind.filter(|kind| kind.takes(header)) else {
                match self.meet(header, first_of)? {
                    Met::Kind => continue,
                    Met::Loss => return Ok(Rest::Loss(rest)),
                    Met::End => return Ok(Rest::End(rest)),
                    Met::TooMany => return Ok(Rest::Nothing),
                    Met::DeadSpace => {
                        rest = rest.get(span..).ok_or(ValueError::End)?;
                        continue;
                    }
                }
            };
            let (record, next) = rest.split_at_checked(span).ok_or(ValueError::End)?;
            if next.first_chunk() != Some(word) {
                let time = kind.take_raw(record, header.bytes, &mut self.words)?;
                self.times.push(time, kind.is_unix());
                self.records += 1;
                if self.used > 1 {
                    self.which.push(at as u8);
                }
                rest = next;
                continue;
            }
            let mut end = 2 * span;
            while rest.get(end..).and_then(<[u8]>::first_chunk) == Some(word) {
                end += span;
            }
            let (alike, next) = rest.split_at_checked(end).ok_or(ValueError::End)?;
            kind.take_alike(alike, span, header.bytes, &mut self.words)?;
            self.times.extend(alike, span, kind.is_unix());
            self.records += end / span;
            if self.used > 1 {
                self.which.resize(self.records, at as u8);
            }
            rest = next;
        }
        if rest.is_empty() { Ok(Rest::Nothing) } else { Err(ValueError::End) }
    }

    /// Decides about a header that no recent kind takes.
    #[cold]
    fn meet(
        &mut self,
        header: RawHeader,
        first_of: &mut impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<Met, ValueError> {
        if header.is_dead {
            return Ok(Met::DeadSpace);
        }
        if header.tag == CallSite::LOSS_ID {
            return Ok(Met::Loss);
        }
        let of_block = &self.kinds[..self.used];
        let at = match of_block.iter().position(|kind| kind.tag() == header.tag) {
            Some(at) => at,
            None => {
                let plan = match first_of(header.tag, self.count()) {
                    Some(First::Take(plan)) => plan,
                    Some(First::EndBefore) => return Ok(Met::End),
                    None => return Err(ValueError::Trailing),
                };
                let Some(at) = self.begin(plan) else { return Ok(Met::TooMany) };
                at
            }
        };
        self.kinds[at].check(header)?;
        self.lately[header.tag as usize % RECENT] = at as u8;
        Ok(Met::Kind)
    }

    /// Adds a kind to the block.
    fn begin(&mut self, plan: Arc<SitePlan>) -> Option<usize> {
        let at = self.used;
        self.columns += plan.fields.len();
        if at == MAX_KINDS || self.columns > MAX_COLUMNS {
            self.are_too_many = true;
            return None;
        }
        self.used += 1;
        if self.used == 2 {
            self.which.resize(self.records, 0);
        }
        // Buffers that held its records before have the capacity.
        match self.kinds[at..].iter().position(|kind| kind.tag() == plan.tag) {
            Some(offset) => self.kinds.swap(at, at + offset),
            None => self.kinds.insert(at, Kind::new(plan)),
        }
        self.kinds.truncate(MAX_KINDS);
        Some(at)
    }

    /// Whether columns are worth their directory, which takes some bytes per slot of each call site.
    pub(in crate::block) fn are_worthwhile(&self) -> bool {
        !self.are_too_many
            && self.records >= MIN_RECORDS
            && self.records >= self.used * MIN_RECORDS_OF_A_KIND
    }

    /// Summarizes the call sites, and all text if `has_text`.
    pub(in crate::block) fn sum_up(&self, has_text: bool, summary: &mut SummaryBuilder) {
        for kind in self.kinds[..self.used].iter().filter(|kind| !kind.plan.is_loss()) {
            summary.note_site(kind.tag());
            kind.sum_up(has_text, summary);
        }
    }

    /// The number of records.
    pub(in crate::block) fn count(&self) -> u32 {
        self.records as u32
    }

    /// Assembles the body in `out`, and describes the records in the header. Returns where in `out` the body
    /// begins, and the most bytes that it takes in packed rows.
    pub(in crate::block) fn assemble(
        &mut self,
        header: &mut BlockHeader,
        out: &mut Vec<u8>,
    ) -> (usize, usize) {
        let Self { kinds, used, which, times, words, head, .. } = self;
        let kinds = &mut kinds[..*used];
        header.count = self.records as u32;
        header.levels = kinds.iter().fold(0, |levels, kind| levels | kind.plan.level);
        if kinds.iter().any(|kind| kind.plan.is_loss()) {
            header.flags |= BlockHeader::HAS_LOSS;
        }
        let (zigzags, counters, unix) = times.finish();
        let bases = header.note_times(&counters, &unix);
        // The first part is known last: room was left for it.
        let room = 64 + 16 * *used + 16 * self.columns;
        out.clear();
        out.resize(room, 0);
        out.extend_from_slice(which);
        out.extend_from_slice(zigzags);
        head.clear();
        bases.into_iter().for_each(|base| put_int(head, base));
        put_uint(head, *used as u64);
        let mut row_bytes = 20 + zigzags.len();
        for kind in kinds {
            put_uint(head, u64::from(kind.plan.tag) << 1 | u64::from(kind.plan.is_unix));
            put_uint(head, kind.plan.fields.len() as u64);
            kind.put(words, head, out);
            row_bytes += kind.records * kind.plan.row_bytes + kind.varying_bytes();
        }
        put_uint(head, which.len() as u64);
        put_uint(head, zigzags.len() as u64);
        let start = room - head.len();
        out[start..room].copy_from_slice(head);
        (start, row_bytes)
    }
}
