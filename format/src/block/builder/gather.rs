//! Columns of a group that is being built.

use std::sync::Arc;

use super::kind::Kind;
use super::pays::Pays;
use super::times::{TimeColumn, word_at};
use super::{Depth, First, Times};
use crate::block::columns::MAX_COLUMNS;
use crate::block::columns::numbers::{GROUP, Words};
use crate::block::group::MAX_KINDS;
use crate::block::plan::SitePlan;
use crate::block::raw::RawHeader;
use crate::dictionary::CallSite;
use crate::loss::Loss;
use crate::summary::SummaryBuilder;
use crate::value::ValueError;

/// The columns of a group that is being built.
#[derive(Debug)]
pub(super) struct Columns {
    depth: Depth,
    /// Kinds of records, those of this group first. The others keep their buffers and what they learned.
    kinds: Vec<Kind>,
    used: usize,
    /// Headers that were met, with the places of their kinds, by a few of their bits. 0 is no header.
    lately: Box<[(u64, u16); LATELY]>,
    /// The place of the kind that got the last single record.
    last: usize,
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
    loss: Option<Arc<SitePlan>>,
    last_loss: Option<Loss>,
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
    /// One of the kind at this place, which is known now.
    Kind(u16),
    Loss,
    DeadSpace,
    /// One that the part ends before.
    End,
}

const LATELY: usize = 1024;

/// Fewer records with equal headers are taken one by one.
const MANY: usize = 16;

/// The place of a header among those that were met.
#[inline]
const fn slot_of(word: u64) -> usize {
    // The lengths of one tag are in different places, and so are tags that follow each other.
    ((word >> 32) as usize * 67 + word as usize) % LATELY
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            depth: Depth::Fast,
            kinds: Vec::new(),
            used: 0,
            lately: Box::new([(0, 0); LATELY]),
            last: 0,
            records: 0,
            ended: 0,
            which: Vec::new(),
            times: TimeColumn::default(),
            columns: 0,
            words: Box::new([0; GROUP + 1]),
            loss: None,
            last_loss: None,
            pays: [Pays::default(); 2],
        }
    }
}

impl Columns {
    /// Begins a group.
    pub(super) fn begin(&mut self, depth: Depth) {
        self.kinds[..self.used].iter_mut().for_each(Kind::clear);
        self.lately.fill((0, 0));
        self.depth = depth;
        self.used = 0;
        (self.records, self.ended) = (0, 0);
        self.which.clear();
        self.times.begin(depth);
        self.columns = 0;
        self.last_loss = None;
    }

    /// Begins a part.
    pub(super) const fn begin_part(&mut self) {
        self.last_loss = None;
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
        let of_group = &self.kinds[..self.used];
        let is_last = of_group.get(self.last).is_some_and(|kind| kind.tag() == plan.tag);
        if !is_last {
            self.last = match of_group.iter().position(|kind| kind.tag() == plan.tag) {
                Some(at) => at,
                None => self.meet_kind(Arc::new(plan.clone()))?,
            };
        }
        let at = self.last as u16;
        let kind = &mut self.kinds[usize::from(at)];
        kind.take(values, &mut self.words, self.depth)?;
        self.times.push(time, kind.is_unix());
        self.records += 1;
        if self.used > 1 {
            self.which.push(at);
        }
        Ok(())
    }

    /// Takes records as they are in a ring, up to the end of the part. `runs` are the runs of their headers: each
    /// header as a number, and how many bytes it and the equal ones after it take. `first_of` gets the tags that
    /// the group does not have yet. Returns how many bytes were taken.
    ///
    /// After an error, begin again.
    // First sorts records by kind, then takes those of each kind in a loop of its own.
    pub(super) fn take_runs(
        &mut self,
        records: &[u8],
        mut runs: impl Iterator<Item = (u64, u32)>,
        first_of: &mut impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<usize, ValueError> {
        let mut taken = 0;
        while taken < records.len() {
            let (word, bytes) = runs.next().ok_or(ValueError::End)?;
            let bytes = bytes as usize;
            let end = taken + bytes;
            let slot = slot_of(word);
            let mut at = self.lately[slot].1;
            if self.lately[slot].0 != word {
                let header = RawHeader::read(word.to_le_bytes());
                at = match self.meet(header, first_of)? {
                    Met::Kind(at) => {
                        self.lately[slot] = (word, at);
                        at
                    }
                    Met::Loss => {
                        let losses = records.get(taken..end).ok_or(ValueError::End)?;
                        self.take_losses(losses, header)?;
                        taken = end;
                        continue;
                    }
                    Met::DeadSpace => {
                        taken = end;
                        continue;
                    }
                    Met::End => break,
                };
            }
            if end > records.len() {
                return Err(ValueError::End);
            }
            let header = RawHeader::read(word.to_le_bytes());
            let span = header.span();
            if bytes == span {
                let kind = &mut self.kinds[usize::from(at)];
                kind.note(taken, header.bytes);
                let is_unix = kind.is_unix();
                self.times.push(word_at(records, taken + RawHeader::BYTES), is_unix);
                self.records += 1;
                if self.used > 1 {
                    self.which.push(at);
                }
            } else {
                self.take_alike(&records[..end], taken, header, at)?;
            }
            taken = end;
        }
        if taken > records.len() {
            return Err(ValueError::End);
        }
        self.settle(records)?;
        Ok(taken)
    }

    /// Takes a run of several records of a kind, from `start` on.
    fn take_alike(
        &mut self,
        records: &[u8],
        start: usize,
        header: RawHeader,
        at: u16,
    ) -> Result<(), ValueError> {
        let span = header.span();
        let alike = &records[start..];
        let count = alike.len() / span;
        if count * span != alike.len() {
            return Err(ValueError::End);
        }
        let kind = &mut self.kinds[usize::from(at)];
        if !kind.is_fixed() || count < MANY {
            (0..count).for_each(|n| kind.note(start + n * span, header.bytes));
        } else {
            kind.settle(records, &mut self.words, self.depth)?;
            kind.take_alike(alike, span, &mut self.words, self.depth);
        }
        self.times.extend(alike, span, kind.is_unix());
        self.records += count;
        if self.used > 1 {
            self.which.resize(self.records, at);
        }
        Ok(())
    }

    /// Takes the records that were noted by kind.
    fn settle(&mut self, records: &[u8]) -> Result<(), ValueError> {
        let Self { kinds, used, words, depth, .. } = self;
        kinds[..*used].iter_mut().try_for_each(|kind| kind.settle(records, words, *depth))
    }

    /// Takes loss statements with equal headers.
    fn take_losses(&mut self, records: &[u8], header: RawHeader) -> Result<(), ValueError> {
        for record in records.chunks(header.span()) {
            self.take_loss(record.get(RawHeader::BYTES..).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Takes a loss statement.
    pub(super) fn take_loss(&mut self, payload: &[u8]) -> Result<(), ValueError> {
        let statement = payload.get(..Loss::BYTES).ok_or(ValueError::End)?;
        let (time, values) = statement.split_first_chunk().ok_or(ValueError::End)?;
        let plan = Arc::clone(self.loss.get_or_insert_with(|| Arc::new(SitePlan::loss())));
        self.take(&plan, u64::from_le_bytes(*time), values)?;
        self.last_loss = Loss::decode(statement);
        Ok(())
    }

    /// The last loss statement of the part.
    pub(super) const fn last_loss(&self) -> Option<Loss> {
        self.last_loss
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
        Ok(Met::Kind(at as u16))
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
