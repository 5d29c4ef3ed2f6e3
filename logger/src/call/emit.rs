//! Emit: the hot path of a call.
//!
//! ```text
//!   site's state ── which id, for which logger ──▶ thread's ring: time, claim, stores, publish
//!        │ off: done            │ another logger, other types, long, no room known: the slow path
//! ```
//!
//! The call site only checks whether it is on, puts the values into registers and jumps. The function that
//! follows makes no call and saves no registers for one: it leaves by a jump or returns.
//!
//! Cost: two relaxed loads of the site, one of the thread's generation, the clock, one comparison
//! for the claim, the stores, and one release store. No allocation, lock, system call or format.

use std::marker::PhantomData;
use std::sync::atomic::{Ordering, compiler_fence};

use stenolog_format::dictionary::TimeSource;

use crate::call::capture::CaptureList;
use crate::call::registers::{CapturedList, PassInRegisters};
use crate::call::time::TimeWord;
use crate::clock::ClockRef;
use crate::registry::site::{OFF, Site, UNKNOWN};
use crate::registry::{CallTypes, TypeList};
use crate::thread::local::{LOCAL, Local, NO_GENERATION};
use crate::thread::{self, ColdRecord, Payload};
use crate::value::Args;

impl Site {
    /// Whether a record of this call would be logged.
    #[inline(always)]
    #[must_use]
    pub fn is_enabled(&'static self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state > OFF || (state == UNKNOWN && thread::wants(self))
    }
}

/// The bytes of the time word.
const TIME_BYTES: usize = 8;

/// A hash of what a record's payload holds; never 0, which a site has before its first call.
const fn signature<T: TimeWord, A: Args>() -> u64 {
    let time = match T::SOURCE {
        TimeSource::Counter => 0,
        TimeSource::UnixNanos => 1 << 63,
    };
    (A::SIGNATURE ^ time) | 1
}

/// Logs a record of `site`. The arguments have been evaluated. Values that must be formatted at the call are
/// formatted first, and no user code runs afterwards.
#[inline(always)]
pub fn emit<T: TimeWord, L: CaptureList>(site: &'static Site, time: T, args: L) {
    let captured = args.capture();
    emit_captured(site, time, captured.refs());
}

#[inline(always)]
fn emit_captured<T: TimeWord, L: PassInRegisters>(site: &'static Site, time: T, values: L) {
    let (a, b, c, d, e, rest) = values.into_registers();
    emit_quick::<T, L>(a, b, c, d, e, time, site, rest);
}

/// The hot path: one function for all call sites with values of the same types.
///
/// The values come first: a caller that logs its own parameters has them in place.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "parameters travel in registers, structs do not")]
fn emit_quick<T: TimeWord, L: PassInRegisters>(
    a: L::A,
    b: L::B,
    c: L::C,
    d: L::D,
    e: L::E,
    time: T,
    site: &'static Site,
    rest: L::Rest,
) {
    if !try_emit_quick::<T, L, _>(site, time, &(&a, (&b, (&c, (&d, (&e, &rest)))))) {
        // The same parameters in the same places: this is just a jump.
        emit_slow::<T, L>(a, b, c, d, e, time, site, rest);
    }
}

#[inline(always)]
fn try_emit_quick<T: TimeWord, L: PassInRegisters, A: Args>(
    site: &'static Site,
    time: T,
    args: &A,
) -> bool {
    // Only the address leaves the closure: as a whole it might not be inlined.
    let local: *const Local = LOCAL.with(std::ptr::from_ref);
    // SAFETY: without a destructor, a thread-local lives as long as its thread.
    let local = unsafe { &*local };
    let state = site.state.load(Ordering::Relaxed);
    let generation = (state >> 32) as u32;
    if generation != local.generation.get()
        || site.signature.load(Ordering::Relaxed) != const { signature::<T, L::List>() }
        || !args.is_short()
        || !const { L::List::BOUND.is_always_readable() }
    {
        return false;
    }
    let Some(time) = time.read_at_once(local.clock_is_instruction.get()) else { return false };
    // Closes the hot path to signal handlers on this thread, which would write into the same claim (T2).
    local.generation.set(NO_GENERATION);
    // Nothing of the producer is read before that.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the generation is a logger's, so there is a producer; only this thread touches it, and
    // nothing logs while this borrow lives (T1 to T3 in `thread::local`): what follows are stores of values.
    let producer = unsafe { (*local.producer.get()).assume_init_mut() };
    let claim = producer.try_claim_quick(TIME_BYTES + args.size());
    let is_done = claim.is_some();
    if let Some(mut claim) = claim {
        // SAFETY: the claim is as long as the time and what `args` said it takes.
        unsafe { fill(claim.as_mut_ptr(), time, args) };
        claim.commit_tagged(state as u32);
    }
    local.reopen();
    is_done
}

/// Everything that the hot path does not finish: long records, a check of the drain's progress, and all
/// cases of the cold path.
#[cold]
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "those of `emit_quick`")]
fn emit_slow<T: TimeWord, L: PassInRegisters>(
    a: L::A,
    b: L::B,
    c: L::C,
    d: L::D,
    e: L::E,
    time: T,
    site: &'static Site,
    rest: L::Rest,
) {
    let args = &(&a, (&b, (&c, (&d, (&e, &rest)))));
    let payload_bytes = match args.is_readable() {
        true => args.size().saturating_add(TIME_BYTES),
        // More than any ring holds: the record is counted as one that is too large.
        false => usize::MAX,
    };
    thread::log(&ColdRecord {
        site,
        signature: const { signature::<T, L::List>() },
        payload_bytes,
        payload: &CallPayload::<T, L::List, _> { time, args, list: PhantomData },
    });
}

/// The payload of a call: its arguments. `L` is their list without the placeholders for absent ones.
struct CallPayload<'a, T, L, A> {
    time: T,
    args: &'a A,
    list: PhantomData<L>,
}

// SAFETY: `write` writes the time and the values, whose sizes make up `payload_bytes` (V1 in `value`).
unsafe impl<T: TimeWord, L: Args, A: Args> Payload for CallPayload<'_, T, L, A> {
    fn types(&self) -> CallTypes<'_> {
        let list = TypeList::Compiled(L::describe);
        CallTypes { signature: const { signature::<T, L>() }, time: T::SOURCE, list }
    }

    fn time(&self, clock: &ClockRef) -> u64 {
        self.time.read(clock)
    }

    unsafe fn write(&self, out: *mut u8, time: u64) {
        // SAFETY: the caller grants the room.
        unsafe { fill(out, time, self.args) };
    }
}

/// Writes a payload.
///
/// # Safety
/// The bytes of the time and of `args` may be written from `out` on.
#[inline(always)]
unsafe fn fill<A: Args>(out: *mut u8, time: u64, args: &A) {
    // SAFETY: the caller vouches for the room.
    unsafe {
        out.cast::<[u8; TIME_BYTES]>().write_unaligned(time.to_le_bytes());
        args.write(out.add(TIME_BYTES));
    }
}
