//! The rings that the drain looks after.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stenolog_format::frame::FrameKind;
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::volatile::VolatileState;
use stenolog_ringbuf::Consumer;

use super::files::{Departed, InFile, MAX_DEPARTED};
use super::{Scanner, put_explanations, put_metadata};
use crate::core::RingSlot;
use crate::drain::SHORTEST_SLEEP;
use crate::error::DrainError;
use crate::event::Event;
use crate::registry;

/// How long a ring must be quiet before its thread counts as idle.
const OF_LATE: Duration = Duration::from_secs(2);

/// A ring, and what is known of what it held.
pub(super) struct DrainRing {
    pub(super) slot: Arc<RingSlot>,
    pub(super) consumer: Consumer,
    /// Up to where the buffer, or the file, has the ring's records; freed when the file has them.
    pub(super) taken_to: u64,
    /// The end of the last block: the next one begins there, dead space or not.
    pub(super) stated_to: u64,
    pub(super) records: u64,
    /// `stated_to` and `records` as of the last write that succeeded.
    pub(super) written: (u64, u64),
    /// What the last pass took.
    pub(super) last_bytes: usize,
    /// When a pass last took something.
    pub(super) last_taken: Instant,
    /// How long it may be left alone then.
    pub(super) rest: Duration,
    pub(super) in_file: InFile,
    /// Which of its pairs of numbers was stated last.
    pub(super) is_odd: bool,
    /// The losses that the file states.
    pub(super) stated: Loss,
    pub(super) is_introduced: bool,
    /// The number of the first record behind the last block that has an error.
    pub(super) errors_to: u64,
    /// The file states that the ring does not survive the process, if it does not.
    pub(super) is_stated_volatile: bool,
    /// Whether it was reported, or is about to be, that the ring is in memory.
    pub(super) is_told_volatile: bool,
    /// Another program has written to its file: it is no longer read.
    pub(super) is_set_aside: bool,
}

/// How often to report that rings are in memory.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl DrainRing {
    /// Whether nothing was committed since all that was has been taken.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.consumer.is_end(self.taken_to)
    }

    /// Whether another program wrote to the ring's file: after the records taken so far there is something
    /// that is not a record, or nothing although the thread has committed more, or more was taken than the
    /// thread ever committed.
    fn is_overwritten(&self) -> bool {
        // First: what was committed by then is seen, and is all if the thread has gone.
        let is_retired = self.slot.is_retired();
        let committed_to = self.slot.committed_to();
        self.consumer.damage_at(self.taken_to).is_some()
            || (self.taken_to < committed_to && self.consumer.is_end(self.taken_to))
            || (self.taken_to > committed_to && is_retired)
    }

    /// Whether there are losses that the file does not state.
    pub(super) fn owes_loss(&self) -> bool {
        self.slot.loss(0).total() != self.stated.total()
    }
}

impl Scanner {
    /// Leaves the consumers to their rings' threads, who count what comes too late.
    pub(in crate::drain) fn leave_rings(&mut self) {
        let newborn = self.core.rings.close_registration();
        let rings = self.rings.drain(..).map(|ring| (ring.slot, ring.consumer));
        for (slot, consumer) in rings.chain(newborn) {
            slot.leave_consumer(consumer);
        }
    }

    /// Takes in the rings that came since the last time. One that continues another one stands behind it
    /// then, and that one will get no more: the pass that follows takes all of it first.
    pub(super) fn adopt(&mut self) {
        let newborn = self.core.rings.take_new().into_iter();
        self.is_any_leaving |= newborn.len() > 0;
        self.rings.extend(newborn.map(|(slot, consumer)| DrainRing {
            slot,
            taken_to: consumer.position(),
            stated_to: consumer.position(),
            records: 0,
            written: (consumer.position(), 0),
            consumer,
            last_bytes: 0,
            last_taken: self.last_pass,
            rest: SHORTEST_SLEEP,
            in_file: InFile::default(),
            is_odd: false,
            stated: Loss::default(),
            is_introduced: false,
            errors_to: 0,
            is_stated_volatile: false,
            is_told_volatile: false,
            is_set_aside: false,
        }));
    }

    /// States which rings do not survive the process. Where none does, the file begins with that.
    pub(super) fn state_volatile(&mut self) {
        if self.core.ring_dir().is_none() {
            return;
        }
        for at in 0..self.rings.len() {
            let ring = &mut self.rings[at];
            if ring.is_stated_volatile {
                continue;
            }
            let Some((state, reason)) = ring.slot.volatile() else { continue };
            let reason = reason.to_owned();
            if state == VolatileState::Memory && !ring.is_told_volatile {
                self.new_volatile += 1;
                self.volatile_reason.clone_from(&reason);
            }
            ring.is_told_volatile = true;
            ring.is_stated_volatile = true;
            let thread = (!ring.is_introduced).then_some(&ring.slot.thread);
            put_explanations(&mut self.output, &mut self.frames, &mut self.index, thread, &[]);
            ring.is_introduced = true;
            let (ring, number) = (ring.slot.thread.ring, ring.records);
            self.put_volatile(ring, state, number, reason);
        }
        self.tell_volatile(false);
    }

    /// Reports how many more rings are in memory, unless that was just reported.
    pub(in crate::drain) fn tell_volatile(&mut self, is_last: bool) {
        let is_time = self.told_volatile.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if self.new_volatile == 0 || !is_time && !is_last {
            return;
        }
        self.told_volatile = Some(Instant::now());
        self.core.config.listeners.tell(Event::RingsInMemory {
            path: self.output.path().to_owned(),
            rings: std::mem::take(&mut self.new_volatile),
            reason: self.volatile_reason.clone(),
        });
    }

    /// Stops reading a ring that another program has written to, states that, and makes its thread take
    /// another one; `false` if there is no sign of that.
    pub(super) fn set_aside_if_overwritten(&mut self, at: usize) -> bool {
        let ring = &mut self.rings[at];
        if ring.is_set_aside || !ring.is_overwritten() {
            return false;
        }
        ring.is_set_aside = true;
        // How many they are nobody knows: where the next one begins is written in the one before it.
        let gone = Gone { first: ring.records, count: 1, cause: GoneCause::Overwritten as u8 };
        let loss = ring.slot.loss(self.core.clock.now());
        let (id, position) = (ring.slot.thread.ring, ring.taken_to);
        ring.stated = loss;
        ring.records += gone.count;
        ring.stated_to = position;
        let Self { output, frames, index, .. } = self;
        let thread = (!ring.is_introduced).then_some(&ring.slot.thread);
        put_explanations(output, frames, index, thread, &[]);
        ring.is_introduced = true;
        put_metadata(output, frames, index, FrameKind::Loss, |out| {
            LossFrame { ring: id, position, loss, gone: Some(gone) }.encode(out);
        });
        self.touched.push(at);
        if ring.slot.set_aside() {
            let thread = ring.slot.thread.name.clone();
            self.core.counters.lost.fetch_add(gone.count, Ordering::Release);
            // The thread's next call takes the cold path, and finds out.
            registry::forget_decisions();
            let path = self.output.path().to_owned();
            let error = DrainError::RingOverwritten { path, ring: id, thread, position };
            self.core.config.listeners.tell(error);
        }
        true
    }

    /// Whether one of the threads that have logged of late may be in a call.
    pub(in crate::drain) fn is_any_thread_running(&self) -> bool {
        self.rings.iter().any(|ring| {
            !ring.slot.is_retired()
                && ring.last_taken.elapsed() < OF_LATE
                && crate::process::calls::is_thread_running(ring.slot.thread.os_id)
        })
    }

    /// Lets go of rings whose thread has gone and that are empty: they may serve another thread.
    pub(super) fn let_go(&mut self) {
        let core = &self.core;
        let retired = core.counters.retired.load(Ordering::Acquire);
        if std::mem::replace(&mut self.retired, retired) == retired && !self.is_any_leaving {
            return;
        }
        self.is_any_leaving = false;
        let mut at = 0;
        while at < self.rings.len() {
            let ring = &self.rings[at];
            // Retired first: only then is an empty ring empty for good, and its loss the last.
            let is_retired = ring.slot.is_retired();
            let is_done = is_retired
                && ring.consumer.position() == ring.taken_to
                && ring.consumer.is_empty()
                && (ring.is_set_aside || !ring.is_overwritten())
                && !ring.owes_loss();
            if !is_done {
                self.is_any_leaving |= is_retired;
                at += 1;
                continue;
            }
            let ring = self.rings.swap_remove(at);
            self.lost_by_gone += ring.stated.total();
            if self.departed.len() < MAX_DEPARTED {
                self.departed.push(Departed {
                    thread: ring.slot.thread.clone(),
                    position: ring.stated_to,
                    records: ring.records,
                    in_file: ring.in_file,
                    loss: ring.stated,
                });
            } else {
                self.crowd.join(&ring);
            }
            match ring.slot.take_producer() {
                _ if ring.is_set_aside => core.rings.discard(&ring.slot),
                Some(producer) => core.rings.recycle(producer, ring.consumer, &ring.slot),
                None => {}
            }
        }
    }
}
