//! Rings that the drain reads: how far it has read each one, and which can be released.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::volatile::VolatileState;
use stenolog_ringbuf::Consumer;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::spans::SpanTracker;

use super::pacing::SHORTEST_SLEEP;
use super::packer::Pressure;
use super::report::VolatileReports;
use super::segment::Segment;
use crate::core::{Core, NewRing, RingSlot};
use crate::error::DrainError;
use crate::{registry, ring_dir};

/// A ring that was empty for this long does not keep the end of the process waiting.
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// The records of a ring that the segment has, or states to be gone: those from `first` on.
#[derive(Clone, Copy, Default)]
pub(super) struct InSegment {
    pub(super) first: u64,
    /// The disk may lack those from this number on.
    pub(super) unsynced: u64,
    /// Those below are gone, and were counted.
    pub(super) gone_to: u64,
}

/// A ring, and what the drain knows about its records.
pub(super) struct DrainRing {
    pub(super) slot: Arc<RingSlot>,
    pub(super) consumer: Consumer,
    /// Up to where its records are in the file or pending; freed when the file has them.
    pub(super) taken_to: u64,
    /// Up to where the tail has its records, and how many records that are since the ring began. Less than
    /// what was taken, if the tail has none of them.
    copied: (u64, u64),
    /// Up to where the console has its records.
    #[cfg(feature = "console")]
    pub(super) shown_to: u64,
    /// How many bytes that were when the segment last began to take them.
    pub(super) copied_before: usize,
    /// The end of the last block: the next one begins there, dead space or not.
    pub(super) stated_to: u64,
    /// How many records were taken.
    pub(super) records: u64,
    /// `stated_to` and `records` as of the last write that succeeded.
    pub(super) written: (u64, u64),
    /// Whether the drain keeps up with it.
    pub(super) pressure: Pressure,
    /// How many bytes the last pass took.
    pub(super) last_bytes: usize,
    /// When a pass last took something.
    pub(super) last_taken: Instant,
    /// How long to leave the ring alone after that.
    pub(super) rest: Duration,
    pub(super) in_segment: InSegment,
    /// Which of its two pairs of position and number was stated last.
    is_odd: bool,
    /// The losses that the segment states.
    pub(super) stated: Loss,
    /// The number after the last record of the last block with an error.
    pub(super) errors_to: u64,
    /// Up to where beginnings of spans were looked up that records of other rings need.
    pub(super) peeked_to: u64,
    /// The segment states that the ring does not survive the process, if that is so.
    pub(super) is_stated_volatile: bool,
    /// Whether it was reported, or is about to be, that the ring is in memory.
    pub(super) is_told_volatile: bool,
    /// Whether another program has written to its file. It is then no longer read.
    pub(super) is_set_aside: bool,
}

impl DrainRing {
    fn new((slot, consumer): NewRing, now: Instant) -> Self {
        let position = consumer.position();
        Self {
            slot,
            consumer,
            taken_to: position,
            copied: (position, 0),
            #[cfg(feature = "console")]
            shown_to: position,
            copied_before: 0,
            stated_to: position,
            records: 0,
            written: (position, 0),
            pressure: Pressure::default(),
            last_bytes: 0,
            last_taken: now,
            rest: SHORTEST_SLEEP,
            in_segment: InSegment::default(),
            is_odd: false,
            stated: Loss::default(),
            errors_to: 0,
            peeked_to: position,
            is_stated_volatile: false,
            is_told_volatile: false,
            is_set_aside: false,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.slot.thread.ring
    }

    /// Whether nothing was committed since the last take.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.consumer.is_end(self.taken_to)
    }

    /// The end of what the segment or the tail has: its position, and how many records come before it.
    pub(super) fn seen(&self) -> (u64, u64) {
        if self.copied.0 > self.taken_to { self.copied } else { (self.taken_to, self.records) }
    }

    /// Notes that the tail has everything up to there.
    pub(super) const fn note_copied(&mut self, to: u64, records: u64) {
        self.copied = (to, records);
    }

    /// How many bytes of the ring are in use, as far as they were seen.
    pub(super) fn held_bytes(&self) -> usize {
        (self.seen().0 - self.consumer.position()) as usize
    }

    /// How many bytes of the ring the tail has, and the segment lacks.
    fn copied_bytes(&self) -> usize {
        (self.seen().0 - self.taken_to) as usize
    }

    /// Whether the tail has records that the segment lacks.
    pub(super) const fn is_tail_needed(&self) -> bool {
        self.copied.0 > self.taken_to
    }

    /// Whether another program wrote to the ring's file: after the records taken so far there is something
    /// that is not a record, or nothing although the thread has committed more, or more was taken than the
    /// thread ever committed.
    pub(super) fn is_overwritten(&self) -> bool {
        self.is_overwritten_after(self.taken_to)
    }

    /// The same after the records that were copied or taken.
    pub(super) fn is_overwritten_after_copies(&self) -> bool {
        self.is_overwritten_after(self.seen().0)
    }

    fn is_overwritten_after(&self, read_to: u64) -> bool {
        // First, so everything committed by then is seen. If the thread has ended, that is everything.
        let is_retired = self.slot.is_retired();
        let committed_to = self.slot.committed_to();
        // What was copied had been committed.
        let known_to = committed_to.max(self.copied.0);
        self.consumer.damage_at(read_to).is_some()
            || (read_to < known_to && self.consumer.is_end(read_to))
            || (read_to > committed_to && is_retired)
    }

    /// Whether there are losses that the segment does not state.
    pub(super) fn owes_loss(&self) -> bool {
        self.slot.loss(0).total() != self.stated.total()
    }

    /// States losses that no record has followed. `false` if all are stated.
    pub(super) fn put_loss(&mut self, core: &Core, segment: &mut Segment) -> bool {
        let loss = self.slot.loss(core.clock.now());
        if loss.total() == self.stated.total() {
            return false;
        }
        self.stated = loss;
        segment.writer.state_thread(&self.slot.thread);
        let (ring, position) = (self.id(), self.taken_to);
        segment.writer.put_loss(&LossFrame { ring, position, loss, gone: None });
        true
    }

    /// Stops reading a ring that another program has written to, states that, and makes its thread take
    /// another ring. `false` if nothing indicates that.
    pub(super) fn set_aside_if_overwritten(&mut self, core: &Core, segment: &mut Segment) -> bool {
        if self.is_set_aside || !self.is_overwritten() {
            return false;
        }
        self.is_set_aside = true;
        // Those that were overwritten since they were copied count as lost with what followed them.
        self.note_copied(self.taken_to, self.records);
        // The number of lost records is unknown, because each record says where the next one begins.
        let gone = Gone { first: self.records, count: 1, cause: GoneCause::Overwritten as u8 };
        let loss = self.slot.loss(core.clock.now());
        let (ring, position) = (self.id(), self.taken_to);
        self.stated = loss;
        self.records += gone.count;
        self.stated_to = position;
        segment.writer.state_thread(&self.slot.thread);
        segment.writer.put_loss(&LossFrame { ring, position, loss, gone: Some(gone) });
        if self.slot.set_aside() {
            let thread = self.slot.thread.name.clone();
            core.counters.lost.fetch_add(gone.count, Ordering::Release);
            // The thread's next call takes the cold path, and finds out.
            registry::forget_decisions();
            let path = segment.file.path().to_owned();
            let error = DrainError::RingOverwritten { path, ring, thread, position };
            core.config.listeners.tell(error);
        }
        true
    }

    /// Frees what the file has (S1).
    fn release(&mut self) {
        self.written = (self.stated_to, self.records);
        if self.consumer.position() != self.taken_to {
            self.is_odd = !self.is_odd;
            ring_dir::state_number(&self.consumer, self.is_odd, self.taken_to, self.records);
            self.consumer.release_to(self.taken_to);
            failpoint::after(Step::Released);
        }
    }

    /// Takes back what the file did not get (S3).
    fn rewind(&mut self) {
        self.taken_to = self.consumer.position();
        // If the old file states that the ring was set aside, the new one states it too, with all lost records.
        self.is_set_aside &= self.records == self.written.1;
        (self.stated_to, self.records) = self.written;
    }

    /// Whether the thread has ended, and all of its records and losses are in the segment.
    fn is_done(&self) -> bool {
        // Check for retirement first: only then does an empty ring stay empty, and its loss the last one.
        self.slot.is_retired()
            && self.consumer.position() == self.taken_to
            && self.consumer.is_empty()
            && (self.is_set_aside || !self.is_overwritten())
            && !self.owes_loss()
    }
}

/// The rings of a drain.
#[derive(Default)]
pub(super) struct DrainRings {
    rings: Vec<DrainRing>,
    /// Places of the rings of which something is pending.
    taken: Vec<usize>,
    /// How many rings threads had left when the rings were last searched for them.
    retired: u64,
    /// Whether a ring may be released soon.
    is_any_leaving: bool,
    volatile: VolatileReports,
    /// What the blocks so far say of spans.
    spans: SpanTracker,
}

impl DrainRings {
    pub(super) fn len(&self) -> usize {
        self.rings.len()
    }

    pub(super) fn at(&mut self, at: usize) -> &mut DrainRing {
        &mut self.rings[at]
    }

    /// The rings, and what their blocks say of spans.
    pub(super) fn with_spans(&mut self) -> (&mut [DrainRing], &mut SpanTracker) {
        (&mut self.rings, &mut self.spans)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DrainRing> + Clone {
        self.rings.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut DrainRing> {
        self.rings.iter_mut()
    }

    pub(super) fn find(&mut self, ring: u32) -> Option<&mut DrainRing> {
        self.rings.iter_mut().find(|candidate| candidate.id() == ring)
    }

    /// Whether one of them holds a record.
    pub(super) fn have_records(&self) -> bool {
        self.rings.iter().any(|ring| !ring.consumer.is_empty())
    }

    /// The sum of the losses that the segment states of them.
    pub(super) fn lost(&self) -> u64 {
        self.rings.iter().map(|ring| ring.stated.total()).sum()
    }

    /// Takes in the rings that were created since the last call. A ring that continues another one comes
    /// after it, and the other one gets no more records: the pass that follows takes all of them first.
    pub(super) fn adopt(&mut self, core: &Core, now: Instant) {
        let new = core.rings.take_new().into_iter();
        self.is_any_leaving |= new.len() > 0;
        self.rings.extend(new.map(|ring| DrainRing::new(ring, now)));
    }

    /// Notes how much of each the tail has and the segment lacks.
    pub(super) fn note_copied_bytes(&mut self) {
        for ring in &mut self.rings {
            ring.copied_before = ring.copied_bytes();
        }
    }

    /// How many records the tail has, and the segment lacks.
    pub(super) fn copied_records(&self) -> u64 {
        self.rings.iter().map(|ring| ring.seen().1.saturating_sub(ring.records)).sum()
    }

    /// Notes that the tail has nothing of them.
    pub(super) fn forget_copies(&mut self) {
        for ring in &mut self.rings {
            ring.note_copied(ring.taken_to, ring.records);
        }
    }

    /// Notes that something of the ring at this place is pending.
    pub(super) fn note_taken(&mut self, at: usize) {
        self.taken.push(at);
    }

    /// Frees what the file has (S1).
    pub(super) fn release(&mut self) {
        for at in self.taken.drain(..) {
            self.rings[at].release();
        }
        self.spans.commit();
    }

    /// Takes back what the file did not get (S3).
    pub(super) fn rewind(&mut self) {
        self.taken.clear();
        self.rings.iter_mut().for_each(DrainRing::rewind);
        self.spans.rewind();
    }

    /// Notes that a pass has packed what the rings held.
    pub(super) fn end_packing(&mut self) {
        self.spans.end_pass();
    }

    /// Whether a thread has left its ring since the rings were last searched for those.
    pub(super) fn is_any_newly_left(&self, core: &Core) -> bool {
        core.counters.retired.load(Ordering::Acquire) != self.retired
    }

    /// Releases empty rings whose thread has ended, so another thread can use them. Calls `retire` for each.
    pub(super) fn let_go(&mut self, core: &Core, mut retire: impl FnMut(&DrainRing)) {
        let retired = core.counters.retired.load(Ordering::Acquire);
        if std::mem::replace(&mut self.retired, retired) == retired && !self.is_any_leaving {
            return;
        }
        self.is_any_leaving = false;
        let mut at = 0;
        while at < self.rings.len() {
            let ring = &self.rings[at];
            let is_retired = ring.slot.is_retired();
            if !ring.is_done() {
                self.is_any_leaving |= is_retired;
                at += 1;
                continue;
            }
            let ring = self.rings.swap_remove(at);
            self.spans.end_ring(ring.id());
            retire(&ring);
            match ring.slot.take_producer() {
                _ if ring.is_set_aside => core.rings.discard(&ring.slot),
                Some(producer) => core.rings.recycle(producer, ring.consumer, &ring.slot),
                None => {}
            }
        }
    }

    /// States which rings do not survive the process. If none does, the segment began with that.
    pub(super) fn state_volatile(&mut self, core: &Core, segment: &mut Segment) {
        if core.ring_dir().is_none() {
            return;
        }
        for ring in self.rings.iter_mut().filter(|ring| !ring.is_stated_volatile) {
            let Some((state, reason)) = ring.slot.volatile() else { continue };
            let reason = reason.to_owned();
            if state == VolatileState::Memory && !ring.is_told_volatile {
                self.volatile.note(&reason);
            }
            ring.is_told_volatile = true;
            ring.is_stated_volatile = true;
            segment.writer.state_thread(&ring.slot.thread);
            segment.put_volatile(ring.id(), state, ring.records, reason);
        }
        self.tell_volatile(core, segment.file.path(), false);
    }

    /// Reports rings in memory, at most once a second unless this is the last chance.
    pub(super) fn tell_volatile(&mut self, core: &Core, path: &Path, is_last: bool) {
        self.volatile.tell(core, path, is_last);
    }

    /// Leaves the consumers to the rings' threads, which count late records.
    pub(super) fn leave(&mut self, core: &Core) {
        let new = core.rings.close_registration();
        let rings = self.rings.drain(..).map(|ring| (ring.slot, ring.consumer));
        for (slot, consumer) in rings.chain(new) {
            slot.leave_consumer(consumer);
        }
    }

    /// Whether a thread that logged recently may be in a call.
    pub(super) fn is_any_thread_running(&self) -> bool {
        self.rings.iter().any(|ring| {
            !ring.slot.is_retired()
                && ring.last_taken.elapsed() < IDLE_AFTER
                && crate::process::calls::is_thread_running(ring.slot.thread.os_id)
        })
    }
}
