//! Why a file cannot be opened as a dump.

use std::io;
use std::path::PathBuf;

use stenolog_format::frame::FileHeaderError;

/// Why a file cannot be read as a dump at all.
///
/// Damage behind the file's header is no error: it is [`Damage`](crate::Damage).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system refuses.
    #[error("{}: cannot be read: {source}; check the path and its permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A directory is no dump.
    #[error("{}: is a directory; name the dumps in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file holds nothing.
    #[error("{}: is empty; its logger wrote nothing, or has not started yet", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is longer than this machine can address.
    #[error("{}: has {bytes} bytes, more than this machine can map; use a 64-bit steno", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The file ends before its first frame could begin: its logger died when it began.
    #[error("{}: is cut: {source}; nothing was recorded before the cut", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// What is missing.
        source: FileHeaderError,
    },
    /// The file begins otherwise than a dump.
    #[error("{}: {source}; name a file that a stenolog logger wrote", path.display())]
    NoDump {
        /// The file.
        path: PathBuf,
        /// What stands there.
        source: FileHeaderError,
    },
    /// The file needs a newer reader.
    #[error("{}: {source}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Which version it is.
        source: FileHeaderError,
    },
}
