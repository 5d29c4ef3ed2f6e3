//! Where a dump's bytes go: a file, or in tests a disk that fails as it is told to.
//!
//! A storage only does what it is asked for, once. What to do about a failure is the business of
//! [`Output`](super::output::Output) and of the scanner.

pub(crate) mod file;

use std::fmt;
use std::io;
use std::path::Path;

use crate::error::FileFate;

/// A file that one drain writes, from its beginning to its end.
pub(crate) trait Storage: fmt::Debug + Send {
    /// Where the file was created.
    fn path(&self) -> &Path;

    /// Writes at `offset`, and returns how many of the bytes.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Reads what stands at `offset`, and returns how many bytes; 0 at the end of the file.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// Has what was written put on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Has the name of the file put on the disk.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// Whether the file is still there, with the `written` bytes that it got. Asked before each
    /// write: bytes that are written behind a new end would leave a hole before them.
    fn check(&mut self, written: u64) -> io::Result<Standing>;

    /// As [`check`](Self::check), and whether the file is still under its name.
    fn look(&mut self, written: u64) -> io::Result<Standing>;

    /// A new, empty file at the path for which this one was created. What stands there now, be it
    /// this file or another, is given another name; if it is no dump, the new file is.
    fn successor(&mut self) -> io::Result<Box<dyn Storage>>;
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is as it should be, as far as can be told.
    Whole,
    /// Somebody has had their hands on it.
    Taken(FileFate),
}
