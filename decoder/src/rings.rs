//! The rings of a writer that died, and the records that they still hold.
//!
//! ```text
//!   stenolog-<session>.rings/
//!     meta.steno   call sites, threads, clock     ─┐
//!     ring-*       records, position and number   ─┼─▶ a dump in memory, of the same session, that
//!     progress     how much of the dump is whole  ─┘   a decoder reads together with the file
//! ```
//!
//! Rings are treated like any other untrusted file: the directory must be a real one and belong to a user
//! who could have written the dump, its files are opened without following links, nothing is read beyond
//! the [`Limits`], and anything wrong is damage, not an error.

mod left;
mod read;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_session::dir::{Access, Dir, DirError, Owners, RemoveError};
use stenolog_session::layout::{
    META_FILE, directory_name, folder_of, is_directory_name, reader_folders,
};
use stenolog_session::lock::{self, Writer};

use crate::dump::Dump;
use crate::limits::Limits;
use crate::model::damage::{Damage, RingDamage};
pub use left::{LeftRings, LeftState};

/// The ring directory of one run of a logger, or both directories if the first one had no room for all
/// rings.
///
/// Opened, so that another directory that takes its name later changes nothing.
#[derive(Debug)]
pub struct RingDir {
    first: Dir,
    /// The session's other directory.
    second: Option<Dir>,
    /// Whose files are trusted.
    owners: Owners,
    /// The session that it should be of, if that is known before it is read.
    session: Option<[u8; 16]>,
}

/// Where rings were looked for, and what was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RingSearch {
    /// The rings of the dump's session.
    pub found: Option<RingDir>,
    /// The directories that have none.
    pub looked_in: Vec<PathBuf>,
    /// What has their name but is not believed.
    pub refused: Vec<RefusedDir>,
}

/// A directory that could hold the rings but is not believed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
#[non_exhaustive]
pub struct RefusedDir {
    /// The directory.
    pub path: PathBuf,
    /// Why it is not believed.
    pub why: Why,
}

/// Why a directory is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It may lead anywhere.
    #[error("is a symbolic link; name the directory that it leads to")]
    Link,
    /// Another user could have planted it.
    #[error("belongs to user {owner}, who did not write the dump")]
    Owner {
        /// The user id.
        owner: u32,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Why rings cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingsError {
    /// The logger still runs: it writes the records itself.
    #[error("{}: the writer is still running; its rings are left alone", path.display())]
    Alive {
        /// The ring directory.
        path: PathBuf,
    },
    /// The directory cannot be read or cannot be trusted.
    #[error(transparent)]
    Dir(#[from] RefusedDir),
    /// Without a dump beside it, the directory must say itself what it is.
    #[error("{}: is no ring directory: its meta.steno {why}", path.display())]
    NoMeta {
        /// The ring directory.
        path: PathBuf,
        /// What is wrong with the file.
        why: Box<str>,
    },
    /// What was read is too much for a frame.
    #[error("{}: a dump cannot be made of it: {why}", path.display())]
    Unusable {
        /// The ring directory.
        path: PathBuf,
        /// Why not.
        why: Box<str>,
    },
}

/// What one ring has that the dump has not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingShare {
    /// The ring's id in the dump.
    pub ring: u32,
    /// The ring's file.
    pub file: PathBuf,
    /// The number of the first record that only the ring has.
    pub first_record: u64,
    /// How many there are.
    pub records: u64,
}

/// What the rings of a writer that died still hold.
///
/// # Examples
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Limits, RingDir};
///
/// let dump = Dump::open("app.steno")?;
/// let mut dumps = Vec::new();
/// if let Some(rings) = RingDir::find(&dump, &[]).found {
///     dumps.push(rings.read(Some(&dump), &Limits::default())?.dump);
/// }
/// dumps.push(dump);
/// let _ = Decoder::new(&dumps).for_each(|entry| {
///     // Each record once, whether the file or a ring holds it.
///     ControlFlow::Continue(())
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// The records, as a dump of the same session, sealed. Whatever is wrong is its
    /// [damage](Dump::damage).
    pub dump: Dump,
    /// The directory.
    pub path: PathBuf,
    /// What each ring contributes, by ring.
    pub rings: Vec<RingShare>,
    /// How many records the rings have that the dump has not.
    pub records: u64,
}

impl Recovery {
    /// What is wrong with the rings.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.dump.damage()
    }

    /// Whether everything in the files was read; anything else that is missing was in memory and is lost.
    #[must_use]
    pub fn is_all_read(&self) -> bool {
        let is_gone = |damage: &Damage| {
            use crate::DamageCause::{RingLost, Rings};
            matches!(damage.cause, RingLost { .. } | Rings(RingDamage::Unlisted { .. }))
        };
        self.damage().iter().all(is_gone)
    }
}

impl RingDir {
    /// Looks for the rings of the dump's session: in the directories `extra`, each of which may be
    /// the ring directory itself; in the dump's own directory; in `/dev/shm`.
    ///
    /// On Unix a directory is believed if it is a real one that belongs to the owner of the dump, to
    /// root, or to the user of this process.
    #[must_use]
    pub fn find(dump: &Dump, extra: &[PathBuf]) -> RingSearch {
        let session = dump.header().session;
        let name = directory_name(&session);
        let mut candidates = Vec::new();
        for folder in extra {
            let is_it = folder.file_name().is_some_and(|last| *last == *name)
                || folder.join(META_FILE).exists();
            candidates.push(if is_it { folder.clone() } else { folder.join(&name) });
        }
        let folders = reader_folders(dump.path());
        candidates.extend(folders.into_iter().map(|folder| folder.join(&name)));
        let owners = Owners::of_readers(dump.path());
        let mut search = RingSearch::default();
        for path in candidates {
            // `.` and its full name are the same folder, of which only one is to be named.
            let folder = folder_of(&path);
            let folder = folder.canonicalize().unwrap_or(folder);
            if search.looked_in.contains(&folder) {
                continue;
            }
            match Dir::open(&path) {
                Ok(dir) if owners.trust(dir.owner()) => match &mut search.found {
                    None => {
                        let (owners, session) = (owners.clone(), Some(session));
                        search.found = Some(Self { first: dir, second: None, owners, session });
                    }
                    Some(found) if found.second.is_none() && !found.first.is_same(&dir) => {
                        found.second = Some(dir);
                    }
                    Some(_) => {}
                },
                Ok(dir) => {
                    let why = Why::Owner { owner: dir.owner().unwrap_or_default() };
                    search.refused.push(RefusedDir { path, why });
                }
                Err(DirError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    search.looked_in.push(folder);
                }
                Err(why) => search.refused.push(RefusedDir { path, why: why.into() }),
            }
        }
        search
    }

    /// Opens a ring directory that was named itself, whoever owns it.
    ///
    /// # Errors
    /// If it is a symbolic link, no directory, or cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, RefusedDir> {
        let path = path.into();
        match Dir::open(&path) {
            Ok(first) => {
                let owners = Owners::of_readers_in(&first);
                Ok(Self { first, second: None, owners, session: None })
            }
            Err(why) => Err(RefusedDir { path, why: why.into() }),
        }
    }

    /// Whether a directory looks like one with rings, by its name or by what is in it.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_directory_name);
        path.is_dir() && (named || path.join(META_FILE).is_file())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.first.path()
    }

    /// Both directories, if there are two.
    fn dirs(&self) -> impl Iterator<Item = &Dir> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Reads what the rings hold and `dump` has not; without a dump, all that they hold.
    ///
    /// Takes time and memory by what is in the files, up to the [`Limits`].
    ///
    /// # Errors
    /// If the writer still runs, or the directory tells nothing. Damage is no error.
    pub fn read(&self, dump: Option<&Dump>, limits: &Limits) -> Result<Recovery, RingsError> {
        read::read(self, dump, limits)
    }

    /// Removes the directory and the files in it that a logger makes; leaves all others, and the
    /// directory with them.
    ///
    /// Never follows a link: what is removed is in the directory that was opened.
    ///
    /// # Errors
    /// If the writer runs, or a file cannot be removed, or the directory is not empty then.
    pub fn remove(self) -> Result<(), RingsError> {
        let Self { first, second, owners, .. } = self;
        let dirs: Vec<Dir> = second.into_iter().chain([first]).collect();
        // Locked until everything is removed, which keeps loggers from reading it meanwhile.
        let mut locked = Vec::new();
        for dir in &dirs {
            let open = |access| dir.open_file_for(META_FILE, &owners, access);
            // Without it, nothing tells of a writer.
            let Ok(meta) = open(Access::ReadWrite).or_else(|_| open(Access::Read)) else {
                continue;
            };
            if lock::acquire(&meta) == Writer::Other {
                return Err(RingsError::Alive { path: dir.path().to_owned() });
            }
            locked.push(meta);
        }
        for dir in dirs {
            let path = dir.path().to_owned();
            let refused = |error: RemoveError| RefusedDir { path, why: Why::Io(error.source) };
            dir.remove(|| ()).map_err(refused)?;
        }
        Ok(())
    }
}

impl From<DirError> for Why {
    fn from(error: DirError) -> Self {
        match error {
            DirError::Link => Self::Link,
            DirError::Io(error) => Self::Io(error),
        }
    }
}

/// Damage of a file in a ring directory.
fn damage(path: PathBuf, offset: u64, cause: RingDamage) -> Damage {
    let file: Arc<Path> = path.into();
    Damage { file, offset, bytes: 0, cause: crate::DamageCause::Rings(cause) }
}

#[cfg(test)]
mod tests;
