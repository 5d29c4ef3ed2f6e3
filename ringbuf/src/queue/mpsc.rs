//! Many producers, one consumer.
//!
//! A claim costs one compare-exchange on the tail that the producers share. Records are read in the order
//! of their claims; a claim that is not committed yet holds back records that others commit after it.
//!
//! The consumer zeroes what it frees, which the ring of [one producer](super::spsc) avoids.

pub use crate::consumer::Consumer;

use crate::claim::WriteClaim;
use crate::cpu;
use crate::error::TryClaimError;
use crate::header::{HEADER_BYTES, Header, mark, span};
use crate::positions::Kind;
use crate::ring::Ring;
use crate::sync::{Arc, AtomicU64, Ordering, Words};
use core::fmt;
use core::ptr::NonNull;

/// Creates a ring of at least `capacity_bytes` and returns its two ends. The producer can be cloned.
///
/// The capacity is rounded up to a power of two, at least 16 bytes. Each record takes 8 bytes more than its
/// length rounded up to 8.
///
/// The memory is zeroed, and its pages are not touched before records are written to them.
///
/// # Panics
///
/// If the capacity exceeds 1 GiB.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::queue::mpsc;
///
/// let (producer, mut consumer) = mpsc::new(64 * 1024);
/// for tag in 0..4 {
///     let mut producer = producer.clone();
///     std::thread::spawn(move || {
///         let mut claim = producer.try_claim(5).expect("there is room for all");
///         claim.copy_from_slice(b"hello");
///         claim.commit_tagged(tag);
///     });
/// }
/// drop(producer);
///
/// let mut tags = Vec::new();
/// loop {
///     // In this order: what was committed before the last one hung up is then not missed.
///     let last_look = consumer.is_disconnected();
///     consumer.drain(usize::MAX, |record| tags.push(record.tag()));
///     if last_look {
///         break;
///     }
///     std::thread::yield_now();
/// }
/// tags.sort();
/// assert_eq!(tags, [0, 1, 2, 3]);
/// ```
#[must_use]
pub fn new(capacity_bytes: usize) -> (Producer, Consumer) {
    let ring = Arc::new(Ring::new(Kind::ManyProducers, capacity_bytes));
    (Producer::over(Arc::clone(&ring)), Consumer::new(ring))
}

/// A writing end of a ring that can have many producers.
///
/// A producer has one claim at a time, because the claim borrows it, and may move between threads. To write
/// from several threads, give each a clone. When the last producer is dropped, [`Consumer::is_disconnected`]
/// becomes true.
///
/// A leaked claim holds back the later claims of all producers until the consumer steps over it: see
/// [`Consumer::unblock`].
///
/// # Examples
///
/// ```
/// let (producer, mut consumer) = stenolog_ringbuf::queue::mpsc::new(1024);
/// std::thread::scope(|scope| {
///     for tag in 0..2 {
///         let mut producer = producer.clone();
///         scope.spawn(move || producer.try_claim(8).expect("there is room").commit_tagged(tag));
///     }
/// });
/// assert_eq!(consumer.drain(usize::MAX, |_| ()), 2);
/// ```
//
// `limit` is the smaller of `head + capacity` and the end of the lap in which the tail was when the head was
// looked up. A claim that ends at or before it covers free bytes only, and does not wrap. It only grows, and an
// old limit is merely too small: if others have moved the tail into a later lap, each claim ends after it.
pub struct Producer {
    words: Words,
    /// In `ring`; kept here as a claim would have to follow two pointers to it.
    tail: NonNull<AtomicU64>,
    /// The capacity minus one.
    mask: u64,
    limit: u64,
    /// The last head seen.
    head: u64,
    ring: Arc<Ring>,
}

// SAFETY: a producer's end of the protocol has no thread affinity; what `words` and `tail` point
// to is kept by `ring` (R4), which may be shared between threads.
unsafe impl Send for Producer {}
// SAFETY: `&Producer` only loads atomics.
unsafe impl Sync for Producer {}

impl Producer {
    /// The first producer of a new ring.
    pub(crate) fn over(ring: Arc<Ring>) -> Self {
        Self {
            words: ring.words(),
            tail: NonNull::from(ring.tail()),
            mask: ring.capacity() as u64 - 1,
            limit: ring.capacity() as u64,
            head: 0,
            ring,
        }
    }

    /// Claims space for a record of `len` bytes.
    ///
    /// Every length up to [`max_record_bytes`](Self::max_record_bytes) fits once the consumer has emptied the
    /// ring, wherever in it the tail is. A record that does not fit before the ring's end turns that end into
    /// dead space, even if there is no room for it at the beginning *yet*: the consumer frees the dead space
    /// when it next looks for records, and the next attempt starts at the beginning.
    ///
    /// Lock-free: an attempt is repeated only if another producer's was successful.
    ///
    /// # Errors
    ///
    /// [`Full`](TryClaimError::Full) if there is no room at the moment, [`TooLarge`](TryClaimError::TooLarge)
    /// if there never will be.
    ///
    /// # Panics
    ///
    /// If `len` is 0.
    #[inline]
    pub fn try_claim(&mut self, len: usize) -> Result<WriteClaim<'_>, TryClaimError> {
        let position = self.take(len)?;
        // SAFETY: `span(len)` bytes from `position` were just taken.
        Ok(unsafe { self.claim(position, len) })
    }

    /// Claims space like [`try_claim`](Self::try_claim), but only if at most `max_used_bytes` of
    /// the ring are then in use.
    ///
    /// Claim less important records with a lower maximum to keep a reserve for more important ones. Every
    /// length whose record, with its header, is no larger than the maximum fits once the consumer has emptied
    /// the ring.
    ///
    /// # Errors
    ///
    /// [`Full`](TryClaimError::Full) if there is no room at the moment, [`TooLarge`](TryClaimError::TooLarge)
    /// if there never will be.
    ///
    /// # Panics
    ///
    /// If `len` is 0.
    #[inline]
    pub fn try_claim_within(
        &mut self,
        len: usize,
        max_used_bytes: usize,
    ) -> Result<WriteClaim<'_>, TryClaimError> {
        let max_end = self.head.saturating_add(max_used_bytes as u64);
        let position = match self.take_before_limit(span(len), max_end) {
            Some(position) => position,
            None => self.take_cold(len, max_used_bytes)?,
        };
        // SAFETY: `span(len)` bytes from `position` were just taken.
        Ok(unsafe { self.claim(position, len) })
    }

    /// The capacity of the ring in bytes, including headers and padding: a power of two.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The length of the largest record that fits: the capacity minus one header.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.capacity() - HEADER_BYTES
    }

    /// The number of bytes between the consumer's position and the tail: records that were not freed, claims,
    /// and dead space.
    ///
    /// Either position may advance before this returns.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        // Head before tail, see `take_cold`.
        let head = self.ring.acquire_head();
        // Both may have moved far between the two loads.
        ((self.position() - head) as usize).min(self.capacity())
    }

    /// The position of the next claim if this producer makes it, in bytes since the ring was created.
    #[inline]
    #[must_use]
    pub fn position(&self) -> u64 {
        self.tail().load(Ordering::Relaxed)
    }

    /// Whether the consumer was dropped. Further claims fill the ring and are never read.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        !self.ring.is_consumer_alive()
    }

    /// Sets a user word: a number that is kept beside the ring, for a later [recovery](crate::file::Recovered)
    /// from its file. Costs one plain store. A recovery that finds records freed also finds the words that were
    /// set before.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`USER_WORDS`](crate::file::USER_WORDS).
    #[cfg(all(feature = "std", not(loom)))]
    pub fn set_user_word(&self, index: usize, value: u64) {
        self.ring.set_user_word(index, value);
    }

    #[inline]
    fn tail(&self) -> &AtomicU64 {
        // SAFETY: it is the ring's, which is alive while `self` is borrowed (R4).
        unsafe { self.tail.as_ref() }
    }

    /// Takes space for a record of `len` bytes. The caller must make a claim of it.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<u64, TryClaimError> {
        match self.take_before_limit(span(len), u64::MAX) {
            Some(position) => Ok(position),
            None => self.take_cold(len, usize::MAX),
        }
    }

    /// Marks space that was taken, and makes a claim of it.
    ///
    /// # Safety
    ///
    /// `span(len)` bytes from `position` were taken, and no other claim was made of them.
    #[inline]
    pub(crate) unsafe fn claim(&mut self, position: u64, len: usize) -> WriteClaim<'_> {
        let offset = (position & self.mask) as usize;
        debug_assert!(offset + span(len) <= self.capacity());
        // SAFETY: taken, hence this producer's (R1), in range and 8-aligned (R2), alive (R4).
        let header = unsafe { self.words.header(offset) };
        debug_assert!(
            header.load(Ordering::Relaxed) == 0 || self.ring.is_in_file(),
            "not zero at {position}"
        );
        header.store(mark(len), Ordering::Relaxed);
        // Keeps the payload's stores after the mark, for a reader after a crash (R5).
        core::sync::atomic::compiler_fence(Ordering::Release);
        // SAFETY: what is taken was free and does not wrap, its first word holds no header, and
        // the ring is alive while `self` is borrowed (R4).
        unsafe { WriteClaim::new(self.words, offset, len) }
    }

    /// Takes `span` bytes at the tail if they end at or before the limit and `max_end`; returns
    /// the position of the first.
    #[inline]
    fn take_before_limit(&mut self, span: usize, max_end: u64) -> Option<u64> {
        let limit = self.limit.min(max_end);
        // The line is asked for to be written. A load alone would fetch it to be read, and the exchange would
        // have to ask the other producers again.
        cpu::prefetch(self.tail.as_ptr().cast());
        let mut tail = self.position();
        loop {
            let next = tail + span as u64;
            if next > limit {
                return None;
            }
            match self.move_tail(tail, next) {
                Ok(()) => return Some(tail),
                Err(moved) => tail = moved,
            }
        }
    }

    /// Takes `tail..next`, which is free and does not wrap, unless another was faster.
    #[inline]
    fn move_tail(&self, tail: u64, next: u64) -> Result<(), u64> {
        self.tail()
            .compare_exchange_weak(tail, next, Ordering::Relaxed, Ordering::Relaxed)
            .map(|_| self.ring.state_tail(next))
    }

    /// Takes space in every other case: the consumer's progress has to be looked up, the ring
    /// wraps, or there is no room.
    #[cold]
    #[inline(never)]
    fn take_cold(&mut self, len: usize, max_used_bytes: usize) -> Result<u64, TryClaimError> {
        assert!(len != 0, "a record holds at least one byte");
        let capacity = self.capacity() as u64;
        let max_used = (max_used_bytes as u64).min(capacity);
        let span = span(len) as u64;
        if span > max_used {
            return Err(TryClaimError::TooLarge);
        }
        self.ring.note_producer_core();
        loop {
            // Head before tail: the release that moved the head came after the claim that moved
            // the tail, so this order alone gives `head <= tail`.
            self.head = self.ring.acquire_head();
            let tail = self.position();
            debug_assert!(self.head <= tail, "head {} is past tail {tail}", self.head);
            let lap_end = (tail | self.mask) + 1;
            self.limit = lap_end.min(self.head + capacity);

            let wraps = tail + span > lap_end;
            let next = if wraps { lap_end } else { tail + span };
            // The tail may be of a later time than the head, and further than a capacity from it.
            if next - self.head > max_used {
                return Err(TryClaimError::Full);
            }
            if self.move_tail(tail, next).is_err() {
                continue;
            }
            if !wraps {
                return Ok(tail);
            }
            // SAFETY: the word was just taken (R1), at an 8-aligned offset inside the ring (R2).
            let header = unsafe { self.words.header(self.ring.offset(tail)) };
            header.store(Header::skip((next - tail) as usize).to_word(), Ordering::Release);
        }
    }
}

impl Clone for Producer {
    /// Another writing end of the same ring.
    fn clone(&self) -> Self {
        self.ring.join_producer();
        Self { ring: Arc::clone(&self.ring), ..*self }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.ring.hang_up_producer();
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("position", &self.position())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
