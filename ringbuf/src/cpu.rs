//! Hints for speed: the core that the caller runs on, which may be out of date at once, and lines to fetch.

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

/// Asks for the line at this address, to be read and then written. No address is wrong.
#[cfg(all(target_arch = "x86_64", not(loom)))]
#[inline]
pub(crate) fn prefetch(address: *const u8) {
    use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
    // SAFETY: it has no effect but on caches, and never faults.
    unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast()) };
}

/// Other processors fetch by themselves, and models have no caches.
#[cfg(not(all(target_arch = "x86_64", not(loom))))]
#[inline]
pub(crate) fn prefetch(_: *const u8) {}
