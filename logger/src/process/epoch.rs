//! Fork epochs: the number of forks between the first process and this one.
//!
//! Everything that was made in an earlier epoch is *inherited*: the child has a copy in memory, but the
//! drain, the files and the locks belong to its parent. `handle::fork` begins an epoch in every child that
//! its handler sees.
//!
//! No handler sees the children of `_Fork` or of a bare `clone`. On Linux two kinds of pages that the
//! kernel zeroes in every child reveal them. The state of every lock is unknown in such an *unobserved*
//! child, so it never logs.
//!
//! - **F1 (closed).** The thread state that the hot path reads is in a page of the second kind
//!   (`Local` in `thread::local`): without a generation, all calls of the child leave the hot path.
//! - **F2 (detected).** The page of the first kind then tells the cold path that this is such a child.
//!
//! Without such pages (before Linux 4.14, other systems) these children go undetected. Where pages are larger
//! than 4 KiB, F1 does not hold: a child is noticed when one of its calls leaves the hot path.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static EPOCH: AtomicU32 = AtomicU32::new(0);

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// The action of the modules above when a child is noticed.
pub(crate) struct Hooks {
    /// Takes the calling thread's ring of the parent away. Async-signal-safe.
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "android")),
        expect(dead_code, reason = "unobserved children go undetected")
    )]
    pub(crate) detach_thread: fn(),
    /// Starts a logger of the child's own if its parent's was configured so. Returns whether one has started.
    pub(crate) start_child_logger: fn() -> bool,
}

/// The epoch of this process.
pub(crate) fn current() -> u32 {
    pages::detect();
    EPOCH.load(Ordering::Relaxed)
}

/// Whether this is a child that no handler has seen: a thread that does not exist here may hold any lock.
pub(crate) fn is_unobserved() -> bool {
    pages::detect()
}

/// Has later forks noticed. Only the first call has an effect.
#[cfg(unix)]
pub(crate) fn watch(hooks: Hooks) {
    if HOOKS.set(hooks).is_ok() {
        pages::watch();
    }
}

/// Begins an epoch: this is a child, and a handler has seen it. Async-signal-safe.
#[cfg(unix)]
pub(crate) fn begin() {
    pages::mark_observed();
    EPOCH.fetch_add(1, Ordering::Relaxed);
}

/// Starts a logger like the one that this process has inherited, if that is wanted. Returns whether one
/// has started.
pub(crate) fn start_child_logger() -> bool {
    current() > 0 && HOOKS.get().is_some_and(|hooks| (hooks.start_child_logger)())
}

/// Makes the kernel zero a thread's state in every child (F1). Has no effect where that is not supported.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn wipe_in_children<T>(state: &T) {
    pages::advise(state, libc::MADV_WIPEONFORK);
}

/// Undoes [`wipe_in_children`]: children see the page as their parent does, like any other.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn keep_in_children<T>(state: &T) {
    pages::advise(state, libc::MADV_KEEPONFORK);
}

/// No other system has such pages.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn wipe_in_children<T>(_: &T) {}

/// No other system has such pages.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn keep_in_children<T>(_: &T) {}

/// Pages that are zero in each child.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pages {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

    use super::{EPOCH, HOOKS};

    /// Values of the mark's first word.
    const WIPED: u32 = 0;
    const OBSERVED: u32 = 1;
    const UNOBSERVED: u32 = 2;

    const PAGE_BYTES: usize = 4096;

    /// That word; null where the system has no such pages (before Linux 4.14).
    static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

    fn mark() -> Option<&'static AtomicU32> {
        // SAFETY: it is null or the beginning of a page that is never unmapped, aligned for any type,
        // and only used as an atomic.
        unsafe { MARK.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn watch() {
        // SAFETY: the mapping is new and has no other user; it is unmapped if the advice fails.
        unsafe {
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let page = libc::mmap(null_mut(), PAGE_BYTES, access, kind, -1, 0);
            if page == libc::MAP_FAILED {
                return;
            }
            if libc::madvise(page, PAGE_BYTES, libc::MADV_WIPEONFORK) != 0 {
                libc::munmap(page, PAGE_BYTES);
                return;
            }
            MARK.store(page.cast(), Ordering::Release);
        }
        mark_observed();
    }

    /// Advises the system on the page of a thread's state.
    pub(super) fn advise<T>(state: &T, advice: libc::c_int) {
        const { assert!(size_of::<T>() == PAGE_BYTES && align_of::<T>() == PAGE_BYTES) };
        let page = std::ptr::from_ref(state).cast_mut().cast();
        // SAFETY: the argument is one that the system knows; the call has no others.
        if unsafe { libc::sysconf(libc::_SC_PAGESIZE) } != PAGE_BYTES as libc::c_long {
            // A larger page, which the value may begin, has other data, too.
            return;
        }
        // SAFETY: the page has nothing but this value, and keeps its contents in this process. In a child
        // all of it may be zero, which T3 in `thread::local` allows.
        let _ = unsafe { libc::madvise(page, PAGE_BYTES, advice) };
    }

    /// Notes that this process knows its epoch.
    pub(super) fn mark_observed() {
        if let Some(mark) = mark() {
            mark.store(OBSERVED, Ordering::Relaxed);
        }
    }

    /// Whether this is a child that no handler has seen. The first call to find out begins an epoch.
    pub(super) fn detect() -> bool {
        let Some(mark) = mark() else { return false };
        let state = mark.load(Ordering::Relaxed);
        if state == OBSERVED {
            return false;
        }
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        if mark.compare_exchange(WIPED, UNOBSERVED, success, failure).is_ok() {
            EPOCH.fetch_add(1, Ordering::Relaxed);
            // Files stay open: the parent may share them.
            if let Some(hooks) = HOOKS.get() {
                (hooks.detach_thread)();
            }
        }
        true
    }
}

/// No other system has such pages.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod pages {
    #[cfg(unix)]
    pub(super) fn watch() {}

    #[cfg(unix)]
    pub(super) fn mark_observed() {}

    pub(super) fn detect() -> bool {
        false
    }
}
