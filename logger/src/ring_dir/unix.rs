//! The directory itself.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::AtFlags;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter};
use stenolog_format::recovery::{Origin, Place, directory_name};
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;

use super::origin::{self, Beginning};
use super::page::{Listing, Page};
use super::slots::{Slots, Statement};
use super::{LEAST_RING_BYTES, NoRingDir, word};
use crate::fault::{self, Step};
use crate::process::descriptors::NotInherited;
use crate::sync::lock;
use crate::writer_lock;

/// The sequence of a file that has no blocks: behind all others.
pub(super) const META_SEQUENCE: u32 = u32::MAX;

/// The names in the directory; those of rings are followed by a number.
pub(super) const META: &str = "meta.steno";
pub(super) const PROGRESS: &str = "progress";
pub(super) const RING: &str = "ring-";
pub(super) const RING_IN_MAKING: &str = ".new-ring-";

/// A ring's file: the directory that it is in, and the number in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingFile {
    is_in_second: bool,
    number: u32,
}

/// The directories of rings of a logger that runs: as a rule one.
#[derive(Debug)]
pub(crate) struct RingDir {
    first: Dir,
    /// Where rings go that the first one has no room for.
    second: Mutex<Second>,
    /// In which the second one may be made.
    folders: Vec<PathBuf>,
    /// The owner: readers do not trust a second directory of another user.
    owner: u32,
    /// The root folder that paths begin at.
    root: Option<(u64, u64)>,
    header: FileHeader,
    clock: ClockPair,
    next_file: AtomicU32,
    /// No ring may be made any more; held while one is made, and while a directory is made again.
    is_removed: RwLock<bool>,
}

/// The directory beside the first one.
#[derive(Debug)]
enum Second {
    /// When creating it last failed, if it did.
    Missing(Option<Instant>),
    Made(Arc<Dir>),
}

/// One directory.
#[derive(Debug)]
struct Dir {
    path: PathBuf,
    /// Where the dump is.
    origin: Origin,
    /// Kept open: by the time of a look the process may have another root, or fewer rights.
    directory: Mutex<File>,
    header: FileHeader,
    clock: ClockPair,
    meta: Mutex<Meta>,
    page: Mutex<Page>,
    /// When something was last changed in it, as far as all files were seen to be there then.
    seen: Mutex<Option<SystemTime>>,
}

/// The file of explanations.
#[derive(Debug)]
struct Meta {
    // Before the file: its number must not be another's when a child closes it.
    _not_inherited: NotInherited,
    /// Locked as long as the logger runs, for readers to tell.
    file: File,
    len: u64,
    /// How many bytes of it the file system has reserved.
    reserved: u64,
    frames: FrameWriter,
    threads: Slots,
    /// The call sites that it has, by id.
    stated: Vec<bool>,
}

/// Changes to the directories since the last check.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// A directory, or a file in it that every reader needs, was gone: this is whether it could be made
    /// again.
    pub(crate) made_again: Option<(PathBuf, io::Result<()>)>,
    /// Rings in use whose file is gone.
    pub(crate) rings: Vec<u32>,
}

/// How much room to reserve for explanations at once.
const META_RESERVE_BYTES: u64 = 1 << 16;

/// How long to wait before trying again to create a second directory.
const TRY_SECOND_EVERY: Duration = Duration::from_secs(1);

/// A ring takes no more than this part of what is free on its file system.
const SHARE_OF_FREE: u64 = 16;

impl RingDir {
    /// Makes the directory in the first of the folders that will have it.
    pub(crate) fn create(
        folders: &[PathBuf],
        header: FileHeader,
        clock: &ClockPair,
        dump: &Path,
    ) -> Result<Self, NoRingDir> {
        let origin = origin::origin_of(dump);
        let mut tried = Vec::new();
        for (at, folder) in folders.iter().enumerate() {
            let path = folder.join(directory_name(&header.session));
            match Dir::create(path, header, clock, origin.clone(), 0) {
                Ok(first) => {
                    let dir = Self {
                        first,
                        second: Mutex::new(Second::Missing(None)),
                        folders: folders[at + 1..].to_vec(),
                        owner: rustix::process::geteuid().as_raw(),
                        root: root(),
                        header,
                        clock: *clock,
                        next_file: AtomicU32::new(1),
                        is_removed: RwLock::new(false),
                    };
                    // A folder that has no room for a single small ring is of no use.
                    match dir.new_ring_in(&dir.first, false, 4096) {
                        Ok((_, _, probe)) => dir.remove_ring(probe),
                        Err(error) => {
                            dir.first.discard();
                            tried.push((folder.clone(), error));
                            continue;
                        }
                    }
                    fault::after(Step::RingDirReady);
                    return Ok(dir);
                }
                Err(error) => tried.push((folder.clone(), error)),
            }
        }
        Err(NoRingDir { tried })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.first.path
    }

    /// A new ring, in the hands of no thread yet, of the first capacity that there is room for; an
    /// error when the directory has been removed.
    pub(crate) fn new_ring(
        &self,
        capacities: &[usize],
    ) -> io::Result<(Producer, Consumer, RingFile)> {
        // A thread may log for the first time while the logger ends: were it to make a ring in the
        // midst of the removal, the directory would stay.
        let is_removed = self.is_removed.read().unwrap_or_else(PoisonError::into_inner);
        if *is_removed {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut refused = io::Error::from(io::ErrorKind::InvalidInput);
        for &capacity in capacities {
            match self.new_ring_in(&self.first, false, capacity) {
                Ok(ring) => return Ok(ring),
                Err(error) => refused = error,
            }
        }
        // Another folder does not help against what the process may not do.
        let is_process =
            matches!(refused.raw_os_error(), Some(libc::EFBIG | libc::EMFILE | libc::ENOMEM));
        if !is_process && let Some(second) = self.second() {
            for &capacity in capacities {
                if let Ok(ring) = self.new_ring_in(&second, true, capacity) {
                    return Ok(ring);
                }
            }
        }
        Err(refused)
    }

    fn new_ring_in(
        &self,
        dir: &Dir,
        is_in_second: bool,
        capacity_bytes: usize,
    ) -> io::Result<(Producer, Consumer, RingFile)> {
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let (producer, consumer) = dir.new_ring(number, capacity_bytes)?;
        Ok((producer, consumer, RingFile { is_in_second, number }))
    }

    /// The directory beside the first one, which is made if there is none.
    fn second(&self) -> Option<Arc<Dir>> {
        let mut second = lock(&self.second);
        let tried = match &*second {
            Second::Made(dir) => return Some(Arc::clone(dir)),
            Second::Missing(tried) => *tried,
        };
        let is_too_soon = tried.is_some_and(|tried| tried.elapsed() < TRY_SECOND_EVERY);
        if is_too_soon || rustix::process::geteuid().as_raw() != self.owner || !self.has_root() {
            return None;
        }
        for folder in &self.folders {
            let path = folder.join(directory_name(&self.header.session));
            let origin = self.first.origin.clone();
            if let Ok(dir) = Dir::create(path, self.header, &self.clock, origin, 1) {
                let dir = Arc::new(dir);
                *second = Second::Made(Arc::clone(&dir));
                return Some(dir);
            }
        }
        *second = Second::Missing(Some(Instant::now()));
        None
    }

    fn made_second(&self) -> Option<Arc<Dir>> {
        match &*lock(&self.second) {
            Second::Made(dir) => Some(Arc::clone(dir)),
            Second::Missing(_) => None,
        }
    }

    /// Removes the file of a ring that is no longer used.
    pub(crate) fn remove_ring(&self, file: RingFile) {
        if let Some(path) = self.path_of(file) {
            let _ = fs::remove_file(path);
        }
    }

    /// Whether paths still lead to where they did.
    fn has_root(&self) -> bool {
        root() == self.root
    }

    /// Whether a ring's file is where it was made.
    pub(crate) fn has_ring(&self, file: RingFile) -> bool {
        let name = format!("{RING}{}", file.number);
        if file.is_in_second {
            self.made_second().is_some_and(|dir| dir.has(&name))
        } else {
            self.first.has(&name)
        }
    }

    fn path_of(&self, file: RingFile) -> Option<PathBuf> {
        if file.is_in_second {
            self.made_second().map(|dir| dir.ring_path(file.number))
        } else {
            Some(self.first.ring_path(file.number))
        }
    }

    /// States the thread of a ring (D1).
    pub(crate) fn state_thread(&self, thread: &Thread) {
        // Without it the records come out all the same, under the ring's number.
        if lock(&self.first.meta).thread(thread).is_err()
            && let Some(second) = self.made_second()
        {
            let _ = lock(&second.meta).thread(thread);
        }
        fault::after(Step::ThreadStated);
    }

    /// Notes that a ring has no thread: the thread's frame is no longer needed and may be overwritten.
    pub(crate) fn forget_thread(&self, ring: u32) {
        lock(&self.first.meta).threads.forget(ring);
        if let Some(second) = self.made_second() {
            lock(&second.meta).threads.forget(ring);
        }
    }

    /// States where a thread's new ring is: after its user words, before its first record.
    pub(crate) fn list(&self, thread: &Thread, place: Place) -> Listing {
        let listing = lock(&self.first.page).list(thread, place);
        fault::after(Step::RingListed);
        listing
    }

    /// States that the file of a ring in use is gone.
    pub(crate) fn unlink(&self, listing: &mut Listing) {
        lock(&self.first.page).unlink(listing);
    }

    /// Removes the entry of a ring that the dump has completely: before its user words change.
    pub(crate) fn unlist(&self, listing: Listing) {
        lock(&self.first.page).unlist(listing);
    }

    /// States a call site, if that has not been done yet (D1). `false` if no directory has room for
    /// it: records of it are then explained by the dump alone.
    pub(crate) fn state_site(&self, site: &CallSite) -> bool {
        if lock(&self.first.meta).site(site) {
            return true;
        }
        self.second().is_some_and(|second| lock(&second.meta).site(site))
    }

    /// Whether a call site was stated, here or in the dump.
    pub(crate) fn has_stated(&self, id: u32) -> bool {
        lock(&self.first.meta).is_stated(id)
            || self.made_second().is_some_and(|second| lock(&second.meta).is_stated(id))
    }

    /// Notes that the dump has the entry of a call site, so that it is not to be stated any more.
    pub(crate) fn note_explained(&self, id: u32) {
        lock(&self.first.meta).note_stated(id);
    }

    /// States how many records of a level were lost because their thread got no ring.
    pub(crate) fn state_ringless(&self, level: Level, records: u64) {
        lock(&self.first.page).state_ringless(level.index(), records);
    }

    /// States up to where the dump consists of whole frames (D3).
    pub(crate) fn note_progress(&self, sequence: u32, len: u64) {
        lock(&self.first.page).note_progress(sequence, len);
        if let Some(second) = self.made_second() {
            lock(&second.page).note_progress(sequence, len);
        }
        fault::after(Step::Progressed);
    }

    /// Checks that the directories are still there, and recreates what is gone. `rings` are those in use,
    /// each with its file and its place in the page; `sites` gives the entries of all call sites.
    ///
    /// Costs a few system calls, plus one for each ring if anything in a directory has changed.
    pub(crate) fn look(
        &self,
        rings: &[(u32, RingFile)],
        sites: &dyn Fn() -> Vec<Arc<CallSite>>,
    ) -> Missed {
        let mut missed = Missed::default();
        let mut is_any_changed = false;
        let second = self.made_second();
        for dir in [&self.first].into_iter().chain(second.as_deref()) {
            if !dir.is_whole(self.has_root()) {
                // No ring may be made in the midst of it.
                let is_removed = self.is_removed.write().unwrap_or_else(PoisonError::into_inner);
                if *is_removed {
                    return Missed::default();
                }
                missed.made_again = Some((dir.path.clone(), dir.make_again(sites)));
                is_any_changed = true;
            }
            is_any_changed |= dir.has_changed();
        }
        if is_any_changed {
            let gone = rings.iter().filter(|(_, file)| !self.has_ring(*file));
            missed.rings = gone.map(|&(ring, _)| ring).collect();
        }
        missed
    }

    /// Removes all of it: the dump has everything (D4).
    pub(crate) fn remove(&self) {
        let mut is_removed = self.is_removed.write().unwrap_or_else(PoisonError::into_inner);
        *is_removed = true;
        // Does not follow links. What cannot be removed is found again by the session's dump,
        // which is sealed.
        for path in self.made_second().map(|dir| dir.path.clone()).iter().chain([&self.first.path])
        {
            if fs::remove_dir_all(path).is_err() {
                // That takes a descriptor, of which there may be none.
                for number in 1..self.next_file.load(Ordering::Relaxed) {
                    let _ = fs::remove_file(path.join(format!("{RING}{number}")));
                }
                discard(path);
            }
        }
    }
}

impl Dir {
    fn create(
        path: PathBuf,
        header: FileHeader,
        clock: &ClockPair,
        origin: Origin,
        number: u64,
    ) -> io::Result<Self> {
        let beginning = Beginning::of(&path);
        // Fails if there is anything of this name, be it a link.
        DirBuilder::new().mode(0o700).create(&path)?;
        fault::after(Step::RingDirMade);
        let header = FileHeader { sequence: META_SEQUENCE, ..header };
        let file = origin::state(&path, &origin).and_then(|()| new_file(&path.join(META)));
        let begun = Meta::begin(file, header, clock).and_then(|meta| {
            // By now the lock of its own tells that it has a writer.
            drop(beginning);
            fault::after(Step::MetaBegun);
            let page = Page::begin(&new_file(&path.join(PROGRESS))?, number)?;
            Ok((meta, page))
        });
        let begun = begun.and_then(|(meta, page)| Ok((meta, page, File::open(&path)?)));
        let dir = |(meta, page, directory)| Self {
            path: path.clone(),
            origin,
            directory: Mutex::new(directory),
            header,
            clock: *clock,
            meta: Mutex::new(meta),
            page: Mutex::new(page),
            seen: Mutex::new(None),
        };
        begun.map(dir).inspect_err(|_| discard(&path))
    }

    /// Removes what was just made.
    fn discard(&self) {
        discard(&self.path);
    }

    fn new_ring(&self, number: u32, capacity_bytes: usize) -> io::Result<(Producer, Consumer)> {
        let free = rustix::fs::statvfs(&self.path);
        // One without an end says that it has no blocks.
        if let Ok(free) = free.as_ref()
            && free.f_blocks > 0
            && (capacity_bytes as u64).saturating_mul(SHARE_OF_FREE)
                > free.f_bavail.saturating_mul(free.f_frsize)
            && capacity_bytes > LEAST_RING_BYTES
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut words = [0; stenolog_ringbuf::file::USER_WORDS];
        for (half, index) in word::SESSION.into_iter().enumerate() {
            let bytes = self.header.session[8 * half..].first_chunk().copied().unwrap_or_default();
            words[index] = u64::from_le_bytes(bytes);
        }
        // A file that has its name is whole.
        let temporary = self.path.join(format!("{RING_IN_MAKING}{number}"));
        let options = Options::new(capacity_bytes).ring_id(number.into()).user_words(words);
        let (producer, consumer) = options.create_spsc(&temporary)?;
        fault::after(Step::RingCreated);
        fs::rename(&temporary, self.ring_path(number)).inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
        fault::after(Step::RingNamed);
        Ok((producer, consumer))
    }

    fn ring_path(&self, number: u32) -> PathBuf {
        self.path.join(format!("{RING}{number}"))
    }

    /// Whether a reader finds the directory, with what explains the rest. Whether it has its path can only
    /// be asked if that leads to where it did.
    fn is_whole(&self, asks_path: bool) -> bool {
        let directory = lock(&self.directory).metadata();
        let Ok(directory) = directory else { return true };
        let is_elsewhere = || match fs::symlink_metadata(&self.path) {
            Ok(at_path) => (at_path.dev(), at_path.ino()) != (directory.dev(), directory.ino()),
            // Any other error only says that this process may not look there.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let is_gone = directory.nlink() == 0 || asks_path && is_elsewhere();
        !is_gone && self.has(META) && self.has(PROGRESS)
    }

    /// Whether there is a file of this name, as far as the process may ask.
    fn has(&self, name: &str) -> bool {
        let found = rustix::fs::statat(&*lock(&self.directory), name, AtFlags::SYMLINK_NOFOLLOW);
        found.err() != Some(rustix::io::Errno::NOENT)
    }

    /// Whether anything was changed in the directory since it was last asked.
    fn has_changed(&self) -> bool {
        let changed = lock(&self.directory).metadata().and_then(|metadata| metadata.modified());
        let Ok(changed) = changed else { return true };
        // Times are rounded: what follows within the same tick has the same.
        let is_settled = changed.elapsed().is_ok_and(|since| since > Duration::from_millis(50));
        let mut seen = lock(&self.seen);
        let is_same = *seen == Some(changed);
        *seen = is_settled.then_some(changed);
        !is_same
    }

    /// Makes the directory again, with all that was said in it. Rings that were in it have no file any
    /// more, and are still listed.
    fn make_again(&self, all_sites: &dyn Fn() -> Vec<Arc<CallSite>>) -> io::Result<()> {
        let _beginning = Beginning::of(&self.path);
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
        let _ = origin::state(&self.path, &self.origin);
        let directory = File::open(&self.path)?;
        let temporary = self.path.join(format!("{RING_IN_MAKING}{PROGRESS}"));
        let _ = fs::remove_file(&temporary);
        // First the list: from then on no reader takes the directory for complete.
        let mut page = lock(&self.page);
        page.again(&new_file(&temporary)?)?;
        fs::rename(&temporary, self.path.join(PROGRESS))?;
        let temporary = self.path.join(format!("{RING_IN_MAKING}{META}"));
        let _ = fs::remove_file(&temporary);
        let file = new_file(&temporary)?;
        drop(page);
        let (sites, mut meta) = loop {
            // Whoever states a call site holds the registry: it must not be asked under this lock.
            let sites = all_sites();
            let meta = lock(&self.meta);
            if meta.stated.len() <= sites.len() {
                break (sites, meta);
            }
        };
        let mut again = Meta::begin(Ok(file), self.header, &self.clock)?;
        for site in &sites {
            if meta.is_stated(site.id) && !again.site(site) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        for listed in lock(&self.page).listed() {
            let _ = again.thread(&listed.thread);
        }
        *meta = again;
        fs::rename(&temporary, self.path.join(META))?;
        *lock(&self.directory) = directory;
        Ok(())
    }
}

/// What the path `/` leads to.
fn root() -> Option<(u64, u64)> {
    let root = fs::metadata("/").ok()?;
    Some((root.dev(), root.ino()))
}

/// Removes what was made of a directory: only that, as another's is not empty, or not there.
fn discard(path: &Path) {
    let _ = fs::remove_file(path.join(META));
    let _ = fs::remove_file(path.join(PROGRESS));
    let _ = fs::remove_file(path.join(Origin::FILE));
    let _ = fs::remove_dir(path);
}

pub(super) fn new_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

impl Meta {
    fn begin(file: io::Result<File>, header: FileHeader, clock: &ClockPair) -> io::Result<Self> {
        let file = file?;
        // Nobody else has it; and what has no locks is as good without.
        let _ = writer_lock::take(&file);
        let _not_inherited = NotInherited::new(&file);
        let frames = FrameWriter::default();
        let (threads, stated) = (Slots::default(), Vec::new());
        let mut meta = Self { _not_inherited, file, len: 0, reserved: 0, frames, threads, stated };
        meta.append(&header.encode())?;
        meta.frame(FrameKind::Clock, |out| clock.encode(out))?;
        Ok(meta)
    }

    fn thread(&mut self, thread: &Thread) -> io::Result<()> {
        let len = self.len;
        let statement = self.threads.state(thread, len, &self.frames);
        match &statement {
            Statement::Over { offset, bytes } => self.file.write_all_at(bytes, *offset)?,
            Statement::Behind { bytes, frames, .. } => {
                self.append(bytes)?;
                self.frames = frames.clone();
            }
        }
        self.threads.note(thread.ring, &statement, len);
        Ok(())
    }

    /// Whether it has the call site, which it gets if it has not.
    fn site(&mut self, site: &CallSite) -> bool {
        if site.id < CallSite::FIRST_ID || self.is_stated(site.id) {
            return true;
        }
        // If it fails, the next call in the cold path tries again.
        let written = self.frame(FrameKind::Dictionary, |out| {
            CallSite::encode_all(std::iter::once(site), out);
        });
        if written.is_ok() {
            self.note_stated(site.id);
            fault::after(Step::SiteStated);
        }
        written.is_ok()
    }

    fn is_stated(&self, id: u32) -> bool {
        let at = id.checked_sub(CallSite::FIRST_ID);
        at.is_some_and(|at| self.stated.get(at as usize) == Some(&true))
    }

    fn note_stated(&mut self, id: u32) {
        let Some(at) = id.checked_sub(CallSite::FIRST_ID) else { return };
        let at = at as usize;
        if self.stated.len() <= at {
            self.stated.resize(at + 1, false);
        }
        self.stated[at] = true;
    }

    /// Reserves room for `len` bytes in all, and for more to come.
    fn reserve(&mut self, len: u64) {
        if len <= self.reserved {
            return;
        }
        let wanted = len.next_multiple_of(META_RESERVE_BYTES);
        // The length stays: what has been written ends it. Where the system has no such call, or no
        // more room, it is seen when it is written.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let (from, more) = (self.reserved, wanted - self.reserved);
            let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
            // Beyond a limit of the file size, this would raise a signal as a write does.
            let is_reserved = check_size_limit(wanted).is_ok()
                && rustix::fs::fallocate(&self.file, flags, from, more).is_ok();
            if !is_reserved {
                return;
            }
        }
        self.reserved = wanted;
    }

    fn frame(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut frames = self.frames.clone();
        frames.frame(&mut bytes, kind, fill);
        self.append(&bytes)?;
        self.frames = frames;
        Ok(())
    }

    /// Appends all of the bytes, or none.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = self.len + bytes.len() as u64;
        check_size_limit(len)?;
        self.reserve(len);
        let result = self.file.write_all(bytes);
        match result {
            Ok(()) => self.len += bytes.len() as u64,
            Err(_) => {
                let _ = self.file.set_len(self.len);
                let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.len));
            }
        }
        result
    }
}

/// Whether files may have this many bytes: if not, writing them would raise SIGXFSZ on a thread of
/// the application.
pub(super) fn check_size_limit(len: u64) -> io::Result<()> {
    match rustix::process::getrlimit(rustix::process::Resource::Fsize).current {
        Some(limit) if len > limit => Err(rustix::io::Errno::FBIG.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use stenolog_format::frame::VERSION;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn nothing_is_left_by_threads_that_log_first_while_the_logger_ends() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::get();
        for round in 0..5_u128 {
            let header = FileHeader {
                version: VERSION,
                session: round.to_le_bytes(),
                created_unix_ns: 0,
                sequence: 0,
                process_id: 1,
                counter_hz: clock.hz(),
            };
            let folders = [folder.path().to_owned()];
            let dir = RingDir::create(&folders, header, &clock.pair(), Path::new("/tmp/app.steno"))
                .unwrap();
            std::thread::scope(|scope| {
                let until_refused = || while dir.new_ring(&[4096]).is_ok() {};
                let threads = [scope.spawn(until_refused), scope.spawn(until_refused)];
                while dir.next_file.load(Ordering::Relaxed) < 4 {
                    std::thread::yield_now();
                }
                dir.remove();
                assert!(!dir.path().exists(), "round {round}");
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
            assert!(!dir.path().exists(), "round {round}");
        }
    }
}
