//! The bell that wakes a receiver: see the [protocol](super).

use crate::sync::{Arc, AtomicBool, Ordering, Parker, Unparker, fence};
use core::time::Duration;

/// The receiver's side of the bell.
pub(super) struct Sleeper {
    parker: Parker,
    bell: Arc<Bell>,
}

/// The senders' side.
pub(super) struct Bell {
    /// Whether the receiver sleeps, or is about to.
    asleep: AtomicBool,
    unparker: Unparker,
}

impl Sleeper {
    pub(super) fn new() -> Self {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let bell = Arc::new(Bell { asleep: AtomicBool::new(false), unparker });
        Self { parker, bell }
    }

    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Sleeps until the bell rings, but for at most `timeout`, and not at all unless `is_idle`.
    pub(super) fn sleep(&self, timeout: Duration, is_idle: impl FnOnce() -> bool) {
        // Swaps, not stores: loom orders these with the senders' swaps, as the language does, but
        // does not know that of stores. To a thread that goes to sleep they cost nothing.
        self.bell.asleep.swap(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if is_idle() {
            self.parker.park_timeout(timeout);
        }
        self.bell.asleep.swap(false, Ordering::Relaxed);
    }
}

impl Bell {
    /// Wakes the receiver if it sleeps. It then sees everything committed before.
    #[inline]
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        // Read first, so senders that notify all the time do not take the line from each other.
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.unparker.unpark();
        }
    }
}
