//! The directory itself.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter};
use stenolog_format::recovery::{Origin, directory_name};
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;

use super::{NoRingDir, RingFile, origin, word};
use crate::fault::{self, Step};
use crate::fork::NotInherited;
use crate::shared::lock;

/// The sequence of a file that has no blocks: behind all others.
pub(super) const META_SEQUENCE: u32 = u32::MAX;

/// The names in the directory; those of rings are followed by a number.
pub(super) const META: &str = "meta.steno";
pub(super) const PROGRESS: &str = "progress";
pub(super) const RING: &str = "ring-";
pub(super) const RING_IN_MAKING: &str = ".new-ring-";

/// A directory of rings, of a logger that runs.
#[derive(Debug)]
pub(crate) struct RingDir {
    path: PathBuf,
    session: [u8; 16],
    meta: Mutex<Meta>,
    progress: File,
    next_file: AtomicU32,
    /// No ring may be made any more; held while one is made.
    is_removed: RwLock<bool>,
}

/// The file of explanations.
#[derive(Debug)]
struct Meta {
    // Before the file: its number must not be another's when a child closes it.
    _not_inherited: NotInherited,
    /// Locked as long as the logger runs, for readers to tell.
    file: File,
    len: u64,
    frames: FrameWriter,
    /// The call sites that it has, by id.
    stated: Vec<bool>,
}

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
        for folder in folders {
            let path = folder.join(directory_name(&header.session));
            match Self::create_at(path.clone(), header, clock, &origin) {
                Ok(dir) => return Ok(dir),
                Err(error) => {
                    // Only what was made here: another's directory is not empty, or not there.
                    let _ = fs::remove_file(path.join(META));
                    let _ = fs::remove_file(path.join(PROGRESS));
                    let _ = fs::remove_file(path.join(Origin::FILE));
                    let _ = fs::remove_dir(&path);
                    tried.push((folder.clone(), error));
                }
            }
        }
        Err(NoRingDir { tried })
    }

    fn create_at(
        path: PathBuf,
        header: FileHeader,
        clock: &ClockPair,
        origin: &Origin,
    ) -> io::Result<Self> {
        let beginning = origin::begin(&path, origin)?;
        let new = |name| {
            File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path.join(name))
        };
        let file = new(META)?;
        // Nobody else has it; and what has no locks is as good without.
        let _ = file.try_lock();
        drop(beginning);
        let _not_inherited = NotInherited::new(&file);
        let mut meta = Meta {
            _not_inherited,
            file,
            len: 0,
            frames: FrameWriter::default(),
            stated: Vec::new(),
        };
        let header = FileHeader { sequence: META_SEQUENCE, ..header };
        meta.append(&header.encode())?;
        meta.frame(FrameKind::Clock, |out| clock.encode(out))?;
        fault::after(Step::MetaBegun);
        let progress = new(PROGRESS)?;
        let dir = Self {
            session: header.session,
            meta: Mutex::new(meta),
            progress,
            next_file: AtomicU32::new(1),
            is_removed: RwLock::new(false),
            path,
        };
        dir.write_progress(0, 0)?;
        // A folder that has no room for a single small ring is of no use.
        let (_, _, probe) = dir.new_ring(4096)?;
        dir.remove_ring(probe);
        fault::after(Step::RingDirReady);
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new ring, in the hands of no thread yet; an error when the directory has been removed.
    pub(crate) fn new_ring(
        &self,
        capacity_bytes: usize,
    ) -> io::Result<(Producer, Consumer, RingFile)> {
        // A thread may log for the first time while the logger ends: were it to make a ring in the
        // midst of the removal, the directory would stay.
        let is_removed = self.is_removed.read().unwrap_or_else(PoisonError::into_inner);
        if *is_removed {
            return Err(io::ErrorKind::NotFound.into());
        }
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let mut words = [0; stenolog_ringbuf::file::USER_WORDS];
        for (half, index) in word::SESSION.into_iter().enumerate() {
            let bytes = self.session[8 * half..].first_chunk().copied().unwrap_or_default();
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
        Ok((producer, consumer, number))
    }

    /// Removes the file of a ring that is of no more use.
    pub(crate) fn remove_ring(&self, number: RingFile) {
        let _ = fs::remove_file(self.ring_path(number));
    }

    fn ring_path(&self, number: RingFile) -> PathBuf {
        self.path.join(format!("{RING}{number}"))
    }

    /// States the thread of a ring (D1).
    pub(crate) fn state_thread(&self, thread: &Thread) {
        // Without it the records come out all the same, under the ring's number.
        let _ = lock(&self.meta).frame(FrameKind::Thread, |out| thread.encode(out));
        fault::after(Step::ThreadStated);
    }

    /// States a call site, if that has not been done yet (D1).
    pub(crate) fn state_site(&self, site: &CallSite) {
        let Some(at) = site.id.checked_sub(CallSite::FIRST_ID) else { return };
        let at = at as usize;
        let mut meta = lock(&self.meta);
        if meta.stated.get(at) == Some(&true) {
            return;
        }
        // If it fails, the next call in the cold path tries again.
        let written = meta.frame(FrameKind::Dictionary, |out| {
            CallSite::encode_all(std::iter::once(site), out);
        });
        if written.is_ok() {
            if meta.stated.len() <= at {
                meta.stated.resize(at + 1, false);
            }
            meta.stated[at] = true;
            fault::after(Step::SiteStated);
        }
    }

    /// Says up to where the dump consists of whole frames (D3).
    pub(crate) fn note_progress(&self, sequence: u32, len: u64) {
        // What is stated is then too little, which is safe.
        let _ = self.write_progress(sequence, len);
        fault::after(Step::Progressed);
    }

    fn write_progress(&self, sequence: u32, len: u64) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        bytes[8..12].copy_from_slice(&sequence.to_le_bytes());
        self.progress.write_all_at(&bytes, 0)
    }

    /// Removes all of it: the dump has everything (D4).
    pub(crate) fn remove(&self) {
        let mut is_removed = self.is_removed.write().unwrap_or_else(PoisonError::into_inner);
        *is_removed = true;
        // Does not follow links. What cannot be removed is found again by the session's dump,
        // which is sealed.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Meta {
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
        check_size_limit(self.len + bytes.len() as u64)?;
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

/// Whether files may have so many bytes: if not, writing them would raise SIGXFSZ on a thread of
/// the application.
pub(super) fn check_size_limit(len: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` may be written.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    if result == 0 && limit.rlim_cur != libc::RLIM_INFINITY && len > limit.rlim_cur {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(())
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
                let until_refused = || while dir.new_ring(4096).is_ok() {};
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
