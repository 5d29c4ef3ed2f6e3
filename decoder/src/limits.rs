//! Limits for reading untrusted files.

/// The most bytes of dictionary frames of a file, and of one index frame, that are read into memory unless
/// [`Limits`] say otherwise; the rest is damage. Loggers write far fewer.
pub const MAX_METADATA_BYTES: usize = 64 << 20;

/// Bounds on what a file may cost its reader. Anything beyond them is reported as damage.
///
/// Records need no bound: they are read one by one, in memory that does not grow with the file.
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
    /// The most bytes of call sites in a file, and the most bytes of an index frame: 64 MiB by default
    /// ([`MAX_METADATA_BYTES`](crate::MAX_METADATA_BYTES)). In memory, hostile ones take up to about a
    /// hundred times as much.
    pub metadata_bytes: usize,
    /// The most ring files to read from a directory: 65,536 by default. A logger has one for each
    /// thread that logs at once.
    pub ring_files: usize,
    /// The most bytes of ring files in all: 4 GiB by default. While they are read, three times the
    /// longest of them, and the records that they hold, are in memory.
    pub ring_bytes: u64,
    /// The most bytes of the metadata of rings: 256 MiB by default.
    pub meta_bytes: u64,
    /// Whether files are read into memory instead of being mapped. Off by default. If another program
    /// truncates a mapped file, the process dies, unless it called
    /// [`survive_shrinking_files`](crate::survive_shrinking_files).
    pub copies: bool,
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
    /// [`Limits::metadata_bytes`].
    MetadataBytes,
    /// [`Limits::ring_files`].
    RingFiles,
    /// [`Limits::ring_bytes`].
    RingBytes,
}

impl Limit {
    /// The name of the field of [`Limits`].
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
            meta_bytes: 256 << 20,
            copies: false,
        }
    }
}

impl Limits {
    /// Sets the maximum number of bytes of call sites.
    #[must_use]
    pub const fn with_metadata_bytes(mut self, bytes: usize) -> Self {
        self.metadata_bytes = bytes;
        self
    }

    /// Sets the maximum number of ring files to read.
    #[must_use]
    pub const fn with_ring_files(mut self, files: usize) -> Self {
        self.ring_files = files;
        self
    }

    /// Sets the maximum number of bytes of ring files.
    #[must_use]
    pub const fn with_ring_bytes(mut self, bytes: u64) -> Self {
        self.ring_bytes = bytes;
        self
    }

    /// Sets whether files are read into memory, each as a whole, instead of being mapped.
    #[must_use]
    pub const fn with_copies(mut self, copies: bool) -> Self {
        self.copies = copies;
        self
    }

    /// Sets the maximum number of bytes of the metadata of rings.
    #[must_use]
    pub const fn with_meta_bytes(mut self, bytes: u64) -> Self {
        self.meta_bytes = bytes;
        self
    }
}
