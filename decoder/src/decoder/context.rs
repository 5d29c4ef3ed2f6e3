//! What all rings share while they are read.

use crate::clock::TimeMap;
use crate::damage::{Damage, DamageCause};
use crate::dump::{Block, Dump, Unpacker};
use crate::entry::LossKind;
use crate::filter::Filter;

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
    pub(super) damage: Vec<Damage>,
}

impl Tally {
    /// Counts records that are not there.
    pub(super) fn lose(&mut self, kind: LossKind, records: u64) {
        let count = self.by_cause.entry(kind).or_default();
        *count = count.saturating_add(records);
    }
}

/// What rings need from outside.
#[derive(Debug)]
pub(super) struct Context<'d> {
    pub(super) dumps: &'d [Dump],
    pub(super) sessions: Vec<Session>,
    pub(super) filter: Filter,
    pub(super) order: Order,
    /// For each dump and each of its call sites, whether the filter wants it.
    pub(super) wanted_sites: Vec<Vec<bool>>,
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
    pub(super) fn wants_site(&self, dump: usize, site: usize) -> bool {
        self.wanted_sites.get(dump).and_then(|sites| sites.get(site)).copied().unwrap_or(false)
    }

    pub(super) fn damage(&mut self, dump: &Dump, block: &Block, bytes: u64, cause: DamageCause) {
        let file = Arc::clone(dump.file());
        self.tally.damage.push(Damage { file, offset: block.offset, bytes, cause });
    }
}
