//! Numbers about a logger.

use std::io;
use std::sync::atomic::AtomicU64;

/// What a logger has done so far.
///
/// Each number is right by itself; they are not taken at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that were written, loss statements included.
    pub records: u64,
    /// Records that found their ring full, or that no ring could have held. The dump says where.
    pub lost: u64,
    /// Records that were committed when their dump had been sealed already, in the whole process.
    pub late: u64,
    /// Calls that no logger was there for, in the whole process: before the first start, after
    /// the last end, in a forked child.
    pub unheard: u64,
    /// Records that were written to files, or parts of files, that were removed later: at most this
    /// many. The next file says which.
    pub lost_with_files: u64,
    /// The length of the dump in bytes; of all files, if the logger had to begin another one.
    pub written_bytes: u64,
    /// Attempts to write that failed.
    pub write_errors: u64,
    /// Attempts to put the dump on the disk that failed.
    pub sync_errors: u64,
    /// How often a new file was begun because something was done to the one before.
    pub files_replaced: u64,
    /// Why the dump cannot be written now; `None` if it can. [`Builder::on_error`] tells more.
    ///
    /// [`Builder::on_error`]: crate::Builder::on_error
    pub failing: Option<io::ErrorKind>,
    /// Rings that are in the process's own memory, and do not survive it: because that was asked
    /// for, or because no file could be had.
    pub memory_rings: u64,
    /// Call sites that have logged, in the whole process; a generic one counts once for each list
    /// of types.
    pub call_sites: u64,
}

/// Calls of this process that no logger took: see [`Stats::unheard`].
pub(crate) static DROPPED_NO_LOGGER: AtomicU64 = AtomicU64::new(0);

/// Records of this process that were committed too late: see [`Stats::late`].
pub(crate) static LATE: AtomicU64 = AtomicU64::new(0);
