//! Segments of a session: the one that is written, and what is still to be done for those before it.
//!
//! A new segment begins when something was done to the file of the current one (`replace`). Rotation by size
//! or age would be another reason, to be checked at the end of a pass: [`finish`](Segments::finish) the
//! current segment with `continues`, write it, and [`begin_next`](Segments::begin_next) in a file that
//! `storage` names.

use std::time::{Duration, Instant, SystemTime};

use stenolog_format::frame::FileHeader;
use stenolog_format::loss::GoneCause;

use super::ledger::{Ledger, LostRange};
use super::rings::{DrainRings, InSegment};
use super::segment::{EarlierSegments, Segment, SegmentFile, WriteFailure};
use super::storage::Storage;
use crate::clock::unix_ns;
use crate::core::Core;
use crate::error::FileEvent;

/// How often to check that the path still leads to the file, while there are records to write. That the
/// file still exists is checked before each write.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The segments of a session.
pub(super) struct Segments {
    pub(super) current: Segment,
    earlier: EarlierSegments,
    pub(super) ledger: Ledger,
    /// Earlier files that are whole, but may not be on the disk: usually none.
    pub(super) unsynced: Vec<UnsyncedFile>,
    pub(super) watch: FileWatch,
}

/// An earlier file of the session that is whole, but may not be on the disk.
pub(super) struct UnsyncedFile {
    pub(super) file: SegmentFile,
    /// The records that are lost with it.
    pub(super) ranges: Vec<LostRange>,
}

/// The known state of the current file.
#[derive(Default)]
pub(super) struct FileWatch {
    pub(super) last_look: Option<Instant>,
    /// The event of a file for which no new one could be created yet.
    pub(super) fate: Option<FileEvent>,
    /// It was reported that the file was moved and that no new one could be created.
    pub(super) is_move_told: bool,
}

impl FileWatch {
    pub(super) fn is_time(&self) -> bool {
        self.last_look.is_none_or(|last| last.elapsed() >= LOOK_EVERY)
    }
}

impl Segments {
    /// Begins the first segment.
    pub(super) fn begin(core: &Core, file: SegmentFile) -> Self {
        Self {
            current: Segment::begin(core, core.header, file),
            earlier: EarlierSegments::default(),
            ledger: Ledger::new(),
            unsynced: Vec::new(),
            watch: FileWatch::default(),
        }
    }

    /// Begins the next segment in an empty file, and returns the one before it. What was not written of that
    /// has been taken back. `first_of` says from which of a ring's numbers on the new segment states what
    /// became of records: from the number after the last one, if the old file keeps its records.
    pub(super) fn begin_next(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
        file: Box<dyn Storage>,
        first_of: impl Fn(InSegment, u64) -> u64,
    ) -> Segment {
        let header = *self.current.writer.header();
        let created_unix_ns = unix_ns(SystemTime::now());
        let header = FileHeader { sequence: header.sequence + 1, created_unix_ns, ..header };
        let next = Segment::begin(core, header, SegmentFile::new(file));
        let old = std::mem::replace(&mut self.current, next);
        self.earlier.add(&old);
        self.ledger.begin_segment(rings, first_of);
        old
    }

    /// Writes what is pending, and then frees what it has of the rings (S1).
    pub(super) fn write(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
    ) -> Result<(), WriteFailure> {
        if let Err(failure) = self.current.write(core, &self.earlier) {
            self.watch.last_look = None;
            return Err(failure);
        }
        rings.release();
        self.ledger.pending_cause = None;
        Ok(())
    }

    /// How many records the files have.
    pub(super) const fn written_records(&self) -> u64 {
        self.earlier.records + self.current.written_records()
    }

    /// Puts the end of the current segment.
    pub(super) fn finish(&mut self, core: &Core, rings: &DrainRings, continues: bool) {
        let lost = rings.lost() + self.ledger.lost() + self.current.ringless();
        self.current.finish(core, lost, continues);
    }

    /// States that records are gone. Returns how many are that were not before.
    pub(super) fn state_lost(
        &mut self,
        core: &Core,
        rings: &mut DrainRings,
        ranges: &[LostRange],
        cause: GoneCause,
    ) -> u64 {
        self.ledger.state_lost(ranges, cause, core, rings, &mut self.current)
    }

    /// Whether a sync has failed, and none has succeeded since.
    pub(super) fn is_doubtful(&self) -> bool {
        let earlier = self.unsynced.iter().map(|earlier| &earlier.file);
        earlier.chain([&self.current.file]).any(SegmentFile::is_doubtful)
    }
}
