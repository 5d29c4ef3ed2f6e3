//! Storage of a tail: a file beside the dump that becomes shorter in place.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::locked::open_new;
use super::metadata::link_count;

/// A file for the tail of a dump.
pub(crate) trait TailStorage: fmt::Debug + Send {
    /// Writes at `offset`, and returns how many of the bytes.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Empties the file.
    fn clear(&mut self) -> io::Result<()>;

    /// Whether the file still has a name. If not, no reader finds it.
    fn is_there(&self) -> bool;

    /// Removes the file.
    fn remove(&mut self);
}

/// A tail that is a file.
#[derive(Debug)]
pub(super) struct TailFile {
    file: File,
    path: PathBuf,
}

impl TailFile {
    /// Creates the file. A file of this name is removed: no other session has the name.
    pub(super) fn create(path: PathBuf, mode: u32) -> io::Result<Self> {
        let file = match open_new(&path, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&path)?;
                open_new(&path, mode)
            }
            result => result,
        }?;
        Ok(Self { file, path })
    }
}

impl TailStorage for TailFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        write_at(&self.file, offset, bytes)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }

    fn is_there(&self) -> bool {
        let is_named = |metadata: std::fs::Metadata| link_count(&metadata) != Some(0);
        self.file.metadata().is_ok_and(is_named)
    }

    fn remove(&mut self) {
        // A reader that does not get it loses nothing: the dump has the records by now, or the rings have.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes at an offset: the file's own cursor is shared with forked children.
pub(super) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_write(file, bytes, offset);
    #[cfg(not(any(unix, windows)))]
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.write(bytes)
    }
}

/// The path of a tail beside a dump.
pub(super) fn path_beside(dump: &Path, session: &[u8; 16]) -> PathBuf {
    dump.with_file_name(stenolog_session::layout::tail_file(session))
}
