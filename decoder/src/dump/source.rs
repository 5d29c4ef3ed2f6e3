//! The bytes of one file.

mod guard;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};
use stenolog_session::lock;

pub use self::guard::survive_shrinking_files;

use self::guard::Guard;
use crate::error::OpenError;
use crate::limits::Limits;

/// The bytes of a dump: mapped if it is a regular file, else read.
///
/// The length is read once. What a running writer appends later is not seen.
#[derive(Debug)]
pub(crate) enum Source {
    /// The guard goes before the map.
    Mapped {
        guard: Guard,
        map: Mmap,
        writer_is_alive: Option<bool>,
    },
    Read {
        bytes: Vec<u8>,
        writer_is_alive: Option<bool>,
    },
}

impl Source {
    /// Opens `path`.
    ///
    /// If a mapped file is truncated while it is read, SIGBUS kills the process, unless
    /// [`survive_shrinking_files`] was called. A logger never truncates a dump.
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        Self::of(file, path, limits)
    }

    /// Takes a file that is already open; `path` is its name.
    pub(crate) fn of(mut file: File, path: &Path, limits: &Limits) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        // Before the length is read: a writer that ends in between has written all by then.
        let writer_is_alive = lock::writer_is_alive(&file);
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { path: path.to_owned() });
        }
        if metadata.is_file() && metadata.len() > 0 {
            let bytes = metadata.len();
            let length = usize::try_from(bytes)
                .map_err(|_| OpenError::TooLarge { path: path.to_owned(), bytes })?;
            // A file system that cannot map its files can still read them.
            if !limits.copies
                && let Ok(map) = map(&file, length)
            {
                return Ok(Self::Mapped { guard: Guard::new(&map), map, writer_is_alive });
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let writer_is_alive = writer_is_alive.filter(|_| metadata.is_file());
        Ok(Self::Read { bytes, writer_is_alive })
    }

    /// Bytes that are in memory.
    pub(crate) const fn memory(bytes: Vec<u8>) -> Self {
        Self::Read { bytes, writer_is_alive: None }
    }

    /// The offset from which the file turned out to be gone while it was read.
    pub(crate) fn shrunk_at(&self) -> Option<usize> {
        match self {
            Self::Mapped { guard, .. } => guard.shrunk_at(),
            Self::Read { .. } => None,
        }
    }

    /// Whether a logger held the file's lock when it was opened; `None` if that cannot be told.
    pub(crate) const fn writer_is_alive(&self) -> Option<bool> {
        match self {
            Self::Mapped { writer_is_alive, .. } | Self::Read { writer_is_alive, .. } => {
                *writer_is_alive
            }
        }
    }
}

fn map(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: a map is sound as long as nobody changes the mapped bytes or truncates the file. A
    // logger only appends: it never changes the first `length` bytes again, which were there when
    // the length was read. That goes for the next one on the path, too, which completes a dump behind
    // them or in a copy, and replaces it by another file, unless the file is mounted by itself or its folder
    // may not be written (F4 in the logger's `drain/file.rs`). Dumps are created 0600, so that nobody but
    // their owner can break this, who could as well change this process's memory.
    unsafe { MmapOptions::new().len(length).map(file) }
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped { map, .. } => map,
            Self::Read { bytes, .. } => bytes,
        }
    }
}
