//! Syncs: what was written is put on the disk, and what the operating system lost of it is stated.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_format::loss::GoneCause;

use super::ledger::LostRange;
use super::pass::Drainer;
use super::segment::{SegmentFile, SyncFailure};
use crate::error::{DrainError, FileFate};

/// An earlier file of the session that is whole, but may not be on the disk.
pub(super) struct UnsyncedFile {
    pub(super) file: SegmentFile,
    /// What is lost with it.
    pub(super) ranges: Vec<LostRange>,
}

impl Drainer {
    /// Puts everything that was written on the disk.
    pub(super) fn sync(&mut self) -> Result<(), DrainError> {
        let earlier = self.sync_earlier();
        let file = self.sync_file();
        self.note_sync(earlier.and(file))
    }

    /// Counts and reports a failure.
    pub(super) fn note_sync(&self, result: Result<(), DrainError>) -> Result<(), DrainError> {
        if let Err(error) = &result {
            self.core.counters.sync_errors.fetch_add(1, Ordering::Relaxed);
            self.core.config.listeners.tell(error.clone());
        }
        result
    }

    /// Syncs the files of earlier segments.
    pub(super) fn sync_earlier(&mut self) -> Result<(), DrainError> {
        let mut result = Ok(());
        for mut earlier in std::mem::take(&mut self.unsynced) {
            let Err(failure) = earlier.file.sync() else { continue };
            let is_lost = failure.is_lost;
            result = Err(sync_error(&earlier.file, failure));
            if is_lost {
                self.state_lost(&earlier.ranges, GoneCause::Unsaved);
                for range in earlier.ranges {
                    self.ledger.take_over(range, &mut self.rings);
                }
            } else {
                self.unsynced.push(earlier);
            }
        }
        result
    }

    fn sync_file(&mut self) -> Result<(), DrainError> {
        if self.watch.is_replacement_due() {
            // The next segment will say what there is to say of this file.
            return Ok(());
        }
        match self.segment.file.sync() {
            Ok(()) => {
                self.ledger.note_synced(&mut self.rings);
                Ok(())
            }
            Err(failure) => {
                let is_lost = failure.is_lost;
                let error = sync_error(&self.segment.file, failure);
                if is_lost {
                    // If that fails, the next pass tries again, and reports it.
                    let _ = self.replace(FileFate::Unsaved);
                }
                Err(error)
            }
        }
    }

    /// Whether a sync has failed, and none has succeeded since.
    pub(super) fn is_doubtful(&self) -> bool {
        let earlier = self.unsynced.iter().map(|earlier| &earlier.file);
        earlier.chain([&self.segment.file]).any(SegmentFile::is_doubtful)
    }
}

fn sync_error(file: &SegmentFile, failure: SyncFailure) -> DrainError {
    DrainError::Sync {
        path: file.path().to_owned(),
        offset: file.synced_bytes(),
        source: Arc::new(failure.source),
    }
}
