//! The search for ring directories, and their removal.

use std::io;
use std::path::{Path, PathBuf};

use stenolog_session::dir::{Access, Dir, DirError, Owners, RemoveError};
use stenolog_session::layout::{
    META_FILE, directory_name, folder_of, is_directory_name, reader_folders,
};
use stenolog_session::lock::{self, Writer};

use super::error::{RefusalReason, RefusedDir, RingsError};
use crate::dump::Dump;

/// The open ring directory of one run of a logger, or both directories if the first one had no room for all
/// rings. If another directory takes its name later, this one is still used.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Limits, RingDir};
///
/// let rings = RingDir::open("copied/stenolog-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1.rings")?;
/// let recovery = rings.read(None, &Limits::default())?;
/// for ring in &recovery.rings {
///     println!("{} records in {}", ring.records, ring.file.display());
/// }
/// # Ok::<(), stenolog_decoder::RingsError>(())
/// ```
#[derive(Debug)]
pub struct RingDir {
    pub(super) first: Dir,
    /// The session's other directory.
    second: Option<Dir>,
    /// Whose files are trusted.
    pub(super) owners: Owners,
    /// The session, if it is known before the directory is read.
    pub(super) session: Option<[u8; 16]>,
}

/// The result of a search for rings.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, RingDir};
///
/// let search = RingDir::find(&Dump::open("app.steno")?, &[]);
/// if search.found.is_none() {
///     println!("no rings in {:?}", search.looked_in);
/// }
/// search.refused.iter().for_each(|refused| println!("{refused}"));
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RingSearch {
    /// The rings of the dump's session.
    pub found: Option<RingDir>,
    /// The directories that have none.
    pub looked_in: Vec<PathBuf>,
    /// The directories that have the right name but are not trusted.
    pub refused: Vec<RefusedDir>,
}

impl RingDir {
    /// Searches for the rings of the dump's session: in the folders `extra`, each of which may also be the
    /// ring directory itself; in the dump's folder; in `/dev/shm`.
    ///
    /// On Unix, a directory is trusted if it is not a link, and belongs to the owner of the dump, to root,
    /// or to the user of this process.
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
            // `.` and its full name are the same folder. Only one of them is named.
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
                    let why = RefusalReason::Owner { owner: dir.owner().unwrap_or_default() };
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

    /// Opens a ring directory by its path. Its owner may be any user.
    ///
    /// # Errors
    /// If it is a symbolic link, is not a directory, or cannot be read.
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

    /// Whether a path leads to a directory that looks like one with rings, by its name or its files.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_directory_name);
        path.is_dir() && (named || path.join(META_FILE).is_file())
    }

    /// The path of the first directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.first.path()
    }

    /// Both directories, if there are two.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Dir> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Removes the directory and the files in it that a logger creates. Keeps all others, and the directory
    /// with them. Follows no link.
    ///
    /// # Errors
    /// If the writer is running, if a file cannot be removed, or if other files are left.
    pub fn remove(self) -> Result<(), RingsError> {
        self.remove_unless(|_| false)
    }

    /// As [`remove`](Self::remove), unless one of the directories is still needed once all are locked.
    pub(super) fn remove_unless(self, is_needed: impl Fn(&Dir) -> bool) -> Result<(), RingsError> {
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
        if let Some(dir) = dirs.iter().find(|dir| is_needed(dir)) {
            return Err(RingsError::Alive { path: dir.path().to_owned() });
        }
        for dir in dirs {
            let path = dir.path().to_owned();
            let refused =
                |error: RemoveError| RefusedDir { path, why: RefusalReason::Io(error.source) };
            dir.remove(|| ()).map_err(refused)?;
        }
        Ok(())
    }
}
