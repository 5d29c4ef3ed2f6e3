//! Calls in progress while the process ends.
//!
//! - **X3 (no call in between).** Other threads may log while the process ends. A call that begins after the
//!   loggers were told to stop waits for the process to end, which is near, so no call returns whose record
//!   was not kept. It waits a second at most, because another thread may wait for the calling one.
//! - **X4 (calls under way).** A call that began earlier is waited for: the cold path counts its calls
//!   ([`Call`]), wherever they sleep; a thread in the hot path, which never sleeps, is running.
//!
//! X1 and X2 are in `handle::exit`.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The polling interval.
pub(crate) const POLL_EVERY: Duration = Duration::from_micros(200);

/// When the process began to end.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// How long after `BEGAN` calls keep waiting, in milliseconds.
static CALLS_WAIT_MS: AtomicU64 = AtomicU64::new(0);

/// How many calls are in the cold path.
static CALLS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread ends the process.
    static ENDS_PROCESS: Cell<bool> = const { Cell::new(false) };
}

/// A call in the cold path (X4).
pub(crate) struct Call(());

impl Call {
    /// Counts a call. It does so before it asks for a logger.
    pub(crate) fn begin() -> Self {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a call may be under way in the cold path.
pub(crate) fn is_any_under_way() -> bool {
    CALLS.load(Ordering::SeqCst) > 0
}

/// Forgets the calls of other threads: only the calling one continues in a forked child.
#[cfg(unix)]
pub(crate) fn forget_others(is_in_call: bool) {
    CALLS.store(usize::from(is_in_call), Ordering::SeqCst);
}

/// Notes that the process ends, and returns when it began to.
#[cfg(unix)]
pub(crate) fn begin_exit() -> Instant {
    *BEGAN.get_or_init(Instant::now)
}

/// Makes calls of other threads wait until this long after [`begin_exit`].
#[cfg(unix)]
pub(crate) fn hold_others(until: Duration) {
    ENDS_PROCESS.set(true);
    CALLS_WAIT_MS.store(until.as_millis() as u64, Ordering::Relaxed);
}

/// Shortens that wait.
#[cfg(unix)]
pub(crate) fn release_others(until: Duration) {
    CALLS_WAIT_MS.fetch_min(until.as_millis() as u64, Ordering::Relaxed);
}

/// Waits if no logger takes this [`Call`] because the process is about to end (X3).
pub(crate) fn pause() {
    let wait = || Duration::from_millis(CALLS_WAIT_MS.load(Ordering::Relaxed));
    if wait().is_zero() || ENDS_PROCESS.get() {
        return;
    }
    // The exit does not have to wait for this call.
    CALLS.fetch_sub(1, Ordering::SeqCst);
    while BEGAN.get().is_some_and(|began| began.elapsed() < wait()) {
        std::thread::sleep(POLL_EVERY);
    }
    CALLS.fetch_add(1, Ordering::SeqCst);
}

/// Whether a thread of this process runs now or is about to: one that sleeps is in no call that could
/// still commit a record.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_thread_running(os_thread_id: u64) -> bool {
    let stat = std::fs::read(format!("/proc/self/task/{os_thread_id}/stat")).unwrap_or_default();
    // The name is in parentheses, and may contain some itself.
    let after_name = stat.iter().rposition(|&byte| byte == b')').unwrap_or(0);
    matches!(stat.get(after_name + 2), Some(b'R' | b'D'))
}

/// Not known on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_thread_running(_: u64) -> bool {
    false
}
