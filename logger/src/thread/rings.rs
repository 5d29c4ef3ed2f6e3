//! The rings of a thread, and how it gets and returns one.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_ringbuf::queue::spsc::Producer;

use crate::core::Core;
use crate::process::epoch;
use crate::process::memory::has_memory;
use crate::registry;
use crate::thread::commit::{Attachment, next_allowance};
use crate::thread::local::{LOCAL, NO_GENERATION};
use crate::thread::os;

/// The most memory that a first call takes, without its ring: entries of the registry, names, paths.
pub(super) const COLD_CALL_BYTES: usize = 1 << 14;

thread_local! {
    /// Its destructor gives the rings back.
    pub(super) static RINGS: RefCell<ThreadRings> = const {
        RefCell::new(ThreadRings { global: None, others: Vec::new(), scopes: Vec::new() })
    };

    /// The thread's last ring of the global logger, after the id of that logger: the next one continues
    /// it. It has no destructor.
    static LAST: Cell<(u32, u32)> = const { Cell::new((NO_GENERATION, 0)) };
}

/// The rings of a thread.
pub(super) struct ThreadRings {
    /// The ring whose producer is in `LOCAL`.
    pub(super) global: Option<Attachment>,
    /// Rings of loggers that were entered, each with its producer.
    others: Vec<(Attachment, Producer)>,
    /// The loggers that this thread has entered, innermost last.
    pub(super) scopes: Vec<Arc<Core>>,
}

impl Drop for ThreadRings {
    fn drop(&mut self) {
        self.give_back_global();
        // The page may serve another purpose when the thread has ended.
        LOCAL.with(epoch::keep_in_children);
        for (attachment, producer) in self.others.drain(..) {
            give_back(&attachment, producer);
        }
    }
}

impl ThreadRings {
    /// Makes sure that the hot path logs to a ring of `core` that holds a record of `record_bytes`. If
    /// there is no memory for another one, the thread keeps its ring.
    pub(super) fn attach_to_global(&mut self, core: &Arc<Core>, record_bytes: usize) {
        let is_enough = |global: &Attachment| {
            let capacity = LOCAL.with(|local| local.with_producer(|producer| producer.capacity()));
            Arc::ptr_eq(&global.core, core)
                && !global.slot.is_unlinked()
                && !global.slot.is_set_aside()
                && capacity.is_some_and(|has| !core.deserves_larger_ring(has, record_bytes))
        };
        if self.global.as_ref().is_some_and(is_enough) {
            // It may have changed because the files of other rings are gone.
            LOCAL.with(|local| local.renew_owner(core));
        } else {
            self.take_global(core, record_bytes);
        }
    }

    /// Takes a ring of `core` for the hot path.
    pub(super) fn take_global(&mut self, core: &Arc<Core>, record_bytes: usize) {
        let Some((attachment, mut producer)) = new_global_ring(core, record_bytes) else { return };
        self.give_back_global();
        producer.set_quick_max(next_allowance(&attachment, &producer));
        LOCAL.with(|local| local.put_producer(core, producer));
        self.global = Some(attachment);
    }

    fn give_back_global(&mut self) {
        let Some(attachment) = self.global.take() else { return };
        match LOCAL.with(|local| local.take_producer()) {
            Some(producer) => give_back(&attachment, producer),
            // In a forked child: the ring is the parent's.
            None => {
                debug_assert!(attachment.core.is_inherited(), "an attachment without a producer");
            }
        }
    }

    /// The thread's ring of a logger that it has entered: the one that it has if that holds a record of
    /// `record_bytes`, or another one. `None` if there is no memory for it.
    pub(super) fn ring_of(
        &mut self,
        core: &Arc<Core>,
        record_bytes: usize,
    ) -> Option<(&Attachment, &mut Producer)> {
        let is_this = |ring: &Attachment| Arc::ptr_eq(&ring.core, core);
        let is_done = |ring: &Attachment, producer: &Producer| {
            ring.core.is_closed()
                || ring.slot.is_unlinked()
                || ring.slot.is_set_aside()
                || is_this(ring) && core.deserves_larger_ring(producer.capacity(), record_bytes)
        };
        let has_ring =
            self.others.iter().any(|(ring, producer)| is_this(ring) && !is_done(ring, producer));
        if !has_ring {
            let mut before = None;
            // This is a good time to drop rings of loggers that have ended.
            let is_done = |(ring, producer): &mut (_, _)| is_done(ring, producer);
            for (attachment, producer) in self.others.extract_if(.., is_done) {
                if is_this(&attachment) {
                    before = Some(attachment.slot.thread.ring);
                }
                give_back(&attachment, producer);
            }
            self.others.extend(new_ring(core, record_bytes, before));
        }
        let (attachment, producer) = self.others.iter_mut().find(|(ring, _)| is_this(ring))?;
        Some((attachment, producer))
    }
}

/// Ends a thread's use of a ring.
pub(super) fn give_back(attachment: &Attachment, producer: Producer) {
    if attachment.core.is_inherited() {
        // The ring is the parent's, whose locks may be held by threads that are not here.
        std::mem::forget(producer);
        return;
    }
    attachment.slot.retire(producer);
    attachment.core.counters.retired.fetch_add(1, Ordering::Release);
    // If the drain has visited the rings for the last time, records left in the ring are late.
    attachment.slot.count_late_records();
}

/// A ring of the global logger for this thread. It continues the thread's previous ring, which the thread
/// returns. `None` if there is no memory for it.
pub(super) fn new_global_ring(
    core: &Arc<Core>,
    record_bytes: usize,
) -> Option<(Attachment, Producer)> {
    let (logger, ring) = LAST.get();
    let before = (logger == core.id()).then_some(ring);
    let (attachment, producer) = new_ring(core, record_bytes, before)?;
    LAST.set((core.id(), attachment.slot.thread.ring));
    Some((attachment, producer))
}

/// A ring for this thread whose first record has `record_bytes`. Its records come after all records of the ring
/// `continues`, which the thread returns. `None` if there is no memory for it.
fn new_ring(
    core: &Arc<Core>,
    record_bytes: usize,
    continues: Option<u32>,
) -> Option<(Attachment, Producer)> {
    if !has_memory(COLD_CALL_BYTES) {
        return None;
    }
    let thread = std::thread::current();
    let name = thread.name().map(str::to_owned).or_else(os::name).unwrap_or_default();
    let (producer, slot) = core.new_ring(os::id(), name, record_bytes, continues)?;
    Some((Attachment { core: Arc::clone(core), slot, owes_loss: Cell::new(false) }, producer))
}

/// The logger that this thread's calls go to.
pub(crate) fn current_logger() -> Option<Arc<Core>> {
    innermost_scope().or_else(registry::global)
}

/// The logger that this thread entered last and has not left.
pub(super) fn innermost_scope() -> Option<Arc<Core>> {
    let scope = RINGS.try_with(|rings| rings.borrow().scopes.last().map(Arc::clone));
    scope.ok().flatten()
}
