//! Process exit: seals the loggers that are still running.
//!
//! A logger that is in a `static` or was forgotten is never dropped. When the process returns from `main`
//! or calls `exit`, this module tells its loggers to stop, as dropping them would, and waits for them. On
//! ELF systems it runs after all `atexit` handlers, whenever they were registered, so they may log; only
//! the system's libraries run later. `_exit`, `exec` and signals bypass it; records in the rings then
//! stay in the ring files.
//!
//! - **X1 (bounded).** Every wait is bounded: for a lock, because this may be a signal handler that has
//!   interrupted its holder, and for the drain.
//! - **X2 (this process).** A child has its parent's loggers in memory, but their drains are elsewhere.
//!
//! X3 and X4, about calls of other threads, are in `process::calls`.

use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::call::rate;
#[cfg(unix)]
use crate::process::calls;
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

/// The process whose loggers must be sealed; 0 if none has started.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Makes sure that the running loggers of this process are sealed when it ends. The registry knows them.
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

/// Called by the C library after all handlers of `atexit`. The section is a list of pointers to functions
/// of this type.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

#[cfg(unix)]
extern "C" fn at_exit() {
    // X2. Besides, a drain or a call that ends the process cannot wait for itself.
    if PROCESS.load(Ordering::Relaxed) == std::process::id() && !crate::thread::is_busy() {
        seal_all();
    }
}

#[cfg(unix)]
fn seal_all() {
    let began = calls::begin_exit();
    let Some(running) = retry(LOCK_WAIT, registry::try_take_running) else { return };
    let mut asked = Vec::new();
    for core in running {
        if core.is_closed() {
            continue;
        }
        if registry::is_global(&core) {
            rate::state_rest(&core);
        }
        calls::hold_others(SEAL_WAIT + CALLS_WAIT);
        if retry(LOCK_WAIT, || registry::try_uninstall(&core)).is_some()
            && retry(LOCK_WAIT, || core.control.try_request_exit()).is_some()
        {
            asked.push(core);
        }
    }
    let _ = retry(SEAL_WAIT, || asked.iter().all(|core| core.is_closed()).then_some(()));
    calls::release_others(began.elapsed() + CALLS_WAIT);
    // Dropping the last owner would close files.
    std::mem::forget(asked);
}

/// Tries again until there is a result or the time is over (X1).
#[cfg(unix)]
fn retry<R>(for_at_most: Duration, attempt: impl Fn() -> Option<R>) -> Option<R> {
    let began = Instant::now();
    loop {
        let result = attempt();
        if result.is_some() || began.elapsed() >= for_at_most {
            return result;
        }
        std::thread::sleep(calls::POLL_EVERY);
    }
}
