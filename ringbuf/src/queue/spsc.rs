//! One producer, one consumer.
//!
//! A claim needs no atomic read-modify-write and, while the consumer keeps up, does not read memory that the
//! consumer writes: the producer remembers how far it may write.

pub use crate::consumer::Consumer;

use crate::claim::WriteClaim;
use crate::error::{OutOfMemory, TryClaimError};
use crate::header::{HEADER_BYTES, Header, span};
use crate::positions::Kind;
use crate::ring::Ring;
use crate::sync::{Arc, Ordering, Words};
use core::{fmt, mem};

/// Creates a ring of at least `capacity_bytes` and returns its two ends.
///
/// The capacity is rounded up to a power of two, at least 16 bytes. Each record takes 8 bytes more
/// than its length rounded up to 8.
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
/// use stenolog_ringbuf::queue::spsc;
///
/// let (mut producer, mut consumer) = spsc::new(64 * 1024);
/// std::thread::spawn(move || {
///     let mut claim = producer.try_claim(5).expect("the ring is empty");
///     claim.copy_from_slice(b"hello");
///     claim.commit();
/// });
/// loop {
///     if let Some(record) = consumer.try_claim() {
///         break assert_eq!(&*record, b"hello");
///     }
///     std::thread::yield_now();
/// }
/// ```
#[must_use]
pub fn new(capacity_bytes: usize) -> (Producer, Consumer) {
    let ring = Arc::new(Ring::new(Kind::OneProducer, capacity_bytes));
    (Producer::over(Arc::clone(&ring)), Consumer::new(ring))
}

/// Like [`new`], but returns an error instead of aborting if the memory of the ring cannot be allocated. A few
/// hundred bytes of bookkeeping are allocated as usual.
///
/// # Errors
///
/// If the allocation fails.
///
/// # Panics
///
/// If the capacity exceeds 1 GiB.
///
/// # Examples
///
/// ```
/// let (producer, _consumer) = stenolog_ringbuf::queue::spsc::try_new(4096)?;
/// assert_eq!(producer.capacity(), 4096);
/// # Ok::<(), stenolog_ringbuf::OutOfMemory>(())
/// ```
pub fn try_new(capacity_bytes: usize) -> Result<(Producer, Consumer), OutOfMemory> {
    let ring = Ring::try_new(Kind::OneProducer, capacity_bytes).ok_or(OutOfMemory)?;
    let ring = Arc::new(ring);
    Ok((Producer::over(Arc::clone(&ring)), Consumer::new(ring)))
}

/// The writing end of a ring.
///
/// It has one claim at a time, because the claim borrows it. It may move between threads. When it is dropped,
/// committed records stay readable.
///
/// # Examples
///
/// ```
/// let (mut producer, consumer) = stenolog_ringbuf::queue::spsc::new(1024);
/// let mut claim = producer.try_claim(8)?;
/// claim.copy_from_slice(&7_u64.to_le_bytes());
/// claim.commit();
/// assert_eq!((producer.used_bytes(), consumer.readable_bytes()), (16, 16));
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
//
// Offsets are relative to the start of the lap, which is the pass through the ring's memory that the tail is
// in:
//
//     head_offset       offset (the tail)      limit
//     |  (may be < 0)   |                      |
//   --+-----------------+----------------------+------+
//     | records         | room for claims      |      | capacity
//   --+-----------------+----------------------+------+
//
// Between calls `offset < capacity` and `offset <= limit`, and the limit is the smaller of `capacity` and
// `head_offset + capacity`; without a ring, all are 0. A claim that ends before the limit therefore needs only
// that one comparison: it does not wrap, it covers free bytes only, and the header after it is free and in the
// same lap. The quick limit is never past the limit: what ends before it leaves no more than `quick_max` bytes
// in use.
pub struct Producer {
    words: Words,
    offset: usize,
    quick_limit: usize,
    limit: usize,
    quick_max: usize,
    /// The last head seen, wrapping below zero.
    head_offset: usize,
    /// The position at which the lap began.
    lap: u64,
    /// `None` only for a producer that was never connected.
    ring: Option<Arc<Ring>>,
}

// SAFETY: the producer's end of the protocol has no thread affinity; the memory that `words`
// points to is kept by `ring` (R4), which may be shared between threads.
unsafe impl Send for Producer {}

impl Producer {
    /// The first producer of a new ring, and its only one.
    pub(crate) fn over(ring: Arc<Ring>) -> Self {
        Self {
            words: ring.words(),
            offset: 0,
            quick_limit: ring.capacity(),
            limit: ring.capacity(),
            quick_max: usize::MAX,
            head_offset: 0,
            lap: 0,
            ring: Some(ring),
        }
    }

    /// A producer without a ring: its capacity is 0, and every claim is
    /// [`TooLarge`](TryClaimError::TooLarge).
    ///
    /// A placeholder for a ring that is created on first use. It adds no cost to successful claims.
    ///
    /// # Examples
    ///
    /// ```
    /// use stenolog_ringbuf::queue::spsc::{self, Producer};
    ///
    /// let mut producer = const { Producer::disconnected() };
    /// if producer.try_claim(8).is_err() && producer.capacity() == 0 {
    ///     producer = spsc::new(1024).0;
    /// }
    /// assert!(producer.try_claim(8).is_ok());
    /// ```
    #[must_use]
    pub const fn disconnected() -> Self {
        Self {
            words: Words::dangling(),
            offset: 0,
            quick_limit: 0,
            limit: 0,
            quick_max: usize::MAX,
            head_offset: 0,
            lap: 0,
            ring: None,
        }
    }

    /// Claims space for a record of `len` bytes.
    ///
    /// Every length up to [`max_record_bytes`](Self::max_record_bytes) fits once the consumer has emptied the
    /// ring, wherever in it the tail is. A record that does not fit before the ring's end turns that end into
    /// dead space, even if there is no room for it at the beginning *yet*: the consumer frees the dead space
    /// when it next looks for records, and the next attempt starts at the beginning.
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
        let offset = self.take(len)?;
        // SAFETY: `span(len)` bytes from `offset` were just taken.
        Ok(unsafe { self.claim(offset, len) })
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
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, _consumer) = stenolog_ringbuf::queue::spsc::new(64);
    /// producer.try_claim(8)?.commit();
    /// // Half the ring is kept for records that matter more.
    /// assert!(producer.try_claim_within(24, 32).is_err());
    /// assert!(producer.try_claim(24).is_ok());
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    pub fn try_claim_within(
        &mut self,
        len: usize,
        max_used_bytes: usize,
    ) -> Result<WriteClaim<'_>, TryClaimError> {
        let next = self.offset + span(len);
        let fits = next < self.limit && next.wrapping_sub(self.head_offset) <= max_used_bytes;
        let offset = if fits {
            // SAFETY: `next < limit`.
            unsafe { self.take_before_limit(next) }
        } else {
            self.take_cold(len, max_used_bytes)? as usize
        };
        // SAFETY: `span(len)` bytes from `offset` were just taken.
        Ok(unsafe { self.claim(offset, len) })
    }

    /// Claims space if this requires neither the consumer's position nor a wrap, and if at most
    /// [`quick_max`](Self::quick_max) bytes of the ring are then in use. `None` does not mean that the ring is
    /// full.
    ///
    /// This is the claim with the least code: an addition and one comparison, without a branch to slow code. On
    /// `None`, use one of the other methods: it reads the consumer's position, so several quick claims can
    /// follow.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, _consumer) = stenolog_ringbuf::queue::spsc::new(1024);
    /// producer.set_quick_max(64);
    /// let mut claim_and_commit = || producer.try_claim_quick(24).map(|claim| claim.commit());
    /// assert_eq!([claim_and_commit(), claim_and_commit(), claim_and_commit()], [Some(()), Some(()), None]);
    /// ```
    #[inline]
    pub fn try_claim_quick(&mut self, len: usize) -> Option<WriteClaim<'_>> {
        let next = self.offset + span(len);
        if next >= self.quick_limit {
            return None;
        }
        // SAFETY: `next` is below the quick limit, and so below the limit.
        let offset = unsafe { self.take_before_limit(next) };
        // SAFETY: `span(len)` bytes from `offset` were just taken.
        Some(unsafe { self.claim(offset, len) })
    }

    /// The number of bytes that may be in use after a [quick claim](Self::try_claim_quick).
    #[inline]
    #[must_use]
    pub fn quick_max(&self) -> usize {
        self.quick_max
    }

    /// Sets how many bytes may be in use after a [quick claim](Self::try_claim_quick): at first,
    /// any number.
    pub fn set_quick_max(&mut self, max_used_bytes: usize) {
        self.quick_max = max_used_bytes;
        self.find_limits(self.capacity());
    }

    /// The capacity of the ring in bytes, including headers and padding: a power of two.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.as_ref().map_or(0, |ring| ring.capacity())
    }

    /// The length of the largest record that fits: the capacity minus one header.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.capacity().saturating_sub(HEADER_BYTES)
    }

    /// The number of bytes between the consumer's position and this one: records that were not freed, and dead
    /// space.
    ///
    /// Reads the consumer's position, which is a cache miss if it has moved. It may advance before this
    /// returns.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        let used = |ring: &Arc<Ring>| self.position().saturating_sub(ring.peek_head()) as usize;
        self.ring.as_ref().map_or(0, used)
    }

    /// The position of the next claim, in bytes since the ring was created.
    #[inline]
    #[must_use]
    pub fn position(&self) -> u64 {
        self.lap + self.offset as u64
    }

    /// Whether the consumer was dropped. Further claims fill the ring and are never read.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.ring.as_ref().is_none_or(|ring| !ring.is_consumer_alive())
    }

    /// Sets a user word: a number that is kept beside the ring, for a later [recovery](crate::file::Recovered)
    /// from its file. Costs one plain store. A recovery that finds records freed also finds the words that were
    /// set before. Without a ring, this does nothing.
    ///
    /// # Panics
    ///
    /// If there is a ring, and `index` is not below [`USER_WORDS`](crate::file::USER_WORDS).
    #[cfg(all(feature = "std", not(loom)))]
    pub fn set_user_word(&self, index: usize, value: u64) {
        if let Some(ring) = &self.ring {
            ring.set_user_word(index, value);
        }
    }

    /// Takes space for a record of `len` bytes. The caller must make a claim of it.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<usize, TryClaimError> {
        let next = self.offset + span(len);
        if next < self.limit {
            // SAFETY: `next < limit`.
            Ok(unsafe { self.take_before_limit(next) })
        } else {
            Ok(self.take_cold(len, usize::MAX)? as usize)
        }
    }

    /// Makes a claim of space that was taken for it.
    ///
    /// # Safety
    ///
    /// `span(len)` bytes from `offset` were taken, and no other claim was made of them.
    #[inline]
    pub(crate) unsafe fn claim(&mut self, offset: usize, len: usize) -> WriteClaim<'_> {
        // SAFETY: what is taken was free and does not wrap, its first word is zero as the taking
        // before it left it so (R3), and the ring is alive while `self` is borrowed (R4).
        unsafe { WriteClaim::new(self.words, offset, len) }
    }

    /// Takes the bytes from the tail up to offset `next`, and returns the offset of the first.
    ///
    /// # Safety
    ///
    /// `next` lies after the tail by a span, and below the limit.
    #[inline]
    unsafe fn take_before_limit(&mut self, next: usize) -> usize {
        debug_assert!(self.offset < next && next < self.limit && next.is_multiple_of(8));
        debug_assert!(self.quick_limit <= self.limit && self.limit <= self.capacity());
        // SAFETY: below the limit are this lap's free bytes, so the word is in range, and the
        // producer's (R1). It is 8-aligned, as spans are (R2). The zero is what R3 asks for.
        unsafe { self.words.header(next) }.store(0, Ordering::Relaxed);
        mem::replace(&mut self.offset, next)
    }

    /// Takes space in every other case: the consumer's progress has to be looked up, the ring
    /// wraps, the record ends at the limit exactly, or there is no room.
    // The caller makes the claim, so its code knows the length on either path; and with a 32-bit offset the
    // result fits a register.
    #[cold]
    #[inline(never)]
    fn take_cold(&mut self, len: usize, max_used_bytes: usize) -> Result<u32, TryClaimError> {
        assert!(len != 0, "a record holds at least one byte");
        let Some(ring) = &self.ring else { return Err(TryClaimError::TooLarge) };
        let capacity = ring.capacity();
        let max_used = max_used_bytes.min(capacity);
        let span = span(len);
        if span > max_used {
            return Err(TryClaimError::TooLarge);
        }
        ring.note_producer_core();
        // Not beyond the tail, where only headers that another process has written lead it (R6).
        let head = ring.acquire_head().min(self.lap + self.offset as u64);
        // The head may be in an earlier lap, hence the wrapping.
        self.head_offset = head.wrapping_sub(self.lap) as usize;
        self.find_limits(capacity);

        let rest = capacity - self.offset;
        if span > rest {
            if self.used() + rest > max_used {
                return Err(TryClaimError::Full);
            }
            let offset = self.advance(rest, capacity);
            // SAFETY: the word was just taken (R1), at an 8-aligned offset inside the ring (R2).
            let header = unsafe { self.words.header(offset) };
            header.store(Header::skip(rest).to_word(), Ordering::Release);
        }
        if self.used() + span > max_used {
            return Err(TryClaimError::Full);
        }
        Ok(self.advance(span, capacity) as u32)
    }

    /// Bytes in use, as far as is known.
    fn used(&self) -> usize {
        self.offset.wrapping_sub(self.head_offset)
    }

    /// Finds how far claims may go, from where the head was last seen.
    fn find_limits(&mut self, capacity: usize) {
        self.limit = self.head_offset.wrapping_add(capacity).min(capacity);
        // A claim may end at that many bytes exactly. The head may lie before the lap, and even what
        // may be in use then ends before it.
        let end = self.head_offset.wrapping_add(self.quick_max.min(capacity)).wrapping_add(1);
        self.quick_limit = if end.cast_signed() < 0 { 0 } else { end.min(self.limit) };
    }

    /// Takes `bytes` that are free and do not cross the ring's end, and zeroes the header after
    /// them if that word is free. Returns the offset of the first.
    fn advance(&mut self, bytes: usize, capacity: usize) -> usize {
        let offset = self.offset;
        debug_assert!(bytes.is_multiple_of(8) && offset + bytes <= capacity);
        debug_assert!(self.used() + bytes <= capacity);
        self.offset += bytes;
        if self.offset == capacity {
            self.offset = 0;
            self.lap += capacity as u64;
            self.head_offset = self.head_offset.wrapping_sub(capacity);
            self.find_limits(capacity);
        }
        if self.offset < self.limit {
            // SAFETY: below the limit are this lap's free bytes, the producer's own (R1).
            unsafe { self.words.header(self.offset) }.store(0, Ordering::Relaxed);
        }
        offset
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Some(ring) = &self.ring {
            ring.hang_up_producer();
        }
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
