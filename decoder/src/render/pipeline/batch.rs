//! Batches of entries: the unit of work of a rendering thread.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use stenolog_format::value::ValueError;

use super::encoder::{EncodedEntry, EntryEncoder};
use super::stitcher::{MarkedText, Stitcher};
use crate::model::origin::RingName;
use crate::read::{BlockBody, BlockPlace, RecordBatch, RecordRun, Statement};

/// The most entries of a batch: some hundred microseconds of work, which hides the cost of passing it to
/// another thread.
pub(super) const BATCH_ENTRIES: usize = 2048;

/// The most memory that a batch keeps, except for its last block.
const BATCH_BYTES: usize = 4 << 20;

/// The most text that is made of a batch before its turn, except for its last entry.
pub(super) const BATCH_TEXT_BYTES: usize = 512 << 10;

/// Consecutive entries, and the text that is made of them.
#[derive(Debug, Default)]
pub(super) struct RenderBatch {
    parts: Vec<BatchPart>,
    /// The record batches that the parts refer to, with the bodies that hold their texts.
    sources: Vec<(Arc<RecordBatch>, Arc<BlockBody>)>,
    /// Where the last source of a ring may be, by the ring's index modulo the length.
    last_sources: [u32; 32],
    losses: Vec<Statement>,
    /// The number of entries, and of records among them.
    entries: usize,
    records: usize,
    /// The memory that they take.
    bytes: usize,
    pub(super) text: MarkedText,
    /// The thread that rendered it and has the text in its caches.
    pub(super) thread: usize,
    /// The number of rendered parts, and of rendered entries of the next one.
    done: (usize, usize),
    /// The number of records that the filter wants.
    pub(super) shown: u64,
    /// Records whose values cannot be read.
    pub(super) unreadable: Vec<(BlockPlace, ValueError)>,
}

/// Consecutive entries of one ring.
#[derive(Clone, Copy, Debug)]
enum BatchPart {
    /// Records of a source, by its index.
    Run { ring: u32, source: u32, from: u32, to: u32 },
    /// A loss, by its index.
    Loss(u32),
}

impl BatchPart {
    const fn len(&self) -> usize {
        match self {
            Self::Run { from, to, .. } => (*to - *from) as usize,
            Self::Loss(_) => 1,
        }
    }
}

/// The body of the last run of each ring, which is kept in memory already.
#[derive(Debug, Default)]
pub(super) struct Bodies(Vec<usize>);

impl Bodies {
    /// The memory of the run's body; 0 if it is that of the ring's last run.
    #[inline]
    pub(super) fn new_bytes(&mut self, run: &RecordRun<'_>) -> usize {
        if self.0.len() <= run.ring {
            self.0.resize(run.ring + 1, 0);
        }
        // Only compared. A body at the address of a freed one is not counted, which does no harm.
        let here = Arc::as_ptr(run.body) as usize;
        let before = std::mem::replace(&mut self.0[run.ring], here);
        if before == here { 0 } else { run.body.held_bytes() }
    }
}

impl RenderBatch {
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Whether all entries are rendered.
    pub(super) fn is_rendered(&self) -> bool {
        self.done.0 >= self.parts.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries >= BATCH_ENTRIES || self.bytes >= BATCH_BYTES
    }

    /// The number of records.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// The memory that it takes, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes + size_of_val(&*self.parts) + size_of_val(&*self.losses)
    }

    /// Adds a loss.
    pub(super) fn push_loss(&mut self, loss: Statement) {
        let at = self.losses.len() as u32;
        self.parts.push(BatchPart::Loss(at));
        self.losses.push(loss);
        self.entries += 1;
    }

    /// Adds some of the records of a run, whose body takes `body_bytes` of memory besides.
    #[inline]
    pub(super) fn push_run(
        &mut self,
        run: &RecordRun<'_>,
        (from, to): (usize, usize),
        body_bytes: usize,
    ) {
        self.entries += to - from;
        self.records += to - from;
        self.bytes += body_bytes;
        let source = self.source_of(run);
        let ring = run.ring as u32;
        let (from, to) = (from as u32, to as u32);
        if let Some(BatchPart::Run { source: before, to: end, .. }) = self.parts.last_mut()
            && (*before, *end) == (source, from)
        {
            *end = to;
            return;
        }
        self.parts.push(BatchPart::Run { ring, source, from, to });
    }

    /// The index of the source of a run.
    #[inline]
    fn source_of(&mut self, run: &RecordRun<'_>) -> u32 {
        // Rings take turns.
        let last = self.last_sources[run.ring % self.last_sources.len()];
        match self.sources.get(last as usize) {
            Some((of, _)) if Arc::ptr_eq(of, run.batch) => last,
            _ => self.add_source(run),
        }
    }

    #[cold]
    fn add_source(&mut self, run: &RecordRun<'_>) -> u32 {
        self.bytes += run.batch.size_bytes();
        let source = self.sources.len() as u32;
        self.sources.push((Arc::clone(run.batch), Arc::clone(run.body)));
        self.last_sources[run.ring % self.last_sources.len()] = source;
        source
    }

    /// Skips the first `count` records, and the losses before the last of these.
    pub(super) fn skip(&mut self, mut count: usize) {
        while let Some(part) = self.parts.get(self.done.0).filter(|_| count > 0) {
            let left = match part {
                BatchPart::Run { .. } => part.len() - self.done.1,
                BatchPart::Loss(_) => 0,
            };
            if count < left {
                self.done.1 += count;
                return;
            }
            count -= left;
            self.done = (self.done.0 + 1, 0);
        }
    }

    /// Passes the text to the sink.
    pub(super) fn pass_on(
        &mut self,
        stitcher: &mut Stitcher,
        encoder: (&mut EntryEncoder, &[Arc<RingName>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        stitcher.pass_on(&mut self.text, encoder, sink)
    }

    /// Renders entries until none is left, the text is long enough, or an entry is deferred until its
    /// turn. Says whether none is left.
    pub(super) fn render(
        &mut self,
        is_its_turn: bool,
        encoder: &mut EntryEncoder,
        rings: &[Arc<RingName>],
    ) -> bool {
        while let Some(part) = self.parts.get(self.done.0) {
            if self.text.text.len() >= BATCH_TEXT_BYTES {
                return false;
            }
            match *part {
                BatchPart::Loss(loss) => {
                    let loss = self.losses.get(loss as usize);
                    if let Some((of, loss)) = loss.and_then(|of| Some((of, of.entry(rings)?))) {
                        self.text.push(&loss, of.ring, encoder);
                    }
                }
                BatchPart::Run { ring, source, from, to } => {
                    let from = from as usize + self.done.1;
                    let range = from..to as usize;
                    if !self.render_run((ring, source), range, is_its_turn, encoder, rings) {
                        return false;
                    }
                }
            }
            self.done = (self.done.0 + 1, 0);
        }
        true
    }

    /// Renders records of one source. Says whether none is left.
    fn render_run(
        &mut self,
        (ring, source): (u32, u32),
        range: Range<usize>,
        is_its_turn: bool,
        encoder: &mut EntryEncoder,
        rings: &[Arc<RingName>],
    ) -> bool {
        let Self { sources, text, done, shown, unreadable, .. } = self;
        let ring = ring as usize;
        let (Some(name), Some((batch, body))) = (rings.get(ring), sources.get(source as usize))
        else {
            return true;
        };
        let origin = name.origin(batch.place.0 as usize);
        let run = RecordRun { ring, origin, batch, body, from: range.start, to: range.end };
        for raw in run.records() {
            if text.text.len() >= BATCH_TEXT_BYTES {
                return false;
            }
            match encoder.record(&raw, is_its_turn, &mut text.text) {
                Ok(EncodedEntry::Deferred) => return false,
                Ok(encoded) => *shown += u64::from(encoded == EncodedEntry::Written),
                Err(why) => {
                    unreadable.push((run.place(), why));
                    text.push(&raw.loss(), ring, encoder);
                }
            }
            done.1 += 1;
        }
        true
    }

    pub(super) fn clear(&mut self) {
        let Self { parts, sources, losses, text, unreadable, .. } = self;
        parts.clear();
        sources.clear();
        losses.clear();
        text.clear();
        unreadable.clear();
        (self.entries, self.records, self.bytes, self.done) = (0, 0, 0, (0, 0));
        self.shown = 0;
    }
}
