//! One producer that never waits: it overwrites the oldest records. Readers take a snapshot of the newest
//! ones, at any time and as often as they want.
//!
//! ```text
//!              oldest                              tail (the producer writes)
//!   +---------+--------+---------+--------+-------+-----------------------+
//!   | (gone)  | header | payload | header | ..    | (gone, being written) |
//!   +---------+--------+---------+--------+-------+-----------------------+
//! ```
//!
//! A snapshot copies everything from `oldest` to the tail while the producer continues, and then reads `oldest`
//! again: bytes before it may have been overwritten during the copy and are dropped; bytes after it are whole.
//! The producer gives up the oldest records in chunks of at least a sixteenth of the ring, so this is rare.
//!
//! Both sides access the memory word by word, through atomics: a snapshot may read a word that is being
//! written, which is undefined for plain memory. A record is therefore filled in the producer's own memory and
//! copied on commit, and this module needs no unsafe code.
//!
//! | step     | who      | operation                                               | pairs with |
//! |----------|----------|---------------------------------------------------------|------------|
//! | give up  | producer | `version` store odd, Relaxed, then fence, Release       | verify     |
//! |          |          | `oldest`, `lost` store, Relaxed, `version` store even, Release | verify |
//! | write    | producer | words store, Relaxed                                    | copy       |
//! | commit   | producer | `tail` store, Release                                   | begin      |
//! | begin    | reader   | `tail` load, Acquire, then `oldest` load, Relaxed       | commit     |
//! | copy     | reader   | words load, Relaxed                                     | write      |
//! | verify   | reader   | `version` load, Acquire, `oldest`, `lost` load, Relaxed | give up    |
//! |          |          | fence, Acquire, then `version` load, Relaxed: the same? | give up    |
//!
//! - **O1 (given up).** A word is overwritten only after `oldest` was moved past its record. A reader that
//!   copied such a word finds a later `version` after its fence, and retries until it has an `oldest` past that
//!   record. It therefore keeps only committed records.
//! - **O2 (pair).** `version` is odd while `oldest` and `lost` do not belong together.

mod reader;

pub use self::reader::{Reader, Snapshot};
use crate::header::{HEADER_BYTES, Header, MAX_CAPACITY_BYTES, span};
use crate::sync::{Arc, AtomicBool, AtomicU64, Backoff, Ordering, fence};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};
use crossbeam_utils::CachePadded;

/// The smallest ring: two records of eight bytes.
const MIN_CAPACITY_BYTES: usize = 32;

/// Creates a ring of at least `capacity_bytes` and returns its two ends. The reader can be cloned.
///
/// The capacity is rounded up to a power of two, at least 32 bytes. Each record takes 8 bytes more
/// than its length rounded up to 8.
///
/// # Panics
///
/// If the capacity exceeds 1 GiB.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::queue::overwrite;
///
/// let (mut producer, reader) = overwrite::new(64);
/// for tag in 0..100 {
///     producer.try_claim(8).expect("8 bytes fit").commit_tagged(tag);
/// }
/// let snapshot = reader.snapshot();
/// let tags: Vec<_> = snapshot.records().map(|record| record.tag()).collect();
/// assert_eq!(tags, [96, 97, 98, 99]);
/// assert_eq!(snapshot.lost(), 96);
/// ```
#[must_use]
pub fn new(capacity_bytes: usize) -> (Producer, Reader) {
    assert!(
        capacity_bytes <= MAX_CAPACITY_BYTES,
        "a ring of {capacity_bytes} bytes exceeds the maximum of {MAX_CAPACITY_BYTES}"
    );
    let capacity = capacity_bytes.max(MIN_CAPACITY_BYTES).next_power_of_two();
    let shared = Arc::new(Shared {
        words: (0..capacity / HEADER_BYTES).map(|_| AtomicU64::new(0)).collect(),
        oldest: CachePadded::new(Oldest {
            version: AtomicU64::new(0),
            position: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }),
        tail: CachePadded::new(AtomicU64::new(0)),
        alive: AtomicBool::new(true),
    });
    let reader = Reader { shared: Arc::clone(&shared) };
    (Producer { shared, filling: Vec::new(), tail: 0, oldest: 0, lost: 0 }, reader)
}

struct Shared {
    words: Box<[AtomicU64]>,
    oldest: CachePadded<Oldest>,
    /// Everything before was committed.
    tail: CachePadded<AtomicU64>,
    alive: AtomicBool,
}

struct Oldest {
    version: AtomicU64,
    /// Everything before may be overwritten.
    position: AtomicU64,
    /// The records before.
    lost: AtomicU64,
}

impl Shared {
    fn capacity(&self) -> u64 {
        (self.words.len() * HEADER_BYTES) as u64
    }

    #[inline]
    fn word(&self, position: u64) -> &AtomicU64 {
        &self.words[(position / HEADER_BYTES as u64) as usize & (self.words.len() - 1)]
    }

    /// `oldest` and `lost`, which belong together.
    fn oldest(&self) -> (u64, u64) {
        let backoff = Backoff::new();
        loop {
            let version = self.oldest.version.load(Ordering::Acquire);
            let pair = (
                self.oldest.position.load(Ordering::Relaxed),
                self.oldest.lost.load(Ordering::Relaxed),
            );
            // Before it are the pair, and all words that were copied by the caller (O1).
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && self.oldest.version.load(Ordering::Relaxed) == version {
                return pair;
            }
            backoff.snooze();
        }
    }
}

/// The record is larger than the ring accepts.
///
/// # Examples
///
/// ```
/// let (mut producer, _reader) = stenolog_ringbuf::queue::overwrite::new(64);
/// let too_large = producer.max_record_bytes() + 1;
/// assert!(producer.try_claim(too_large).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("a record of {len} bytes exceeds the {max} that the ring takes")]
pub struct TooLarge {
    /// The requested length in bytes.
    pub len: usize,
    /// The length of the largest record in bytes.
    pub max: usize,
}

/// The writing end of a ring that overwrites its oldest records.
///
/// # Examples
///
/// ```
/// let (mut producer, reader) = stenolog_ringbuf::queue::overwrite::new(64);
/// for tag in 0..100 {
///     producer.try_claim(8).expect("it fits").commit_tagged(tag);
/// }
/// assert!(producer.lost() > 0);
/// assert_eq!(reader.snapshot().records().last().unwrap().tag(), 99);
/// ```
pub struct Producer {
    shared: Arc<Shared>,
    /// The record that is being filled.
    filling: Vec<u8>,
    tail: u64,
    oldest: u64,
    lost: u64,
}

impl Producer {
    /// Claims space for a record of `len` bytes. Never waits. The oldest records are overwritten only when the
    /// record is committed.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if it exceeds [`max_record_bytes`](Self::max_record_bytes).
    ///
    /// # Panics
    ///
    /// If `len` is 0.
    #[inline]
    pub fn try_claim(&mut self, len: usize) -> Result<Claim<'_>, TooLarge> {
        assert!(len != 0, "a record holds at least one byte");
        let max = self.max_record_bytes();
        if len > max {
            return Err(TooLarge { len, max });
        }
        if self.filling.len() < len {
            self.filling.resize(len.next_multiple_of(HEADER_BYTES), 0);
        }
        Ok(Claim { producer: self, len, tag: 0 })
    }

    /// The capacity of the ring in bytes, including headers and padding: a power of two.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity() as usize
    }

    /// The length of the largest record: half the capacity minus one header. It then fits after any dead space
    /// that it leaves at the ring's end.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.capacity() / 2 - HEADER_BYTES
    }

    /// The number of records that were overwritten.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Copies a record to the ring.
    #[inline]
    fn commit(&mut self, len: usize, tag: u32) {
        let capacity = self.shared.capacity();
        let span = span(len) as u64;
        let rest = capacity - (self.tail & (capacity - 1));
        let skip = if span > rest { rest } else { 0 };
        let end = self.tail + skip + span;
        if end - self.oldest > capacity {
            self.give_up(end - capacity);
        }
        if skip > 0 {
            let skip = Header::skip(skip as usize).to_word();
            self.shared.word(self.tail).store(skip, Ordering::Relaxed);
        }
        let at = self.tail + skip;
        self.shared.word(at).store(Header::record(len, tag).to_word(), Ordering::Relaxed);
        // One range, so bounds are checked once: a record does not wrap.
        let first = (at & (capacity - 1)) as usize / HEADER_BYTES + 1;
        let words = &self.shared.words[first..first + span as usize / HEADER_BYTES - 1];
        for (word, bytes) in words.iter().zip(self.filling.as_chunks().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        self.tail = end;
        self.shared.tail.store(end, Ordering::Release);
    }

    /// Gives up the records before `needed`, and some more.
    #[cold]
    fn give_up(&mut self, needed: u64) {
        let bulk = (self.oldest + self.shared.capacity() / 16).min(self.tail);
        let target = needed.max(bulk);
        debug_assert!(target <= self.tail);
        while self.oldest < target {
            let word = self.shared.word(self.oldest).load(Ordering::Relaxed);
            let header = Header::from_word(word).expect("all before the tail is committed");
            self.oldest += header.span();
            self.lost += u64::from(!header.is_skip());
        }
        debug_assert!(self.oldest <= self.tail);
        let oldest = &self.shared.oldest;
        let version = oldest.version.load(Ordering::Relaxed);
        oldest.version.store(version + 1, Ordering::Relaxed);
        // After it come the new pair and all words that are written over what is given up (O1).
        fence(Ordering::Release);
        oldest.position.store(self.oldest, Ordering::Relaxed);
        oldest.lost.store(self.lost, Ordering::Relaxed);
        oldest.version.store(version + 2, Ordering::Release);
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.alive.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("position", &self.tail)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

/// A record that is being filled. Dereferences to exactly the requested bytes.
///
/// Their initial contents are unspecified. Dropping or leaking the claim has no effect.
///
/// # Examples
///
/// ```
/// let (mut producer, reader) = stenolog_ringbuf::queue::overwrite::new(64);
/// let mut claim = producer.try_claim(2).expect("it fits");
/// claim.copy_from_slice(b"ok");
/// claim.commit_tagged(3);
/// assert_eq!(reader.snapshot().records().next().unwrap().payload(), b"ok");
/// ```
#[must_use = "a claim that is dropped commits nothing"]
pub struct Claim<'a> {
    producer: &'a mut Producer,
    len: usize,
    tag: u32,
}

impl Claim<'_> {
    /// Sets the tag of the record. The default is 0.
    #[inline]
    pub fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }

    /// Writes the record to the ring, overwriting the oldest ones if necessary.
    #[inline]
    pub fn commit(self) {
        self.producer.commit(self.len, self.tag);
    }

    /// Writes the record to the ring under `tag`.
    #[inline]
    pub fn commit_tagged(mut self, tag: u32) {
        self.tag = tag;
        self.commit();
    }

    /// Writes the first `len` bytes as the record; nothing if `len` is 0.
    ///
    /// # Panics
    ///
    /// If `len` is larger than the claim.
    #[inline]
    pub fn commit_truncated(mut self, len: usize) {
        assert!(len <= self.len, "{len} bytes committed of a claim of {}", self.len);
        if len != 0 {
            self.len = len;
            self.commit();
        }
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.producer.filling[..self.len]
    }
}

impl DerefMut for Claim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.producer.filling[..self.len]
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len).field("tag", &self.tag).finish()
    }
}
