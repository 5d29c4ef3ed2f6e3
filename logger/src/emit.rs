//! The hot path of a call.
//!
//! ```text
//!   site's state ── which id, for which logger ──▶ thread's ring: time, claim, stores, publish
//!        │ off: done            │ another logger, other types, no room: the cold path
//! ```
//!
//! Cost: two relaxed loads of the site, one of the thread's generation, the clock, one comparison
//! for the claim, the stores, and one release store. No allocation, lock, system call or format.

use std::sync::atomic::{Ordering, compiler_fence};

use stenolog_format::dictionary::TimeSource;

use crate::registry::CallTypes;
use crate::site::Site;
use crate::thread::{self, ColdRecord, LOCAL, Local, NO_GENERATION};
use crate::time::TimeWord;
use crate::value::Args;

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

/// Logs a record of `site`. The arguments have been evaluated; none of the user's code runs here.
#[inline(always)]
pub fn emit<T: TimeWord, A: Args>(site: &'static Site, time: T, args: A) {
    if !try_emit(site, time, &args) {
        // By value: what is behind a reference that leaves the function cannot stay in registers.
        emit_cold(site, time, args);
    }
}

#[inline(always)]
fn try_emit<T: TimeWord, A: Args>(site: &'static Site, time: T, args: &A) -> bool {
    // Only the address leaves the closure: as a whole it might not be inlined, and would then take
    // its captures, and so the arguments, by way of memory.
    let local: *const Local = LOCAL.with(std::ptr::from_ref);
    // SAFETY: without a destructor, a thread-local lives as long as its thread.
    let local = unsafe { &*local };
    let state = site.state.load(Ordering::Relaxed);
    if (state >> 32) as u32 != local.generation.get()
        || site.signature.load(Ordering::Relaxed) != const { signature::<T, A>() }
    {
        return false;
    }
    // T3: the generation of a logger comes with a clock.
    let Some(clock) = local.clock.get() else { return false };
    let payload_bytes = args.size().saturating_add(TIME_BYTES);
    let time = time.read(&clock);
    let allowance_bytes = local.allowance_bytes.get();
    // Closed to signal handlers on this thread, which would write into the same claim (T2).
    local.generation.set(NO_GENERATION);
    // Nothing of the producer is read before that.
    compiler_fence(Ordering::SeqCst);
    // SAFETY: only this thread touches the producer, and nothing logs while this borrow lives
    // (T1, T2 in `thread`): what follows are stores of values.
    let producer = unsafe { &mut *local.producer.get() };
    let Ok(mut claim) = producer.try_claim_within(payload_bytes, allowance_bytes) else {
        local.generation.set((state >> 32) as u32);
        return false;
    };
    // SAFETY: the claim is `payload_bytes` long, which `args` said it takes with the time.
    unsafe { fill(claim.as_mut_ptr(), time, args) };
    claim.commit_tagged(state as u32);
    compiler_fence(Ordering::Release);
    local.generation.set((state >> 32) as u32);
    true
}

/// Writes a payload.
///
/// # Safety
/// As many bytes as `args` takes, and the time, may be written from `out` on.
#[inline(always)]
unsafe fn fill<A: Args>(out: *mut u8, time: u64, args: &A) {
    // SAFETY: the caller vouches for the room.
    unsafe {
        out.cast::<[u8; TIME_BYTES]>().write_unaligned(time.to_le_bytes());
        args.write(out.add(TIME_BYTES));
    }
}

#[cold]
#[inline(never)]
fn emit_cold<T: TimeWord, A: Args>(site: &'static Site, time: T, args: A) {
    thread::log(&ColdRecord {
        site,
        types: CallTypes {
            signature: const { signature::<T, A>() },
            time: T::SOURCE,
            describe: A::describe,
        },
        payload_bytes: args.size().saturating_add(TIME_BYTES),
        stamp: &|clock| time.read(clock),
        fill: &|out, time| {
            // SAFETY: `thread::log` hands out a claim of `payload_bytes`.
            unsafe { fill(out, time, &args) };
        },
    });
}
