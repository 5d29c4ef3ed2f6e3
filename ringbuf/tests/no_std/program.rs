//! A program without the standard library that uses all three queues: built and run by
//! `.ci/no-std`. Were `std` among what it is linked of, there would be two panic handlers.

#![no_std]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use core::panic::PanicInfo;
use stenolog_ringbuf::queue::{mpsc, overwrite, spsc};

#[link(name = "c")]
unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    fn abort() -> !;
}

struct Libc;

// SAFETY: `calloc` aligns to 16 bytes on the machines this is for, and whatever needs more, as the
// padded lines of a ring do, gets a larger block, which is never given back.
unsafe impl GlobalAlloc for Libc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: it takes any size.
        let block = unsafe { calloc(1, layout.size() + layout.align()) }.cast::<u8>();
        // SAFETY: the block is larger by the alignment.
        if block.is_null() {
            block
        } else {
            unsafe { block.add(block.align_offset(layout.align())) }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if layout.align() <= 16 {
            // SAFETY: from `calloc`, whose alignment was enough.
            unsafe { free(pointer.cast()) };
        }
    }
}

#[global_allocator]
static LIBC: Libc = Libc;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it has no preconditions.
    unsafe { abort() }
}

/// Named by the parts of `core` that were compiled to unwind; never called.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const u8) -> c_int {
    let mut tags = 0;

    let (mut producer, mut consumer) = spsc::new(64);
    for tag in 1..=100 {
        producer.try_claim(8).unwrap().commit_tagged(tag);
        consumer.drain(usize::MAX, |record| tags += record.tag());
    }

    let (producer, mut consumer) = mpsc::new(64);
    let mut clone = producer.clone();
    for tag in 1..=100 {
        clone.try_claim(8).unwrap().commit_tagged(tag);
        tags += consumer.try_claim().unwrap().tag();
    }

    let (mut producer, reader) = overwrite::new(64);
    for tag in 1..=100 {
        producer.try_claim(8).unwrap().commit_tagged(tag);
    }
    let snapshot = reader.snapshot();
    tags += snapshot.records().map(|record| record.tag()).sum::<u32>();

    // Twice the sum of all, and the four newest.
    c_int::from(tags != 2 * 5050 + 97 + 98 + 99 + 100)
}
