//! Thread state that the hot path reads, and the guard against re-entrant calls.
//!
//! All of it is plain cells without a destructor, usable at any time of a thread's life.
//!
//! - **T1 (one thread).** `LOCAL.producer` is only touched by its thread.
//! - **T2 (no overlap).** A mutable borrow of a producer lives in the hot path, where nothing runs
//!   but stores of values, or in the cold path, during which the hot path is closed to this thread
//!   (`LOCAL.generation` is [`NO_GENERATION`]) and a nested cold path is refused.
//! - **T3 (match).** `LOCAL.generation` is that of a logger only while `LOCAL.producer` is a
//!   producer of that logger's and `LOCAL.clock` is set, with what is said of it. In a forked child all of
//!   `LOCAL` may be zero at any time: no logger has the generation 0, and there is no producer then.
//!
//! A signal handler may log. If it has interrupted the hot path or the cold one, its calls are refused,
//! because that path has closed itself: T2 holds.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::{Ordering, compiler_fence};

use stenolog_ringbuf::queue::spsc::Producer;

use crate::clock::ClockRef;
use crate::core::Core;
use crate::process::epoch;

/// The generation of a thread without a ring: no call site has it.
pub(crate) const NO_GENERATION: u32 = u32::MAX;

/// The state of a thread that the hot path reads.
///
/// On Linux it has a page of its own, which the system zeroes in every forked child, even in one that no
/// handler sees (F1 in `process::epoch`): the generation is then that of no logger, so the child's calls leave
/// the hot path before they touch the ring that it shares with its parent. State that must outlast a fork is
/// elsewhere.
#[cfg_attr(any(target_os = "linux", target_os = "android"), repr(align(4096)))]
pub(crate) struct Local {
    /// The generation of the logger that the hot path may log to.
    pub(crate) generation: Cell<u32>,
    /// The generation of the logger that `producer` belongs to.
    owner: Cell<u32>,
    /// Its quick claims are for the hot path; those beyond, for the slow one, which also checks the
    /// progress of the drain.
    pub(crate) producer: UnsafeCell<MaybeUninit<Producer>>,
    /// Whether there is a producer that the cold path does not borrow.
    has_producer: Cell<bool>,
    clock: Cell<Option<ClockRef>>,
    /// Whether an instruction reads that clock.
    pub(crate) clock_is_instruction: Cell<bool>,
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
    pub(super) static SCOPES: Cell<usize> = const { Cell::new(0) };

    /// Whether the cold path is running, or the thread is a drain: its own calls are then refused.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };

    /// Whether this thread runs a signal handler that has not interrupted the cold path.
    static IS_IN_HANDLER: Cell<bool> = const { Cell::new(false) };

    /// How many times this thread is within `prepare_call_sites`.
    static PREPARING: Cell<u32> = const { Cell::new(0) };
}

impl Local {
    /// Opens or closes the hot path, as the thread's state demands.
    pub(super) fn settle(&self) {
        let is_open = !IS_BUSY.get() && Self::is_ready();
        // A signal handler sees all stores before, or the hot path closed.
        compiler_fence(Ordering::SeqCst);
        self.generation.set(if is_open { self.owner.get() } else { NO_GENERATION });
        compiler_fence(Ordering::SeqCst);
    }

    /// Opens the hot path again after it has closed itself for a record.
    #[inline(always)]
    pub(crate) fn reopen(&self) {
        compiler_fence(Ordering::Release);
        // Not for the generation that it was open for: a handler that came before it was closed may
        // have brought another logger, and a forked child has none.
        self.generation.set(self.owner.get());
    }

    /// Whether the hot path is open, apart from code that is running on this thread right now.
    fn is_ready() -> bool {
        SCOPES.get() == 0 && PREPARING.get() == 0 && OWNER_EPOCH.get() == epoch::current()
    }

    /// The generation of the logger that a signal handler may log to, if it has interrupted no call.
    pub(super) fn generation_for_handler(&self) -> Option<u32> {
        let owner = self.owner.get();
        let is_open = Self::is_ready() && owner != NO_GENERATION && self.generation.get() == owner;
        is_open.then_some(owner)
    }

    /// Whether this call comes from a signal handler that has interrupted the hot path: that one
    /// closes itself while it is at work.
    pub(super) fn is_interrupted(&self) -> bool {
        Self::is_ready() && !IS_BUSY.get() && self.generation.get() != self.owner.get()
    }

    /// The clock of the logger that `producer` belongs to.
    pub(super) fn clock(&self) -> Option<ClockRef> {
        self.clock.get()
    }

    /// Whether the thread has a ring of a global logger.
    pub(super) fn has_owner(&self) -> bool {
        self.owner.get() != NO_GENERATION
    }

    /// Makes the hot path log to a ring of `core`. The producer before must have been taken.
    pub(super) fn put_producer(&self, core: &Core, producer: Producer) {
        debug_assert!(!self.has_producer.get(), "a producer is overwritten");
        // SAFETY: only this thread touches the producer (T1), and no borrow of it lives while the cold
        // path runs (T2).
        unsafe { (*self.producer.get()).write(producer) };
        self.has_producer.set(true);
        self.clock.set(Some(ClockRef(core.clock)));
        self.clock_is_instruction.set(core.clock.is_instruction());
        self.renew_owner(core);
        OWNER_EPOCH.set(epoch::current());
        epoch::wipe_in_children(self);
    }

    /// Takes over the generation of the logger, which changes when its ring files are gone.
    pub(super) fn renew_owner(&self, core: &Core) {
        self.owner.set(core.generation());
    }

    /// Closes the hot path and takes the producer from it. `None` in a forked child, where the ring is the
    /// parent's.
    pub(super) fn take_producer(&self) -> Option<Producer> {
        self.owner.set(NO_GENERATION);
        self.settle();
        // SAFETY: only this thread touches the producer (T1), and no borrow of it lives: this is
        // the cold path, or the thread's end (T2). There is one, and it is not taken twice.
        self.has_producer.take().then(|| unsafe { (*self.producer.get()).assume_init_read() })
    }

    /// Lends the cold path the producer, if there is one.
    pub(super) fn with_producer<R>(&self, work: impl FnOnce(&mut Producer) -> R) -> Option<R> {
        /// Ends the borrow, even if the work panics.
        struct Borrow<'a>(&'a Cell<bool>);

        impl Drop for Borrow<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }

        // A nested borrow finds no producer.
        let _borrow = self.has_producer.take().then(|| Borrow(&self.has_producer))?;
        // SAFETY: there is one, which only this thread touches (T1), and no other borrow of it lives:
        // the hot path is closed while the cold one runs (T2).
        Some(work(unsafe { (*self.producer.get()).assume_init_mut() }))
    }

    /// Lends the producer as the hot path does, which has to be open, and closes that meanwhile.
    #[inline]
    pub(crate) fn with_open_producer<R>(&self, work: impl FnOnce(&mut Producer) -> R) -> R {
        debug_assert_ne!(self.generation.get(), NO_GENERATION, "the hot path is closed");
        self.generation.set(NO_GENERATION);
        compiler_fence(Ordering::SeqCst);
        // SAFETY: the hot path was open, so there is a producer (T3), which only this thread touches
        // (T1); calls within `work` are refused, as the hot path is closed (T2).
        let result = work(unsafe { (*self.producer.get()).assume_init_mut() });
        self.reopen();
        result
    }
}

/// Takes the ring from a thread of a forked child, because it belongs to the parent. Async-signal-safe.
#[cfg(unix)]
pub(crate) fn detach() {
    LOCAL.with(|local| {
        local.owner.set(NO_GENERATION);
        local.settle();
    });
}

/// Whether calls of this thread are refused: it is a drain, or at work in the cold path.
pub(crate) fn is_busy() -> bool {
    IS_BUSY.get()
}

/// Refuses this thread's own calls from now on: it is a drain.
pub(crate) fn begin_drain_thread() {
    IS_BUSY.set(true);
}

/// Refuses this thread's own calls until the value is dropped.
pub(crate) struct ReentrancyGuard {
    was_busy: bool,
    /// Whether the hot path was open: not if this is a signal handler that has interrupted it (T2).
    was_open: bool,
    /// Keeps the value on its thread.
    _this_thread: PhantomData<*const ()>,
}

impl ReentrancyGuard {
    pub(crate) fn new() -> Self {
        LOCAL.with(|local| {
            let was_busy = IS_BUSY.replace(true);
            let was_open = local.generation.get() != NO_GENERATION;
            local.settle();
            Self { was_busy, was_open, _this_thread: PhantomData }
        })
    }
}

impl Drop for ReentrancyGuard {
    fn drop(&mut self) {
        LOCAL.with(|local| {
            IS_BUSY.set(self.was_busy);
            compiler_fence(Ordering::SeqCst);
            if self.was_open {
                local.reopen();
            }
        });
    }
}

/// A part of the cold path, in which calls of this thread are refused: an allocator that logs may run
/// there. The hot path is as it was before when it is dropped.
pub(super) struct ColdSection(PhantomData<*const ()>);

impl ColdSection {
    /// `None` if the thread is in one already, if this is a signal handler that has interrupted the hot
    /// path, or in an unobserved child.
    pub(super) fn enter() -> Option<Self> {
        LOCAL.with(|local| {
            if IS_BUSY.get() || local.is_interrupted() || epoch::is_unobserved() {
                return None;
            }
            IS_BUSY.set(true);
            local.settle();
            Some(Self(PhantomData))
        })
    }
}

impl Drop for ColdSection {
    fn drop(&mut self) {
        IS_BUSY.set(false);
        LOCAL.with(Local::settle);
    }
}

/// Whether this thread runs a signal handler that has not interrupted the cold path.
pub(super) fn is_in_handler() -> bool {
    IS_IN_HANDLER.get()
}

/// Runs `handler` as a part of a signal handler: the hot path is unchanged, and the cold path is closed.
pub(super) fn run_handler<R>(handler: impl FnOnce() -> R) -> R {
    let was_busy = IS_BUSY.replace(true);
    // If it was closed before, this is the drain, or has interrupted a call, or another handler.
    let was_in_handler = IS_IN_HANDLER.get();
    IS_IN_HANDLER.set(was_in_handler || !was_busy);
    let result = handler();
    IS_IN_HANDLER.set(was_in_handler);
    IS_BUSY.set(was_busy);
    result
}

/// Whether this thread is within `prepare_call_sites`.
pub(super) fn is_preparing() -> bool {
    PREPARING.get() > 0
}

/// Sends all calls of this thread through the cold path, until the value is dropped.
pub(super) struct Preparing(PhantomData<*const ()>);

impl Preparing {
    pub(super) fn begin() -> Self {
        PREPARING.set(PREPARING.get() + 1);
        LOCAL.with(Local::settle);
        Self(PhantomData)
    }
}

impl Drop for Preparing {
    fn drop(&mut self) {
        PREPARING.set(PREPARING.get() - 1);
        LOCAL.with(Local::settle);
    }
}
