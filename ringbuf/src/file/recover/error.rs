//! Errors and damage of a ring's file.

use crate::file::layout::{BadHeader, DATA_AT, VERSION};
use std::io;

/// The error of reading a file as a ring.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::file::{RecoverError, Recovered};
///
/// let error = Recovered::from_bytes(&[0; 4096]).unwrap_err();
/// assert!(matches!(error, RecoverError::Magic { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The file could not be read.
    #[error("cannot read the ring file")]
    Io(#[from] io::Error),
    /// The file is shorter than a header.
    #[error("{found} bytes are too few for a ring file, whose header alone has {DATA_AT}")]
    Truncated {
        /// The file's length.
        found: usize,
    },
    /// The file is not a ring file.
    #[error("not a ring file: it begins with {found:02x?}")]
    Magic {
        /// Its first bytes.
        found: [u8; 8],
    },
    /// The version of the file is unknown to this library.
    #[error("ring file version {found} is not known ({known} is)")]
    Version {
        /// The version of the file.
        found: u32,
        /// The version that this library knows.
        known: u32,
    },
    /// The header is damaged.
    #[error("the header of the ring file is damaged: its checksum is wrong")]
    Checksum,
    /// The header is intact but has an impossible value.
    #[error("a {field} of {value} is impossible in a ring file")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The ring is in use: its consumer freed records during each attempt to read it.
    #[error("the ring is in use: records were freed each time it was read")]
    InUse,
    /// The positions contradict each other.
    #[error(
        "the positions of the ring file are damaged: head {head}, consumed {consumed}, tail {tail}, capacity {capacity}"
    )]
    Positions {
        /// Everything before was free.
        head: u64,
        /// Everything before was read.
        consumed: u64,
        /// Everything before was claimed.
        tail: u64,
        /// Bytes of the ring.
        capacity: usize,
    },
}

impl From<BadHeader> for RecoverError {
    fn from(bad: BadHeader) -> Self {
        match bad {
            BadHeader::Short => Self::Truncated { found: 0 },
            BadHeader::Magic(found) => Self::Magic { found },
            BadHeader::Version(found) => Self::Version { found, known: VERSION },
            BadHeader::Checksum => Self::Checksum,
            BadHeader::Field(field, value) => Self::Field { field, value },
        }
    }
}

/// The reason why records may be missing at the end. Earlier records are intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends before the ring does, within the record at `position`.
    Truncated {
        /// The position, in bytes since the ring was created.
        position: u64,
    },
    /// The word at `position` cannot be a header there.
    Header {
        /// The position, in bytes since the ring was created.
        position: u64,
        /// The word.
        word: u64,
    },
}
