//! Storage of a dump's bytes: a file, or in tests a disk that fails on command.
//!
//! A storage does what it is asked to, once. [`SegmentFile`](super::segment::SegmentFile) retries writes and
//! syncs, and `replace` begins another file. Retention, which would remove the oldest files of a session by
//! number, size or age, would be a module of this folder: names are in `naming`.

pub(crate) mod create;
pub(crate) mod file;
pub(crate) mod locked;
pub(crate) mod metadata;
pub(crate) mod naming;
#[cfg(feature = "console")]
pub(crate) mod nowhere;
mod room;
pub(crate) mod tail;

use std::fmt;
use std::io;
use std::path::Path;

use crate::error::FileEvent;

/// A file that one drain writes, from its beginning to its end.
pub(crate) trait Storage: fmt::Debug + Send {
    /// Where the file was created.
    fn path(&self) -> &Path;

    /// Writes at `offset`, and returns how many of the bytes.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Reads bytes at `offset`, and returns how many; 0 at the end of the file.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// Puts what was written on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Puts the name of the file on the disk.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// Whether the file still exists and has the `written` bytes. Called before each write: a write after a
    /// new, earlier end would leave a hole.
    fn check(&mut self, written: u64) -> io::Result<Standing>;

    /// As [`check`](Self::check), and whether its path still leads to the file.
    fn look(&mut self, written: u64) -> io::Result<Standing>;

    /// Creates an empty file at the path for which this one was created. A dump that is there now, this one or
    /// another, is given another name. If something else is there, the new file gets another name.
    fn successor(&mut self) -> io::Result<Box<dyn Storage>>;

    /// The file is whole: gives back what it does not use.
    fn end(&mut self) {}

    /// Creates an empty file for the tail of a session's dump. A storage that is no file has none.
    fn create_tail(&self, _session: &[u8; 16]) -> io::Result<Box<dyn tail::TailStorage>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The standing of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is as it should be, as far as the system tells.
    Whole,
    /// Something was done to it.
    Taken(FileEvent),
}
