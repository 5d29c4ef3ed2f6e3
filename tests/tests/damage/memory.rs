//! A count of the memory that a piece of work takes, kept where it is allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts what each thread holds.
pub(crate) struct Counting;

thread_local! {
    /// What the thread holds, and the most that it held since [`peak`] began. Frees what another
    /// thread allocated too: the first may be below zero.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn note(bytes: isize) {
    HELD.with(|held| {
        let (now, most) = held.get();
        let now = now.saturating_add(bytes);
        held.set((now, most.max(now)));
    });
}

// SAFETY: each call is handed on to the system's allocator as it came. Counting allocates nothing:
// the thread-local is constant at first and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: what the caller promises is what the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: as for `alloc`; the block came from there.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // While it moves, both are there.
        note(bytes as isize);
        note(-(layout.size() as isize));
        // SAFETY: as for `dealloc`.
        unsafe { System.realloc(block, layout, bytes) }
    }
}

/// Does some work in this thread, and says how many bytes more than before it held at its height.
pub(crate) fn peak<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    let result = work();
    let (_, most) = HELD.with(Cell::get);
    (result, usize::try_from(most - before).unwrap_or(0))
}

#[test]
fn what_is_held_is_counted_at_its_height() {
    let ((), none) = peak(|| ());
    let (_, some) = peak(|| drop(std::hint::black_box(vec![0_u8; 1 << 20])));
    assert_eq!(none, 0);
    assert!((1 << 20..1 << 21).contains(&some), "{some}");
}
