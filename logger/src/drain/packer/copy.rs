//! Raw copies of a ring's records, for the tail and the console.

use stenolog_session::spans::SpanTracker;
use stenolog_session::writer::DumpWriter;

use super::Packer;
use crate::drain::rings::DrainRing;
use crate::process::memory::has_memory;

/// The records of a ring that were copied.
pub(in crate::drain) struct Copied {
    /// The position after them, and the number of the next record.
    pub(in crate::drain) end: (u64, u64),
    /// Whether hardly any are left.
    pub(in crate::drain) is_rest_short: bool,
}

impl Packer {
    /// Puts the records that neither the segment nor the tail has into the tail, raw. Returns how many bytes of
    /// the ring they take, and whether hardly any are left: of more than `limit` bytes, only a part is copied.
    pub(in crate::drain) fn copy(
        &mut self,
        ring: &mut DrainRing,
        tail: &mut DumpWriter,
        limit: usize,
    ) -> (usize, bool) {
        let from = ring.seen();
        let Copied { end: (end, records), is_rest_short } =
            self.copy_from(ring, from, (tail, None), limit);
        ring.note_copied(end, records);
        ((end - from.0) as usize, is_rest_short)
    }

    /// Puts the records of a ring into a segment, raw, from a position and the number of its first record on. Of
    /// more than `limit` bytes, only a part is copied. With a tracker the blocks get contexts: the tail needs none, as it
    /// goes on where the dump ends.
    pub(in crate::drain) fn copy_from(
        &mut self,
        ring: &mut DrainRing,
        (start, mut records): (u64, u64),
        (tail, mut spans): (&mut DumpWriter, Option<&mut SpanTracker>),
        limit: usize,
    ) -> Copied {
        let (mut begin, mut position, mut is_rest_short) = (start, start, true);
        loop {
            let batch = ring.consumer.batch_from(position, limit);
            if batch.is_empty() {
                position = batch.end();
                break;
            }
            // In the buffer, while it grows.
            let is_long = batch.len_bytes() > limit;
            if position - start >= limit as u64 || is_long && !has_memory(4 * batch.len_bytes()) {
                is_rest_short = false;
                break;
            }
            self.builder.begin(ring.slot.thread.ring, begin, records);
            batch.records().for_each(|record| self.note_record(record, tail));
            (begin, position) = (batch.end(), batch.end());
            let (first, second) = batch.raw_slices();
            if self.builder.count() > 0 {
                tail.state_thread(&ring.slot.thread);
                if let Some(spans) = spans.as_deref_mut().filter(|_| self.sites.knows_events) {
                    spans.begin_block();
                    spans.begin_part(ring.slot.thread.ring, ring.slot.thread.continues);
                    let first = batch.records().next();
                    first.into_iter().for_each(|record| self.sites.note_first(record, spans));
                    batch.records().for_each(|record| self.sites.note_event(record, spans));
                    self.sites.put_context(spans, tail);
                    spans.commit();
                } else {
                    self.sites.state(tail);
                }
                let builder = &mut self.builder;
                let put = tail.put_block(|out| builder.finish_raw(begin, &[first, second], out));
                records += u64::from(put.count);
            }
        }
        Copied { end: (position, records), is_rest_short }
    }
}
