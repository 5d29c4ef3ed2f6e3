//! Losses of a ring: statements of the logger, and what the ring's end and its unknown call sites mean.

use stenolog_format::block::BlockHeader;
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::value::ValueError;

use super::first::first_unix_ns;
use super::{Broken, Key, Ring, RingHead};
use crate::clock::Moment;
use crate::dump::Block;
use crate::model::loss::{LossCause, LossEntry, LossKind};
use crate::read::order::Order;
use crate::read::plan::ReadPlan;
use crate::read::session::Item;
use crate::read::state::ReadState;
use crate::read::tally::BlockPlace;

impl Ring {
    /// Records in `broken` that a block cannot be read from record `from` on.
    pub(super) fn breaks(&mut self, kind: LossKind, block: &Block, from: u64, plan: &ReadPlan) {
        let before = self.broken.map_or(0, |broken| broken.end);
        let expected = self.expected.unwrap_or(self.delivered).max(before);
        let end = block.end_if_unread(from, expected);
        let unix_ns = plan.map(self.session).map(|map| first_unix_ns(&block.header, map));
        self.broken = Some(Broken { kind, end, unix_ns: unix_ns.unwrap_or_default() });
    }

    pub(super) fn take_loss_frame(
        &mut self,
        frame: &LossFrame,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        let moment = plan.map(self.session)?.at(frame.loss.counter, &mut self.hint);
        self.take_loss(&frame.loss, moment, plan, state)
    }

    /// Shows which of the records that are stated to be gone were not found elsewhere.
    pub(super) fn take_gone(
        &mut self,
        item: Item,
        frame: &LossFrame,
        gone: Gone,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        let settled = self.delivered.max(self.settled);
        let why = GoneCause::from_u8(gone.cause);
        let began = *self.began.get_or_insert(gone.first);
        let cause = match self.expected {
            _ if gone.first < began => {
                // The part before all known records. The rest comes again.
                self.again = Some(item);
                self.began = Some(gone.first);
                let count = gone.count.min(began - gone.first);
                LossCause::Gone { first: gone.first, count, why }
            }
            Some(expected) if expected < gone.first => {
                // Records in between were in another file. The stated ones come again.
                self.again = Some(item);
                self.expected = Some(gone.first);
                self.settled = gone.first;
                let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
                LossCause::Missing { first: expected, count: gone.first - expected, kind }
            }
            expected => {
                let first = gone.first.max(settled);
                let end = gone.first.saturating_add(gone.count);
                self.settled = settled.max(end);
                self.expected = Some(end.max(expected.unwrap_or(0)));
                let count = end.saturating_sub(first);
                if count == 0 {
                    return None;
                }
                LossCause::Gone { first, count, why }
            }
        };
        let (count, kind) = match cause {
            LossCause::Missing { count, kind, .. } => (count, kind),
            LossCause::Gone { count, .. } => (count, LossKind::Gone),
            LossCause::Unrecorded { .. } => (0, LossKind::RingFull),
        };
        state.tally.miss(kind, count);
        let counter = frame.loss.counter;
        let moment = plan.map(self.session)?.at(counter, &mut self.hint);
        let cause = self.shown(moment.unix_ns, cause, plan)?;
        let key = (plan.order == Order::Time).then_some((moment.order_ns, counter));
        Some(self.put(RingHead::Loss { unix_ns: moment.unix_ns, cause }, key))
    }

    /// Shows what a statement adds to the ones before it.
    fn take_loss(
        &mut self,
        loss: &Loss,
        moment: Moment,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        let Loss { full, too_large, .. } = loss.since(&self.stated);
        let more = Loss { counter: 0, full, too_large };
        if more.total() == 0 {
            return None;
        }
        for (stated, more) in self.stated.full.iter_mut().zip(full) {
            *stated = stated.saturating_add(more);
        }
        for (stated, more) in self.stated.too_large.iter_mut().zip(too_large) {
            *stated = stated.saturating_add(more);
        }
        state.tally.lose_unrecorded(&more);
        let cause = LossCause::Unrecorded { full, too_large };
        let cause = self.shown(moment.unix_ns, cause, plan)?;
        let key = (plan.order == Order::Time).then_some((moment.order_ns, loss.counter));
        Some(self.put(RingHead::Loss { unix_ns: moment.unix_ns, cause }, key))
    }

    /// States which records of a broken last block nothing else has.
    pub(super) fn lose_last(&mut self, plan: &ReadPlan, state: &mut ReadState) -> Option<Key> {
        let Broken { kind, end, unix_ns } = self.broken.take()?;
        let first = self.expected.unwrap_or(self.delivered);
        let count = end.checked_sub(first).filter(|&count| count > 0)?;
        self.expected = Some(end);
        self.lost_at_end = Some((first, count, kind));
        let head = self.missing((first, count), kind, unix_ns, plan, state)?;
        Some(self.put(head, None))
    }

    /// States the last records with unknown call sites.
    pub(super) fn take_unknown_sites(
        &mut self,
        header: &BlockHeader,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        let (first, count) = std::mem::take(&mut self.unknown_sites);
        let unix_ns = first_unix_ns(header, plan.map(self.session)?);
        let kind = LossKind::UnknownCallSite;
        state.tally.lose(kind, count);
        let cause = LossCause::Missing { first, count, kind };
        let cause = self.shown(unix_ns, cause, plan)?;
        Some(self.put(RingHead::Loss { unix_ns, cause }, None))
    }

    /// Takes a loss statement that is among the records.
    pub(super) fn take_loss_record(
        &mut self,
        (counter, counts): (u64, Option<[u8; Loss::BYTES - 8]>),
        place: BlockPlace,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        let Some(counts) = counts else {
            state.tally.note_unreadable(place, 1, ValueError::End);
            return None;
        };
        let mut bytes = [0; Loss::BYTES];
        let (time, of_levels) = bytes.split_first_chunk_mut()?;
        *time = counter.to_le_bytes();
        of_levels.copy_from_slice(&counts);
        let loss = Loss::decode(&bytes)?;
        let moment = plan.map(self.session)?.at(counter, &mut self.hint);
        self.take_loss(&loss, moment, plan, state)
    }

    /// Counts records that the files lack. Returns the loss to show, unless the filter hides it.
    pub(super) fn missing(
        &mut self,
        (first, count): (u64, u64),
        kind: LossKind,
        unix_ns: i64,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<RingHead> {
        state.tally.miss(kind, count);
        let cause = self.shown(unix_ns, LossCause::Missing { first, count, kind }, plan)?;
        Some(RingHead::Loss { unix_ns, cause })
    }

    /// The part of a loss that the filter wants.
    pub(super) fn shown(
        &self,
        unix_ns: i64,
        cause: LossCause,
        plan: &ReadPlan,
    ) -> Option<LossCause> {
        plan.filter.wanted_loss(&LossEntry::new(self.origin(), unix_ns, cause))
    }
}
