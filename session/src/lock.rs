//! The writer's lock on a file, which tells readers and other loggers that the writer is alive.
//!
//! There are two locks. Format 1.0 has `flock`, and readers of all versions try it. Such a reader holds
//! it for a moment, shared, and must not be mistaken for another writer. Therefore, where the system
//! supports it, there is also a *mark*: a write lock on one byte, which readers only query. The mark
//! decides which logger is the writer; that logger gets `flock` as soon as readers release it.
//!
//! Both locks belong to the open file, not to its name, and not to the process, which may have the file
//! open more than once. A forked child inherits them: the logger closes such files in its children.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// The offset of the byte that a writer on Linux has locked (`F_OFD_SETLK`) in its dump and in `meta.steno`.
pub const MARK_OFFSET: u64 = 0x7fff_fffe;

/// How long a writer waits for readers, which hold the lock for some microseconds.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a writer waits between two attempts.
const PAUSE: Duration = Duration::from_micros(200);

/// How often a reader asks for a writer before it believes the answer. A logger that cleans up after
/// others holds the lock for less than a millisecond, unless the machine is busy.
const QUERIES: u32 = 5;

/// The same for a ring directory, which such a logger holds while it judges it.
const DIRECTORY_QUERIES: u32 = 200;

/// How often the lock of a folder is tried. Others hold it for a moment.
const FOLDER_ATTEMPTS: u32 = 20;

/// The time between two such attempts or queries.
const QUERY_PAUSE: Duration = Duration::from_millis(1);

/// The writer of a file, according to its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// No other process: the caller has the lock, or could have it.
    Ours,
    /// Another open file has the lock.
    Other,
    /// Unknown, because the file system has no locks.
    Unknown,
}

/// Locks a file, unless another writer has locked it. Readers do not count; waits up to 500 ms for them.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use stenolog_session::lock::{self, Writer};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("app.steno");
/// let open = || std::fs::File::options().create(true).append(true).open(&path);
/// let (first, second) = (open()?, open()?);
/// assert_eq!(lock::acquire(&first), Writer::Ours);
/// assert_eq!(lock::acquire(&second), Writer::Other);
/// lock::release(&first);
/// assert_eq!(lock::acquire(&second), Writer::Ours);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn acquire(file: &File) -> Writer {
    let is_marked = match mark::set(file) {
        mark::Set::Done => true,
        mark::Set::Conflict => return Writer::Other,
        // A file that is open for reading only cannot be marked, but may be marked by its writer.
        mark::Set::Failed if mark::is_set(file) => return Writer::Other,
        mark::Set::Failed => false,
    };
    let writer = flock(file, is_marked);
    if writer == Writer::Other && is_marked {
        mark::clear(file);
    }
    writer
}

fn flock(file: &File, is_marked: bool) -> Writer {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Writer::Ours,
            Err(TryLockError::Error(_)) if is_marked => return Writer::Ours,
            Err(TryLockError::Error(_)) => return Writer::Unknown,
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => {
                let _ = file.unlock();
            }
            // Not a reader, but a writer that sets no mark.
            Err(_) => return Writer::Other,
        }
        if Instant::now() >= until {
            // A reader was stopped while it had the lock. Other loggers see the mark.
            return if is_marked { Writer::Ours } else { Writer::Other };
        }
        std::thread::sleep(PAUSE);
    }
}

/// The writer of a file, as [`acquire`] would find it. Keeps no lock and does not wait.
#[must_use]
pub fn query(file: &File) -> Writer {
    if mark::is_set(file) {
        return Writer::Other;
    }
    match file.try_lock_shared() {
        Ok(()) => {
            // Closing the file would release the lock too.
            let _ = file.unlock();
            Writer::Ours
        }
        Err(TryLockError::WouldBlock) => Writer::Other,
        Err(TryLockError::Error(_)) => Writer::Unknown,
    }
}

/// Whether a logger is writing to a file; `None` if that is unknown.
///
/// Queries the lock for some milliseconds before returning `true`, because a logger that cleans up after others
/// holds the lock for a moment.
#[must_use]
pub fn writer_is_alive(file: &File) -> Option<bool> {
    is_held(file, QUERIES)
}

/// Whether a logger is using the ring directory that this `meta.steno` belongs to; `None` if that is unknown.
///
/// Queries the lock for a fifth of a second before returning `true`: a logger that starts locks the directories
/// of others while it judges them, and may be interrupted meanwhile.
#[must_use]
pub fn directory_is_in_use(meta: &File) -> Option<bool> {
    is_held(meta, DIRECTORY_QUERIES)
}

fn is_held(file: &File, queries: u32) -> Option<bool> {
    // Elsewhere locks are mandatory: asking for one could disturb the writer.
    if cfg!(not(unix)) {
        return None;
    }
    for attempt in 0..queries {
        if attempt > 0 {
            std::thread::sleep(QUERY_PAUSE);
        }
        match query(file) {
            Writer::Ours => return Some(false),
            Writer::Unknown => return None,
            Writer::Other => {}
        }
    }
    Some(true)
}

/// Releases the lock. Closing the file is not enough: a forked child may have it open too.
pub fn release(file: &File) {
    let _ = file.unlock();
    mark::clear(file);
}

/// Shares the lock of a folder, as loggers do while they create a ring directory in it: until the new
/// `meta.steno` is locked, nothing else tells that the directory has a writer. `None` if the folder cannot
/// be locked.
#[must_use = "the lock lasts as long as the file is open"]
pub fn share_folder(folder: &Path) -> Option<File> {
    hold_folder(folder, File::try_lock_shared)
}

/// Locks a folder, to remove directories in it that loggers have begun to create and abandoned. `None` if
/// the folder cannot be locked, or others have locked it for long.
#[must_use = "the lock lasts as long as the file is open"]
pub fn lock_folder(folder: &Path) -> Option<File> {
    hold_folder(folder, File::try_lock)
}

fn hold_folder(folder: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> Option<File> {
    let file = File::open(folder).ok()?;
    for attempt in 0..FOLDER_ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(QUERY_PAUSE);
        }
        match lock(&file) {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mark {
    use std::fs::File;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    /// The outcome of an attempt to set the mark.
    pub(super) enum Set {
        Done,
        /// Another open file has set it.
        Conflict,
        /// There are no such locks here, or the file is open for reading only.
        Failed,
    }

    pub(super) fn set(file: &File) -> Set {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&mark(libc::F_WRLCK))) {
            Ok(_) => Set::Done,
            Err(Errno::EAGAIN | Errno::EACCES | Errno::EPERM) => Set::Conflict,
            Err(_) => Set::Failed,
        }
    }

    pub(super) fn clear(file: &File) {
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&mark(libc::F_UNLCK)));
    }

    pub(super) fn is_set(file: &File) -> bool {
        let mut lock = mark(libc::F_RDLCK);
        let result = fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock));
        result.is_ok() && libc::c_int::from(lock.l_type) == libc::F_WRLCK
    }

    fn mark(kind: libc::c_int) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: super::MARK_OFFSET as libc::off_t,
            l_len: 1,
            l_pid: 0,
        }
    }
}

/// Elsewhere such locks belong to the process, which loses them when it closes the file anywhere.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod mark {
    use std::fs::File;

    #[expect(dead_code, reason = "no mark can be set, nor be in conflict, on this system")]
    pub(super) enum Set {
        Done,
        Conflict,
        Failed,
    }

    pub(super) fn set(_: &File) -> Set {
        Set::Failed
    }

    pub(super) fn clear(_: &File) {}

    pub(super) fn is_set(_: &File) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const IS_MARKED: bool = cfg!(any(target_os = "linux", target_os = "android"));

    #[test]
    fn a_reader_is_not_a_writer_however_long_it_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let open =
            || File::options().read(true).write(true).open(folder.path().join("file")).unwrap();
        let reader = open();
        reader.lock_shared().unwrap();
        let first = open();
        assert_eq!(acquire(&first), if IS_MARKED { Writer::Ours } else { Writer::Other });
        if IS_MARKED {
            assert_eq!(acquire(&open()), Writer::Other);
        }
        release(&first);
        drop(reader);
        let second = open();
        assert_eq!(acquire(&second), Writer::Ours);
        assert_eq!(acquire(&first), Writer::Other);
        // `flock` alone, as of an earlier version.
        release(&second);
        second.lock().unwrap();
        assert_eq!(acquire(&first), Writer::Other);
        drop(second);
        assert_eq!(acquire(&first), Writer::Ours);
    }

    /// A writer that had to leave `flock` to a stopped reader has the mark alone.
    #[test]
    fn a_file_that_is_open_for_reading_only_sees_the_mark() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = file.reopen().unwrap();
        assert_eq!(acquire(&writer), Writer::Ours);
        writer.unlock().unwrap();
        let reader = File::open(file.path()).unwrap();
        let expected = if IS_MARKED { Writer::Other } else { Writer::Ours };
        assert_eq!(query(&reader), expected);
        assert_eq!(writer_is_alive(&reader), Some(IS_MARKED));
        assert_eq!(acquire(&reader), expected);
    }

    /// The other process is a logger that judges the directory, and was interrupted.
    #[test]
    fn a_lock_that_is_released_is_not_a_directory_in_use() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (judge, meta) = (file.reopen().unwrap(), file.reopen().unwrap());
        assert_eq!(acquire(&judge), Writer::Ours);
        assert_eq!(directory_is_in_use(&meta), Some(true));
        let query = std::thread::spawn(move || while directory_is_in_use(&meta) != Some(false) {});
        release(&judge);
        query.join().unwrap();
    }
}
