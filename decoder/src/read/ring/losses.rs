//! What is told of records that are not there.

use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::value::ValueError;

use super::{Head, Key, Ring, first_unix_ns};
use crate::clock::Moment;
use crate::dump::Block;
use crate::model::entry::{LossCause, LossEntry, LossKind};
use crate::read::context::{BlockPlace, Context, Order};
use crate::read::session::Item;

/// A block that could not be read, or not to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) kind: LossKind,
    /// The number behind its last record, by its header.
    behind: u64,
    unix_ns: i64,
}

impl<'d> Ring<'d> {
    pub(super) fn take_loss_frame(
        &mut self,
        frame: &LossFrame,
        context: &mut Context<'d>,
    ) -> Option<Key> {
        let moment = context.map(self.session)?.at(frame.loss.counter, &mut self.hint);
        self.take_loss(&frame.loss, moment, context)
    }

    /// Shows which of the records that are stated to be gone were not found all the same.
    pub(super) fn take_gone(
        &mut self,
        item: Item,
        frame: &LossFrame,
        gone: Gone,
        context: &mut Context<'d>,
    ) -> Option<Key> {
        let settled = self.delivered.max(self.settled);
        let why = GoneCause::from_u8(gone.cause);
        let began = *self.began.get_or_insert(gone.first);
        let cause = match self.expected {
            _ if gone.first < began => {
                // Before all that is there. What is gone of the rest comes after it.
                self.again = Some(item);
                self.began = Some(gone.first);
                let count = gone.count.min(began - gone.first);
                LossCause::Gone { first: gone.first, count, why }
            }
            Some(expected) if expected < gone.first => {
                // They stood in yet another file. What is stated to be gone comes after them.
                self.again = Some(item);
                self.expected = Some(gone.first);
                self.settled = gone.first;
                let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
                LossCause::Missing { first: expected, count: gone.first - expected, kind }
            }
            expected => {
                let first = gone.first.max(settled);
                let behind = gone.first.saturating_add(gone.count);
                self.settled = settled.max(behind);
                self.expected = Some(behind.max(expected.unwrap_or(0)));
                let count = behind.saturating_sub(first);
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
        context.tally.missing = context.tally.missing.saturating_add(count);
        context.tally.lose(kind, count);
        let counter = frame.loss.counter;
        let moment = context.map(self.session)?.at(counter, &mut self.hint);
        let cause = self.shown(moment.unix_ns, cause, context)?;
        let key = (context.wants.order == Order::Time).then_some((moment.order_ns, counter));
        Some(self.put(Head::Loss { unix_ns: moment.unix_ns, cause }, key))
    }

    /// Shows what a statement adds to those before it.
    fn take_loss(&mut self, loss: &Loss, moment: Moment, context: &mut Context<'d>) -> Option<Key> {
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
        context.tally.lost = context.tally.lost.saturating_add(more.total());
        for (kind, counts) in [(LossKind::RingFull, full), (LossKind::TooLarge, too_large)] {
            let count = counts.iter().fold(0, |sum: u64, &count| sum.saturating_add(count));
            if count > 0 {
                context.tally.lose(kind, count);
            }
        }
        let cause = LossCause::Unrecorded { full, too_large };
        let cause = self.shown(moment.unix_ns, cause, context)?;
        let key = (context.wants.order == Order::Time).then_some((moment.order_ns, loss.counter));
        Some(self.put(Head::Loss { unix_ns: moment.unix_ns, cause }, key))
    }

    /// A block cannot be read from the record `from` on. If the number fits, its header tells how
    /// many records it should have had.
    pub(super) fn breaks(
        &mut self,
        kind: LossKind,
        block: &Block,
        from: u64,
        context: &Context<'d>,
    ) {
        let before = self.broken.map_or(0, |broken| broken.behind);
        let expected = self.expected.unwrap_or(self.delivered).max(before);
        let behind = block.end_if_unread(from, expected);
        let unix_ns = context.map(self.session).map(|map| first_unix_ns(&block.header, map));
        self.broken = Some(Broken { kind, behind, unix_ns: unix_ns.unwrap_or_default() });
    }

    /// What the ring's last block should have had and nothing else has.
    pub(super) fn lose_last(&mut self, context: &mut Context<'d>) -> Option<Key> {
        let Broken { kind, behind, unix_ns } = self.broken.take()?;
        let first = self.expected.unwrap_or(self.delivered);
        let count = behind.checked_sub(first).filter(|&count| count > 0)?;
        self.expected = Some(behind);
        let head = self.missing(first, count, kind, unix_ns, context)?;
        Some(self.put(head, None))
    }

    /// Counts records that the files have not, and shows that, unless the filter forbids it.
    pub(super) fn missing(
        &mut self,
        first: u64,
        count: u64,
        kind: LossKind,
        unix_ns: i64,
        context: &mut Context<'d>,
    ) -> Option<Head<'d>> {
        context.tally.missing = context.tally.missing.saturating_add(count);
        context.tally.lose(kind, count);
        let cause = self.shown(unix_ns, LossCause::Missing { first, count, kind }, context)?;
        Some(Head::Loss { unix_ns, cause })
    }

    /// What is shown of a loss: what the filter wants of it.
    fn shown(&self, unix_ns: i64, cause: LossCause, context: &Context<'d>) -> Option<LossCause> {
        context.wants.filter.wanted_loss(&LossEntry::new(self.origin(), unix_ns, cause))
    }

    /// Shows the records without a call site that came last.
    pub(super) fn take_strangers(
        &mut self,
        block: &Block,
        context: &mut Context<'d>,
    ) -> Option<Key> {
        let (first, count) = std::mem::take(&mut self.strangers);
        let unix_ns = first_unix_ns(&block.header, context.map(self.session)?);
        let kind = LossKind::UnknownCallSite;
        context.tally.lose(kind, count);
        let cause = LossCause::Missing { first, count, kind };
        let cause = self.shown(unix_ns, cause, context)?;
        Some(self.put(Head::Loss { unix_ns, cause }, None))
    }

    /// Takes a loss statement that stands among the records.
    pub(super) fn take_loss_record(
        &mut self,
        counter: u64,
        counts: Option<[u8; Loss::BYTES - 8]>,
        place: BlockPlace,
        context: &mut Context<'d>,
    ) -> Option<Key> {
        let Some(counts) = counts else {
            context.tally.unreadable(place, 1, ValueError::End);
            return None;
        };
        let mut bytes = [0; Loss::BYTES];
        let (time, of_levels) = bytes.split_first_chunk_mut()?;
        *time = counter.to_le_bytes();
        of_levels.copy_from_slice(&counts);
        let loss = Loss::decode(&bytes)?;
        let moment = context.map(self.session)?.at(counter, &mut self.hint);
        self.take_loss(&loss, moment, context)
    }
}
