//! Selection of records by their call sites: what a filter wants of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dump::Dump;
use crate::filter::{Requirements, SitePredicate, TextSearch, Wanted};

/// The most different texts that are searched for in columns.
const MAX_TEXTS: usize = 256;

/// The most groups that are remembered.
const MAX_GROUPS: usize = 1 << 16;

/// What the filter of a plan wants of each call site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// For each call site of the plan.
    pub(super) predicates: Vec<SitePredicate>,
    /// For each dump, the indexes of its call sites among all, in the order of definition.
    pub(super) by_dump: Vec<Vec<u32>>,
    /// Whether there are call sites with unwanted records.
    pub(super) is_selective: bool,
    /// Whether some call site requires values that can be searched for.
    pub(super) seeks: bool,
    /// Searches for each text that a condition wants.
    texts: BTreeMap<Vec<u8>, Option<TextSearch>>,
    /// Groups of several rings that may hold wanted records, or not, by dump and offset.
    groups: Arc<Mutex<BTreeMap<(usize, u64), bool>>>,
}

impl Selection {
    /// Works out what all predicates have in common.
    pub(super) fn settle(&mut self) {
        let mut all = self.predicates.iter();
        self.is_selective = all.any(|predicate| !matches!(predicate, SitePredicate::Always));
        let seeks = self.requirements().next().is_some();
        self.seeks = seeks;
        let mut texts = std::mem::take(&mut self.texts);
        let required = self.requirements().flat_map(|of| &of.all);
        for condition in required.flat_map(|one| one.conditions()) {
            if let Wanted::Text(piece) = &condition.wanted
                && texts.len() < MAX_TEXTS
                && !texts.contains_key(piece)
            {
                texts.insert(piece.clone(), TextSearch::new(piece));
            }
        }
        self.texts = texts;
        self.groups = Arc::default();
    }

    /// The requirements of call sites that have some.
    pub(super) fn requirements(&self) -> impl Iterator<Item = &Requirements> {
        self.predicates.iter().filter_map(|predicate| match predicate {
            SitePredicate::Requires(of) => Some(of),
            SitePredicate::Never | SitePredicate::Always => None,
        })
    }

    /// The search for a folded text that a condition wants; `None` if it is not searched for.
    pub(super) fn text_search(&self, piece: &[u8]) -> Option<&TextSearch> {
        self.texts.get(piece)?.as_ref()
    }

    /// The index of the call site of a dump with this tag, and its predicate; `None` if no call site
    /// has it.
    #[inline]
    pub(super) fn select(
        &self,
        dumps: &[Dump],
        dump: usize,
        tag: u32,
    ) -> Option<(u32, &SitePredicate)> {
        let index = match dumps.get(dump)?.tables().sites.index(tag) {
            Some(site) => *self.by_dump.get(dump)?.get(site)?,
            None => self.index_in_others(dumps, dump, tag)?,
        };
        Some((index, self.predicates.get(index as usize)?))
    }

    /// The index of a call site whose dictionary entry the dump has lost: an id means the same call
    /// site in all files of a session.
    #[cold]
    fn index_in_others(&self, dumps: &[Dump], dump: usize, tag: u32) -> Option<u32> {
        let of = dumps.get(dump)?;
        // An undamaged dump has all that its blocks need.
        if of.damage().is_empty() {
            return None;
        }
        let others = dumps.iter().zip(&self.by_dump);
        let of_session = others.filter(|(other, _)| other.header().session == of.header().session);
        let mut found = of_session
            .filter_map(|(other, indexes)| indexes.get(other.tables().sites.index(tag)?).copied());
        found.next()
    }

    /// Whether a block may hold a wanted record, or one whose call site is unknown, by its summary. Of a group this
    /// is worked out once, not for each ring.
    pub(super) fn may_hold(&self, dumps: &[Dump], dump_index: usize, block: usize) -> bool {
        let Some(dump) = dumps.get(dump_index).filter(|_| self.is_selective) else { return true };
        let offset_of = |block| dump.blocks().offset(block);
        let Some(offset) = offset_of(block) else { return true };
        let mut others = [block.checked_add(1), block.checked_sub(1)].into_iter().flatten();
        if !others.any(|other| offset_of(other) == Some(offset)) {
            return self.may_hold_one(dumps, dump_index, block);
        }
        let place = (dump_index, offset);
        // A thread that panics holds no lock.
        let lock = || self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = lock().get(&place) {
            return known;
        }
        let may_hold = self.may_hold_one(dumps, dump_index, block);
        let mut groups = lock();
        if groups.len() < MAX_GROUPS {
            groups.insert(place, may_hold);
        }
        may_hold
    }

    fn may_hold_one(&self, dumps: &[Dump], dump_index: usize, block: usize) -> bool {
        let summary = dumps.get(dump_index).filter(|_| self.is_selective);
        let Some(summary) = summary.and_then(|dump| dump.summary(block)) else { return true };
        let (ranges, ids) = if self.seeks { summary.ranges_and_ids() } else { Default::default() };
        let of_summary = (&summary, ids.as_ref());
        summary.sites().any(|id| {
            let Some(id) = id else { return true };
            match self.select(dumps, dump_index, id) {
                None | Some((_, SitePredicate::Always)) => true,
                Some((_, SitePredicate::Never)) => false,
                Some((_, SitePredicate::Requires(of))) => of.may_be_met(id, of_summary, &ranges),
            }
        })
    }
}
