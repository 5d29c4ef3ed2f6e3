//! Calls of `log`, `tracing` and `DynamicSite` allocate nothing if their types were seen before.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stenolog::{Builder, DynamicSite, Level};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all memory is that of the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as the caller grants it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller grants it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn calls(site: &DynamicSite, n: u64) {
    site.log(&[n.into(), "text".into()]);
    site.log(&[0.5.into(), 'c'.into()]);
    tracing::info!(n, text = "text", "plain");
    tracing::info!(shown = %n, some = ?Some(n), "with {n}");
    let outer = tracing::info_span!("outer", n, later = tracing::field::Empty).entered();
    outer.record("later", n);
    tracing::info_span!("inner", text = "text")
        .in_scope(|| tracing::info!(parent: &outer, n, "of"));
    log::info!("plain");
    log::info!(n, text = "text"; "with {n}");
    drop(outer);
}

#[test]
fn calls_whose_types_were_seen_before_allocate_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = Builder::new(folder.path().join("app.steno")).filter("info");
    let log = builder.capture_log().capture_tracing().start().expect("the logger starts");
    let site = DynamicSite::new(Level::Info, "t", "m", "f", 1, Some("{a}"), &["a", "b"]);
    (0..3).for_each(|n| calls(&site, n));
    let before = COUNT.get();
    (0..100).for_each(|n| calls(&site, n));
    assert_eq!(COUNT.get() - before, 0);
    log.close().expect("the dump is sealed");
}
