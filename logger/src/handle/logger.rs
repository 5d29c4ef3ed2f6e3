//! Logger: the handle of a running logger, and functions of the global one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::call::rate;
use crate::core::{Core, WriteResult};
use crate::error::FlushError;
use crate::event::Event;
use crate::filter::{Filter, FilterError};
use crate::handle::panics::Captured;
use crate::handle::scope::Scope;
use crate::handle::{exit, fork};
use crate::process::epoch;
use crate::registry;
use crate::ring_dir::RingDir;
use crate::stats::{DROPPED_NO_LOGGER, LATE, Stats};
use crate::sync::lock;
use crate::thread;

/// A running logger. Dropping it writes the records that are still in the rings and seals the dump.
///
/// Keep it for as long as the program logs, usually in a variable of `main`. Threads may log after it is
/// dropped; their records are discarded and counted. All methods may be called from several threads at once.
///
/// On Unix, a logger that is still running when the process ends normally (in a `static`, or forgotten) is
/// sealed then, after the `atexit` handlers: on return from `main` and on `exit`, but not on `_exit`,
/// `exec`, `abort` or a signal. Other threads that log after that block until the process has ended, for at
/// most a second. This does not happen with a [manual](crate::Builder::start_manual) drain or on Windows.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let log: stenolog::Logger = stenolog::Builder::new(path).start()?;
/// stenolog::info!("ready");
/// log.close()?; // or drop it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a logger ends when it is dropped: keep it in a variable, such as `_log`"]
pub struct Logger {
    core: Arc<Core>,
    /// The drain thread; `None` if the program polls the drain.
    drain: Option<JoinHandle<()>>,
    has_ended: bool,
    is_global: Option<bool>,
    /// Until the logger ends.
    panics: Option<Captured>,
}

impl Logger {
    pub(crate) fn new(core: Arc<Core>, drain: Option<JoinHandle<()>>) -> Self {
        if drain.is_some() {
            // Memory for it may come from an allocator that logs.
            let _refused = thread::ReentrancyGuard::new();
            registry::note_running(&core);
            exit::watch();
        }
        Self { core, drain, has_ended: false, is_global: None, panics: None }
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn set_global(&mut self, is_global: bool) {
        self.is_global = Some(is_global);
        self.panics = self.core.config.capture_panics.then(Captured::new);
    }

    /// Returns the path of the dump: as given to the builder, or the numbered path beside it with
    /// [`IfBusy::NumberedPath`](crate::IfBusy). If a file that is not a dump was put at the path
    /// meanwhile, the log continues beside it: [`Event::Replaced`] says where.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.core.config.path
    }

    /// Returns the directory of the rings if they are in files. It is removed when the dump is sealed.
    #[must_use]
    pub fn ring_dir(&self) -> Option<&Path> {
        self.core.ring_dir().map(RingDir::path)
    }

    /// Waits until the operating system has every record that any thread committed before the call. These
    /// records then survive the process, but not a power loss.
    ///
    /// # Errors
    /// If a write failed. What was not written stays in the rings and is tried again.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).start()?;
    /// stenolog::info!("about to do something risky");
    /// log.flush()?;
    /// assert_eq!(log.stats().records, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) -> Result<(), FlushError> {
        flush_core(&self.core, false)
    }

    /// Like [`flush`](Self::flush), but also waits until the records, and the file's name in its folder, are on
    /// the disk. They then survive a power loss.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush), or if the operating system cannot put the file on the disk. It may then
    /// have dropped the data that it could not write, and report success from then on. The next call therefore
    /// reads back everything since the last successful sync, and writes it again. If some of it cannot be read
    /// back as it was written, it is lost: that call fails too, and the log continues in a new file that states
    /// which records are lost.
    pub fn sync(&self) -> Result<(), FlushError> {
        flush_core(&self.core, true)
    }

    /// Returns the statistics of this logger. Takes no lock that a log call takes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats_of(&self.core)
    }

    /// Changes the filter, from the next call of each thread on. Has no effect in a forked child, which logs
    /// nothing. Afterwards each call site evaluates the filter once more, which costs about a microsecond.
    ///
    /// # Errors
    /// If the directives (see [`Builder::filter`](crate::Builder::filter)) cannot be parsed. The filter then
    /// stays as it was.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).filter("info").start()?;
    /// stenolog::debug!("not logged");
    /// log.set_filter("debug")?;
    /// stenolog::debug!("logged");
    /// log.flush()?;
    /// assert_eq!(log.stats().records, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_filter(&self, directives: &str) -> Result<(), FilterError> {
        let filter = Filter::parse(directives)?;
        if !self.core.is_inherited() {
            registry::set_filter(&self.core, filter);
        }
        Ok(())
    }

    /// Sends the calls of this thread to this logger, and to no other, until the scope is dropped.
    ///
    /// Scopes nest; the innermost applies. A thread that is spawned in one starts outside of it. If the
    /// logger ends before the scope, the thread's calls are not logged. In destructors of thread-locals
    /// scopes may have no effect.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// let log = stenolog::Builder::new(folder.path().join("test.steno")).start_detached()?;
    /// let scope = log.enter();
    /// stenolog::info!("only this logger gets it");
    /// drop(scope);
    /// log.flush()?;
    /// assert_eq!(log.stats().records, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter(&self) -> Scope {
        Scope::enter(Arc::clone(&self.core))
    }

    /// Writes the records in the rings, seals the dump and ends the logger, as dropping it does, but returns
    /// whether this succeeded. With a [manual](crate::Builder::start_manual) drain it only ends the logger, and
    /// the [`Drain`](crate::Drain) seals the dump.
    ///
    /// # Errors
    /// If the dump could not be written to its end.
    pub fn close(mut self) -> Result<(), FlushError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), FlushError> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        self.panics = None;
        let drain = self.drain.take();
        if self.core.is_inherited() {
            // The drain is the parent's: there is no thread here to wait for or to detach.
            std::mem::forget(drain);
            return fork::end_own();
        }
        let scope = self.enter();
        rate::state_rest(&self.core);
        drop(scope);
        match self.is_global {
            Some(true) => {
                registry::uninstall(&self.core);
                fork::forget_recipe(&self.core);
            }
            Some(false) => registry::count_detached(-1),
            None => {}
        }
        self.core.control.request_stop();
        // A manual drain seals the dump when it is polled, maybe by this thread.
        match drain.map_or(Ok(()), JoinHandle::join) {
            Ok(()) => self.core.control.result().map_err(FlushError::Drain),
            // It panicked, and the panic hook has reported that.
            Err(_) => Err(FlushError::Ended { path: self.core.config.path.clone() }),
        }
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // `close` returns how it went.
        let _ = self.end();
        let counters = &self.core.counters;
        let records =
            counters.records.load(Ordering::Relaxed) + counters.lost.load(Ordering::Relaxed);
        if records == 0 && self.is_global == Some(true) && !self.core.is_inherited() {
            let path = self.core.config.path.clone();
            self.core.config.listeners.tell(Event::EndedUnused { path });
        }
    }
}

/// Waits until everything committed before is written, and on the disk if `sync`.
fn flush_core(core: &Core, sync: bool) -> Result<(), FlushError> {
    if core.is_inherited() {
        let own = fork::own_core().ok_or(FlushError::Forked)?;
        return flush_core(&own, sync);
    }
    let answer = ask(core, sync)?.recv().map_err(|_| ended(core))?;
    answer.map_err(FlushError::Drain)
}

/// Asks the drain to write what is committed. It must not wait for itself, which it would in a panic hook that it
/// runs.
fn ask(core: &Core, sync: bool) -> Result<Receiver<WriteResult>, FlushError> {
    if thread::is_busy() { Err(ended(core)) } else { core.ask(sync) }
}

fn ended(core: &Core) -> FlushError {
    FlushError::Ended { path: core.config.path.clone() }
}

/// Flushes the global logger, but waits no longer than this: the caller may be what the drain waits for. A manual
/// drain is not waited for, as this thread may have to poll it.
pub(crate) fn flush_within(limit: Duration) {
    let Ok(core) = global() else { return };
    if !core.control.is_manual()
        && let Ok(answers) = ask(&core, false)
    {
        let _ = answers.recv_timeout(limit);
    }
}

pub(crate) fn stats_of(core: &Core) -> Stats {
    let counters = &core.counters;
    Stats {
        records: counters.records.load(Ordering::Relaxed),
        lost: counters.lost.load(Ordering::Relaxed),
        written_bytes: counters.written_bytes.load(Ordering::Relaxed),
        write_errors: counters.write_errors.load(Ordering::Relaxed),
        sync_errors: counters.sync_errors.load(Ordering::Relaxed),
        files_replaced: counters.files_replaced.load(Ordering::Relaxed),
        lost_with_files: counters.lost_with_files.load(Ordering::Relaxed),
        failing: *lock(&counters.failing),
        memory_rings: core.rings.memory_rings(),
        ..stats_of_process()
    }
}

fn stats_of_process() -> Stats {
    Stats {
        late: LATE.load(Ordering::Relaxed),
        unheard: DROPPED_NO_LOGGER.load(Ordering::Relaxed),
        call_sites: registry::entry_count(),
        ..Stats::default()
    }
}

/// The global logger. A forked child has none, unless it has its own.
fn global() -> Result<Arc<Core>, FlushError> {
    if epoch::is_unobserved() {
        return Err(FlushError::Forked);
    }
    registry::global().ok_or_else(|| match epoch::current() {
        0 => FlushError::NotStarted,
        _ => FlushError::Forked,
    })
}

/// Waits until the operating system has every committed record: [`Logger::flush`] of the global logger.
///
/// # Errors
/// As for the method, or if no global logger is running.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let _log = stenolog::Builder::new(path).start()?;
/// stenolog::info!("ready");
/// stenolog::flush()?;
/// assert_eq!(stenolog::stats().records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn flush() -> Result<(), FlushError> {
    flush_core(&*global()?, false)
}

/// Waits until every committed record is on the disk: [`Logger::sync`] of the global logger.
///
/// # Errors
/// As for the method, or if no global logger is running.
pub fn sync() -> Result<(), FlushError> {
    flush_core(&*global()?, true)
}

/// Returns what the global logger has done so far: [`Logger::stats`]. Without one, only the numbers of the
/// process are other than 0.
///
/// ```
/// stenolog::info!("no logger takes this");
/// assert_eq!(stenolog::stats().unheard, 1);
/// ```
#[must_use]
pub fn stats() -> Stats {
    global().map_or_else(|_| stats_of_process(), |core| stats_of(&core))
}

/// The error of [`set_filter`]: why the filter was not changed.
///
/// ```
/// use stenolog::SetFilterError;
///
/// let error = stenolog::set_filter("info").unwrap_err();
/// assert!(matches!(error, SetFilterError::NotStarted), "no logger runs yet");
/// let error = stenolog::set_filter("app=loud").unwrap_err();
/// assert!(matches!(error, SetFilterError::Filter(_)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetFilterError {
    /// No global logger is running.
    #[error("no logger is running: keep the value that `Builder::start` returns")]
    NotStarted,
    /// The process is a fork of the one that logs.
    #[error("this process is a forked child: its parent's logger is not its own")]
    Forked,
    /// The directives cannot be parsed.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

/// Changes the filter of the global logger: [`Logger::set_filter`].
///
/// # Errors
/// As there, or if no global logger runs.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let _log = stenolog::Builder::new(path).filter("info").start()?;
/// stenolog::set_filter("info,app::net=trace")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_filter(directives: &str) -> Result<(), SetFilterError> {
    let filter = Filter::parse(directives)?;
    match global() {
        Ok(core) => registry::set_filter(&core, filter),
        Err(FlushError::Forked) => return Err(SetFilterError::Forked),
        Err(_) => return Err(SetFilterError::NotStarted),
    }
    Ok(())
}
