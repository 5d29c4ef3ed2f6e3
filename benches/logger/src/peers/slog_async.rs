use std::path::Path;
use std::sync::OnceLock;

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use slog::{Drain as _, Level, LevelFilter, Logger, o};
use slog_async::{Async, OverflowStrategy};
use slog_term::{FullFormat, PlainDecorator};

use super::{Lines, Output, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "slog-async",
    setup: "`FullFormat` in UTC, 65,536 records, `OverflowStrategy::Block`, flushed by the buffer only",
    calls: statements!(n: [slog::info] [logger(),]),
    high: high_entropy!(n: [slog::info] [logger(),]),
    service: Some(service!(event: [slog::info] [logger(),])),
    disabled: Some(statement!(n: [slog::debug] [logger(),])),
    threads: true,
    queue_records: 1 << 16,
    count: None,
    start,
};

static LOGGER: OnceLock<Logger> = OnceLock::new();

fn logger() -> &'static Logger {
    LOGGER.get().expect("it was started")
}

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    // It flushes after each record, which is a system call for each: not here.
    let plain = PlainDecorator::new(Output::create(path, &lines, false)?);
    let text = FullFormat::new(plain).use_utc_timestamp().build().fuse();
    let (drain, guard) = Async::new(text)
        .chan_size(1 << 16)
        .overflow_strategy(OverflowStrategy::Block)
        .build_with_guard();
    let drain = LevelFilter::new(drain, Level::Info).fuse();
    LOGGER.set(Logger::root(drain, o!())).map_err(|_| "started twice")?;
    Ok(Box::new(Text { lines, guard }))
}
