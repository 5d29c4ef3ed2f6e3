//! The reading end of a ring: record by record, in one pass, or in two phases.

mod runs;
mod walk;

pub use runs::Run;

use self::walk::Ahead;
use crate::batch::{Batch, Record};
use crate::claim::ReadClaim;
use crate::header::Header;
use crate::ring::Ring;
use crate::sync::Arc;
use core::fmt;

/// How much a drain reads before it frees, if the producer is on the same core: half of a typical L1 cache, so
/// the lines are still cached when they are written.
const FREED_TOGETHER_NEAR_BYTES: u64 = 16 * 1024;

/// The same at most if the producer is on another core: then to stop reading costs more than to clear lines that
/// have left the first cache, and processors clear much memory at once without fetching it.
const FREED_TOGETHER_BYTES: u64 = 64 * 1024;

/// How often the consumer looks up the producer's core: often enough for threads that move, and too rarely to
/// be seen in a single record.
const LOOKED_UP_EVERY_BYTES: u64 = 16 * 1024;

/// The reading end of a ring.
///
/// The ways to read may be mixed:
///
/// | to | use | frees |
/// |---|---|---|
/// | take records one at a time | [`try_claim`](Self::try_claim) | each one when it is dropped |
/// | read many, as cheaply as possible | [`drain`](Self::drain) | the visited records, in chunks |
/// | read many and keep them until they are stored elsewhere | [`batch`](Self::batch), then [`batch_from`](Self::batch_from) | on [`release`](Batch::release) or [`release_to`](Self::release_to) |
/// | the same with a closure, without reading headers twice | [`scan_from`](Self::scan_from) | on [`release_to`](Self::release_to) |
///
/// Records are read in the order of their claims. A claim that is not committed yet holds back the records
/// after it.
pub struct Consumer {
    ring: Arc<Ring>,
    /// Everything before was freed. Equals the shared head, which only this value moves.
    head: u64,
    /// A position between records, at or after `head`: the end of what was last shown.
    boundary: u64,
    /// Up to where records have been shown.
    shown_to: u64,
    /// What is known of the lines that will be read next.
    ahead: Ahead,
}

impl Consumer {
    /// The first consumer of a new ring, and its only one.
    pub(crate) fn new(ring: Arc<Ring>) -> Self {
        let near = ring.shares_core_with_producer();
        Self { ring, head: 0, boundary: 0, shown_to: 0, ahead: Ahead::new(near) }
    }

    /// Takes the oldest record, if one is committed.
    ///
    /// It stays in the ring until the claim is dropped. If the claim is leaked, the next call returns the same
    /// record.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(64);
    /// assert!(consumer.try_claim().is_none());
    /// producer.try_claim(3)?.commit();
    /// assert_eq!(consumer.try_claim().unwrap().len(), 3);
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    pub fn try_claim(&mut self) -> Option<ReadClaim<'_>> {
        let header = self.skip_to_record()?;
        Some(ReadClaim::new(self, header))
    }

    /// Passes records to `read`, oldest first, and frees them in chunks. Returns their number.
    ///
    /// Takes at most `max_bytes` of the ring, headers and padding included, but always at least
    /// one record if there is one. Returns 0 only if no record is committed.
    ///
    /// This is the cheapest way to read: each chunk of 64 KiB, or of an eighth of a smaller ring, is freed in
    /// one pass. Chunks are smaller if the producer was last seen on the same core, and in rings below 128 KiB.
    ///
    /// # Panics
    ///
    /// If `read` panics. The current record and those before it are freed; those after it stay.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// for tag in 1..=3 {
    ///     producer.try_claim(8)?.commit_tagged(tag);
    /// }
    /// let mut tags = Vec::new();
    /// assert_eq!(consumer.drain(usize::MAX, |record| tags.push(record.tag())), 3);
    /// assert_eq!(tags, [1, 2, 3]);
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    pub fn drain(&mut self, max_bytes: usize, mut read: impl FnMut(Record<'_>)) -> usize {
        /// Frees the visited records, also when the closure unwinds.
        struct Shown<'a> {
            consumer: &'a mut Consumer,
            end: u64,
        }
        impl Drop for Shown<'_> {
            #[inline]
            fn drop(&mut self) {
                self.consumer.free_to(self.end);
            }
        }

        let limit = self.head.saturating_add(max_bytes as u64);
        let mut records = 0;
        // The first record is passed on regardless of its length.
        let mut first_limit = u64::MAX;
        loop {
            let start = self.head;
            let mut shown = Shown { consumer: self, end: start };
            let Shown { consumer, end } = &mut shown;
            let mut ahead = consumer.ahead;
            let part = limit.min(start + consumer.freed_together());
            records += if ahead.near {
                consumer.walk::<true>(start, first_limit, part, end, &mut ahead, &mut read)
            } else {
                consumer.walk::<false>(start, first_limit, part, end, &mut ahead, &mut read)
            };
            let end = *end;
            // The next lines arrive while these are freed.
            ahead.look_past(&consumer.ring, end);
            consumer.ahead = ahead;
            drop(shown);
            // Nothing more is committed, or the limit is reached. What a part has no room for
            // begins the next one.
            if end == start || end >= limit {
                return records;
            }
            if records > 0 {
                first_limit = limit;
            }
        }
    }

    /// Passes records to `read` as [`drain`](Self::drain) does, but frees nothing. Returns the position after
    /// the last one: pass it to [`release_to`](Self::release_to), or to the next scan.
    ///
    /// Begins at `position`: the consumer's own, one that an earlier call returned, or the [`end`](Batch::end)
    /// of a batch. If no record follows, this returns the same position, or a later one past dead space, which
    /// should be released as well.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record. If `read` panics,
    /// which has no effect on the ring.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// producer.try_claim(8)?.commit_tagged(1);
    ///
    /// let mut tags = Vec::new();
    /// let start = consumer.position();
    /// let end = consumer.scan_from(start, usize::MAX, |record| tags.push(record.tag()));
    /// assert_eq!(tags, [1]);
    /// assert!(!consumer.is_empty());
    /// consumer.release_to(end);
    /// assert!(consumer.is_empty());
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    pub fn scan_from(
        &mut self,
        position: u64,
        max_bytes: usize,
        read: impl FnMut(Record<'_>),
    ) -> u64 {
        self.assert_boundary(position);
        let mut end = position;
        let limit = position.saturating_add(max_bytes as u64);
        let mut ahead = self.ahead;
        self.walk::<false>(position, u64::MAX, limit, &mut end, &mut ahead, read);
        self.ahead = ahead;
        self.note_boundary(end);
        end
    }

    /// Collects the oldest records, which can be read now and freed later, or never.
    ///
    /// Takes at most `max_bytes` of the ring, headers and padding included, but always at least
    /// one record if there is one. Dropping the batch frees nothing: the next one begins with the
    /// same records.
    ///
    /// # Examples
    ///
    /// Records leave the ring only once they are stored elsewhere:
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    ///
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// producer.try_claim(8)?.commit();
    ///
    /// let mut file = Vec::new();
    /// let batch = consumer.batch(usize::MAX);
    /// let (first, second) = batch.raw_slices();
    /// if file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])? == batch.len_bytes() {
    ///     batch.release();
    /// }
    /// assert!(consumer.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batch(&mut self, max_bytes: usize) -> Batch<'_> {
        // Dead space at the head is freed here and now, so a producer that waits for it does not
        // wait for a batch without records to be released.
        let _ = self.skip_to_record();
        self.batch_from(self.head, max_bytes)
    }

    /// Collects records as [`batch`](Self::batch) does, but from `position` on, such as the [`end`](Batch::end)
    /// of a batch that was not released yet.
    ///
    /// Unlike with `batch`, dead space before the first record is part of the batch.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// producer.try_claim(8)?.commit_tagged(1);
    /// let first = consumer.batch(usize::MAX).end();
    /// producer.try_claim(8)?.commit_tagged(2);
    ///
    /// // The first record is still in the ring, and is not shown again.
    /// let second = consumer.batch_from(first, usize::MAX);
    /// assert!(second.records().map(|record| record.tag()).eq([2]));
    /// second.release(); // frees both
    /// assert!(consumer.is_empty());
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    pub fn batch_from(&mut self, position: u64, max_bytes: usize) -> Batch<'_> {
        self.measure(position, max_bytes, |_, _| {})
    }

    /// Frees all records before `position`, the [`end`](Batch::end) of a batch or a scan.
    ///
    /// Checking the position takes constant time for the end of the last batch or scan. For any other position
    /// the headers before it are read, to make sure that it is not inside a record.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record.
    pub fn release_to(&mut self, position: u64) {
        self.assert_boundary(position);
        self.free_to(position);
    }

    /// The number of bytes that committed records take in the ring, including headers and padding.
    ///
    /// Reads all headers. More records may be committed meanwhile.
    #[must_use]
    pub fn readable_bytes(&self) -> usize {
        let mut bytes = 0;
        let mut position = self.head;
        while let Some(header) = self.receive(position) {
            position += header.span();
            if !header.is_skip() {
                bytes += header.span() as usize;
            }
        }
        bytes
    }

    /// The position after the last committed record and the dead space that follows it: where a
    /// [scan](Self::scan_from) without a limit would end.
    ///
    /// Reads all headers. More records may be committed meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// producer.try_claim(8)?.commit();
    /// drop(producer.try_claim(8)?);
    /// assert_eq!(consumer.readable_end(), consumer.position() + 32);
    /// assert_eq!(consumer.readable_bytes(), 16);
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[must_use]
    pub fn readable_end(&self) -> u64 {
        let mut position = self.head;
        while let Some(header) = self.receive(position) {
            position += header.span();
        }
        position
    }

    /// Whether nothing is committed at `position`, not even dead space: a [scan](Self::scan_from) from
    /// there would end where it began. This may change before the call returns.
    ///
    /// In a ring in a file, bytes at `position` that are not a record do not count as the end: see
    /// [`damage_at`](Self::damage_at).
    ///
    /// One load, if the position is the consumer's own or the end of the last batch or scan.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// assert!(consumer.is_end(consumer.position()));
    /// producer.try_claim(8)?.commit();
    /// assert!(!consumer.is_end(consumer.position()));
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn is_end(&self, position: u64) -> bool {
        self.assert_boundary(position);
        Header::from_word(self.receive_word(position)).is_none()
    }

    /// The damage at `position`, the end of a [scan](Self::scan_from) or [batch](Self::batch_from), if another
    /// program has written to the ring's file there. Nothing after damage is ever read.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record.
    #[cfg(all(feature = "std", not(loom)))]
    #[must_use]
    pub fn damage_at(&self, position: u64) -> Option<crate::file::Damage> {
        self.assert_boundary(position);
        let word = self.receive_word(position);
        let header = Header::from_word(word)?;
        let is_possible = self.ring.is_possible(self.head, position, header);
        (!is_possible).then_some(crate::file::Damage::Header { position, word })
    }

    /// Whether no record is committed. This may change before the call returns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut position = self.head;
        while let Some(header) = self.receive(position) {
            if !header.is_skip() {
                return false;
            }
            position += header.span();
        }
        true
    }

    /// The capacity of the ring in bytes, including headers and padding: a power of two.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The position up to which everything was freed, in bytes since the ring was created.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.head
    }

    /// Whether all producers were dropped.
    ///
    /// Committed records can still be read. Once this has returned `true`, a ring that is then found empty
    /// stays empty.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = stenolog_ringbuf::queue::spsc::new(64);
    /// assert!(!consumer.is_disconnected());
    /// drop(producer);
    /// assert!(consumer.is_disconnected() && consumer.is_empty());
    /// ```
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        !self.ring.is_any_producer_alive()
    }

    /// Steps over a leaked claim that holds back records of other producers. Returns whether there was one.
    ///
    /// Does nothing while a producer is alive, because the claim may be in use; while there are records before
    /// the claim; or in a ring with one producer, where claims leave no mark that tells where the next record
    /// begins.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::mpsc::new(256);
    /// std::mem::forget(producer.clone().try_claim(8)?);
    /// producer.try_claim(8)?.commit_tagged(1);
    ///
    /// assert!(consumer.is_empty() && !consumer.unblock());
    /// drop(producer);
    /// assert!(consumer.unblock());
    /// assert_eq!(consumer.try_claim().unwrap().tag(), 1);
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    pub fn unblock(&mut self) -> bool {
        // SAFETY: claims borrow their producer, and a producer that was leaked counts as alive,
        // so with none left there is no claim; all they did happened before they hung up.
        self.is_disconnected() && unsafe { self.unblock_unchecked() }
    }

    /// Steps over a leaked claim as [`unblock`](Self::unblock) does, but even while producers are alive. Use it
    /// for a producer that was leaked together with its claim.
    ///
    /// # Safety
    ///
    /// All accesses of the owner to the oldest open claim happened before this call, and the owner will not
    /// access it again.
    pub unsafe fn unblock_unchecked(&mut self) -> bool {
        if self.skip_to_record().is_some() {
            return false;
        }
        // SAFETY: this is the ring's consumer. Everything before the oldest open claim is freed
        // now, so it is the one at the head; the caller vouches for its owner.
        unsafe { self.ring.bury(self.head) }
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
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.ring.hang_up_consumer();
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("position", &self.head)
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
