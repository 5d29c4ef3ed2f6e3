//! The reading end of a ring: record by record, in one pass, or in two phases.

mod walk;

use crate::batch::{Batch, Record};
use crate::claim::ReadClaim;
use crate::header::Header;
use crate::ring::Ring;
use crate::sync::Arc;
use core::fmt;

/// How much a drain reads at most before it frees: half of a usual first cache, so that the lines
/// are there still when they are written, and enough for one long clearing, which processors do
/// without fetching the lines first.
const FREED_TOGETHER_BYTES: u64 = 16 * 1024;

/// The reading end of a ring.
///
/// The ways to read may be mixed:
///
/// | to | use | frees |
/// |---|---|---|
/// | take records one at a time | [`try_claim`](Self::try_claim) | each one when it is dropped |
/// | read many, as cheaply as possible | [`drain`](Self::drain) | what was shown, many together |
/// | read many and keep them until they are safe elsewhere | [`batch`](Self::batch), then [`batch_from`](Self::batch_from) | on [`release`](Batch::release) or [`release_to`](Self::release_to) |
/// | the same by a closure, without a second look at the headers | [`scan_from`](Self::scan_from) | on [`release_to`](Self::release_to) |
///
/// Records come in the order in which they were claimed; one that is claimed but not committed
/// holds back those after it.
pub struct Consumer {
    ring: Arc<Ring>,
    /// Everything before was freed. Equals the shared head, which only this value moves.
    head: u64,
    /// A position between records, at or after `head`: the end of what was last shown.
    boundary: u64,
    /// Up to where records have been shown.
    shown_to: u64,
    /// Whether the one producer was on the consumer's core when it was last looked up.
    near: bool,
}

impl Consumer {
    /// The first consumer of a new ring, and its only one.
    pub(crate) fn new(ring: Arc<Ring>) -> Self {
        let near = ring.shares_core_with_producer();
        Self { ring, head: 0, boundary: 0, shown_to: 0, near }
    }

    /// Takes the oldest record, if one is committed.
    ///
    /// It stays in the ring until the claim is dropped; a claim that is leaked leaves it there,
    /// to be taken again.
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

    /// Shows records to `read`, oldest first, and frees them, many together; returns how many.
    ///
    /// Takes at most `max_bytes` of the ring, headers and padding included, but always at least
    /// one record if there is one. Returns 0 only if no record is committed.
    ///
    /// One pass and one store free what lies in 16 KiB, or in a quarter of a smaller ring, while it
    /// is still close to the processor.
    /// This is the cheapest way to read.
    ///
    /// # Panics
    ///
    /// If `read` does. The record that it was shown is freed, as are those before it; those after
    /// it stay.
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
        /// Frees what was shown, also when the closure unwinds.
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
        let together = FREED_TOGETHER_BYTES.min(self.capacity() as u64 / 4);
        let mut records = 0;
        // The first record is shown whatever its length.
        let mut first_limit = u64::MAX;
        loop {
            let start = self.head;
            let mut shown = Shown { consumer: self, end: start };
            let Shown { consumer, end } = &mut shown;
            let part = limit.min(start + together);
            records += consumer.walk(start, first_limit, part, end, &mut read);
            let end = *end;
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

    /// Shows records to `read` as [`drain`](Self::drain) does, but frees nothing; returns the
    /// position after the last one, for [`release_to`](Self::release_to) and to go on from.
    ///
    /// Begins at `position`: the consumer's own, or one that an earlier call returned, or the
    /// [`end`](Batch::end) of a batch. If no record follows, the same or, past dead
    /// space, a later position is returned, and should be released as well.
    ///
    /// # Panics
    ///
    /// If `position` lies before the head, past what is committed, or inside a record; and if
    /// `read` does, with no effect on the ring.
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
        self.walk(position, u64::MAX, limit, &mut end, read);
        self.note_boundary(end);
        end
    }

    /// Collects the oldest records to be read now and freed later, or never.
    ///
    /// Takes at most `max_bytes` of the ring, headers and padding included, but always at least
    /// one record if there is one. Dropping the batch frees nothing: the next one begins with the
    /// same records.
    ///
    /// # Examples
    ///
    /// Records leave the ring only once they are safe elsewhere:
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
        // Dead space at the head is freed here and now, so that a producer that waits for it
        // does not wait for a batch without records to be released.
        let _ = self.skip_to_record();
        self.batch_from(self.head, max_bytes)
    }

    /// Collects records as [`batch`](Self::batch) does, but from `position` on: the
    /// [`end`](Batch::end) of a batch that was not released yet.
    ///
    /// Unlike there, dead space before the first record is part of the batch.
    ///
    /// # Panics
    ///
    /// If `position` lies before the head, past what is committed, or inside a record.
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
        self.assert_boundary(position);
        let mut end = position;
        let limit = position.saturating_add(max_bytes as u64);
        // SAFETY: this is the ring's consumer, `head` its head, and `position` lies between records.
        let records = unsafe { self.ring.measure(self.head, limit, &mut end) };
        self.note_boundary(end);
        Batch::new(self, position, end, records)
    }

    /// Frees all records before `position`: the [`end`](Batch::end) of a batch, or of a scan.
    ///
    /// Checking the position takes constant time for the end of the last batch or scan; for
    /// another one the headers before it are walked through, lest it lie inside a record.
    ///
    /// # Panics
    ///
    /// If `position` lies before the head, past what is committed, or inside a record.
    pub fn release_to(&mut self, position: u64) {
        self.assert_boundary(position);
        self.free_to(position);
    }

    /// Bytes that committed records take in the ring, with their headers and padding.
    ///
    /// Walks through their headers. More may be committed meanwhile.
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

    /// The position after the last committed record and the dead space that follows it: up to where a
    /// [scan](Self::scan_from) without a limit would go.
    ///
    /// Walks through the headers. More may be committed meanwhile.
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
    /// there would end where it began. Something may be by the time this returns.
    ///
    /// In a ring in a file there may also be what is no record, for which see
    /// [`damage_at`](Self::damage_at): that is not the end.
    ///
    /// One load, if the position is the consumer's own or the end of the last batch or scan.
    ///
    /// # Panics
    ///
    /// If `position` lies before the head, past what is committed, or inside a record.
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

    /// The damage at `position`, the end of a [scan](Self::scan_from) or [batch](Self::batch_from), if there
    /// is no record and never will be: another program has written to the ring's file. Nothing after it is
    /// ever read.
    ///
    /// # Panics
    ///
    /// If `position` lies before the head, past what is committed, or inside a record.
    #[cfg(all(feature = "std", not(loom)))]
    #[must_use]
    pub fn damage_at(&self, position: u64) -> Option<crate::file::Damage> {
        self.assert_boundary(position);
        let word = self.receive_word(position);
        let header = Header::from_word(word)?;
        let is_possible = self.ring.is_possible(self.head, position, header);
        (!is_possible).then_some(crate::file::Damage::Header { position, word })
    }

    /// Whether no record is committed. One may be by the time this returns.
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

    /// Bytes that the ring holds, headers and padding included: a power of two.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The position to which everything was freed: bytes since the ring's birth.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.head
    }

    /// Whether the producer is gone, or all of them if there were many.
    ///
    /// Everything that was committed is still there to be read: once this has returned `true`, a
    /// ring that is then found empty stays so.
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

    /// Steps over a leaked claim that holds back what other producers committed after it;
    /// returns whether there was one.
    ///
    /// Does nothing while a producer is alive, as the claim may be in use, nor while there are
    /// records before it. Nor does it in a ring of one producer, whose claims leave no mark that
    /// tells where the next record begins.
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

    /// Steps over a leaked claim as [`unblock`](Self::unblock) does, but also while there are
    /// producers: for one that was leaked together with its claim.
    ///
    /// # Safety
    ///
    /// Whatever the owner did with the oldest claim that is neither committed nor aborted
    /// happened before this call, and it will not access it again.
    pub unsafe fn unblock_unchecked(&mut self) -> bool {
        if self.skip_to_record().is_some() {
            return false;
        }
        // SAFETY: this is the ring's consumer. Everything before the oldest open claim is freed
        // now, so it is the one at the head; the caller vouches for its owner.
        unsafe { self.ring.bury(self.head) }
    }

    /// Sets a number of the caller's that is kept beside the ring, for a later
    /// [recovery](crate::file::Recovered) from its file. One plain store; a recovery that finds records
    /// freed also finds what was set before that.
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
