//! The core that the caller runs on: a hint, which may be out of date at once.

/// Not known, or no system that tells.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// The number of the core that runs this.
///
/// A few nanoseconds, without entering the kernel where the C library keeps it at hand.
#[cfg(all(feature = "std", target_os = "linux", not(loom)))]
pub(crate) fn current() -> u32 {
    // SAFETY: it has no preconditions.
    let core = unsafe { libc::sched_getcpu() };
    // -1 if the system doesn't tell, which becomes `UNKNOWN`.
    core.cast_unsigned()
}

/// No system call tells it here.
#[cfg(not(all(feature = "std", target_os = "linux", not(loom))))]
pub(crate) fn current() -> u32 {
    UNKNOWN
}
