//! Tally of a read: records, losses and damage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stenolog_format::loss::Loss;
use stenolog_format::value::ValueError;

use crate::dump::{Block, Dump};
use crate::model::damage::{Damage, DamageCause};
use crate::model::loss::LossKind;

/// A block: the index of its dump, and its own index in the dump.
pub(crate) type BlockPlace = (u32, u32);

/// The counters so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) shown: u64,
    pub(crate) recovered: u64,
    pub(crate) lost: u64,
    pub(crate) missing: u64,
    pub(crate) duplicates: u64,
    pub(crate) by_cause: BTreeMap<LossKind, u64>,
    /// Damage of blocks that were read, each with the index of the dump.
    damage: Vec<(u32, Damage)>,
    /// The dumps and offsets of blocks with wrong checksums.
    with_bad_checksum: BTreeSet<(u32, u64)>,
    /// Records whose values cannot be read, by block: their number, and the error of the first.
    unreadable: BTreeMap<BlockPlace, (u32, ValueError)>,
}

impl Tally {
    /// Counts records that are not there.
    pub(crate) fn lose(&mut self, kind: LossKind, records: u64) {
        let count = self.by_cause.entry(kind).or_default();
        *count = count.saturating_add(records);
    }

    /// Counts records that the logger could not record.
    pub(crate) fn lose_unrecorded(&mut self, loss: &Loss) {
        self.lost = self.lost.saturating_add(loss.total());
        for (kind, counts) in
            [(LossKind::RingFull, loss.full), (LossKind::TooLarge, loss.too_large)]
        {
            let count = counts.iter().fold(0, |sum: u64, &count| sum.saturating_add(count));
            if count > 0 {
                self.lose(kind, count);
            }
        }
    }

    /// Counts records that should be in the files.
    pub(crate) fn miss(&mut self, kind: LossKind, records: u64) {
        self.missing = self.missing.saturating_add(records);
        self.lose(kind, records);
    }

    /// Takes back [`miss`](Self::miss): the records may come after all.
    pub(crate) fn unmiss(&mut self, kind: LossKind, records: u64) {
        self.missing = self.missing.saturating_sub(records);
        if let Some(count) = self.by_cause.get_mut(&kind) {
            *count = count.saturating_sub(records);
            if *count == 0 {
                self.by_cause.remove(&kind);
            }
        }
    }

    /// Counts records of a block whose values cannot be read.
    pub(crate) fn lose_values(&mut self, block: BlockPlace, records: u32, why: ValueError) {
        self.records = self.records.saturating_sub(records.into());
        self.recovered = self.recovered.min(self.records);
        self.lose(LossKind::Unreadable, records.into());
        self.note_unreadable(block, records, why);
    }

    /// Notes that the values of records of a block cannot be read.
    pub(crate) fn note_unreadable(&mut self, block: BlockPlace, records: u32, why: ValueError) {
        let (count, _) = self.unreadable.entry(block).or_insert((0, why));
        *count = count.saturating_add(records);
    }

    /// Notes damage of a block.
    pub(crate) fn note_damage(
        &mut self,
        (dump_index, dump): (u32, &Dump),
        block: &Block,
        bytes: u64,
        cause: DamageCause,
    ) {
        if matches!(cause, DamageCause::Checksum { .. })
            && !self.with_bad_checksum.insert((dump_index, block.offset))
        {
            // Another part of the block has told.
            return;
        }
        let file = Arc::clone(dump.file());
        self.damage.push((dump_index, Damage { file, offset: block.offset, bytes, cause }));
    }

    /// All damage that was found while records were read, in the order of the files, however many
    /// threads found it.
    pub(crate) fn damage<'t>(&'t self, dumps: &'t [Dump]) -> impl Iterator<Item = Damage> + 't {
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
