//! Numbers about a logger.

/// What a logger has done so far.
///
/// Each number is right by itself; they are not taken at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that the dump has, loss statements included.
    pub records: u64,
    /// Records that found their ring full, or that no ring could have held. The dump says where.
    pub lost: u64,
    /// Records that were committed when their dump had been sealed already, in the whole process.
    pub late: u64,
    /// Calls that no logger was there for, in the whole process: before the first start, after
    /// the last end, in a forked child.
    pub unheard: u64,
    /// The length of the dump in bytes.
    pub written_bytes: u64,
    /// Attempts to write that failed.
    pub write_errors: u64,
    /// Rings that are in the process's own memory, and do not survive it: because that was asked
    /// for, or because no file could be had.
    pub memory_rings: u64,
    /// Call sites that have logged, in the whole process; a generic one counts once for each list
    /// of types.
    pub call_sites: u64,
}
