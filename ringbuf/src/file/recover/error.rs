//! Errors and damage of a ring's file.

use crate::file::layout::{BadHeader, DATA_AT, VERSION};
use std::io;

/// Why a file cannot be read as a ring.
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
    /// The file is something else.
    #[error("not a ring file: it begins with {found:02x?}")]
    Magic {
        /// What it begins with.
        found: [u8; 8],
    },
    /// The file was written by a version that this one does not know.
    #[error("ring file version {found} is not known ({known} is)")]
    Version {
        /// The file's.
        found: u32,
        /// This library's.
        known: u32,
    },
    /// The header is not what was written.
    #[error("the header of the ring file is damaged: its checksum is wrong")]
    Checksum,
    /// The header is whole and makes no sense.
    #[error("a {field} of {value} is impossible in a ring file")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it says.
        value: u64,
    },
    /// The ring is in use: its consumer freed records while it was read, again and again.
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

/// Why records may be missing at the end. Those before are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends before the ring does, in what begins at `position`.
    Truncated {
        /// Bytes since the ring's birth.
        position: u64,
    },
    /// The word at `position` is no header that can be there.
    Header {
        /// Bytes since the ring's birth.
        position: u64,
        /// What is found.
        word: u64,
    },
}
