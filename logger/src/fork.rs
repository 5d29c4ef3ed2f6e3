//! A forked child has no drain, and shares its parent's rings and files: it must not use them.
//!
//! Each fork begins an epoch. What was made in an earlier one is *foreign*: a logger that hears
//! nothing, and rings that nobody writes to. The child may have a logger of its own.
//!
//! The registry is locked while the process forks, so that the child finds it whole. Whatever other
//! lock the parent's threads held belongs to a foreign logger.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::FlushError;
use crate::logger::Logger;
use crate::registry;
use crate::shared::{Core, lock};

/// What the calls of a forked child do, until it starts a logger of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForkedChild {
    /// They are heard by nobody, and counted.
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
    EPOCH.load(Ordering::Relaxed)
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
    lock(&OWN).as_ref().map(|logger| Arc::clone(logger.core()))
}

/// Ends that logger.
pub(crate) fn end_own() -> Result<(), FlushError> {
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
        EPOCH.fetch_add(1, Ordering::Relaxed);
        HAS_TRIED.store(false, Ordering::Relaxed);
        descriptors::close_all();
        crate::thread::disown();
        registry::let_go();
    }

    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: in the child, the handler only stores to atomics and thread-local cells that
        // need no initialisation, closes files, and unlocks what this thread has locked: all of
        // which is allowed there.
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
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
