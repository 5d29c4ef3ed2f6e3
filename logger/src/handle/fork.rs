//! A forked child has no drain, and shares its parent's rings and files: it must not use them.
//!
//! Each fork begins an epoch. What was made in an earlier one is *foreign*: a logger that hears
//! nothing, and rings that nobody writes to. The child may have a logger of its own.
//!
//! The registry is locked while the process forks, so that the child finds it whole. Whatever other
//! lock the parent's threads held belongs to a foreign logger.
//!
//! No handler sees the children of `_Fork` or of a bare `clone`. On Linux two kinds of pages that the
//! kernel zeroes in every child reveal them. The state of every lock is unknown in such a child, so it is
//! silent for good.
//!
//! - **F1 (closed).** The thread state that the hot path reads is in a page of the second kind
//!   ([`Local`](crate::thread::Local)): without a generation, all calls of the child leave the hot path.
//! - **F2 (detected).** The page of the first kind then tells the cold path that this is such a child.
//!
//! Without such pages (before Linux 4.14, other systems) these children go undetected.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::core::{Core, lock};
use crate::error::FlushError;
use crate::handle::logger::Logger;
use crate::registry;

/// What the calls of a forked child do, until it starts a logger of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForkedChild {
    /// They are not logged, but counted.
    #[default]
    Silent,
    /// The first of them starts a logger like the parent's, which writes beside the parent's dump:
    /// to `app.1234.steno` if that is `app.steno` and the child is process 1234. It ends with the
    /// child's copy of the [`Logger`], and cannot be had if the process was forked within a call.
    OwnDump,
}

static EPOCH: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the first process and this one.
pub(crate) fn epoch() -> u32 {
    unseen::look();
    EPOCH.load(Ordering::Relaxed)
}

/// Whether this is a child that no handler has seen: any lock may be held by a thread that does not exist here.
pub(crate) fn is_unseen() -> bool {
    unseen::look()
}

/// The logger of a child that has one without having started it.
static OWN: Mutex<Option<Logger>> = Mutex::new(None);

/// Whether the child has tried to get one.
static HAS_TRIED: AtomicBool = AtomicBool::new(false);

/// Starts a logger like the foreign one that is the global one still, if that one wants it;
/// `false` if there is none afterwards.
pub(crate) fn follow() -> bool {
    if epoch() == 0 || HAS_TRIED.swap(true, Ordering::AcqRel) {
        return false;
    }
    let Some(builder) = registry::foreign_global().and_then(|core| core.blueprint()) else {
        return false;
    };
    match builder.of_child().start() {
        Ok(logger) => {
            // One that this process was forked with is its parent's: dropping it would end this one.
            std::mem::forget(lock(&OWN).replace(logger));
            true
        }
        // There is nobody to tell: the calls stay unheard, and are counted.
        Err(_) => false,
    }
}

/// The logger that a foreign one's owner has instead.
pub(crate) fn own_core() -> Option<Arc<Core>> {
    if is_unseen() {
        return None;
    }
    lock(&OWN).as_ref().map(|logger| Arc::clone(logger.core()))
}

/// Ends that logger.
pub(crate) fn end_own() -> Result<(), FlushError> {
    if is_unseen() {
        return Err(FlushError::Forked);
    }
    match lock(&OWN).take() {
        Some(logger) => logger.close(),
        None => Err(FlushError::Forked),
    }
}

/// Has every later fork noticed.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::sync::Once;

    extern "C" fn before() {
        registry::hold();
    }

    extern "C" fn in_parent() {
        registry::let_go();
    }

    extern "C" fn in_child() {
        unseen::see();
        EPOCH.fetch_add(1, Ordering::Relaxed);
        HAS_TRIED.store(false, Ordering::Relaxed);
        descriptors::close_all();
        crate::thread::disown();
        crate::handle::exit::forget_calls_of_others();
        registry::let_go();
    }

    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: in the child, the handler only stores to atomics and thread-local cells that
        // need no initialisation, closes files, and unlocks what this thread has locked: all of
        // which is allowed there.
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        unseen::watch();
    });
}

/// Only Unix forks.
#[cfg(not(unix))]
pub(crate) fn watch() {}

/// Keeps a file from a forked child, which would hold its lock for as long as it lives: the parent
/// would seem alive.
#[derive(Debug)]
pub(crate) struct NotInherited {
    #[cfg(unix)]
    slot: Option<usize>,
}

impl NotInherited {
    #[cfg(unix)]
    pub(crate) fn new(file: &std::fs::File) -> Self {
        Self { slot: descriptors::add(std::os::fd::AsRawFd::as_raw_fd(file)) }
    }

    #[cfg(not(unix))]
    pub(crate) fn new(_: &std::fs::File) -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for NotInherited {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            descriptors::remove(slot);
        }
    }
}

#[cfg(unix)]
mod descriptors {
    use std::sync::atomic::{AtomicI32, Ordering};

    const FREE: i32 = -1;

    /// Those that a child closes. More loggers than this at once are beyond all use; a child would
    /// hold their locks.
    static OPEN: [AtomicI32; 256] = [const { AtomicI32::new(FREE) }; 256];

    pub(super) fn add(descriptor: i32) -> Option<usize> {
        OPEN.iter().position(|slot| {
            slot.compare_exchange(FREE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }

    pub(super) fn remove(slot: usize) {
        OPEN[slot].store(FREE, Ordering::Release);
    }

    pub(super) fn close_all() {
        for slot in &OPEN {
            let descriptor = slot.swap(FREE, Ordering::AcqRel);
            if descriptor != FREE {
                // SAFETY: the file is one of a foreign logger's, whose drain does not run here, and
                // which is never dropped.
                unsafe { libc::close(descriptor) };
            }
        }
    }
}

/// Makes the kernel zero the page of `local` in every child (F1). Has no effect where that is not supported.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn wipe_in_children(local: &crate::thread::Local) {
    unseen::advise(local, libc::MADV_WIPEONFORK);
}

/// Undoes that: children see the page as their parent does, like any other.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn keep_in_children(local: &crate::thread::Local) {
    unseen::advise(local, libc::MADV_KEEPONFORK);
}

/// No other system has such pages.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn wipe_in_children(_: &crate::thread::Local) {}

/// No other system has such pages.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn keep_in_children(_: &crate::thread::Local) {}

/// Pages that are zero in each child.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod unseen {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

    use super::EPOCH;
    use crate::thread::Local;

    /// What its first word is.
    const WIPED: u32 = 0;
    const SEEN: u32 = 1;
    const UNSEEN: u32 = 2;

    const PAGE_BYTES: usize = 4096;

    /// That word; null where the system has no such pages (before Linux 4.14).
    static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

    fn mark() -> Option<&'static AtomicU32> {
        // SAFETY: it is null or the beginning of a page that is never unmapped, aligned for any type,
        // and only used as an atomic.
        unsafe { MARK.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn watch() {
        // SAFETY: the mapping is new and nobody else's; if it is not to be as it must, it goes.
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
        see();
    }

    /// Advises the system on the pages of a thread's state.
    pub(super) fn advise(local: &Local, advice: libc::c_int) {
        const { assert!(size_of::<Local>() == PAGE_BYTES && align_of::<Local>() == PAGE_BYTES) };
        let page = std::ptr::from_ref(local).cast_mut().cast();
        // SAFETY: the page has nothing but this value, and keeps what it has in this process. In a child
        // all of it may be zero, as T3 in `thread` has it. Where pages are larger, the call fails.
        let _ = unsafe { libc::madvise(page, PAGE_BYTES, advice) };
    }

    /// This process knows whose child it is.
    pub(super) fn see() {
        if let Some(mark) = mark() {
            mark.store(SEEN, Ordering::Relaxed);
        }
    }

    /// Whether this is a child that no handler has seen. The first one to find out begins an epoch.
    pub(super) fn look() -> bool {
        let Some(mark) = mark() else { return false };
        let state = mark.load(Ordering::Relaxed);
        if state == SEEN {
            return false;
        }
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        if mark.compare_exchange(WIPED, UNSEEN, success, failure).is_ok() {
            EPOCH.fetch_add(1, Ordering::Relaxed);
            // Files stay open: the parent may share them.
            crate::thread::disown();
        }
        true
    }
}

/// Elsewhere there is no such page.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod unseen {
    #[cfg(unix)]
    pub(super) fn watch() {}

    #[cfg(unix)]
    pub(super) fn see() {}

    pub(super) fn look() -> bool {
        false
    }
}
