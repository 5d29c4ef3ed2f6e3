//! Counters of one logger, for [`Stats`](crate::Stats).

use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

/// Counters of threads and of the drain.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) records: AtomicU64,
    /// The loss is counted in its ring first.
    pub(crate) lost: AtomicU64,
    /// How many rings their threads have given back.
    pub(crate) retired: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) write_errors: AtomicU64,
    pub(crate) sync_errors: AtomicU64,
    pub(crate) files_replaced: AtomicU64,
    pub(crate) lost_with_files: AtomicU64,
    pub(crate) failing: Mutex<Option<io::ErrorKind>>,
}
