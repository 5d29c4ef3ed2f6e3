//! Creation of a ring in a file.

use super::layout::{DATA_AT, Fixed, POSITIONS_AT};
use crate::consumer::Consumer;
use crate::positions::{Kind, USER_WORDS};
use crate::queue::{mpsc, spsc};
use crate::ring::{Ring, round_capacity};
use crate::storage::Storage;
use crate::sync::Arc;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(target_endian = "big")]
compile_error!(
    "the feature `mmap` needs a little-endian target: ring files are little-endian, and are mapped as they are"
);

/// How to create a ring in a file.
///
/// The file must not exist. Its blocks are reserved: a full disk is an error here and never a signal later. On
/// Linux they are also mapped at once, so no claim waits for a page. Only its owner can read and write the
/// file. If the ring cannot be created, no file is left.
///
/// # Other access to the file
///
/// The file may be read at any time, but no other program should write to it while the ring is in use. Such a
/// write can change the records that are read, or end the reading, but does nothing else: producers and
/// consumer take no position from the file, and trust the length of a record only if it is within the ring.
/// Bytes that cannot be a record end the reading, and [`Consumer::damage_at`] reports them. If bytes change
/// while a record is borrowed, the reader may see the change.
///
/// Shortening the file is different: a store to a missing page raises `SIGBUS`, which kills the process. No
/// library can prevent that, but only the owner has access to the file (mode 0600).
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::file::{Options, Recovered};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ring");
/// let (mut producer, consumer) = Options::new(64 * 1024).ring_id(3).create_spsc(&path)?;
/// let mut claim = producer.try_claim(5)?;
/// claim.copy_from_slice(b"hello");
/// claim.commit_tagged(7);
///
/// // Here, or in another process, also after this one was killed:
/// let recovered = Recovered::open(&path)?;
/// let record = recovered.records().next().unwrap();
/// assert_eq!((record.payload(), record.tag(), recovered.ring_id()), (&b"hello"[..], 7, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    capacity: usize,
    thread_id: u64,
    ring_id: u64,
    user_words: [u64; USER_WORDS],
}

impl Options {
    /// A ring of at least `capacity_bytes`, rounded up to a power of two.
    ///
    /// # Panics
    ///
    /// If the capacity exceeds 1 GiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> Self {
        let capacity = round_capacity(capacity_bytes);
        Self { capacity, thread_id: 0, ring_id: 0, user_words: [0; USER_WORDS] }
    }

    /// Sets a number that identifies the thread of the ring. The default is 0.
    #[must_use]
    pub fn thread_id(mut self, thread_id: u64) -> Self {
        self.thread_id = thread_id;
        self
    }

    /// Sets a number that identifies the ring. The default is 0.
    #[must_use]
    pub fn ring_id(mut self, ring_id: u64) -> Self {
        self.ring_id = ring_id;
        self
    }

    /// Sets the initial user words. The default is 0. [`Consumer::set_user_word`] and the same method of
    /// producers change them later.
    #[must_use]
    pub fn user_words(mut self, user_words: [u64; USER_WORDS]) -> Self {
        self.user_words = user_words;
        self
    }

    /// Creates a ring of [one producer](crate::queue::spsc).
    ///
    /// # Errors
    ///
    /// If the file exists, cannot be created, or there is no room for it.
    pub fn create_spsc(&self, path: impl AsRef<Path>) -> io::Result<(spsc::Producer, Consumer)> {
        let ring = self.create(path.as_ref(), Kind::OneProducer)?;
        Ok((spsc::Producer::over(Arc::clone(&ring)), Consumer::new(ring)))
    }

    /// Creates a ring of [many producers](crate::queue::mpsc).
    ///
    /// # Errors
    ///
    /// If the file exists, cannot be created, or there is no room for it.
    pub fn create_mpsc(&self, path: impl AsRef<Path>) -> io::Result<(mpsc::Producer, Consumer)> {
        let ring = self.create(path.as_ref(), Kind::ManyProducers)?;
        Ok((mpsc::Producer::over(Arc::clone(&ring)), Consumer::new(ring)))
    }

    fn create(&self, path: &Path, kind: Kind) -> io::Result<Arc<Ring>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        self.fill(file, kind).inspect_err(|_| {
            // The first error is more useful than one from cleaning up.
            let _ = fs::remove_file(path);
        })
    }

    fn fill(&self, file: File, kind: Kind) -> io::Result<Arc<Ring>> {
        let len = DATA_AT + self.capacity;
        check_size_limit(len as u64)?;
        reserve(&file, len as u64)?;
        let map = memmap2::MmapOptions::new().len(len).populate().map_raw(&file)?;
        let fixed = Fixed {
            kind,
            capacity: self.capacity,
            process_id: u64::from(std::process::id()),
            thread_id: self.thread_id,
            ring_id: self.ring_id,
        };
        let bytes = fixed.to_bytes();
        // SAFETY: the mapping is longer than that, writable, and not shared yet.
        unsafe { map.as_mut_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        let storage = Storage::mapped(map, Some(POSITIONS_AT), DATA_AT, self.capacity);
        let ring = Ring::over(storage, kind);
        for (index, &value) in self.user_words.iter().enumerate() {
            ring.set_user_word(index, value);
        }
        Ok(Arc::new(ring))
    }
}

/// Checks that this process may have files of `len` bytes (`ulimit -f`): a larger one would not only
/// fail, but raise SIGXFSZ, which ends a process that has not asked for it.
#[cfg(unix)]
fn check_size_limit(len: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` may be written.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    // A limit has 32 or 64 bits, as the target has it.
    let exceeded = u128::from(len) > u128::from(limit.rlim_cur);
    if result == 0 && limit.rlim_cur != libc::RLIM_INFINITY && exceeded {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_size_limit(_: u64) -> io::Result<()> {
    Ok(())
}

/// Makes the file `len` bytes long, all of them zero, on blocks of its own.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn reserve(file: &File, len: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let len = libc::off_t::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    loop {
        // SAFETY: the descriptor is open, and the call touches no memory.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Makes the file `len` bytes long, all of them zero, by writing them: not all systems, macOS for
/// one, have a call for it.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn reserve(mut file: &File, len: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(0), len), &mut file).map(|_| ())
}
