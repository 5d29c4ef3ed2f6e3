//! One ring directory: its creation, its checks, and its recreation if it was deleted.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use rustix::fs::AtFlags;
use stenolog_format::clock::ClockPair;
use stenolog_format::frame::FileHeader;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::dir::check_size_limit;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::{
    DumpLocation, LOCATION_FILE, META_FILE, META_SEQUENCE, PROGRESS_FILE, RingWords, ring_file,
    temporary_file,
};
use stenolog_session::lock::share_folder;

use super::meta::MetaFile;
use super::page::Page;
use super::{LEAST_RING_BYTES, SiteEntry};
use crate::sync::lock;

/// The ring directory of a running logger, or the second one.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) location: DumpLocation,
    /// Kept open: by the time of a check, the process may have another root, or fewer rights.
    directory: Mutex<File>,
    header: FileHeader,
    clock: ClockPair,
    pub(super) meta: Mutex<MetaFile>,
    pub(super) page: Mutex<Page>,
    /// When something in it had last changed at the time when all files were seen to be there.
    seen: Mutex<Option<SystemTime>>,
}

/// A ring takes no more than this part of the free space of its file system.
const SHARE_OF_FREE: u64 = 16;

impl Directory {
    /// Creates the directory at `path`, the `number`th of the session, with everything but rings.
    pub(super) fn create(
        path: PathBuf,
        header: FileHeader,
        clock: &ClockPair,
        location: DumpLocation,
        number: u64,
    ) -> io::Result<Self> {
        // Until `meta.steno` is locked, nothing else tells that the directory has a writer.
        let beginning = path.parent().and_then(share_folder);
        // Fails if there is anything of this name, even a link.
        DirBuilder::new().mode(0o700).create(&path)?;
        failpoint::after(Step::RingDirMade);
        let header = FileHeader { sequence: META_SEQUENCE, ..header };
        let file = state_location(&path, &location).and_then(|()| new_file(&path.join(META_FILE)));
        let begun = MetaFile::begin(file, header, clock).and_then(|meta| {
            // By now its own lock tells that it has a writer.
            drop(beginning);
            failpoint::after(Step::MetaBegun);
            let page = Page::begin(&new_file(&path.join(PROGRESS_FILE))?, number)?;
            Ok((meta, page))
        });
        let begun = begun.and_then(|(meta, page)| Ok((meta, page, File::open(&path)?)));
        let dir = |(meta, page, directory)| Self {
            path: path.clone(),
            location,
            directory: Mutex::new(directory),
            header,
            clock: *clock,
            meta: Mutex::new(meta),
            page: Mutex::new(page),
            seen: Mutex::new(None),
        };
        begun.map(dir).inspect_err(|_| discard(&path))
    }

    /// Removes the directory, which has no rings yet.
    pub(super) fn discard(&self) {
        discard(&self.path);
    }

    /// Creates a ring file.
    pub(super) fn new_ring(
        &self,
        number: u32,
        capacity_bytes: usize,
    ) -> io::Result<(Producer, Consumer)> {
        let free = rustix::fs::statvfs(&self.path);
        // A file system without a size says that it has no blocks.
        if let Ok(free) = free.as_ref()
            && free.f_blocks > 0
            && (capacity_bytes as u64).saturating_mul(SHARE_OF_FREE)
                > free.f_bavail.saturating_mul(free.f_frsize)
            && capacity_bytes > LEAST_RING_BYTES
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let words = RingWords::of_session(&self.header.session);
        // A file that has its final name is whole.
        let temporary = self.path.join(temporary_file(number));
        let options = Options::new(capacity_bytes).ring_id(number.into()).user_words(words);
        let (producer, consumer) = options.create_spsc(&temporary)?;
        failpoint::after(Step::RingCreated);
        fs::rename(&temporary, self.ring_path(number)).inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
        failpoint::after(Step::RingNamed);
        Ok((producer, consumer))
    }

    pub(super) fn ring_path(&self, number: u32) -> PathBuf {
        self.path.join(ring_file(number))
    }

    /// Whether a reader finds the directory and the files that explain the rings. `asks_path` says whether
    /// paths lead to where they did: only then can it be told whether the directory has its path.
    pub(super) fn is_whole(&self, asks_path: bool) -> bool {
        let directory = lock(&self.directory).metadata();
        let Ok(directory) = directory else { return true };
        let is_elsewhere = || match fs::symlink_metadata(&self.path) {
            Ok(at_path) => (at_path.dev(), at_path.ino()) != (directory.dev(), directory.ino()),
            // Any other error only says that this process has no access.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let is_gone = directory.nlink() == 0 || asks_path && is_elsewhere();
        !is_gone && self.has(META_FILE) && self.has(PROGRESS_FILE)
    }

    /// Whether there is a file of this name, as far as the process may ask.
    pub(super) fn has(&self, name: &str) -> bool {
        let found = rustix::fs::statat(&*lock(&self.directory), name, AtFlags::SYMLINK_NOFOLLOW);
        found.err() != Some(rustix::io::Errno::NOENT)
    }

    /// Whether anything was changed in the directory since it was last asked.
    pub(super) fn has_changed(&self) -> bool {
        let changed = lock(&self.directory).metadata().and_then(|metadata| metadata.modified());
        let Ok(changed) = changed else { return true };
        // Times are rounded: a later change within the same tick has the same time.
        let is_settled = changed.elapsed().is_ok_and(|since| since > Duration::from_millis(50));
        let mut seen = lock(&self.seen);
        let is_same = *seen == Some(changed);
        *seen = is_settled.then_some(changed);
        !is_same
    }

    /// Recreates the directory with everything that was stated in it. Its rings have no files any more, but
    /// are still listed.
    pub(super) fn make_again(&self, all_sites: &dyn Fn() -> Vec<SiteEntry>) -> io::Result<()> {
        let _beginning = self.path.parent().and_then(share_folder);
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A part of it may be left. It must not be another's.
                let metadata = fs::symlink_metadata(&self.path)?;
                if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
                    return Err(error);
                }
            }
            made => made?,
        }
        let _ = state_location(&self.path, &self.location);
        let directory = File::open(&self.path)?;
        let temporary = self.path.join(temporary_file(PROGRESS_FILE));
        let _ = fs::remove_file(&temporary);
        // First the list: from then on, no reader takes the directory for complete.
        let mut page = lock(&self.page);
        page.again(&new_file(&temporary)?)?;
        fs::rename(&temporary, self.path.join(PROGRESS_FILE))?;
        let temporary = self.path.join(temporary_file(META_FILE));
        let _ = fs::remove_file(&temporary);
        let file = new_file(&temporary)?;
        drop(page);
        let (sites, mut meta) = loop {
            // A thread that states a call site holds the registry, which must not be asked under this lock.
            let sites = all_sites();
            let meta = lock(&self.meta);
            if meta.stated.len() <= sites.len() {
                break (sites, meta);
            }
        };
        let mut again = MetaFile::begin(Ok(file), self.header, &self.clock)?;
        for entry in &sites {
            if meta.is_stated(entry.site.id) && !again.site(entry) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        for listed in lock(&self.page).listed() {
            let _ = again.thread(&listed.thread);
        }
        *meta = again;
        fs::rename(&temporary, self.path.join(META_FILE))?;
        *lock(&self.directory) = directory;
        Ok(())
    }
}

/// Device and inode of this process's root folder.
pub(super) fn root() -> Option<(u64, u64)> {
    let root = fs::metadata("/").ok()?;
    Some((root.dev(), root.ino()))
}

/// Removes a directory that has no rings.
pub(super) fn discard(path: &Path) {
    let _ = fs::remove_file(path.join(META_FILE));
    let _ = fs::remove_file(path.join(PROGRESS_FILE));
    let _ = fs::remove_file(path.join(LOCATION_FILE));
    let _ = fs::remove_dir(path);
}

fn new_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// States in a directory which dump it belongs to.
fn state_location(path: &Path, location: &DumpLocation) -> io::Result<()> {
    let bytes = location.encode();
    check_size_limit(bytes.len() as u64)?;
    new_file(&path.join(LOCATION_FILE))?.write_all(&bytes)
}
