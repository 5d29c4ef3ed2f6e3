//! Process exit: seals the loggers that are still running.
//!
//! A logger in a `static` is never dropped, nor is a forgotten one. When the process returns from `main`
//! or calls `exit`, this module tells its loggers to stop, as dropping them would, and waits for them. On
//! ELF systems it runs after all `atexit` handlers, whenever they were registered, so they may log; only
//! the system's libraries run later. `_exit`, `exec` and signals bypass it; records that are in the rings
//! then stay in the ring files.
//!
//! - **X1 (bounded).** Every wait is bounded: for a lock, because this may be a signal handler that has
//!   interrupted its holder, and for the drain.
//! - **X2 (this process).** A child has its parent's loggers in memory, but their drains are elsewhere.
//! - **X3 (no call in between).** Other threads may log meanwhile. A call that begins after the loggers
//!   were told to stop waits for the process to end, which is near, so that no call returns whose record
//!   was not kept. It waits a second at most, because another thread may wait for the calling one.
//! - **X4 (calls under way).** A call that began before is waited for: in the cold path it is counted
//!   ([`Call`]), wherever it sleeps; in the hot path, which never sleeps, its thread is running.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::registry;

/// How long to try for a lock.
#[cfg(unix)]
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How long the drains have to write what is left.
#[cfg(unix)]
const SEAL_WAIT: Duration = Duration::from_secs(10);

/// How long calls wait for the process to end after the loggers have stopped.
#[cfg(unix)]
const CALLS_WAIT: Duration = Duration::from_secs(1);

/// The polling interval.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The process whose loggers are to be sealed; 0 if none has started.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// When the process began to end.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// How long after `BEGAN` calls keep waiting, in milliseconds.
static CALLS_WAIT_MS: AtomicU64 = AtomicU64::new(0);

/// How many calls are in the cold path.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// A call in the cold path (X4).
pub(crate) struct Call(());

impl Call {
    /// Counts a call, before it asks which logger hears it.
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
pub(crate) fn is_any_call_under_way() -> bool {
    CALLS.load(Ordering::SeqCst) > 0
}

/// In a forked child only the calling thread goes on.
#[cfg(unix)]
pub(crate) fn forget_calls_of_others() {
    CALLS.store(usize::from(crate::thread::is_deaf()), Ordering::SeqCst);
}

thread_local! {
    /// This thread ends the process.
    static ENDS_PROCESS: Cell<bool> = const { Cell::new(false) };
}

/// Has the loggers of this process sealed when it ends. They are told to the registry.
pub(crate) fn watch() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    {
        static WATCH: std::sync::Once = std::sync::Once::new();
        // SAFETY: the handler is a function that lives as long as the program.
        WATCH.call_once(|| unsafe {
            libc::atexit(at_exit);
        });
    }
}

/// Called by the C library behind all handlers of `atexit`. The section is a list of pointers to functions
/// of this type.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

#[cfg(unix)]
extern "C" fn at_exit() {
    // X2; and a drain that ends the process, or a call that does, cannot wait for itself.
    if PROCESS.load(Ordering::Relaxed) == std::process::id() && !crate::thread::is_deaf() {
        seal_all();
    }
}

#[cfg(unix)]
fn seal_all() {
    let began = *BEGAN.get_or_init(Instant::now);
    let Some(running) = retry(LOCK_WAIT, registry::try_take_running) else { return };
    let mut asked = Vec::new();
    for core in running {
        if core.is_closed() {
            continue;
        }
        ENDS_PROCESS.set(true);
        CALLS_WAIT_MS.store((SEAL_WAIT + CALLS_WAIT).as_millis() as u64, Ordering::Relaxed);
        // Until now it was heard.
        if retry(LOCK_WAIT, || registry::try_uninstall(&core)).is_some()
            && retry(LOCK_WAIT, || core.try_request_exit()).is_some()
        {
            asked.push(core);
        }
    }
    let _ = retry(SEAL_WAIT, || asked.iter().all(|core| core.is_closed()).then_some(()));
    let until = began.elapsed() + CALLS_WAIT;
    CALLS_WAIT_MS.fetch_min(until.as_millis() as u64, Ordering::Relaxed);
    // Whoever drops the last owner closes files, and joins nobody.
    std::mem::forget(asked);
}

/// Tries again until there is something, or the time is over (X1).
#[cfg(unix)]
fn retry<R>(for_at_most: Duration, attempt: impl Fn() -> Option<R>) -> Option<R> {
    let began = Instant::now();
    loop {
        let result = attempt();
        if result.is_some() || began.elapsed() >= for_at_most {
            return result;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A [`Call`] that no logger hears waits here if that is because the process is about to end (X3).
pub(crate) fn pause() {
    let wait = || Duration::from_millis(CALLS_WAIT_MS.load(Ordering::Relaxed));
    if wait().is_zero() || ENDS_PROCESS.get() {
        return;
    }
    // It has nothing to be waited for.
    CALLS.fetch_sub(1, Ordering::SeqCst);
    while BEGAN.get().is_some_and(|began| began.elapsed() < wait()) {
        std::thread::sleep(LOOK_EVERY);
    }
    CALLS.fetch_add(1, Ordering::SeqCst);
}

/// Whether a thread of this process runs right now, or is about to: if it sleeps, it is in no call that
/// could still commit a record.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_running(os_thread_id: u64) -> bool {
    let stat = std::fs::read(format!("/proc/self/task/{os_thread_id}/stat")).unwrap_or_default();
    // The name is between parentheses, and may have some itself.
    let behind_name = stat.iter().rposition(|&byte| byte == b')').unwrap_or(0);
    matches!(stat.get(behind_name + 2), Some(b'R' | b'D'))
}

/// Not known on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_running(_: u64) -> bool {
    false
}
