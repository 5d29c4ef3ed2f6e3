use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bench_statements::{high_entropy, statements};
use bench_workload::service;
use quicklog_flush::Flush;

use super::{Lines, Output, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "quicklog",
    setup: "a thread that calls `flush!`, a buffered file instead of its own flusher, which opens \
            the file for each line; its queue of a million records drops what does not fit",
    calls: statements!(n: [quicklog::info] []),
    high: high_entropy!(n: [quicklog::info] []),
    service: Some(service!(event: [quicklog::info] [])),
    // Its level is a constant.
    disabled: None,
    // "Single-threaded": its sender is shared without any lock.
    threads: false,
    queue_records: 1_000_000,
    count: None,
    start,
};

struct Flusher(Output);

impl Flush for Flusher {
    fn flush_one(&mut self, line: String) {
        // What is not written is missed in the sum.
        let _ = self.0.write_all(line.as_bytes());
    }
}

/// The thread that writes; ends when this is dropped.
struct Drain {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    quicklog::init!();
    quicklog::with_flush!(Flusher(Output::create(path, &lines, true)?));
    let ends = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ends);
    let thread = std::thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            while quicklog::try_flush!().is_ok() {}
            // Polling without a pause slows its caller.
            std::thread::sleep(Duration::from_micros(20));
        }
    });
    let guard = Drain { ends, thread: Some(thread) };
    Ok(Box::new(Text { lines, guard }))
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // If it panicked, lines are missing, which is noticed.
        let _ = self.thread.take().map(JoinHandle::join);
        // The one before is dropped, and writes what it has.
        quicklog::with_flush!(quicklog_flush::noop_flusher::NoopFlusher::new());
    }
}
