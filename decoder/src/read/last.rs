//! The last entries only.
//!
//! They are known when all others have been read. What may be among them is kept as it was read, with
//! the blocks that it is in, and rendered at the end. If that is too much to keep, the entries are
//! counted, and read again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::paint::{Buffers, Painter};
use super::parallel::{Batch, Bodies, RingName};
use super::ring::Turn;
use super::statements::{Losses, Marked, Pending, Statement, Stitcher};
use super::stretch::Run;
use super::{Decoder, PIECE_BYTES};
use crate::Format;
use crate::model::entry::LossEntry;
use crate::render::RenderOptions;

/// How many bytes of entries are kept.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// How many bytes are kept in one batch. The oldest one is dropped as a whole.
const BATCH_BYTES: usize = 64 << 10;

/// The entries that came last.
struct Kept<'d> {
    batches: VecDeque<Batch<'d>>,
    /// How many records they have, and all before them had.
    entries: u64,
    all: u64,
    bytes: usize,
    bodies: Bodies,
    most_bytes: usize,
    /// Whether there are fewer than there should be.
    is_short: bool,
}

impl<'d> Kept<'d> {
    /// Makes room for another entry, so that no fewer than `count` records are kept with it.
    fn batch(&mut self, count: u64) -> &mut Batch<'d> {
        if self.batches.back().is_none_or(|batch| batch.size_bytes() >= BATCH_BYTES) {
            self.bytes += self.batches.back().map_or(0, Batch::size_bytes);
            let mut next = Batch::default();
            while let Some(oldest) = self.batches.front() {
                let entries = oldest.records() as u64;
                let is_needed = self.entries - entries < count;
                if is_needed && self.bytes < self.most_bytes {
                    break;
                }
                self.is_short |= is_needed;
                self.entries -= entries;
                self.bytes -= oldest.size_bytes();
                next = self.batches.pop_front().unwrap_or_default();
            }
            next.clear();
            self.batches.push_back(next);
        }
        // There is one: it was put there if there was none.
        let last = self.batches.len().saturating_sub(1);
        &mut self.batches[last]
    }

    /// Keeps a record.
    fn push(&mut self, run: &Run<'_, 'd>, at: usize, count: u64) {
        let body_bytes = self.bodies.new_bytes(run);
        self.batch(count).push_run(run, (at, at + 1), body_bytes);
        self.entries += 1;
        self.all += 1;
    }

    /// Keeps losses.
    fn push_losses(&mut self, losses: impl IntoIterator<Item = Statement>, count: u64) {
        losses.into_iter().for_each(|loss| self.batch(count).push_loss(loss));
    }
}

impl Decoder<'_> {
    /// As [`render`](Self::render) in one thread, but only the last `count` records, after all have
    /// been read, and the losses behind the record before these.
    ///
    /// Up to 64 MiB of entries are kept meanwhile. If `count` records take more, the dumps are read
    /// twice.
    pub fn render_last(
        &mut self,
        count: u64,
        format: Format,
        options: &RenderOptions,
        sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.render_last_of(count, MAX_KEPT_BYTES, format, options, sink)
    }

    pub(super) fn render_last_of(
        &mut self,
        count: u64,
        most_bytes: usize,
        format: Format,
        options: &RenderOptions,
        mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.start();
        let filter = Arc::clone(&self.context.wants.filter);
        let names = self.names();
        let losses = self.losses;
        let mut pending = Pending::default();
        let batches = VecDeque::new();
        let bodies = Bodies::default();
        let mut kept =
            Kept { batches, entries: 0, all: 0, bytes: 0, bodies, most_bytes, is_short: false };
        let mut buffers = Buffers::default();
        let lose = |loss: &LossEntry<'_>, ring, pending: &mut Pending, kept: &mut Kept<'_>| {
            let statement = Statement::new(loss, ring);
            match losses {
                Losses::Merged => pending.push(&statement),
                Losses::Inline if count > 0 => kept.push_losses([statement], count),
                Losses::Inline | Losses::None => {}
            }
        };
        let flow = self.merge(|turn, index, context| {
            let run = match turn {
                Turn::Nothing | Turn::Pause => return (1, ControlFlow::Continue(())),
                Turn::Loss(loss) => {
                    lose(&loss, index, &mut pending, &mut kept);
                    return (1, ControlFlow::Continue(()));
                }
                Turn::Records(run) => run,
            };
            for (at, raw) in (run.from..).zip(run.entries()) {
                match buffers.visit(&raw, &filter, |_| ControlFlow::Continue(())) {
                    Ok((false, _)) => {}
                    Ok((true, _)) => {
                        context.tally.shown += 1;
                        if count > 0 {
                            kept.push_losses(pending.take(), count);
                            kept.push(&run, at, count);
                        }
                    }
                    Err(why) => {
                        context.tally.lose_values(run.place(), 1, why);
                        lose(&raw.loss(), index, &mut pending, &mut kept);
                    }
                }
            }
            (run.to - run.from, ControlFlow::Continue(()))
        });
        flow?;
        if count > 0 {
            kept.push_losses(pending.take(), count);
        }
        let skipped = kept.all.saturating_sub(count);
        if kept.is_short {
            let mut painter = Painter::new(&filter, format, options, losses);
            return self.render_behind(skipped, &mut painter, sink);
        }
        // What can be merged is.
        let mut painter = Painter::new(&filter, format, options, Losses::Inline);
        let mut stitcher = Stitcher::default();
        let mut before = kept.all - kept.entries;
        for batch in &mut kept.batches {
            let skip = skipped.saturating_sub(before).min(batch.records() as u64);
            before += batch.records() as u64;
            batch.skip(skip as usize);
            write_out(batch, (&mut painter, &mut stitcher), &names, &mut sink)?;
        }
        ControlFlow::Continue(())
    }

    /// Reads once more, and renders what comes behind the first `skip` entries.
    fn render_behind(
        &self,
        mut skip: u64,
        painter: &mut Painter,
        mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let filter = Arc::clone(&self.context.wants.filter);
        let mut again = Decoder::new(self.context.wants.dumps)
            .with_filter((*filter).clone())
            .with_order(self.context.wants.order);
        let names = again.names();
        let (mut marked, mut buffers) = (Marked::default(), Buffers::default());
        let mut stitcher = Stitcher::default();
        let flow = again.merge(|turn, index, _| {
            let mut count = 1;
            match turn {
                Turn::Nothing | Turn::Pause => {}
                Turn::Loss(_) if skip > 0 => {}
                Turn::Loss(loss) => marked.push(&loss, index, painter),
                Turn::Records(run) => {
                    count = 0;
                    for raw in run.entries() {
                        count += 1;
                        if skip > 0 {
                            let visited =
                                buffers.visit(&raw, &filter, |_| ControlFlow::Continue(()));
                            skip -= u64::from(visited.is_ok_and(|(is_wanted, _)| is_wanted));
                            continue;
                        }
                        // It was counted when it was read first.
                        if painter.record(&raw, true, &mut marked.text).is_err() {
                            marked.push(&raw.loss(), index, painter);
                        }
                        if marked.text.len() >= PIECE_BYTES {
                            break;
                        }
                    }
                }
            }
            if marked.text.len() < PIECE_BYTES {
                return (count, ControlFlow::Continue(()));
            }
            (count, stitcher.hand_on(&mut marked, (painter, &names), &mut sink))
        });
        flow?;
        stitcher.hand_on(&mut marked, (painter, &names), &mut sink)?;
        stitcher.finish((painter, &names), &mut sink)
    }
}

fn write_out(
    batch: &mut Batch<'_>,
    (painter, stitcher): (&mut Painter, &mut Stitcher),
    names: &[RingName<'_>],
    sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    loop {
        let is_done = batch.render(true, painter, names);
        batch.hand_on(stitcher, (&mut *painter, names), sink)?;
        if is_done {
            return ControlFlow::Continue(());
        }
    }
}
