//! Ring directories left in a folder: whose they are, and whether they are still needed.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::End;
use stenolog_format::recovery::{LEFT_FILE, Origin, session_of};

use super::folder::own_user;
use super::{RingDir, RingsError, parent, read};
use crate::dump::Dump;
use crate::dump::source::writer_is_alive;
use crate::limits::Limits;

/// How many entries of a folder to search for a renamed dump.
const MAX_ENTRIES: usize = 1 << 16;

/// A ring directory that was found in a folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftRings {
    /// The directory.
    pub path: PathBuf,
    /// The dump of its session, if it was found; else where it should be, if that is known.
    pub dump: Option<PathBuf>,
    /// How long it has been unchanged, as far as its files tell.
    pub age: Option<Duration>,
    /// How many bytes it takes on its file system.
    pub bytes: u64,
    /// Its state relative to its writer and its dump.
    pub state: LeftState,
}

/// The state of a ring directory relative to its writer and its dump.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftState {
    /// Its logger is running.
    Running,
    /// Its logger was killed while it started: there are no rings.
    HalfMade,
    /// The dump is sealed and complete.
    Sealed,
    /// The dump is no longer in its folder, under any name.
    Gone,
    /// The dump has everything that the rings held, but no end mark: only the rings prove that nothing is
    /// missing.
    Read,
    /// Some records are only in the rings.
    Unread {
        /// How many.
        records: u64,
    },
    /// It belongs to another user.
    Foreign {
        /// The user id.
        owner: u32,
    },
    /// The state cannot be determined.
    Unknown {
        /// Why.
        why: Box<str>,
    },
}

impl LeftState {
    /// Whether the directory is no longer needed.
    #[must_use]
    pub const fn may_go(&self) -> bool {
        matches!(self, Self::HalfMade | Self::Sealed | Self::Gone | Self::Read)
    }

    /// One word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::HalfMade => "half_made",
            Self::Sealed => "sealed",
            Self::Gone => "gone",
            Self::Read => "read",
            Self::Unread { .. } => "unread",
            Self::Foreign { .. } => "foreign",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl LeftState {
    /// How many records are only in the rings; `None` if that is not known.
    #[must_use]
    pub const fn unread_records(&self) -> Option<u64> {
        match self {
            Self::Unread { records } => Some(*records),
            Self::Running | Self::Foreign { .. } | Self::Unknown { .. } => None,
            Self::HalfMade | Self::Sealed | Self::Gone | Self::Read => Some(0),
        }
    }
}

impl fmt::Display for LeftState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("its logger runs"),
            Self::HalfMade => f.write_str("its logger was killed while it started"),
            Self::Sealed => f.write_str("its dump is sealed and has all that was in them"),
            Self::Gone => f.write_str("its dump is gone"),
            Self::Read => f.write_str("its dump has all that was in them, though no end mark"),
            Self::Unread { records: 1 } => f.write_str("1 record only here"),
            Self::Unread { records } => write!(f, "{records} records only here"),
            Self::Foreign { owner } => write!(f, "it belongs to user {owner}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

impl LeftRings {
    /// Examines all directories in a folder that are named like ring directories, in the order of their
    /// names.
    ///
    /// Reads dumps and rings, within the limits. Changes nothing.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn all_in(folder: &Path, limits: &Limits) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if let Some(session) = name.to_str().and_then(session_of) {
                found.extend(Self::of(folder.join(&name), session, limits));
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Examines one directory. `None` if it no longer exists.
    ///
    /// # Errors
    /// If it is not named like a ring directory.
    pub fn at(path: &Path, limits: &Limits) -> io::Result<Option<Self>> {
        let session = path.file_name().and_then(|name| session_of(name.to_str()?));
        let session = session.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "has not the name of a ring directory")
        })?;
        Ok(Self::of(path.to_owned(), session, limits))
    }

    fn of(path: PathBuf, session: [u8; 16], limits: &Limits) -> Option<Self> {
        let unknown = |why: String| LeftState::Unknown { why: why.into() };
        let mut left =
            Self { path, dump: None, age: None, bytes: 0, state: unknown(String::new()) };
        let dir = match RingDir::open(&left.path) {
            Ok(dir) => dir,
            Err(refused) => {
                let is_gone = matches!(
                    &refused.why,
                    super::Why::Io(error) if error.kind() == io::ErrorKind::NotFound
                );
                left.state = unknown(refused.why.to_string());
                return (!is_gone).then_some(left);
            }
        };
        let owner = dir.folder.owner();
        if let (Some(owner), Some(own)) = (owner, own_user())
            && owner != own
        {
            left.state = LeftState::Foreign { owner };
            return Some(left);
        }
        let names = dir
            .folder
            .names(usize::MAX, |name| name != "." && name != "..")
            .map(|(names, _)| names);
        let names = names.unwrap_or_default();
        let mut latest = None;
        for name in &names {
            let Ok(file) = dir.folder.open_file(name, &dir.owners) else { continue };
            let Ok(metadata) = file.metadata() else { continue };
            left.bytes += allocated(&metadata);
            if *name == LEFT_FILE {
                latest = Some((1, metadata.modified().ok()));
            } else if latest.is_none_or(|(rank, _)| rank == 0) {
                let modified = metadata.modified().ok();
                latest = Some((0, latest.and_then(|(_, before)| before).max(modified)));
            }
        }
        let latest = latest.and_then(|(_, modified)| modified);
        left.age = latest.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        let has_rings = names.iter().any(|name| {
            ![read::META, Origin::FILE, LEFT_FILE].contains(&name.to_str().unwrap_or_default())
        });
        (left.state, left.dump) = judge(&dir, session, has_rings, limits);
        Some(left)
    }

    /// Removes the directory and the files in it that a logger makes.
    ///
    /// # Errors
    /// If its writer is running, another process is working on it, or it contains other files.
    pub fn remove(&self) -> Result<(), RingsError> {
        let dir = RingDir::open(&self.path)?;
        let is_half_made = self.state == LeftState::HalfMade;
        // Whoever begins a directory shares the lock of the folder until its own tells.
        let folder = is_half_made.then(|| File::open(parent(&self.path))).transpose();
        let folder = folder.map_err(|error| super::RefusedDir {
            path: self.path.clone(),
            why: super::Why::Io(error),
        })?;
        if folder.as_ref().is_some_and(|folder| folder.try_lock().is_err()) {
            return Err(RingsError::Alive { path: self.path.clone() });
        }
        dir.remove()
    }
}

fn judge(
    dir: &RingDir,
    session: [u8; 16],
    has_rings: bool,
    limits: &Limits,
) -> (LeftState, Option<PathBuf>) {
    let unknown = |why: &str| LeftState::Unknown { why: why.into() };
    match dir.folder.open_file(read::META.as_ref(), &dir.owners) {
        Ok(meta) => match writer_is_alive(&meta) {
            Some(true) => return (LeftState::Running, None),
            Some(false) => {}
            None => return (unknown("its file system has no locks to tell by"), None),
        },
        Err(_) if has_rings => return (unknown("its meta.steno is missing"), None),
        Err(_) => {}
    }
    if !has_rings {
        return (LeftState::HalfMade, None);
    }
    let origin = origin(dir);
    let named = origin.as_ref().and_then(path_of);
    let mut folders: Vec<_> = named.iter().map(|path| parent(path)).collect();
    folders.push(parent(&dir.path));
    let at_path = named.as_ref().filter(|path| session_at(path) == Some(session)).cloned();
    let found = at_path.or_else(|| folders.iter().find_map(|folder| find_in(folder, session)));
    let Some(path) = found else {
        let is_gone = origin.is_some_and(|origin| is_visible(&origin));
        let why = if named.is_some() {
            "its dump cannot be seen from here"
        } else {
            "it does not say where its dump is"
        };
        return (if is_gone { LeftState::Gone } else { unknown(why) }, named);
    };
    if is_sealed(&path) {
        return (LeftState::Sealed, Some(path));
    }
    let read = Dump::open_within(&path, limits).map_err(|error| error.to_string());
    let read = read.and_then(|dump| dir.read(Some(&dump), limits).map_err(|e| e.to_string()));
    let state = match read {
        Ok(recovery) if recovery.records > 0 => LeftState::Unread { records: recovery.records },
        Ok(recovery) if recovery.damage().is_empty() => LeftState::Read,
        Ok(recovery) => {
            let first = recovery.damage().first().map(|damage| damage.cause.to_string());
            unknown(&first.unwrap_or_default())
        }
        Err(why) => unknown(&why),
    };
    (state, Some(path))
}

fn origin(dir: &RingDir) -> Option<Origin> {
    let mut bytes = Vec::new();
    let file = dir.folder.open_file(Origin::FILE.as_ref(), &dir.owners).ok()?;
    file.take(Origin::MAX_BYTES as u64).read_to_end(&mut bytes).ok()?;
    Origin::decode(&bytes)
}

#[cfg(unix)]
fn path_of(origin: &Origin) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(&origin.path)))
}

#[cfg(not(unix))]
fn path_of(origin: &Origin) -> Option<PathBuf> {
    Some(PathBuf::from(std::str::from_utf8(&origin.path).ok()?))
}

/// Whether this process would see the dump where its writer saw it.
#[cfg(unix)]
fn is_visible(origin: &Origin) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let root = fs::metadata("/").map(|root| [root.dev(), root.ino()]);
    let Some(path) = path_of(origin) else { return false };
    let device = path.ancestors().skip(1).find_map(|folder| match fs::metadata(folder) {
        Ok(metadata) => Some(Some(metadata.dev())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(None),
    });
    root.is_ok_and(|root| root == origin.root) && device == Some(Some(origin.device))
}

#[cfg(not(unix))]
fn is_visible(_: &Origin) -> bool {
    false
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

/// The session of the dump at a path, if there is one.
fn session_at(path: &Path) -> Option<[u8; 16]> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut header = Vec::new();
    File::open(path).ok()?.take(FileHeader::BYTES as u64).read_to_end(&mut header).ok()?;
    FileHeader::decode(&header).ok().map(|(header, _)| header.session)
}

/// The file of a session in a folder: a sealed one, if there are several.
fn find_in(folder: &Path, session: [u8; 16]) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.take(MAX_ENTRIES);
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = paths.filter(|path| session_at(path) == Some(session)).collect();
    found.sort_by_key(|path| is_sealed(path));
    found.pop()
}

/// Whether a dump ends with the end of its session.
fn is_sealed(path: &Path) -> bool {
    const BYTES: usize = FrameHeader::BYTES + End::BYTES;
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-(BYTES as i64)))?;
        let mut frame = [0; BYTES];
        file.read_exact(&mut frame).map(|()| frame)
    };
    last().is_ok_and(|frame| {
        let payload = &frame[FrameHeader::BYTES..];
        let header = FrameHeader::decode(&frame);
        header.is_some_and(|it| it.kind == FrameKind::End as u8 && it.matches(payload))
            && End::decode(payload).is_some_and(|end| !end.continues)
    })
}
