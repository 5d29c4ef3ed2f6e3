//! A forked child has no drain, and shares its parent's file: it must be silent.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// Whether this process was forked from one that had started a logger.
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

/// Has every later fork noticed.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::sync::Once;

    extern "C" fn in_child() {
        IS_CHILD.store(true, Ordering::Relaxed);
        crate::thread::disown();
    }

    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: the handler only stores to an atomic and to a thread-local cell that needs no
        // initialisation, both of which are allowed in the child of a fork.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// Only Unix forks.
#[cfg(not(unix))]
pub(crate) fn watch() {}
