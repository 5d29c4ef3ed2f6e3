//! The drain: the thread that turns rings into a dump.
//!
//! ```text
//!   rings ──▶ scanner ──▶ frames in a buffer ──▶ output ──▶ storage: a file
//!                │                                  │
//!                └── frees a ring's records only when the file has them ◀──┘
//! ```
//!
//! What goes wrong with the file is never the application's business, but for what it asks
//! (`flush`, `sync`, `stats`) or wants to be told (`on_event`): a write that fails is tried again
//! and gone on with where it stopped, and a file that is taken away is replaced by a new one.
//!
//! It is never told that a record was committed: that would cost the caller. It looks, and then
//! sleeps for as long as the first ring takes to fill by a quarter, at the pace at which it was
//! filled since it was looked at before; at most the bound that the builder set. A call that finds
//! its ring half full wakes it before that.

mod compress;
mod manual;
mod output;
mod scanner;
mod storage;
#[cfg(test)]
mod testing;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_utils::sync::Parker;

pub use self::manual::Drain;
pub(crate) use self::output::Output;
use self::output::WriteFailure;
use self::scanner::Scanner;
#[cfg(test)]
pub(crate) use self::storage::Storage;
pub(crate) use self::storage::file::numbered;
pub(crate) use self::storage::file::{DumpFile, Earlier, session_at};
use crate::core::{Core, Request, WriteResult};
use crate::error::{DrainError, StartError};
use crate::event::Event;
use crate::fault::{self, Step};
use crate::sync::lock;

/// The shortest sleep: polling without a pause makes the producers slow.
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);

/// The shortest interval between two reports of losses.
const TELL_LOSSES_EVERY: Duration = Duration::from_secs(1);

/// How long a write that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// How long to wait, when the process ends, for a thread that has logged recently and is not asleep.
const CALLS_END_WITHIN: Duration = Duration::from_secs(1);

/// How often a drain that was told to stop tries to write before it gives up.
const LAST_ATTEMPTS: usize = 20;

/// Begins the dump and starts the drain thread.
pub(crate) fn start(
    core: Arc<Core>,
    output: Output,
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
            let worker = settle(&core).and_then(|()| Worker::begin(core, output, parker));
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
            // The file and its lock are let go of when the thread has ended.
            let _ = thread.join();
            Err(error)
        }
        // A panic is told by whoever waits for the drain.
        Ok(Ok(())) | Err(_) => Ok(Some(thread)),
    }
}

/// Puts this thread where the builder wants the drain's.
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
        // Else the system may add 50 µs to each sleep. Where it refuses, rings are a little fuller.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
    let _ = core;
    Ok(())
}

/// Marks the drain as ended, even if it panicked, so that no thread waits for it.
struct EndOnDrop {
    core: Arc<Core>,
    /// Another panic, during which a manual drain may be polled.
    was_panicking: bool,
}

impl EndOnDrop {
    fn new(core: Arc<Core>) -> Self {
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

/// What drains, on whatever thread.
struct Worker {
    scanner: Scanner,
    parker: Parker,
    failing: Option<Failing>,
    last_pass: Instant,
    /// How long to rest, as the last pass that succeeded has it.
    rest: Duration,
    losses: ToldLosses,
}

/// The losses reported so far.
#[derive(Default)]
struct ToldLosses {
    total: u64,
    last: Option<Instant>,
}

impl ToldLosses {
    /// Reports records that were lost since the last time, at most once a second unless it is the last
    /// chance.
    fn tell(&mut self, core: &Core, is_last: bool) {
        let total = core.counters.lost.load(Ordering::Relaxed);
        let is_time = || self.last.is_none_or(|last| last.elapsed() >= TELL_LOSSES_EVERY);
        if total > self.total && (is_last || is_time()) {
            let records = total - self.total;
            (self.total, self.last) = (total, Some(Instant::now()));
            let path = core.config.path.clone();
            core.config.listeners.tell(Event::Lost { path, records, total });
        }
    }
}

/// How a step of the drain went.
enum Stepped {
    /// How long the rings may be left alone.
    Rest(Duration),
    /// The file cannot be written.
    Failed,
    /// The dump is sealed, or given up.
    Ended(WriteResult),
}

/// Writing fails.
struct Failing {
    since: Instant,
    /// How many records had been lost before.
    lost: u64,
    /// What was said of it last.
    told: DrainError,
}

impl Worker {
    /// Begins the dump.
    ///
    /// At once: the rings of a process that is killed soon are found by what the dump begins with.
    fn begin(core: Arc<Core>, output: Output, parker: Parker) -> Result<Self, StartError> {
        let path = core.config.path.clone();
        let mut scanner = Scanner::new(core, output);
        match scanner.write() {
            // A file that was taken away meanwhile is the drain's business.
            Ok(()) | Err(WriteFailure::Taken(_)) => {}
            Err(WriteFailure::Write(source) | WriteFailure::Replace(_, source)) => {
                return Err(StartError::Create { path, source });
            }
        }
        fault::after(Step::DumpBegun);
        let (last_pass, rest) = (Instant::now(), SHORTEST_SLEEP);
        let losses = ToldLosses::default();
        Ok(Self { scanner, parker, failing: None, last_pass, rest, losses })
    }

    fn run(mut self) -> WriteResult {
        loop {
            match self.step() {
                Stepped::Rest(rest) => {
                    if !rest.is_zero() && !self.scanner.core().control.has_requests() {
                        self.parker.park_timeout(rest);
                    }
                }
                Stepped::Failed => self.rest_after_failure(),
                Stepped::Ended(result) => return result,
            }
        }
    }

    /// Does what is asked of the drain, and writes what the rings hold.
    fn step(&mut self) -> Stepped {
        let core = Arc::clone(self.scanner.core());
        let (requests, stop) = core.control.take_requests();
        if stop {
            return Stepped::Ended(self.finish(requests));
        }
        let started = Instant::now();
        let since_last_pass = started - self.last_pass;
        let pass = self.scanner.pass(!requests.is_empty());
        let ended = Instant::now();
        self.scanner.note_load(ended - started, since_last_pass);
        if let Ok(due) = &pass {
            let longest = core.config.deliver_within;
            self.rest = due.map_or(longest, |due| due.saturating_duration_since(ended));
        }
        self.last_pass = started;
        let written = self.judge(pass.map(drop));
        self.losses.tell(&core, false);
        let failed = written.is_err();
        self.answer(requests, written);
        if failed { Stepped::Failed } else { Stepped::Rest(self.rest) }
    }

    /// Notes how an attempt to write went, and tells if that is news.
    fn judge(&mut self, attempt: Result<(), WriteFailure>) -> WriteResult {
        let core = Arc::clone(self.scanner.core());
        let counters = &core.counters;
        let lost = counters.lost.load(Ordering::Relaxed);
        let Err(failure) = attempt else {
            if let Some(failing) = self.failing.take() {
                *lock(&counters.failing) = None;
                let output = self.scanner.output();
                core.config.listeners.tell(DrainError::Resumed {
                    path: output.path().to_owned(),
                    offset: output.written_bytes(),
                    failed_for: failing.since.elapsed(),
                    lost: lost - failing.lost,
                });
            }
            return Ok(());
        };
        let error = self.scanner.describe(failure);
        counters.write_errors.fetch_add(1, Ordering::Relaxed);
        *lock(&counters.failing) = error.io_error().map(io::Error::kind);
        let is_news = self.failing.as_ref().is_none_or(|failing| is_other(&failing.told, &error));
        if is_news {
            core.config.listeners.tell(error.clone());
            let told = error.clone();
            let begun = || Failing { since: Instant::now(), lost, told: told.clone() };
            self.failing.get_or_insert_with(begun).told = told.clone();
        }
        Err(error)
    }

    /// Answers requests with how the pass went, and the sync if one of them wants it.
    fn answer(&mut self, requests: Vec<Request>, written: WriteResult) {
        let wants_sync = requests.iter().any(|request| request.sync);
        let synced = match &written {
            Ok(()) if wants_sync => self.scanner.sync(),
            _ => written.clone(),
        };
        for request in requests {
            let result = if request.sync { synced.clone() } else { written.clone() };
            request.answer(result);
        }
    }

    /// Leaves a file that cannot be written alone for a while, however often a call that waits for
    /// room wakes the drain; not if somebody waits for an answer.
    fn rest_after_failure(&self) {
        let until = Instant::now() + RETRY_AFTER;
        let core = self.scanner.core();
        while !core.control.has_requests() {
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
            let _ = self.scanner.pass(true);
            // Threads first: a call that leaves the hot path after this look is counted at the next.
            let is_under_way =
                self.scanner.is_any_thread_running() || crate::process::calls::is_any_under_way();
            if !is_under_way || Instant::now() >= until {
                // What those that have ended committed meanwhile, sealing takes.
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Writes what is left, and seals the dump.
    fn finish(&mut self, requests: Vec<Request>) -> WriteResult {
        if self.scanner.is_doubtful() {
            // The last chance to see, and to state, what the operating system has lost.
            let _ = self.scanner.sync();
        }
        if self.scanner.core().control.is_exiting() {
            self.await_calls();
        }
        let mut attempts = 1;
        let result = loop {
            let attempt = self.scanner.seal();
            match self.judge(attempt) {
                Err(_) if attempts < LAST_ATTEMPTS => std::thread::sleep(RETRY_AFTER),
                result => break result,
            }
            attempts += 1;
        };
        fault::after(Step::Sealed);
        self.losses.tell(self.scanner.core(), true);
        self.scanner.tell_volatile(true);
        self.scanner.leave_rings();
        fault::after(Step::RingsLeft);
        if let Err(DrainError::Write { source, .. } | DrainError::Replace { source, .. }) = &result
        {
            let output = self.scanner.output();
            self.scanner.core().config.listeners.tell(DrainError::GivenUp {
                path: output.path().to_owned(),
                offset: output.written_bytes(),
                source: Arc::clone(source),
            });
        }
        if result.is_ok()
            && let Some(dir) = self.scanner.core().ring_dir()
        {
            dir.remove();
            fault::after(Step::RingsRemoved);
        }
        self.answer(requests, result.clone());
        result
    }
}

/// Whether two errors are not the same thing that goes on.
fn is_other(before: &DrainError, now: &DrainError) -> bool {
    let kind =
        |error: &DrainError| (std::mem::discriminant(error), error.io_error().map(io::Error::kind));
    kind(before) != kind(now)
}

/// How long a ring of `capacity` bytes may be left alone, of which `bytes` were filled in the time
/// `over`: until a quarter is full again.
fn next_sleep(bytes: usize, capacity: usize, over: Duration, longest: Duration) -> Duration {
    let shortest = SHORTEST_SLEEP.min(longest);
    // Its thread may have had to wait, or began just now: nobody knows how fast it would be.
    if bytes >= capacity / 2 {
        return shortest;
    }
    // In floating point, as the product may be longer than any duration.
    let wanted = over.as_secs_f64() * (capacity / 4) as f64 / bytes as f64;
    let wanted = Duration::try_from_secs_f64(wanted).unwrap_or(longest);
    wanted.clamp(shortest, longest)
}

/// Blocks all signals while the drain thread is spawned, which inherits that: the application's
/// handlers run on the application's threads.
struct SignalsBlocked {
    #[cfg(unix)]
    before: libc::sigset_t,
}

impl SignalsBlocked {
    #[cfg(unix)]
    fn new() -> Self {
        // SAFETY: both sets are plain data and live on this stack; the calls only fill and read
        // them, and cannot fail with these arguments.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is what the thread's mask was. The sets and the number live on this stack,
        // and a signal that is pending and blocked is waited for in no time.
        unsafe {
            // A file beyond its limit is told by the write's error: the signal would end the process.
            let mut pending = std::mem::zeroed();
            libc::sigpending(&raw mut pending);
            if libc::sigismember(&raw const pending, libc::SIGXFSZ) == 1
                && libc::sigismember(&raw const self.before, libc::SIGXFSZ) == 0
            {
                let mut set = std::mem::zeroed();
                let mut signal = 0;
                libc::sigemptyset(&raw mut set);
                libc::sigaddset(&raw mut set, libc::SIGXFSZ);
                libc::sigwait(&raw const set, &raw mut signal);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests;
