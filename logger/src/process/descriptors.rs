//! File descriptors that a forked child closes.
//!
//! A child that kept a locked file open would hold its lock for as long as it lives, and its parent would
//! seem alive.

/// Keeps a file from a forked child, until the value is dropped.
#[derive(Debug)]
pub(crate) struct NotInherited {
    #[cfg(unix)]
    slot: Option<usize>,
}

impl NotInherited {
    #[cfg(unix)]
    pub(crate) fn new(file: &std::fs::File) -> Self {
        Self { slot: table::add(std::os::fd::AsRawFd::as_raw_fd(file)) }
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
            table::remove(slot);
        }
    }
}

#[cfg(unix)]
pub(crate) use self::table::close_all;

#[cfg(unix)]
mod table {
    use std::sync::atomic::{AtomicI32, Ordering};

    const FREE: i32 = -1;

    /// The descriptors that a child closes. With more than this open at once, a child would hold the
    /// locks of the rest.
    static OPEN: [AtomicI32; 256] = [const { AtomicI32::new(FREE) }; 256];

    pub(super) fn add(descriptor: i32) -> Option<usize> {
        OPEN.iter().position(|slot| {
            slot.compare_exchange(FREE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }

    pub(super) fn remove(slot: usize) {
        OPEN[slot].store(FREE, Ordering::Release);
    }

    /// Closes them all, in a forked child. Async-signal-safe.
    pub(crate) fn close_all() {
        for slot in &OPEN {
            let descriptor = slot.swap(FREE, Ordering::AcqRel);
            if descriptor != FREE {
                // SAFETY: the file belongs to an inherited logger, whose drain does not run here, and
                // which is never dropped.
                unsafe { libc::close(descriptor) };
            }
        }
    }
}
