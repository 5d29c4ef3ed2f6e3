//! What the two ends of a ring share: the protocol, its memory, and how far the consumer is.
//!
//! ```text
//!            head (consumer frees)                 tail (producer claims)
//!   +--------+--------+---------+--------+---------+----------------------+
//!   | free   | header | payload | header | payload | 0    | free          |
//!   +--------+--------+---------+--------+---------+----------------------+
//!   header = 0         nothing committed: the consumer stops here
//!   header = len|tag   committed: `len` payload bytes follow, padded to 8
//!   header = SKIP|n    dead space: an aborted claim, a truncated one's rest, or the ring's end
//! ```
//!
//! Positions count bytes from the ring's birth and never wrap; a position's place in memory is
//! its remainder by the capacity. The tail is the producer's own: the consumer learns of records
//! from their headers alone.
//!
//! | step    | who      | operation                                           | pairs with |
//! |---------|----------|-----------------------------------------------------|------------|
//! | claim   | producer | `head` load, Acquire (only when the last one seen is too old) | release |
//! | fence   | producer | next header := 0, Relaxed, ordered by the commit    | receive    |
//! | commit  | producer | own header store, Release                           | receive    |
//! | receive | consumer | header load, Acquire                                | commit     |
//! | release | consumer | words := 0, Relaxed, then `head` store, Release     | claim      |
//! | measure | producer | `head` load, Relaxed: only a number is wanted       | –          |
//! | hang up | both     | own `alive` store false, Release                    | ask        |
//! | ask     | both     | other's `alive` load, Acquire                       | hang up    |
//!
//! - **R1 (owner).** A byte in `head..tail` belongs to the claim that covers it until the commit,
//!   and to the consumer after it. All other bytes belong to the producer. There is one producer
//!   and one consumer, and each passes bytes on only by the commit and the release.
//! - **R2 (contiguous).** A record or skip never wraps, its header is 8-aligned, and its span is
//!   a multiple of 8 that ends at or before the tail.
//! - **R3 (zero).** While `tail < head + capacity`, the word at the tail is zero. A claim writes
//!   that zero into the *next* header, if that word is free, before its own commit. If it is not
//!   free, the claim filled the ring to the last byte and that word is the header at `head`: the
//!   release that frees it zeroes it first. So the consumer, which never looks at or beyond
//!   `head + capacity`, finds zero behind the last commit, whatever older laps left there.
//! - **R4 (alive).** Both ends hold the ring, and every claim, batch and record borrows from an
//!   end: no view of the memory outlives it.
//!
//! A release writes one word in every cache line it frees. R3 needs only the first; the others
//! make the lines the consumer's own, from which the producer takes them much faster than
//! from shared state.

use crate::header::{HEADER_BYTES, Header, MAX_CAPACITY_BYTES};
use crate::storage::{LINE_BYTES, Storage};
use crate::sync::{AtomicBool, AtomicU64, Ordering, Words};
use crossbeam_utils::CachePadded;

/// A header and eight bytes of payload.
const MIN_CAPACITY_BYTES: usize = 2 * HEADER_BYTES;

pub(crate) struct Ring {
    storage: Storage,
    /// Everything before this position is free.
    head: CachePadded<AtomicU64>,
    producer_alive: AtomicBool,
    consumer_alive: AtomicBool,
}

impl Ring {
    pub(crate) fn new(capacity_bytes: usize) -> Self {
        assert!(
            capacity_bytes <= MAX_CAPACITY_BYTES,
            "a ring of {capacity_bytes} bytes exceeds the maximum of {MAX_CAPACITY_BYTES}"
        );
        let capacity = capacity_bytes.max(MIN_CAPACITY_BYTES).next_power_of_two();
        Self {
            storage: Storage::on_heap(capacity),
            head: CachePadded::new(AtomicU64::new(0)),
            producer_alive: AtomicBool::new(true),
            consumer_alive: AtomicBool::new(true),
        }
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    #[inline]
    pub(crate) fn words(&self) -> Words {
        self.storage.words()
    }

    /// The place of a position in memory.
    #[inline]
    fn offset(&self, position: u64) -> usize {
        // Truncation is harmless: the mask keeps fewer bits than any `usize` has.
        position as usize & (self.capacity() - 1)
    }

    // --- the producer's side ---

    /// The head, with the right to write to everything before it.
    pub(crate) fn acquire_head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The head as a mere number.
    pub(crate) fn peek_head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    pub(crate) fn hang_up_producer(&self) {
        self.producer_alive.store(false, Ordering::Release);
    }

    pub(crate) fn is_consumer_alive(&self) -> bool {
        self.consumer_alive.load(Ordering::Acquire)
    }

    // --- the consumer's side ---

    /// The header at `position`, if one was committed there.
    ///
    /// # Safety
    ///
    /// Only for the consumer: `head` is the head, and `position` the end of a committed record
    /// or skip reachable from it, or the head itself.
    #[inline]
    pub(crate) unsafe fn receive(&self, head: u64, position: u64) -> Option<Header> {
        let capacity = self.capacity() as u64;
        debug_assert!(position >= head && position - head <= capacity);
        if position - head == capacity {
            return None;
        }
        let offset = self.offset(position);
        // SAFETY: in range and 8-aligned (R2). The position is a header's, so no claim covers it
        // as payload (R1). The ring is alive (R4).
        let word = unsafe { self.words().header(offset) }.load(Ordering::Acquire);
        let header = Header::from_word(word);
        if let Some(header) = header {
            debug_assert!(
                offset as u64 + header.span() <= capacity
                    && position + header.span() - head <= capacity,
                "{header:?} at {position} leaves the ring (head {head}, capacity {capacity})"
            );
        }
        header
    }

    /// The payload of the committed record at `position`.
    ///
    /// # Safety
    ///
    /// Only for the consumer, for a header that [`receive`](Self::receive) returned at `position`
    /// and while it is not released.
    #[inline]
    pub(crate) unsafe fn payload(&self, position: u64, header: Header) -> &[u8] {
        let offset = self.offset(position) + HEADER_BYTES;
        self.words().note_read(offset, header.len());
        // SAFETY: the header was committed, so its payload is the consumer's (R1), follows it
        // without a gap (R2) and stays until released. All memory is initialised.
        unsafe { core::slice::from_raw_parts(self.words().as_ptr(offset), header.len()) }
    }

    /// The memory of `start..end`, headers and skips included: up to the wrap, and from it.
    ///
    /// # Safety
    ///
    /// Only for the consumer, for a range of records and skips that were all received and are
    /// not released.
    pub(crate) unsafe fn bytes(&self, start: u64, end: u64) -> (&[u8], &[u8]) {
        debug_assert!(start <= end && end - start <= self.capacity() as u64);
        let offset = self.offset(start);
        let len = (end - start) as usize;
        let first = len.min(self.capacity() - offset);
        self.words().note_read(offset, first);
        self.words().note_read(0, len - first);
        // SAFETY: all of the range is committed, hence the consumer's (R1), headers included,
        // and all memory is initialised.
        unsafe {
            (
                core::slice::from_raw_parts(self.words().as_ptr(offset), first),
                core::slice::from_raw_parts(self.words().as_ptr(0), len - first),
            )
        }
    }

    /// Gives `head..end` back to the producer.
    ///
    /// # Safety
    ///
    /// Only for the consumer: `head` is the head, `end` a position to which everything was
    /// received, and no reference into the range is alive.
    #[inline]
    pub(crate) unsafe fn release(&self, head: u64, end: u64) {
        debug_assert!(head <= end && end - head <= self.capacity() as u64);
        debug_assert_eq!(head, self.peek_head(), "only the consumer moves the head");
        let mut position = head;
        while position < end {
            let offset = self.offset(position);
            self.words().note_write(offset, HEADER_BYTES);
            // SAFETY: in range, 8-aligned (R2, and a line is a multiple of 8), and the
            // consumer's own until the store below (R1). The first word written is the one at
            // the head, as R3 demands.
            unsafe { self.words().header(offset) }.store(0, Ordering::Relaxed);
            position = (position | (LINE_BYTES as u64 - 1)) + 1;
        }
        self.head.store(end, Ordering::Release);
    }

    pub(crate) fn hang_up_consumer(&self) {
        self.consumer_alive.store(false, Ordering::Release);
    }

    pub(crate) fn is_producer_alive(&self) -> bool {
        self.producer_alive.load(Ordering::Acquire)
    }
}
