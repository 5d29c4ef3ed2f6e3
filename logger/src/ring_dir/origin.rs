//! Creation of a ring directory, so that it is not mistaken for an abandoned one and names its dump.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use stenolog_session::layout::{DumpLocation, LOCATION_FILE};

use super::unix::{check_size_limit, new_file};

/// How often, and how long in all, a folder's lock is tried for. Its holders need it for a moment.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_EVERY: Duration = Duration::from_millis(1);

/// The lock of a folder, shared by those who begin a directory in it: until its `meta.steno` is
/// locked, nothing else tells that the directory has a writer.
#[derive(Debug)]
pub(super) struct Beginning(#[expect(dead_code, reason = "held, not read")] Option<File>);

impl Beginning {
    /// A directory is to be made at `path`.
    pub(super) fn of(path: &Path) -> Self {
        Self(path.parent().and_then(|folder| lock_folder(folder, true)))
    }
}

/// States in a directory which dump it belongs to.
pub(super) fn state(path: &Path, location: &DumpLocation) -> io::Result<()> {
    let bytes = location.encode();
    check_size_limit(bytes.len() as u64)?;
    new_file(&path.join(LOCATION_FILE))?.write_all(&bytes)
}

/// Locks a folder; `None` if it cannot be locked, or others have locked it for long.
pub(super) fn lock_folder(folder: &Path, is_shared: bool) -> Option<File> {
    let file = File::open(folder).ok()?;
    for attempt in 0..LOCK_ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(LOCK_EVERY);
        }
        match if is_shared { file.try_lock_shared() } else { file.try_lock() } {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(_)) => return None,
        }
    }
    None
}
