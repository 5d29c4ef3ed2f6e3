//! The rings of a dead writer: their judgement against its dump, and the completion of the dump from them.
//!
//! ```text
//!   dump:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┆▭▭╴         whole frames stay; if a cut write follows, in a copy
//!   rings:              ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭
//!   then:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┊▤▭▭▭▭▭▭▭▤▣   explanations, missing records, index, end
//! ```
//!
//! A reader and a logger both [`judge`] each ring. The reader reports the damage and shows the rest. A logger
//! that starts on the path of the dump completes it through [`AbandonedRings`]:
//!
//! - **U1 (all or nothing).** Before it changes the first byte, it has checked everything: the frames of the
//!   dump, the explanations, every record of every ring. If there is any damage, it changes nothing: a reader
//!   can recover more, and reports the damage.
//! - **U2 (cut short).** The rings stay as they were until the dump is sealed and synced. If the completion is
//!   interrupted, by another kill or a full disk, the dump still ends in a cut write, but has some more records
//!   of the rings, which the next attempt recognizes by their numbers.
//! - **U3 (own).** The directory is opened once, belongs to this user, and so do its files; no link is
//!   followed. Files that a logger does not create are not removed.
//! - **U4 (mapped).** A reader may have the dump mapped: none of its bytes is changed, and it never becomes
//!   shorter.
//!
//! Only frame headers of the dump are read, and the rings are read one by one, twice. This takes the memory of
//! the largest ring, of the explanations, and of an index.

mod abandoned;
mod complete;
mod contents;
mod dump_tail;
pub(crate) mod explanations;
mod judge;

use std::ffi::OsStr;
use std::fs::File;
use std::io;

use crate::dir::{FileError, read_at_most};

pub use abandoned::AbandonedRings;
pub use dump_tail::{TailPut, put_tail};
pub use judge::{
    DumpSide, NotARing, Share, ShareDamage, end_number, identify, judge, read_ring, share_records,
};

/// The reason why the rings of an earlier run were not put into its dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRecovered {
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// The file.
        what: String,
        /// The reason.
        source: io::Error,
    },
    /// It is unknown whether the writer is alive.
    #[error("its file system does not support locks, which tell whether its writer is running")]
    NoLocks,
    /// The dump may not be written to.
    #[error("the dump belongs to another user, or has several names")]
    ForeignDump,
    /// The dump was written by a later version, in which the same bytes may have another meaning.
    #[error("the dump was written by a later version")]
    Version,
    /// A file is damaged, or was not created by a logger.
    #[error("{name} is not in the state in which a logger leaves it")]
    Odd {
        /// The name of the file.
        name: String,
    },
    /// A file is longer than any that a logger creates.
    #[error(
        "{name} has {bytes} bytes, and a logger reads at most {limit}: `steno recover` reads more"
    )]
    TooLong {
        /// The name of the file.
        name: String,
        /// Its length.
        bytes: u64,
        /// The number of bytes that may be read.
        limit: u64,
    },
    /// The dump is damaged.
    #[error("the dump differs at byte {offset} from what was written")]
    Dump {
        /// The offset of the damage.
        offset: u64,
    },
    /// The dump and a ring do not fit together.
    #[error("the dump does not continue at record {number} of ring {ring}, where the ring begins")]
    Gap {
        /// The ring.
        ring: u32,
        /// The number of the record.
        number: u64,
    },
}

impl NotRecovered {
    fn odd(name: impl AsRef<OsStr>) -> Self {
        Self::Odd { name: name.as_ref().to_string_lossy().into_owned() }
    }

    fn of_file(name: impl AsRef<OsStr>, source: io::Error) -> Self {
        Self::Io { what: name.as_ref().to_string_lossy().into_owned(), source }
    }

    fn of_dump(source: io::Error) -> Self {
        Self::Io { what: "the dump".to_owned(), source }
    }

    fn unusable(name: impl AsRef<OsStr>, error: FileError) -> Self {
        match error {
            FileError::Foreign => Self::odd(name),
            FileError::Io(source) => Self::of_file(name, source),
        }
    }
}

/// Reads a file that is not longer than `limit`.
fn read_whole(file: &File, name: &str, limit: u64) -> Result<Vec<u8>, NotRecovered> {
    let of_file = |error| NotRecovered::of_file(name, error);
    let bytes = file.metadata().map_err(of_file)?.len();
    if bytes > limit {
        return Err(NotRecovered::TooLong { name: name.to_owned(), bytes, limit });
    }
    read_at_most(file, limit).map_err(of_file)
}
