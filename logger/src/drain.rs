//! The drain: the thread that turns rings into a dump.
//!
//! ```text
//!   rings ──▶ scanner ──▶ frames in a buffer ──▶ output ──▶ file
//!                │                                  │
//!                └── frees a ring's records only when the file has them ◀──┘
//! ```
//!
//! It is never told that a record was committed: that would cost the caller. It looks, and then
//! sleeps for as long as the rings take to fill by a quarter at the pace of the last pass, at most
//! the bound that the builder set. A call that finds its ring half full wakes it before that.

mod output;
mod scanner;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_utils::sync::Parker;

pub use self::output::Existing;
pub(crate) use self::output::Output;
use self::scanner::Scanner;
use crate::shared::{Core, Request, WriteResult};

/// The shortest sleep: polling without a pause makes the producers slow.
const SHORTEST_SLEEP: Duration = Duration::from_micros(50);

/// How long a write that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// How often a drain that was told to stop tries to write before it gives up.
const LAST_ATTEMPTS: usize = 20;

/// Starts the drain thread.
pub(crate) fn start(
    core: Arc<Core>,
    output: Output,
    parker: Parker,
) -> io::Result<std::thread::JoinHandle<()>> {
    let _signals = SignalsBlocked::new();
    std::thread::Builder::new().name("stenolog-drain".to_owned()).spawn(move || {
        crate::thread::be_deaf();
        let end = EndOnDrop(Arc::clone(&core));
        let result = Drain { scanner: Scanner::new(core, output), parker }.run();
        end.0.drain_ended(result);
    })
}

/// Says that the drain has ended even if it panicked: nobody may wait for it then.
struct EndOnDrop(Arc<Core>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            crate::registry::uninstall(&self.0);
            self.0.drain_ended(Err(Arc::new(io::Error::other("the drain thread panicked"))));
        }
    }
}

struct Drain {
    scanner: Scanner,
    parker: Parker,
}

impl Drain {
    fn run(mut self) -> WriteResult {
        let core = Arc::clone(self.scanner.core());
        let quarter = core.config.ring_capacity_bytes / 4;
        let mut sleep = SHORTEST_SLEEP;
        let mut last_pass = Instant::now();
        loop {
            let (requests, stop) = core.take_requests();
            if stop {
                return self.finish(requests);
            }
            let started = Instant::now();
            let pass = self.scanner.pass(!requests.is_empty());
            let failed = pass.is_err();
            if let Ok(fullest) = &pass {
                let longest = core.config.deliver_within;
                sleep = next_sleep(*fullest, quarter, started - last_pass, longest);
            }
            last_pass = started;
            self.answer(requests, pass.map(drop).map_err(Arc::new));
            if failed {
                core.counters.write_errors.fetch_add(1, Ordering::Relaxed);
                self.rest_after_failure();
            } else if !core.has_requests() {
                self.parker.park_timeout(sleep);
            }
        }
    }

    /// Answers requests with how the pass went, and the sync if one of them wants it.
    fn answer(&self, requests: Vec<Request>, written: WriteResult) {
        let wants_sync = requests.iter().any(|request| request.sync);
        let synced = match &written {
            Ok(()) if wants_sync => self.scanner.sync().map_err(Arc::new),
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
        while !core.has_requests() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.parker.park_timeout(left);
        }
    }

    /// Writes what is left, and seals the dump.
    fn finish(&mut self, requests: Vec<Request>) -> WriteResult {
        let mut result = self.scanner.seal();
        for _ in 1..LAST_ATTEMPTS {
            if result.is_ok() {
                break;
            }
            std::thread::sleep(RETRY_AFTER);
            result = self.scanner.seal();
        }
        self.scanner.leave_rings();
        if result.is_ok()
            && let Some(dir) = self.scanner.core().ring_dir()
        {
            dir.remove();
        }
        let result = result.map_err(Arc::new);
        self.answer(requests, result.clone());
        result
    }
}

/// How long the fullest ring takes to fill by `quarter` bytes, if it got `pace` bytes since the
/// last pass. If nothing came, the longest: a burst that follows wakes the drain.
fn next_sleep(
    pace: usize,
    quarter: usize,
    since_last_pass: Duration,
    longest: Duration,
) -> Duration {
    if pace == 0 {
        return longest;
    }
    // In floating point, as the product may be longer than any duration.
    let wanted = since_last_pass.as_secs_f64() * quarter as f64 / pace as f64;
    let wanted = Duration::try_from_secs_f64(wanted).unwrap_or(longest);
    wanted.clamp(SHORTEST_SLEEP.min(longest), longest)
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
        // SAFETY: `before` is what the thread's mask was.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_follows_the_pace() {
        let ms = Duration::from_millis;
        let longest = ms(100);
        // Nothing came: the bound.
        assert_eq!(next_sleep(0, 1000, ms(10), longest), longest);
        // Twice a quarter came in 10 ms: half as long.
        assert_eq!(next_sleep(2000, 1000, ms(10), longest), ms(5));
        // A trickle: the bound.
        assert_eq!(next_sleep(1, 1000, ms(10), longest), longest);
        // A flood: never without a pause.
        assert_eq!(next_sleep(1 << 30, 1000, ms(10), longest), SHORTEST_SLEEP);
        // Beyond what a duration holds.
        assert_eq!(next_sleep(1, usize::MAX, Duration::MAX, longest), longest);
    }
}
