//! Spans without end in bounded memory.

use std::sync::mpsc;

use stenolog::{Builder, OnFull};
use tracing::{Span, info, info_span};

/// The resident memory of this process in bytes. `None` where it cannot be read.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
}

#[test]
fn spans_one_after_the_other_take_no_more_memory() {
    const SPANS: u64 = 50_000;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = Builder::new(folder.path().join("app.steno")).on_full(OnFull::Block);
    let log = builder.filter("info").capture_tracing().start().expect("the logger starts");
    // Some end in another thread.
    let (send, spans) = mpsc::sync_channel::<Span>(64);
    let ending = std::thread::spawn(move || spans.iter().count());
    let round = || {
        for n in 0..SPANS {
            let span = info_span!("request", n);
            span.in_scope(|| {
                if n % 100 == 0 {
                    info!("in")
                }
            });
            if n % 10 == 0 {
                send.send(span).expect("the other thread runs");
            }
        }
        log.flush().expect("it is written");
        resident_bytes()
    };
    let first = round();
    let [.., last] = [(); 3].map(|()| round());
    if let (Some(first), Some(last)) = (first, last) {
        let grown = last.saturating_sub(first);
        assert!(grown < 24 << 20, "{grown} bytes more after {} spans", 4 * SPANS);
    }
    drop(send);
    assert_eq!(ending.join().expect("it ends"), 4 * SPANS as usize / 10);
    log.close().expect("the dump is sealed");
}
