//! The held-open ring directory and its safe opening.
//!
//! A ring directory is untrusted: any user may create one of its name in `/dev/shm`. Therefore
//!
//! - the directory itself is opened once, and only if it is not a link. All later operations use the opened
//!   directory, even if another one takes its name;
//! - its files are opened without following links, without waiting for the other end of a pipe, and only
//!   if they are regular files of a trusted user;
//! - only files that a logger creates are removed.
//!
//! Platforms other than Unix have neither owners nor open directories, so paths are used there.

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::layout::{DumpLocation, LOCATION_FILE, PROGRESS_FILE, Progress, removal_rank};

#[cfg(not(unix))]
use portable as sys;
#[cfg(unix)]
use unix as sys;

/// How many entries of a directory are examined at most.
const MAX_ENTRIES: usize = 1 << 20;

/// An open directory. If another directory takes its name later, this one is still used.
///
/// # Examples
///
/// ```
/// use stenolog_session::dir::{Dir, Owners};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("ring-1"), "")?;
/// let dir = Dir::open(folder.path()).unwrap();
/// let names = dir.names(10, |name| name.starts_with("ring-"))?;
/// assert_eq!((names.names.len(), names.total), (1, 1));
/// assert!(dir.open_file(&names.names[0], &Owners::this_user()).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Dir {
    path: PathBuf,
    handle: sys::Handle,
}

/// The reason why a directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// It is a symbolic link, which may lead anywhere.
    #[error("is a symbolic link")]
    Link,
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The reason why a file in a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is a link, a pipe, a directory, or a file of a user who is not trusted.
    #[error("is not a file that a logger made")]
    Foreign,
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FileError {
    /// Whether there is no file of this name.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// The users whose files are trusted. If files have no owners, every file is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners(Vec<u32>);

impl Owners {
    /// The user of this process.
    #[must_use]
    pub fn this_user() -> Self {
        Self(sys::this_user().into_iter().collect())
    }

    /// The users that a reader of a file trusts: its owner, root, and the user of this process.
    #[must_use]
    pub fn of_readers(file: &Path) -> Self {
        Self::root_and_this_user().and(sys::owner_at(file))
    }

    /// The users that a reader trusts in a directory that it was told to read.
    #[must_use]
    pub fn of_readers_in(dir: &Dir) -> Self {
        Self::root_and_this_user().and(dir.owner())
    }

    /// Root and the user of this process.
    #[must_use]
    pub fn root_and_this_user() -> Self {
        Self(sys::this_user().into_iter().flat_map(|user| [0, user]).collect())
    }

    fn and(mut self, owner: Option<u32>) -> Self {
        self.0.extend(owner);
        self
    }

    /// Whether files of this user are trusted; `None` is a file without an owner.
    #[must_use]
    pub fn trust(&self, owner: Option<u32>) -> bool {
        owner.is_none_or(|owner| self.0.contains(&owner))
    }
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading.
    Read,
    /// For reading and writing. Some network file systems lock only such files.
    ReadWrite,
}

/// Names of files in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The first names, in no order.
    pub names: Vec<OsString>,
    /// The number of all such files.
    pub total: usize,
}

/// The reason why a ring directory was not removed completely.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", file.display())]
pub struct RemoveError {
    /// The path of the file, or of the directory itself.
    pub file: PathBuf,
    /// The reason.
    pub source: io::Error,
}

impl Dir {
    /// Opens a directory, but not a link to one.
    ///
    /// # Errors
    /// If it is a link, is not a directory, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, DirError> {
        // A slash at the end would make the system follow a link.
        let path: PathBuf = path.components().collect();
        if fs::symlink_metadata(&path)?.is_symlink() {
            return Err(DirError::Link);
        }
        let handle = sys::Handle::open(&path)?;
        Ok(Self { path, handle })
    }

    /// The path by which it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The owner, if directories have owners on this platform.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        self.handle.owner()
    }

    /// Whether both are the same directory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.handle.is_same(&other.handle)
    }

    /// When a name in the directory was last changed.
    ///
    /// # Errors
    /// If the system does not know.
    pub fn modified(&self) -> io::Result<SystemTime> {
        self.handle.metadata()?.modified()
    }

    /// The names of the first `limit` files that are `wanted`, and the number of all of them. If a name is not
    /// UTF-8, `wanted` sees replacement characters.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn names(&self, limit: usize, wanted: impl Fn(&str) -> bool) -> io::Result<Names> {
        let mut found = Names::default();
        for name in self.handle.entries()?.take(MAX_ENTRIES) {
            let name = name?;
            if name != "." && name != ".." && wanted(&name.to_string_lossy()) {
                found.total += 1;
                if found.names.len() < limit {
                    found.names.push(name);
                }
            }
        }
        Ok(found)
    }

    /// Opens a regular file of a trusted user for reading.
    ///
    /// # Errors
    /// If it is not such a file, or cannot be opened.
    pub fn open_file(&self, name: impl AsRef<OsStr>, owners: &Owners) -> Result<File, FileError> {
        self.open_file_for(name, owners, Access::Read)
    }

    /// Opens a regular file of a trusted user.
    ///
    /// # Errors
    /// If it is not such a file, or cannot be opened.
    pub fn open_file_for(
        &self,
        name: impl AsRef<OsStr>,
        owners: &Owners,
        access: Access,
    ) -> Result<File, FileError> {
        let file = self.handle.open_file(name.as_ref(), access)?;
        let metadata = file.metadata()?;
        let is_trusted = metadata.is_file() && owners.trust(sys::owner_of(&metadata));
        if is_trusted { Ok(file) } else { Err(FileError::Foreign) }
    }

    /// Opens a file for writing, and creates it for this user only if there is none.
    ///
    /// # Errors
    /// If it is not a regular file, or cannot be opened.
    pub fn create_file(&self, name: &str) -> Result<File, FileError> {
        let file = self.handle.create_file(name.as_ref())?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(FileError::Foreign) }
    }

    /// Reads `progress`. `Ok(None)` if the file is empty, because the writer has not filled it yet.
    ///
    /// # Errors
    /// If there is no such file, or it is too short.
    pub fn progress(&self, owners: &Owners) -> Result<Option<Progress>, FileError> {
        let file = self.open_file(PROGRESS_FILE, owners)?;
        let bytes = read_at_most(&file, Progress::BYTES as u64)?;
        let is_cut = || FileError::Io(io::ErrorKind::UnexpectedEof.into());
        match &*bytes {
            [] => Ok(None),
            bytes => Progress::decode(bytes).map(Some).ok_or_else(is_cut),
        }
    }

    /// Reads where the dump is; `None` if the directory does not state it.
    #[must_use]
    pub fn location(&self, owners: &Owners) -> Option<DumpLocation> {
        let file = self.open_file(LOCATION_FILE, owners).ok()?;
        DumpLocation::decode(&read_at_most(&file, DumpLocation::MAX_BYTES as u64).ok()?)
    }

    /// Removes the files that a logger creates, then the directory, unless other files are left in it.
    /// Calls `removed` after each file. Links are removed, not followed.
    ///
    /// # Errors
    /// If a file cannot be removed, or the directory is not empty then.
    pub fn remove(&self, mut removed: impl FnMut()) -> Result<(), RemoveError> {
        let failed = |file: PathBuf| move |source| RemoveError { file, source };
        let names = self.names(usize::MAX, |name| removal_rank(name).is_some());
        let mut names = names.map_err(failed(self.path.clone()))?.names;
        // A name that only looks like one of a logger is not.
        names.retain(|name| name.to_str().is_some());
        names.sort_by_key(|name| name.to_str().and_then(removal_rank));
        for name in &names {
            self.handle.remove_file(name).map_err(failed(self.path.join(name)))?;
            removed();
        }
        // Removes neither a directory with other files, nor a link that has taken its name.
        fs::remove_dir(&self.path).map_err(failed(self.path.clone()))
    }
}

/// Reads the first `limit` bytes of a file.
///
/// # Errors
/// If the file cannot be read.
pub fn read_at_most(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks that files may have this many bytes. If not, writing them would raise SIGXFSZ, on a thread of the
/// application.
///
/// # Errors
/// If the limit of the process (`RLIMIT_FSIZE`) is lower.
pub fn check_size_limit(bytes: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
        if limit.current.is_some_and(|limit| bytes > limit) {
            return Err(rustix::io::Errno::FBIG.into());
        }
    }
    #[cfg(not(unix))]
    let _ = bytes;
    Ok(())
}

/// The user of this process, if the platform has users.
#[must_use]
pub fn this_user() -> Option<u32> {
    sys::this_user()
}

/// The owner of a file, if files have owners on this platform.
#[must_use]
pub fn owner_of(metadata: &fs::Metadata) -> Option<u32> {
    sys::owner_of(metadata)
}

#[cfg(test)]
mod tests;
