//! What all rings share while they are read.

use stenolog_format::value::ValueError;

use crate::clock::TimeMap;
use crate::dump::{Block, Body, Dump, Unpacker};
use crate::filter::{Budget, Filter, Need, Wanted, finder};
use crate::model::damage::{Damage, DamageCause};
use crate::model::entry::LossKind;
use crate::model::site::Site;

use super::open::OpenColumns;
use super::session::Session;
use super::stretch::Stretch;
use regex::bytes::Regex;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// In which order entries come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// By time, over all threads and files. Those of one thread keep their order.
    #[default]
    Time,
    /// Block by block as they stand in the files.
    File,
}

/// What was counted so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) shown: u64,
    pub(super) recovered: u64,
    pub(super) lost: u64,
    pub(super) missing: u64,
    pub(super) duplicates: u64,
    pub(super) by_cause: BTreeMap<LossKind, u64>,
    /// Of the blocks that were read; with the dump's index.
    damage: Vec<(u32, Damage)>,
    /// Records whose values cannot be read, by block: how many, and why the first cannot.
    unreadable: BTreeMap<BlockPlace, (u32, ValueError)>,
}

/// Which block it is: the dump's index, and its own in the dump.
pub(super) type BlockPlace = (u32, u32);

impl Tally {
    /// Counts records that are not there.
    pub(super) fn lose(&mut self, kind: LossKind, records: u64) {
        let count = self.by_cause.entry(kind).or_default();
        *count = count.saturating_add(records);
    }

    /// Counts records of a block whose values cannot be read.
    pub(super) fn lose_values(&mut self, block: BlockPlace, records: u32, why: ValueError) {
        self.records = self.records.saturating_sub(records.into());
        self.recovered = self.recovered.min(self.records);
        self.lose(LossKind::Unreadable, records.into());
        self.unreadable(block, records, why);
    }

    /// Notes that the values of records of a block cannot be read.
    pub(super) fn unreadable(&mut self, block: BlockPlace, records: u32, why: ValueError) {
        let (count, _) = self.unreadable.entry(block).or_insert((0, why));
        *count = count.saturating_add(records);
    }

    /// All damage that was found while records were read, in the order of the files: the same,
    /// whoever came to it first.
    pub(super) fn damage<'t>(&'t self, dumps: &'t [Dump]) -> impl Iterator<Item = Damage> + 't {
        let of_values = self.unreadable.iter().filter_map(|(&(of, index), &(records, first))| {
            let dump = dumps.get(of as usize)?;
            let block = dump.blocks().get(index as usize)?;
            let cause = DamageCause::Values { ring: block.header.ring, records, first };
            let file = Arc::clone(dump.file());
            Some((of, Damage { file, offset: block.offset, bytes: 0, cause }))
        });
        let mut all: Vec<_> = self.damage.iter().cloned().chain(of_values).collect();
        all.sort_by_key(|(dump, damage)| (*dump, damage.offset));
        all.into_iter().map(|(_, damage)| damage)
    }
}

/// Where in a body the finder finds something, as far as it was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits {
    /// There is nothing between these.
    from: usize,
    to: usize,
}

impl Hits {
    /// Whether something begins in `range`. Cheap if ranges come in order: each byte is looked at once.
    #[inline]
    pub(super) fn has(&mut self, finder: &Regex, body: &[u8], range: Range<usize>) -> bool {
        if !(self.from..self.to).contains(&range.start) {
            let found = (range.start <= body.len()).then(|| finder.find_at(body, range.start));
            let next = found.flatten().map_or(usize::MAX, |found| found.start());
            *self = Self { from: range.start, to: next };
        }
        self.to < range.end
    }
}

/// A call site, and what the filter wants of it.
#[derive(Clone, Debug)]
pub(super) struct Ask<'d> {
    pub(super) site: &'d Site,
    pub(super) wanted: Wanted,
}

/// What rings need from outside.
#[derive(Debug)]
pub(super) struct Context<'d> {
    pub(super) wants: Wants<'d>,
    pub(super) tally: Tally,
    pub(super) pools: Pools<'d>,
}

/// What is to be read, and which of it is wanted.
#[derive(Debug)]
pub(super) struct Wants<'d> {
    pub(super) dumps: &'d [Dump],
    pub(super) sessions: Vec<Session>,
    pub(super) filter: Arc<Filter>,
    pub(super) order: Order,
    /// For each dump, its call sites in their order.
    asks: Vec<Vec<Ask<'d>>>,
    /// Whether there are call sites of which not all is wanted.
    pub(super) is_selective: bool,
    /// Finds what the records of any call site must have, where they need it.
    pub(super) finder: Option<Regex>,
    /// What it finds is text, which columns have in one piece.
    finds_text: bool,
}

/// What one block leaves behind for the next ones.
#[derive(Debug, Default)]
pub(super) struct Pools<'d> {
    pub(super) unpacker: Unpacker,
    pub(super) columns: Vec<OpenColumns<'d>>,
    /// Those that others may still look at.
    bodies: VecDeque<Arc<Body<'d>>>,
    stretches: VecDeque<Arc<Stretch<'d>>>,
}

impl<'d> Context<'d> {
    pub(super) fn new(dumps: &'d [Dump], sessions: Vec<Session>) -> Self {
        let wants = Wants {
            dumps,
            sessions,
            filter: Arc::default(),
            order: Order::default(),
            asks: Vec::new(),
            is_selective: false,
            finder: None,
            finds_text: false,
        };
        Self { wants, tally: Tally::default(), pools: Pools::default() }
    }

    /// `None` never: each ring belongs to a session.
    #[inline]
    pub(super) fn map(&self, session: usize) -> Option<&TimeMap> {
        self.wants.map(session)
    }

    pub(super) fn damage(&mut self, dump: usize, block: &Block, bytes: u64, cause: DamageCause) {
        let Some(of) = self.wants.dumps.get(dump) else { return };
        let file = Arc::clone(of.file());
        self.tally.damage.push((dump as u32, Damage { file, offset: block.offset, bytes, cause }));
    }
}

impl<'d> Wants<'d> {
    #[inline]
    pub(super) fn map(&self, session: usize) -> Option<&TimeMap> {
        self.sessions.get(session).map(|session| &session.map)
    }

    /// Asks the filter what it wants.
    pub(super) fn ask_filter(&mut self) {
        let Self { dumps, filter, .. } = self;
        let mut budget = Budget::default();
        let asks = dumps.iter().map(|dump| {
            let ask = |site: &'d Site| {
                budget.earn(site.call_site());
                Ask { site, wanted: filter.wanted(site, &mut budget) }
            };
            dump.sites().map(ask).collect()
        });
        self.asks = asks.collect();
        let all = || self.asks.iter().flatten().map(|ask| &ask.wanted);
        self.is_selective = all().any(|wanted| !matches!(wanted, Wanted::All));
        // Of several needs of a call site one is enough to look for: that which says most.
        let strongest = || {
            all().filter_map(|wanted| match wanted {
                Wanted::With(needs) => needs.iter().max_by_key(|need| need.strength()),
                Wanted::No | Wanted::All => None,
            })
        };
        self.finds_text = strongest().all(|need| matches!(need, Need::OneOf(_)));
        let has_any = strongest().any(|need| !need.pieces().is_empty());
        self.finder = has_any.then(|| finder(strongest().flat_map(Need::pieces))).flatten();
    }

    /// What is asked of the records of a dump with a tag; `None` if it is of no call site.
    #[inline]
    pub(super) fn ask(&self, dump: usize, tag: u32) -> Option<&Ask<'d>> {
        match self.dumps.get(dump)?.tables().sites.index(tag) {
            Some(site) => self.asks.get(dump)?.get(site),
            None => self.ask_others(dump, tag),
        }
    }

    /// The same of a dump that has lost the dictionary entry: an id is that of one call site in all
    /// files of a session.
    #[cold]
    fn ask_others(&self, dump: usize, tag: u32) -> Option<&Ask<'d>> {
        let of = self.dumps.get(dump)?;
        // Else it has all that its blocks need.
        if of.damage().is_empty() {
            return None;
        }
        let others = self.dumps.iter().zip(&self.asks);
        let of_session = others.filter(|(other, _)| other.header().session == of.header().session);
        let mut found = of_session.filter_map(|(other, asks)| {
            let ask = asks.get(other.tables().sites.index(tag)?)?;
            Some(ask)
        });
        found.next()
    }

    /// Whether a block may have a wanted record, or one whose call site is unknown, by its summary.
    pub(super) fn may_hold(&self, dump_index: usize, dump: &Dump, block: usize) -> bool {
        let Some(summary) = dump.summary(block).filter(|_| self.is_selective) else { return true };
        let mut ids = summary.sites();
        ids.any(|id| match id.and_then(|id| self.ask(dump_index, id)).map(|ask| &ask.wanted) {
            None | Some(Wanted::All) => true,
            Some(Wanted::No) => false,
            Some(Wanted::With(needs)) => needs.iter().all(|need| need.may_be_met(&summary)),
        })
    }

    /// Whether records of a block may have what those that need something must have: not if their columns
    /// have no such text anywhere.
    pub(super) fn may_have_text(&self, columns: &[u8]) -> bool {
        let finder = self.finder.as_ref().filter(|_| self.finds_text);
        finder.is_none_or(|finder| finder.is_match(columns))
    }

    /// Whether a record may be wanted: what of its values can be told without reading them.
    #[inline]
    pub(super) fn may_want(
        &self,
        ask: Option<&Ask<'d>>,
        values: Range<usize>,
        hits: &mut Hits,
        body: &[u8],
    ) -> bool {
        match (ask.map(|ask| &ask.wanted), &self.finder) {
            (Some(Wanted::No), _) => false,
            (Some(Wanted::With(_)), Some(finder)) => hits.has(finder, body, values),
            _ => true,
        }
    }
}

/// How many pooled buffers to probe for a free one.
const MOST_LOOKS: usize = 4;

impl<'d> Pools<'d> {
    /// Takes a body back, or keeps it until nobody looks at it any more.
    pub(super) fn take_back(&mut self, body: Arc<Body<'d>>) {
        self.bodies.push_back(body);
        for _ in 0..self.bodies.len().min(MOST_LOOKS) {
            let Some(oldest) = self.bodies.pop_front() else { return };
            match Arc::try_unwrap(oldest) {
                Ok(body) => self.unpacker.take_back(body),
                Err(oldest) => self.bodies.push_back(oldest),
            }
        }
    }

    /// Puts an empty stretch, of which there is no other holder, in the place of one that there may be.
    pub(super) fn renew<'s>(&mut self, stretch: &'s mut Arc<Stretch<'d>>) -> &'s mut Stretch<'d> {
        if Arc::get_mut(stretch).is_none() {
            let lent = (0..self.stretches.len().min(MOST_LOOKS)).find_map(|_| {
                let mut oldest = self.stretches.pop_front()?;
                let is_free = Arc::get_mut(&mut oldest).is_some();
                if !is_free {
                    self.stretches.push_back(Arc::clone(&oldest));
                }
                is_free.then_some(oldest)
            });
            self.stretches.push_back(std::mem::replace(stretch, lent.unwrap_or_default()));
        }
        // There is no other holder, so that nothing is copied.
        let stretch = Arc::make_mut(stretch);
        stretch.clear();
        stretch
    }
}
