//! Waiting for what another thread or process brings about.

use std::thread;
use std::time::{Duration, Instant};

/// Longer than the slowest machine takes for anything that a test waits for.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns once `condition` holds. Tests wait with this, never for a fixed time.
///
/// ```
/// # use std::sync::atomic::{AtomicBool, Ordering};
/// # let is_done = AtomicBool::new(false);
/// # std::thread::scope(|scope| {
/// scope.spawn(|| is_done.store(true, Ordering::Release));
/// stenolog_testkit::wait_until("the thread is done", || is_done.load(Ordering::Acquire));
/// # });
/// ```
///
/// # Panics
/// With `what` if the condition does not hold within a minute.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    let mut pause = Duration::ZERO;
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited in vain until {what}");
        if pause.is_zero() {
            thread::yield_now();
        } else {
            thread::sleep(pause);
        }
        // A condition that is expensive to check leaves the processor to what it waits for.
        if start.elapsed() > Duration::from_millis(10) {
            pause = Duration::from_millis(1);
        }
    }
}
