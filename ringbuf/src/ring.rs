//! The ring that its ends share: the protocol, the memory, and how far each end has come.
//!
#![doc = include_str!("../PROTOCOL.md")]

use crate::cpu;
use crate::header::{HEADER_BYTES, Header, MAX_CAPACITY_BYTES, marked_len, span};
use crate::positions::Kind;
#[cfg(all(feature = "mmap", not(loom)))]
use crate::positions::Positions;
#[cfg(all(feature = "std", not(loom)))]
use crate::positions::USER_WORDS;
use crate::storage::{LINE_BYTES, Storage};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering, Words};
use crossbeam_utils::CachePadded;

/// How many lines are asked for at once.
pub(crate) const PREFETCHED: u64 = 16;

/// A header and eight bytes of payload.
const MIN_CAPACITY_BYTES: usize = 2 * HEADER_BYTES;

/// The capacity of a ring that is asked for at least this one.
pub(crate) fn round_capacity(capacity_bytes: usize) -> usize {
    assert!(
        capacity_bytes <= MAX_CAPACITY_BYTES,
        "a ring of {capacity_bytes} bytes exceeds the maximum of {MAX_CAPACITY_BYTES}"
    );
    capacity_bytes.max(MIN_CAPACITY_BYTES).next_power_of_two()
}

pub(crate) struct Ring {
    storage: Storage,
    kind: Kind,
    /// Everything before is free.
    head: CachePadded<AtomicU64>,
    /// Everything before was claimed. Only used with many producers.
    tail: CachePadded<AtomicU64>,
    producers: AtomicU64,
    consumer_alive: AtomicBool,
    /// The core on which a producer was last seen: a hint that affects only speed.
    producer_core: AtomicU32,
}

impl Ring {
    /// A ring in memory of its own.
    pub(crate) fn new(kind: Kind, capacity_bytes: usize) -> Self {
        Self::over(Storage::on_heap(round_capacity(capacity_bytes)), kind)
    }

    /// The same; `None` if there is no memory for it.
    pub(crate) fn try_new(kind: Kind, capacity_bytes: usize) -> Option<Self> {
        Some(Self::over(Storage::try_on_heap(round_capacity(capacity_bytes))?, kind))
    }

    /// A ring over memory that is all zeros.
    pub(crate) fn over(storage: Storage, kind: Kind) -> Self {
        Self {
            storage,
            kind,
            head: CachePadded::new(AtomicU64::new(0)),
            tail: CachePadded::new(AtomicU64::new(0)),
            producers: AtomicU64::new(1),
            consumer_alive: AtomicBool::new(true),
            producer_core: AtomicU32::new(cpu::current()),
        }
    }

    /// The positions in the file. The ends write them, and never read them (R6).
    #[cfg(all(feature = "mmap", not(loom)))]
    #[inline]
    fn in_file(&self) -> Option<&Positions> {
        self.storage.positions()
    }

    /// Whether others can write to the ring's memory.
    #[cfg(all(feature = "mmap", not(loom)))]
    pub(crate) fn is_in_file(&self) -> bool {
        self.in_file().is_some()
    }

    /// Whether others can write to the ring's memory: never without files.
    #[cfg(not(all(feature = "mmap", not(loom))))]
    #[expect(clippy::unused_self, reason = "with rings in files it is asked for")]
    pub(crate) fn is_in_file(&self) -> bool {
        false
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
    pub(crate) fn offset(&self, position: u64) -> usize {
        // Truncation is harmless: the mask keeps fewer bits than any `usize` has.
        position as usize & (self.capacity() - 1)
    }

    #[cfg(all(feature = "std", not(loom)))]
    pub(crate) fn set_user_word(&self, index: usize, value: u64) {
        assert!(index < USER_WORDS, "there are {USER_WORDS} user words, and none at {index}");
        #[cfg(feature = "mmap")]
        if let Some(positions) = self.in_file() {
            // Release: a reader of the file finds the words in the order in which they were set.
            positions.user_words.0[index].store(value, Ordering::Release);
        }
        let _ = value;
    }

    // --- the producer's side ---

    /// The head. Everything up to one capacity past it may be written.
    pub(crate) fn acquire_head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The head, without synchronization.
    pub(crate) fn peek_head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// Notes where a producer runs.
    pub(crate) fn note_producer_core(&self) {
        let core = cpu::current();
        // Most stay on one core; storing the same value again would take the line from the consumer.
        if self.producer_core.load(Ordering::Relaxed) != core {
            self.producer_core.store(core, Ordering::Relaxed);
        }
    }

    /// The tail that many producers share.
    #[inline]
    pub(crate) fn tail(&self) -> &AtomicU64 {
        debug_assert_eq!(self.kind, Kind::ManyProducers);
        &self.tail
    }

    /// Tells the file, if there is one, that everything before `tail` is claimed, before what was
    /// claimed is written to.
    #[inline]
    pub(crate) fn state_tail(&self, tail: u64) {
        #[cfg(all(feature = "mmap", not(loom)))]
        if let Some(positions) = self.in_file() {
            // Another producer may have stated more already. Acquire keeps the claim's stores after
            // it, for a reader after a crash (R5).
            positions.tail.0.fetch_max(tail, Ordering::AcqRel);
        }
        let _ = tail;
    }

    pub(crate) fn join_producer(&self) {
        self.producers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn hang_up_producer(&self) {
        let before = self.producers.fetch_sub(1, Ordering::Release);
        debug_assert!(before > 0, "more producers hung up than there were");
    }

    pub(crate) fn is_consumer_alive(&self) -> bool {
        self.consumer_alive.load(Ordering::Acquire)
    }

    // --- the consumer's side ---

    /// Whether the lines that the caller frees are already in the cache of the producer that was last seen, because
    /// both run on one core.
    pub(crate) fn shares_core_with_producer(&self) -> bool {
        let core = self.producer_core.load(Ordering::Relaxed);
        core != cpu::UNKNOWN && core == cpu::current()
    }

    /// The header at `position`, if one was committed there, and can be there (R6).
    ///
    /// # Safety
    ///
    /// Only for the consumer: `head` is the head, and `position` the end of a committed record
    /// or skip reachable from it, or the head itself.
    #[inline]
    pub(crate) unsafe fn receive(&self, head: u64, position: u64) -> Option<Header> {
        // SAFETY: as the caller vouches.
        let header = Header::from_word(unsafe { self.receive_word(head, position) })?;
        self.is_possible(head, position, header).then_some(header)
    }

    /// The word at `position`. Its lower half is 0 if nothing was committed there.
    ///
    /// # Safety
    ///
    /// As for [`receive`](Self::receive).
    #[inline]
    pub(crate) unsafe fn receive_word(&self, head: u64, position: u64) -> u64 {
        let capacity = self.capacity() as u64;
        debug_assert!(position >= head && position - head <= capacity);
        if position - head == capacity {
            return 0;
        }
        // SAFETY: in range and 8-aligned (R2). The position is a header's, so no claim covers it
        // as payload (R1). The ring is alive (R4).
        unsafe { self.words().header(self.offset(position)) }.load(Ordering::Acquire)
    }

    /// Whether what begins at `position` with this header ends in the ring, and does not wrap. Only
    /// a process that writes to the ring's file can make it otherwise.
    #[inline]
    pub(crate) fn is_possible(&self, head: u64, position: u64, header: Header) -> bool {
        let capacity = self.capacity() as u64;
        let mut room = (capacity - self.offset(position) as u64).min(capacity - (position - head));
        if self.has_known_tail() {
            // The producer that committed a header here had claimed up to its end before.
            room = room.min(self.tail.load(Ordering::Relaxed).saturating_sub(position));
        }
        debug_assert!(
            header.span() <= room || self.is_in_file(),
            "{header:?} at {position} leaves the ring (head {head}, capacity {capacity})"
        );
        header.span() <= room
    }

    /// Whether reads must be checked against the tail, and can be. With one producer, only the producer knows
    /// its tail.
    #[inline]
    fn has_known_tail(&self) -> bool {
        self.kind == Kind::ManyProducers && self.is_in_file()
    }

    /// Moves `position` past the records that end at or before `limit`, or past the first one, and
    /// returns their number. `each` gets every run of equal headers without a wrap: the header, and
    /// the bytes of the run.
    ///
    /// # Safety
    ///
    /// As for [`receive`](Self::receive).
    // As `Consumer::walk`, but without reading the records: if many have the same header, this takes one
    // comparison each.
    #[inline]
    pub(crate) unsafe fn measure(
        &self,
        head: u64,
        limit: u64,
        position: &mut u64,
        mut each: impl FnMut(Header, u64),
    ) -> usize {
        let (words, mask) = (self.words(), self.capacity() as u64 - 1);
        let full = head + self.capacity() as u64;
        let has_known_tail = self.has_known_tail();
        // No record ends after that: it would wrap, or leave the ring (R6).
        let mut stop = full.min((*position | mask) + 1);
        let load = |position: u64, stop: &mut u64| {
            if position == *stop {
                if position == full {
                    return 0;
                }
                *stop = full;
            }
            // SAFETY: in range and 8-aligned (R2): as the caller vouches, the position is a header's,
            // so no claim covers it as payload (R1). The ring is alive (R4).
            unsafe { words.header((position & mask) as usize) }.load(Ordering::Acquire)
        };
        let mut records = 0;
        let mut allowed = u64::MAX;
        let mut word = load(*position, &mut stop);
        while let Some(header) = Header::from_word(word) {
            let span = header.span();
            if has_known_tail && !self.is_possible(head, *position, header) {
                return records;
            }
            let start = *position;
            loop {
                let end = *position + span;
                debug_assert!(
                    end <= stop || self.is_in_file(),
                    "{header:?} at {position} leaves the ring"
                );
                if end > allowed || end > stop {
                    if *position > start {
                        each(header, *position - start);
                    }
                    return records;
                }
                *position = end;
                if !header.is_skip() {
                    records += 1;
                    allowed = limit;
                }
                let before = stop;
                let next = load(end, &mut stop);
                if next != word || has_known_tail || stop != before {
                    word = next;
                    break;
                }
            }
            each(header, *position - start);
        }
        records
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

    /// Gives `head..end` back to the producer, which runs on the same core if it is `near`.
    ///
    /// # Safety
    ///
    /// Only for the consumer: `head` is the head, `end` a position to which everything was
    /// received, and no reference into the range is alive.
    #[inline]
    pub(crate) unsafe fn release(&self, head: u64, end: u64, near: bool) {
        debug_assert!(head <= end && end - head <= self.capacity() as u64);
        debug_assert_eq!(head, self.peek_head(), "only the consumer moves the head");
        #[cfg(all(feature = "mmap", not(loom)))]
        if let Some(positions) = self.in_file() {
            // Recovery starts at `consumed`, so it never starts in what is cleared here (R5).
            // Release: user words that were set before are found together with it.
            positions.consumer.0.consumed.store(end, Ordering::Release);
            crate::sync::fence(Ordering::Release);
        }
        // In models the least that may be zeroed: more would hide older headers, and take much longer to explore.
        if self.kind == Kind::OneProducer && (near || cfg!(loom)) {
            // SAFETY: as the caller vouches.
            unsafe { self.zero_first_words(head, end) };
        } else {
            // SAFETY: as the caller vouches.
            unsafe { self.clear(head, end) };
        }
        #[cfg(all(feature = "mmap", not(loom)))]
        if let Some(positions) = self.in_file() {
            // First: no producer may be further ahead of it than a capacity (R5).
            positions.consumer.0.head.store(end, Ordering::Release);
        }
        self.head.store(end, Ordering::Release);
    }

    /// Zeroes the word at `start`, and the ring's first word if it is in `start..end`.
    ///
    /// # Safety
    ///
    /// `start..end` is the consumer's, and not borrowed.
    #[inline]
    unsafe fn zero_first_words(&self, start: u64, end: u64) {
        let zero = |position: u64| {
            let offset = self.offset(position);
            self.words().note_write(offset, HEADER_BYTES);
            // SAFETY: in range, 8-aligned (R2, and a lap begins at offset 0), and the consumer's own until
            // the head moves (R1). The word at the head is what R3 demands, the ring's first what R5 does.
            unsafe { self.words().header(offset) }.store(0, Ordering::Relaxed);
        };
        if start < end {
            zero(start);
            let lap = (start | (self.capacity() as u64 - 1)) + 1;
            if lap < end {
                zero(lap);
            }
        }
    }

    /// Asks for the lines from `from` on, but not past `to`. Returns where the next one would be, or `to`.
    #[inline]
    pub(crate) fn prefetch(&self, from: u64, to: u64) -> u64 {
        // Always as many, because a loop that ends sooner or later would be mispredicted. The last line again
        // costs next to nothing.
        for line in 0..PREFETCHED {
            let position = (from + line * LINE_BYTES as u64).min(to);
            self.words().prefetch(self.offset(position));
        }
        (from + PREFETCHED * LINE_BYTES as u64).min(to)
    }

    /// Zeroes `start..end`.
    ///
    /// # Safety
    ///
    /// `start..end` is the consumer's, and not borrowed.
    #[inline]
    unsafe fn clear(&self, start: u64, end: u64) {
        let offset = self.offset(start);
        let len = (end - start) as usize;
        let first = len.min(self.capacity() - offset);
        // SAFETY: in range, as the rest beyond the wrap is no longer than what precedes `start`;
        // the consumer's own until the head moves (R1).
        unsafe {
            self.words().zero(offset, first);
            if first < len {
                self.words().zero(0, len - first);
            }
        }
    }

    /// Turns a claim that its producer marked but never committed into dead space. Returns whether there was
    /// one.
    ///
    /// # Safety
    ///
    /// Only for the consumer: `head` is the head, and what its owner did with the claim there
    /// happened before.
    pub(crate) unsafe fn bury(&self, head: u64) -> bool {
        // SAFETY: the word at the head is a header (R2), in a ring that is alive (R4).
        let header = unsafe { self.words().header(self.offset(head)) };
        let marked = marked_len(header.load(Ordering::Relaxed));
        // A claim does not wrap and cannot be larger than the ring (R6).
        let room = self.capacity() - self.offset(head);
        let marked = marked.filter(|&len| span(len) <= room);
        if let Some(len) = marked {
            header.store(Header::skip(span(len)).to_word(), Ordering::Relaxed);
        }
        marked.is_some()
    }

    pub(crate) fn hang_up_consumer(&self) {
        self.consumer_alive.store(false, Ordering::Release);
    }

    pub(crate) fn is_any_producer_alive(&self) -> bool {
        self.producers.load(Ordering::Acquire) != 0
    }
}
