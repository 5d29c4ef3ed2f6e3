//! The directory itself.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter};
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;

use super::{NoRingDir, RingFile, name, word};
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
    ) -> Result<Self, NoRingDir> {
        let mut tried = Vec::new();
        for folder in folders {
            let path = folder.join(name(&header.session));
            match Self::create_at(path.clone(), header, clock) {
                Ok(dir) => return Ok(dir),
                Err(error) => {
                    // Only what was made here: another's directory is not empty, or not there.
                    let _ = fs::remove_file(path.join(META));
                    let _ = fs::remove_file(path.join(PROGRESS));
                    let _ = fs::remove_dir(&path);
                    tried.push((folder.clone(), error));
                }
            }
        }
        Err(NoRingDir { tried })
    }

    fn create_at(path: PathBuf, header: FileHeader, clock: &ClockPair) -> io::Result<Self> {
        // Fails if there is anything of this name, be it a link.
        DirBuilder::new().mode(0o700).create(&path)?;
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
        let progress = new(PROGRESS)?;
        let dir = Self {
            session: header.session,
            meta: Mutex::new(meta),
            progress,
            next_file: AtomicU32::new(1),
            path,
        };
        dir.write_progress(0, 0)?;
        // A folder that has no room for a single small ring is of no use.
        let (_, _, probe) = dir.new_ring(4096)?;
        dir.remove_ring(probe);
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new ring, in the hands of no thread yet.
    pub(crate) fn new_ring(
        &self,
        capacity_bytes: usize,
    ) -> io::Result<(Producer, Consumer, RingFile)> {
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
        fs::rename(&temporary, self.ring_path(number)).inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
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
        }
    }

    /// Says up to where the dump consists of whole frames (D3).
    pub(crate) fn note_progress(&self, sequence: u32, len: u64) {
        // What is stated is then too little, which is safe.
        let _ = self.write_progress(sequence, len);
    }

    fn write_progress(&self, sequence: u32, len: u64) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        bytes[8..12].copy_from_slice(&sequence.to_le_bytes());
        self.progress.write_all_at(&bytes, 0)
    }

    /// Removes all of it: the dump has everything (D4).
    pub(crate) fn remove(&self) {
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
