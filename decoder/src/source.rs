//! The bytes of one file.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

use crate::error::OpenError;

/// The bytes of a dump: mapped if it is a regular file, else read.
///
/// The length is read once. What a running writer appends later is not seen.
#[derive(Debug)]
pub(crate) enum Source {
    Mapped { map: Mmap, writer_is_alive: Option<bool> },
    Read(Vec<u8>),
}

impl Source {
    /// Opens `path`.
    ///
    /// A mapped file that somebody truncates while it is read takes the process down with SIGBUS;
    /// a logger never truncates a dump.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        Self::of(file, path)
    }

    /// Takes a file that is open already; `path` is what it is called.
    pub(crate) fn of(mut file: File, path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        // Before the length is read: a writer that ends in between has written all by then.
        let writer_is_alive = writer_is_alive(&file);
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { path: path.to_owned() });
        }
        if metadata.is_file() && metadata.len() > 0 {
            let bytes = metadata.len();
            let length = usize::try_from(bytes)
                .map_err(|_| OpenError::TooLarge { path: path.to_owned(), bytes })?;
            // A file system that cannot map its files can still read them.
            if let Ok(map) = map(&file, length) {
                return Ok(Self::Mapped { map, writer_is_alive });
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self::Read(bytes))
    }

    /// Whether a logger held the file's lock when it was opened; `None` if that cannot be told.
    pub(crate) const fn writer_is_alive(&self) -> Option<bool> {
        match self {
            Self::Mapped { writer_is_alive, .. } => *writer_is_alive,
            Self::Read(_) => None,
        }
    }
}

/// Whether a logger holds the lock of a dump; `None` if that cannot be told.
pub(crate) fn writer_is_alive(file: &File) -> Option<bool> {
    // Elsewhere locks are mandatory: asking for one could disturb the writer.
    if cfg!(not(unix)) {
        return None;
    }
    if has_mark(file) {
        return Some(true);
    }
    match file.try_lock_shared() {
        Ok(()) => {
            // Closing the file would give the lock back too; there is nothing else to do.
            let _ = file.unlock();
            Some(false)
        }
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Whether a writer's lock on the byte that is for that is seen: no lock is taken to see it. Writers of
/// format 1.2 and before, and those on other systems, only hold the other lock.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_mark(file: &File) -> bool {
    use std::os::fd::AsRawFd as _;

    let mut lock = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: stenolog_format::recovery::WRITER_LOCK_BYTE as libc::off_t,
        l_len: 1,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open as long as `file` lives, and the call reads and writes `lock` only.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    result == 0 && i32::from(lock.l_type) == libc::F_WRLCK
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_mark(_: &File) -> bool {
    false
}

fn map(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: a map is sound as long as nobody changes the mapped bytes or truncates the file. A
    // logger only appends: it never touches the first `length` bytes again, which were there when
    // the length was read. Dumps are created 0600, so that nobody but their owner can break this,
    // who could as well change this process's memory.
    unsafe { MmapOptions::new().len(length).map(file) }
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped { map, .. } => map,
            Self::Read(bytes) => bytes,
        }
    }
}
