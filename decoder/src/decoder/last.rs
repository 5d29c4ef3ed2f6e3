//! The last entries only.
//!
//! They are known when all others have been read. What may be among them is kept as it stands in its
//! block, a few bytes a record, and rendered at the end. If that is too much to keep, the entries are
//! counted, and read again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::paint::{Buffers, Painter};
use super::parallel::{Batch, RingName};
use super::ring::Next;
use super::{Decoder, PIECE_BYTES, Ring, hand_on};
use crate::Format;
use crate::render::RenderOptions;

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
        let filter = Arc::clone(&self.context.filter);
        let names: Vec<_> = self.rings.iter().map(Ring::name).collect();
        let batches = VecDeque::new();
        let mut kept = Kept { batches, entries: 0, all: 0, bytes: 0, most_bytes, is_short: false };
        let mut buffers = Buffers::default();
        let flow = self.merge(|ring, index, context| {
            let next = ring.entry();
            if let Next::Record(raw, place) = &next {
                match buffers.visit(raw, &filter, |_| ControlFlow::Continue(())) {
                    Ok((false, _)) => return ControlFlow::Continue(()),
                    Ok((true, _)) => context.tally.shown += 1,
                    Err(why) => context.tally.lose_values(*place, 1, why),
                }
            }
            if count > 0 && matches!(next, Next::Record(..) | Next::Loss(_)) {
                kept.batch(count).push(&next, index, ring.site());
            }
            ControlFlow::Continue(())
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
        let filter = Arc::clone(&self.context.filter);
        let mut again = Decoder::new(self.context.dumps)
            .with_filter((*filter).clone())
            .with_order(self.context.order);
        let (mut text, mut buffers) = (Vec::new(), Buffers::default());
        let flow = again.merge(|ring, _, _| {
            let is_entry = match ring.entry() {
                Next::Nothing | Next::Pause => false,
                Next::Loss(_) => true,
                Next::Record(raw, _) => {
                    let visited = buffers.visit(&raw, &filter, |_| ControlFlow::Continue(()));
                    visited.is_ok_and(|(is_wanted, _)| is_wanted) || visited.is_err()
                }
            };
            if skip > 0 {
                skip -= u64::from(is_entry);
                return ControlFlow::Continue(());
            }
            match ring.entry() {
                Next::Nothing | Next::Pause => {}
                Next::Loss(loss) => painter.loss(loss, &mut text),
                Next::Record(raw, _) => {
                    // It was counted when it was read first.
                    let _counted = painter.record(&raw, &mut text);
                }
            }
            if text.len() < PIECE_BYTES {
                return ControlFlow::Continue(());
            }
            hand_on(&mut text, &mut sink)
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
        let is_done = batch.render(painter, names);
        batch.hand_on(sink)?;
        if is_done {
            return ControlFlow::Continue(());
        }
    }
}
