//! Bytes of one file, mapped or read, and of what is appended to it.

mod guard;

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};
use stenolog_format::frame::FileHeader;
use stenolog_session::lock;

pub use self::guard::survive_shrinking_files;

use self::guard::Guard;
use crate::error::OpenError;
use crate::limits::Limits;

/// The bytes of a dump: mapped if it is a regular file, otherwise read.
///
/// Its length is read once. What a running writer appends later is another source: see [`grow`](Self::grow).
#[derive(Debug)]
pub(crate) struct Source {
    bytes: Bytes,
    /// `None` if there is no regular file that could grow.
    origin: Option<Origin>,
}

#[derive(Debug)]
enum Bytes {
    /// The guard is dropped before the map.
    Mapped {
        guard: Guard,
        map: Mmap,
    },
    Read(Vec<u8>),
}

/// The file that a source was read from.
#[derive(Debug)]
struct Origin {
    /// Held open while its writer is alive: it is found even under another name.
    file: Option<Arc<File>>,
    id: Option<FileId>,
    /// Its first bytes when it was opened.
    head: Head,
    /// Whether it was opened by its path.
    is_at_path: bool,
}

/// Device and number of a file; `None` where the operating system has none that are stable in `std`.
type FileId = (u64, u64);

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn id_of(metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn id_of(_: &Metadata) -> Option<FileId> {
    None
}

/// The current state of a source's file.
#[derive(Debug)]
pub(crate) enum Change {
    /// It is as long as it was, and still at its path.
    None,
    /// It is this long now.
    Longer { file: Arc<File>, bytes: u64 },
    /// It is this long now. Its bytes are not those that were read.
    Shorter { bytes: u64 },
    /// It is as long as it was, and its path leads to another file, or to none.
    Moved,
    /// There is no file that could have changed.
    NoFile,
}

impl Source {
    /// Opens `path`, and says whether its writer is alive.
    ///
    /// If a mapped file is truncated while it is read, SIGBUS kills the process, unless
    /// [`survive_shrinking_files`] was called. A logger never truncates a dump.
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<(Self, Option<bool>), OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        Self::read(file, path, true, limits)
    }

    /// Takes a file that is already open, and says whether its writer is alive; `path` is its name.
    pub(crate) fn of(
        file: File,
        path: &Path,
        limits: &Limits,
    ) -> Result<(Self, Option<bool>), OpenError> {
        Self::read(file, path, false, limits)
    }

    fn read(
        mut file: File,
        path: &Path,
        is_at_path: bool,
        limits: &Limits,
    ) -> Result<(Self, Option<bool>), OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        // Before the length is read: a writer that ends in between has written all by then.
        let writer_is_alive = lock::writer_is_alive(&file);
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(OpenError::Directory { path: path.to_owned() });
        }
        if !metadata.is_file() {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(failed)?;
            return Ok((Self::memory(bytes), None));
        }
        let bytes = metadata.len();
        let length = usize::try_from(bytes)
            .map_err(|_| OpenError::TooLarge { path: path.to_owned(), bytes })?;
        let bytes = match Bytes::map(&file, length, limits) {
            Some(mapped) => mapped,
            None => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(failed)?;
                Bytes::Read(bytes)
            }
        };
        let file = (writer_is_alive == Some(true)).then(|| Arc::new(file));
        let mut head = HEAD;
        let known = bytes.len().min(HEAD.len());
        head[..known].copy_from_slice(&bytes[..known]);
        let origin = Some(Origin { file, id: id_of(&metadata), head, is_at_path });
        Ok((Self { bytes, origin }, writer_is_alive))
    }

    /// Bytes that are in memory.
    pub(crate) const fn memory(bytes: Vec<u8>) -> Self {
        Self { bytes: Bytes::Read(bytes), origin: None }
    }

    /// The offset from which the file turned out to be gone while it was read.
    pub(crate) fn shrunk_at(&self) -> Option<usize> {
        match &self.bytes {
            Bytes::Mapped { guard, .. } => guard.shrunk_at(),
            Bytes::Read(_) => None,
        }
    }

    /// Whether it was opened by its path.
    pub(crate) fn is_at_path(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.is_at_path)
    }

    /// The current state of the file, and whether its writer is alive. `path` is where it was opened.
    pub(crate) fn change(&self, path: &Path) -> io::Result<(Change, Option<bool>)> {
        let Some(origin) = &self.origin else { return Ok((Change::NoFile, None)) };
        let file = match &origin.file {
            Some(file) => Arc::clone(file),
            // Another file may be a pipe, whose other end an opening would wait for.
            None if origin.is_at_path && !origin.is_at(path)? => return Ok((Change::Moved, None)),
            None if origin.is_at_path => match File::open(path) {
                Ok(file) => Arc::new(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok((Change::Moved, None));
                }
                Err(error) => return Err(error),
            },
            None => return Ok((Change::NoFile, None)),
        };
        // Before the length is read, as when it was opened.
        let writer_is_alive = lock::writer_is_alive(&file);
        let metadata = file.metadata()?;
        if id_of(&metadata) != origin.id {
            return Ok((Change::Moved, None));
        }
        let (before, bytes) = (self.len() as u64, metadata.len());
        let change = if bytes < before || self.shrunk_at().is_some() {
            Change::Shorter { bytes }
        } else if bytes > before {
            Change::Longer { file, bytes }
        } else if origin.is_at_path && !origin.is_at(path)? {
            Change::Moved
        } else {
            Change::None
        };
        Ok((change, writer_is_alive))
    }

    /// Reads the first `length` bytes of the file, of which this source has fewer. Bytes in memory are read
    /// again from `settled` on. Returns `false`, and changes nothing, if the file begins otherwise than it
    /// did: it was overwritten.
    pub(crate) fn grow(
        this: &mut Arc<Self>,
        file: Arc<File>,
        length: usize,
        settled: usize,
        writer_is_alive: Option<bool>,
        limits: &Limits,
    ) -> io::Result<bool> {
        let Some(origin) = &this.origin else { return Ok(false) };
        let Origin { id, is_at_path, head, .. } = *origin;
        let mut new_head = HEAD;
        let bytes = this.len().min(HEAD.len());
        read_at(&file, &mut new_head[..bytes], 0)?;
        if new_head != head {
            return Ok(false);
        }
        let is_mapped = matches!(this.bytes, Bytes::Mapped { .. });
        let bytes = match is_mapped.then(|| Bytes::map(&file, length, limits)).flatten() {
            Some(mapped) => mapped,
            None => {
                let settled = settled.min(this.len());
                let mut tail = Vec::new();
                tail.try_reserve_exact(length - settled)?;
                tail.resize(length - settled, 0);
                let bytes = read_at(&file, &mut tail, settled as u64)?;
                tail.truncate(bytes);
                let mut bytes = match Arc::get_mut(this) {
                    Some(Self { bytes: Bytes::Read(bytes), .. }) => std::mem::take(bytes),
                    _ => this.to_vec(),
                };
                bytes.truncate(settled);
                bytes.append(&mut tail);
                Bytes::Read(bytes)
            }
        };
        let file = (writer_is_alive == Some(true)).then_some(file);
        let origin = Origin { file, id, is_at_path, head };
        *this = Arc::new(Self { bytes, origin: Some(origin) });
        Ok(true)
    }
}

/// Fills the buffer from an offset on; returns how many bytes there were.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read_some_at(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Leaves the file's cursor alone: clones of a dump share a file that is held open.
#[cfg(unix)]
fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// No file is held open here, so each has its own cursor.
#[cfg(not(unix))]
fn read_some_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::io::{Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}

/// The first bytes of a file, zeros if there are fewer.
type Head = [u8; FileHeader::BYTES];

const HEAD: Head = [0; FileHeader::BYTES];

impl Bytes {
    /// `None` if the file should be read instead.
    fn map(file: &File, length: usize, limits: &Limits) -> Option<Self> {
        if limits.copies || length == 0 {
            return None;
        }
        // A file system that cannot map its files can still read them.
        let map = map(file, length).ok()?;
        Some(Self::Mapped { guard: Guard::new(&map), map })
    }
}

impl Origin {
    /// Whether `path` leads to this file.
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(id_of(&metadata) == self.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn map(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: a map is sound as long as the mapped bytes do not change and the file is not truncated. A
    // logger only appends: it never changes the first `length` bytes again, which were there when the
    // length was read. The same holds for the next logger on the path: it completes a dump after them or in
    // a copy, and replaces it by another file, unless the file is a mount point or its folder may not be
    // written (F4 in the logger's `drain/storage/create.rs`). Dumps are created 0600: only their owner can
    // break this, who could as well change this process's memory.
    unsafe { MmapOptions::new().len(length).map(file) }
}

impl Deref for Source {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped { map, .. } => map,
            Self::Read(bytes) => bytes,
        }
    }
}
