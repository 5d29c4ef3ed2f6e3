//! Errors of opening a dump.

use std::io;
use std::path::PathBuf;

use stenolog_format::frame::FileHeaderError;

/// The error of opening a dump.
///
/// Damage after the file's header is not an error: it is [`Damage`](crate::Damage).
///
/// # Examples
///
/// ```
/// use stenolog_decoder::{Dump, OpenError};
///
/// let error = Dump::from_bytes("notes.txt", b"some text".to_vec()).unwrap_err();
/// assert!(matches!(error, OpenError::NoDump { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system cannot read it.
    #[error("{}: cannot be read: {source}; check the path and its permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The path leads to a directory.
    #[error("{}: is a directory; name the dumps in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file is empty.
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
    /// The file ends within its header: its logger died at its start.
    #[error("{}: is cut: {source}; nothing was recorded before the cut", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// What is missing.
        source: FileHeaderError,
    },
    /// The file does not begin like a dump.
    #[error("{}: {source}; name a file that a stenolog logger wrote", path.display())]
    NoDump {
        /// The file.
        path: PathBuf,
        /// What is wrong with its header.
        source: FileHeaderError,
    },
    /// The file needs a newer reader.
    #[error("{}: {source}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        source: FileHeaderError,
    },
}
