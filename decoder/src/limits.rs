//! How much is read of files that nobody vouches for.

/// Bounds on what a file may cost its reader. What is beyond is damage, and named.
///
/// Records need none: they are read one by one, from memory that does not follow the file's size.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Limits};
///
/// let limits = Limits::default().with_metadata_bytes(1 << 20);
/// let dump = Dump::open_within("from-somebody-else.steno", &limits)?;
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many bytes of call sites a file may have, and how many an index frame: 64 MiB
    /// by default ([`MAX_METADATA_BYTES`](crate::MAX_METADATA_BYTES)). In memory they take up to
    /// about a hundred times as much, if they are made for that.
    pub metadata_bytes: usize,
    /// How many ring files of a directory are read: 65,536 by default. A logger has one for each
    /// thread that logs at once.
    pub ring_files: usize,
    /// How many bytes of ring files in all: 4 GiB by default. Three times the longest of them, and
    /// the records that they hold, are in memory while they are read.
    pub ring_bytes: u64,
    /// How many bytes of the metadata of rings: 256 MiB by default.
    pub meta_bytes: u64,
    /// Sets whether files are read into memory instead of being mapped. Off by default. If another program
    /// truncates a mapped file, the process dies, unless it called
    /// [`survive_shrinking_files`](crate::survive_shrinking_files).
    pub copies: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metadata_bytes: crate::MAX_METADATA_BYTES,
            ring_files: 1 << 16,
            ring_bytes: 4 << 30,
            meta_bytes: 256 << 20,
            copies: false,
        }
    }
}

impl Limits {
    /// So many bytes of call sites.
    #[must_use]
    pub const fn with_metadata_bytes(mut self, bytes: usize) -> Self {
        self.metadata_bytes = bytes;
        self
    }

    /// So many ring files.
    #[must_use]
    pub const fn with_ring_files(mut self, files: usize) -> Self {
        self.ring_files = files;
        self
    }

    /// So many bytes of ring files.
    #[must_use]
    pub const fn with_ring_bytes(mut self, bytes: u64) -> Self {
        self.ring_bytes = bytes;
        self
    }

    /// Files are read into memory, all of each at once, or mapped.
    #[must_use]
    pub const fn with_copies(mut self, copies: bool) -> Self {
        self.copies = copies;
        self
    }

    /// So many bytes of the metadata of rings.
    #[must_use]
    pub const fn with_meta_bytes(mut self, bytes: u64) -> Self {
        self.meta_bytes = bytes;
        self
    }
}
