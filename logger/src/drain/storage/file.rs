//! The real file.
//!
//! - **F1 (own).** The last component of the path is never followed if it is a symbolic
//!   link, and nothing but a regular file is opened for long. A file that is written over belongs
//!   to this user and has no other name; all others are moved, or deleted if the builder says so.
//! - **F2 (not looked for).** The path is made absolute at the start, so that a change of the
//!   working folder changes nothing.
//! - **F3 (nothing unread).** A dump whose writer was killed and whose rings are still there is
//!   kept, and has what they hold on the disk before they are removed.
//! - **F4 (mapped).** A reader may have a dump mapped, so the logger neither changes the bytes of an existing
//!   dump nor shortens it. A replacement is a new file that takes over the name. Only where that is impossible,
//!   because the folder is not writable or the file is itself a mount point, is a dump that is to be replaced
//!   emptied.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::frame::{FileHeader, FrameHeader, MAGIC};

use super::{Standing, Storage};
use crate::config::{Existing, UnreadRings};
use crate::error::{DrainError, FileFate, StartError};
use crate::event::Listeners;
use crate::fault::{self, Step};
use crate::process::descriptors::NotInherited;
use crate::ring_dir::{NotRecovered, UnreadDir};
use crate::writer_lock::{self, Hold};

/// How many bytes after a hole to search for a frame of a dump.
const MOST_LOOKED_AT: u64 = 4 << 20;

/// What a logger that starts does with the rings of an earlier one.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) unread: UnreadRings,
    /// Where they may be.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) listeners: Listeners,
}

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
}

/// A file with a lock, which tells readers that it is being written.
#[derive(Debug)]
struct Locked {
    // Before the file: its number must not be another's when a child closes it.
    _not_inherited: NotInherited,
    file: File,
}

impl Locked {
    fn new(file: File) -> Self {
        Self { _not_inherited: NotInherited::new(&file), file }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file is not enough: a forked child may have it open too.
        if !cfg!(windows) {
            writer_lock::give_back(&self.file);
        }
    }
}

impl DumpFile {
    /// Creates the file and locks it, so that readers can tell a dump that is being written from
    /// one whose writer died, and so that no two loggers write to one file.
    pub(crate) fn create(
        path: &Path,
        existing: Existing,
        mode: u32,
        earlier: &Earlier,
    ) -> Result<Self, StartError> {
        let wanted = std::path::absolute(path)
            .map_err(|source| StartError::Create { path: path.to_owned(), source })?;
        let file = create(path, existing, mode, Some(earlier))?;
        Ok(Self::new(file, wanted.clone(), wanted, mode))
    }

    /// As [`create`](Self::create), or beside the path if another logger writes there; and the path that
    /// it is.
    pub(crate) fn create_if_busy(
        path: &Path,
        existing: Existing,
        mode: u32,
        earlier: &Earlier,
    ) -> Result<(Self, PathBuf), StartError> {
        match Self::create(path, existing, mode, earlier) {
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
        Self { file: Arc::new(file), wanted, path, mode, folder, has_identity }
    }

    /// Puts a new file at the wanted path, if this one is there, and keeps what this one has under a free
    /// name: at no moment does the path lead to no file, which programs that look at it would not expect.
    /// `None` where that cannot be had.
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
        let beside = Beside::new(&self.path)?;
        let file = beside.make(self.mode).ok()?;
        // First the other name: a process that is killed in between loses no name of what it has.
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
            // Something else has come to the path since: it gets its place back.
            let _ = exchange();
        }
        if has_something && leads_here(&kept) {
            let _ = std::fs::remove_file(&kept);
        }
        None
    }

    /// Elsewhere two files cannot change places in one step.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn change_places(&self) -> Option<Locked> {
        None
    }

    /// Makes way at the wanted path if this file is there; `true` if it may be begun again.
    fn step_aside(&self) -> io::Result<bool> {
        let metadata = self.file.file.metadata()?;
        let Ok(at_path) = self.path.symlink_metadata() else { return Ok(false) };
        if self.path != self.wanted || is_same(&metadata, &at_path) == Some(false) {
            return Ok(false);
        }
        if metadata.len() >= FileHeader::BYTES as u64 {
            match std::fs::rename(&self.path, free_name(&self.path)) {
                // It is mounted by itself, and stays: the log goes on beside it.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
                result => result?,
            }
            return Ok(false);
        }
        // Nothing is left of it. A file that is mounted by itself cannot be deleted, though.
        Ok(std::fs::remove_file(&self.path).is_err())
    }
}

impl Storage for DumpFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        // At an offset: the file's own cursor is shared with forked children.
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_at(&self.file.file, bytes, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_write(&self.file.file, bytes, offset);
        #[cfg(not(any(unix, windows)))]
        {
            use std::io::{Seek, SeekFrom, Write};
            let mut file = &self.file.file;
            file.seek(SeekFrom::Start(offset))?;
            file.write(bytes)
        }
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
            // File systems without such a thing, over the network or in user space.
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

    /// Only Unix has folders that can be put on the disk.
    #[cfg(not(unix))]
    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn check(&mut self, written: u64) -> io::Result<Standing> {
        match self.file.file.metadata() {
            Ok(metadata) => Ok(standing(&metadata, written)),
            Err(error) if is_stale(&error) => Ok(Standing::Taken(FileFate::Removed)),
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
            // Any other error only says that nobody may look there.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        Ok(if is_moved { Standing::Taken(FileFate::Moved) } else { Standing::Whole })
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
            return Ok(Box::new(Self { file, wanted, path, mode, folder, has_identity }));
        }
        let (file, path) = match create(&wanted, Existing::Keep, self.mode, None) {
            Ok(file) => (file, wanted.clone()),
            Err(StartError::Create { source, .. } | StartError::KeepEarlier { source, .. }) => {
                return Err(source);
            }
            // Something stands at the path that is none of the logger's: go on beside it.
            Err(_) => {
                let path = free_name(&wanted);
                let file = open_new(&path, self.mode)?;
                (lock(file, &path).map_err(io::Error::other)?, path)
            }
        };
        Ok(Box::new(Self::new(file, wanted, path, self.mode)))
    }
}

/// What a file says of itself.
fn standing(metadata: &Metadata, written: u64) -> Standing {
    if names(metadata) == Some(0) {
        Standing::Taken(FileFate::Removed)
    } else if metadata.len() < written {
        Standing::Taken(FileFate::Truncated)
    } else {
        Standing::Whole
    }
}

/// A file at the path that is new, or may be written over, and that is locked.
fn create(
    path: &Path,
    existing: Existing,
    mode: u32,
    earlier: Option<&Earlier>,
) -> Result<Locked, StartError> {
    let error = |source| StartError::Create { path: path.to_owned(), source };
    // A file that vanishes or appears between two looks at it makes another round.
    loop {
        match open_new(path, mode) {
            Ok(file) => return lock(file, path),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(error(source)),
        }
        let file = match open_existing(path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(_) if path.is_symlink() => {
                return Err(StartError::Symlink { path: path.to_owned() });
            }
            Err(source) => {
                // A socket cannot be opened at all.
                let kind = path.symlink_metadata().map(|metadata| metadata.file_type());
                let is_odd = kind.is_ok_and(|kind| !kind.is_file() && !kind.is_dir());
                return Err(if is_odd { not_a_file(path) } else { error(source) });
            }
        };
        let metadata = file.metadata().map_err(error)?;
        // A pipe or a terminal would have to be written in order to be looked at.
        if !metadata.is_file() {
            return Err(not_a_file(path));
        }
        let mut file = lock(file, path)?;
        // Before the lock it may have been moved, by a logger that started at the same time.
        match path.symlink_metadata() {
            Ok(at_path) if is_same(&metadata, &at_path) == Some(false) => continue,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            _ => {}
        }
        if may_write_over(&mut file.file, path, existing, earlier)? {
            let metadata = file.file.metadata().map_err(error)?;
            if metadata.len() > 0
                && let Some(new) = replace(path, &metadata, mode)
            {
                return Ok(new);
            }
            if is_ours_alone(&metadata) {
                narrow(&file.file, &metadata, mode).map_err(error)?;
                // Of a file that has something, only where there is no other way (F4).
                file.file.set_len(0).map_err(error)?;
                return Ok(file);
            }
            std::fs::remove_file(path).map_err(error)?;
        }
    }
}

/// Replaces a file that this process has locked by a new, empty one (F4); `None` if that is not possible.
fn replace(path: &Path, old: &Metadata, mode: u32) -> Option<Locked> {
    let beside = Beside::new(path)?;
    let file = beside.make(if is_ours_alone(old) { mode_within(old, mode) } else { mode }).ok()?;
    std::fs::rename(&beside.path, path).ok()?;
    beside.keep();
    Some(file)
}

/// A file created beside another one to replace it. Removed unless it does.
struct Beside {
    path: PathBuf,
    is_made: std::cell::Cell<bool>,
}

impl Beside {
    /// Readers ignore the name. It is the same for every holder of the dump's lock, so if this process is
    /// killed now, the next one runs into the file and removes it.
    fn new(dump: &Path) -> Option<Self> {
        let name = dump.file_name()?.to_string_lossy().replace('.', "_");
        let path = dump.with_file_name(format!(".{name}.new"));
        if let Ok(file) = open_existing(&path) {
            let metadata = file.metadata().ok()?;
            // What has another name loses nothing with this one.
            let is_left = metadata.is_file()
                && (names(&metadata) > Some(1)
                    || is_ours_alone(&metadata) && writer_lock::take(&file) != Hold::Others);
            if !is_left || std::fs::remove_file(&path).is_err() {
                return None;
            }
        }
        Some(Self { path, is_made: std::cell::Cell::new(false) })
    }

    fn make(&self, mode: u32) -> io::Result<Locked> {
        let file = open_new(&self.path, mode)?;
        self.is_made.set(true);
        lock(file, &self.path).map_err(io::Error::other)
    }

    /// It has another name now.
    fn keep(self) {
        self.is_made.set(false);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.is_made.get() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A symbolic link exists, wherever it leads.
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

fn open_existing(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Devices and pipes must be opened to be told from files; they must not wait for that.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY,
    );
    // Opens the link itself, which is then no regular file.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0020_0000);
    options.open(path)
}

/// On Windows a lock would keep readers out, so that there is none.
fn lock(file: File, path: &Path) -> Result<Locked, StartError> {
    if cfg!(windows) {
        return Ok(Locked::new(file));
    }
    match writer_lock::take(&file) {
        Hold::Others => Err(StartError::Busy { path: path.to_owned() }),
        // Some network file systems have no locks; the dump is as good without.
        Hold::Ours | Hold::NoLocks => Ok(Locked::new(file)),
    }
}

/// Deals with a file that is there already; `true` if its content is not needed.
fn may_write_over(
    file: &mut File,
    path: &Path,
    existing: Existing,
    earlier: Option<&Earlier>,
) -> Result<bool, StartError> {
    let not_a_dump = || StartError::NotADump { path: path.to_owned() };
    let mut existing = existing;
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        // Empty, or cut before a reader could have made anything of it.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let metadata = file.metadata();
            let is_empty = metadata.is_ok_and(|metadata| metadata.len() == 0);
            return if is_empty { Ok(true) } else { Err(not_a_dump()) };
        }
        Err(source) => return Err(StartError::Create { path: path.to_owned(), source }),
        // What is left of a dump is kept: nobody knows whose rings belong to it.
        Ok(()) if has_lost_its_beginning(file, magic) => existing = Existing::Keep,
        Ok(()) if magic != MAGIC => return Err(not_a_dump()),
        Ok(()) => {}
    }
    let session = session_of(file);
    let found = |earlier: &Earlier| session.and_then(|of| UnreadDir::find(&earlier.folders, &of));
    let unread = earlier.and_then(|earlier| Some((earlier, found(earlier)?)));
    let has_rings = |earlier: &Earlier| {
        session.is_some_and(|session| UnreadDir::exists(&earlier.folders, &session))
    };
    if unread.is_none() && earlier.is_some_and(has_rings) {
        // Somebody else is at work in them: not all may be in the dump.
        existing = Existing::Keep;
    }
    if existing == Existing::Replace && unread.is_none() {
        return Ok(true);
    }
    // Before the dump is renamed, so that whoever starts next goes on if this is cut short.
    let completed = unread.as_ref().map(|(earlier, rings)| match earlier.unread {
        UnreadRings::Recover => complete(file, path, rings).map(|copy| (true, copy)),
        UnreadRings::Keep => Ok((false, None)),
    });
    let to = free_name(path);
    if let Err(source) = std::fs::rename(path, &to) {
        return Err(StartError::KeepEarlier { path: path.to_owned(), to, source });
    }
    if let (Some((earlier, rings)), Some(completed)) = (unread, completed) {
        fault::after(Step::EarlierRenamed);
        let folder = rings.path().to_owned();
        let settled =
            completed.and_then(|(is_read, _copy)| if is_read { rings.remove() } else { Ok(()) });
        if let Err(error) = settled {
            let path = std::path::absolute(&to).unwrap_or(to);
            let (rings, reason) = (folder, error.to_string());
            earlier.listeners.tell(DrainError::RingsLeft { path, rings, reason });
        }
    }
    Ok(false)
}

/// Whether the file begins with zeros and then continues as a dump: it was truncated while a logger wrote
/// to it, and that logger was killed before it could notice.
fn has_lost_its_beginning(file: &mut File, magic: [u8; MAGIC.len()]) -> bool {
    if magic != [0; MAGIC.len()] {
        return false;
    }
    // A hole can be far longer than what is behind it.
    #[cfg(target_os = "linux")]
    let begin = rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(0)).ok();
    #[cfg(not(target_os = "linux"))]
    let begin = Some(0);
    let Some(begin) = begin else { return false };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(begin)).is_ok()
        && file.take(MOST_LOOKED_AT).read_to_end(&mut bytes).is_ok()
        && FrameHeader::find(&bytes).is_some()
}

/// The session of the dump at a path, if there is one.
pub(crate) fn session_at(path: &Path) -> Option<[u8; 16]> {
    let file = open_existing(path).ok().filter(|f| f.metadata().is_ok_and(|m| m.is_file()))?;
    let mut header = Vec::new();
    file.take(FileHeader::BYTES as u64).read_to_end(&mut header).ok()?;
    FileHeader::decode(&header).ok().map(|(header, _)| header.session)
}

/// The session of a dump of which the magic has been read.
fn session_of(file: &mut File) -> Option<[u8; 16]> {
    let mut header = MAGIC.to_vec();
    file.take((FileHeader::BYTES - MAGIC.len()) as u64).read_to_end(&mut header).ok()?;
    Some(FileHeader::decode(&header).ok()?.0.session)
}

/// Puts what the rings hold into the dump (F3), or into a copy that takes its place, and is locked (F4).
fn complete(file: &File, path: &Path, rings: &UnreadDir) -> Result<Option<Locked>, NotRecovered> {
    let io = |source| NotRecovered::Io { what: "the dump".to_owned(), source };
    let metadata = file.metadata().map_err(io)?;
    if !is_ours_alone(&metadata) {
        return Err(NotRecovered::ForeignDump);
    }
    let beside = Beside::new(path)
        .ok_or_else(|| io(io::Error::other("a copy of it cannot be made: its name is taken")));
    let mut copy = None;
    let make = || {
        let beside = beside.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let made = beside.make(0o600)?;
        made.file.set_permissions(metadata.permissions())?;
        let file = made.file.try_clone();
        copy = Some(made);
        file
    };
    if rings.complete(file, make)?
        && let Ok(beside) = beside
    {
        std::fs::rename(&beside.path, path).map_err(io)?;
        beside.keep();
        // Before the rings are removed.
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }
    Ok(copy)
}

fn not_a_file(path: &Path) -> StartError {
    StartError::NotAFile { path: path.to_owned() }
}

/// `app.steno` → `app.1.steno`, with the first number that is free.
fn free_name(path: &Path) -> PathBuf {
    // A link that leads nowhere is not free either.
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    (1..).map(|n| numbered(path, n)).find(is_free).unwrap_or_else(|| path.with_extension("old"))
}

/// `app.steno` → `app.7.steno`.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Whether two looks were at the same file; `None` if the platform does not say.
#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    Some((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> Option<bool> {
    None
}

/// How many names a file has; `None` if the platform does not say.
#[cfg(unix)]
fn names(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::nlink(metadata))
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> Option<u64> {
    None
}

/// Whether writing over the file can surprise nobody: it is this user's, and has one name.
#[cfg(unix)]
fn is_ours_alone(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: `geteuid` takes nothing and cannot fail.
    metadata.uid() == unsafe { libc::geteuid() } && metadata.nlink() == 1
}

#[cfg(not(unix))]
fn is_ours_alone(_: &Metadata) -> bool {
    true
}

/// Takes the permissions from a file that the builder does not want it to have.
#[cfg(unix)]
fn narrow(file: &File, metadata: &Metadata, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (has, may_have) = (metadata.mode() & 0o7777, mode_within(metadata, mode));
    if has == may_have {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(may_have))
}

/// What both the file and the builder allow.
#[cfg(unix)]
fn mode_within(metadata: &Metadata, mode: u32) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & mode & 0o7777
}

#[cfg(not(unix))]
fn mode_within(_: &Metadata, mode: u32) -> u32 {
    mode
}

#[cfg(not(unix))]
fn narrow(_: &File, _: &Metadata, _: u32) -> io::Result<()> {
    Ok(())
}

/// Whether the error says that the server has the file no more.
#[cfg(unix)]
fn is_stale(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESTALE)
}

#[cfg(not(unix))]
fn is_stale(_: &io::Error) -> bool {
    false
}
