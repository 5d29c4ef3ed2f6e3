//! The judgement of an abandoned ring directory: whether it is still needed, given its writer and its dump.
//!
//! ```text
//!   its writer is running, or that is unknown    needed
//!   no ring: its writer died while it started    not needed
//!   the dump is sealed                           not needed: it has everything
//!   the dump is gone                             not needed: no record can be explained without it
//!   the dump is not sealed                       needed, unless the rings hold nothing
//! ```
//!
//! A wrong judgement would remove a directory and its records. If anything is uncertain, the directory
//! therefore counts as needed, for example if a folder cannot be listed or a dump cannot be read. A dump of an
//! untrusted user is ignored: anyone can put one into `/dev/shm`.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::End;

use crate::dir::{Dir, Owners, owner_of};
use crate::layout::{DumpLocation, META_FILE, TAIL_SEQUENCE, folder_of, hints_at_records};
use crate::lock::{self, Writer};
use crate::positioned::read_exact_at;

/// Whether an abandoned directory is still needed, and why.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Its logger is running, or another process works on it.
    Running,
    /// It has no rings: its logger was killed while it started, or its removal was interrupted.
    NoRings {
        /// Whether it has its `meta.steno`, whose lock shows whether there is a writer.
        has_meta: bool,
    },
    /// Its dump is sealed and has everything.
    Sealed {
        /// The dump.
        dump: PathBuf,
    },
    /// Its dump is no longer in its folder, under any name.
    Gone {
        /// Where it was.
        dump: PathBuf,
    },
    /// Its dump is not sealed. The rings have what it lacks, or prove that it lacks nothing.
    Unsealed {
        /// The dump.
        dump: PathBuf,
    },
    /// The directory cannot be judged.
    Unknown(Doubt),
}

/// The reason why a directory cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// The directory, or its `meta.steno`, cannot be read.
    #[error("{0}")]
    Unreadable(io::Error),
    /// Its file system has no locks.
    #[error("its file system does not support locks")]
    NoLocks,
    /// It is unknown whether its writer is alive.
    #[error("its meta.steno is missing")]
    NoMeta,
    /// The dump may be anywhere.
    #[error("it does not say where its dump is")]
    NoLocation,
    /// The dump was not found, but may be on another file system, or seen from another root.
    #[error("its dump cannot be seen from here")]
    NotVisible {
        /// Where it should be.
        dump: PathBuf,
    },
    /// The dump is being written, or cannot be read.
    #[error("its dump is in use or cannot be read")]
    Dump {
        /// The dump.
        dump: PathBuf,
    },
}

/// The state of the dump at a path.
#[derive(Debug, PartialEq, Eq)]
enum DumpAtPath {
    Absent,
    /// It is another session's, or is not a dump.
    Other,
    Sealed,
    Unsealed,
    /// It belongs to a user who is not trusted, and may have planted it.
    Foreign,
    /// It is being written, or cannot be read.
    Unknown,
}

/// The dumps of a folder, each with its session.
type Dumps = Vec<([u8; 16], PathBuf)>;

/// Judges abandoned directories. Reads each folder only once.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use stenolog_session::dir::Dir;
/// use stenolog_session::layout::directory_name;
/// use stenolog_session::leftover::{Judge, Verdict};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join(directory_name(&[1; 16]));
/// std::fs::create_dir(&path)?;
/// let verdict = Judge::new(1000).judge(&Dir::open(&path).unwrap(), &[1; 16]);
/// assert!(matches!(verdict, Verdict::NoRings { has_meta: false }));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Judge {
    owners: Owners,
    max_entries: usize,
    is_patient: bool,
    /// The folders that were looked through; `None` if not all of their dumps are known.
    folders: HashMap<PathBuf, Option<Dumps>>,
}

impl Judge {
    /// A judge that looks for dumps in folders of up to `max_entries` files.
    #[must_use]
    pub fn new(max_entries: usize) -> Self {
        let owners = Owners::root_and_this_user();
        Self { owners, max_entries, is_patient: false, folders: HashMap::new() }
    }

    /// Asks for a writer several times: another program may hold its lock for a moment.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    /// Judges a directory of a session. Reads frame headers of dumps, but no rings; changes nothing.
    pub fn judge(&mut self, dir: &Dir, session: &[u8; 16]) -> Verdict {
        let has_meta = match dir.open_file(META_FILE, &self.owners) {
            Ok(meta) => match self.writer(&meta) {
                Writer::Ours => true,
                Writer::Other => return Verdict::Running,
                Writer::Unknown => return Verdict::Unknown(Doubt::NoLocks),
            },
            Err(error) if error.is_not_found() => false,
            Err(error) => return Verdict::Unknown(Doubt::Unreadable(io::Error::other(error))),
        };
        // After the lock: a writer that died meanwhile may have left rings before.
        match holds_rings(dir) {
            Err(error) => Verdict::Unknown(Doubt::Unreadable(error)),
            Ok(true) if has_meta => self.judge_dump(dir, session),
            Ok(true) => Verdict::Unknown(Doubt::NoMeta),
            Ok(false) => Verdict::NoRings { has_meta },
        }
    }

    /// Whether the tail of a session in this folder is no longer needed: the dump is sealed, or gone from the
    /// folder.
    pub fn may_tail_go(&mut self, folder: &Path, session: &[u8; 16]) -> bool {
        let max_entries = self.max_entries;
        let dumps = self.folders.entry(folder.to_owned());
        let dumps = dumps.or_insert_with_key(|folder| dumps_in(folder, max_entries));
        let Some(dumps) = dumps else { return false };
        let of_session: Vec<_> = dumps.iter().filter(|(of, _)| of == session).collect();
        let paths: Vec<_> = of_session.into_iter().map(|(_, path)| path.clone()).collect();
        // A file that is being renamed may be missed: the tail of a running logger is begun again then.
        let states = paths.iter().map(|path| self.state(path, session));
        let is_of_dump =
            |state: &DumpAtPath| !matches!(state, DumpAtPath::Absent | DumpAtPath::Other);
        let mut states = states.filter(is_of_dump).peekable();
        states.peek().is_none() || states.any(|state| state == DumpAtPath::Sealed)
    }

    fn judge_dump(&mut self, dir: &Dir, session: &[u8; 16]) -> Verdict {
        let location = dir.location(&self.owners);
        let named = location.as_ref().and_then(DumpLocation::path);
        let (state, dump) = match named.as_ref().map(|path| self.state(path, session)) {
            Some(state @ (DumpAtPath::Sealed | DumpAtPath::Unsealed)) => (state, named),
            _ => match self.find(dir, named.as_deref(), session) {
                Some((state, dump)) => (state, Some(dump)),
                None => (DumpAtPath::Absent, named),
            },
        };
        match (state, dump, location) {
            (DumpAtPath::Sealed, Some(dump), _) => Verdict::Sealed { dump },
            (DumpAtPath::Unsealed, Some(dump), _) => Verdict::Unsealed { dump },
            (DumpAtPath::Unknown, Some(dump), _) => Verdict::Unknown(Doubt::Dump { dump }),
            (_, Some(dump), Some(location)) if self.is_gone(&dump, &location, session) => {
                Verdict::Gone { dump }
            }
            (_, Some(dump), _) => Verdict::Unknown(Doubt::NotVisible { dump }),
            (_, None, _) => Verdict::Unknown(Doubt::NoLocation),
        }
    }

    /// The file of the session in the folder of its dump, or in that of the directory, in case it was
    /// renamed: a sealed one, if there are several.
    fn find(
        &mut self,
        dir: &Dir,
        named: Option<&Path>,
        session: &[u8; 16],
    ) -> Option<(DumpAtPath, PathBuf)> {
        let mut found = None;
        for folder in [named, Some(dir.path())].into_iter().flatten().map(folder_of) {
            let max_entries = self.max_entries;
            let dumps = self.folders.entry(folder);
            let dumps = dumps.or_insert_with_key(|folder| dumps_in(folder, max_entries));
            let paths: Vec<_> = dumps.iter().flatten().filter(|(of, _)| of == session).collect();
            let paths: Vec<_> = paths.into_iter().map(|(_, path)| path.clone()).collect();
            for path in paths {
                match (self.state(&path, session), &found) {
                    (DumpAtPath::Sealed, _) => return Some((DumpAtPath::Sealed, path)),
                    (DumpAtPath::Unsealed, _) => found = Some((DumpAtPath::Unsealed, path)),
                    (DumpAtPath::Unknown, None) => found = Some((DumpAtPath::Unknown, path)),
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether a dump that was not found is nowhere: its folder is seen from the same root and on the same
    /// file system, and does not have it.
    fn is_gone(&self, dump: &Path, location: &DumpLocation, session: &[u8; 16]) -> bool {
        let is_absent =
            || matches!(self.state(dump, session), DumpAtPath::Absent | DumpAtPath::Other);
        if !location.is_visible() || !is_absent() {
            return false;
        }
        let folder = folder_of(dump);
        match fs::metadata(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(_) => false,
            // Once more: a file that is being renamed may be missed.
            Ok(_) => dumps_in(&folder, self.max_entries)
                .is_some_and(|dumps| dumps.iter().all(|(of, _)| of != session)),
        }
    }

    fn state(&self, path: &Path, session: &[u8; 16]) -> DumpAtPath {
        use io::ErrorKind::{NotADirectory, NotFound};

        let (file, header) = match open_dump(path) {
            Ok(Some(found)) => found,
            Ok(None) => return DumpAtPath::Other,
            // A part of the path may be a file by now.
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {
                return DumpAtPath::Absent;
            }
            Err(_) => return DumpAtPath::Unknown,
        };
        if header.session != *session {
            return DumpAtPath::Other;
        }
        let is_trusted = file.metadata().is_ok_and(|found| self.owners.trust(owner_of(&found)));
        if !is_trusted {
            return DumpAtPath::Foreign;
        }
        if self.writer(&file) == Writer::Other {
            return DumpAtPath::Unknown;
        }
        match is_sealed(&file) {
            Ok(true) => DumpAtPath::Sealed,
            Ok(false) => DumpAtPath::Unsealed,
            Err(_) => DumpAtPath::Unknown,
        }
    }

    fn writer(&self, file: &File) -> Writer {
        if !self.is_patient {
            return lock::query(file);
        }
        match lock::writer_is_alive(file) {
            Some(true) => Writer::Other,
            Some(false) => Writer::Ours,
            None => Writer::Unknown,
        }
    }
}

/// Whether a directory has anything that hints at a record.
///
/// To remove a directory that was judged to have none, ask again once its lock is held: a logger that was
/// starting may have gone on since, and been killed.
///
/// # Errors
/// If it cannot be read.
pub fn holds_rings(dir: &Dir) -> io::Result<bool> {
    Ok(dir.names(1, hints_at_records)?.total > 0)
}

/// The dumps in a folder; `None` if it cannot be looked through.
fn dumps_in(folder: &Path, max_entries: usize) -> Option<Dumps> {
    let entries: Vec<_> = fs::read_dir(folder).ok()?.take(max_entries + 1).collect();
    if entries.len() > max_entries {
        return None;
    }
    let mut dumps = Vec::new();
    for entry in entries {
        let path = entry.ok()?.path();
        match open_dump(&path) {
            // A tail is a copy.
            Ok(Some((_, header))) if header.sequence == TAIL_SEQUENCE => {}
            Ok(Some((_, header))) => dumps.push((header.session, path)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // It may be a dump.
            Err(_) => return None,
        }
    }
    Some(dumps)
}

/// Opens a file that begins as a dump does; follows no link, and waits for no pipe.
fn open_dump(path: &Path) -> io::Result<Option<(File, FileHeader)>> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(None);
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;

        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    let file = options.open(path)?;
    let mut header = [0; FileHeader::BYTES];
    match read_exact_at(&file, &mut header, 0) {
        Ok(()) => Ok(FileHeader::decode(&header).ok().map(|(header, _)| (file, header))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a dump ends with the end of its session.
fn is_sealed(dump: &File) -> io::Result<bool> {
    const BYTES: usize = FrameHeader::BYTES + End::BYTES;
    let mut frame = [0; BYTES];
    let Some(at) = dump.metadata()?.len().checked_sub(BYTES as u64) else { return Ok(false) };
    read_exact_at(dump, &mut frame, at)?;
    let payload = &frame[FrameHeader::BYTES..];
    let header = FrameHeader::decode(&frame);
    let is_end =
        header.is_some_and(|header| header.kind == FrameKind::End as u8 && header.matches(payload));
    Ok(is_end && End::decode(payload).is_some_and(|end| !end.continues))
}

#[cfg(test)]
mod tests;
