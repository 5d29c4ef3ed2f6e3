//! Reports of the drain to its listeners: failed writes, losses and rings in memory.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::segment::{SegmentFile, WriteFailure};
use crate::core::{Core, WriteResult};
use crate::error::DrainError;
use crate::event::Event;
use crate::registry::{self, runtime::Origin};
use crate::sync::lock;

/// The shortest interval between two reports of the same kind.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The error that a failed write is reported as.
pub(super) fn describe(failure: WriteFailure, file: &SegmentFile) -> DrainError {
    let path = file.path().to_owned();
    let offset = file.written_bytes();
    match failure {
        WriteFailure::Write(source) => DrainError::Write { path, offset, source: Arc::new(source) },
        // Never reported: such a file is replaced.
        WriteFailure::Taken(fate) => {
            let source = Arc::new(io::ErrorKind::Interrupted.into());
            DrainError::Replace { path, offset, fate, source }
        }
        WriteFailure::Replace(fate, source) => {
            DrainError::Replace { path, offset, fate, source: Arc::new(source) }
        }
    }
}

/// Whether two errors are different conditions, not one that persists.
fn is_other(before: &DrainError, now: &DrainError) -> bool {
    let kind =
        |error: &DrainError| (std::mem::discriminant(error), error.io_error().map(io::Error::kind));
    kind(before) != kind(now)
}

/// Reports when writes begin to fail, for which reasons, and when they succeed again.
#[derive(Default)]
pub(super) struct WriteReports {
    failing: Option<FailureReport>,
}

struct FailureReport {
    since: Instant,
    /// How many records were lost before.
    lost: u64,
    /// The last error that was reported.
    told: DrainError,
}

impl WriteReports {
    /// Notes the result of an attempt to write, and reports it if it is new.
    pub(super) fn note(
        &mut self,
        core: &Core,
        file: &SegmentFile,
        attempt: Result<(), WriteFailure>,
    ) -> WriteResult {
        let counters = &core.counters;
        let lost = counters.lost.load(Ordering::Relaxed);
        let Err(failure) = attempt else {
            if let Some(failing) = self.failing.take() {
                *lock(&counters.failing) = None;
                core.config.listeners.tell(Event::Resumed {
                    path: file.path().to_owned(),
                    offset: file.written_bytes(),
                    failed_for: failing.since.elapsed(),
                    lost: lost - failing.lost,
                });
            }
            return Ok(());
        };
        let error = describe(failure, file);
        counters.write_errors.fetch_add(1, Ordering::Relaxed);
        *lock(&counters.failing) = error.io_error().map(io::Error::kind);
        let is_news = self.failing.as_ref().is_none_or(|failing| is_other(&failing.told, &error));
        if is_news {
            core.config.listeners.tell(error.clone());
            let told = error.clone();
            let begun = || FailureReport { since: Instant::now(), lost, told: told.clone() };
            self.failing.get_or_insert_with(begun).told = told.clone();
        }
        Err(error)
    }
}

/// Reports records that were lost, and call sites that were refused.
#[derive(Default)]
pub(super) struct LossReports {
    total: u64,
    told: Option<Instant>,
    has_told_refused: bool,
}

impl LossReports {
    /// Reports the losses since the last report, at most once a second unless this is the last chance.
    pub(super) fn tell(&mut self, core: &Core, is_last: bool) {
        let total = core.counters.lost.load(Ordering::Relaxed);
        let is_time = || self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if total > self.total && (is_last || is_time()) {
            let records = total - self.total;
            (self.total, self.told) = (total, Some(Instant::now()));
            let path = core.config.path.clone();
            core.config.listeners.tell(Event::Lost { path, records, total });
        }
        if !self.has_told_refused
            && let Some(&Origin { target, file, line, .. }) = registry::runtime::refused()
        {
            self.has_told_refused = true;
            let path = core.config.path.clone();
            core.config.listeners.tell(Event::TooManyCallSites { path, target, file, line });
        }
    }
}

/// Reports rings that are in memory although they should be in files.
#[derive(Default)]
pub(super) struct VolatileReports {
    new: u64,
    /// Why the last of them is in memory.
    reason: String,
    told: Option<Instant>,
}

impl VolatileReports {
    pub(super) fn note(&mut self, reason: &str) {
        self.new += 1;
        reason.clone_into(&mut self.reason);
    }

    /// Reports the rings since the last report, at most once a second unless this is the last chance.
    pub(super) fn tell(&mut self, core: &Core, path: &Path, is_last: bool) {
        let is_time = self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if self.new == 0 || !is_time && !is_last {
            return;
        }
        self.told = Some(Instant::now());
        core.config.listeners.tell(Event::RingsInMemory {
            path: path.to_owned(),
            rings: std::mem::take(&mut self.new),
            reason: self.reason.clone(),
        });
    }
}
