//! Directories by their paths, for platforms where directories cannot be held open.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Access, FileError};

#[derive(Debug)]
pub(super) struct Handle {
    path: PathBuf,
}

impl Handle {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(super) const fn owner(&self) -> Option<u32> {
        None
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        fs::metadata(&self.path)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self.path.canonicalize(), other.path.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
        Ok(fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())))
    }

    pub(super) fn open_file(&self, name: &OsStr, access: Access) -> Result<File, FileError> {
        let path = self.path.join(name);
        // Opening a pipe would wait for its other end.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(FileError::Foreign);
        }
        Ok(OpenOptions::new().read(true).write(access == Access::ReadWrite).open(path)?)
    }

    pub(super) fn create_file(&self, name: &OsStr) -> Result<File, FileError> {
        let path = self.path.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FileError::Foreign);
        }
        Ok(OpenOptions::new().write(true).create(true).truncate(false).open(path)?)
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}

#[cfg(not(unix))]
pub(super) fn owner_of(_: &Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(super) fn owner_at(_: &Path) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(super) fn this_user() -> Option<u32> {
    None
}
