//! The lock that tells whether a file's writer is alive.
//!
//! There are two locks, in fact. Format 1.0 has `flock`, and readers of all versions try it. Such a reader
//! holds it for a moment, shared, and must not be mistaken for another writer. So, where the system
//! supports it, there is also a *mark*: a write lock on one byte, which readers only query. The mark
//! decides which logger is the writer; that logger gets `flock` as soon as readers release it.
//!
//! Both belong to the open file, not to the process, which may have it open more than once, and not to the
//! name.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

/// How long to wait for readers. They hold the lock for some microseconds.
const PATIENCE: Duration = Duration::from_millis(500);

const PAUSE: Duration = Duration::from_micros(200);

/// The owner of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// No other logger writes to it.
    Ours,
    /// Another one writes to it.
    Others,
    /// Its file system has no locks.
    NoLocks,
}

/// Locks a file, unless another writer has locked it. Readers do not count.
pub(crate) fn take(file: &File) -> Hold {
    let is_marked = match mark::set(file) {
        Ok(()) => true,
        Err(error) if is_conflict(&error) => return Hold::Others,
        Err(_) => false,
    };
    let hold = flock(file, is_marked);
    if hold == Hold::Others && is_marked {
        mark::clear(file);
    }
    hold
}

fn flock(file: &File, is_marked: bool) -> Hold {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Hold::Ours,
            Err(TryLockError::Error(_)) if is_marked => return Hold::Ours,
            Err(TryLockError::Error(_)) => return Hold::NoLocks,
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => {
                let _ = file.unlock();
            }
            // Not readers, but one that writes, and knows of no mark.
            Err(_) => return Hold::Others,
        }
        if Instant::now() >= until {
            // A reader that was stopped. Other loggers see the mark.
            return if is_marked { Hold::Ours } else { Hold::Others };
        }
        std::thread::sleep(PAUSE);
    }
}

/// The owner of the file, as [`take`] would find it; keeps no lock.
#[cfg(unix)]
pub(crate) fn ask(file: &File) -> Hold {
    if mark::is_set(file) {
        return Hold::Others;
    }
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            Hold::Ours
        }
        Err(TryLockError::WouldBlock) => Hold::Others,
        Err(TryLockError::Error(_)) => Hold::NoLocks,
    }
}

/// Releases the lock. Closing the file is not enough: a forked child may have it open too.
pub(crate) fn give_back(file: &File) {
    let _ = file.unlock();
    mark::clear(file);
}

fn is_conflict(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mark {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;

    use stenolog_format::recovery::WRITER_LOCK_BYTE;

    pub(super) fn set(file: &File) -> io::Result<()> {
        change(file, libc::F_WRLCK)
    }

    pub(super) fn clear(file: &File) {
        let _ = change(file, libc::F_UNLCK);
    }

    pub(super) fn is_set(file: &File) -> bool {
        let mut lock = of_kind(libc::F_RDLCK);
        // SAFETY: the descriptor is open as long as `file` lives, and the call reads and writes `lock` only.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
        result == 0 && libc::c_int::from(lock.l_type) == libc::F_WRLCK
    }

    fn of_kind(kind: libc::c_int) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: WRITER_LOCK_BYTE as libc::off_t,
            l_len: 1,
            l_pid: 0,
        }
    }

    fn change(file: &File, kind: libc::c_int) -> io::Result<()> {
        let lock = of_kind(kind);
        // SAFETY: the descriptor is open as long as `file` lives, and the call only reads `lock`.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Elsewhere such locks belong to the process, and are lost when it closes the file anywhere.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod mark {
    use std::fs::File;
    use std::io;

    pub(super) fn set(_: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn clear(_: &File) {}

    #[cfg(unix)]
    pub(super) fn is_set(_: &File) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_no_writer_however_long_it_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let open =
            || File::options().read(true).write(true).open(folder.path().join("file")).unwrap();
        let reader = open();
        reader.lock_shared().unwrap();
        let first = open();
        let is_marked = cfg!(any(target_os = "linux", target_os = "android"));
        assert_eq!(take(&first), if is_marked { Hold::Ours } else { Hold::Others });
        if is_marked {
            assert_eq!(take(&open()), Hold::Others);
        }
        give_back(&first);
        drop(reader);
        let second = open();
        assert_eq!(take(&second), Hold::Ours);
        assert_eq!(take(&first), Hold::Others);
        // The flock alone, as of an earlier version.
        give_back(&second);
        second.lock().unwrap();
        assert_eq!(take(&first), Hold::Others);
        drop(second);
        assert_eq!(take(&first), Hold::Ours);
    }
}
