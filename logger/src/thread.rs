//! A thread's side: its ring, and the calls that the hot path hands over.
//!
//! ```text
//!   LOCAL   plain cells, no destructor, usable at any time: what the hot path reads
//!   RINGS   what keeps the rings of this thread alive; its destructor gives them back
//! ```
//!
//! - **T1 (one thread).** `LOCAL.producer` is only touched by its thread.
//! - **T2 (no overlap).** A mutable borrow of a producer lives in the hot path, where nothing runs
//!   but stores of values, or in the cold path, during which the hot path is closed to this thread
//!   (`LOCAL.generation` is [`NO_GENERATION`]) and a nested cold path is refused.
//! - **T3 (match).** `LOCAL.generation` is that of a logger only while `LOCAL.producer` is a
//!   producer of that logger's and `LOCAL.clock` is set, with what is said of it. In a forked child all of
//!   `LOCAL` may be zero at any time: no logger has the generation 0, and there is no producer then.
//!
//! A signal handler may log. Should it have interrupted the hot path, or the cold one, its calls
//! are not heard, as that has closed itself: T2 holds.

pub(crate) mod os;

use std::cell::{Cell, RefCell, UnsafeCell};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_ringbuf::TryClaimError;
use stenolog_ringbuf::queue::spsc::Producer;

use crate::clock::ClockRef;
use crate::config::OnFull;
use crate::core::{COLD_CALL_BYTES, Core, RingSlot, has_memory};
use crate::process::{calls, epoch};
use crate::registry::site::Site;
use crate::registry::{self, CallTypes, Decision, Id};
use crate::ring_dir;
use crate::stats::DROPPED_NO_LOGGER;

/// The generation of a thread without a ring: no call site has it.
pub(crate) const NO_GENERATION: u32 = u32::MAX;

/// What the hot path reads of its thread.
///
/// On Linux it has a page to itself, which the system zeroes in every forked child, also in one that no
/// handler sees (F1 in `fork`): the generation is then that of no logger, so that the child's calls leave
/// the hot path before they touch the ring that it shares with its parent. What must outlast a fork is
/// not in here.
#[cfg_attr(any(target_os = "linux", target_os = "android"), repr(align(4096)))]
pub(crate) struct Local {
    /// The generation of the logger that the hot path may log to.
    pub(crate) generation: Cell<u32>,
    /// The generation of the logger that `producer` belongs to.
    owner: Cell<u32>,
    /// Its quick claims are for the hot path; those beyond, for the slow one, which also looks after
    /// the drain.
    pub(crate) producer: UnsafeCell<MaybeUninit<Producer>>,
    /// There is a producer.
    has_producer: Cell<bool>,
    clock: Cell<Option<ClockRef>>,
    /// Whether an instruction reads that clock.
    pub(crate) clock_is_instruction: Cell<bool>,
}

impl Local {
    /// Opens the hot path, or closes it, as the thread's state demands.
    fn settle(&self) {
        let is_open = !IS_DEAF.get() && Self::is_ready();
        // A signal handler sees all stores before, or the hot path closed.
        compiler_fence(Ordering::SeqCst);
        self.generation.set(if is_open { self.owner.get() } else { NO_GENERATION });
        compiler_fence(Ordering::SeqCst);
    }

    /// Opens the hot path again, which has closed itself for a record.
    #[inline(always)]
    pub(crate) fn reopen(&self) {
        compiler_fence(Ordering::Release);
        // Not for the generation that it was open for: a handler that came before it was closed may
        // have brought another logger, and a forked child has none.
        self.generation.set(self.owner.get());
    }

    /// How many bytes the ring of the hot path holds, if it has one.
    fn capacity(&self) -> Option<usize> {
        // SAFETY: there is a producer, which only this thread touches (T1); no borrow of it lives while the
        // cold path runs (T2).
        self.has_producer
            .get()
            .then(|| unsafe { (*self.producer.get()).assume_init_ref() }.capacity())
    }

    /// Whether the hot path is open but for what runs on this thread right now.
    fn is_ready() -> bool {
        SCOPES.get() == 0 && PREPARING.get() == 0 && OWNER_EPOCH.get() == epoch::current()
    }

    /// The generation of the logger that a signal handler may log to, if it has interrupted no call.
    fn generation_for_handler(&self) -> Option<u32> {
        let owner = self.owner.get();
        let is_open = Self::is_ready() && owner != NO_GENERATION && self.generation.get() == owner;
        is_open.then_some(owner)
    }

    /// Whether this call comes from a signal handler that has interrupted the hot path: that one
    /// closes itself while it is at work.
    fn is_interrupted(&self) -> bool {
        Self::is_ready() && !IS_DEAF.get() && self.generation.get() != self.owner.get()
    }
}

thread_local! {
    pub(crate) static LOCAL: Local = const {
        Local {
            generation: Cell::new(NO_GENERATION),
            owner: Cell::new(NO_GENERATION),
            producer: UnsafeCell::new(MaybeUninit::uninit()),
            has_producer: Cell::new(false),
            clock: Cell::new(None),
            clock_is_instruction: Cell::new(false),
        }
    };

    /// The epoch of the logger that `LOCAL.owner` names.
    static OWNER_EPOCH: Cell<u32> = const { Cell::new(0) };

    /// How many scopes are open.
    static SCOPES: Cell<usize> = const { Cell::new(0) };

    /// The cold path is at work, or the thread is a drain: its own calls are not heard.
    static IS_DEAF: Cell<bool> = const { Cell::new(false) };

    /// This thread runs a signal handler that has not interrupted the cold path.
    static IS_IN_HANDLER: Cell<bool> = const { Cell::new(false) };

    /// How many times this thread is within [`prepare_call_sites`].
    static PREPARING: Cell<u32> = const { Cell::new(0) };

    /// The ring of the global logger's that this thread had last, after the id of that logger: what
    /// comes next continues it. It has no destructor either.
    static LAST: Cell<(u32, u32)> = const { Cell::new((NO_GENERATION, 0)) };

    static RINGS: RefCell<Rings> = const { RefCell::new(Rings { global: None, others: Vec::new(), scopes: Vec::new() }) };
}

/// A ring in use: what the cold path needs beside the producer.
struct Attachment {
    core: Arc<Core>,
    slot: Arc<RingSlot>,
    /// There are losses that the ring does not state yet.
    owes_loss: Cell<bool>,
}

/// The rings of a thread.
struct Rings {
    /// The one whose producer is in `LOCAL`.
    global: Option<Attachment>,
    /// Rings of loggers that were entered, each with its producer.
    others: Vec<(Attachment, Producer)>,
    /// The loggers that this thread has entered, innermost last.
    scopes: Vec<Arc<Core>>,
}

impl Drop for Rings {
    fn drop(&mut self) {
        self.give_back_global();
        // The page may serve something else when the thread has ended.
        LOCAL.with(epoch::keep_in_children);
        for (attachment, producer) in self.others.drain(..) {
            give_back(&attachment, producer);
        }
    }
}

impl Rings {
    /// Makes the hot path log to `core`, into a ring that holds a record of `record_bytes`. If there is no
    /// memory for one, the thread keeps its ring.
    fn take_global(&mut self, core: &Arc<Core>, record_bytes: usize) {
        let Some((attachment, mut producer)) = attach_global(core, record_bytes) else { return };
        self.give_back_global();
        producer.set_quick_max(next_allowance(&attachment, &producer));
        LOCAL.with(|local| {
            // SAFETY: only this thread touches the producer (T1), and no borrow of it lives while
            // the cold path runs (T2). What was there has been given back.
            unsafe { (*local.producer.get()).write(producer) };
            local.has_producer.set(true);
            local.clock.set(Some(ClockRef(core.clock)));
            local.clock_is_instruction.set(core.clock.is_instruction());
            local.owner.set(core.generation());
            OWNER_EPOCH.set(epoch::current());
            epoch::wipe_in_children(local);
        });
        self.global = Some(attachment);
    }

    fn give_back_global(&mut self) {
        let Some(attachment) = self.global.take() else { return };
        let producer = LOCAL.with(|local| {
            local.owner.set(NO_GENERATION);
            local.settle();
            // SAFETY: only this thread touches the producer (T1), and no borrow of it lives: this is
            // the cold path, or the thread's end (T2). There is one, and it is not taken twice.
            local.has_producer.take().then(|| unsafe { (*local.producer.get()).assume_init_read() })
        });
        match producer {
            Some(producer) => give_back(&attachment, producer),
            // In a forked child: the ring is the parent's.
            None => {
                debug_assert!(attachment.core.is_inherited(), "an attachment without a producer")
            }
        }
    }
}

/// Ends a thread's use of a ring.
fn give_back(attachment: &Attachment, producer: Producer) {
    if attachment.core.is_inherited() {
        // The ring is the parent's, whose locks may be held by threads that are not here.
        std::mem::forget(producer);
        return;
    }
    attachment.slot.retire(producer);
    attachment.core.counters.retired.fetch_add(1, Ordering::Release);
    // Should the drain have looked for the last time: what it left behind comes too late.
    attachment.slot.count_latecomers();
}

/// The forked child's thread forgets its ring. Async-signal-safe.
#[cfg(unix)]
pub(crate) fn disown() {
    LOCAL.with(|local| {
        local.owner.set(NO_GENERATION);
        local.settle();
    });
}

/// Whether this thread's calls are not heard: it is a drain, or at work in the cold path.
pub(crate) fn is_deaf() -> bool {
    IS_DEAF.get()
}

/// This thread's own calls are not heard from now on: it is a drain.
pub(crate) fn be_deaf() {
    IS_DEAF.set(true);
}

/// As [`be_deaf`], until the value is dropped.
pub(crate) struct Deaf {
    was_deaf: bool,
    /// Whether the hot path was open: not if this is a signal handler that has interrupted it (T2).
    was_open: bool,
    /// It is about this thread.
    _this_thread: PhantomData<*const ()>,
}

impl Deaf {
    pub(crate) fn new() -> Self {
        LOCAL.with(|local| {
            let was_deaf = IS_DEAF.replace(true);
            let was_open = local.generation.get() != NO_GENERATION;
            local.settle();
            Self { was_deaf, was_open, _this_thread: PhantomData }
        })
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        LOCAL.with(|local| {
            IS_DEAF.set(self.was_deaf);
            compiler_fence(Ordering::SeqCst);
            if self.was_open {
                local.reopen();
            }
        });
    }
}

/// Runs `handler`, the part of a signal handler that logs, so that it stays async-signal-safe: calls
/// that would take a lock or allocate memory are not logged, but counted in
/// [`Stats::unheard`](crate::Stats::unheard).
///
/// Not logged are the first calls of a thread, all calls of threads that have entered a logger, all
/// calls that find their ring half full or more, and calls that interrupt a log call of their own
/// thread. While another thread changes the filter, or makes the first call of a call site, a call in a
/// handler waits, for 20 ms at most.
///
/// A call site whose first call is in a handler is logged too, up to 64 of them in a process. The drain
/// writes its dictionary entry a moment later: if the process dies before that, a reader finds records
/// of an unknown call site. [`prepare_call_sites`] and [`prepare_thread`] do all of that in advance.
///
/// Outside of `in_signal_handler`, a log call that interrupts another one is still refused, so nothing
/// is ever corrupted. But as with every function that is not async-signal-safe, a handler that
/// interrupts, say, the allocator and then needs memory deadlocks; and if one interrupts a thread's
/// start, the standard library ends the process.
///
/// A child that is forked in a handler must exit there or exec another program. If it returned into a
/// log call that the handler interrupted, that call would write to the parent's ring.
///
/// # Panics
/// If `handler` panics, which ends the process in most handlers.
///
/// ```
/// extern "C" fn on_signal(signal: i32) {
///     stenolog::in_signal_handler(|| stenolog::info!("signal {signal}"));
/// }
/// # on_signal(10);
/// ```
pub fn in_signal_handler<R>(handler: impl FnOnce() -> R) -> R {
    if PREPARING.get() > 0 {
        return handler();
    }
    // The hot path stays as it is; only the cold one is closed.
    let was_deaf = IS_DEAF.replace(true);
    // If it was closed before, this is the drain, or has interrupted a call, or another handler.
    let was_in_handler = IS_IN_HANDLER.get();
    IS_IN_HANDLER.set(was_in_handler || !was_deaf);
    let result = handler();
    IS_IN_HANDLER.set(was_in_handler);
    IS_DEAF.set(was_deaf);
    result
}

/// Runs `calls` without logging, to register the call sites in it: each gets its id, and its entry is
/// stored beside the rings. Later calls then find everything they need, even in a signal handler and even
/// if the process dies right after.
///
/// Arguments are evaluated as usual, and code around the calls runs too. Call sites that the filter
/// disables, or that `calls` does not reach, are not prepared. Records of a signal handler that runs on
/// this thread meanwhile are not logged. Costs as much as the first call of each call site.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// fn on_crash(signal: i32) {
///     stenolog::in_signal_handler(|| stenolog::error!("died of signal {signal}"));
/// }
///
/// let log = stenolog::Builder::new(path).start()?;
/// stenolog::prepare_call_sites(|| on_crash(0));
/// assert_eq!((log.stats().call_sites, log.stats().records), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare_call_sites<R>(calls: impl FnOnce() -> R) -> R {
    /// Logs again, even if the calls panic.
    struct Prepared;

    impl Drop for Prepared {
        fn drop(&mut self) {
            PREPARING.set(PREPARING.get() - 1);
            LOCAL.with(Local::settle);
        }
    }

    PREPARING.set(PREPARING.get() + 1);
    let _prepared = Prepared;
    LOCAL.with(Local::settle);
    calls()
}

/// Gives the call site of a record its id and its entry, without logging.
fn prepare(record: &ColdRecord<'_>) {
    heard(|| {
        if !has_memory(COLD_CALL_BYTES) || !can_have_rings() {
            return None;
        }
        let scope = RINGS.try_with(|rings| rings.borrow().scopes.last().map(Arc::clone));
        match scope.ok().flatten().filter(|core| !registry::is_global(core)) {
            Some(core) => _ = registry::id(&core, record.site, record.types),
            None => _ = registry::decide(record.site, record.types),
        }
        Some(())
    });
}

/// Logs a record from a signal handler that the hot path refused, if that takes neither a lock nor memory.
/// Returns `false` if it would, or if the handler has interrupted a call.
fn log_in_handler(record: &ColdRecord<'_>) -> bool {
    LOCAL.with(|local| {
        let Some(generation) = local.generation_for_handler() else { return false };
        let state = record.site.state.load(Ordering::Relaxed);
        let signature = record.site.signature.load(Ordering::Relaxed);
        if (state >> 32) as u32 == generation && signature == record.types.signature {
            // It was only the ring that brought the call here: half full.
            return false;
        }
        let id = registry::id_in_handler(record.site, record.types, generation);
        id.is_some_and(|id| write_open(local, record, id))
    })
}

/// Gives this thread its ring now rather than at its first call, which would have to wait while a file
/// is created, reserved and mapped. Returns whether the thread has a ring of the global logger.
///
/// Call it where a thread begins if later calls must not wait; otherwise it is not needed. It does
/// nothing more if the thread already has its ring. The first call of each call site still takes a
/// lock and writes its dictionary entry, whichever thread makes it.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let log = stenolog::Builder::new(path).start()?;
/// std::thread::spawn(|| {
///     assert!(stenolog::prepare_thread());
///     stenolog::info!("ready");
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare_thread() -> bool {
    let prepared = heard(|| {
        let core = registry::global()
            .or_else(|| epoch::start_child_logger().then(registry::global).flatten())?;
        let prepared = RINGS.try_with(|rings| {
            let rings = &mut *rings.borrow_mut();
            if !rings.global.as_ref().is_some_and(|global| Arc::ptr_eq(&global.core, &core)) {
                rings.take_global(&core, 1);
            }
            rings.global.as_ref().is_some_and(|global| Arc::ptr_eq(&global.core, &core))
        });
        prepared.ok().filter(|&has_ring| has_ring)
    });
    prepared.is_some()
}

/// Has this thread log to `core` until [`leave`].
///
/// In a thread-local destructor there may be nothing left to enter with; calls then go to the
/// global logger.
pub(crate) fn enter(core: &Arc<Core>) {
    heard(|| {
        let entered = RINGS.try_with(|rings| rings.borrow_mut().scopes.push(Arc::clone(core)));
        entered.ok().map(|()| SCOPES.set(SCOPES.get() + 1))
    });
}

/// Ends the innermost [`enter`] of `core`.
pub(crate) fn leave(core: &Arc<Core>) {
    heard(|| {
        let left = RINGS.try_with(|rings| {
            let mut rings = rings.borrow_mut();
            let at = rings.scopes.iter().rposition(|scope| Arc::ptr_eq(scope, core))?;
            Some(rings.scopes.remove(at))
        });
        // The last of a logger's owners may be this one: let go of it when nothing is borrowed.
        left.ok().flatten().map(|_| SCOPES.set(SCOPES.get() - 1))
    });
}

/// A record that the hot path did not write.
pub(crate) struct ColdRecord<'a> {
    pub(crate) site: &'static Site,
    pub(crate) types: CallTypes,
    /// The length of the payload: time and values.
    pub(crate) payload_bytes: usize,
    /// Reads the time word.
    pub(crate) stamp: &'a dyn Fn(&ClockRef) -> u64,
    /// Writes the payload.
    ///
    /// # Safety
    /// `payload_bytes` bytes from the pointer on may be written.
    pub(crate) fill: &'a dyn Fn(*mut u8, u64),
}

/// Whether a call that is still undecided is to be evaluated.
#[cold]
#[inline(never)]
pub(crate) fn wants(site: &'static Site) -> bool {
    if IS_IN_HANDLER.get() {
        let generation = LOCAL.with(Local::generation_for_handler);
        let wanted = generation.and_then(|generation| registry::wants_in_handler(site, generation));
        return wanted.unwrap_or_else(|| {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
            false
        });
    }
    let wanted = heard(|| {
        if !can_have_rings() {
            // The call will count its record.
            return Some(registry::global().is_some_and(|core| site.is_allowed_by(&core)));
        }
        let scope = RINGS.try_with(|rings| rings.borrow().scopes.last().map(Arc::clone));
        match scope.ok().flatten() {
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
        if PREPARING.get() == 0 {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        }
        false
    })
}

/// Runs a part of the cold path, in which calls of this thread are not heard: what runs there may
/// be an allocator that logs. `None` if this is such a call, or in a forked child.
fn heard<R>(work: impl FnOnce() -> Option<R>) -> Option<R> {
    /// Hears the thread again, even if the work panics.
    struct Hear<'a>(&'a Local);

    impl Drop for Hear<'_> {
        fn drop(&mut self) {
            IS_DEAF.set(false);
            self.0.settle();
        }
    }

    LOCAL.with(|local| {
        if IS_DEAF.get() || local.is_interrupted() || epoch::is_unobserved() {
            return None;
        }
        IS_DEAF.set(true);
        local.settle();
        let _hear = Hear(local);
        let _call = calls::Call::begin();
        work()
    })
}

/// Logs what the hot path did not: long records, the first call of a site or a thread, a ring that
/// is half full, a thread that has entered a logger, and calls without a logger.
#[cold]
#[inline(never)]
pub(crate) fn log(record: &ColdRecord<'_>) {
    if log_open(record) {
        return;
    }
    if PREPARING.get() > 0 {
        return prepare(record);
    }
    if IS_IN_HANDLER.get() {
        if !log_in_handler(record) {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        }
        return;
    }
    let heard = heard(|| {
        if !can_have_rings() {
            lose(record);
            return Some(());
        }
        let attached = RINGS.try_with(|rings| log_attached(record, &mut rings.borrow_mut()));
        if attached.is_err() {
            log_detached(record);
        }
        Some(())
    });
    if heard.is_none() {
        DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
    }
}

/// Logs as the hot path does, and closes itself as it does, but looks how far the drain has come and
/// takes records of any length. `false` if this is not enough.
fn log_open(record: &ColdRecord<'_>) -> bool {
    LOCAL.with(|local| {
        let state = record.site.state.load(Ordering::Relaxed);
        let generation = (state >> 32) as u32;
        if generation != local.generation.get()
            || record.site.signature.load(Ordering::Relaxed) != record.types.signature
        {
            return false;
        }
        write_open(local, record, state as u32)
    })
}

/// Writes a record by the hot path, which is open, and looks how far the drain has come. `false` if there is
/// no room up to where the hot path may fill the ring.
fn write_open(local: &Local, record: &ColdRecord<'_>, id: u32) -> bool {
    // T3: the generation of a logger comes with a clock.
    let Some(clock) = local.clock.get() else { return false };
    let time = (record.stamp)(&clock);
    local.generation.set(NO_GENERATION);
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the hot path was open, so that there is a producer (T3), which only this thread touches
    // (T1); nothing logs while this borrow lives (T2).
    let producer = unsafe { (*local.producer.get()).assume_init_mut() };
    let allowance_bytes = producer.quick_max();
    let claim = producer.try_claim_within(record.payload_bytes, allowance_bytes);
    let is_done = claim.is_ok();
    if let Ok(mut claim) = claim {
        (record.fill)(claim.as_mut_ptr(), time);
        claim.commit_tagged(id);
    }
    local.reopen();
    is_done
}

fn log_attached(record: &ColdRecord<'_>, rings: &mut Rings) {
    // Who has entered the global logger goes on in the ring of that one: records in two rings would have
    // no order but that of their times.
    let scope = rings.scopes.last().filter(|core| !registry::is_global(core));
    if let Some(core) = scope {
        if core.is_closed() {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        } else if record.site.is_allowed_by(core) {
            let core = Arc::clone(core);
            log_to_other(record, &core, rings);
        }
        return;
    }
    let Some((core, id)) = known(record, rings).or_else(|| decide(record)) else { return };
    let fits = |global: &Attachment| {
        let capacity = LOCAL.with(Local::capacity);
        Arc::ptr_eq(&global.core, &core)
            && !global.slot.is_unlinked()
            && !global.slot.is_set_aside()
            && capacity.is_some_and(|has| !core.deserves_larger_ring(has, record.payload_bytes))
    };
    if rings.global.as_ref().is_some_and(fits) {
        // It may have changed since, for those whose ring's file is gone.
        LOCAL.with(|local| local.owner.set(core.generation()));
    } else {
        rings.take_global(&core, record.payload_bytes);
    }
    // Without memory for another one it has none, or the one that it had.
    let has_producer = LOCAL.with(|local| local.has_producer.get());
    let is_usable = |global: &&Attachment| {
        Arc::ptr_eq(&global.core, &core) && !global.slot.is_set_aside() && has_producer
    };
    let attachment = rings.global.as_ref().filter(is_usable);
    let Some(attachment) = attachment else {
        core.count_ringless(record.site.meta.level);
        return;
    };
    LOCAL.with(|local| {
        // SAFETY: there is one, which only this thread touches (T1); no borrow of it lives while the
        // cold path runs, and `claim_and_fill` runs no code that could log (T2).
        let producer = unsafe { (*local.producer.get()).assume_init_mut() };
        let allowance_bytes = claim_and_fill(record, attachment, producer, id.number);
        producer.set_quick_max(allowance_bytes);
    });
    if !id.is_explained {
        core.explain_in_dump(id.number);
    }
}

/// Whether this thread has used `RINGS` before, or there is memory to: the C library ends a process that
/// cannot note that they have a destructor.
fn can_have_rings() -> bool {
    let has_ring = LOCAL.with(|local| local.owner.get() != NO_GENERATION) || SCOPES.get() > 0;
    has_ring || has_memory(COLD_CALL_BYTES)
}

/// Counts a record for which there is no memory, if the global logger wants it.
fn lose(record: &ColdRecord<'_>) {
    if let Some(core) = registry::global().filter(|core| record.site.is_allowed_by(core)) {
        core.count_ringless(record.site.meta.level);
    }
}

/// What the site says itself, if it is only the ring that brought the call here.
fn known(record: &ColdRecord<'_>, rings: &Rings) -> Option<(Arc<Core>, Id)> {
    let core = &rings.global.as_ref()?.core;
    let state = record.site.state.load(Ordering::Relaxed);
    let signature = record.site.signature.load(Ordering::Relaxed);
    (!core.is_inherited()
        && (state >> 32) as u32 == core.generation()
        && signature == record.types.signature)
        .then(|| (Arc::clone(core), Id { number: state as u32, is_explained: true }))
}

/// What the global logger says to a record, and to the calls of its site to come.
fn decide(record: &ColdRecord<'_>) -> Option<(Arc<Core>, Id)> {
    if !has_memory(COLD_CALL_BYTES) {
        lose(record);
        return None;
    }
    match registry::decide(record.site, record.types) {
        Decision::Log(core, id) => Some((core, id)),
        Decision::Off => None,
        Decision::Unheard if epoch::start_child_logger() => decide(record),
        Decision::Unheard => {
            calls::pause();
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

fn log_to_other(record: &ColdRecord<'_>, core: &Arc<Core>, rings: &mut Rings) {
    if !has_memory(COLD_CALL_BYTES) {
        return core.count_ringless(record.site.meta.level);
    }
    let id = registry::id(core, record.site, record.types);
    let bytes = record.payload_bytes;
    let is_this = |ring: &Attachment| Arc::ptr_eq(&ring.core, core);
    let is_done = |ring: &Attachment, producer: &Producer| {
        ring.core.is_closed()
            || ring.slot.is_unlinked()
            || ring.slot.is_set_aside()
            || is_this(ring) && core.deserves_larger_ring(producer.capacity(), bytes)
    };
    let has =
        |rings: &Rings| rings.others.iter().any(|(ring, its)| is_this(ring) && !is_done(ring, its));
    if !has(rings) {
        let mut before = None;
        // A good time to let go of loggers that have ended.
        let is_done = |(ring, its): &mut (_, _)| is_done(ring, its);
        for (attachment, producer) in rings.others.extract_if(.., is_done) {
            if is_this(&attachment) {
                before = Some(attachment.slot.thread.ring);
            }
            give_back(&attachment, producer);
        }
        rings.others.extend(attach(core, bytes, before));
    }
    let known = rings.others.iter_mut().find(|(ring, _)| is_this(ring));
    let Some((attachment, producer)) = known else {
        return core.count_ringless(record.site.meta.level);
    };
    claim_and_fill(record, attachment, producer, id.number);
    if !id.is_explained {
        core.explain_in_dump(id.number);
    }
}

/// A thread whose destructors run takes a ring for this one record.
fn log_detached(record: &ColdRecord<'_>) {
    let Some((core, id)) = decide(record) else { return };
    let Some((attachment, mut producer)) = attach_global(&core, record.payload_bytes) else {
        return core.count_ringless(record.site.meta.level);
    };
    claim_and_fill(record, &attachment, &mut producer, id.number);
    give_back(&attachment, producer);
    if !id.is_explained {
        core.explain_in_dump(id.number);
    }
}

/// A ring of the global logger's for this thread, behind the one that it had before and gives back; `None`
/// if there is no memory for it.
fn attach_global(core: &Arc<Core>, record_bytes: usize) -> Option<(Attachment, Producer)> {
    let (logger, ring) = LAST.get();
    let before = (logger == core.id()).then_some(ring);
    let (attachment, producer) = attach(core, record_bytes, before)?;
    LAST.set((core.id(), attachment.slot.thread.ring));
    Some((attachment, producer))
}

/// A ring for this thread whose first record has `record_bytes`. Its records come after all of the ring
/// `continues`, which the thread gives back. `None` if there is no memory for it.
fn attach(
    core: &Arc<Core>,
    record_bytes: usize,
    continues: Option<u32>,
) -> Option<(Attachment, Producer)> {
    if !has_memory(COLD_CALL_BYTES) {
        return None;
    }
    let thread = std::thread::current();
    let name = thread.name().map(str::to_owned).or_else(os::name).unwrap_or_default();
    let (producer, slot) = core.new_ring(os_thread_id(), name, record_bytes, continues)?;
    Some((Attachment { core: Arc::clone(core), slot, owes_loss: Cell::new(false) }, producer))
}

/// Writes the record, by way of the logger's policy if the ring is full, and returns up to where
/// the hot path may fill the ring from now on.
fn claim_and_fill(
    record: &ColdRecord<'_>,
    attachment: &Attachment,
    producer: &mut Producer,
    id: u32,
) -> usize {
    let Attachment { core, slot, owes_loss } = attachment;
    let capacity = producer.capacity();
    let time = (record.stamp)(&ClockRef(core.clock));
    // The last eighth is for warnings and errors.
    let is_urgent = record.site.meta.level <= Level::Warn;
    let limit = if is_urgent { capacity } else { capacity - capacity / 8 };
    let mut waiter = None;
    let result = loop {
        let Err(error) = try_write(record, attachment, producer, id, time, limit) else {
            break Ok(());
        };
        slot.note_committed(producer);
        let is_patient = core.config.on_full[record.site.meta.level.index()] == OnFull::Block;
        if error != TryClaimError::Full || !is_patient || slot.is_set_aside() {
            break Err(error);
        }
        if !waiter.get_or_insert_with(|| Waiter::new(core)).wait() {
            break Err(error);
        }
    };
    if let Err(error) = result {
        slot.count_loss(record.site.meta.level, matches!(error, TryClaimError::TooLarge));
        // Release: a drain that sees the sum changed finds out whose loss it was.
        core.counters.lost.fetch_add(1, Ordering::Release);
        ring_dir::state_loss(producer, &slot.loss(core.clock.now()));
        owes_loss.set(true);
    }
    next_allowance(attachment, producer)
}

/// Writes the record if there is room, and before it what the ring does not state yet.
fn try_write(
    record: &ColdRecord<'_>,
    attachment: &Attachment,
    producer: &mut Producer,
    id: u32,
    time: u64,
    limit: usize,
) -> Result<(), TryClaimError> {
    write_loss_owed(record, attachment, producer, time, limit)?;
    let mut claim = producer.try_claim_within(record.payload_bytes, limit)?;
    (record.fill)(claim.as_mut_ptr(), time);
    claim.commit_tagged(id);
    Ok(())
}

/// States losses in the ring before the next record, where they happened.
fn write_loss_owed(
    record: &ColdRecord<'_>,
    attachment: &Attachment,
    producer: &mut Producer,
    time: u64,
    limit: usize,
) -> Result<(), TryClaimError> {
    let Attachment { core, slot, owes_loss } = attachment;
    if owes_loss.get() {
        // Not later than the record that follows.
        let counter = match record.types.time {
            TimeSource::Counter => time,
            TimeSource::UnixNanos => core.clock.now(),
        };
        let statement = slot.loss(counter).encode();
        let mut claim = producer.try_claim_within(Loss::BYTES, limit)?;
        claim.copy_from_slice(&statement);
        claim.commit_tagged(CallSite::LOSS_ID);
        owes_loss.set(false);
    }
    Ok(())
}

/// Up to where the hot path may fill the ring before it comes here again: half, so that the drain
/// is woken in time; then an eighth more each time, so that a ring that stays half full does not
/// bring every call here. Three quarters at the most: the drain of a ring that has been emptied
/// since must be woken again before the next burst has filled it.
fn next_allowance(attachment: &Attachment, producer: &Producer) -> usize {
    let capacity = producer.capacity();
    let used = producer.used_bytes();
    let owes_loss = attachment.owes_loss.get();
    if owes_loss || used >= capacity / 2 {
        attachment.core.wake_drain();
    }
    if owes_loss { 0 } else { (used + capacity / 8).clamp(capacity / 2, capacity / 4 * 3) }
}

/// A call that waits for room.
struct Waiter<'a> {
    core: &'a Core,
    began: Instant,
    deadline: Option<Instant>,
    backoff: Backoff,
}

/// How long a waiting call only yields to others: by then a running drain has made room.
/// After that it sleeps, which takes longer, and may leave the drain without work.
const YIELD_FOR: Duration = Duration::from_micros(200);

impl<'a> Waiter<'a> {
    fn new(core: &'a Core) -> Self {
        core.wake_drain();
        let began = Instant::now();
        // A deadline beyond all time is none.
        let deadline = core.config.block_timeout.and_then(|timeout| began.checked_add(timeout));
        Self { core, began, deadline, backoff: Backoff::new() }
    }

    /// Waits a little; `false` if there is no point in waiting on.
    fn wait(&self) -> bool {
        let now = Instant::now();
        if self.core.is_closed() || self.deadline.is_some_and(|deadline| now >= deadline) {
            return false;
        }
        if self.backoff.is_completed() && now - self.began >= YIELD_FOR {
            nap();
        } else {
            // Spins at first.
            self.backoff.snooze();
        }
        true
    }
}

/// Sleeps for some 50 µs, or until a signal: one that is a reason to look at the ring again too.
///
/// Not `std::thread::sleep`, which goes back to sleep after a signal for what Linux says is left:
/// that is rounded up by the timer's slack, 50 µs, and never ends if signals come as fast as that.
#[cfg(unix)]
fn nap() {
    let length = libc::timespec { tv_sec: 0, tv_nsec: 50_000 };
    // SAFETY: the length lives on this stack, and what is left is not asked for.
    unsafe { libc::nanosleep(&raw const length, std::ptr::null_mut()) };
}

/// Sleeps for some 50 µs.
#[cfg(not(unix))]
fn nap() {
    std::thread::sleep(Duration::from_micros(50));
}

/// What the operating system calls this thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn os_thread_id() -> u64 {
    // SAFETY: `gettid` takes nothing and cannot fail.
    unsafe { libc::gettid() }.unsigned_abs().into()
}

/// What the operating system calls this thread.
#[cfg(target_vendor = "apple")]
fn os_thread_id() -> u64 {
    let mut id = 0;
    // SAFETY: 0 stands for this thread, and `id` may be written.
    unsafe { libc::pthread_threadid_np(0, &raw mut id) };
    id
}

/// Not known on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn os_thread_id() -> u64 {
    0
}
