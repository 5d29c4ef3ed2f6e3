//! What all rings share while they are read.

use stenolog_format::value::ValueError;

use crate::clock::TimeMap;
use crate::damage::{Damage, DamageCause};
use crate::dump::{Block, Dump, Unpacker};
use crate::entry::LossKind;
use crate::filter::{Filter, Need, Wanted, finder};
use crate::site::Site;

use super::session::Session;
use regex::bytes::Regex;
use std::collections::BTreeMap;
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
    fn has(&mut self, finder: &Regex, body: &[u8], range: Range<usize>) -> bool {
        if !(self.from..self.to).contains(&range.start) {
            let found = (range.start <= body.len()).then(|| finder.find_at(body, range.start));
            let next = found.flatten().map_or(usize::MAX, |found| found.start());
            *self = Self { from: range.start, to: next };
        }
        self.to < range.end
    }
}

/// How a record is passed over, for which it is not to be asked much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It is looked at.
    At,
    /// Its call site is not wanted.
    Away,
    /// First for what it needs.
    First,
}

/// Tags above this one, which no logger gives out, are always looked at.
const MAX_LOOKS: u32 = 1 << 16;

/// What rings need from outside.
#[derive(Debug)]
pub(super) struct Context<'d> {
    pub(super) dumps: &'d [Dump],
    pub(super) sessions: Vec<Session>,
    pub(super) filter: Arc<Filter>,
    pub(super) order: Order,
    /// For each dump and each of its call sites, what the filter wants of it.
    pub(super) wanted: Vec<Vec<Wanted>>,
    /// For each dump: what is done with a record, by its tag. Tags above are looked at.
    pub(super) looks: Vec<Vec<Look>>,
    /// Whether there are call sites of which not all is wanted.
    pub(super) is_selective: bool,
    /// Finds what the records of any call site must have, where they need it.
    pub(super) finder: Option<Regex>,
    /// For each dump, those of its call sites that the filter wants, in their places.
    pub(super) wanted_sites: Vec<Vec<Option<&'d Site>>>,
    pub(super) tally: Tally,
    pub(super) unpacker: Unpacker,
}

impl<'d> Context<'d> {
    /// `None` never: each ring belongs to a session.
    #[inline]
    pub(super) fn map(&self, session: usize) -> Option<&TimeMap> {
        self.sessions.get(session).map(|session| &session.map)
    }

    #[inline]
    pub(super) fn wanted_site(&self, dump: usize, site: usize) -> Option<&'d Site> {
        *self.wanted_sites.get(dump)?.get(site)?
    }

    #[inline]
    fn wanted_of(&self, dump: usize, site: usize) -> &Wanted {
        self.wanted.get(dump).and_then(|sites| sites.get(site)).unwrap_or(&Wanted::No)
    }

    /// Asks the filter what it wants.
    pub(super) fn ask_filter(&mut self) {
        let Self { dumps, filter, .. } = self;
        self.wanted = dumps
            .iter()
            .map(|dump| dump.sites().map(|site| filter.wanted(site)).collect())
            .collect();
        self.wanted_sites = dumps
            .iter()
            .zip(&self.wanted)
            .map(|(dump, wanted)| {
                let sites = dump.sites().zip(wanted);
                sites.map(|(site, of)| (!matches!(of, Wanted::No)).then_some(site)).collect()
            })
            .collect();
        let all = || self.wanted.iter().flatten();
        self.is_selective = all().any(|wanted| !matches!(wanted, Wanted::All));
        // Of several needs of a call site one is enough to look for: that which says most.
        let pieces = all().filter_map(|wanted| match wanted {
            Wanted::With(needs) => needs.iter().max_by_key(|need| need.strength()),
            Wanted::No | Wanted::All => None,
        });
        let pieces: Vec<_> = pieces.flat_map(Need::pieces).cloned().collect();
        self.finder = (!pieces.is_empty()).then(|| finder(pieces)).flatten();
        let looks = dumps.iter().zip(&self.wanted).map(|(dump, wanted)| {
            let mut looks = Vec::new();
            for (site, wanted) in dump.sites().zip(wanted) {
                let id = site.call_site().id;
                if id >= MAX_LOOKS {
                    continue;
                }
                if looks.len() <= id as usize {
                    looks.resize(id as usize + 1, Look::At);
                }
                looks[id as usize] = match wanted {
                    Wanted::No => Look::Away,
                    Wanted::All => Look::At,
                    Wanted::With(_) => Look::First,
                };
            }
            looks
        });
        self.looks = looks.collect();
    }

    /// Whether a block may have a wanted record, or one whose call site is unknown, by its summary.
    pub(super) fn may_hold(&self, dump_index: usize, dump: &Dump, block: usize) -> bool {
        let Some(summary) = dump.summary(block).filter(|_| self.is_selective) else { return true };
        let sites = &dump.tables().sites;
        let mut ids = summary.sites();
        ids.any(|id| match id.and_then(|id| sites.index(id)) {
            None => true,
            Some(site) => match self.wanted_of(dump_index, site) {
                Wanted::No => false,
                Wanted::All => true,
                Wanted::With(needs) => needs.iter().all(|need| need.may_be_met(&summary)),
            },
        })
    }

    /// Whether a record may be wanted: what of its values can be told without reading them.
    #[inline]
    pub(super) fn may_want(
        &self,
        looks: &[Look],
        tag: u32,
        values: Range<usize>,
        hits: &mut Hits,
        body: &[u8],
    ) -> bool {
        match (looks.get(tag as usize), &self.finder) {
            (Some(Look::Away), _) => false,
            (Some(Look::First), Some(finder)) => hits.has(finder, body, values),
            _ => true,
        }
    }

    pub(super) fn damage(&mut self, dump: usize, block: &Block, bytes: u64, cause: DamageCause) {
        let Some(of) = self.dumps.get(dump) else { return };
        let file = Arc::clone(of.file());
        self.tally.damage.push((dump as u32, Damage { file, offset: block.offset, bytes, cause }));
    }
}
