//! Creation of dump files.
//!
//! - **F1 (own).** A symbolic link at the end of the path is never followed, and only a regular file is
//!   written. A file that is written over belongs to this user and has no other name.
//! - **F2 (absolute).** The path is made absolute at the start, so a change of the working directory
//!   changes nothing.
//! - **F3 (nothing unread).** A dump is replaced only if the caller has seen that no rings belong to it.
//! - **F4 (mapped).** A reader may have a dump mapped, so the logger neither changes the bytes of an existing
//!   dump nor shortens it. A replacement is a new file that takes over the name. Only where that is
//!   impossible, because the folder is not writable or the file is itself a mount point, is a dump that is
//!   to be replaced emptied.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stenolog_format::frame::{FileHeader, FrameHeader, MAGIC};

use super::locked::{Locked, lock, open_existing, open_new};
use super::metadata::{is_ours_alone, is_same, mode_within, narrow};
use super::naming::{Beside, free_name};
use crate::config::Existing;
use crate::error::StartError;

/// How many bytes after a hole to search for a frame of a dump.
const MOST_LOOKED_AT: u64 = 4 << 20;

/// Creates and locks a file at the path. A file that is there is kept under another name, or replaced if
/// that is wanted and it has no dump of another session than `replaceable`.
pub(super) fn create(
    path: &Path,
    existing: Existing,
    mode: u32,
    replaceable: Option<[u8; 16]>,
) -> Result<Locked, StartError> {
    let error = |source| StartError::Create { path: path.to_owned(), source };
    // A file that vanishes or appears between two looks at it makes another round.
    loop {
        match open_new(path, mode) {
            Ok(file) => return lock(file, path),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(error(source)),
        }
        let file = match open_existing(path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(_) if path.is_symlink() => {
                return Err(StartError::Symlink { path: path.to_owned() });
            }
            Err(source) => {
                // A socket cannot be opened at all.
                let kind = path.symlink_metadata().map(|metadata| metadata.file_type());
                let is_odd = kind.is_ok_and(|kind| !kind.is_file() && !kind.is_dir());
                return Err(if is_odd { not_a_file(path) } else { error(source) });
            }
        };
        let metadata = file.metadata().map_err(error)?;
        // What a pipe or a terminal holds cannot be examined.
        if !metadata.is_file() {
            return Err(not_a_file(path));
        }
        let file = lock(file, path)?;
        // Before the lock it may have been moved, by a logger that started at the same time.
        match path.symlink_metadata() {
            Ok(at_path) if is_same(&metadata, &at_path) == Some(false) => continue,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            _ => {}
        }
        if may_write_over(&file.file, path, existing, replaceable)? {
            let metadata = file.file.metadata().map_err(error)?;
            if metadata.len() > 0
                && let Some(new) = replace(path, &metadata, mode)
            {
                return Ok(new);
            }
            if is_ours_alone(&metadata) {
                narrow(&file.file, &metadata, mode).map_err(error)?;
                // If the file has content, this is the only way left (F4).
                file.file.set_len(0).map_err(error)?;
                return Ok(file);
            }
            std::fs::remove_file(path).map_err(error)?;
        }
    }
}

/// Replaces a file that this process has locked by a new, empty one (F4); `None` if that is not possible.
fn replace(path: &Path, old: &Metadata, mode: u32) -> Option<Locked> {
    let beside = Beside::new(path)?;
    let file = beside.make(if is_ours_alone(old) { mode_within(old, mode) } else { mode }).ok()?;
    std::fs::rename(&beside.path, path).ok()?;
    beside.keep();
    Some(file)
}

/// The session of the dump that a file begins with, if it does.
pub(crate) fn session_of(file: &File) -> Option<[u8; 16]> {
    FileHeader::decode(&beginning(file).ok()?).ok().map(|(header, _)| header.session)
}

/// The session of the dump at a path, if there is one.
pub(crate) fn session_at(path: &Path) -> Option<[u8; 16]> {
    let file = open_existing(path).ok()?;
    // A device could be changed by being read.
    file.metadata().ok().filter(Metadata::is_file)?;
    session_of(&file)
}

/// As many bytes of a file as a file header has.
fn beginning(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(FileHeader::BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes way for a new file at a path: `true` if the file there may be written over, `false` if it was
/// given another name.
fn may_write_over(
    file: &File,
    path: &Path,
    existing: Existing,
    replaceable: Option<[u8; 16]>,
) -> Result<bool, StartError> {
    let not_a_dump = || StartError::NotADump { path: path.to_owned() };
    let error = |source| StartError::Create { path: path.to_owned(), source };
    let beginning = beginning(file).map_err(error)?;
    let Some(magic) = beginning.first_chunk() else {
        // Empty, or cut before a reader could have made anything of it.
        return if beginning.is_empty() { Ok(true) } else { Err(not_a_dump()) };
    };
    let is_kept = if has_lost_its_beginning(file, magic) {
        // Whose rings belong to what is left of it is unknown.
        true
    } else if *magic != MAGIC {
        return Err(not_a_dump());
    } else {
        let session = FileHeader::decode(&beginning).ok().map(|(header, _)| header.session);
        existing == Existing::Keep || session != replaceable
    };
    if is_kept {
        let to = free_name(path);
        std::fs::rename(path, &to).map_err(|source| StartError::KeepEarlier {
            path: path.to_owned(),
            to,
            source,
        })?;
    }
    Ok(!is_kept)
}

/// Whether the file begins with zeros and then continues as a dump: it was truncated while a logger wrote
/// to it, and that logger was killed before it could notice.
fn has_lost_its_beginning(mut file: &File, magic: &[u8; MAGIC.len()]) -> bool {
    if *magic != [0; MAGIC.len()] {
        return false;
    }
    // A hole can be far longer than what follows it.
    #[cfg(target_os = "linux")]
    let begin = rustix::fs::seek(file, rustix::fs::SeekFrom::Data(0)).ok();
    #[cfg(not(target_os = "linux"))]
    let begin = Some(0);
    let Some(begin) = begin else { return false };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(begin)).is_ok()
        && file.take(MOST_LOOKED_AT).read_to_end(&mut bytes).is_ok()
        && FrameHeader::find(&bytes).is_some()
}

fn not_a_file(path: &Path) -> StartError {
    StartError::NotAFile { path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use stenolog_format::frame::VERSION;

    use super::super::locked::lock_existing;
    use super::*;

    fn header(session: u8) -> FileHeader {
        FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: 0,
            sequence: 0,
            process_id: 1,
            counter_hz: 1,
        }
    }

    /// Whether a dump of session 1 is kept under another name.
    #[track_caller]
    fn is_kept(existing: Existing, replaceable: Option<u8>) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        std::fs::write(&path, header(1).encode()).unwrap();
        assert_eq!(session_at(&path), Some([1; 16]));
        let replaceable = replaceable.map(|session| [session; 16]);
        let created = create(&path, existing, 0o600, replaceable).unwrap();
        assert_eq!(created.file.metadata().unwrap().len(), 0);
        assert_eq!(session_at(&path), None);
        let kept = session_at(&folder.path().join("app.1.steno"));
        assert!(kept.is_none_or(|session| session == [1; 16]));
        kept.is_some()
    }

    #[test]
    fn only_a_dump_that_was_found_to_have_no_rings_is_replaced() {
        assert!(!is_kept(Existing::Replace, Some(1)));
        assert!(is_kept(Existing::Replace, Some(2)));
        assert!(is_kept(Existing::Replace, None));
        assert!(is_kept(Existing::Keep, Some(1)));
    }

    #[test]
    fn a_file_that_a_logger_writes_cannot_be_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        assert!(lock_existing(&path).is_none());
        let created = create(&path, Existing::Keep, 0o600, None).unwrap();
        assert_eq!(lock_existing(&path).is_none(), !cfg!(windows));
        drop(created);
        assert!(lock_existing(&path).is_some());
    }
}
