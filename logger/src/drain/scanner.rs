//! From rings to frames.
//!
//! - **S1 (write, then free).** A ring's records are freed only after the file has them, so that
//!   a write that fails, or a process that dies, loses nothing that a ring held.
//! - **S2 (explain first).** The dictionary entry of a record, and the thread of a ring, stand in
//!   the file before the block that needs them.
//! - **S3 (begin anew).** When the file has been taken away, all that was taken from the rings and
//!   not freed is taken back, and goes into a new file that explains everything again and states
//!   which records the old one had.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use stenolog_format::block::{BlockBuilder, SitePlan};
use stenolog_format::clock::Watermark;
use stenolog_format::dictionary::{CallSite, Level, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::summary::SummaryBuilder;
use stenolog_ringbuf::{Consumer, Record};

use super::compress::{Compressor, Effort, Load};
use super::output::{Output, SyncFailure, WriteFailure};
use super::storage::{FileFate, Standing, Storage};
use super::{SHORTEST_SLEEP, next_sleep};
use crate::clock::unix_ns;
use crate::error::DrainError;
use crate::fault::{self, Step};
use crate::registry;
use crate::ring_dir;
use crate::shared::{Core, RingSlot};

/// A block has no more ring bytes than a quarter of the ring has, but for these bounds, and unless
/// a single record is longer.
const MIN_BLOCK_BYTES: usize = 1 << 16;
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// A block of fewer bytes of its ring is not summed up: it is read as soon as its summary would be.
const SUMMED_UP_BYTES: usize = 1 << 12;

/// So much of a ring is packed at once: what is read of it first stays in the first cache.
const PART_BYTES: usize = 1 << 14;

/// The buffer is written when it is as long as this, or stands for an eighth of a ring.
const WRITE_AT_BYTES: usize = 1 << 18;

/// An index frame is written when this many blocks have none.
const INDEX_EVERY_BLOCKS: usize = 4096;

/// Clock pairs are this far apart while there are records, in seconds.
const CLOCK_EVERY_SECONDS: u64 = 1;

/// How often it is looked whether the file is still under its name, while there are records to be
/// written. Whether it is still there is asked before each write.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file that is taken away again and again is replaced so many times in one pass.
const MAX_FILES_AT_ONCE: usize = 3;

/// Of no more threads that have gone is it remembered what the file has of them.
const MAX_DEPARTED: usize = 4096;

/// Reads rings and writes frames.
pub(super) struct Scanner {
    core: Arc<Core>,
    /// The place of the file among those of the session.
    sequence: u32,
    output: Output,
    frames: FrameWriter,
    builder: BlockBuilder,
    compressor: Compressor,
    summaries: SummaryBuilder,
    load: Load,
    rings: Vec<DrainRing>,
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
}

struct DrainRing {
    slot: Arc<RingSlot>,
    consumer: Consumer,
    /// Up to where the buffer, or the file, has the ring's records; freed when the file has them.
    taken_to: u64,
    /// The end of the last block: the next one begins there, dead space or not.
    stated_to: u64,
    records: u64,
    /// `stated_to` and `records` as of the last write that succeeded.
    written: (u64, u64),
    /// What the last pass took.
    last_bytes: usize,
    /// When a pass last took something.
    last_taken: Instant,
    /// How long it may be left alone then.
    rest: Duration,
    in_file: InFile,
    /// Which of its pairs of numbers was stated last.
    is_odd: bool,
    /// The losses that the file states.
    stated: Loss,
    is_introduced: bool,
}

/// Which of a ring's records a file has, or states to be gone: those from the first number on.
#[derive(Clone, Copy, Default)]
struct InFile {
    first: u64,
    /// What the file has or states from this number on may not be on the disk.
    unsynced: u64,
    /// Those below are gone, and have been counted.
    gone_to: u64,
}

/// What is remembered of a ring whose thread has gone.
struct Departed {
    thread: Thread,
    position: u64,
    records: u64,
    in_file: InFile,
    loss: Loss,
}

/// Records that a file has, and that would be gone with it.
struct Stake {
    thread: Thread,
    position: u64,
    first: u64,
    count: u64,
    /// How many of them nobody has counted as lost yet.
    uncounted: u64,
    loss: Loss,
}

/// A file that was written before the one that is, and that the disk may not have.
struct Unsynced {
    output: Output,
    stakes: Vec<Stake>,
}

impl Scanner {
    /// A scanner whose output will begin with the file header and a clock pair.
    pub(super) fn new(core: Arc<Core>, output: Output) -> Self {
        let mut scanner = Self {
            sequence: core.header.sequence,
            core,
            output,
            frames: FrameWriter::default(),
            builder: BlockBuilder::default(),
            compressor: Compressor::new(),
            summaries: SummaryBuilder::default(),
            load: Load::default(),
            rings: Vec::new(),
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
        };
        let header = scanner.core.header;
        scanner.begin(header);
        scanner
    }

    /// Puts what a file begins with.
    fn begin(&mut self, header: FileHeader) {
        self.output.buffer().extend_from_slice(&header.encode());
        self.put_clock();
    }

    pub(super) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Does `work` until the file stays the same meanwhile.
    fn insist<R>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<R, WriteFailure>,
    ) -> Result<R, WriteFailure> {
        let mut attempts = 1;
        loop {
            match work(self) {
                Err(WriteFailure::Taken(fate)) if attempts < MAX_FILES_AT_ONCE => {
                    self.replace(fate)?;
                }
                Err(WriteFailure::Taken(fate)) => {
                    let error = io::Error::other("it happens again and again");
                    return Err(WriteFailure::Replace(fate, error));
                }
                result => return result,
            }
            attempts += 1;
        }
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
        self.adopt();
        fault::after(Step::PassBegun);
        self.look_if(is_asked)?;
        self.write()?;
        let began = self.core.clock.now();
        let mut due: Option<Instant> = None;
        let mut any = false;
        for at in 0..self.rings.len() {
            let bytes = self.take_all(at, is_asked)?;
            // A producer that goes on states its losses itself, where they happened.
            any |= bytes > 0;
            any |= (bytes == 0 || is_asked) && self.put_loss(at);
            let longest = self.core.config.deliver_within;
            let ring = &mut self.rings[at];
            if bytes > 0 {
                let now = Instant::now();
                // What was there to be taken when it was looked at last, was taken.
                let over = now - std::mem::replace(&mut ring.last_taken, now).max(before);
                ring.rest = next_sleep(bytes, ring.consumer.capacity(), over, longest);
            } else if ring.rest < longest {
                // Its thread may be about to wake up from waiting for room.
                ring.rest = (2 * ring.rest).min(longest);
            } else {
                // A burst that follows wakes the drain.
                continue;
            }
            let next = ring.last_taken.max(self.last_pass) + ring.rest;
            due = Some(due.map_or(next, |due| due.min(next)));
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
        Ok(due)
    }

    /// Has all that was written put on the disk. What the operating system has lost is stated.
    pub(super) fn sync(&mut self) -> Result<(), DrainError> {
        let earlier = self.sync_earlier();
        let file = self.sync_file();
        self.note_sync(earlier.and(file))
    }

    fn note_sync(&self, result: Result<(), DrainError>) -> Result<(), DrainError> {
        if let Err(error) = &result {
            self.core.counters.sync_errors.fetch_add(1, Ordering::Relaxed);
            self.core.config.on_error.tell(error);
        }
        result
    }

    fn sync_earlier(&mut self) -> Result<(), DrainError> {
        let mut result = Ok(());
        for mut earlier in std::mem::take(&mut self.unsynced) {
            let Err(failure) = earlier.output.sync() else { continue };
            if failure.is_lost {
                self.put_stakes(&earlier.stakes, GoneCause::Unsaved);
                earlier.stakes.into_iter().for_each(|stake| self.take_over(stake));
                result = Err(sync_error(&earlier.output, failure));
                continue;
            }
            result = Err(sync_error(&earlier.output, failure));
            self.unsynced.push(earlier);
        }
        result
    }

    /// Notes that this file, and no other any more, says that a stake is gone.
    fn take_over(&mut self, stake: Stake) {
        let behind = stake.first + stake.count;
        let ring_id = stake.thread.ring;
        let rings = self.rings.iter_mut().map(|ring| (ring.slot.thread.ring, &mut ring.in_file));
        let departed = self.departed.iter_mut().chain([&mut self.crowd]);
        let departed = departed.map(|departed| (departed.thread.ring, &mut departed.in_file));
        if let Some((_, in_file)) = rings.chain(departed).find(|(ring, _)| *ring == ring_id) {
            in_file.first = in_file.first.min(stake.first);
            in_file.unsynced = in_file.unsynced.min(stake.first);
            in_file.gone_to = in_file.gone_to.max(behind);
        } else if self.departed.len() < MAX_DEPARTED {
            self.departed.push(Departed {
                in_file: InFile { first: stake.first, unsynced: stake.first, gone_to: behind },
                thread: stake.thread,
                position: stake.position,
                records: behind,
                loss: stake.loss,
            });
        }
    }

    fn sync_file(&mut self) -> Result<(), DrainError> {
        if self.fate.is_some() {
            // What there is to be said of this file, the next one will say.
            return Ok(());
        }
        match self.output.sync() {
            Ok(()) => {
                for ring in &mut self.rings {
                    ring.in_file.unsynced = ring.written.1;
                }
                for gone in self.departed.iter_mut().chain([&mut self.crowd]) {
                    gone.in_file.unsynced = gone.records;
                }
                Ok(())
            }
            Err(failure) => {
                let is_lost = failure.is_lost;
                let error = sync_error(&self.output, failure);
                if is_lost {
                    // If it does not succeed now, the next pass tries it again, and says so.
                    let _ = self.replace(FileFate::Unsaved);
                }
                Err(error)
            }
        }
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
        self.put_index_if(0);
        let end = End {
            index: self.index.previous,
            records: self.records,
            lost: self.rings.iter().map(|ring| ring.stated.total()).sum::<u64>()
                + self.lost_by_gone,
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

    /// Whether a sync has failed that none has made good yet.
    pub(super) fn is_doubtful(&self) -> bool {
        let earlier = self.unsynced.iter().map(|earlier| &earlier.output);
        earlier.chain([&self.output]).any(Output::is_doubtful)
    }

    /// Notes how long the last pass took, of the time since the one before it began.
    pub(super) fn note_load(&mut self, busy: Duration, past: Duration) {
        self.load.note(busy, past);
    }

    pub(super) const fn output(&self) -> &Output {
        &self.output
    }

    /// Looks at the file if it is time to, and begins a new one if it has been taken away (S3).
    fn look_if(&mut self, is_asked: bool) -> Result<(), WriteFailure> {
        if let Some(fate) = self.fate {
            return self.replace(fate);
        }
        let is_time = || self.last_look.is_none_or(|last| last.elapsed() >= LOOK_EVERY);
        let has_work =
            || !self.output.is_flushed() || self.rings.iter().any(|ring| !ring.consumer.is_empty());
        let is_due = is_asked || is_time() && has_work();
        if !is_due {
            return Ok(());
        }
        self.last_look = Some(Instant::now());
        let is_removed = |output: &mut Output| {
            output.look().is_ok_and(|standing| standing == Standing::Taken(FileFate::Removed))
        };
        // Nobody else has it any more: it only takes room.
        self.unsynced.retain_mut(|earlier| !is_removed(&mut earlier.output));
        match self.output.look() {
            Ok(Standing::Taken(fate)) => self.replace(fate),
            // Who may not look may still write.
            Ok(Standing::Whole) | Err(_) => Ok(()),
        }
    }

    /// Begins a new file in place of one that has met this fate.
    fn replace(&mut self, fate: FileFate) -> Result<(), WriteFailure> {
        // It may have met with worse meanwhile.
        let fate = match self.output.look() {
            Ok(Standing::Taken(worse @ (FileFate::Removed | FileFate::Truncated))) => worse,
            _ => fate,
        };
        let next = match self.output.successor() {
            Ok(next) => next,
            Err(source) if fate == FileFate::Moved => {
                // It is whole where it is now, and can be written on.
                if !std::mem::replace(&mut self.is_move_told, true) {
                    let error = self.describe(WriteFailure::Replace(fate, source));
                    self.core.config.on_error.tell(&error);
                }
                return Ok(());
            }
            Err(source) => {
                self.fate = Some(fate);
                return Err(WriteFailure::Replace(fate, source));
            }
        };
        self.fate = None;
        self.is_move_told = false;
        if fate == FileFate::Moved {
            // As well as it can be done: a reader takes an end for granted as little as we do.
            let _ = self.write().and_then(|()| {
                self.put_end(true);
                self.write()
            });
        }
        self.restart(fate, next);
        Ok(())
    }

    /// Takes back what the old file did not get, and begins the new one.
    fn restart(&mut self, fate: FileFate, next: Box<dyn Storage>) {
        for ring in &mut self.rings {
            ring.taken_to = ring.consumer.position();
            (ring.stated_to, ring.records) = ring.written;
        }
        let (cause, from): (_, fn(InFile) -> u64) = match fate {
            FileFate::Moved => (None, |in_file| in_file.unsynced),
            FileFate::Removed => (Some(GoneCause::Removed), |in_file| in_file.first),
            FileFate::Truncated => (Some(GoneCause::Truncated), |in_file| in_file.first),
            FileFate::Unsaved => (Some(GoneCause::Unsaved), |in_file| in_file.unsynced),
        };
        let stakes = self.stakes(from, |_, records| records);
        // What a file that was moved should have said of those before it, and could not.
        let unsaid = self.unsaid.take().filter(|_| cause.is_none()).map(|cause| {
            let stakes = self.stakes(|in_file| in_file.first, |in_file, _| in_file.gone_to);
            (cause, stakes)
        });
        let old = std::mem::replace(&mut self.output, Output::new(next));
        let (path, offset) = (old.path().to_owned(), old.written_bytes());
        self.earlier_bytes += offset;
        self.earlier_records += self.written_records;
        (self.records, self.written_records) = (0, 0);
        self.sequence += 1;
        self.progress = 0;
        self.frames = FrameWriter::default();
        self.index = Index::default();
        self.is_sealed = false;
        self.sites.iter_mut().for_each(|site| site.is_stated = false);
        // A statement that something is gone must not go with the next file: what the old file
        // stated is stated again. A file that was moved has its own statements with it.
        let rest = |in_file: &mut InFile, records| {
            let first = match (cause, &unsaid) {
                (Some(_), _) => from(*in_file),
                (None, Some(_)) => in_file.first,
                (None, None) => records,
            };
            *in_file = InFile { first, unsynced: first, gone_to: records };
        };
        for ring in &mut self.rings {
            ring.is_introduced = false;
            rest(&mut ring.in_file, ring.records);
        }
        for departed in self.departed.iter_mut().chain([&mut self.crowd]) {
            rest(&mut departed.in_file, departed.records);
        }
        self.departed.retain(|d| d.in_file.first < d.records || d.loss.total() > 0);
        let created_unix_ns = unix_ns(SystemTime::now());
        let sequence = self.sequence;
        self.begin(FileHeader { sequence, created_unix_ns, ..self.core.header });
        let lost = cause.map_or(0, |cause| self.put_stakes(&stakes, cause));
        if let Some((cause, stakes)) = &unsaid {
            self.put_stakes(stakes, *cause);
        }
        self.core.counters.files_replaced.fetch_add(1, Ordering::Relaxed);
        let to = self.output.path().to_owned();
        let error = DrainError::Replaced { path, offset, fate, to, lost };
        self.core.config.on_error.tell(&error);
        if fate == FileFate::Moved && !old.is_synced() {
            // Only if nobody asks for it: files are not to pile up until somebody does.
            let earlier = self.sync_earlier();
            let _ = self.note_sync(earlier);
            self.unsynced.push(Unsynced { output: old, stakes });
        }
    }

    /// What the file has of each ring, from one number on to another; `to` is given that behind the
    /// ring's last record, too.
    fn stakes(&self, from: fn(InFile) -> u64, to: fn(InFile, u64) -> u64) -> Vec<Stake> {
        let stake = |thread: &Thread, position, records: u64, in_file: InFile, loss| {
            let (first, behind) = (from(in_file), to(in_file, records));
            let count = behind.saturating_sub(first);
            let uncounted = behind.saturating_sub(first.max(in_file.gone_to));
            Stake { thread: thread.clone(), position, first, count, uncounted, loss }
        };
        let departed = self.departed.iter().chain([&self.crowd]);
        let departed = departed.map(|d| stake(&d.thread, d.position, d.records, d.in_file, d.loss));
        let rings = self.rings.iter().map(|ring| {
            let loss = ring.slot.loss(0);
            stake(&ring.slot.thread, ring.stated_to, ring.records, ring.in_file, loss)
        });
        departed.chain(rings).filter(|stake| stake.count > 0 || stake.loss.total() > 0).collect()
    }

    /// States that the records are gone, and the losses that an old file stated. Counts and returns
    /// how many records are gone that were not before.
    fn put_stakes(&mut self, stakes: &[Stake], cause: GoneCause) -> u64 {
        self.unsaid = Some(cause);
        let counter = self.core.clock.now();
        let Self { output, frames, index, rings, .. } = self;
        for stake in stakes {
            let ring_id = stake.thread.ring;
            let ring = rings.iter_mut().find(|ring| ring.slot.thread.ring == ring_id);
            let is_known = ring.as_ref().is_some_and(|ring| ring.is_introduced);
            let thread = (!is_known && ring_id != Departed::CROWD).then_some(&stake.thread);
            put_explanations(output, frames, index, thread, &[]);
            if let Some(ring) = ring {
                ring.is_introduced = true;
                ring.stated = stake.loss;
            }
            let Stake { first, count, position, .. } = *stake;
            let gone = (count > 0).then_some(Gone { first, count, cause: cause as u8 });
            put_metadata(output, frames, index, FrameKind::Loss, |out| {
                let loss = Loss { counter, ..stake.loss };
                LossFrame { ring: ring_id, position, loss, gone }.encode(out);
            });
        }
        let lost = stakes.iter().map(|stake| stake.uncounted).sum();
        self.core.counters.lost_with_files.fetch_add(lost, Ordering::Relaxed);
        lost
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
            records: 0,
            written: (consumer.position(), 0),
            consumer,
            last_bytes: 0,
            last_taken: self.last_pass,
            rest: SHORTEST_SLEEP,
            in_file: InFile::default(),
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
            if self.departed.len() < MAX_DEPARTED {
                self.departed.push(Departed {
                    thread: ring.slot.thread.clone(),
                    position: ring.stated_to,
                    records: ring.records,
                    in_file: ring.in_file,
                    loss: ring.stated,
                });
            } else {
                self.crowd.join(&ring);
            }
            if let Some(producer) = ring.slot.take_producer() {
                core.reuse(producer, ring.consumer, &ring.slot);
            }
        }
    }

    /// Moves what a ring holds now into the buffer, and returns how many bytes of it.
    ///
    /// If nobody asked for it, a record that is longer than half a block may wait for the next pass.
    fn take_all(&mut self, at: usize, is_asked: bool) -> Result<usize, WriteFailure> {
        let ring = &mut self.rings[at];
        let capacity = ring.consumer.capacity();
        // What the file has is free again while the rest is packed.
        let limit = (capacity / 4).clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
        // A producer that keeps up with the drain must not keep the other rings waiting, nor make
        // small blocks.
        let known = if is_asked { ring.consumer.readable_bytes() } else { 0 };
        let end = ring.consumer.position() + if is_asked { known } else { capacity } as u64;
        let (mut bytes, before) = (0, ring.last_bytes.max(known));
        loop {
            let policy = self.core.config.compression;
            let effort = Effort::of(policy, before.max(bytes), capacity, self.load.has_time());
            let taken = self.take(at, effort, limit);
            bytes += taken;
            // Somebody may be waiting for the room.
            if self.output.buffer().len() >= WRITE_AT_BYTES || taken >= capacity / 8 {
                self.write()?;
            }
            let is_rest_short = taken == 0 || !is_asked && taken < limit / 2;
            if is_rest_short || self.rings[at].taken_to >= end {
                break;
            }
        }
        self.rings[at].last_bytes = bytes;
        Ok(bytes)
    }

    /// Moves committed records of a ring into the buffer, as one block, and returns how many bytes
    /// of the ring it took.
    fn take(&mut self, at: usize, effort: Effort, limit: usize) -> usize {
        let Self { output, frames, builder, compressor, summaries, rings, sites, index, .. } = self;
        let ring = &mut rings[at];
        let start = ring.taken_to;
        let mut batch =
            Gathered { sites: Sites { known: sites, unstated: Vec::new() }, loss: None };
        let (id, position, first_record) = (ring.slot.thread.ring, ring.stated_to, ring.records);
        let mut end = start;
        let mut is_packed = false;
        if effort > Effort::Rows {
            builder.begin_columns(id, position, first_record);
            end = batch.pack_all(builder, &mut ring.consumer, start, limit, &mut is_packed);
            is_packed = is_packed && (builder.count() == 0 || builder.are_columns_worthwhile());
        }
        if !is_packed && effort > Effort::Raw {
            builder.begin(id, position, first_record);
            end = batch.pack_all(builder, &mut ring.consumer, start, limit, &mut is_packed);
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
                None => {
                    builder.finish_with(end, out, |body, out| compressor.put(effort, body, out))
                }
            });
            self.records += u64::from(header.count);
            ring.records += u64::from(header.count);
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
            LossFrame { ring, position, loss, gone: None }.encode(out);
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
        for ring in &mut self.rings {
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

impl Departed {
    /// The ring id of the rings that are not told apart.
    const CROWD: u32 = 0;

    /// Nobody yet. The numbers of a crowd's records run through all of its rings.
    fn crowd() -> Self {
        Self {
            thread: Thread { ring: Self::CROWD, os_id: 0, name: String::new() },
            position: 0,
            records: 0,
            in_file: InFile::default(),
            loss: Loss::default(),
        }
    }

    /// Takes in what is to be remembered of a ring.
    fn join(&mut self, ring: &DrainRing) {
        // Counted from the end: what is not on the disk came last, or is taken for that.
        let InFile { first, unsynced, gone_to } = ring.in_file;
        self.records += ring.records - first;
        self.in_file.unsynced += unsynced - first;
        self.in_file.gone_to += gone_to.saturating_sub(first);
        let add = |sum: &mut [u64; 5], more: [u64; 5]| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        };
        add(&mut self.loss.full, ring.stated.full);
        add(&mut self.loss.too_large, ring.stated.too_large);
    }
}

fn sync_error(output: &Output, failure: SyncFailure) -> DrainError {
    DrainError::Sync {
        path: output.path().to_owned(),
        offset: output.synced_bytes(),
        source: Arc::new(failure.source),
    }
}

/// A call site that the drain has met.
struct KnownSite {
    site: Arc<CallSite>,
    plan: Arc<SitePlan>,
    /// Whether the file has it.
    is_stated: bool,
}

/// The call sites that the drain has met, and those that the file does not have yet.
struct Sites<'a> {
    known: &'a mut Vec<KnownSite>,
    unstated: Vec<Arc<CallSite>>,
}

impl Sites<'_> {
    fn sum_up(&self, summaries: &mut SummaryBuilder, record: Record<'_>) {
        let tag = record.tag();
        if tag == CallSite::LOSS_ID {
            return;
        }
        summaries.note(tag, record.payload().get(8..).unwrap_or_default(), || {
            let at = tag.checked_sub(CallSite::FIRST_ID);
            let known = at.and_then(|at| self.known.get(at as usize));
            known.is_none_or(|known| known.site.has_text())
        });
    }

    #[inline]
    fn get(&mut self, tag: u32) -> Option<&KnownSite> {
        let at = tag.checked_sub(CallSite::FIRST_ID)? as usize;
        if self.known.get(at).is_none_or(|site| !site.is_stated) {
            self.meet(at);
        }
        self.known.get(at)
    }

    #[cold]
    fn meet(&mut self, at: usize) {
        if at >= self.known.len() {
            let more = registry::entries_from(self.known.len()).into_iter();
            self.known.extend(more.map(|site| {
                let plan = Arc::new(SitePlan::new(&site));
                KnownSite { site, plan, is_stated: false }
            }));
        }
        if let Some(site) = self.known.get_mut(at) {
            site.is_stated = true;
            self.unstated.push(Arc::clone(&site.site));
        }
    }
}

/// What is found on the way through a batch.
struct Gathered<'a> {
    sites: Sites<'a>,
    /// The last loss statement.
    loss: Option<Loss>,
}

impl Gathered<'_> {
    /// Packs records of a ring; returns the position behind the last one. `all` tells whether they
    /// are what their call sites say.
    fn pack_all(
        &mut self,
        builder: &mut BlockBuilder,
        consumer: &mut Consumer,
        start: u64,
        limit: usize,
        all: &mut bool,
    ) -> u64 {
        let mut end = start;
        let Self { sites, loss } = self;
        let mut plan_of = |tag| sites.get(tag).map(|site| Arc::clone(&site.plan));
        loop {
            let left = limit - (end - start) as usize;
            let part = consumer.batch_from(end, left.min(PART_BYTES));
            // A record that is longer than a part may be alone in its block, but not behind others.
            let is_too_long = end > start && part.len_bytes() > left.max(PART_BYTES);
            if is_too_long {
                break;
            }
            end = part.end();
            if part.is_empty() {
                break;
            }
            let (first, second) = part.raw_slices();
            *all = builder
                .push_raw(first, &mut plan_of)
                .and_then(|()| builder.push_raw(second, &mut plan_of))
                .is_ok();
            if !*all || (end - start) as usize >= limit {
                break;
            }
        }
        *loss = builder.last_loss().or(*loss);
        end
    }

    /// Takes what the header of a raw block says of the record.
    fn note(&mut self, builder: &mut BlockBuilder, record: Record<'_>) {
        let word = record.payload().first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if record.tag() == CallSite::LOSS_ID {
            self.loss = Loss::decode(record.payload());
            builder.note_loss(word);
        } else if let Some(site) = self.sites.get(record.tag()) {
            builder.note(site.site.level, site.site.time, word);
        } else {
            // Only a bug can get here; the block counts what it holds all the same.
            builder.note(Level::Error, TimeSource::Counter, word);
        }
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
