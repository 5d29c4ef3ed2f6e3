//! Open directories on Unix, through `openat` and related calls.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, open, openat, unlinkat};
use rustix::io::Errno;

use super::{Access, FileError};

#[derive(Debug)]
pub(super) struct Handle {
    directory: File,
    owner: u32,
}

impl Handle {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = File::from(open(path, flags, Mode::empty())?);
        let owner = directory.metadata()?.uid();
        Ok(Self { directory, owner })
    }

    pub(super) const fn owner(&self) -> Option<u32> {
        Some(self.owner)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.directory.metadata()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self.metadata(), other.metadata()) {
            (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
            _ => false,
        }
    }

    pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
        let entries = Dir::read_from(&self.directory)?;
        Ok(entries.map(|entry| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec()))))
    }

    pub(super) fn open_file(&self, name: &OsStr, access: Access) -> Result<File, FileError> {
        self.open_with(
            name,
            match access {
                Access::Read => OFlags::RDONLY,
                Access::ReadWrite => OFlags::RDWR,
            },
        )
    }

    pub(super) fn create_file(&self, name: &OsStr) -> Result<File, FileError> {
        self.open_with(name, OFlags::WRONLY | OFlags::CREATE)
    }

    fn open_with(&self, name: &OsStr, flags: OFlags) -> Result<File, FileError> {
        // A pipe of that name must not make us wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(&self.directory, name.as_bytes(), flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Ok(File::from(file)),
            // Links; directories and pipes that are opened for writing.
            Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO) => Err(FileError::Foreign),
            Err(error) => Err(FileError::Io(error.into())),
        }
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.directory, name.as_bytes(), AtFlags::empty())?)
    }
}

pub(super) fn owner_of(metadata: &Metadata) -> Option<u32> {
    Some(metadata.uid())
}

pub(super) fn owner_at(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.uid())
}

pub(super) fn this_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}
