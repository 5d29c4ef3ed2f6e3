//! `DumpFile`: a dump that is a file.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::frame::FileHeader;

use super::create::create;
use super::locked::{Locked, lock, open_new};
use super::metadata::{is_same, is_stale, link_count};
use super::naming::{free_name, numbered};
use super::room::Room;
use super::tail::{TailFile, TailStorage, path_beside, write_at};
use super::{Standing, Storage};
use crate::config::Existing;
use crate::error::{FileEvent, StartError};

/// A dump that is a file.
#[derive(Debug)]
pub(crate) struct DumpFile {
    file: Arc<Locked>,
    /// Where the builder wants the dump.
    wanted: PathBuf,
    /// Where this one is.
    path: PathBuf,
    mode: u32,
    /// Kept open: by the time of a sync the process may not be allowed to open it any more.
    folder: Option<File>,
    /// The path is known to lead to the file by the same numbers as the file itself gives.
    has_identity: bool,
    room: Room,
}

impl DumpFile {
    /// Creates the file and locks it, so readers can tell a dump that is being written from one
    /// whose writer died, and so that no two loggers write to one file.
    ///
    /// [`Existing::Replace`] applies to a dump of the session `replaceable`, which has no rings left. Any
    /// other dump is kept.
    pub(crate) fn create(
        path: &Path,
        existing: Existing,
        mode: u32,
        replaceable: Option<[u8; 16]>,
    ) -> Result<Self, StartError> {
        let wanted = std::path::absolute(path)
            .map_err(|source| StartError::Create { path: path.to_owned(), source })?;
        let file = create(path, existing, mode, replaceable)?;
        Ok(Self::new(file, wanted.clone(), wanted, mode))
    }

    /// As [`create`](Self::create), or with a number beside the path if another logger writes there.
    /// Returns the path, too.
    pub(crate) fn create_if_busy(
        path: &Path,
        existing: Existing,
        mode: u32,
        replaceable: Option<[u8; 16]>,
    ) -> Result<(Self, PathBuf), StartError> {
        match Self::create(path, existing, mode, replaceable) {
            Ok(file) => return Ok((file, path.to_owned())),
            Err(StartError::Busy { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut number = 1;
        loop {
            let beside = numbered(path, number);
            let error = |source| StartError::Create { path: beside.clone(), source };
            match open_new(&beside, mode) {
                Ok(file) => {
                    let wanted = std::path::absolute(&beside).map_err(error)?;
                    let file = Self::new(lock(file, &beside)?, wanted.clone(), wanted, mode);
                    return Ok((file, beside));
                }
                // Another process may have been quicker.
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(error(source)),
            }
        }
    }

    fn new(file: Locked, wanted: PathBuf, path: PathBuf, mode: u32) -> Self {
        let folder = path.parent().and_then(|folder| File::open(folder).ok());
        let has_identity = matches!(
            (file.file.metadata(), path.symlink_metadata()),
            (Ok(of_file), Ok(of_path)) if is_same(&of_file, &of_path) == Some(true)
        );
        Self {
            file: Arc::new(file),
            wanted,
            path,
            mode,
            folder,
            has_identity,
            room: Room::default(),
        }
    }

    /// Puts a new file at the wanted path, if this one is there, and keeps this one under a free name. The
    /// path leads to a file at every moment, as programs that look at it expect. `None` where that is
    /// impossible.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn change_places(&self) -> Option<Locked> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};

        let metadata = self.file.file.metadata().ok()?;
        let leads_here = |path: &Path| {
            path.symlink_metadata().is_ok_and(|found| is_same(&metadata, &found) == Some(true))
        };
        if self.path != self.wanted || !leads_here(&self.path) {
            return None;
        }
        let beside = super::naming::Beside::new(&self.path)?;
        let file = beside.make(self.mode).ok()?;
        // First the other name: if the process is killed in between, no file loses its last name.
        let kept = free_name(&self.path);
        let has_something = metadata.len() >= FileHeader::BYTES as u64;
        if has_something {
            std::fs::hard_link(&self.path, &kept).ok()?;
        }
        let exchange = || renameat_with(CWD, &beside.path, CWD, &self.path, RenameFlags::EXCHANGE);
        let is_done = exchange().is_ok();
        if is_done && leads_here(&beside.path) {
            return Some(file);
        }
        if is_done {
            // Another file has come to the path since: it gets its place back.
            let _ = exchange();
        }
        if has_something && leads_here(&kept) {
            let _ = std::fs::remove_file(&kept);
        }
        None
    }

    /// On other systems two files cannot change places in one step.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn change_places(&self) -> Option<Locked> {
        None
    }

    /// Gives this file another name if it is at the wanted path. `true` if it is empty and cannot be
    /// removed, so it may be written from its beginning.
    fn step_aside(&self) -> io::Result<bool> {
        let metadata = self.file.file.metadata()?;
        let Ok(at_path) = self.path.symlink_metadata() else { return Ok(false) };
        if self.path != self.wanted || is_same(&metadata, &at_path) == Some(false) {
            return Ok(false);
        }
        if metadata.len() >= FileHeader::BYTES as u64 {
            match std::fs::rename(&self.path, free_name(&self.path)) {
                // It is a mount point, and stays: the log continues beside it.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
                result => result?,
            }
            return Ok(false);
        }
        // Nothing is left of it. A mount point cannot be removed, though.
        Ok(std::fs::remove_file(&self.path).is_err())
    }
}

impl Storage for DumpFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.room.take(&self.file.file, offset, bytes.len());
        write_at(&self.file.file, offset, bytes)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&self.file.file, bytes, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&self.file.file, bytes, offset);
        #[cfg(not(any(unix, windows)))]
        {
            use std::io::{Seek, SeekFrom};
            let mut file = &self.file.file;
            file.seek(SeekFrom::Start(offset))?;
            file.read(bytes)
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.file.sync_data()
    }

    #[cfg(unix)]
    fn sync_folder(&mut self) -> io::Result<()> {
        if self.folder.is_none() {
            let folder = self.path.parent().unwrap_or(Path::new("/"));
            self.folder = Some(File::open(folder)?);
        }
        match self.folder.as_ref().map_or(Ok(()), File::sync_all) {
            // File systems that cannot do so, over the network or in user space.
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EINVAL | libc::ENOTSUP | libc::ENOSYS | libc::EBADF)
                ) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Only Unix syncs folders.
    #[cfg(not(unix))]
    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn check(&mut self, written: u64) -> io::Result<Standing> {
        match self.file.file.metadata() {
            Ok(metadata) => Ok(standing(&metadata, written)),
            Err(error) if is_stale(&error) => Ok(Standing::Taken(FileEvent::Removed)),
            Err(error) => Err(error),
        }
    }

    fn look(&mut self, written: u64) -> io::Result<Standing> {
        let standing = self.check(written)?;
        if standing != Standing::Whole {
            return Ok(standing);
        }
        let is_moved = match self.path.symlink_metadata() {
            Ok(at_path) => {
                self.has_identity && is_same(&self.file.file.metadata()?, &at_path) == Some(false)
            }
            // Any other error only says that this process may not look there.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        Ok(if is_moved { Standing::Taken(FileEvent::Moved) } else { Standing::Whole })
    }

    fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        let wanted = self.wanted.clone();
        if let Some(file) = self.change_places() {
            return Ok(Box::new(Self::new(file, wanted.clone(), wanted, self.mode)));
        }
        if self.step_aside()? {
            self.file.file.set_len(0)?;
            let folder = self.folder.as_ref().and_then(|folder| folder.try_clone().ok());
            let (file, path) = (Arc::clone(&self.file), wanted.clone());
            let Self { mode, has_identity, .. } = *self;
            let room = Room::default();
            return Ok(Box::new(Self { file, wanted, path, mode, folder, has_identity, room }));
        }
        let (file, path) = match create(&wanted, Existing::Keep, self.mode, None) {
            Ok(file) => (file, wanted.clone()),
            Err(StartError::Create { source, .. } | StartError::KeepEarlier { source, .. }) => {
                return Err(source);
            }
            // A file that is no dump is at the path: the log continues beside it.
            Err(_) => {
                let path = free_name(&wanted);
                let file = open_new(&path, self.mode)?;
                (lock(file, &path).map_err(io::Error::other)?, path)
            }
        };
        Ok(Box::new(Self::new(file, wanted, path, self.mode)))
    }

    fn end(&mut self) {
        self.room.give_back(&self.file.file);
    }

    fn create_tail(&self, session: &[u8; 16]) -> io::Result<Box<dyn TailStorage>> {
        // Where the builder wants the dump: readers look beside it, and a file that was moved is whole.
        Ok(Box::new(TailFile::create(path_beside(&self.wanted, session), self.mode)?))
    }
}

/// The facts from a file's metadata.
fn standing(metadata: &Metadata, written: u64) -> Standing {
    if link_count(metadata) == Some(0) {
        Standing::Taken(FileEvent::Removed)
    } else if metadata.len() < written {
        Standing::Taken(FileEvent::Truncated)
    } else {
        Standing::Whole
    }
}
