//! Abandoned ring directories in a folder, and whether they are still needed.

use std::fmt::{self, Display};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stenolog_session::dir::{self, Dir};
use stenolog_session::layout::{LEFT_FILE, SHARED_MEMORY, folder_of, session_of};
use stenolog_session::leftover::{Doubt, Judge, Verdict, holds_rings};
use stenolog_session::lock;

use super::dir::RingDir;
use super::error::{RefusalReason, RingsError};
use crate::dump::Dump;
use crate::limits::Limits;

/// The greatest number of files in a folder that is searched for a renamed dump.
const MAX_ENTRIES: usize = 1 << 16;

/// A ring directory that was found in a folder.
///
/// It serializes to the JSON that `steno clean --json` prints, without what `steno` did to the directory.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{LeftRings, LeftState, Limits};
///
/// for left in LeftRings::all_in("/dev/shm".as_ref(), &Limits::default())? {
///     println!("{}: {}", left.path.display(), left.state);
///     if let LeftState::Unread { records } = left.state {
///         println!("{records} records would be lost");
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftRings {
    /// The directory.
    pub path: PathBuf,
    /// The dump of its session; if it was not found, the path where it should be, if that is known.
    pub dump: Option<PathBuf>,
    /// The time since its files were last changed, or since a logger first found it abandoned.
    pub age: Option<Duration>,
    /// The number of bytes that it takes on its file system.
    pub bytes: u64,
    /// Its state relative to its writer and its dump.
    pub state: LeftState,
}

/// The state of a ring directory relative to its writer and its dump.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::LeftState;
///
/// assert!(LeftState::Sealed.may_go() && !LeftState::Unread { records: 2 }.may_go());
/// assert_eq!(LeftState::Gone.as_str(), "gone");
/// ```
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
    /// The dump has all records of the rings, but no end: only the rings prove that nothing is missing.
    Read,
    /// Some records are only in the rings.
    Unread {
        /// The number of these records.
        records: u64,
    },
    /// It belongs to another user.
    Foreign {
        /// The user id.
        owner: u32,
    },
    /// The state cannot be determined.
    Unknown {
        /// The reason.
        why: Box<str>,
    },
}

impl LeftState {
    /// Whether the directory is no longer needed.
    #[must_use]
    pub const fn may_go(&self) -> bool {
        matches!(self, Self::HalfMade | Self::Sealed | Self::Gone | Self::Read)
    }

    /// The state as one word.
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
    /// The number of records that are only in the rings; `None` if that is not known.
    #[must_use]
    pub const fn unread_records(&self) -> Option<u64> {
        match self {
            Self::Unread { records } => Some(*records),
            Self::Running | Self::Foreign { .. } | Self::Unknown { .. } => None,
            Self::HalfMade | Self::Sealed | Self::Gone | Self::Read => Some(0),
        }
    }
}

impl Display for LeftState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("its logger is running"),
            Self::HalfMade => f.write_str("its logger was killed while it started"),
            Self::Sealed => f.write_str("its dump is sealed and has all their records"),
            Self::Gone => f.write_str("its dump is gone"),
            Self::Read => f.write_str("its dump has all their records, but no end mark"),
            Self::Unread { records: 1 } => f.write_str("1 record only here"),
            Self::Unread { records } => write!(f, "{records} records only here"),
            Self::Foreign { owner } => write!(f, "it belongs to user {owner}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

impl LeftRings {
    /// The folder in which loggers on Linux keep their rings, unless the program names another one.
    pub const DEFAULT_FOLDER: &str = SHARED_MEMORY;

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
            io::Error::new(io::ErrorKind::InvalidInput, "is not named like a ring directory")
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
                    RefusalReason::Io(error) if error.kind() == io::ErrorKind::NotFound
                );
                left.state = unknown(refused.why.to_string());
                return (!is_gone).then_some(left);
            }
        };
        let owner = dir.first.owner();
        if let (Some(owner), Some(own)) = (owner, dir::this_user())
            && owner != own
        {
            left.state = LeftState::Foreign { owner };
            return Some(left);
        }
        let names = match dir.first.names(usize::MAX, |_| true) {
            Ok(found) => found.names,
            // Rings that cannot be seen may be there.
            Err(error) => {
                left.state = unknown(error.to_string());
                return Some(left);
            }
        };
        let mut latest = None;
        for name in &names {
            let Ok(file) = dir.first.open_file(name, &dir.owners) else { continue };
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
        (left.state, left.dump) = judge(&dir, session, limits);
        Some(left)
    }

    /// Removes the directory and the files in it that a logger creates.
    ///
    /// # Errors
    /// If its writer is running, another process is working on it, or it contains other files.
    pub fn remove(&self) -> Result<(), RingsError> {
        let dir = RingDir::open(&self.path)?;
        let is_half_made = self.state == LeftState::HalfMade;
        // A logger that creates a directory shares the lock of the folder until its own lock tells.
        let folder = is_half_made.then(|| lock::lock_folder(&folder_of(&self.path)));
        if matches!(folder, Some(None)) {
            return Err(RingsError::Alive { path: self.path.clone() });
        }
        // The logger may have gone on since, and been killed.
        let is_needed = |dir: &Dir| is_half_made && holds_rings(dir).unwrap_or(true);
        dir.remove_unless(is_needed)
    }
}

/// The state of a directory, and its dump.
fn judge(dir: &RingDir, session: [u8; 16], limits: &Limits) -> (LeftState, Option<PathBuf>) {
    let unknown = |why: &dyn Display| LeftState::Unknown { why: why.to_string().into() };
    match Judge::new(MAX_ENTRIES).patient().judge(&dir.first, &session) {
        Verdict::Running => (LeftState::Running, None),
        Verdict::NoRings { .. } => (LeftState::HalfMade, None),
        Verdict::Sealed { dump } => (LeftState::Sealed, Some(dump)),
        Verdict::Gone { dump } => (LeftState::Gone, Some(dump)),
        Verdict::Unsealed { dump: path } => {
            let dump = Dump::open_within(&path, limits).map_err(|error| error.to_string());
            let read = dump
                .and_then(|dump| dir.read(Some(&dump), limits).map_err(|error| error.to_string()));
            let state = match read {
                Ok(recovery) if recovery.records > 0 => {
                    LeftState::Unread { records: recovery.records }
                }
                Ok(recovery) => match recovery.damage().first() {
                    None => LeftState::Read,
                    Some(damage) => unknown(&damage.cause),
                },
                Err(why) => unknown(&why),
            };
            (state, Some(path))
        }
        Verdict::Unknown(doubt) => {
            let state = unknown(&doubt);
            let dump = match doubt {
                Doubt::NotVisible { dump } | Doubt::Dump { dump } => Some(dump),
                _ => None,
            };
            (state, dump)
        }
        _ => (unknown(&"it is in a state that this version does not know"), None),
    }
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
