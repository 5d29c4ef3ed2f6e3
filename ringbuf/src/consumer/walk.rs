//! The consumer's walk from header to header, and what it frees.

use super::{Consumer, FREED_TOGETHER_BYTES, FREED_TOGETHER_NEAR_BYTES, LOOKED_UP_EVERY_BYTES};
use crate::batch::{Batch, Record};
use crate::header::Header;
use crate::ring::{PREFETCHED, Ring};
use crate::storage::LINE_BYTES;
use core::ops::RangeInclusive;

/// How far ahead of the walk lines are asked for if records differ in length.
const AHEAD_BYTES: u64 = 2048;

/// Of records of these spans all lines are asked for even if one record is like the other.
const HELPED_SPANS: RangeInclusive<u64> = 2 * LINE_BYTES as u64 + 1..=5 * LINE_BYTES as u64;

/// What is known of the lines ahead of the walk.
///
/// The lines that a producer on another core has written arrive one after the other, unless they are asked for
/// before they are read. To ask for lines that are not written yet takes them from the producer. So no more are
/// asked for than were read since nothing was found.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    /// Whether the producer runs on this core: then the lines are at hand.
    pub(super) near: bool,
    /// The last position at which nothing was committed.
    pub(super) dry: u64,
    /// Up to where lines were asked for.
    fetched: u64,
}

impl Ahead {
    pub(super) fn new(near: bool) -> Self {
        Self { near, dry: 0, fetched: 0 }
    }

    /// Asks for lines after the record of `span` bytes at `position`, which follows one of `last_span`. Returns
    /// up to where this need not be repeated while records have the same span.
    // Headers of records that differ may be in any of the lines that follow. Those of records that are alike are
    // in known places, and the processor loads them ahead by itself, unless that takes too many records. Of short
    // ones all lines are read, in order, which it expects as well.
    #[inline]
    fn look(&mut self, ring: &Ring, position: u64, span: u64, last_span: u64) -> u64 {
        if self.near || (span == last_span && !HELPED_SPANS.contains(&span)) {
            return u64::MAX;
        }
        self.ask(ring, position + span);
        position + span.max((PREFETCHED - 1) * LINE_BYTES as u64)
    }

    /// Asks for the first lines from `position` on, where a part ends.
    #[inline]
    pub(super) fn look_past(&mut self, ring: &Ring, position: u64) {
        if !self.near && position != self.dry {
            self.ask(ring, position);
        }
    }

    #[inline]
    fn ask(&mut self, ring: &Ring, position: u64) {
        let to = position + position.saturating_sub(self.dry).min(AHEAD_BYTES);
        self.fetched = ring.prefetch(self.fetched.max(position), to);
    }
}

impl Consumer {
    /// Shows records from `start` on, a position between records, that end at or before `limit`, or
    /// `first_limit` for the first one; returns how many. `reached` follows the end of what was
    /// shown, and is ahead of `read`, so it is right when that unwinds.
    // The place of a header depends on the previous header, so each load depends on the previous one. Records
    // often take as much space as the one before. The inner loop assumes this: the place then does not depend
    // on loaded data, and the processor can load ahead. It ends where the next lines should be asked for.
    #[inline]
    pub(super) fn walk<const NEAR: bool>(
        &self,
        start: u64,
        first_limit: u64,
        limit: u64,
        reached: &mut u64,
        ahead: &mut Ahead,
        mut read: impl FnMut(Record<'_>),
    ) -> usize {
        let mut records = 0;
        let mut allowed = first_limit;
        let mut position = start;
        let mut next = self.receive(position);
        let mut last_span = 0;
        while let Some(mut header) = next {
            let span = header.span();
            let run = if NEAR {
                limit
            } else {
                ahead.look(&self.ring, position, span, last_span).min(limit)
            };
            last_span = span;
            if records > 0 {
                allowed = run;
            }
            loop {
                let end = position + span;
                if end > allowed {
                    if records == 0 || end > limit {
                        return records;
                    }
                    break;
                }
                *reached = end;
                if !header.is_skip() {
                    records += 1;
                    allowed = run;
                    read(self.record(position, header));
                }
                position = end;
                next = self.receive(position);
                match next {
                    Some(same) if same.span() == span => header = same,
                    _ => break,
                }
            }
        }
        ahead.dry = position;
        records
    }

    /// How many bytes a drain reads before it frees them.
    #[inline]
    pub(super) fn freed_together(&self) -> u64 {
        let capacity = self.capacity() as u64;
        if self.ahead.near {
            FREED_TOGETHER_NEAR_BYTES.min(capacity / 4)
        } else {
            (capacity / 8).clamp(FREED_TOGETHER_NEAR_BYTES, FREED_TOGETHER_BYTES).min(capacity / 4)
        }
    }

    /// Collects records from `position` on, a position between records, and shows their headers: see
    /// [`Ring::measure`](crate::ring::Ring::measure).
    #[inline]
    pub(super) fn measure(
        &mut self,
        position: u64,
        max_bytes: usize,
        each: impl FnMut(Header, u64),
    ) -> Batch<'_> {
        self.assert_boundary(position);
        let mut end = position;
        let limit = position.saturating_add(max_bytes as u64);
        // SAFETY: this is the ring's consumer, `head` its head, and `position` lies between records.
        let records = unsafe { self.ring.measure(self.head, limit, &mut end, each) };
        self.note_boundary(end);
        Batch::new(self, position, end, records)
    }

    /// Whether there is a record. Frees the dead space before it, as a producer may wait for that.
    #[cfg(feature = "std")]
    pub(crate) fn has_record(&mut self) -> bool {
        self.skip_to_record().is_some()
    }

    /// Frees the dead space at the head; returns the header of the record after it.
    #[inline]
    pub(super) fn skip_to_record(&mut self) -> Option<Header> {
        let mut position = self.head;
        let header = loop {
            match self.receive(position) {
                Some(header) if header.is_skip() => position += header.span(),
                other => break other,
            }
        };
        if position != self.head {
            self.free_to(position);
        }
        header
    }

    /// The header at `position`, a position between records.
    #[inline]
    pub(crate) fn receive(&self, position: u64) -> Option<Header> {
        // SAFETY: this is the ring's consumer, `head` its head; every caller starts at a position
        // between records and goes on by the spans received.
        unsafe { self.ring.receive(self.head, position) }
    }

    /// The word at `position`, a position between records: 0 in its lower half if nothing is committed.
    #[inline]
    pub(super) fn receive_word(&self, position: u64) -> u64 {
        // SAFETY: as in `receive`.
        unsafe { self.ring.receive_word(self.head, position) }
    }

    #[inline]
    pub(super) fn note_boundary(&mut self, end: u64) {
        self.boundary = end;
        self.shown_to = self.shown_to.max(end);
    }

    /// The record whose `header` was received at `position`.
    #[inline]
    pub(crate) fn record(&self, position: u64, header: Header) -> Record<'_> {
        // SAFETY: received at this position, and not released while `self` is borrowed, as
        // freeing takes `&mut self`.
        let payload = unsafe { self.ring.payload(position, header) };
        Record::new(payload, header.tag(), position)
    }

    /// Gives everything before `end`, a position between records, back to the producer.
    #[inline]
    pub(crate) fn free_to(&mut self, end: u64) {
        if end == self.head {
            // Storing the same head again would take its line from a producer that looks at it.
            return;
        }
        if (self.head ^ end) >= LOOKED_UP_EVERY_BYTES {
            // Often enough for threads that move, and too rarely to be seen in a single record.
            self.ahead.near = self.ring.shares_core_with_producer();
        }
        // SAFETY: `head` is the head, everything before `end` was received, and `&mut self`
        // leaves no record of this ring borrowed.
        unsafe { self.ring.release(self.head, end, self.ahead.near) };
        self.head = end;
        self.boundary = self.boundary.max(end);
    }

    /// The memory of `start..end`, two positions between records, all of them received.
    pub(crate) fn bytes(&self, start: u64, end: u64) -> (&[u8], &[u8]) {
        // SAFETY: received, and not released while `self` is borrowed, as freeing takes
        // `&mut self`.
        unsafe { self.ring.bytes(start, end) }
    }

    /// For a [`ReadClaim`]: the payload of the record at the head.
    #[inline]
    pub(crate) fn payload_at_head(&self, header: Header) -> &[u8] {
        self.record(self.head, header).payload()
    }

    /// For a [`ReadClaim`]: frees the record at the head.
    #[inline]
    pub(crate) fn free_at_head(&mut self, header: Header) {
        self.free_to(self.head + header.span());
    }

    /// Positions come from outside: one inside a record would have payload taken for headers.
    pub(super) fn assert_boundary(&self, position: u64) {
        if position == self.boundary || position == self.head {
            return;
        }
        let mut reached = self.head;
        while reached < position {
            let Some(header) = self.receive(reached) else { break };
            reached += header.span();
        }
        // In a file the headers may have been changed since they were walked through (R6).
        let has_changed = || {
            let is_shown = (self.head..=self.shown_to).contains(&position);
            self.ring.is_in_file() && is_shown && position.is_multiple_of(8)
        };
        assert!(
            reached == position || has_changed(),
            "position {position} is not between committed records (head {}, next {reached})",
            self.head
        );
    }
}
