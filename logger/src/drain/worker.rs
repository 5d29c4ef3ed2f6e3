//! Worker: the loop of a drain, on a thread of its own or polled by the program.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stenolog_session::failpoint::{self, Step};

use crossbeam_utils::sync::Parker;

#[cfg(feature = "console")]
use super::console::ConsoleFeed;
use super::filter_file::FilterFile;
use super::pacing::{RETRY_AFTER, SHORTEST_SLEEP};
use super::pass::Drainer;
use super::report::{LossReports, WriteReports};
use super::segment::{SegmentFile, WriteFailure};
use super::signals::SignalsBlocked;
use crate::core::{Core, Request, WriteResult};
use crate::error::{DrainError, StartError};

/// How long to wait, when the process ends, for a thread that logged recently and is not asleep.
const CALLS_END_WITHIN: Duration = Duration::from_secs(1);

/// How often a drain that was told to stop tries to write before it gives up.
const LAST_ATTEMPTS: usize = 20;

/// Begins the dump and starts the drain thread.
pub(crate) fn start(
    core: Arc<Core>,
    file: SegmentFile,
    parker: Parker,
) -> Result<Option<std::thread::JoinHandle<()>>, StartError> {
    let path = core.config.path.clone();
    let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
    let spawned = {
        let _signals = SignalsBlocked::new();
        let thread = std::thread::Builder::new().name("stenolog-drain".to_owned());
        thread.spawn(move || {
            crate::thread::begin_drain_thread();
            let end = EndOnDrop::new(Arc::clone(&core));
            // Here: a file beyond its limit raises a signal that only this thread has blocked.
            let worker = settle(&core).and_then(|()| Worker::begin(core, file, parker));
            match worker {
                Ok(worker) => {
                    let _ = begun.send(Ok(()));
                    end.core.control.drain_ended(worker.run());
                }
                Err(error) => {
                    let _ = begun.send(Err(error));
                }
            }
        })
    };
    let thread = spawned.map_err(|source| StartError::Thread { path: path.clone(), source })?;
    match has_begun.recv() {
        Ok(Err(error)) => {
            // The file and its lock are released when the thread has ended.
            let _ = thread.join();
            Err(error)
        }
        // A panic is reported to callers that wait for the drain.
        Ok(Ok(())) | Err(_) => Ok(Some(thread)),
    }
}

/// Gives this thread the core and the niceness that the builder wants.
fn settle(core: &Core) -> Result<(), StartError> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let config = &core.config;
        let refused = |source: rustix::io::Errno| StartError::DrainThread {
            path: config.path.clone(),
            source: source.into(),
        };
        if let Some(at) = config.drain_core {
            if at >= rustix::thread::CpuSet::MAX_CPU {
                return Err(refused(rustix::io::Errno::INVAL));
            }
            let mut set = rustix::thread::CpuSet::new();
            set.set(at);
            rustix::thread::sched_setaffinity(None, &set).map_err(refused)?;
        }
        if let Some(nice) = config.drain_nice {
            // Of the calling thread: only elsewhere it is the process's.
            rustix::process::setpriority_process(None, nice).map_err(refused)?;
        }
        // The system may add 50 µs to each sleep otherwise. If it refuses, rings are a little fuller.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
    let _ = core;
    Ok(())
}

/// Marks the drain as ended, even if it panicked, so no thread waits for it.
pub(super) struct EndOnDrop {
    pub(super) core: Arc<Core>,
    /// Another panic, during which a manual drain may be polled.
    was_panicking: bool,
}

impl EndOnDrop {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, was_panicking: std::thread::panicking() }
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.was_panicking {
            let Self { core, .. } = self;
            crate::registry::uninstall(core);
            let error = DrainError::Panicked { path: core.config.path.clone() };
            core.config.listeners.tell(error.clone());
            core.control.drain_ended(Err(error));
        }
    }
}

/// Drains, step by step, on the thread that calls it.
pub(super) struct Worker {
    drainer: Drainer,
    parker: Parker,
    writes: WriteReports,
    losses: LossReports,
    filter_file: Option<FilterFile>,
    last_pass: Instant,
    /// How long to rest, by the last pass that succeeded.
    rest: Duration,
}

/// The result of a step.
pub(super) enum Stepped {
    /// How long the rings may be left alone.
    Rest(Duration),
    /// The file cannot be written.
    Failed,
    /// The dump is sealed, or given up.
    Ended(WriteResult),
}

impl Worker {
    /// Begins the dump.
    ///
    /// At once: if the process is killed soon, its rings are found by the dump's beginning.
    pub(super) fn begin(
        core: Arc<Core>,
        file: SegmentFile,
        parker: Parker,
    ) -> Result<Self, StartError> {
        let path = core.config.path.clone();
        let mut drainer = Drainer::new(core, file);
        #[cfg(feature = "console")]
        if let Some(console) = &drainer.core.config.console {
            drainer.console = Some(ConsoleFeed::new(crate::console::open(console)?));
        }
        match drainer.write() {
            // A file that was taken away meanwhile is replaced later.
            Ok(()) | Err(WriteFailure::Taken(_)) => {}
            Err(WriteFailure::Write(source) | WriteFailure::Replace(_, source)) => {
                return Err(StartError::Create { path, source });
            }
        }
        failpoint::after(Step::DumpBegun);
        let file = drainer.core.config.filter_file.clone();
        let mut filter_file = file.map(FilterFile::new);
        // Before the first call: the logger is not installed yet.
        if let Some(file) = &mut filter_file {
            file.poll(&drainer.core, Instant::now());
        }
        Ok(Self {
            filter_file,
            drainer,
            parker,
            writes: WriteReports::default(),
            losses: LossReports::default(),
            last_pass: Instant::now(),
            rest: SHORTEST_SLEEP,
        })
    }

    fn core(&self) -> &Arc<Core> {
        &self.drainer.core
    }

    /// Drains until the logger ends.
    fn run(mut self) -> WriteResult {
        loop {
            match self.step() {
                Stepped::Rest(rest) => {
                    self.rest(rest);
                }
                Stepped::Failed => self.rest_after_failure(),
                Stepped::Ended(result) => return result,
            }
        }
    }

    /// Rests, and goes on as long as there is nothing to do. Most programs log little most of the time.
    fn rest(&mut self, rest: Duration) {
        let longest = self.core().config.deliver_within;
        while !rest.is_zero() && !self.core().control.has_requests() {
            self.parker.park_timeout(rest);
            self.poll_filter_file();
            if rest < longest || !self.drainer.is_idle() {
                break;
            }
        }
    }

    /// Does what is asked of the drain, and writes what the rings hold.
    pub(super) fn step(&mut self) -> Stepped {
        let core = Arc::clone(self.core());
        let (requests, stop) = core.control.take_requests();
        if stop {
            return Stepped::Ended(self.finish(requests));
        }
        self.poll_filter_file();
        let started = Instant::now();
        let since_last_pass = started - self.last_pass;
        let pass = self.drainer.pass(!requests.is_empty());
        let ended = Instant::now();
        self.drainer.note_load(ended - started, since_last_pass);
        if let Ok(due) = &pass {
            let longest = core.config.deliver_within;
            self.rest = due.map_or(longest, |due| due.saturating_duration_since(ended));
        }
        self.last_pass = started;
        let written = self.note_write(pass.map(drop));
        self.losses.tell(&core, false);
        let failed = written.is_err();
        self.answer(requests, written);
        if failed { Stepped::Failed } else { Stepped::Rest(self.rest) }
    }

    fn poll_filter_file(&mut self) {
        if let Some(file) = &mut self.filter_file {
            file.poll(&self.drainer.core, Instant::now());
        }
    }

    fn note_write(&mut self, attempt: Result<(), WriteFailure>) -> WriteResult {
        self.writes.note(&self.drainer.core, self.drainer.file(), attempt)
    }

    /// Waits until the console has everything.
    fn flush_console(&mut self) {
        #[cfg(feature = "console")]
        if let Some(console) = &mut self.drainer.console {
            console.flush();
        }
    }

    /// Answers requests with the result of the pass, and of a sync if one of them asks for it.
    fn answer(&mut self, requests: Vec<Request>, written: WriteResult) {
        let wants_sync = requests.iter().any(|request| request.sync);
        let synced = match &written {
            Ok(()) if wants_sync => self.drainer.sync(),
            _ => written.clone(),
        };
        if !requests.is_empty() {
            self.flush_console();
        }
        for request in requests {
            let result = if request.sync { synced.clone() } else { written.clone() };
            request.answer(result);
        }
    }

    /// Rests after a write that failed, however often calls that wait for room wake the drain. A request
    /// ends the rest.
    fn rest_after_failure(&self) {
        let until = Instant::now() + RETRY_AFTER;
        while !self.core().control.has_requests() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.parker.park_timeout(left);
        }
    }

    /// Waits for calls that other threads began before the logger was told to stop. The drain would not
    /// see what they commit later, although they return before the process ends.
    fn await_calls(&mut self) {
        let until = Instant::now() + CALLS_END_WITHIN;
        loop {
            // New rings are found here, and calls that wait for room get it.
            let _ = self.drainer.pass(true);
            // Threads first: a call that leaves the hot path after this look is counted at the next.
            let is_under_way = self.drainer.rings.is_any_thread_running()
                || crate::process::calls::is_any_under_way();
            if !is_under_way || Instant::now() >= until {
                // Sealing takes what calls that have ended committed meanwhile.
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Writes what is left, and seals the dump.
    fn finish(&mut self, requests: Vec<Request>) -> WriteResult {
        if self.drainer.segments.is_doubtful() {
            // The last chance to notice, and to state, what the operating system has lost.
            let _ = self.drainer.sync();
        }
        if self.core().control.is_exiting() {
            self.await_calls();
        }
        let mut attempts = 1;
        let result = loop {
            let attempt = self.drainer.seal();
            match self.note_write(attempt) {
                Err(_) if attempts < LAST_ATTEMPTS => std::thread::sleep(RETRY_AFTER),
                result => break result,
            }
            attempts += 1;
        };
        failpoint::after(Step::Sealed);
        if result.is_ok() {
            self.drainer.tail.remove();
            self.drainer.segments.current.file.end();
        }
        let core = Arc::clone(self.core());
        self.losses.tell(&core, true);
        let Drainer { rings, segments, .. } = &mut self.drainer;
        let file = &segments.current.file;
        rings.tell_volatile(&core, file.path(), true);
        rings.leave(&core);
        failpoint::after(Step::RingsLeft);
        if let Err(DrainError::Write { source, .. } | DrainError::Replace { source, .. }) = &result
        {
            core.config.listeners.tell(DrainError::GivenUp {
                path: file.path().to_owned(),
                offset: file.written_bytes(),
                source: Arc::clone(source),
            });
        }
        if result.is_ok()
            && let Some(dir) = core.ring_dir()
        {
            dir.remove();
            failpoint::after(Step::RingsRemoved);
        }
        self.flush_console();
        self.answer(requests, result.clone());
        result
    }
}
