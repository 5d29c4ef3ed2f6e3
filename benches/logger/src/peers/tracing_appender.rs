use std::path::Path;

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use tracing::Level;
use tracing_appender::non_blocking::NonBlockingBuilder;

use super::{Lines, Output, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "tracing-appender",
    setup: "`tracing_subscriber::fmt` without colours, `non_blocking` with its 128,000 lines, not lossy",
    calls: statements!(n: [tracing::info] []),
    high: high_entropy!(n: [tracing::info] []),
    service: Some(service!(event: [tracing::info] [])),
    disabled: Some(statement!(n: [tracing::debug] [])),
    threads: true,
    queue_records: 128_000,
    count: None,
    start,
};

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(128_000)
        .finish(Output::create(path, &lines, true)?);
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::INFO);
    subscriber
        .with_ansi(false)
        .with_writer(writer)
        .try_init()
        .map_err(|error| error.to_string())?;
    Ok(Box::new(Text { lines, guard }))
}
