use std::path::Path;

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use inqjet::{ColorMode, InqJetBuilder, LevelFilter};

use super::{Lines, Output, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "inqjet",
    setup: "a ring of 1 MiB, without colours, its defaults otherwise (callers wait)",
    calls: statements!(n: [inqjet::info] []),
    high: high_entropy!(n: [inqjet::info] []),
    service: Some(service!(event: [inqjet::info] [])),
    disabled: Some(statement!(n: [inqjet::debug] [])),
    threads: true,
    queue_records: 1 << 14,
    count: None,
    start,
};

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let guard = InqJetBuilder::default()
        .with_writer(Output::create(path, &lines, true)?)
        .with_log_level(LevelFilter::Info)
        .with_color_mode(ColorMode::Never)
        .with_buffer_size(1 << 20)
        .build()?;
    Ok(Box::new(Text { lines, guard }))
}
