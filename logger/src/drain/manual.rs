//! A drain without a thread of its own, for programs that own their cores.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::sync::Parker;

use super::pacing::RETRY_AFTER;
use super::segment::SegmentFile;
use super::signals::SignalsBlocked;
use super::worker::{EndOnDrop, Stepped, Worker};
use crate::core::Core;
use crate::error::{FlushError, StartError};
use crate::registry;
use crate::thread::ReentrancyGuard;

/// The drain of a logger that was started with [`Builder::start_manual`](crate::Builder::start_manual):
/// it writes only when it is polled.
///
/// It may be sent to another thread. Between polls, records wait in their rings; calls that find their
/// ring full wait or drop as configured, and [`flush`](crate::flush) and [`sync`](crate::sync) wait for
/// the next poll. The thread that owns the drain calls [its own `flush`](Self::flush) instead, because
/// no other thread polls meanwhile. Nor should it make calls that wait for room
/// ([`OnFull::Block`](crate::OnFull::Block)): they would wait for their full bound.
///
/// The dump is sealed when the drain is closed or dropped. The [`Logger`](crate::Logger) should end
/// before that: later records are counted as late. If the logger ends first, the next poll seals the
/// dump.
///
/// # Examples
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let (log, mut drain) = stenolog::Builder::new(path).start_manual()?;
/// for turn in 0..3 {
///     stenolog::info!(turn, "work");
///     let may_rest = drain.poll();
///     assert!(may_rest <= std::time::Duration::from_millis(100));
/// }
/// assert_eq!(log.stats().records, 3);
/// drop(log);
/// drain.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a drain writes only when it is polled"]
pub struct Drain {
    core: Arc<Core>,
    /// `None` once the dump is sealed, or given up.
    worker: Option<Worker>,
}

impl std::fmt::Debug for Drain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = &self.core.config.path;
        f.debug_struct("Drain").field("path", path).finish_non_exhaustive()
    }
}

impl Drain {
    /// The rest after the dump is sealed.
    const FOR_EVER: Duration = Duration::MAX;

    pub(crate) fn begin(
        core: Arc<Core>,
        file: SegmentFile,
        parker: Parker,
    ) -> Result<Self, StartError> {
        let _signals = SignalsBlocked::new();
        core.control.set_manual();
        let worker = Worker::begin(Arc::clone(&core), file, parker)?;
        Ok(Self { core, worker: Some(worker) })
    }

    /// Reads all rings once, writes what they hold, and completes the flushes that threads wait for.
    ///
    /// Returns how long the rings can be left alone, by the rate at which they fill; an earlier poll does
    /// no harm. Returns [`Duration::MAX`] once the dump is sealed.
    ///
    /// Costs one write to the file if the rings held anything. Sealing a file that cannot be written takes up
    /// to a second. Errors are passed to [`Builder::on_error`](crate::Builder::on_error), and the next poll
    /// tries again. Logging calls made on this thread during the poll are not recorded, and all signals are
    /// blocked.
    ///
    /// In a forked child it does nothing: the drain is the parent's.
    ///
    /// # Panics
    /// If the logger has a bug. The dump is then given up, as when a drain thread panics.
    pub fn poll(&mut self) -> Duration {
        if self.core.is_inherited() {
            return Self::FOR_EVER;
        }
        // A worker that panics is gone.
        let Some(mut worker) = self.worker.take() else { return Self::FOR_EVER };
        let (_signals, _refused) = (SignalsBlocked::new(), ReentrancyGuard::new());
        let end = EndOnDrop::new(Arc::clone(&self.core));
        match worker.step() {
            Stepped::Rest(rest) => {
                self.worker = Some(worker);
                rest
            }
            Stepped::Failed => {
                self.worker = Some(worker);
                RETRY_AFTER
            }
            Stepped::Ended(result) => {
                end.core.control.drain_ended(result);
                Self::FOR_EVER
            }
        }
    }

    /// Writes all that was committed before the call, as [`Logger::flush`](crate::Logger::flush) does.
    ///
    /// # Errors
    /// If a write failed, or if the dump is sealed. What was not written stays in the rings.
    pub fn flush(&mut self) -> Result<(), FlushError> {
        self.ask(false)
    }

    /// As [`flush`](Self::flush), and puts the file on the disk, as [`Logger::sync`](crate::Logger::sync) does.
    ///
    /// # Errors
    /// As [`Logger::sync`](crate::Logger::sync).
    pub fn sync(&mut self) -> Result<(), FlushError> {
        self.ask(true)
    }

    fn ask(&mut self, sync: bool) -> Result<(), FlushError> {
        if self.core.is_inherited() {
            // The threads that held the core's locks may not exist in this process.
            return Err(FlushError::Forked);
        }
        let answers = self.core.ask(sync)?;
        self.poll();
        let ended = || FlushError::Ended { path: self.core.config.path.clone() };
        answers.try_recv().map_err(|_| ended())?.map_err(FlushError::Drain)
    }

    /// Writes what the rings hold and seals the dump, as dropping it does, and returns how that went.
    ///
    /// # Errors
    /// If the dump could not be written to its end.
    pub fn close(mut self) -> Result<(), FlushError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), FlushError> {
        if self.core.is_inherited() {
            // The files are the parent's.
            std::mem::forget(self.worker.take());
            return Ok(());
        }
        if self.worker.is_some() {
            registry::uninstall(&self.core);
            self.core.control.request_stop();
            self.poll();
        }
        self.core.control.result().map_err(FlushError::Drain)
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // A program that wants the result calls `close`.
        let _ = self.end();
    }
}
