//! Segment: the dump file that a drain is writing.
//!
//! ```text
//!   begin ──▶ passes: explanations, blocks, losses ──▶ finish
//!             │ DumpWriter: frames in a buffer
//!             └─ write ─▶ SegmentFile: bytes in a storage; `progress` beside the rings
//! ```
//!
//! When a segment ends and the next one begins is decided in [`segments`](super::segments).

mod file;

use std::sync::atomic::Ordering;

use stenolog_format::clock::Watermark;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::FileHeader;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_session::writer::DumpWriter;

pub(crate) use self::file::{SegmentFile, SyncFailure, WriteFailure};
use super::clock_pairs::ClockPairs;
use crate::core::Core;

/// The dump file that a drain is writing.
pub(super) struct Segment {
    pub(super) writer: DumpWriter,
    pub(super) file: SegmentFile,
    /// How many records the file has.
    written_records: u64,
    /// The length that `progress` states.
    stated_bytes: u64,
    pub(super) clock: ClockPairs,
    /// The losses of calls that got no ring, as far as the segment states them.
    ringless: Loss,
}

/// The segments before the one that is written.
#[derive(Default)]
pub(super) struct EarlierSegments {
    pub(super) records: u64,
    bytes: u64,
}

impl EarlierSegments {
    pub(super) fn add(&mut self, segment: &Segment) {
        self.records += segment.written_records;
        self.bytes += segment.file.written_bytes();
    }
}

impl Segment {
    /// Begins a segment in an empty file: with its header, a clock pair, and whether rings survive the
    /// process.
    pub(super) fn begin(core: &Core, header: FileHeader, file: SegmentFile) -> Self {
        let mut segment = Self {
            writer: DumpWriter::begin_segment(header),
            file,
            written_records: 0,
            stated_bytes: 0,
            clock: ClockPairs::begin(core.clock.pair(), core.clock.hz()),
            ringless: Loss::default(),
        };
        segment.put_clock();
        if core.ring_dir().is_none() {
            let reason = core.rings.no_dir().to_owned();
            segment.put_volatile(VolatileRing::ALL, VolatileState::Memory, 0, reason);
        }
        segment
    }

    /// Puts the clock pairs that the segment needs and lacks.
    fn put_clock(&mut self) {
        for pair in self.clock.take_due() {
            self.writer.put_clock(&pair);
        }
    }

    /// States that a ring does not survive the process.
    pub(super) fn put_volatile(
        &mut self,
        ring: u32,
        state: VolatileState,
        number: u64,
        reason: String,
    ) {
        self.writer.put_volatile(&VolatileRing { ring, state: state as u8, number, reason });
    }

    /// States how many calls got no ring. `false` if the segment already states it.
    pub(super) fn put_ringless(&mut self, core: &Core) -> bool {
        let loss = core.rings.ringless(core.clock.now());
        if loss.total() == self.ringless.total() {
            return false;
        }
        self.writer.state_thread(&Thread::no_ring());
        self.writer.put_loss(&LossFrame { ring: Loss::NO_RING, position: 0, loss, gone: None });
        self.ringless = loss;
        true
    }

    /// How many records the file has.
    pub(super) const fn written_records(&self) -> u64 {
        self.written_records
    }

    /// How many calls got no ring, as far as the segment states it.
    pub(super) fn ringless(&self) -> u64 {
        self.ringless.total()
    }

    /// Ends a pass that put something and began when the counter was `began`.
    pub(super) fn end_pass(&mut self, began: u64) {
        self.put_clock();
        self.writer.put_watermark(Watermark { counter: began });
        self.writer.put_header_if_due();
        self.writer.put_index_if_due();
    }

    /// Puts the end of the segment.
    pub(super) fn finish(&mut self, core: &Core, lost: u64, continues: bool) {
        self.clock.end(core.clock.pair());
        self.put_clock();
        self.writer.put_header();
        self.writer.finish_segment(lost, continues);
    }

    /// Writes pending bytes, and states in `progress` how long the file is.
    pub(super) fn write(
        &mut self,
        core: &Core,
        earlier: &EarlierSegments,
    ) -> Result<(), WriteFailure> {
        self.file.write(&mut self.writer)?;
        let bytes = self.file.written_bytes();
        if let Some(dir) = core.ring_dir()
            && bytes != self.stated_bytes
        {
            dir.note_progress(self.writer.header().sequence, bytes);
            self.stated_bytes = bytes;
        }
        self.written_records = self.writer.records();
        let counters = &core.counters;
        // At least: the tail may have had more.
        counters.records.fetch_max(earlier.records + self.written_records, Ordering::Relaxed);
        counters.written_bytes.store(earlier.bytes + bytes, Ordering::Relaxed);
        Ok(())
    }
}
