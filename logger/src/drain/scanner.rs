//! From rings to frames.
//!
//! - **S1 (write, then free).** A ring's records are freed only after the file has them, so that
//!   a write that fails, or a process that dies, loses nothing that a ring held.
//! - **S2 (explain first).** The dictionary entry of a record, and the thread of a ring, stand in
//!   the file before the block that needs them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_format::block::BlockBuilder;
use stenolog_format::clock::Watermark;
use stenolog_format::dictionary::{CallSite, Level, Thread, TimeSource};
use stenolog_format::frame::{FrameKind, FrameWriter};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::value::ValueError;
use stenolog_ringbuf::{Consumer, Record};

use super::Output;
use crate::registry;
use crate::ring_dir;
use crate::shared::{Core, RingSlot};

/// A block has no more ring bytes than this, unless a single record is longer.
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// The buffer is written when it has grown beyond this.
const WRITE_AT_BYTES: usize = 1 << 18;

/// An index frame is written when this many blocks have none.
const INDEX_EVERY_BLOCKS: usize = 4096;

/// Clock pairs are this far apart while there are records, in seconds.
const CLOCK_EVERY_SECONDS: u64 = 1;

/// Reads rings and writes frames.
pub(super) struct Scanner {
    core: Arc<Core>,
    output: Output,
    frames: FrameWriter,
    builder: BlockBuilder,
    rings: Vec<DrainRing>,
    /// The call sites by id; whether the file has them.
    sites: Vec<(Arc<CallSite>, bool)>,
    index: Index,
    last_clock: u64,
    /// How many records the file and the buffer have.
    records: u64,
    /// What the file states of rings whose thread has gone.
    lost_by_gone: u64,
    /// The buffer ends with the end frame.
    is_sealed: bool,
    /// The length of the file that the ring directory states.
    progress: u64,
}

struct DrainRing {
    slot: Arc<RingSlot>,
    consumer: Consumer,
    /// Up to where the buffer, or the file, has the ring's records; freed when the file has them.
    taken_to: u64,
    /// The end of the last block: the next one begins there, dead space or not.
    stated_to: u64,
    /// What the last pass took.
    last_bytes: usize,
    records: u64,
    /// Which of its pairs of numbers was stated last.
    is_odd: bool,
    /// The losses that the file states.
    stated: Loss,
    is_introduced: bool,
}

impl Scanner {
    /// A scanner whose output will begin with the file header and a clock pair.
    pub(super) fn new(core: Arc<Core>, mut output: Output) -> Self {
        let header = core.header;
        output.buffer().extend_from_slice(&header.encode());
        let mut scanner = Self {
            core,
            output,
            frames: FrameWriter::default(),
            builder: BlockBuilder::default(),
            rings: Vec::new(),
            sites: Vec::new(),
            index: Index::default(),
            last_clock: 0,
            records: 0,
            lost_by_gone: 0,
            is_sealed: false,
            progress: 0,
        };
        scanner.put_clock();
        scanner
    }

    pub(super) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Looks at each ring once, and writes what it held. Returns how many bytes the fullest held.
    ///
    /// Whatever was committed before the pass began is in the file when it succeeds; so is what was
    /// lost, if somebody asked for the pass.
    pub(super) fn pass(&mut self, is_asked: bool) -> io::Result<usize> {
        self.write()?;
        self.adopt();
        let began = self.core.clock.now();
        let mut fullest = 0;
        let mut any = false;
        for at in 0..self.rings.len() {
            let bytes = self.take_all(at)?;
            // A producer that goes on states its losses itself, where they happened.
            any |= bytes > 0;
            any |= (bytes == 0 || is_asked) && self.put_loss(at);
            // As if all rings were of one size: the smaller ones fill faster.
            let scale = self.core.config.ring_capacity_bytes / self.rings[at].consumer.capacity();
            fullest = fullest.max(bytes * scale);
        }
        if any {
            if began.saturating_sub(self.last_clock) > self.core.clock.hz() * CLOCK_EVERY_SECONDS {
                self.put_clock();
            }
            self.frames.frame(self.output.buffer(), FrameKind::Watermark, |out| {
                Watermark { counter: began }.encode(out);
            });
            self.put_index_if(INDEX_EVERY_BLOCKS);
        }
        self.write()?;
        self.let_go();
        Ok(fullest)
    }

    /// Has the file put on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.output.sync()
    }

    /// Writes what the rings hold, the index and the end. May be tried again after an error.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        if self.is_sealed {
            return self.write();
        }
        // Twice: a call that was under way when the logger closed has had a pass to end.
        self.pass(true)?;
        self.pass(true)?;
        self.is_sealed = true;
        self.put_clock();
        self.put_index_if(0);
        let end = End {
            index: self.index.previous,
            records: self.records,
            lost: self.rings.iter().map(|ring| ring.stated.total()).sum::<u64>()
                + self.lost_by_gone,
            continues: false,
        };
        self.frames.frame(self.output.buffer(), FrameKind::End, |out| end.encode(out));
        self.write()
    }

    /// Leaves the consumers to their rings' threads, who count what comes too late.
    pub(super) fn leave_rings(&mut self) {
        let newborn = self.core.end_of_births();
        let rings = self.rings.drain(..).map(|ring| (ring.slot, ring.consumer));
        for (slot, consumer) in rings.chain(newborn) {
            slot.leave(consumer);
        }
    }

    fn adopt(&mut self) {
        let newborn = self.core.take_newborn().into_iter();
        self.rings.extend(newborn.map(|(slot, consumer)| DrainRing {
            slot,
            taken_to: consumer.position(),
            stated_to: consumer.position(),
            consumer,
            last_bytes: 0,
            records: 0,
            is_odd: false,
            stated: Loss::default(),
            is_introduced: false,
        }));
    }

    /// Lets go of rings whose thread has gone and that are empty: they may serve another thread.
    fn let_go(&mut self) {
        let core = &self.core;
        let mut at = 0;
        while at < self.rings.len() {
            let ring = &self.rings[at];
            // Retired first: only then is an empty ring empty for good, and its loss the last.
            let is_done = ring.slot.is_retired()
                && ring.consumer.position() == ring.taken_to
                && ring.consumer.is_empty()
                && ring.slot.loss(0).total() == ring.stated.total();
            if !is_done {
                at += 1;
                continue;
            }
            let ring = self.rings.swap_remove(at);
            self.lost_by_gone += ring.stated.total();
            if let Some(producer) = ring.slot.take_producer() {
                core.reuse(producer, ring.consumer, &ring.slot);
            }
        }
    }

    /// Moves what a ring holds now into the buffer, and returns how many bytes of it.
    fn take_all(&mut self, at: usize) -> io::Result<usize> {
        let ring = &mut self.rings[at];
        // A large ring takes several blocks. Where they end is settled here: a producer that keeps
        // up with the drain must not keep the other rings waiting, nor make small blocks.
        let end = (ring.consumer.capacity() > MAX_BLOCK_BYTES)
            .then(|| ring.consumer.position() + ring.consumer.readable_bytes() as u64);
        let mut bytes = self.take(at);
        while self.rings[at].taken_to < end.unwrap_or_default() {
            self.write_if_large()?;
            bytes += self.take(at);
        }
        self.rings[at].last_bytes = bytes;
        self.write_if_large()?;
        Ok(bytes)
    }

    fn write_if_large(&mut self) -> io::Result<()> {
        if self.output.buffer().len() >= WRITE_AT_BYTES { self.write() } else { Ok(()) }
    }

    /// Moves committed records of a ring into the buffer, as one block, and returns how many bytes
    /// of the ring it took.
    fn take(&mut self, at: usize) -> usize {
        let Self { output, frames, builder, rings, sites, index, .. } = self;
        let ring = &mut rings[at];
        let start = ring.taken_to;
        let mut batch =
            Gathered { sites: Sites { known: sites, unstated: Vec::new() }, loss: None };
        // Raw under pressure: a producer must not wait for the packing.
        let is_pressed = ring.last_bytes > ring.consumer.capacity() / 2;
        builder.begin(ring.slot.thread.ring, ring.stated_to, ring.records);
        let mut is_packed = !is_pressed;
        let mut end = start;
        if is_packed {
            end = ring.consumer.scan_from(start, MAX_BLOCK_BYTES, |record| {
                is_packed = is_packed && batch.pack(builder, record).is_ok();
            });
        }
        let mut raw = None;
        if !is_packed {
            // What does not fit its call site's types is kept as it is, too: nothing gets lost.
            builder.begin(ring.slot.thread.ring, ring.stated_to, ring.records);
            let raw_batch = ring.consumer.batch_from(start, MAX_BLOCK_BYTES);
            raw_batch.records().for_each(|record| batch.note(builder, record));
            end = raw_batch.end();
            raw = Some(raw_batch);
        }
        let bytes = (end - start) as usize;
        if builder.count() > 0 {
            let thread = (!ring.is_introduced).then_some(&ring.slot.thread);
            put_explanations(output, frames, index, thread, &batch.sites.unstated);
            let offset = output.end();
            let header = frames.frame(output.buffer(), FrameKind::Block, |out| match &raw {
                Some(raw) => {
                    let (first, second) = raw.raw_slices();
                    builder.finish_raw(end, &[first, second], out)
                }
                None => builder.finish(end, out),
            });
            self.records += u64::from(header.count);
            ring.records += u64::from(header.count);
            index.blocks.push((offset, header));
            ring.is_introduced = true;
            // A frame may have stated more already than the ring does here.
            if let Some(loss) = batch.loss.filter(|loss| loss.total() > ring.stated.total()) {
                ring.stated = loss;
            }
            ring.stated_to = end;
        }
        ring.taken_to = end;
        bytes
    }

    /// States losses that no record has followed. `false` if there are none.
    fn put_loss(&mut self, at: usize) -> bool {
        let ring = &mut self.rings[at];
        let loss = ring.slot.loss(self.core.clock.now());
        if loss.total() == ring.stated.total() {
            return false;
        }
        let Self { output, frames, index, .. } = self;
        let thread = (!ring.is_introduced).then_some(&ring.slot.thread);
        put_explanations(output, frames, index, thread, &[]);
        ring.is_introduced = true;
        ring.stated = loss;
        let (ring, position) = (ring.slot.thread.ring, ring.taken_to);
        put_metadata(output, frames, index, FrameKind::Loss, |out| {
            LossFrame { ring, position, loss }.encode(out);
        });
        true
    }

    fn put_clock(&mut self) {
        let pair = self.core.clock.pair();
        self.last_clock = pair.counter;
        let Self { output, frames, index, .. } = self;
        put_metadata(output, frames, index, FrameKind::Clock, |out| pair.encode(out));
    }

    fn put_index_if(&mut self, blocks: usize) {
        if self.index.blocks.len() < blocks {
            return;
        }
        let offset = self.output.end();
        let index = std::mem::take(&mut self.index);
        self.frames.frame(self.output.buffer(), FrameKind::Index, |out| index.encode(out));
        self.index.previous = offset;
    }

    /// Writes the buffer, and then frees what it held of the rings (S1).
    fn write(&mut self) -> io::Result<()> {
        self.output.write()?;
        if let Some(dir) = self.core.ring_dir() {
            let len = self.output.written_bytes();
            if len != self.progress {
                dir.note_progress(self.core.header.sequence, len);
                self.progress = len;
            }
        }
        for ring in &mut self.rings {
            if ring.consumer.position() != ring.taken_to {
                ring.is_odd = !ring.is_odd;
                ring_dir::state_number(&ring.consumer, ring.is_odd, ring.taken_to, ring.records);
                ring.consumer.release_to(ring.taken_to);
            }
        }
        let counters = &self.core.counters;
        counters.records.store(self.records, Ordering::Relaxed);
        counters.written_bytes.store(self.output.written_bytes(), Ordering::Relaxed);
        Ok(())
    }
}

/// The call sites that the drain has met, and those that the file does not have yet.
struct Sites<'a> {
    known: &'a mut Vec<(Arc<CallSite>, bool)>,
    unstated: Vec<Arc<CallSite>>,
}

impl Sites<'_> {
    fn get(&mut self, tag: u32) -> Option<&CallSite> {
        let at = tag.checked_sub(CallSite::FIRST_ID)? as usize;
        if at >= self.known.len() {
            let more = registry::entries_from(self.known.len());
            self.known.extend(more.into_iter().map(|site| (site, false)));
        }
        let (site, is_stated) = self.known.get_mut(at)?;
        if !*is_stated {
            *is_stated = true;
            self.unstated.push(Arc::clone(site));
        }
        Some(site)
    }
}

/// What is found on the way through a batch.
struct Gathered<'a> {
    sites: Sites<'a>,
    /// The last loss statement.
    loss: Option<Loss>,
}

impl Gathered<'_> {
    fn pack(&mut self, builder: &mut BlockBuilder, record: Record<'_>) -> Result<(), ValueError> {
        if record.tag() == CallSite::LOSS_ID {
            self.loss = Loss::decode(record.payload());
            return builder.push_loss(record.payload());
        }
        let site = self.sites.get(record.tag()).ok_or(ValueError::Trailing)?;
        builder.push(site, record.payload())
    }

    /// Takes what the header of a raw block says of the record.
    fn note(&mut self, builder: &mut BlockBuilder, record: Record<'_>) {
        let word = record.payload().first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if record.tag() == CallSite::LOSS_ID {
            self.loss = Loss::decode(record.payload());
            builder.note_loss(word);
        } else if let Some(site) = self.sites.get(record.tag()) {
            builder.note(site.level, site.time, word);
        } else {
            // Only a bug can get here; the block counts what it holds all the same.
            builder.note(Level::Error, TimeSource::Counter, word);
        }
    }
}

/// Appends a frame that the index names, so that a reader finds it without looking for it.
fn put_metadata(
    output: &mut Output,
    frames: &mut FrameWriter,
    index: &mut Index,
    kind: FrameKind,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    index.metadata.push(output.end());
    frames.frame(output.buffer(), kind, fill);
}

/// States what the next block needs to be understood (S2).
fn put_explanations(
    output: &mut Output,
    frames: &mut FrameWriter,
    index: &mut Index,
    thread: Option<&Thread>,
    sites: &[Arc<CallSite>],
) {
    if let Some(thread) = thread {
        put_metadata(output, frames, index, FrameKind::Thread, |out| thread.encode(out));
    }
    if !sites.is_empty() {
        put_metadata(output, frames, index, FrameKind::Dictionary, |out| {
            CallSite::encode_all(sites.iter().map(Arc::as_ref), out);
        });
    }
}
