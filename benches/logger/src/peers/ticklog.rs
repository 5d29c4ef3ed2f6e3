use std::path::Path;

use super::{Lines, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "ticklog",
    setup: "`FileSink`, `Backpressure::Block`, its ring of 1 MiB a thread",
    calls: bench_ticklog::ALL,
    high: bench_ticklog::HIGH,
    service: Some(bench_ticklog::SERVICE),
    // Its level is a constant.
    disabled: None,
    threads: true,
    queue_records: 1 << 14,
    count: None,
    start,
};

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let count = lines.clone();
    let guard = bench_ticklog::start(path, move |bytes| count.add(1, bytes))?;
    Ok(Box::new(Text { lines, guard }))
}
