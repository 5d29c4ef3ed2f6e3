//! Statistics of a logger, including the process-wide counters.

use std::io;
use std::sync::atomic::AtomicU64;

/// Statistics of a logger since its start.
///
/// Each number is exact, but the numbers are not read at the same moment. Future versions may add fields.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let log = stenolog::Builder::new(path).start()?;
/// stenolog::info!("one");
/// log.flush()?;
/// let stats: stenolog::Stats = log.stats();
/// assert_eq!((stats.records, stats.lost, stats.failing), (1, 0, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that were written to the dump or to its tail, loss statements included.
    pub records: u64,
    /// Records that found their ring full, or were too large for any ring. The dump states where.
    pub lost: u64,
    /// Records that were committed after their dump was sealed, in the whole process.
    pub late: u64,
    /// Calls that no logger took, in the whole process: before the first start, after the last end, in a
    /// forked child, in a signal handler that had to wait, or within the logger itself.
    pub unheard: u64,
    /// At most this many records were in files, or parts of files, that were removed later. The next file
    /// states which.
    pub lost_with_files: u64,
    /// The length of the dump in bytes, or of all its files if the logger had to begin another one.
    pub written_bytes: u64,
    /// Attempts to write that failed.
    pub write_errors: u64,
    /// Attempts to put the dump on the disk that failed.
    pub sync_errors: u64,
    /// How often a new file was begun because something happened to the previous one.
    pub files_replaced: u64,
    /// Why the dump cannot be written at the moment; `None` if it can be. [`Event::Dump`](crate::Event::Dump)
    /// has the details.
    pub failing: Option<io::ErrorKind>,
    /// Rings that are in the process's own memory and do not survive it: because of
    /// [`Rings::Memory`](crate::Rings::Memory), or because no file was available.
    pub memory_rings: u64,
    /// Call sites that have logged, in the whole process. A generic one counts once for each list of types.
    pub call_sites: u64,
}

/// Calls of this process that no logger took: see [`Stats::unheard`].
pub(crate) static DROPPED_NO_LOGGER: AtomicU64 = AtomicU64::new(0);

/// Records of this process that were committed too late: see [`Stats::late`].
pub(crate) static LATE: AtomicU64 = AtomicU64::new(0);
