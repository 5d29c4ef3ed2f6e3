//! Ledger: which records of each ring the segment has, and what would be lost with its file.
//!
//! Records are identified by ring and number. When a file is taken away, the next segment can therefore state
//! exactly which ones are gone, including those of threads that ended long ago.

use std::sync::atomic::Ordering;

use stenolog_format::dictionary::Thread;
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};

use super::rings::{DrainRing, DrainRings, InSegment};
use super::segment::Segment;
use crate::core::Core;

/// At most this many retired rings are remembered one by one.
const MAX_RETIRED: usize = 4096;

/// A ring whose thread has ended, but whose records or losses are in the segment.
struct RetiredRing {
    thread: Thread,
    position: u64,
    records: u64,
    in_segment: InSegment,
    loss: Loss,
}

impl RetiredRing {
    /// The ring id for all rings that are not tracked one by one.
    const OVERFLOW: u32 = 0;

    /// All retired rings for which the ledger has no room, combined. Their numbers are added up.
    fn overflow() -> Self {
        Self {
            thread: Thread { ring: Self::OVERFLOW, os_id: 0, name: String::new(), continues: None },
            position: 0,
            records: 0,
            in_segment: InSegment::default(),
            loss: Loss::default(),
        }
    }

    fn new(ring: &DrainRing) -> Self {
        Self {
            thread: ring.slot.thread.clone(),
            position: ring.stated_to,
            records: ring.records,
            in_segment: ring.in_segment,
            loss: ring.stated,
        }
    }

    /// Adds the facts to remember about a ring.
    fn add(&mut self, ring: &DrainRing) {
        // Counted from the end, because records that are not on the disk came last, or are assumed to have.
        let InSegment { first, unsynced, gone_to } = ring.in_segment;
        self.records += ring.records - first;
        self.in_segment.unsynced += unsynced - first;
        self.in_segment.gone_to += gone_to.saturating_sub(first);
        let add = |sum: &mut [u64; 5], more: [u64; 5]| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        };
        add(&mut self.loss.full, ring.stated.full);
        add(&mut self.loss.too_large, ring.stated.too_large);
    }
}

/// Records of one ring that a file has, and that are lost if the file is.
pub(super) struct LostRange {
    thread: Thread,
    position: u64,
    first: u64,
    count: u64,
    /// How many of them have not been counted as lost.
    uncounted: u64,
    loss: Loss,
}

/// The segment's records of retired rings, and its statements about earlier segments.
pub(super) struct Ledger {
    retired: Vec<RetiredRing>,
    overflow: RetiredRing,
    /// The losses of retired rings that are no longer among the drain's.
    lost: u64,
    /// The pending bytes state that records are gone, which the file does not say yet.
    pub(super) pending_cause: Option<GoneCause>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            retired: Vec::new(),
            overflow: RetiredRing::overflow(),
            lost: 0,
            pending_cause: None,
        }
    }

    /// Remembers a ring that the drain releases.
    pub(super) fn retire(&mut self, ring: &DrainRing) {
        self.lost += ring.stated.total();
        if self.retired.len() < MAX_RETIRED {
            self.retired.push(RetiredRing::new(ring));
        } else {
            self.overflow.add(ring);
        }
    }

    /// How many records retired rings lost.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    fn all_retired(&mut self) -> impl Iterator<Item = &mut RetiredRing> {
        self.retired.iter_mut().chain([&mut self.overflow])
    }

    /// Notes that the disk has everything that was written.
    pub(super) fn note_synced(&mut self, rings: &mut DrainRings) {
        for ring in rings.iter_mut() {
            ring.in_segment.unsynced = ring.written.1;
        }
        for ring in self.all_retired() {
            ring.in_segment.unsynced = ring.records;
        }
    }

    /// The segment's records of each ring, between two of its numbers. `to` is also given the number after
    /// the ring's last record.
    pub(super) fn ranges(
        &self,
        rings: &DrainRings,
        from: fn(InSegment) -> u64,
        to: fn(InSegment, u64) -> u64,
    ) -> Vec<LostRange> {
        let range = |thread: &Thread, position, records: u64, in_segment: InSegment, loss| {
            let (first, after) = (from(in_segment), to(in_segment, records));
            let count = after.saturating_sub(first);
            let uncounted = after.saturating_sub(first.max(in_segment.gone_to));
            LostRange { thread: thread.clone(), position, first, count, uncounted, loss }
        };
        let retired = self.retired.iter().chain([&self.overflow]);
        let retired =
            retired.map(|r| range(&r.thread, r.position, r.records, r.in_segment, r.loss));
        let rings = rings.iter().map(|ring| {
            let loss = ring.slot.loss(0);
            range(&ring.slot.thread, ring.stated_to, ring.records, ring.in_segment, loss)
        });
        retired.chain(rings).filter(|range| range.count > 0 || range.loss.total() > 0).collect()
    }

    /// States that records are gone, and the losses that an earlier file stated. Counts and returns how
    /// many records are gone that were not before.
    pub(super) fn state_lost(
        &mut self,
        ranges: &[LostRange],
        cause: GoneCause,
        core: &Core,
        rings: &mut DrainRings,
        segment: &mut Segment,
    ) -> u64 {
        self.pending_cause = Some(cause);
        let counter = core.clock.now();
        for range in ranges {
            let LostRange { first, count, position, .. } = *range;
            let ring = range.thread.ring;
            if ring != RetiredRing::OVERFLOW {
                segment.writer.state_thread(&range.thread);
            }
            if let Some(ring) = rings.find(ring) {
                ring.stated = range.loss;
            }
            let gone = (count > 0).then_some(Gone { first, count, cause: cause as u8 });
            let loss = Loss { counter, ..range.loss };
            segment.writer.put_loss(&LossFrame { ring, position, loss, gone });
        }
        let lost = ranges.iter().map(|range| range.uncounted).sum();
        core.counters.lost_with_files.fetch_add(lost, Ordering::Relaxed);
        lost
    }

    /// Notes that this segment, and no longer an earlier one, states that a range is gone.
    pub(super) fn take_over(&mut self, range: LostRange, rings: &mut DrainRings) {
        let after = range.first + range.count;
        let id = range.thread.ring;
        let in_segment = match rings.find(id) {
            Some(ring) => Some(&mut ring.in_segment),
            None => {
                let mut retired = self.retired.iter_mut().chain([&mut self.overflow]);
                retired.find(|ring| ring.thread.ring == id).map(|ring| &mut ring.in_segment)
            }
        };
        if let Some(in_segment) = in_segment {
            in_segment.first = in_segment.first.min(range.first);
            in_segment.unsynced = in_segment.unsynced.min(range.first);
            in_segment.gone_to = in_segment.gone_to.max(after);
        } else if self.retired.len() < MAX_RETIRED {
            let first = range.first;
            self.retired.push(RetiredRing {
                in_segment: InSegment { first, unsynced: first, gone_to: after },
                thread: range.thread,
                position: range.position,
                records: after,
                loss: range.loss,
            });
        }
    }

    /// Begins the account of a segment: `first_of` says from which of a ring's numbers on the segment has,
    /// or states, its records.
    pub(super) fn begin_segment(
        &mut self,
        rings: &mut DrainRings,
        first_of: impl Fn(InSegment, u64) -> u64,
    ) {
        let renew = |in_segment: &mut InSegment, records| {
            let first = first_of(*in_segment, records);
            *in_segment = InSegment { first, unsynced: first, gone_to: records };
        };
        for ring in rings.iter_mut() {
            ring.is_stated_volatile = false;
            renew(&mut ring.in_segment, ring.records);
        }
        for ring in self.all_retired() {
            renew(&mut ring.in_segment, ring.records);
        }
        self.retired.retain(|ring| ring.in_segment.first < ring.records || ring.loss.total() > 0);
    }
}
