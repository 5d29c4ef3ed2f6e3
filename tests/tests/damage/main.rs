//! A damaged file shows everything that is intact and names the rest, and reading it costs no more than the
//! file is large.
//!
//! Where the frames and records of an undamaged file lie is found by a walk that was written from `FORMAT.md` (and, for
//! ring files, from the documentation of `stenolog_ringbuf::file`) and shares no code with the reader. From it follows
//! what must come out of each cut and each changed byte, and that is compared exactly.
//!
//! By default the small samples get all 255 other values at every offset, the larger ones one value at every offset or
//! at a fixed stride of them. `STENOLOG_EXHAUSTIVE=1` leaves nothing out, and takes minutes.

mod change;
mod cut;
mod groups;
mod hostile;
mod lies;
mod memory;
mod oracle;
mod rings;
mod samples;
mod spans;
mod values;
mod walk;

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// Whether nothing may be left out.
fn is_exhaustive() -> bool {
    std::env::var_os("STENOLOG_EXHAUSTIVE").is_some_and(|value| value == "1")
}

/// Calls `work` with each number below `end`, on all cores, and sums up what it returns.
fn for_each(end: usize, work: impl Fn(usize) -> u64 + Sync) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (next, sum) = (AtomicUsize::new(0), AtomicU64::new(0));
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= end {
                        break;
                    }
                    sum.fetch_add(work(at), Ordering::Relaxed);
                }
            });
        }
    });
    sum.into_inner()
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}
