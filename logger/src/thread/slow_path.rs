//! The slow path: calls that the hot path hands over.
//!
//! ```text
//!   log ─▶ hot path open?  write as it does, records of any length, and check the drain's progress
//!      ─▶ signal handler?  no lock, no allocation, or the record is dropped
//!      ─▶ cold path        the registry decides; the thread gets a ring, or a larger one
//! ```
//!
//! In the cold path, calls of the same thread are refused ([`ColdSection`]), and counted in
//! [`Stats::unheard`](crate::Stats::unheard).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_format::dictionary::Level;

use crate::core::Core;
use crate::process::memory::has_memory;
use crate::process::{calls, epoch};
use crate::registry::site::Site;
use crate::registry::{self, Decision, Id};
use crate::stats::DROPPED_NO_LOGGER;
use crate::thread::commit::{self, Attachment};
use crate::thread::local::{ColdSection, LOCAL, Local, SCOPES, is_in_handler, is_preparing};
use crate::thread::record::ColdRecord;
use crate::thread::rings::{self, COLD_CALL_BYTES, RINGS, ThreadRings};

/// Whether to evaluate a call whose call site does not know whether it is enabled.
#[cold]
#[inline(never)]
pub(crate) fn wants(site: &'static Site) -> bool {
    if is_in_handler() {
        let generation = LOCAL.with(Local::generation_for_handler);
        let wanted = generation.and_then(|generation| registry::wants_in_handler(site, generation));
        return wanted.unwrap_or_else(|| {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
            false
        });
    }
    let wanted = in_cold_section(|| {
        if !can_have_rings() {
            // The call will count its record.
            return Some(registry::global().is_some_and(|core| site.is_allowed_by(&core)));
        }
        match rings::innermost_scope() {
            Some(core) => (!core.is_closed()).then(|| site.is_allowed_by(&core)),
            None => registry::wants(site)
                .or_else(|| epoch::start_child_logger().then(|| registry::wants(site)).flatten())
                .or_else(|| {
                    calls::pause();
                    None
                }),
        }
    });
    wanted.unwrap_or_else(|| {
        if !is_preparing() {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        }
        false
    })
}

/// Whether a record with this level and target would be logged now, for a call that has no site. Takes a lock. In a
/// forked child it starts the logger that the child is to have.
pub(crate) fn wants_target(level: Level, target: &str, module: &str) -> bool {
    let wanted = in_cold_section(|| match rings::innermost_scope() {
        Some(core) => Some(!core.is_closed() && core.allows(level, target, module)),
        None => registry::global()
            .or_else(|| epoch::start_child_logger().then(registry::global).flatten())
            .map(|core| core.allows(level, target, module)),
    });
    wanted.unwrap_or(false)
}

/// Logs what the hot path did not: long records, the first call of a site or a thread, a ring that
/// is half full, a thread that has entered a logger, and calls without a logger.
#[cold]
#[inline(never)]
pub(crate) fn log(record: &ColdRecord<'_>) {
    if log_while_open(record) {
        return;
    }
    if is_preparing() {
        return prepare(record);
    }
    if is_in_handler() {
        if !log_in_handler(record) {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        }
        return;
    }
    let logged = in_cold_section(|| {
        if !can_have_rings() {
            count_without_memory(record);
            return Some(());
        }
        let attached = RINGS.try_with(|rings| log_to_own_ring(record, &mut rings.borrow_mut()));
        if attached.is_err() {
            log_while_thread_ends(record);
        }
        Some(())
    });
    if logged.is_none() {
        DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs a part of the cold path. `None` if calls of this thread are refused now.
pub(crate) fn in_cold_section<R>(work: impl FnOnce() -> Option<R>) -> Option<R> {
    let _section = ColdSection::enter()?;
    let _call = calls::Call::begin();
    work()
}

/// Gives the call site of a record its id and its entry, without logging.
fn prepare(record: &ColdRecord<'_>) {
    in_cold_section(|| {
        if !has_memory(COLD_CALL_BYTES) || !can_have_rings() {
            return None;
        }
        let types = record.payload.types();
        match rings::innermost_scope().filter(|core| !registry::is_global(core)) {
            Some(core) => _ = registry::id(&core, record.site, types),
            None => _ = registry::decide(record.site, types),
        }
        Some(())
    });
}

/// Logs as the hot path does, and closes itself as it does, but checks the drain's progress and takes
/// records of any length. `false` if this is not enough.
fn log_while_open(record: &ColdRecord<'_>) -> bool {
    LOCAL.with(|local| {
        let state = record.site.state.load(Ordering::Relaxed);
        let generation = (state >> 32) as u32;
        if generation != local.generation.get()
            || record.site.signature.load(Ordering::Relaxed) != record.signature
        {
            return false;
        }
        write_while_open(local, record, state as u32)
    })
}

/// Writes a record as the hot path does, which is open. `false` if there is no room up to where the hot
/// path may fill the ring.
fn write_while_open(local: &Local, record: &ColdRecord<'_>, id: u32) -> bool {
    // T3: the generation of a logger comes with a clock.
    let Some(clock) = local.clock() else { return false };
    let time = record.payload.time(&clock);
    local.with_open_producer(|producer| {
        let allowance_bytes = producer.quick_max();
        let is_written = commit::write(record, producer, id, time, allowance_bytes).is_ok();
        if let Some(lower) = commit::lowered_allowance(producer) {
            producer.set_quick_max(lower);
        }
        is_written
    })
}

/// Logs a record from a signal handler that the hot path refused, if that takes neither a lock nor memory.
/// Returns `false` if it would, or if the handler has interrupted a call.
fn log_in_handler(record: &ColdRecord<'_>) -> bool {
    LOCAL.with(|local| {
        let Some(generation) = local.generation_for_handler() else { return false };
        let state = record.site.state.load(Ordering::Relaxed);
        let signature = record.site.signature.load(Ordering::Relaxed);
        if (state >> 32) as u32 == generation && signature == record.signature {
            // The call came here only because the ring is half full.
            return false;
        }
        let id = registry::id_in_handler(record.site, record.payload.types(), generation);
        id.is_some_and(|id| write_while_open(local, record, id))
    })
}

/// Logs to the thread's ring of the logger that it has entered, or else of the global one.
fn log_to_own_ring(record: &ColdRecord<'_>, rings: &mut ThreadRings) {
    // A thread that has entered the global logger keeps using its ring of that logger: records in two rings
    // would be ordered only by their times.
    if let Some(core) = rings.scopes.last().filter(|core| !registry::is_global(core)) {
        if core.is_closed() {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        } else if record.site.is_allowed_by(core) {
            let core = Arc::clone(core);
            log_to_scope(record, &core, rings);
        }
        return;
    }
    let Some((core, id)) = known_id(record, rings).or_else(|| decide(record)) else { return };
    rings.attach_to_global(&core, record.payload_bytes);
    // If there was no memory for another ring, the thread has none, or the one before.
    let is_usable =
        |global: &&Attachment| Arc::ptr_eq(&global.core, &core) && !global.slot.is_set_aside();
    let attachment = rings.global.as_ref().filter(is_usable);
    let written = attachment.and_then(|attachment| {
        LOCAL.with(|local| {
            local.with_producer(|producer| {
                let allowance_bytes =
                    commit::write_by_policy(record, attachment, producer, id.number);
                producer.set_quick_max(allowance_bytes);
            })
        })
    });
    match written {
        Some(()) => explain(&core, id),
        None => core.count_ringless(record.site.meta.level),
    }
}

/// Logs to the ring of a logger that the thread has entered.
fn log_to_scope(record: &ColdRecord<'_>, core: &Arc<Core>, rings: &mut ThreadRings) {
    if !has_memory(COLD_CALL_BYTES) {
        return core.count_ringless(record.site.meta.level);
    }
    let id = registry::id(core, record.site, record.payload.types());
    let Some((attachment, producer)) = rings.ring_of(core, record.payload_bytes) else {
        return core.count_ringless(record.site.meta.level);
    };
    commit::write_by_policy(record, attachment, producer, id.number);
    explain(core, id);
}

/// Logs from a destructor of thread-local data: the thread takes a ring for this one record.
fn log_while_thread_ends(record: &ColdRecord<'_>) {
    let Some((core, id)) = decide(record) else { return };
    let ring = rings::new_global_ring(&core, record.payload_bytes);
    let Some((attachment, mut producer)) = ring else {
        return core.count_ringless(record.site.meta.level);
    };
    commit::write_by_policy(record, &attachment, &mut producer, id.number);
    rings::give_back(&attachment, producer);
    explain(&core, id);
}

/// Waits until the dump has the entry of a call site that the ring directory has no room for.
fn explain(core: &Core, id: Id) {
    if !id.is_explained {
        core.explain_in_dump(id.number);
    }
}

/// Whether this thread has used `RINGS` before, or there is memory to use it: the C library aborts a process if
/// it cannot register the destructor.
pub(super) fn can_have_rings() -> bool {
    let has_ring = LOCAL.with(Local::has_owner) || SCOPES.get() > 0;
    has_ring || has_memory(COLD_CALL_BYTES)
}

/// Counts a record for which there is no memory, if the global logger wants it.
fn count_without_memory(record: &ColdRecord<'_>) {
    if let Some(core) = registry::global().filter(|core| record.site.is_allowed_by(core)) {
        core.count_ringless(record.site.meta.level);
    }
}

/// The existing id of the site, if the call came here only because of the ring.
fn known_id(record: &ColdRecord<'_>, rings: &ThreadRings) -> Option<(Arc<Core>, Id)> {
    let core = &rings.global.as_ref()?.core;
    let state = record.site.state.load(Ordering::Relaxed);
    let signature = record.site.signature.load(Ordering::Relaxed);
    let is_known = !core.is_inherited()
        && (state >> 32) as u32 == core.generation()
        && signature == record.signature;
    is_known.then(|| (Arc::clone(core), Id { number: state as u32, is_explained: true }))
}

/// Whether the global logger wants a record, and under which id. Also updates the site.
fn decide(record: &ColdRecord<'_>) -> Option<(Arc<Core>, Id)> {
    if !has_memory(COLD_CALL_BYTES) {
        count_without_memory(record);
        return None;
    }
    match registry::decide(record.site, record.payload.types()) {
        Decision::Log(core, id) => Some((core, id)),
        Decision::Off => None,
        Decision::NoLogger if epoch::start_child_logger() => decide(record),
        Decision::NoLogger => {
            calls::pause();
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}
