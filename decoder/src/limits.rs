//! Limits for reading untrusted files.

/// The default limit for the dictionary frames of a file, and for one index frame, in bytes. The rest is
/// damage. Loggers write far less.
pub const MAX_METADATA_BYTES: usize = 64 << 20;

/// Bounds on the resources that reading a file may take. Anything beyond them is reported as damage.
///
/// Records need no bound, because they are read one by one, in memory that does not grow with the file.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Limits};
///
/// let limits = Limits::default().with_metadata_bytes(1 << 20);
/// let dump = Dump::open_within("from-somewhere.steno", &limits)?;
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) metadata_bytes: usize,
    pub(crate) ring_files: usize,
    pub(crate) ring_bytes: u64,
    pub(crate) ring_metadata_bytes: u64,
    pub(crate) copies: bool,
}

/// One of the bounds of [`Limits`].
///
/// # Examples
///
/// ```
/// use stenolog_decoder::{DamageCause, Limit, RingDamage};
///
/// let cause = DamageCause::Rings(RingDamage::TooMany { files: 101, limit: 50 });
/// assert_eq!(cause.exceeded_limit(), Some(Limit::RingFiles));
/// assert_eq!(DamageCause::NoFrame.exceeded_limit(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::with_metadata_bytes`].
    MetadataBytes,
    /// [`Limits::with_ring_files`].
    RingFiles,
    /// [`Limits::with_ring_bytes`].
    RingBytes,
}

impl Limit {
    /// The name of the bound: `metadata_bytes`, `ring_files` or `ring_bytes`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetadataBytes => "metadata_bytes",
            Self::RingFiles => "ring_files",
            Self::RingBytes => "ring_bytes",
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metadata_bytes: MAX_METADATA_BYTES,
            ring_files: 1 << 16,
            ring_bytes: 4 << 30,
            ring_metadata_bytes: 256 << 20,
            copies: false,
        }
    }
}

impl Limits {
    /// Sets how many bytes of call sites to read from a file at most, and of an index frame: 64 MiB by default
    /// ([`MAX_METADATA_BYTES`]). Hostile call sites can take about a hundred times as much memory.
    #[must_use]
    pub const fn with_metadata_bytes(mut self, bytes: usize) -> Self {
        self.metadata_bytes = bytes;
        self
    }

    /// Sets how many ring files to read from a directory at most: 65,536 by default. A logger has one for each
    /// thread that logs at the same time.
    #[must_use]
    pub const fn with_ring_files(mut self, files: usize) -> Self {
        self.ring_files = files;
        self
    }

    /// Sets how many bytes of ring files to read at most, in total: 4 GiB by default. Reading takes three times
    /// the memory of the longest file, plus the memory of the records in all files.
    #[must_use]
    pub const fn with_ring_bytes(mut self, bytes: u64) -> Self {
        self.ring_bytes = bytes;
        self
    }

    /// Sets how many bytes of a ring directory's metadata to read at most: 256 MiB by default.
    #[must_use]
    pub const fn with_ring_metadata_bytes(mut self, bytes: u64) -> Self {
        self.ring_metadata_bytes = bytes;
        self
    }

    /// The earlier name of [`with_ring_metadata_bytes`](Self::with_ring_metadata_bytes).
    #[deprecated(since = "0.1.0", note = "renamed to `with_ring_metadata_bytes`")]
    #[must_use]
    pub const fn with_meta_bytes(self, bytes: u64) -> Self {
        self.with_ring_metadata_bytes(bytes)
    }

    /// Sets whether to read each file into memory as a whole instead of mapping it. Off by default.
    ///
    /// If another program truncates a mapped file, the process dies, unless it called
    /// [`survive_shrinking_files`](crate::survive_shrinking_files).
    #[must_use]
    pub const fn with_copies(mut self, copies: bool) -> Self {
        self.copies = copies;
        self
    }
}
