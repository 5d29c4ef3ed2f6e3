//! Replacement of a file that was deleted, moved, truncated or not saved.
//!
//! ```text
//!   moved       finish the old segment in its file; it has its records
//!   removed     ┐
//!   truncated   ├ take back what was not freed from the rings (S3); state which records are gone
//!   not saved   ┘
//!               then begin the next segment in a new file
//! ```

use std::sync::atomic::Ordering;
use std::time::Instant;

use stenolog_format::loss::GoneCause;

use super::report::describe;
use super::rings::{DrainRings, InSegment};
use super::segment::{SegmentFile, WriteFailure};
use super::segments::{Segments, UnsyncedFile};
use super::storage::{Standing, Storage};
use crate::core::Core;
use crate::error::FileEvent;
use crate::event::Event;
use crate::registry;

/// The effect of a file event on the records in the file: why they are gone, if they are, and from which one
/// on.
fn consequence(fate: FileEvent) -> (Option<GoneCause>, fn(InSegment) -> u64) {
    match fate {
        FileEvent::Removed => (Some(GoneCause::Removed), |in_segment| in_segment.first),
        FileEvent::Truncated => (Some(GoneCause::Truncated), |in_segment| in_segment.first),
        FileEvent::Unsaved => (Some(GoneCause::Unsaved), |in_segment| in_segment.unsynced),
        // Records that are not on the disk may still be lost.
        FileEvent::Moved => (None, |in_segment| in_segment.unsynced),
    }
}

impl Segments {
    /// Checks the file and the ring directories if it is time to, and replaces the file if another program
    /// changed it.
    pub(super) fn look_if_due(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
        is_asked: bool,
    ) -> Result<(), WriteFailure> {
        if let Some(fate) = self.watch.fate {
            return self.replace(core, rings, fate);
        }
        let has_work = || !self.current.writer.pending().is_empty() || rings.have_records();
        let is_due = is_asked || self.watch.is_time() && has_work();
        if !is_due {
            return Ok(());
        }
        self.watch.last_look = Some(Instant::now());
        let slots = rings.iter().map(|ring| &ring.slot);
        if let Some(missed) = core.look_at_rings(slots, &|| registry::entries_from(0)) {
            // Each thread takes the cold path at its next call, where it gets another ring.
            registry::forget_decisions();
            core.tell_missed(missed);
        }
        rings.state_volatile(core, &mut self.current);
        let is_removed = |file: &mut SegmentFile| {
            file.look().is_ok_and(|standing| standing == Standing::Taken(FileEvent::Removed))
        };
        // Syncing a file without a path is useless.
        self.unsynced.retain_mut(|earlier| !is_removed(&mut earlier.file));
        match self.current.file.look() {
            Ok(Standing::Taken(fate)) => self.replace(core, rings, fate),
            // A process that may not examine the file may still be able to write it.
            Ok(Standing::Whole) | Err(_) => Ok(()),
        }
    }

    /// Begins a new file in place of one that another program changed.
    pub(super) fn replace(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
        fate: FileEvent,
    ) -> Result<(), WriteFailure> {
        let mut fate = match self.current.file.look() {
            // Something worse may have happened meanwhile.
            Ok(Standing::Taken(worse @ (FileEvent::Removed | FileEvent::Truncated))) => worse,
            _ => fate,
        };
        let next = match self.current.file.successor() {
            Ok(next) => next,
            Err(source) if fate == FileEvent::Moved => {
                // The file is whole where it is now, and can still be written.
                if !std::mem::replace(&mut self.watch.is_move_told, true) {
                    let failure = WriteFailure::Replace(fate, source);
                    core.config.listeners.tell(describe(failure, &self.current.file));
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
        if fate == FileEvent::Moved {
            // As far as that succeeds: readers do not depend on an end frame.
            let finished = self.write(core, rings).and_then(|()| {
                self.finish(core, rings, true);
                self.write(core, rings)
            });
            if let Err(WriteFailure::Taken(worse)) = finished {
                fate = worse;
            }
        }
        if self.current.file.has_hole() {
            // A reader must see where the hole ends. The records come again in the next file.
            self.current.writer.put_header();
            let _ = self.current.file.write_anyway(&mut self.current.writer);
        }
        if fate == FileEvent::Moved {
            // Nothing is written to it any more, so it needs no room.
            self.current.file.end();
        }
        self.restart(core, rings, fate, next);
        Ok(())
    }

    /// Takes back the records that the old file did not get, and begins the next segment.
    fn restart(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
        fate: FileEvent,
        next: Box<dyn Storage>,
    ) {
        rings.rewind();
        let (cause, from) = consequence(fate);
        let ranges = self.ledger.ranges(rings, from, |_, records| records);
        // A moved file should have stated this about earlier files, but could not.
        let unstated = self.ledger.pending_cause.take().filter(|_| cause.is_none()).map(|cause| {
            let first = |in_segment: InSegment| in_segment.first;
            (cause, self.ledger.ranges(rings, first, |in_segment, _| in_segment.gone_to))
        });
        // An old file's statements of lost records must not be lost with that file, so they are repeated. A
        // moved file keeps its own statements.
        let old =
            self.begin_next(core, rings, next, |in_segment, records| match (cause, &unstated) {
                (Some(_), _) => from(in_segment),
                (None, Some(_)) => in_segment.first,
                (None, None) => records,
            });
        let lost = cause.map_or(0, |cause| self.state_lost(core, rings, &ranges, cause));
        if let Some((cause, ranges)) = &unstated {
            self.state_lost(core, rings, ranges, *cause);
        }
        core.counters.files_replaced.fetch_add(1, Ordering::Relaxed);
        let to = self.current.file.path().to_owned();
        let (path, offset) = (old.file.path().to_owned(), old.file.written_bytes());
        core.config.listeners.tell(Event::Replaced { path, offset, cause: fate, to, lost });
        if fate == FileEvent::Moved && !old.file.is_synced() {
            // At most one such file is kept open until a sync is requested.
            self.sync_earlier_unasked(core, rings);
            self.unsynced.push(UnsyncedFile { file: old.file, ranges });
        }
    }
}
