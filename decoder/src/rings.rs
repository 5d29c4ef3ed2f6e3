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

mod folder;
mod left;
mod read;

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::recovery::{LEFT_FILE, Origin, directory_name, is_directory_name};

use crate::dump::Dump;
use crate::limits::Limits;
use crate::model::damage::{Damage, RingDamage};
use folder::{Folder, same_user};
pub use left::{LeftRings, LeftState};

/// Where loggers keep their rings on Linux: memory, which is never written back to a disk.
const SHARED_MEMORY: &str = "/dev/shm";

/// The ring directory of one run of a logger, or both directories if the first one had no room for all
/// rings.
///
/// Opened, so that another directory that takes its name later changes nothing.
#[derive(Debug)]
pub struct RingDir {
    path: PathBuf,
    folder: Folder,
    /// The session's other directory.
    other: Option<(PathBuf, Folder)>,
    /// Whose files are believed.
    owners: Vec<u32>,
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
    #[error("{}: is not a ring directory: its meta.steno {why}", path.display())]
    NoMeta {
        /// The ring directory.
        path: PathBuf,
        /// What is wrong with the file.
        why: Box<str>,
    },
    /// What was read is too much for a frame.
    #[error("{}: cannot be turned into a dump: {why}", path.display())]
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
                || folder.join(read::META).exists();
            candidates.push(if is_it { folder.clone() } else { folder.join(&name) });
        }
        let mut folders = vec![parent(dump.path())];
        folders.extend(dump.path().canonicalize().iter().map(|path| parent(path)));
        if cfg!(unix) {
            folders.push(SHARED_MEMORY.into());
        }
        candidates.extend(folders.into_iter().map(|folder| folder.join(&name)));
        let mut owners = folder::owner_of(dump.path()).into_iter().collect::<Vec<_>>();
        owners.extend(same_user());

        let mut search = RingSearch::default();
        for path in candidates {
            // `.` and its full name are the same to look in, but only one of them is to be named.
            let folder = parent(&path).canonicalize().unwrap_or_else(|_| parent(&path));
            if search.looked_in.contains(&folder) {
                continue;
            }
            match Folder::open(&path) {
                Ok(folder) if folder.owner().is_none_or(|owner| owners.contains(&owner)) => {
                    match &mut search.found {
                        None => {
                            let (owners, session) = (owners.clone(), Some(session));
                            let other = None;
                            search.found = Some(Self { path, folder, other, owners, session });
                        }
                        Some(first) if first.other.is_none() && !first.folder.is_same(&folder) => {
                            first.other = Some((path, folder));
                        }
                        Some(_) => {}
                    }
                }
                Ok(folder) => {
                    let why = Why::Owner { owner: folder.owner().unwrap_or_default() };
                    search.refused.push(RefusedDir { path, why });
                }
                Err(Why::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    search.looked_in.push(folder);
                }
                Err(why) => search.refused.push(RefusedDir { path, why }),
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
        match Folder::open(&path) {
            Ok(folder) => {
                let owners = folder.owner().into_iter().chain(same_user()).collect();
                Ok(Self { path, folder, other: None, owners, session: None })
            }
            Err(why) => Err(RefusedDir { path, why }),
        }
    }

    /// Whether a directory looks like one with rings, by its name or by what is in it.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_directory_name);
        path.is_dir() && (named || path.join(read::META).is_file())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directories, usually one.
    fn folders(&self) -> impl Iterator<Item = (&Path, &Folder)> {
        let other = self.other.iter().map(|(path, folder)| (path.as_path(), folder));
        std::iter::once((self.path.as_path(), &self.folder)).chain(other)
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
        let Self { path, folder, other, owners, .. } = self;
        if let Some((path, folder)) = other {
            Self { path, folder, other: None, owners: owners.clone(), session: None }.remove()?;
        }
        let refused = |error| RefusedDir { path: path.clone(), why: Why::Io(error) };
        let meta = folder.open_file(read::META.as_ref(), &owners);
        // Locked until all is gone, so that no logger begins to read it meanwhile.
        let lock = meta.map(|meta| (meta.try_lock(), meta));
        if matches!(&lock, Ok((Err(TryLockError::WouldBlock), _))) {
            return Err(RingsError::Alive { path });
        }
        // The explanations last: should this be cut short, what is left can still be read.
        let (mut names, _) =
            folder.names(usize::MAX, |name| removal_rank(name).is_some()).map_err(refused)?;
        names.sort_by_key(|name| name.to_str().and_then(removal_rank));
        for name in names {
            folder.remove_file(&name).map_err(refused)?;
        }
        folder.remove().map_err(refused)?;
        Ok(())
    }
}

/// When a file of this name is removed with its directory, the lowest first; `None` if no logger puts one
/// there.
fn removal_rank(name: &str) -> Option<u8> {
    match name {
        read::META => Some(3),
        Origin::FILE => Some(2),
        read::PROGRESS | LEFT_FILE => Some(1),
        _ if name.starts_with(read::RING) || name.starts_with(".new-ring-") => Some(0),
        _ => None,
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Damage of a file in a ring directory.
fn damage(path: PathBuf, offset: u64, cause: RingDamage) -> Damage {
    let file: Arc<Path> = path.into();
    Damage { file, offset, bytes: 0, cause: crate::DamageCause::Rings(cause) }
}

#[cfg(test)]
mod tests;
