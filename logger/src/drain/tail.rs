//! Tail of the dump: a copy of the records that wait in the rings until they are packed together.
//!
//! `stenolog_session::tail` says what readers make of it. It is never more than a copy, so whatever fails
//! here only means that records are packed at once.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use stenolog_format::clock::ClockPair;
use stenolog_format::frame::FileHeader;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::TAIL_SEQUENCE;
use stenolog_session::writer::DumpWriter;

use super::segment::SegmentFile;
use super::storage::tail::TailStorage;
use crate::clock::unix_ns;
use crate::core::Core;

/// How long to do without a tail after it could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The tail of a session's dump.
#[derive(Debug)]
pub(super) struct Tail {
    header: FileHeader,
    file: Option<Box<dyn TailStorage>>,
    /// What is written since the tail was begun.
    pub(super) writer: DumpWriter,
    /// When the first of its records was put.
    since: Option<Instant>,
    /// It could not be written, and is tried again at this time.
    retry_at: Option<Instant>,
}

impl Tail {
    pub(super) fn new(core: &Core) -> Self {
        let header = FileHeader { sequence: TAIL_SEQUENCE, ..core.header };
        let writer = DumpWriter::begin_segment(header);
        Self { header, file: None, writer, since: None, retry_at: None }
    }

    /// Whether another program has left the tail where it is. If not, it is begun again with the next records.
    pub(super) fn is_there(&mut self) -> bool {
        if self.file.as_ref().is_none_or(|file| file.is_there()) {
            return true;
        }
        self.file = None;
        self.since = None;
        false
    }

    /// Prepares for records. Returns whether the tail begins with them, and so has no others; `None` if there
    /// can be no tail.
    pub(super) fn open(
        &mut self,
        beside: &SegmentFile,
        pair: impl FnOnce() -> ClockPair,
    ) -> Option<bool> {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        self.retry_at = None;
        if self.file.is_none() {
            match beside.create_tail(&self.header.session) {
                Ok(file) => self.file = Some(file),
                Err(_) => {
                    self.give_up();
                    return None;
                }
            }
        }
        let begins = self.since.is_none();
        if begins {
            self.since = Some(Instant::now());
            self.begin(&pair());
        }
        Some(begins)
    }

    fn begin(&mut self, pair: &ClockPair) {
        // A reader tells by it that the tail was begun again.
        let created_unix_ns = unix_ns(SystemTime::now()).max(self.header.created_unix_ns + 1);
        self.header = FileHeader { created_unix_ns, ..self.header };
        self.writer = DumpWriter::begin_segment(self.header);
        self.writer.put_clock(pair);
    }

    /// Whether something was put since the last write.
    pub(super) fn has_pending(&self) -> bool {
        self.since.is_some() && !self.writer.pending().is_empty()
    }

    /// Writes what was put. `false` if that is not possible: the tail has nothing then.
    pub(super) fn write(&mut self) -> bool {
        if !self.has_pending() {
            return true;
        }
        let Self { file: Some(file), writer, .. } = self else { return false };
        while !writer.pending().is_empty() {
            let pending = writer.pending();
            if failpoint::is_due(Step::TailHalfWritten) {
                let _ = file.write_at(writer.written_bytes(), &pending[..pending.len() / 2]);
                failpoint::die();
            }
            match file.write_at(writer.written_bytes(), pending) {
                Ok(0) => break,
                Ok(written) => writer.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if writer.pending().is_empty() {
            failpoint::after(Step::TailWritten);
            return true;
        }
        self.give_up();
        false
    }

    /// Empties the tail: the dump has its records.
    pub(super) fn clear(&mut self) {
        if self.since.take().is_none() {
            return;
        }
        if let Some(file) = &mut self.file
            && file.clear().is_err()
        {
            self.give_up();
        }
        failpoint::after(Step::TailCleared);
    }

    /// Removes the file, and does without one for a while.
    fn give_up(&mut self) {
        self.remove();
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }

    /// Removes the file.
    pub(super) fn remove(&mut self) {
        self.since = None;
        if let Some(mut file) = self.file.take() {
            file.remove();
            failpoint::after(Step::TailRemoved);
        }
    }

    /// How long its oldest record has been waiting.
    pub(super) fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether it has records that the dump lacks, as far as it knows.
    pub(super) const fn has_records(&self) -> bool {
        self.since.is_some()
    }

    /// Its length.
    pub(super) const fn bytes(&self) -> u64 {
        if self.since.is_some() { self.writer.written_bytes() } else { 0 }
    }
}
