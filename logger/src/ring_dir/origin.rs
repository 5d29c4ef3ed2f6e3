//! Creation of a ring directory, so that it is not mistaken for an abandoned one and names its dump.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use stenolog_format::recovery::Origin;

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
pub(super) fn state(path: &Path, origin: &Origin) -> io::Result<()> {
    let bytes = origin.encode();
    check_size_limit(bytes.len() as u64)?;
    new_file(&path.join(Origin::FILE))?.write_all(&bytes)
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

/// Where the dump is that a logger of this process writes to `path`.
pub(super) fn origin_of(path: &Path) -> Origin {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Origin {
        device: nearest_device(&path).unwrap_or_default(),
        root: root(),
        path: path.as_os_str().as_bytes().to_vec(),
    }
}

/// The device of the nearest folder above `path` that exists; `None` if that cannot be told.
pub(super) fn nearest_device(path: &Path) -> Option<u64> {
    for folder in path.ancestors().skip(1) {
        match fs::metadata(folder) {
            Ok(metadata) => return Some(metadata.dev()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    None
}

/// Which folder is this process's root.
pub(super) fn root() -> [u64; 2] {
    fs::metadata("/").map(|root| [root.dev(), root.ino()]).unwrap_or_default()
}
