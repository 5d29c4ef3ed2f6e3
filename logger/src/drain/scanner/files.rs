//! What becomes of the file: it is synced, looked after, and replaced when it has been taken away (S3).

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter};
use stenolog_format::index::Index;
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};

use super::rings::DrainRing;
use super::{Scanner, put_explanations, put_metadata};
use crate::clock::unix_ns;
use crate::drain::output::{Output, SyncFailure, WriteFailure};
use crate::drain::storage::{Standing, Storage};
use crate::error::{DrainError, FileFate};
use crate::registry;

/// How often it is looked whether the file is still under its name, while there are records to be
/// written. Whether it is still there is asked before each write.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many times a file that keeps being taken away is replaced in one pass.
const MAX_FILES_AT_ONCE: usize = 3;

/// Of no more threads that have gone is it remembered what the file has of them.
pub(super) const MAX_DEPARTED: usize = 4096;

/// Which of a ring's records a file has, or states to be gone: those from the first number on.
#[derive(Clone, Copy, Default)]
pub(super) struct InFile {
    pub(super) first: u64,
    /// What the file has or states from this number on may not be on the disk.
    pub(super) unsynced: u64,
    /// Those below are gone, and have been counted.
    pub(super) gone_to: u64,
}

/// What is remembered of a ring whose thread has gone.
pub(super) struct Departed {
    pub(super) thread: Thread,
    pub(super) position: u64,
    pub(super) records: u64,
    pub(super) in_file: InFile,
    pub(super) loss: Loss,
}

/// Records that a file has, and that would be gone with it.
pub(super) struct Stake {
    thread: Thread,
    position: u64,
    first: u64,
    count: u64,
    /// How many of them nobody has counted as lost yet.
    uncounted: u64,
    loss: Loss,
}

/// A file that was written before the one that is, and that the disk may not have.
pub(super) struct Unsynced {
    output: Output,
    stakes: Vec<Stake>,
}

impl Scanner {
    /// Does `work` until the file stays the same meanwhile.
    pub(super) fn insist<R>(
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

    /// Has all that was written put on the disk. What the operating system has lost is stated.
    pub(in crate::drain) fn sync(&mut self) -> Result<(), DrainError> {
        let earlier = self.sync_earlier();
        let file = self.sync_file();
        self.note_sync(earlier.and(file))
    }

    fn note_sync(&self, result: Result<(), DrainError>) -> Result<(), DrainError> {
        if let Err(error) = &result {
            self.core.counters.sync_errors.fetch_add(1, Ordering::Relaxed);
            self.core.config.listeners.tell(error.clone());
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

    /// Whether a sync has failed that none has made good yet.
    pub(in crate::drain) fn is_doubtful(&self) -> bool {
        let earlier = self.unsynced.iter().map(|earlier| &earlier.output);
        earlier.chain([&self.output]).any(Output::is_doubtful)
    }

    /// Looks at the file if it is time to, and begins a new one if it has been taken away (S3).
    pub(super) fn look_if(&mut self, is_asked: bool) -> Result<(), WriteFailure> {
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
        let slots = self.rings.iter().map(|ring| &ring.slot);
        if let Some(missed) = self.core.look_at_rings(slots, &|| registry::entries_from(0)) {
            // Each thread takes the cold path at its next call, where it gets another ring.
            registry::forget_decisions();
            self.core.tell_missed(missed);
        }
        self.state_volatile();
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
                    self.core.config.listeners.tell(error);
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
        let mut fate = fate;
        if fate == FileFate::Moved {
            // As well as it can be done: a reader takes an end for granted as little as we do.
            let ended = self.write().and_then(|()| {
                self.put_end(true);
                self.write()
            });
            if let Err(WriteFailure::Taken(worse)) = ended {
                fate = worse;
            }
        }
        if self.output.has_hole() {
            // What is behind the hole is to be known for what it is: it comes again in the next file.
            self.put_header();
            let _ = self.output.write_anyway();
        }
        self.restart(fate, next);
        Ok(())
    }

    /// Takes back what the old file did not get, and begins the new one.
    fn restart(&mut self, fate: FileFate, next: Box<dyn Storage>) {
        self.touched.clear();
        for ring in &mut self.rings {
            ring.taken_to = ring.consumer.position();
            // If the old file says that it was set aside, the new one does too, as of what else is gone.
            ring.is_set_aside &= ring.records == ring.written.1;
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
        self.ringless = Loss::default();
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
            ring.is_stated_volatile = false;
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
        self.core.config.listeners.tell(error);
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
}

impl Departed {
    /// The ring id of the rings that are not told apart.
    const CROWD: u32 = 0;

    /// Nobody yet. The numbers of a crowd's records run through all of its rings.
    pub(super) fn crowd() -> Self {
        Self {
            thread: Thread { ring: Self::CROWD, os_id: 0, name: String::new(), continues: None },
            position: 0,
            records: 0,
            in_file: InFile::default(),
            loss: Loss::default(),
        }
    }

    /// Takes in what is to be remembered of a ring.
    pub(super) fn join(&mut self, ring: &DrainRing) {
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
