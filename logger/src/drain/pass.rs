//! Passes of the drain over its rings: records go from the rings to the segment.
//!
//! - **S1 (write, then free).** A ring's records are freed only after the file has them, so a failed
//!   write or the death of the process loses nothing that a ring held.
//! - **S2 (explain first).** The call site of a record and the thread of a ring are in the segment before
//!   the block that needs them.
//! - **S3 (take back).** If another program changed the file, everything that was taken from the rings and not
//!   freed is taken back. It goes to a new segment, which explains everything again and states which records
//!   the old file had.

mod copy;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stenolog_session::failpoint::{self, Step};
use stenolog_session::writer::WRITE_AT_BYTES;

#[cfg(feature = "console")]
use super::console::ConsoleFeed;
use super::effort::Effort;
use super::pacing::{Fill, Found, Load, next_sleep};
use super::packer::{GROUP_BYTES, GroupPart, Packer};
use super::rings::{DrainRing, DrainRings};
use super::segment::{SegmentFile, WriteFailure};
use super::segments::Segments;
use super::tail::Tail;
use crate::config::Compression;
use crate::core::Core;
use crate::error::DrainError;
use crate::process::memory::has_memory;
use crate::registry;

/// The memory that a pass takes besides its blocks.
const PASS_BYTES: usize = 1 << 14;

/// A drain without work passes over its rings at least this often.
const LOOK_AROUND_AFTER: Duration = Duration::from_secs(1);

/// Groups of records that have waited this long are rare enough to be compressed as much as is sensible.
const PATIENT_AFTER: Duration = Duration::from_secs(5);

/// How many files a pass begins if each is taken away at once.
const MAX_FILES_AT_ONCE: usize = 3;

/// Moves records from rings to the dump.
pub(super) struct Drainer {
    pub(super) core: Arc<Core>,
    pub(super) rings: DrainRings,
    packer: Packer,
    pub(super) segments: Segments,
    pub(super) tail: Tail,
    #[cfg(feature = "console")]
    pub(super) console: Option<ConsoleFeed>,
    load: Load,
    /// The rings were filled so fast of late that the next pass packs.
    is_fast: bool,
    /// They were filled so slowly that they can be packed together.
    is_calm: bool,
    /// When the last pass began.
    last_pass: Instant,
    /// The sum of losses when all of them were stated.
    stated_losses: u64,
}

/// The state of a pass.
struct Pass {
    /// A request caused the pass: everything that was committed before it must be written.
    is_asked: bool,
    /// There are losses that were not stated when the pass began.
    is_any_lost: bool,
    /// Some of them will be stated by a ring's thread.
    is_any_owed: bool,
    /// Something was put into the segment.
    has_put: bool,
    /// When the pass before began.
    before: Instant,
    /// When to look at the first ring again.
    due: Option<Instant>,
    fill: Fill,
}

impl Drainer {
    /// Begins the first segment of a session.
    pub(super) fn new(core: Arc<Core>, file: SegmentFile) -> Self {
        let segments = Segments::begin(&core, file);
        let tail = Tail::new(&core);
        Self {
            core,
            tail,
            is_fast: false,
            is_calm: true,
            rings: DrainRings::default(),
            packer: Packer::new(),
            segments,
            #[cfg(feature = "console")]
            console: None,
            load: Load::default(),
            last_pass: Instant::now(),
            stated_losses: 0,
        }
    }

    /// Visits each ring once, and writes its records, to the dump or to its tail. Returns when to look at the first of them again, by
    /// the pace at which they are filled. `None` if that is left to the bound and to calls that wake the
    /// drain.
    ///
    /// If a request caused the pass and it succeeds, the file has everything that was committed before it
    /// began, and states what was lost.
    pub(super) fn pass(&mut self, is_asked: bool) -> Result<Option<Instant>, WriteFailure> {
        self.with_file(|drainer| drainer.try_pass(is_asked))
    }

    /// Does `work`, and replaces the file each time another program has changed it.
    fn with_file<R>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<R, WriteFailure>,
    ) -> Result<R, WriteFailure> {
        let mut attempts = 1;
        loop {
            match work(self) {
                Err(WriteFailure::Taken(fate)) if attempts < MAX_FILES_AT_ONCE => {
                    self.segments.replace(&self.core, &mut self.rings, fate)?;
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

    fn try_pass(&mut self, is_asked: bool) -> Result<Option<Instant>, WriteFailure> {
        let before = std::mem::replace(&mut self.last_pass, Instant::now());
        self.core.control.begin_pass();
        if !has_memory(PASS_BYTES) {
            return Err(WriteFailure::Write(io::ErrorKind::OutOfMemory.into()));
        }
        // Before the rings: one that has lost something is among those that are adopted.
        let lost = self.core.counters.lost.load(Ordering::Acquire);
        let is_any_lost = lost != self.stated_losses;
        self.rings.adopt(&self.core, self.last_pass);
        registry::tell_noted(&self.core);
        self.rings.state_volatile(&self.core, &mut self.segments.current);
        failpoint::after(Step::PassBegun);
        self.segments.look_if_due(&self.core, &mut self.rings, is_asked)?;
        self.write()?;
        let began = self.core.clock.now();
        let (before, fill) = (before, Fill::default());
        let mut pass = Pass {
            is_asked,
            is_any_lost,
            is_any_owed: false,
            has_put: false,
            before,
            due: None,
            fill,
        };
        let packs = is_asked || is_any_lost || self.is_fast || !self.copy(&mut pass);
        if packs {
            (pass.due, pass.fill) = (None, fill);
            self.pack(&mut pass, began)?;
            self.rings.end_packing();
            if !pass.is_any_owed {
                self.stated_losses = lost;
            }
        }
        self.show();
        self.is_fast = pass.fill.is_fast();
        self.is_calm = pass.fill.is_calm(self.core.config.deliver_within);
        let Segments { current, ledger, .. } = &mut self.segments;
        self.rings.let_go(&self.core, |ring| {
            ledger.retire(ring);
            current.writer.forget_thread(ring.id());
            #[cfg(feature = "console")]
            if let Some(console) = &mut self.console {
                console.end_ring(ring.id());
            }
        });
        Ok(pass.due)
    }

    /// Puts the records of all rings into the dump, and writes it.
    fn pack(&mut self, pass: &mut Pass, began: u64) -> Result<(), WriteFailure> {
        self.rings.note_copied_bytes();
        let grouped = self.pack_together()?;
        for at in 0..self.rings.len() {
            let bytes = grouped.get(at).copied().flatten();
            self.visit(at, bytes, pass)?;
        }
        if pass.is_any_lost {
            pass.has_put |= self.segments.current.put_ringless(&self.core);
        }
        if pass.has_put {
            self.read_clock();
            self.segments.current.end_pass(began);
        }
        self.write()?;
        if !self.rings.iter().any(DrainRing::is_tail_needed) {
            self.tail.clear();
        }
        Ok(())
    }

    /// Packs the records of all rings into groups, unless the rings are filled too fast. Returns how many bytes of each ring they
    /// have; `None` for a ring that is left to be packed alone, because of its records, or because it is too
    /// full.
    fn pack_together(&mut self) -> Result<Vec<Option<usize>>, WriteFailure> {
        let mut grouped = vec![None; self.rings.len()];
        let mut left = VecDeque::new();
        if self.packer.has_group_memory() {
            left.extend((0..self.rings.len()).filter(|&at| self.may_group(at)));
        }
        while !left.is_empty() {
            let parts = self.gather_group(&mut left, &mut grouped);
            if self.packer.is_group_small() {
                // Alone it is smaller in rows.
                parts.iter().for_each(|&(at, _)| grouped[at] = None);
                continue;
            }
            let has_time = self.load.has_time();
            let effort = Effort::of(self.core.config.compression, 0, usize::MAX, has_time);
            let is_patient = effort == Effort::Hard && self.tail.age() >= PATIENT_AFTER;
            let effort = (effort, is_patient);
            let Self { core, rings, packer, segments, .. } = self;
            packer.put_group(rings, &mut segments.current, effort, || core.control.is_pressed());
            for (at, GroupPart { bytes, is_cut }) in parts {
                let taken = grouped[at].get_or_insert(0);
                *taken += bytes;
                // A producer that keeps up with the drain must not keep the other rings waiting.
                if is_cut && *taken < self.rings.at(at).consumer.capacity() {
                    left.push_back(at);
                }
            }
            self.write()?;
        }
        Ok(grouped)
    }

    /// Begins a group, and puts as many of the rings into it as it has room for. A ring that must go alone has
    /// no place in `grouped` then.
    fn gather_group(
        &mut self,
        left: &mut VecDeque<usize>,
        grouped: &mut [Option<usize>],
    ) -> Vec<(usize, GroupPart)> {
        let is_thorough =
            self.core.config.compression == Compression::Adaptive && self.load.has_time();
        self.packer.begin_group(is_thorough);
        let mut parts = Vec::new();
        let mut room = GROUP_BYTES;
        while let Some(at) = left.pop_front() {
            let ring = self.rings.at(at);
            let is_full = ring.copied_before > room || room == 0 || !self.packer.has_room();
            if !parts.is_empty() && is_full {
                left.push_front(at);
                break;
            }
            let writer = &self.segments.current.writer;
            let is_only = parts.is_empty() && left.is_empty();
            match self.packer.add_part(at, ring, writer, (room, is_only)) {
                Some(part) => {
                    room = room.saturating_sub(part.bytes);
                    parts.push((at, part));
                }
                None => {
                    // It goes alone, also if earlier groups have some of it, and the others again.
                    grouped[at] = None;
                    parts.drain(..).rev().for_each(|(at, _)| left.push_front(at));
                    self.packer.begin_group(is_thorough);
                    room = GROUP_BYTES;
                }
            }
        }
        parts
    }

    /// Whether a ring is packed together with others.
    fn may_group(&mut self, at: usize) -> bool {
        let policy = self.core.config.compression;
        let is_calm = self.is_calm || self.load.has_time();
        let ring = self.rings.at(at);
        let held = ring.copied_before.max(ring.last_bytes);
        let has_room = held < ring.consumer.capacity() / 2;
        is_calm && has_room && policy != Compression::None && !ring.is_quiet() && !ring.is_set_aside
    }

    /// Takes the records of a ring, states its losses, and decides when to visit it again.
    ///
    /// `grouped` is how many bytes of it are in a group already, if that is everything that there was.
    fn visit(
        &mut self,
        at: usize,
        grouped: Option<usize>,
        pass: &mut Pass,
    ) -> Result<(), WriteFailure> {
        let ring = self.rings.at(at);
        let copied = ring.copied_before;
        let bytes = if let Some(bytes) = grouped {
            ring.last_bytes = bytes;
            bytes
        } else if ring.is_quiet() || ring.is_set_aside {
            ring.last_bytes = 0;
            0
        } else {
            self.take_all(at, pass.is_asked)?
        };
        pass.has_put |= bytes > 0;
        let ring = self.rings.at(at);
        if ring.set_aside_if_overwritten(&self.core, &mut self.segments.current) {
            self.rings.note_taken(at);
            pass.has_put = true;
        }
        let ring = self.rings.at(at);
        if pass.is_any_lost {
            if bytes == 0 || pass.is_asked {
                pass.has_put |= ring.put_loss(&self.core, &mut self.segments.current);
            } else {
                // A producer that continues states its losses itself, where they happened.
                pass.is_any_owed |= ring.owes_loss();
            }
        }
        // The thread of a ring that was half full may have had to wait.
        let is_half_full = bytes >= ring.consumer.capacity() / 2;
        let new = if is_half_full { bytes } else { bytes.saturating_sub(copied) };
        self.look_again(at, (new, 0), Instant::now(), pass);
        Ok(())
    }

    /// Decides when to look at a ring again, of which `bytes` are new, and which still holds `held` bytes.
    fn look_again(
        &mut self,
        at: usize,
        (bytes, held): (usize, usize),
        now: Instant,
        pass: &mut Pass,
    ) {
        let longest = self.core.config.deliver_within;
        let ring = self.rings.at(at);
        let capacity = ring.consumer.capacity();
        let mut found = Found { bytes, over: Duration::ZERO, held, capacity };
        if bytes > 0 {
            // The last look took everything that was there.
            let before = std::mem::replace(&mut ring.last_taken, now).max(pass.before);
            found.over = now.saturating_duration_since(before);
            ring.rest = next_sleep(&found, longest);
            // A new ring was filled since the last pass at the earliest.
            found.over = found.over.max(now.saturating_duration_since(pass.before));
        }
        let is_left = held > 0 && ring.slot.is_retired();
        pass.fill.note(&found, longest, is_left);
        // Until it is packed, a kill leaves it unknown whether the ring held more.
        if is_left && self.core.ring_dir().is_some() && ring.slot.volatile().is_some() {
            pass.fill.ask();
        }
        if bytes == 0 && ring.rest >= longest {
            // A burst that follows wakes the drain.
            return;
        }
        if bytes == 0 {
            // Its thread may be about to wake up from waiting for room.
            ring.rest = (4 * ring.rest).min(longest);
        }
        let next = ring.last_taken.max(self.last_pass) + ring.rest;
        pass.due = Some(pass.due.map_or(next, |due| due.min(next)));
    }

    /// Puts the current records of a ring into the segment, and returns how many bytes of the ring they took.
    ///
    /// Without a request, records that arrive meanwhile may be left for the next pass. Usually their producer
    /// is still logging.
    fn take_all(&mut self, at: usize, is_asked: bool) -> Result<usize, WriteFailure> {
        let ring = self.rings.at(at);
        let capacity = ring.consumer.capacity();
        let limit = self.packer.block_limit(capacity)?;
        // A producer that keeps up with the drain must not keep the other rings waiting, or make
        // small blocks.
        let position = ring.consumer.position();
        let (known, end) = if is_asked {
            // Up to there: dead space is not readable, but in the way.
            let end = ring.consumer.readable_end();
            ((end - position) as usize, end)
        } else {
            (0, position + capacity as u64)
        };
        let (mut bytes, before) = (0, ring.last_bytes.max(known));
        loop {
            let policy = self.core.config.compression;
            let effort = Effort::of(policy, before.max(bytes), capacity, self.load.has_time());
            let rings = (&mut self.rings, at);
            let taken = self.packer.take(rings, &mut self.segments.current, effort, limit);
            let taken_to = self.rings.at(at).taken_to;
            bytes += taken.bytes;
            if taken.bytes > 0 {
                self.rings.note_taken(at);
            }
            // Also if it is an eighth of the ring: a call may be waiting for the room.
            let pending = self.segments.current.writer.pending().len();
            if pending >= WRITE_AT_BYTES || taken.bytes >= capacity / 8 {
                self.write()?;
            }
            let is_short = taken.bytes < limit / 2 && !taken.is_cut;
            let is_rest_short = taken.bytes == 0 || !is_asked && is_short;
            if is_rest_short || taken_to >= end {
                break;
            }
        }
        self.rings.at(at).last_bytes = bytes;
        Ok(bytes)
    }

    /// Writes the records in the rings, the index and the end. May be repeated after an error.
    pub(super) fn seal(&mut self) -> Result<(), WriteFailure> {
        self.with_file(|drainer| {
            if !drainer.segments.current.writer.is_finished() {
                // Twice, because a call in progress when the logger closed may end during the first pass.
                drainer.try_pass(true)?;
                drainer.try_pass(true)?;
                drainer.segments.finish(&drainer.core, &drainer.rings, false);
                failpoint::after(Step::EndPut);
            }
            drainer.write()
        })
    }

    /// Whether a pass would find nothing to do. Sees what threads have committed, but only now and then what other
    /// programs did to the files: from time to time it says `false`.
    pub(super) fn is_idle(&self) -> bool {
        let is_quiet = |ring: &DrainRing| {
            // What the tail has keeps a ring that its thread has left: nothing is to be done until it is packed.
            ring.is_set_aside
                || ring.consumer.is_end(ring.seen().0)
                    && (!ring.slot.is_retired() || ring.is_tail_needed())
        };
        self.rings.iter().all(is_quiet)
            && !self.rings.is_any_newly_left(&self.core)
            && self.core.counters.lost.load(Ordering::Acquire) == self.stated_losses
            && !self.core.rings.has_new()
            && !registry::may_have_noted()
            && self.last_pass.elapsed() < LOOK_AROUND_AFTER
    }

    /// Writes pending bytes, and then frees the written records in the rings (S1).
    pub(super) fn write(&mut self) -> Result<(), WriteFailure> {
        self.show();
        self.segments.write(&self.core, &mut self.rings)
    }

    /// Shows new records on the console, if there is one, before they are freed.
    fn show(&mut self) {
        #[cfg(feature = "console")]
        if let Some(console) = &mut self.console {
            console.show(&self.core, &mut self.rings, &mut self.packer);
        }
    }

    /// Puts everything that was written on the disk.
    pub(super) fn sync(&mut self) -> Result<(), DrainError> {
        self.segments.sync(&self.core, &mut self.rings)
    }

    /// The file that is being written.
    pub(super) const fn file(&self) -> &SegmentFile {
        &self.segments.current.file
    }

    /// Notes how long the last pass took, and how long ago the one before it began.
    pub(super) fn note_load(&mut self, busy: Duration, past: Duration) {
        self.load.note(busy, past);
    }
}
