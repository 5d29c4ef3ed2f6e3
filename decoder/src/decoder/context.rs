//! What all rings share while they are read.

use stenolog_format::value::ValueError;

use crate::clock::TimeMap;
use crate::damage::{Damage, DamageCause};
use crate::dump::{Block, Dump, Unpacker};
use crate::entry::LossKind;
use crate::filter::Filter;
use crate::site::Site;

use super::session::Session;
use std::collections::BTreeMap;
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

/// What rings need from outside.
#[derive(Debug)]
pub(super) struct Context<'d> {
    pub(super) dumps: &'d [Dump],
    pub(super) sessions: Vec<Session>,
    pub(super) filter: Arc<Filter>,
    pub(super) order: Order,
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

    pub(super) fn damage(&mut self, dump: usize, block: &Block, bytes: u64, cause: DamageCause) {
        let Some(of) = self.dumps.get(dump) else { return };
        let file = Arc::clone(of.file());
        self.tally.damage.push((dump as u32, Damage { file, offset: block.offset, bytes, cause }));
    }
}
