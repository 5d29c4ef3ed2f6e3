//! Syncs: what was written is put on the disk, and what the operating system lost of it is stated.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_format::loss::GoneCause;

use super::rings::DrainRings;
use super::segment::{SegmentFile, SyncFailure};
use super::segments::Segments;
use crate::core::Core;
use crate::error::{DrainError, FileEvent};

impl Segments {
    /// Puts everything that was written on the disk. Counts and reports a failure.
    pub(super) fn sync(&mut self, core: &Core, rings: &mut DrainRings) -> Result<(), DrainError> {
        let earlier = self.sync_earlier(core, rings);
        let file = self.sync_current(core, rings);
        note(core, earlier.and(file))
    }

    /// Syncs the files of earlier segments when no caller asked for it. Counts and reports a failure.
    pub(super) fn sync_earlier_unasked(&mut self, core: &Core, rings: &mut DrainRings) {
        let earlier = self.sync_earlier(core, rings);
        let _ = note(core, earlier);
    }

    fn sync_earlier(&mut self, core: &Core, rings: &mut DrainRings) -> Result<(), DrainError> {
        let mut result = Ok(());
        for mut earlier in std::mem::take(&mut self.unsynced) {
            let Err(failure) = earlier.file.sync() else { continue };
            let is_lost = failure.is_lost;
            result = Err(describe(&earlier.file, failure));
            if is_lost {
                self.state_lost(core, rings, &earlier.ranges, GoneCause::Unsaved);
                for range in earlier.ranges {
                    self.ledger.take_over(range, rings);
                }
            } else {
                self.unsynced.push(earlier);
            }
        }
        result
    }

    fn sync_current(&mut self, core: &Core, rings: &mut DrainRings) -> Result<(), DrainError> {
        if self.watch.fate.is_some() {
            // The next segment will say what there is to say of this file.
            return Ok(());
        }
        match self.current.file.sync() {
            Ok(()) => {
                self.ledger.note_synced(rings);
                Ok(())
            }
            Err(failure) => {
                let is_lost = failure.is_lost;
                let error = describe(&self.current.file, failure);
                if is_lost {
                    // If that fails, the next pass tries again, and reports it.
                    let _ = self.replace(core, rings, FileEvent::Unsaved);
                }
                Err(error)
            }
        }
    }
}

fn note(core: &Core, result: Result<(), DrainError>) -> Result<(), DrainError> {
    if let Err(error) = &result {
        core.counters.sync_errors.fetch_add(1, Ordering::Relaxed);
        core.config.listeners.tell(error.clone());
    }
    result
}

fn describe(file: &SegmentFile, failure: SyncFailure) -> DrainError {
    DrainError::Sync {
        path: file.path().to_owned(),
        offset: file.synced_bytes(),
        source: Arc::new(failure.source),
    }
}
