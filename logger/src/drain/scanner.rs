//! From rings to frames.
//!
//! - **S1 (write, then free).** A ring's records are freed only after the file has them, so that
//!   a write that fails, or a process that dies, loses nothing that a ring held.
//! - **S2 (explain first).** The dictionary entry of a record, and the thread of a ring, stand in
//!   the file before the block that needs them.
//! - **S3 (begin anew).** When the file has been taken away, all that was taken from the rings and
//!   not freed is taken back, and goes into a new file that explains everything again and states
//!   which records the old one had.

mod files;
mod gather;
mod rings;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stenolog_format::block::BlockBuilder;
use stenolog_format::clock::Watermark;
use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{GoneCause, Loss, LossFrame};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_session::codec::Compressor;

use self::files::{Departed, Unsynced};
use self::gather::{Gathered, KnownSite, Sites};
use self::rings::DrainRing;
use super::compress::{Effort, Load};
use super::next_sleep;
use super::output::{Output, WriteFailure};
use crate::core::Core;
use crate::error::{DrainError, FileFate};
use crate::fault::{self, Step};
use crate::process::memory::has_memory;
use crate::registry;
use crate::ring_dir;

/// A block has no more ring bytes than a quarter of the ring has, but for these bounds, and unless
/// a single record is longer.
const MIN_BLOCK_BYTES: usize = 1 << 16;
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// What a pass takes besides its blocks.
const PASS_BYTES: usize = 1 << 14;

/// Where memory is short, blocks become smaller, down to this.
const LEAST_BLOCK_BYTES: usize = 1 << 12;

/// A block of fewer bytes of its ring is not summed up: it is read as soon as its summary would be.
const SUMMED_UP_BYTES: usize = 1 << 12;

/// The buffer is written when it is as long as this, or stands for an eighth of a ring.
const WRITE_AT_BYTES: usize = 1 << 18;

/// An index frame is written when this many blocks have none.
const INDEX_EVERY_BLOCKS: usize = 4096;

/// The file header is stated again when the file has grown by this, in bytes, and at its end.
const HEADER_EVERY_BYTES: u64 = 1 << 20;

/// Clock pairs are this far apart while there are records, in seconds.
const CLOCK_EVERY_SECONDS: u64 = 1;

/// What a block took of a ring.
struct Taken {
    bytes: usize,
    /// It ends before records that are there.
    is_cut: bool,
}

/// Reads rings and writes frames.
pub(super) struct Scanner {
    core: Arc<Core>,
    /// The place of the file among those of the session.
    sequence: u32,
    output: Output,
    header: FileHeader,
    /// Where the file stated its header last.
    header_at: u64,
    frames: FrameWriter,
    builder: BlockBuilder,
    compressor: Compressor,
    summaries: SummaryBuilder,
    load: Load,
    rings: Vec<DrainRing>,
    /// Places of rings of which the buffer has something that the file does not.
    touched: Vec<usize>,
    /// The sum of losses when all of them were stated.
    lost: u64,
    /// How many rings had been left when it was last looked which.
    retired: u64,
    /// One of the rings may be let go of soon.
    is_any_leaving: bool,
    /// The call sites by id.
    sites: Vec<KnownSite>,
    index: Index,
    last_clock: u64,
    /// How many records the file and the buffer have.
    records: u64,
    /// How many the file has.
    written_records: u64,
    /// What the files before this one have, or had.
    earlier_records: u64,
    earlier_bytes: u64,
    /// Files before this one that are whole, but that the disk may not have: as a rule none.
    unsynced: Vec<Unsynced>,
    /// Rings whose thread has gone, and which the file has records or losses of.
    departed: Vec<Departed>,
    /// The same of those for whom there was no room, as one.
    crowd: Departed,
    /// What has become of a file that no new one could be begun in place of yet.
    fate: Option<FileFate>,
    /// The buffer states that something is gone, which the file does not say yet.
    unsaid: Option<GoneCause>,
    /// That a file was moved and no new one could be begun has been said.
    is_move_told: bool,
    last_look: Option<Instant>,
    /// When the last pass began.
    last_pass: Instant,
    /// What the file states of rings whose thread has gone.
    lost_by_gone: u64,
    /// The buffer ends with the end frame.
    is_sealed: bool,
    /// The length of the file that the ring directory states.
    progress: u64,
    /// Rings in memory that have not been told, when that was told last, and why the last one is.
    new_volatile: u64,
    told_volatile: Option<Instant>,
    volatile_reason: String,
    /// What the file states of calls that got no ring.
    ringless: Loss,
    /// The size of the blocks that there was memory for.
    afforded_bytes: usize,
}

impl Scanner {
    /// A scanner whose output will begin with the file header and a clock pair.
    pub(super) fn new(core: Arc<Core>, output: Output) -> Self {
        let mut scanner = Self {
            sequence: core.header.sequence,
            header: core.header,
            header_at: 0,
            core,
            output,
            frames: FrameWriter::default(),
            builder: BlockBuilder::default(),
            compressor: Compressor::new(),
            summaries: SummaryBuilder::default(),
            load: Load::default(),
            rings: Vec::new(),
            touched: Vec::new(),
            lost: 0,
            retired: 0,
            is_any_leaving: false,
            sites: Vec::new(),
            index: Index::default(),
            last_clock: 0,
            records: 0,
            written_records: 0,
            earlier_records: 0,
            earlier_bytes: 0,
            unsynced: Vec::new(),
            departed: Vec::new(),
            crowd: Departed::crowd(),
            fate: None,
            unsaid: None,
            is_move_told: false,
            last_look: None,
            last_pass: Instant::now(),
            lost_by_gone: 0,
            is_sealed: false,
            progress: 0,
            new_volatile: 0,
            told_volatile: None,
            volatile_reason: String::new(),
            ringless: Loss::default(),
            afforded_bytes: 0,
        };
        let header = scanner.core.header;
        scanner.begin(header);
        scanner
    }

    /// Puts what a file begins with.
    fn begin(&mut self, header: FileHeader) {
        (self.header, self.header_at) = (header, 0);
        self.output.buffer().extend_from_slice(&header.encode());
        self.put_clock();
        if self.core.ring_dir().is_none() {
            let reason = self.core.rings.no_dir().to_owned();
            self.put_volatile(VolatileRing::ALL, VolatileState::Memory, 0, reason);
        }
    }

    /// States that a ring does not survive the process, or none of them does.
    fn put_volatile(&mut self, ring: u32, state: VolatileState, number: u64, reason: String) {
        let Self { output, frames, index, .. } = self;
        put_metadata(output, frames, index, FrameKind::Volatile, |out| {
            VolatileRing { ring, state: state as u8, number, reason }.encode(out);
        });
    }

    pub(super) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Looks at each ring once, and writes what it held. Returns when the first of them should be
    /// looked at again, by the pace at which they are filled; `None` if nothing came.
    ///
    /// If somebody asked for the pass, whatever was committed before it began is in the file when it
    /// succeeds, and so is what was lost.
    pub(super) fn pass(&mut self, is_asked: bool) -> Result<Option<Instant>, WriteFailure> {
        self.insist(|scanner| scanner.try_pass(is_asked))
    }

    fn try_pass(&mut self, is_asked: bool) -> Result<Option<Instant>, WriteFailure> {
        let before = std::mem::replace(&mut self.last_pass, Instant::now());
        if !has_memory(PASS_BYTES) {
            return Err(WriteFailure::Write(io::ErrorKind::OutOfMemory.into()));
        }
        // Before the rings: one that has lost something is among those that are adopted.
        let lost = self.core.counters.lost.load(Ordering::Acquire);
        let is_any_lost = lost != self.lost;
        let mut is_any_owed = false;
        self.adopt();
        registry::tell_noted(&self.core);
        self.state_volatile();
        fault::after(Step::PassBegun);
        self.look_if(is_asked)?;
        self.write()?;
        let began = self.core.clock.now();
        let mut due: Option<Instant> = None;
        let mut any = false;
        for at in 0..self.rings.len() {
            let bytes = if self.rings[at].is_quiet() || self.rings[at].is_set_aside {
                self.rings[at].last_bytes = 0;
                0
            } else {
                self.take_all(at, is_asked)?
            };
            any |= bytes > 0;
            any |= self.set_aside_if_overwritten(at);
            if is_any_lost {
                if bytes == 0 || is_asked {
                    any |= self.put_loss(at);
                } else {
                    // A producer that goes on states its losses itself, where they happened.
                    is_any_owed |= self.rings[at].owes_loss();
                }
            }
            let longest = self.core.config.deliver_within;
            let ring = &mut self.rings[at];
            if bytes > 0 {
                let now = Instant::now();
                // What was there to be taken when it was looked at last, was taken.
                let over = now - std::mem::replace(&mut ring.last_taken, now).max(before);
                ring.rest = next_sleep(bytes, ring.consumer.capacity(), over, longest);
            } else if ring.rest < longest {
                // Its thread may be about to wake up from waiting for room.
                ring.rest = (4 * ring.rest).min(longest);
            } else {
                // A burst that follows wakes the drain.
                continue;
            }
            let next = ring.last_taken.max(self.last_pass) + ring.rest;
            due = Some(due.map_or(next, |due| due.min(next)));
        }
        if is_any_lost {
            any |= self.put_ringless();
        }
        if !is_any_owed {
            self.lost = lost;
        }
        if any {
            if began.saturating_sub(self.last_clock) > self.core.clock.hz() * CLOCK_EVERY_SECONDS {
                self.put_clock();
            }
            self.frames.frame(self.output.buffer(), FrameKind::Watermark, |out| {
                Watermark { counter: began }.encode(out);
            });
            if self.output.end() - self.header_at >= HEADER_EVERY_BYTES {
                self.put_header();
            }
            self.put_index_if(INDEX_EVERY_BLOCKS);
        }
        self.write()?;
        self.let_go();
        Ok(due)
    }

    /// Writes what the rings hold, the index and the end. May be tried again after an error.
    pub(super) fn seal(&mut self) -> Result<(), WriteFailure> {
        self.insist(|scanner| {
            if !scanner.is_sealed {
                // Twice: a call that was under way when the logger closed has had a pass to end.
                scanner.try_pass(true)?;
                scanner.try_pass(true)?;
                scanner.put_end(false);
                fault::after(Step::EndPut);
            }
            scanner.write()
        })
    }

    fn put_end(&mut self, continues: bool) {
        self.is_sealed = true;
        self.put_clock();
        self.put_header();
        self.put_index_if(0);
        let end = End {
            index: self.index.previous,
            records: self.records,
            lost: self.rings.iter().map(|ring| ring.stated.total()).sum::<u64>()
                + self.lost_by_gone
                + self.ringless.total(),
            continues,
        };
        self.frames.frame(self.output.buffer(), FrameKind::End, |out| end.encode(out));
    }

    /// What `failure` is to be called.
    pub(super) fn describe(&self, failure: WriteFailure) -> DrainError {
        let path = self.output.path().to_owned();
        let offset = self.output.written_bytes();
        match failure {
            WriteFailure::Write(source) => {
                DrainError::Write { path, offset, source: Arc::new(source) }
            }
            // Not seen outside: such a file is replaced.
            WriteFailure::Taken(fate) => {
                let source = Arc::new(io::ErrorKind::Interrupted.into());
                DrainError::Replace { path, offset, fate, source }
            }
            WriteFailure::Replace(fate, source) => {
                DrainError::Replace { path, offset, fate, source: Arc::new(source) }
            }
        }
    }

    /// Notes how long the last pass took, of the time since the one before it began.
    pub(super) fn note_load(&mut self, busy: Duration, past: Duration) {
        self.load.note(busy, past);
    }

    pub(super) const fn output(&self) -> &Output {
        &self.output
    }

    /// Moves what a ring holds now into the buffer, and returns how many bytes of it.
    ///
    /// If nobody asked for it, what comes meanwhile may be left: as a rule by a producer that goes on.
    fn take_all(&mut self, at: usize, is_asked: bool) -> Result<usize, WriteFailure> {
        let ring = &mut self.rings[at];
        let capacity = ring.consumer.capacity();
        // What the file has is free again while the rest is packed.
        let limit = (capacity / 4).clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
        let limit = self.affordable(limit)?;
        let ring = &mut self.rings[at];
        // A producer that keeps up with the drain must not keep the other rings waiting, nor make
        // small blocks.
        let position = ring.consumer.position();
        let (known, end) = if is_asked {
            // Up to there: what is dead space is not readable, but in the way.
            let end = ring.consumer.readable_end();
            ((end - position) as usize, end)
        } else {
            (0, position + capacity as u64)
        };
        let (mut bytes, before) = (0, ring.last_bytes.max(known));
        loop {
            let policy = self.core.config.compression;
            let effort = Effort::of(policy, before.max(bytes), capacity, self.load.has_time());
            let taken = self.take(at, effort, limit);
            bytes += taken.bytes;
            // Somebody may be waiting for the room.
            if self.output.buffer().len() >= WRITE_AT_BYTES || taken.bytes >= capacity / 8 {
                self.write()?;
            }
            let is_short = taken.bytes < limit / 2 && !taken.is_cut;
            let is_rest_short = taken.bytes == 0 || !is_asked && is_short;
            if is_rest_short || self.rings[at].taken_to >= end {
                break;
            }
        }
        self.rings[at].last_bytes = bytes;
        Ok(bytes)
    }

    /// Moves committed records of a ring into the buffer, as one block.
    fn take(&mut self, at: usize, effort: Effort, limit: usize) -> Taken {
        let Self {
            output,
            frames,
            builder,
            compressor,
            summaries,
            rings,
            touched,
            sites,
            index,
            ..
        } = self;
        let ring = &mut rings[at];
        let start = ring.taken_to;
        let mut batch =
            Gathered { sites: Sites { known: sites, unstated: Vec::new() }, loss: None };
        let (id, position, first_record) = (ring.slot.thread.ring, ring.stated_to, ring.records);
        let (mut end, mut limit) = (start, limit);
        let mut is_packed = false;
        let mut is_cut = false;
        if effort > Effort::Rows {
            builder.begin_columns(id, position, first_record);
            let without_error = first_record.saturating_sub(ring.errors_to);
            let packed =
                batch.pack_all(builder, &mut ring.consumer, start, limit, Some(without_error));
            is_packed =
                packed.is_sound && (builder.count() == 0 || builder.are_columns_worthwhile());
            if packed.is_sound && packed.is_cut {
                // In rows it ends there as well.
                is_cut = true;
                limit = (packed.end - start) as usize;
            }
            end = packed.end;
        }
        if !is_packed && effort > Effort::Raw {
            builder.begin(id, position, first_record);
            let packed = batch.pack_all(builder, &mut ring.consumer, start, limit, None);
            is_packed = packed.is_sound;
            is_cut |= packed.is_cut;
            end = packed.end;
        }
        let mut raw = None;
        if !is_packed {
            // What does not fit its call site's types is kept as it is, too: nothing gets lost.
            builder.begin(id, position, first_record);
            let raw_batch = ring.consumer.batch_from(start, limit);
            raw_batch.records().for_each(|record| batch.note(builder, record));
            end = raw_batch.end();
            raw = Some(raw_batch);
        }
        let bytes = (end - start) as usize;
        if bytes > 0 {
            touched.push(at);
        }
        if builder.count() > 0 {
            let thread = (!ring.is_introduced).then_some(&ring.slot.thread);
            put_explanations(output, frames, index, thread, &batch.sites.unstated);
            let offset = output.end();
            let block_at = output.buffer().len();
            let header = frames.frame(output.buffer(), FrameKind::Block, |out| match &raw {
                Some(raw) => {
                    let (first, second) = raw.raw_slices();
                    builder.finish_raw(end, &[first, second], out)
                }
                None => builder.finish_with(end, out, |body, out| {
                    compressor.append(effort.codecs(), body, out)
                }),
            });
            self.records += u64::from(header.count);
            ring.records += u64::from(header.count);
            if header.levels & Level::Error.bit() != 0 {
                ring.errors_to = ring.records;
            }
            index.blocks.push((offset, header));
            if is_packed && bytes >= SUMMED_UP_BYTES {
                // To look at text takes as long as making columns does.
                let has_time = effort == Effort::Hard;
                let is_summed_up = builder.sum_up(has_time, summaries);
                if !is_summed_up && has_time {
                    ring.consumer.scan_from(start, bytes, |record| {
                        batch.sites.sum_up(summaries, record);
                    });
                }
                if is_summed_up || has_time {
                    put_summary(summaries, frames, output.buffer(), block_at);
                }
            }
            fault::after(Step::Gathered);
            ring.is_introduced = true;
            // A frame may have stated more already than the ring does here.
            if let Some(loss) = batch.loss.filter(|loss| loss.total() > ring.stated.total()) {
                ring.stated = loss;
            }
            ring.stated_to = end;
        }
        ring.taken_to = end;
        if !is_packed && bytes < limit {
            // What had no room in it is long.
            is_cut = ring.consumer.batch_from(end, 1).len_bytes() > limit - bytes;
        }
        Taken { bytes, is_cut }
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
            LossFrame { ring, position, loss, gone: None }.encode(out);
        });
        true
    }

    /// States how many calls got no ring. `false` if that is known.
    fn put_ringless(&mut self) -> bool {
        let loss = self.core.rings.ringless(self.core.clock.now());
        if loss.total() == self.ringless.total() {
            return false;
        }
        let ring = Loss::NO_RING;
        let thread = Thread::no_ring();
        let is_first = self.ringless.total() == 0;
        let Self { output, frames, index, .. } = self;
        put_explanations(output, frames, index, is_first.then_some(&thread), &[]);
        put_metadata(output, frames, index, FrameKind::Loss, |out| {
            LossFrame { ring, position: 0, loss, gone: None }.encode(out);
        });
        self.ringless = loss;
        true
    }

    /// The largest block up to `limit` that there is memory for: what the drain allocates besides is
    /// little, and kept.
    fn affordable(&mut self, limit: usize) -> Result<usize, WriteFailure> {
        if limit <= self.afforded_bytes {
            return Ok(limit);
        }
        // As rows, as columns, compressed, in the buffer, and what the allocator needs to move them.
        let has_memory_for = |bytes: &usize| has_memory(6 * bytes);
        let smaller = std::iter::successors(Some(limit), |bytes| Some(bytes / 4));
        let least = LEAST_BLOCK_BYTES.min(limit);
        let found = smaller.take_while(|&bytes| bytes >= least).find(has_memory_for);
        let found = found.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        self.afforded_bytes = self.afforded_bytes.max(found);
        Ok(found)
    }

    fn put_clock(&mut self) {
        let pair = self.core.clock.pair();
        self.last_clock = pair.counter;
        let Self { output, frames, index, .. } = self;
        put_metadata(output, frames, index, FrameKind::Clock, |out| pair.encode(out));
    }

    /// States the header again, should the file lose its beginning.
    fn put_header(&mut self) {
        self.header_at = self.output.end();
        let header = self.header.encode();
        self.frames.frame(self.output.buffer(), FrameKind::Header, |out| out.extend(header));
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
    pub(super) fn write(&mut self) -> Result<(), WriteFailure> {
        if let Err(error) = self.output.write() {
            self.last_look = None;
            return Err(error);
        }
        if let Some(dir) = self.core.ring_dir() {
            let len = self.output.written_bytes();
            if len != self.progress {
                dir.note_progress(self.sequence, len);
                self.progress = len;
            }
        }
        for at in self.touched.drain(..) {
            let ring = &mut self.rings[at];
            ring.written = (ring.stated_to, ring.records);
            if ring.consumer.position() != ring.taken_to {
                ring.is_odd = !ring.is_odd;
                ring_dir::state_number(&ring.consumer, ring.is_odd, ring.taken_to, ring.records);
                ring.consumer.release_to(ring.taken_to);
                fault::after(Step::Released);
            }
        }
        self.written_records = self.records;
        self.unsaid = None;
        let counters = &self.core.counters;
        counters.records.store(self.earlier_records + self.records, Ordering::Relaxed);
        let bytes = self.earlier_bytes + self.output.written_bytes();
        counters.written_bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Appends the summary of the block whose frame begins at `block_at`.
fn put_summary(
    summaries: &mut SummaryBuilder,
    frames: &mut FrameWriter,
    buffer: &mut Vec<u8>,
    block_at: usize,
) {
    let header = buffer.get(block_at..).and_then(FrameHeader::decode);
    let Some(FrameHeader { payload_crc, .. }) = header else { return };
    if summaries.is_whole() {
        frames.frame(buffer, FrameKind::Summary, |out| summaries.encode(payload_crc, out));
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
