//! A record on its way to the slow path: its call site, and a payload that writes itself.

use crate::clock::ClockRef;
use crate::registry::CallTypes;
use crate::registry::site::Site;

/// A record that the hot path did not write.
pub(crate) struct ColdRecord<'a> {
    pub(crate) site: &'static Site,
    /// The signature of its types: see [`CallTypes::signature`].
    pub(crate) signature: u64,
    /// The length of the payload: time and values.
    pub(crate) payload_bytes: usize,
    pub(crate) payload: &'a dyn Payload,
}

/// The time and the values of a record.
///
/// # Safety
/// [`write`](Self::write) writes no more than the `payload_bytes` of the record, runs no code of the
/// user's, and does not panic.
pub(crate) unsafe trait Payload {
    /// The types of the values.
    fn types(&self) -> CallTypes<'_>;

    /// The time word.
    fn time(&self, clock: &ClockRef) -> u64;

    /// Writes the time word and the values.
    ///
    /// # Safety
    /// `payload_bytes` bytes from `out` on may be written.
    unsafe fn write(&self, out: *mut u8, time: u64);
}
