//! The file that a drain writes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use stenolog_format::frame::MAGIC;

use crate::error::StartError;

/// A dump that is being written, and the bytes that it does not have yet.
///
/// A write that fails part of the way is gone on with where it stopped, so that no frame is torn
/// but the one that a crash cuts.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    /// What has been written.
    written_bytes: u64,
    /// What is to be written next; its first `done` bytes have been.
    buffer: Vec<u8>,
    done: usize,
}

/// What becomes of a dump that an earlier run has left at the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Existing {
    /// It is renamed: `app.steno` becomes `app.1.steno`, or the next number that is free.
    #[default]
    Keep,
    /// It is overwritten.
    Replace,
}

impl Output {
    /// Creates the file and locks it, so that readers can tell a dump that is being written from
    /// one whose writer died, and so that no two loggers write to one file.
    pub(crate) fn create(path: &Path, existing: Existing, mode: u32) -> Result<Self, StartError> {
        let create = |source| StartError::Create { path: path.to_owned(), source };
        // A file that vanishes or appears between two looks at it makes another round.
        let file = loop {
            match open_new(path, mode) {
                Ok(file) => {
                    lock(&file, path)?;
                    break file;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(create(error)),
            }
            match File::options().read(true).write(true).open(path) {
                Ok(mut file) => {
                    // A pipe or a terminal would have to be written in order to be looked at.
                    if !file.metadata().map_err(create)?.is_file() {
                        return Err(StartError::NotAFile { path: path.to_owned() });
                    }
                    lock(&file, path)?;
                    if make_way(&mut file, path, existing)? {
                        file.set_len(0).map_err(create)?;
                        io::Seek::rewind(&mut file).map_err(create)?;
                        break file;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(create(error)),
            }
        };
        Ok(Self { file, written_bytes: 0, buffer: Vec::new(), done: 0 })
    }

    /// Where the next byte of the buffer will stand in the file.
    pub(crate) const fn end(&self) -> u64 {
        self.written_bytes + (self.buffer.len() - self.done) as u64
    }

    /// The bytes to be written next, to be appended to.
    pub(crate) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands the buffer to the operating system. After an error the rest stays in the buffer.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        while self.done < self.buffer.len() {
            match self.file.write(&self.buffer[self.done..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.done += n;
                    self.written_bytes += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.clear();
        self.done = 0;
        Ok(())
    }

    /// Has the operating system put the file on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// How many bytes have been written.
    pub(crate) const fn written_bytes(&self) -> u64 {
        self.written_bytes
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Closing the file is not enough: a forked child may have it open too.
        if !cfg!(windows) {
            let _ = self.file.unlock();
        }
    }
}

fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// On Windows a lock would keep readers out, so that there is none.
fn lock(file: &File, path: &Path) -> Result<(), StartError> {
    if cfg!(windows) {
        return Ok(());
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(StartError::Busy { path: path.to_owned() }),
        // Some network file systems have no locks; the dump is as good without.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Deals with a file that is there already; `true` if it may be written over.
fn make_way(file: &mut File, path: &Path, existing: Existing) -> Result<bool, StartError> {
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        // Empty, or cut before a reader could have made anything of it.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let metadata = file.metadata();
            let is_empty = metadata.is_ok_and(|metadata| metadata.len() == 0);
            return if is_empty { Ok(true) } else { Err(not_a_dump(path)) };
        }
        Err(source) => return Err(StartError::Create { path: path.to_owned(), source }),
        Ok(()) if magic != MAGIC => return Err(not_a_dump(path)),
        Ok(()) => {}
    }
    if existing == Existing::Replace {
        return Ok(true);
    }
    let to = free_name(path);
    std::fs::rename(path, &to).map_err(|source| StartError::KeepEarlier {
        path: path.to_owned(),
        to,
        source,
    })?;
    Ok(false)
}

fn not_a_dump(path: &Path) -> StartError {
    StartError::NotADump { path: path.to_owned() }
}

/// `app.steno` → `app.1.steno`, with the first number that is free.
fn free_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let name = |n: u64| {
        let mut name = stem.to_owned();
        name.push(format!(".{n}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| path.with_extension("old"))
}
