//! The consumer's walk from header to header, and what it frees.

use super::{Consumer, FREED_TOGETHER_BYTES};
use crate::batch::{Batch, Record};
use crate::header::Header;

impl Consumer {
    /// Shows records from `start` on, a position between records, that end at or before `limit`, or
    /// `first_limit` for the first one; returns how many. `reached` follows the end of what was
    /// shown, and is ahead of `read`, so it is right when that unwinds.
    // The place of a header depends on the previous header, so each load depends on the previous one. Records
    // often take as much space as the one before. The inner loop assumes this: the place then does not depend
    // on loaded data, and the processor can load ahead.
    #[inline]
    pub(super) fn walk(
        &self,
        start: u64,
        first_limit: u64,
        limit: u64,
        reached: &mut u64,
        mut read: impl FnMut(Record<'_>),
    ) -> usize {
        let mut records = 0;
        let mut allowed = first_limit;
        let mut position = start;
        let mut next = self.receive(position);
        while let Some(mut header) = next {
            let span = header.span();
            loop {
                let end = position + span;
                if end > allowed {
                    return records;
                }
                *reached = end;
                if !header.is_skip() {
                    records += 1;
                    allowed = limit;
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
        records
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
        if (self.head ^ end) >= FREED_TOGETHER_BYTES {
            // Often enough for threads that move, and too rarely to be seen in a single record.
            self.near = self.ring.shares_core_with_producer();
        }
        // SAFETY: `head` is the head, everything before `end` was received, and `&mut self`
        // leaves no record of this ring borrowed.
        unsafe { self.ring.release(self.head, end, self.near) };
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
