//! Dump states: whether a dump has everything that its rings held.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::End;
use stenolog_session::lock::{self as writer_lock, Writer};

use super::MAX_ENTRIES;

/// Dumps, each with its session.
pub(super) type Dumps = Vec<([u8; 16], PathBuf)>;

/// What is known of a dump.
pub(super) enum DumpState {
    Absent,
    /// Another session's, or no dump.
    Other,
    Sealed,
    Unsealed,
    /// It is being written, or cannot be read.
    Unknown,
}

/// The sessions of the dumps in a folder; `None` if it cannot be looked through.
pub(super) fn sessions_in(folder: &Path) -> Option<Dumps> {
    let entries: Vec<_> = fs::read_dir(folder).ok()?.take(MAX_ENTRIES + 1).collect();
    if entries.len() > MAX_ENTRIES {
        return None;
    }
    let mut sessions = Vec::new();
    for entry in entries {
        let path = entry.ok()?.path();
        // What cannot be read may be a dump.
        match open_dump(&path) {
            Ok(Some((_, header))) => sessions.push((header.session, path)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    Some(sessions)
}

/// Opens a file that begins as a dump does.
fn open_dump(path: &Path) -> io::Result<Option<(File, FileHeader)>> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(None);
    }
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let mut header = [0; FileHeader::BYTES];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(FileHeader::decode(&header).ok().map(|(header, _)| (file, header))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known of the dump at a path.
pub(super) fn dump_state(path: &Path, session: &[u8; 16]) -> DumpState {
    let (file, header) = match open_dump(path) {
        Ok(Some(found)) => found,
        Ok(None) => return DumpState::Other,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return DumpState::Absent,
        // A part of the path is no folder any more.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return DumpState::Absent,
        Err(_) => return DumpState::Unknown,
    };
    if header.session != *session {
        return DumpState::Other;
    }
    let owner = file.metadata().map(|metadata| metadata.uid());
    let trusted = [0, rustix::process::geteuid().as_raw()];
    if !owner.is_ok_and(|owner| trusted.contains(&owner)) {
        return DumpState::Unknown;
    }
    if writer_lock::query(&file) == Writer::Other {
        return DumpState::Unknown;
    }
    match is_sealed(&file) {
        Ok(true) => DumpState::Sealed,
        Ok(false) => DumpState::Unsealed,
        Err(_) => DumpState::Unknown,
    }
}

/// Whether a dump ends with the end of its session.
fn is_sealed(dump: &File) -> io::Result<bool> {
    const BYTES: usize = FrameHeader::BYTES + End::BYTES;
    let mut frame = [0; BYTES];
    let len = dump.metadata()?.len();
    let Some(at) = len.checked_sub(BYTES as u64) else { return Ok(false) };
    dump.read_exact_at(&mut frame, at)?;
    let payload = &frame[FrameHeader::BYTES..];
    let header = FrameHeader::decode(&frame);
    let is_end =
        header.is_some_and(|header| header.kind == FrameKind::End as u8 && header.matches(payload));
    Ok(is_end && End::decode(payload).is_some_and(|end| !end.continues))
}
