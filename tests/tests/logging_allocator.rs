//! An allocator that logs: its calls within the logger are refused, and wait for no lock of their own thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stenolog::{Builder, DynamicSite, Level};

/// Logs each allocation of a thread that wants it.
struct Logging;

thread_local! {
    static LOGS: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: all memory is that of the system's allocator.
unsafe impl GlobalAlloc for Logging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LOGS.replace(false) {
            stenolog::info!("allocated {} bytes", layout.size());
            LOGS.set(true);
        }
        // SAFETY: as the caller grants it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller grants it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Logging = Logging;

#[test]
fn a_call_site_is_described_at_run_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = Builder::new(folder.path().join("app.steno")).filter("info").start_detached();
    let log = log.expect("the logger starts");
    let scope = log.enter();
    LOGS.set(true);
    let site =
        DynamicSite::new(Level::Info, "plugin", "plugin::net", "net.py", 12, None, &["what"]);
    LOGS.set(false);
    let unheard = stenolog::stats().unheard;
    assert!(unheard > 0, "the description was stored");
    LOGS.set(true);
    site.log(&[7_u8.into()]);
    LOGS.set(false);
    assert!(stenolog::stats().unheard > unheard, "the list of types was stored");
    drop(scope);
    log.flush().expect("it is written");
    assert!(log.stats().records >= 1, "the record was logged");
    log.close().expect("the dump is sealed");
}

#[test]
fn another_logger_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = |n: usize| Builder::new(folder.path().join(format!("{n}.steno"))).start_detached();
    let log = start(0).expect("the logger starts");
    let scope = log.enter();
    LOGS.set(true);
    let others: Vec<_> = (1..10).map(start).collect();
    LOGS.set(false);
    for other in others {
        other.expect("the logger starts").close().expect("the dump is sealed");
    }
    drop(scope);
    log.close().expect("the dump is sealed");
}
