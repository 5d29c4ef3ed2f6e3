//! A directory that is held open, so that it cannot be replaced by another one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Why;

/// An open directory.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    #[cfg(unix)]
    directory: File,
    #[cfg(unix)]
    owner: u32,
}

/// How many entries of a directory to look at, whatever their names.
const MAX_ENTRIES: usize = 1 << 20;

/// Why a file in the directory cannot be used.
#[derive(Debug)]
pub(super) enum FileError {
    /// A link, a pipe, or a file of another user.
    Foreign,
    Io(io::Error),
}

impl Folder {
    /// Where it was found.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the first `limit` files that are `wanted`, and how many there are.
    pub(super) fn names(
        &self,
        limit: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> io::Result<(Vec<OsString>, usize)> {
        let mut names = Vec::new();
        let mut count = 0;
        for name in self.entries()?.take(MAX_ENTRIES) {
            let name = name?;
            if name.to_str().is_some_and(&wanted) {
                count += 1;
                if names.len() < limit {
                    names.push(name);
                }
            }
        }
        Ok((names, count))
    }

    /// Removes the directory itself, which must be empty. A link of its name stays.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::{AtFlags, Dir, Mode, OFlags, open, openat, unlinkat};

    use super::*;

    impl Folder {
        /// Opens a directory, but no link to one.
        pub(in super::super) fn open(path: &Path) -> Result<Self, Why> {
            // A slash at the end would have a link followed.
            let path: PathBuf = path.components().collect();
            if fs::symlink_metadata(&path)?.is_symlink() {
                return Err(Why::Link);
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = File::from(open(&path, flags, Mode::empty()).map_err(io::Error::from)?);
            let owner = directory.metadata()?.uid();
            Ok(Self { path, directory, owner })
        }

        /// Whose directory it is, where directories have owners.
        pub(in super::super) const fn owner(&self) -> Option<u32> {
            Some(self.owner)
        }

        /// Whether two paths lead to one directory.
        pub(in super::super) fn is_same(&self, other: &Self) -> bool {
            match (self.directory.metadata(), other.directory.metadata()) {
                (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
                _ => false,
            }
        }

        pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
            let entries = Dir::read_from(&self.directory)?;
            Ok(entries.map(|entry| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec()))))
        }

        /// Opens a regular file of one of `owners` in the directory, for reading.
        pub(in super::super) fn open_file(
            &self,
            name: &OsStr,
            owners: &[u32],
        ) -> Result<File, FileError> {
            // A pipe of that name must not have us wait for its other end.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.directory, name.as_bytes(), flags, Mode::empty()) {
                Ok(file) => File::from(file),
                Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK) => {
                    return Err(FileError::Foreign);
                }
                Err(error) => return Err(FileError::Io(error.into())),
            };
            let metadata = file.metadata().map_err(FileError::Io)?;
            if metadata.is_file() && owners.contains(&metadata.uid()) {
                Ok(file)
            } else {
                Err(FileError::Foreign)
            }
        }

        /// Removes a file of the directory, or a link, but not what it leads to.
        pub(in super::super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
            Ok(unlinkat(&self.directory, name.as_bytes(), AtFlags::empty())?)
        }
    }

    /// Whose file it is.
    pub(in super::super) fn owner_of(path: &Path) -> Option<u32> {
        fs::metadata(path).ok().map(|metadata| metadata.uid())
    }

    /// The user of this process, where there are users.
    pub(in super::super) fn own_user() -> Option<u32> {
        Some(rustix::process::geteuid().as_raw())
    }

    /// The users whose files are believed whoever wrote the dump: root and the one who reads.
    pub(in super::super) fn same_user() -> Vec<u32> {
        vec![0, rustix::process::geteuid().as_raw()]
    }
}

#[cfg(unix)]
pub(super) use unix::{own_user, owner_of, same_user};

#[cfg(not(unix))]
mod other {
    use super::*;

    impl Folder {
        pub(in super::super) fn open(path: &Path) -> Result<Self, Why> {
            let metadata = fs::symlink_metadata(path)?;
            if metadata.is_symlink() {
                return Err(Why::Link);
            }
            if !metadata.is_dir() {
                return Err(Why::Io(io::ErrorKind::NotADirectory.into()));
            }
            Ok(Self { path: path.to_owned() })
        }

        pub(in super::super) const fn owner(&self) -> Option<u32> {
            None
        }

        pub(in super::super) fn is_same(&self, other: &Self) -> bool {
            self.path == other.path
        }

        pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
            Ok(fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())))
        }

        pub(in super::super) fn open_file(
            &self,
            name: &OsStr,
            _: &[u32],
        ) -> Result<File, FileError> {
            let path = self.path.join(name);
            if !fs::symlink_metadata(&path).map_err(FileError::Io)?.is_file() {
                return Err(FileError::Foreign);
            }
            File::open(path).map_err(FileError::Io)
        }

        pub(in super::super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
            fs::remove_file(self.path.join(name))
        }
    }

    pub(in super::super) fn owner_of(_: &Path) -> Option<u32> {
        None
    }

    pub(in super::super) fn own_user() -> Option<u32> {
        None
    }

    pub(in super::super) fn same_user() -> Vec<u32> {
        Vec::new()
    }
}

#[cfg(not(unix))]
pub(super) use other::{own_user, owner_of, same_user};
