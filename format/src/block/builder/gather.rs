//! Columns of a group that is being built.

use std::sync::Arc;

use super::kind::Kind;
use super::pays::Pays;
use super::times::{TimeColumn, word_at};
use super::{Depth, First, Rest, Times};
use crate::block::columns::MAX_COLUMNS;
use crate::block::columns::numbers::{GROUP, Words};
use crate::block::group::MAX_KINDS;
use crate::block::plan::SitePlan;
use crate::block::raw::RawHeader;
use crate::dictionary::CallSite;
use crate::summary::SummaryBuilder;
use crate::value::ValueError;

/// The columns of a group that is being built.
#[derive(Debug)]
pub(super) struct Columns {
    depth: Depth,
    /// Kinds of records, those of this group first. The others keep their buffers and what they learned.
    kinds: Vec<Kind>,
    used: usize,
    /// The last place of a tag's kind, by the lowest bits of the tag.
    lately: Box<[u16; LATELY]>,
    records: usize,
    /// How many of them are in parts that have ended.
    ended: usize,
    /// The kind of each record, if there is more than one.
    which: Vec<u16>,
    times: TimeColumn,
    /// How many columns the kinds have together.
    columns: usize,
    /// Scratch space for a group of values.
    words: Box<Words>,
    /// The memory of `which` and of the times.
    pub(super) pays: [Pays; 2],
}

/// What a part has.
pub(super) struct PartEnd {
    pub(super) count: u32,
    pub(super) levels: u8,
    pub(super) has_loss: bool,
    pub(super) counters: Times,
    pub(super) unix: Times,
}

/// A header that is not of a record of a recent kind.
enum Met {
    /// One of a kind, which is known now.
    Kind,
    Loss,
    DeadSpace,
    /// One that the part ends before.
    End,
}

const LATELY: usize = 1024;

impl Default for Columns {
    fn default() -> Self {
        Self {
            depth: Depth::Fast,
            kinds: Vec::new(),
            used: 0,
            lately: Box::new([0; LATELY]),
            records: 0,
            ended: 0,
            which: Vec::new(),
            times: TimeColumn::default(),
            columns: 0,
            words: Box::new([0; GROUP + 1]),
            pays: [Pays::default(); 2],
        }
    }
}

impl Columns {
    /// Begins a group.
    pub(super) fn begin(&mut self, depth: Depth) {
        self.kinds[..self.used].iter_mut().for_each(Kind::clear);
        self.depth = depth;
        self.used = 0;
        (self.records, self.ended) = (0, 0);
        self.which.clear();
        self.times.begin(depth);
        self.columns = 0;
    }

    /// Takes the time of a record and its values in raw layout.
    ///
    /// After an error, begin again.
    pub(super) fn take(
        &mut self,
        plan: &SitePlan,
        time: u64,
        values: &[u8],
    ) -> Result<(), ValueError> {
        let lately = &mut self.lately[plan.tag as usize % LATELY];
        let of_group = &self.kinds[..self.used];
        let is_known =
            of_group.get(usize::from(*lately)).is_some_and(|kind| kind.tag() == plan.tag);
        if !is_known {
            let at = match of_group.iter().position(|kind| kind.tag() == plan.tag) {
                Some(at) => at,
                None => self.meet_kind(Arc::new(plan.clone()))?,
            };
            self.lately[plan.tag as usize % LATELY] = at as u16;
        }
        let at = self.lately[plan.tag as usize % LATELY];
        let kind = &mut self.kinds[usize::from(at)];
        kind.take(values, &mut self.words, self.depth)?;
        self.times.push(time, kind.is_unix());
        self.records += 1;
        if self.used > 1 {
            self.which.push(at);
        }
        Ok(())
    }

    /// Takes records as they are in a ring, up to a loss statement or to the end of the part. `first_of` gets
    /// the tags that the group does not have yet.
    ///
    /// After an error, begin again.
    pub(super) fn take_raw<'a>(
        &mut self,
        records: &'a [u8],
        first_of: &mut impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<Rest<'a>, ValueError> {
        let mut rest = records;
        while let Some(word) = rest.first_chunk() {
            let header = RawHeader::read(*word);
            let span = header.span();
            let at = self.lately[header.tag as usize % LATELY];
            let kind = self.kinds.get_mut(..self.used);
            let kind = kind.and_then(|kinds| kinds.get_mut(usize::from(at)));
            let Some(kind) = kind.filter(|kind| kind.takes(header)) else {
                match self.meet(header, first_of)? {
                    Met::Kind => continue,
                    Met::Loss => return Ok(Rest::Loss(rest)),
                    Met::End => return Ok(Rest::End(rest)),
                    Met::DeadSpace => {
                        rest = rest.get(span..).ok_or(ValueError::End)?;
                        continue;
                    }
                }
            };
            let (record, next) = rest.split_at_checked(span).ok_or(ValueError::End)?;
            if next.first_chunk() != Some(word) {
                kind.take_raw(record, header.bytes, &mut self.words, self.depth)?;
                self.times.push(word_at(record, RawHeader::BYTES), kind.is_unix());
                self.records += 1;
                if self.used > 1 {
                    self.which.push(at);
                }
                rest = next;
                continue;
            }
            let mut end = 2 * span;
            while rest.get(end..).and_then(<[u8]>::first_chunk) == Some(word) {
                end += span;
            }
            let (alike, next) = rest.split_at_checked(end).ok_or(ValueError::End)?;
            kind.take_alike(alike, span, header.bytes, &mut self.words, self.depth)?;
            self.times.extend(alike, span, kind.is_unix());
            self.records += end / span;
            if self.used > 1 {
                self.which.resize(self.records, at);
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
        let of_group = &self.kinds[..self.used];
        let at = match of_group.iter().position(|kind| kind.tag() == header.tag) {
            Some(at) => at,
            None => {
                let plan = match first_of(header.tag, self.part_count()) {
                    Some(First::Take(plan)) => plan,
                    Some(First::EndBefore) => return Ok(Met::End),
                    None => return Err(ValueError::Trailing),
                };
                self.meet_kind(plan)?
            }
        };
        self.kinds[at].check(header)?;
        self.lately[header.tag as usize % LATELY] = at as u16;
        Ok(Met::Kind)
    }

    /// Adds a kind to the group.
    #[cold]
    fn meet_kind(&mut self, plan: Arc<SitePlan>) -> Result<usize, ValueError> {
        let at = self.used;
        let columns = self.columns + plan.fields.len();
        if at == MAX_KINDS || columns > MAX_COLUMNS {
            return Err(ValueError::Count { count: columns });
        }
        self.columns = columns;
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
        Ok(at)
    }

    /// Ends a part.
    pub(super) fn end_part(&mut self) -> PartEnd {
        let count = self.part_count();
        self.ended = self.records;
        let (counters, unix) = self.times.end_part();
        let mut end = PartEnd { count, levels: 0, has_loss: false, counters, unix };
        for kind in &mut self.kinds[..self.used] {
            if kind.records > kind.ended {
                end.levels |= kind.plan.level;
                end.has_loss |= kind.plan.is_loss();
                kind.ended = kind.records;
            }
        }
        end
    }

    /// Moves all values into columns. The group takes no more records.
    pub(super) fn flush(&mut self) {
        for kind in &mut self.kinds[..self.used] {
            kind.flush(&mut self.words, self.depth);
        }
    }

    pub(super) const fn depth(&self) -> Depth {
        self.depth
    }

    /// The kinds of the group, after a [flush](Self::flush).
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds[..self.used]
    }

    pub(super) fn kinds_mut(&mut self) -> &mut [Kind] {
        &mut self.kinds[..self.used]
    }

    /// The kind of each record; nothing if there is one kind.
    pub(super) fn which(&self) -> &[u16] {
        &self.which
    }

    pub(super) const fn times(&self) -> &TimeColumn {
        &self.times
    }

    /// Summarizes the call sites, and all text if `has_text`.
    pub(super) fn sum_up(&self, has_text: bool, summary: &mut SummaryBuilder) {
        for kind in self.kinds().iter().filter(|kind| !kind.plan.is_loss()) {
            summary.note_site(kind.tag());
            kind.sum_up(has_text, summary);
        }
    }

    /// The number of records.
    pub(super) fn count(&self) -> u32 {
        self.records as u32
    }

    /// The number of records in the part that has not ended.
    pub(super) fn part_count(&self) -> u32 {
        (self.records - self.ended) as u32
    }
}
