//! Replacement of a file to which something was done.
//!
//! ```text
//!   moved       finish the old segment in its file; it has its records
//!   removed     ┐
//!   truncated   ├ take back what was not freed from the rings (S3); state which records are gone
//!   not saved   ┘
//!               then begin the next segment in a new file
//! ```

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use stenolog_format::frame::FileHeader;
use stenolog_format::loss::GoneCause;

use super::ledger::{InSegment, LostRange};
use super::pass::Drainer;
use super::report::describe;
use super::segment::{Segment, SegmentFile, WriteFailure};
use super::storage::{Standing, Storage};
use super::sync::UnsyncedFile;
use crate::clock::unix_ns;
use crate::error::{DrainError, FileFate};
use crate::registry;

/// How often to check that the path still leads to the file, while there are records to write. That the
/// file still exists is checked before each write.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a file that keeps being taken away is replaced in one pass.
const MAX_FILES_AT_ONCE: usize = 3;

/// What is known of the file's standing.
#[derive(Default)]
pub(super) struct FileWatch {
    last_look: Option<Instant>,
    /// What was done to a file for which no new one could be created yet.
    fate: Option<FileFate>,
    /// It was reported that the file was moved and that no new one could be created.
    is_move_told: bool,
}

impl FileWatch {
    /// Whether the file has to be replaced before anything is written.
    pub(super) const fn is_replacement_due(&self) -> bool {
        self.fate.is_some()
    }

    /// Has the next pass look at the file.
    pub(super) const fn look_soon(&mut self) {
        self.last_look = None;
    }

    fn is_time(&self) -> bool {
        self.last_look.is_none_or(|last| last.elapsed() >= LOOK_EVERY)
    }
}

/// What a fate means for the records in the file: why they are gone, if they are, and from which on.
fn consequence(fate: FileFate) -> (Option<GoneCause>, fn(InSegment) -> u64) {
    match fate {
        FileFate::Removed => (Some(GoneCause::Removed), |in_segment| in_segment.first),
        FileFate::Truncated => (Some(GoneCause::Truncated), |in_segment| in_segment.first),
        FileFate::Unsaved => (Some(GoneCause::Unsaved), |in_segment| in_segment.unsynced),
        // What the disk lacks may be lost yet.
        FileFate::Moved => (None, |in_segment| in_segment.unsynced),
    }
}

impl Drainer {
    /// Does `work`, and replaces the file as often as that meets one that was taken away.
    pub(super) fn with_file<R>(
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

    /// Looks at the file and the ring directories if it is time to, and replaces the file if something was
    /// done to it.
    pub(super) fn look_if_due(&mut self, is_asked: bool) -> Result<(), WriteFailure> {
        if let Some(fate) = self.watch.fate {
            return self.replace(fate);
        }
        let has_work = || !self.segment.writer.pending().is_empty() || self.rings.have_records();
        if !is_asked && !(self.watch.is_time() && has_work()) {
            return Ok(());
        }
        self.watch.last_look = Some(Instant::now());
        let slots = self.rings.iter().map(|ring| &ring.slot);
        if let Some(missed) = self.core.look_at_rings(slots, &|| registry::entries_from(0)) {
            // Each thread takes the cold path at its next call, where it gets another ring.
            registry::forget_decisions();
            self.core.tell_missed(missed);
        }
        self.state_volatile();
        let is_removed = |file: &mut SegmentFile| {
            file.look().is_ok_and(|standing| standing == Standing::Taken(FileFate::Removed))
        };
        // A sync of a file that no path leads to is worth nothing.
        self.unsynced.retain_mut(|earlier| !is_removed(&mut earlier.file));
        match self.segment.file.look() {
            Ok(Standing::Taken(fate)) => self.replace(fate),
            // A process that may not look at the file may still write it.
            Ok(Standing::Whole) | Err(_) => Ok(()),
        }
    }

    /// Begins a new file in place of one to which something was done.
    pub(super) fn replace(&mut self, fate: FileFate) -> Result<(), WriteFailure> {
        let mut fate = match self.segment.file.look() {
            // Worse may have happened meanwhile.
            Ok(Standing::Taken(worse @ (FileFate::Removed | FileFate::Truncated))) => worse,
            _ => fate,
        };
        let next = match self.segment.file.successor() {
            Ok(next) => next,
            Err(source) if fate == FileFate::Moved => {
                // The file is whole where it is now, and can still be written.
                if !std::mem::replace(&mut self.watch.is_move_told, true) {
                    let failure = WriteFailure::Replace(fate, source);
                    self.core.config.listeners.tell(describe(failure, &self.segment.file));
                }
                return Ok(());
            }
            Err(source) => {
                self.watch.fate = Some(fate);
                return Err(WriteFailure::Replace(fate, source));
            }
        };
        self.watch.fate = None;
        self.watch.is_move_told = false;
        if fate == FileFate::Moved {
            // As far as that succeeds: readers do not depend on an end frame.
            let finished = self.write().and_then(|()| {
                self.finish_segment(true);
                self.write()
            });
            if let Err(WriteFailure::Taken(worse)) = finished {
                fate = worse;
            }
        }
        if self.segment.file.has_hole() {
            // A reader must see where the hole ends. The records come again in the next file.
            self.segment.writer.put_header();
            let _ = self.segment.file.write_anyway(&mut self.segment.writer);
        }
        self.restart(fate, next);
        Ok(())
    }

    /// Takes back what the old file did not get, and begins the next segment.
    fn restart(&mut self, fate: FileFate, next: Box<dyn Storage>) {
        self.rings.rewind();
        let (cause, from) = consequence(fate);
        let ranges = self.ledger.ranges(&self.rings, from, |_, records| records);
        // A file that was moved should have stated this of those before it, and could not.
        let unstated = self.ledger.pending_cause.take().filter(|_| cause.is_none()).map(|cause| {
            let first = |in_segment: InSegment| in_segment.first;
            (cause, self.ledger.ranges(&self.rings, first, |in_segment, _| in_segment.gone_to))
        });
        let header = *self.segment.writer.header();
        let created_unix_ns = unix_ns(SystemTime::now());
        let header = FileHeader { sequence: header.sequence + 1, created_unix_ns, ..header };
        let next = Segment::begin(&self.core, header, SegmentFile::new(next));
        let old = std::mem::replace(&mut self.segment, next);
        self.earlier.add(&old);
        // What an old file stated to be gone must not go with that file: it is stated again. A file that
        // was moved keeps its own statements.
        self.ledger.begin_segment(&mut self.rings, |in_segment, records| {
            match (cause, &unstated) {
                (Some(_), _) => from(in_segment),
                (None, Some(_)) => in_segment.first,
                (None, None) => records,
            }
        });
        let lost = cause.map_or(0, |cause| self.state_lost(&ranges, cause));
        if let Some((cause, ranges)) = &unstated {
            self.state_lost(ranges, *cause);
        }
        self.core.counters.files_replaced.fetch_add(1, Ordering::Relaxed);
        let to = self.segment.file.path().to_owned();
        let (path, offset) = (old.file.path().to_owned(), old.file.written_bytes());
        self.core.config.listeners.tell(DrainError::Replaced { path, offset, fate, to, lost });
        if fate == FileFate::Moved && !old.file.is_synced() {
            // At most one such file is kept open until a sync is requested.
            let earlier = self.sync_earlier();
            let _ = self.note_sync(earlier);
            self.unsynced.push(UnsyncedFile { file: old.file, ranges });
        }
    }

    /// States that records are gone. Returns how many are that were not before.
    pub(super) fn state_lost(&mut self, ranges: &[LostRange], cause: GoneCause) -> u64 {
        let Self { core, rings, segment, ledger, .. } = self;
        ledger.state_lost(ranges, cause, core, rings, segment)
    }
}
