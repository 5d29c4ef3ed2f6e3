use std::path::Path;

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use log::LevelFilter;

use super::{Lines, Output, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "ftlog",
    setup: "UTC, the time-stamp counter, a channel of 100,000 records that makes callers wait",
    calls: statements!(n: [log::info] []),
    high: high_entropy!(n: [log::info] []),
    service: Some(service!(event: [log::info] [])),
    disabled: Some(statement!(n: [log::debug] [])),
    threads: true,
    queue_records: 100_000,
    count: None,
    start,
};

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let guard = ftlog::builder()
        .max_log_level(LevelFilter::Info)
        .bounded(100_000, true)
        .utc()
        .root(Output::create(path, &lines, true)?)
        .try_init()?;
    Ok(Box::new(Text { lines, guard }))
}
