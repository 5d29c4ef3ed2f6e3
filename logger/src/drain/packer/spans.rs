//! Contexts: what the records of the next block need to know of spans.
//!
//! Only the blocks of a program that has spans get one. The records of such a block are looked through once more if there
//! are events of spans among them.

use stenolog_format::dictionary::{CallSite, TimeSource};
use stenolog_format::span::SpanEvent;
use stenolog_format::value::Encoding;
use stenolog_ringbuf::Record;
use stenolog_session::spans::SpanTracker;
use stenolog_session::writer::DumpWriter;

use super::{PackedSites, Packer};
use crate::drain::rings::{DrainRing, DrainRings};
use crate::drain::segment::Segment;

/// The bytes of the time word.
const TIME_BYTES: usize = 8;

impl Packer {
    /// Puts the context of the next block, whose parts are those rings up to those positions.
    pub(super) fn put_context(
        &mut self,
        rings: &mut DrainRings,
        parts: &[(usize, u64)],
        segment: &mut Segment,
    ) {
        let sites = &mut self.sites;
        if sites.has_met_event {
            sites.learn_all();
        }
        let (rings, spans) = rings.with_spans();
        spans.begin_block();
        for &(at, end) in parts {
            let ring = &mut rings[at];
            spans.begin_part(ring.id(), ring.slot.thread.continues);
            ring.consumer.scan_from(ring.taken_to, 1, |record| sites.note_first(record, spans));
            if sites.has_met_event {
                let (start, bytes) = (ring.taken_to, (end - ring.taken_to) as usize);
                ring.consumer.scan_from(start, bytes, |record| sites.note_event(record, spans));
            }
        }
        if spans.is_any_unknown() {
            let is_part = |at| parts.iter().any(|&(part, _)| part == at);
            sites.learn_all();
            let others = rings.iter_mut().enumerate().filter(|&(at, _)| !is_part(at));
            others.for_each(|(_, ring)| sites.peek(ring, spans));
        }
        for &(at, _) in parts {
            segment.writer.state_thread(&rings[at].slot.thread);
        }
        sites.put_context(spans, &mut segment.writer);
    }
}

impl PackedSites {
    /// States the call sites that the next block and its context need, and puts the context.
    pub(super) fn put_context(&mut self, spans: &mut SpanTracker, writer: &mut DumpWriter) {
        spans.context();
        for &site in spans.sites() {
            self.get(site, writer);
        }
        self.state(writer);
        writer.put_context(spans.stated());
    }

    /// Tells the tracker when a part of a block begins.
    pub(super) fn note_first(&self, record: Record<'_>, spans: &mut SpanTracker) {
        let at = record.tag().checked_sub(CallSite::FIRST_ID).map(|at| at as usize);
        let known = at.and_then(|at| self.known.get(at));
        let is_counter = known.is_none_or(|known| known.site.time == TimeSource::Counter);
        if let Some(time) = time(record).filter(|_| is_counter) {
            spans.note_first_time(time);
        }
    }

    /// Tells the tracker of a record, if it is an event of a span.
    pub(super) fn note_event(&self, record: Record<'_>, spans: &mut SpanTracker) {
        let Some((event, site, values)) = self.event(record) else { return };
        spans.set_time(time(record).unwrap_or_default());
        // Values that do not fit are no event: the block has them raw.
        let _ = spans.note(event, site, values, Encoding::Raw);
    }

    /// Tells the tracker of the spans that begin in records of a ring which come later.
    fn peek(&self, ring: &mut DrainRing, spans: &mut SpanTracker) {
        if ring.is_set_aside {
            return;
        }
        let from = ring.peeked_to.max(ring.taken_to);
        ring.peeked_to = ring.consumer.scan_from(from, usize::MAX, |record| {
            let Some((event, site, values)) = self.event(record) else { return };
            let _ = spans.note_ahead(event, site, values, Encoding::Raw);
        });
    }

    fn event<'r>(&self, record: Record<'r>) -> Option<(SpanEvent, &CallSite, &'r [u8])> {
        let at = record.tag().checked_sub(CallSite::FIRST_ID)? as usize;
        let known = self.known.get(at)?;
        Some((known.event?, &known.site, record.payload().get(TIME_BYTES..)?))
    }
}

/// The time word of a record.
fn time(record: Record<'_>) -> Option<u64> {
    record.payload().first_chunk().map(|word| u64::from_le_bytes(*word))
}
