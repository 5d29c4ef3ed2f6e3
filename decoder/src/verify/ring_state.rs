//! Accounting of one ring: which record comes next, which are missing, which were stated as lost.

use stenolog_format::block::BlockHeader;
use stenolog_format::loss::Loss;

use super::RingVerification;
use crate::dump::{Block, Dump};
use crate::model::loss::LossKind;

/// How far a ring was read.
#[derive(Debug, Default)]
pub(crate) struct RingState {
    /// Where the next block should begin.
    next: Option<RingPlace>,
    /// Where the first block begins.
    first: Option<RingPlace>,
    records: u64,
    missing: u64,
    /// The greatest totals that were stated: each statement repeats those before it.
    stated: Loss,
    /// The number after the last record of a block that could not be read.
    broken: Option<u64>,
    is_damaged: bool,
}

/// A place in a ring.
#[derive(Clone, Copy, Debug, Default)]
struct RingPlace {
    /// The number of the record that begins there.
    record: u64,
    /// Bytes since the ring's beginning.
    position: u64,
}

/// The difference between a block and the previous one of its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The number of its first record is not the expected one.
    Records {
        expected: u64,
        /// How many numbers were skipped.
        missing: u64,
        kind: LossKind,
    },
    /// Its position is not the expected one.
    Position { expected: u64 },
}

/// Whether the file has each of its rings from the ring's beginning.
pub(crate) fn begins_session(dump: &Dump) -> bool {
    dump.header().sequence == 0 || dump.is_from_rings()
}

/// The totals that a loss record states, apart from its time.
pub(crate) fn stated_loss(values: &[u8]) -> Option<Loss> {
    Loss::decode(&[&[0; 8], values].concat())
}

impl RingState {
    /// Counts a record that was read.
    pub(crate) fn count_record(&mut self) {
        self.records += 1;
    }

    /// Notes that something in the ring is damaged.
    pub(crate) fn mark_damaged(&mut self) {
        self.is_damaged = true;
    }

    /// Notes a statement of losses.
    pub(crate) fn state(&mut self, loss: &Loss) {
        let stated = self.stated.full.iter_mut().chain(&mut self.stated.too_large);
        for (known, stated) in stated.zip(loss.full.iter().chain(&loss.too_large)) {
            *known = (*known).max(*stated);
        }
    }

    /// Notes a block that cannot be read. Its records count as missing if no later block has them.
    pub(crate) fn skip(&mut self, block: &Block) {
        let expected = self.next_record().max(self.broken.unwrap_or(0));
        self.broken = Some(block.end_if_unread(block.header.first_record, expected));
    }

    /// Goes on to the next block of the ring.
    pub(crate) fn advance(&mut self, header: &BlockHeader, begins_session: bool) -> Option<Gap> {
        let BlockHeader { position, end_position, first_record, count, .. } = *header;
        self.first.get_or_insert(RingPlace { record: first_record, position });
        let broken = self.broken.take();
        let end = first_record.saturating_add(count.into());
        let next = self.next.replace(RingPlace { record: end, position: end_position });
        let expected = next.or(begins_session.then_some(RingPlace { record: 0, position }))?;
        if first_record != expected.record {
            let missing = first_record.saturating_sub(expected.record);
            self.missing = self.missing.saturating_add(missing);
            let kind = broken.map_or(LossKind::Missing, |_| LossKind::BadChecksum);
            return Some(Gap::Records { expected: expected.record, missing, kind });
        }
        (position != expected.position).then_some(Gap::Position { expected: expected.position })
    }

    /// Ends the ring: counts the records of blocks at its end that could not be read as missing, and
    /// returns their number.
    pub(crate) fn close(&mut self) -> u64 {
        let unread = self.broken.take().unwrap_or(0).saturating_sub(self.next_record());
        self.missing = self.missing.saturating_add(unread);
        unread
    }

    fn next_record(&self) -> u64 {
        self.next.map_or(0, |next| next.record)
    }

    /// How many records are missing.
    pub(crate) const fn missing(&self) -> u64 {
        self.missing
    }

    /// How many records were stated as lost.
    pub(crate) fn lost(&self) -> u64 {
        self.stated.total()
    }

    /// The same by cause: ring full, too large.
    pub(crate) fn lost_by_cause(&self) -> [u64; 2] {
        let total = |counts: [u64; 5]| counts.iter().fold(0, |sum: u64, &n| sum.saturating_add(n));
        [total(self.stated.full), total(self.stated.too_large)]
    }

    /// The findings.
    pub(crate) fn finish(self, ring: u32) -> RingVerification {
        let (first, next) = (self.first.unwrap_or_default(), self.next.unwrap_or_default());
        RingVerification {
            ring,
            records: self.records,
            first_record: first.record,
            next_record: next.record,
            position: first.position,
            end_position: next.position,
            lost: self.lost(),
            missing: self.missing,
            is_whole: !self.is_damaged,
        }
    }
}
