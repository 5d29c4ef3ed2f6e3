//! Waiting for room in a full ring.

use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

use crate::core::Core;

/// A call that waits for room.
pub(super) struct Waiter<'a> {
    core: &'a Core,
    began: Instant,
    deadline: Option<Instant>,
    backoff: Backoff,
}

/// How long a waiting call only yields to others. By then a running drain has made room. After that
/// it sleeps, which takes longer, and may leave the drain without work.
const YIELD_FOR: Duration = Duration::from_micros(200);

impl<'a> Waiter<'a> {
    pub(super) fn new(core: &'a Core) -> Self {
        core.wake_drain();
        let began = Instant::now();
        // A deadline that overflows never expires.
        let deadline = core.config.block_timeout.and_then(|timeout| began.checked_add(timeout));
        Self { core, began, deadline, backoff: Backoff::new() }
    }

    /// Waits a little. `false` if further waiting is useless.
    pub(super) fn wait(&self) -> bool {
        let now = Instant::now();
        if self.core.is_closed() || self.deadline.is_some_and(|deadline| now >= deadline) {
            return false;
        }
        if self.backoff.is_completed() && now - self.began >= YIELD_FOR {
            nap();
        } else {
            // Spins at first.
            self.backoff.snooze();
        }
        true
    }
}

/// Sleeps for some 50 µs, or until a signal, which is a reason to look at the ring again too.
///
/// Not `std::thread::sleep`, which goes back to sleep after a signal for the time that Linux reports as
/// left: that is rounded up by the timer's slack, 50 µs, and never ends if signals come as fast as that.
#[cfg(unix)]
fn nap() {
    let length = libc::timespec { tv_sec: 0, tv_nsec: 50_000 };
    // SAFETY: the length lives on this stack, and the remaining time is not asked for.
    unsafe { libc::nanosleep(&raw const length, std::ptr::null_mut()) };
}

/// Sleeps for some 50 µs.
#[cfg(not(unix))]
fn nap() {
    std::thread::sleep(Duration::from_micros(50));
}
