//! A drain without a thread of its own, for programs that control their cores.

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
/// It may be sent to another thread. Between polls, records wait in their rings; calls that find their ring
/// full wait or drop as configured, and [`flush`](crate::flush) and [`sync`](crate::sync) wait for the next
/// poll. The thread that owns the drain must call [its own `flush`](Self::flush) instead, because no other
/// thread polls meanwhile. It should also not make calls that wait for room
/// ([`OnFull::Block`](crate::OnFull::Block)): they would wait for their full bound.
///
/// The dump is sealed when the drain is closed or dropped. End the [`Logger`](crate::Logger) before that: later
/// records are counted as late. If the logger ends first, the next poll seals the dump.
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
    /// The returned time when nothing is left to do.
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

    /// Drains all rings once, writes their records to the dump or to its tail, and wakes threads that wait for a flush. Returns how long
    /// the next poll can wait, judging by how fast the rings were filled; polling earlier does no harm.
    ///
    /// Costs one write to the file if there were records, and up to a second if the dump must be sealed but
    /// cannot be written. Once the dump is sealed, `Duration::MAX` is returned. Errors are reported to
    /// [`Builder::on_error`](crate::Builder::on_error), and the next poll retries. Log calls made during a poll
    /// are not recorded, and all signals are blocked meanwhile.
    ///
    /// Does nothing in a forked child, because the drain belongs to the parent.
    ///
    /// # Panics
    /// If the logger has a bug. The dump is then no longer written, as when a drain thread panics.
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

    /// Writes all records committed before the call, as [`Logger::flush`](crate::Logger::flush) does.
    ///
    /// # Errors
    /// If a write failed, or if the dump is sealed. What was not written stays in the rings.
    pub fn flush(&mut self) -> Result<(), FlushError> {
        self.ask(false)
    }

    /// Like [`flush`](Self::flush), and puts the records on the disk, as [`Logger::sync`](crate::Logger::sync)
    /// does.
    ///
    /// # Errors
    /// As for [`Logger::sync`](crate::Logger::sync).
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

    /// Writes the records in the rings and seals the dump, as dropping it does, but returns whether this
    /// succeeded.
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
        // Callers who want the error call `close`.
        let _ = self.end();
    }
}
