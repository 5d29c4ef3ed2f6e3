//! Rendering of the last entries only.
//!
//! Reading begins as late as the headers of blocks allow, and earlier again if the filter left too few records.
//! Candidates are kept undecoded, with their blocks, and rendered at the end. If that takes too much memory, they
//! are only counted, and read again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::batch::{Bodies, RenderBatch};
use super::encoder::{EntryEncoder, EntryEncoding};
use super::limits::PIECE_BYTES;
use super::stitcher::{MarkedText, Stitcher};
use crate::model::entry::Entry;
use crate::model::loss::LossEntry;
use crate::model::origin::RingName;
use crate::read::{Decoder, Losses, PendingLosses, RecordRun, Statement, Turn, ValueBuffers};
use crate::render::format::Format;
use crate::render::options::RenderOptions;

/// The memory of entries that are kept.
pub(super) const MAX_KEPT_BYTES: usize = 64 << 20;

/// The memory of one batch. The oldest batch is dropped as a whole.
const BATCH_BYTES: usize = 64 << 10;

/// If there are too few records behind a place, this many times more are read.
const GROWTH: u64 = 16;

/// The last entries.
struct Kept {
    batches: VecDeque<RenderBatch>,
    /// The number of their records, and of all records so far.
    records: u64,
    all: u64,
    bytes: usize,
    bodies: Bodies,
    most_bytes: usize,
    /// Whether fewer records are kept than asked for.
    is_short: bool,
}

impl Kept {
    /// The batch for another entry. At least `count` records are kept with it.
    fn batch(&mut self, count: u64) -> &mut RenderBatch {
        if self.batches.back().is_none_or(|batch| batch.size_bytes() >= BATCH_BYTES) {
            self.bytes += self.batches.back().map_or(0, RenderBatch::size_bytes);
            let mut next = RenderBatch::default();
            while let Some(oldest) = self.batches.front() {
                let records = oldest.records() as u64;
                let is_needed = self.records - records < count;
                if is_needed && self.bytes < self.most_bytes {
                    break;
                }
                self.is_short |= is_needed;
                self.records -= records;
                self.bytes -= oldest.size_bytes();
                next = self.batches.pop_front().unwrap_or_default();
            }
            next.clear();
            self.batches.push_back(next);
        }
        // There is one: it was added if there was none.
        let last = self.batches.len().saturating_sub(1);
        &mut self.batches[last]
    }

    /// Keeps a record.
    fn push(&mut self, run: &RecordRun<'_>, at: usize, count: u64) {
        let body_bytes = self.bodies.new_bytes(run);
        self.batch(count).push_run(run, (at, at + 1), body_bytes);
        self.records += 1;
        self.all += 1;
    }

    /// Keeps losses.
    fn push_losses(&mut self, losses: impl IntoIterator<Item = Statement>, count: u64) {
        losses.into_iter().for_each(|loss| self.batch(count).push_loss(loss));
    }
}

/// Renders the last `count` records of a decoder, and the losses after the record before them. At most
/// `most_bytes` of entries are kept.
pub(super) fn render(
    decoder: &mut Decoder,
    (count, most_bytes): (u64, usize),
    (format, options): (Format, &RenderOptions),
    sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // The record before the last ones tells which losses belong to them.
    let mut wanted = count.saturating_add(1);
    loop {
        let mut late = decoder.again();
        if decoder.is_started() {
            break;
        }
        if !late.start_before_end(wanted) {
            if decoder.list_all() {
                continue;
            }
            break;
        }
        let (kept, _) = keep(&mut late, count, most_bytes);
        if kept.all > count && !kept.is_short {
            *decoder = late;
            let encoding = EntryEncoding::new(decoder, format, options);
            return write_kept(decoder, kept, count, &encoding, sink);
        }
        wanted = wanted.saturating_mul(GROWTH);
    }
    decoder.start();
    let encoding = EntryEncoding::new(decoder, format, options);
    let shown_before = decoder.tally_mut().shown;
    let (kept, flow) = keep(decoder, count, most_bytes);
    flow?;
    if kept.is_short {
        let skipped = kept.all.saturating_sub(count);
        return render_after(decoder, shown_before + skipped, &encoding, sink);
    }
    write_kept(decoder, kept, count, &encoding, sink)
}

/// Renders the last `count` of the records that were kept.
fn write_kept(
    decoder: &mut Decoder,
    kept: Kept,
    count: u64,
    encoding: &EntryEncoding,
    mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let names = decoder.ring_names();
    let skipped = kept.all.saturating_sub(count);
    // Losses were merged when they were kept.
    let encoding = encoding.with_losses(Losses::Inline);
    let mut encoder = EntryEncoder::new(encoding);
    let mut stitcher = Stitcher::default();
    let mut before = kept.all - kept.records;
    for mut batch in kept.batches {
        let skip = skipped.saturating_sub(before).min(batch.records() as u64);
        before += batch.records() as u64;
        batch.skip(skip as usize);
        write_out(&mut batch, (&mut encoder, &mut stitcher), &names, &mut sink)?;
    }
    ControlFlow::Continue(())
}

/// Reads all entries and keeps the last ones.
fn keep(decoder: &mut Decoder, count: u64, most_bytes: usize) -> (Kept, ControlFlow<()>) {
    let (filter, sites) = (Arc::clone(decoder.filter()), Arc::clone(decoder.sites()));
    let losses = decoder.losses();
    let mut pending = decoder.take_pending();
    let (batches, bodies) = Default::default();
    let mut kept =
        Kept { batches, records: 0, all: 0, bytes: 0, bodies, most_bytes, is_short: false };
    let mut buffers = ValueBuffers::default();
    let lose = |loss: &LossEntry<'_>, ring, pending: &mut PendingLosses, kept: &mut Kept| {
        let statement = Statement::new(loss, ring);
        match losses {
            Losses::Merged => pending.push(&statement),
            Losses::Inline if count > 0 => kept.push_losses([statement], count),
            Losses::Inline | Losses::None => {}
        }
    };
    let flow = decoder.merge(|turn, index, tally| {
        let run = match turn {
            Turn::Nothing | Turn::Pause => return (1, ControlFlow::Continue(())),
            Turn::Loss(loss) => {
                lose(&loss, index, &mut pending, &mut kept);
                return (1, ControlFlow::Continue(()));
            }
            Turn::Records(run) => run,
        };
        for (at, raw) in (run.from..).zip(run.records()) {
            match buffers.visit(&raw, &sites, &filter, |_| ControlFlow::Continue(())) {
                Ok((false, _)) => {}
                Ok((true, _)) => {
                    tally.shown += 1;
                    if count > 0 {
                        kept.push_losses(pending.take(), count);
                        kept.push(&run, at, count);
                    }
                }
                Err(why) => {
                    tally.lose_values(run.place(), 1, why);
                    lose(&raw.loss(), index, &mut pending, &mut kept);
                }
            }
        }
        (run.to - run.from, ControlFlow::Continue(()))
    });
    if count > 0 {
        kept.push_losses(pending.take(), count);
    }
    (kept, flow)
}

/// Reads once more, and renders the entries after the first `skip` records.
fn render_after(
    decoder: &Decoder,
    mut skip: u64,
    encoding: &EntryEncoding,
    mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut again = decoder.again();
    let names = again.ring_names();
    let (filter, sites) = (Arc::clone(again.filter()), Arc::clone(again.sites()));
    let mut encoder = EntryEncoder::new(encoding.clone());
    let (mut marked, mut buffers) = (MarkedText::default(), ValueBuffers::default());
    let mut stitcher = Stitcher::default();
    let flow = again.merge(|turn, index, _| {
        let mut count = 1;
        match turn {
            Turn::Nothing | Turn::Pause => {}
            Turn::Loss(_) if skip > 0 => {}
            Turn::Loss(loss) => marked.push(&loss, index, &mut encoder),
            Turn::Records(run) => {
                count = 0;
                for raw in run.records() {
                    count += 1;
                    if skip > 0 {
                        let goes_on = |_: &Entry<'_>| ControlFlow::Continue(());
                        let visited = buffers.visit(&raw, &sites, &filter, goes_on);
                        skip -= u64::from(visited.is_ok_and(|(is_wanted, _)| is_wanted));
                        continue;
                    }
                    // It was counted when it was read first.
                    if encoder.record(&raw, true, &mut marked.text).is_err() {
                        marked.push(&raw.loss(), index, &mut encoder);
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
        (count, stitcher.pass_on(&mut marked, (&mut encoder, &names), &mut sink))
    });
    flow?;
    stitcher.pass_on(&mut marked, (&mut encoder, &names), &mut sink)?;
    stitcher.finish((&mut encoder, &names), &mut sink)
}

fn write_out(
    batch: &mut RenderBatch,
    (encoder, stitcher): (&mut EntryEncoder, &mut Stitcher),
    names: &[Arc<RingName>],
    sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    loop {
        let is_done = batch.render(true, encoder, names);
        batch.pass_on(stitcher, (&mut *encoder, names), sink)?;
        if is_done {
            return ControlFlow::Continue(());
        }
    }
}
