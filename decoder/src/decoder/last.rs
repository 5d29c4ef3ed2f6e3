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
use super::{Decoder, PIECE_BYTES, Ring, hand_on};
use crate::Format;
use crate::render::{Page, RenderOptions};

/// How many bytes of entries are kept.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// How many bytes are kept in one batch. The oldest one is dropped as a whole.
const BATCH_BYTES: usize = 64 << 10;

/// The entries that came last.
struct Kept<'d> {
    batches: VecDeque<Batch<'d>>,
    /// How many entries they have, and all before them had.
    entries: u64,
    all: u64,
    bytes: usize,
    bodies: Bodies,
    most_bytes: usize,
    /// Whether there are fewer than there should be.
    is_short: bool,
}

impl<'d> Kept<'d> {
    /// Makes room for another entry, so that no fewer than `count` are kept with it.
    fn batch(&mut self, count: u64) -> &mut Batch<'d> {
        if self.batches.back().is_none_or(|batch| batch.size_bytes() >= BATCH_BYTES) {
            self.bytes += self.batches.back().map_or(0, Batch::size_bytes);
            let mut next = Batch::default();
            while let Some(oldest) = self.batches.front() {
                let entries = oldest.len() as u64;
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
        self.entries += 1;
        self.all += 1;
        // There is one: it was put there if there was none.
        let last = self.batches.len().saturating_sub(1);
        &mut self.batches[last]
    }
}

impl Decoder<'_> {
    /// As [`render`](Self::render) in one thread, but only the last `count` entries, after all have
    /// been read.
    ///
    /// Up to 64 MiB of entries are kept meanwhile. If `count` entries take more, the dumps are read
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
        let names: Vec<_> = self.rings.iter().map(Ring::name).collect();
        let batches = VecDeque::new();
        let bodies = Bodies::default();
        let mut kept =
            Kept { batches, entries: 0, all: 0, bytes: 0, bodies, most_bytes, is_short: false };
        let mut buffers = Buffers::default();
        let flow = self.merge(|turn, index, context| {
            let run = match turn {
                Turn::Nothing | Turn::Pause => return (1, ControlFlow::Continue(())),
                Turn::Loss(loss) => {
                    if count > 0 {
                        kept.batch(count).push_loss(&loss, index);
                    }
                    return (1, ControlFlow::Continue(()));
                }
                Turn::Records(run) => run,
            };
            for (at, raw) in (run.from..).zip(run.entries()) {
                match buffers.visit(&raw, &filter, |_| ControlFlow::Continue(())) {
                    Ok((false, _)) => continue,
                    Ok((true, _)) => context.tally.shown += 1,
                    Err(why) => context.tally.lose_values(run.place(), 1, why),
                }
                if count > 0 {
                    let body_bytes = kept.bodies.new_bytes(&run);
                    kept.batch(count).push_run(&run, (at, at + 1), body_bytes);
                }
            }
            (run.to - run.from, ControlFlow::Continue(()))
        });
        flow?;
        let mut painter = Painter::new(&filter, format, options);
        let skipped = kept.all.saturating_sub(count);
        if kept.is_short {
            return self.render_behind(skipped, &mut painter, sink);
        }
        let mut before = kept.all - kept.entries;
        for batch in &mut kept.batches {
            let skip = skipped.saturating_sub(before).min(batch.len() as u64);
            before += batch.len() as u64;
            batch.skip(skip as usize);
            write_out(batch, &mut painter, &names, &mut sink)?;
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
        let (mut text, mut buffers) = (Page::default(), Buffers::default());
        let flow = again.merge(|turn, _, _| {
            let mut count = 1;
            match turn {
                Turn::Nothing | Turn::Pause => {}
                Turn::Loss(_) if skip > 0 => skip -= 1,
                Turn::Loss(loss) => painter.loss(loss, &mut text),
                Turn::Records(run) => {
                    count = 0;
                    for raw in run.entries() {
                        count += 1;
                        if skip > 0 {
                            let visited =
                                buffers.visit(&raw, &filter, |_| ControlFlow::Continue(()));
                            let is_entry = visited.map_or(true, |(is_wanted, _)| is_wanted);
                            skip -= u64::from(is_entry);
                            continue;
                        }
                        // It was counted when it was read first.
                        let _counted = painter.record(&raw, true, &mut text);
                        if text.len() >= PIECE_BYTES {
                            break;
                        }
                    }
                }
            }
            if text.len() < PIECE_BYTES {
                return (count, ControlFlow::Continue(()));
            }
            (count, hand_on(&mut text, &mut sink))
        });
        flow?;
        hand_on(&mut text, &mut sink)
    }
}

fn write_out(
    batch: &mut Batch<'_>,
    painter: &mut Painter,
    names: &[RingName<'_>],
    sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    loop {
        let is_done = batch.render(true, painter, names);
        batch.hand_on(sink)?;
        if is_done {
            return ControlFlow::Continue(());
        }
    }
}
