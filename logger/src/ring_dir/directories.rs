//! The ring directories of a running logger: usually one, and a second one if the first has no room.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::frame::FileHeader;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::{DumpLocation, RingPlace, directory_name, ring_file};

use super::directory::{Directory, discard, root};
use super::page::Listing;
use super::{LEAST_RING_BYTES, NoRingDir, SiteEntry};
use crate::sync::lock;

/// A ring's file: the directory that it is in, and the number in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingFile {
    is_in_second: bool,
    number: u32,
}

/// The ring directories of a running logger.
#[derive(Debug)]
pub(crate) struct RingDir {
    first: Directory,
    /// For rings that do not fit the first one.
    second: Mutex<Second>,
    /// The folders in which the second one may be created.
    folders: Vec<PathBuf>,
    /// The owner: readers do not trust a second directory of another user.
    owner: u32,
    /// The root folder that paths begin at.
    root: Option<(u64, u64)>,
    header: FileHeader,
    clock: ClockPair,
    next_file: AtomicU32,
    /// No ring may be created any more. Held while one is created, and while a directory is recreated.
    is_removed: RwLock<bool>,
}

/// The directory beside the first one.
#[derive(Debug)]
enum Second {
    /// When creating it last failed, if it did.
    Missing(Option<Instant>),
    Made(Arc<Directory>),
}

/// Changes to the directories since the last check.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// A directory, or a file in it that every reader needs, was gone; and whether it could be recreated.
    pub(crate) made_again: Option<(PathBuf, io::Result<()>)>,
    /// Rings in use whose file is gone.
    pub(crate) rings: Vec<u32>,
}

/// How long to wait before trying again to create a second directory.
const TRY_SECOND_EVERY: Duration = Duration::from_secs(1);

impl RingDir {
    /// Creates the directory in the first folder where that is possible.
    pub(crate) fn create(
        folders: &[PathBuf],
        header: FileHeader,
        clock: &ClockPair,
        dump: &Path,
    ) -> Result<Self, NoRingDir> {
        let location = DumpLocation::of(dump);
        let mut tried = Vec::new();
        for (at, folder) in folders.iter().enumerate() {
            let path = folder.join(directory_name(&header.session));
            match Directory::create(path, header, clock, location.clone(), 0) {
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
                    // A folder without room for a single small ring is useless.
                    match dir.new_ring_in(&dir.first, false, LEAST_RING_BYTES) {
                        Ok((_, _, probe)) => dir.remove_ring(probe),
                        Err(error) => {
                            dir.first.discard();
                            tried.push((folder.clone(), error));
                            continue;
                        }
                    }
                    failpoint::after(Step::RingDirReady);
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

    /// A new ring without a thread, of the first capacity that there is room for.
    ///
    /// # Errors
    /// If there is no room, or the directory has been removed.
    pub(crate) fn new_ring(
        &self,
        capacities: &[usize],
    ) -> io::Result<(Producer, Consumer, RingFile)> {
        // A thread may log for the first time while the logger ends. If it created a ring during the
        // removal, the directory would stay.
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
        // Another folder does not help against limits of the process.
        let is_process = matches!(
            Errno::from_io_error(&refused),
            Some(Errno::FBIG | Errno::MFILE | Errno::NOMEM)
        );
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
        dir: &Directory,
        is_in_second: bool,
        capacity_bytes: usize,
    ) -> io::Result<(Producer, Consumer, RingFile)> {
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let (producer, consumer) = dir.new_ring(number, capacity_bytes)?;
        Ok((producer, consumer, RingFile { is_in_second, number }))
    }

    /// The second directory, which is created if there is none.
    fn second(&self) -> Option<Arc<Directory>> {
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
            let location = self.first.location.clone();
            if let Ok(dir) = Directory::create(path, self.header, &self.clock, location, 1) {
                let dir = Arc::new(dir);
                *second = Second::Made(Arc::clone(&dir));
                return Some(dir);
            }
        }
        *second = Second::Missing(Some(Instant::now()));
        None
    }

    fn made_second(&self) -> Option<Arc<Directory>> {
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

    /// Whether paths still lead to the same places.
    fn has_root(&self) -> bool {
        root() == self.root
    }

    /// Whether a ring's file is where it was created.
    pub(crate) fn has_ring(&self, file: RingFile) -> bool {
        let name = ring_file(file.number);
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
        // Without it, the records appear under the ring's number.
        if lock(&self.first.meta).thread(thread).is_err()
            && let Some(second) = self.made_second()
        {
            let _ = lock(&second.meta).thread(thread);
        }
        failpoint::after(Step::ThreadStated);
    }

    /// Notes that a ring has no thread: the thread's frame is no longer needed and may be overwritten.
    pub(crate) fn forget_thread(&self, ring: u32) {
        lock(&self.first.meta).threads.forget(ring);
        if let Some(second) = self.made_second() {
            lock(&second.meta).threads.forget(ring);
        }
    }

    /// Lists the place of a thread's new ring: after its user words, before its first record.
    pub(crate) fn list(&self, thread: &Thread, place: RingPlace) -> Listing {
        let listing = lock(&self.first.page).list(thread, place);
        failpoint::after(Step::RingListed);
        listing
    }

    /// Lists the file of a ring in use as deleted.
    pub(crate) fn unlink(&self, listing: &mut Listing) {
        lock(&self.first.page).unlink(listing);
    }

    /// Removes the entry of a ring whose records are all in the dump. Call it before the ring's user words
    /// change.
    pub(crate) fn unlist(&self, listing: Listing) {
        lock(&self.first.page).unlist(listing);
    }

    /// States a call site, unless that is done already (D1). `false` if no directory has room for it: then
    /// only the dump can explain its records.
    pub(crate) fn state_site(&self, site: &SiteEntry) -> bool {
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

    /// Notes that the dump has the entry of a call site, so it is not needed here.
    pub(crate) fn note_explained(&self, id: u32) {
        lock(&self.first.meta).note_stated(id);
    }

    /// States how many records of a level were lost because their thread got no ring.
    pub(crate) fn state_ringless(&self, level: Level, records: u64) {
        lock(&self.first.page).state_ringless(level.index(), records);
    }

    /// States how many bytes of the dump are whole frames (D3).
    pub(crate) fn note_progress(&self, sequence: u32, len: u64) {
        lock(&self.first.page).note_progress(sequence, len);
        if let Some(second) = self.made_second() {
            lock(&second.page).note_progress(sequence, len);
        }
        failpoint::after(Step::Progressed);
    }

    /// Checks that the directories still exist, and recreates what is missing. `rings` are those in use, each
    /// with its file and its place in the page; `sites` gives the entries of all call sites.
    ///
    /// Costs a few system calls, plus one for each ring if anything in a directory has changed.
    pub(crate) fn look(
        &self,
        rings: &[(u32, RingFile)],
        sites: &dyn Fn() -> Vec<SiteEntry>,
    ) -> Missed {
        let mut missed = Missed::default();
        let mut is_any_changed = false;
        let second = self.made_second();
        for dir in [&self.first].into_iter().chain(second.as_deref()) {
            if !dir.is_whole(self.has_root()) {
                // No ring may be created meanwhile.
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

    /// Removes the directories: the dump has everything (D4).
    pub(crate) fn remove(&self) {
        let mut is_removed = self.is_removed.write().unwrap_or_else(PoisonError::into_inner);
        *is_removed = true;
        // This follows no links. A later start removes what cannot be removed now: the dump is sealed.
        for path in self.made_second().map(|dir| dir.path.clone()).iter().chain([&self.first.path])
        {
            if fs::remove_dir_all(path).is_err() {
                // That takes a file descriptor, and the process may have none left.
                for number in 1..self.next_file.load(Ordering::Relaxed) {
                    let _ = fs::remove_file(path.join(ring_file(number)));
                }
                discard(path);
            }
        }
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
