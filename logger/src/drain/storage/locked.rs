//! Opening and locking of dump files.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use stenolog_session::lock::{self as writer_lock, Writer};

use super::metadata::is_same;
use crate::error::StartError;
use crate::process::descriptors::NotInherited;

/// A file with a lock, which tells readers that it is being written.
#[derive(Debug)]
pub(crate) struct Locked {
    // Before the file: its descriptor must not be another file's when a child closes it.
    _not_inherited: NotInherited,
    pub(crate) file: File,
}

impl Locked {
    pub(super) fn new(file: File) -> Self {
        Self { _not_inherited: NotInherited::new(&file), file }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file is not enough: a forked child may have it open too.
        if !cfg!(windows) {
            writer_lock::release(&self.file);
        }
    }
}

pub(super) fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A symbolic link exists, wherever it leads.
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

pub(super) fn open_existing(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Devices and pipes must be opened to be told from files; they must not wait for that.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    // Opens the link itself, which is then no regular file.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0020_0000);
    options.open(path)
}

/// Locks a file. Not on Windows, where a lock would keep readers out.
pub(super) fn lock(file: File, path: &Path) -> Result<Locked, StartError> {
    if cfg!(windows) {
        return Ok(Locked::new(file));
    }
    match writer_lock::acquire(&file) {
        Writer::Other => Err(StartError::Busy { path: path.to_owned() }),
        // Some network file systems have no locks; the dump is as good without.
        Writer::Ours | Writer::Unknown => Ok(Locked::new(file)),
    }
}

/// Opens and locks the regular file at a path, if there is one and no logger writes to it. `None` leaves it
/// to [`create`] to say why that is impossible.
pub(crate) fn lock_existing(path: &Path) -> Option<Locked> {
    loop {
        let file = open_existing(path).ok()?;
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        let locked = lock(file, path).ok()?;
        // Before the lock it may have been moved, by a logger that started at the same time.
        match path.symlink_metadata() {
            Ok(at_path) if is_same(&metadata, &at_path) == Some(false) => {}
            result => return result.ok().map(|_| locked),
        }
    }
}
