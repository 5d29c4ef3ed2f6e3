use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use bench_statements::{NAME, float, id, text};
use kvlog::collector::{LoggerGuard, init_file_logger};

use super::{Peer, Running, Started, Written};

pub const PEER: Peer = Peer {
    name: "kvlog",
    setup: "`init_file_logger`, binary; its queue grows without bound; values by name, because it has no format strings",
    calls: [s1, s2, s3, s4, s5, s6],
    high: [s1, e2, e3, e4, e5, e6, e7],
    // Its values have types of their own, and its messages no values.
    service: None,
    // Its level is a feature.
    disabled: None,
    threads: true,
    queue_records: 1 << 16,
    count: Some(count),
    start,
};

#[inline(never)]
fn s1(_: u32) {
    kvlog::info!("Starting backup replica garbage collector thread");
}

#[inline(never)]
fn s2(_: u32) {
    kvlog::info!("Opened session with coordinator", name = std::hint::black_box(NAME));
}

#[inline(never)]
fn s3(n: u32) {
    kvlog::info!("Backup storage speeds (min): MB/s", read = n as i32);
}

#[inline(never)]
fn s4(n: u32) {
    kvlog::info!("Backup storage speeds (avg): MB/s", read = n, write = n ^ 0x55);
}

#[inline(never)]
fn s5(n: u32) {
    kvlog::info!("Using tombstone ratio balancer", ratio = f64::from(n) * 0.37);
}

#[inline(never)]
fn s6(n: u32) {
    buffers(u64::from(n) * 50_000, [n, n ^ 7, n ^ 11], f64::from(n) * 0.26);
}

#[inline(always)]
fn buffers(receive: u64, others: [u32; 3], ms: f64) {
    kvlog::info!(
        "Initialized InfUdDriver buffers",
        receive,
        receive_mb = others[0],
        transmit = others[1],
        transmit_mb = others[2],
        ms
    );
}

#[inline(never)]
fn e2(n: u32) {
    kvlog::info!("Opened session with coordinator", name = text(n));
}

#[inline(never)]
fn e3(n: u32) {
    kvlog::info!("Backup storage speeds (min): MB/s", read = id(n) as i32);
}

#[inline(never)]
fn e4(n: u32) {
    let id = id(n);
    kvlog::info!("Backup storage speeds (avg): MB/s", read = id as u32, write = (id >> 32) as u32);
}

#[inline(never)]
fn e5(n: u32) {
    kvlog::info!("Using tombstone ratio balancer", ratio = float(n));
}

#[inline(never)]
fn e6(n: u32) {
    let (id, other) = (id(n), id(!n));
    buffers(id, [other as u32, (other >> 32) as u32, (id ^ other) as u32], float(n));
}

#[inline(never)]
fn e7(n: u32) {
    kvlog::info!("order filled", order = id(n), name = text(n), us = float(n));
}

/// The logger that was started, and its file.
struct Collector {
    guard: LoggerGuard,
    path: PathBuf,
}

fn start(path: &Path) -> Started {
    let guard = init_file_logger(&path.to_string_lossy());
    Ok(Box::new(Collector { guard, path: path.to_owned() }))
}

impl Running for Collector {
    fn settle(&self, _: u64) {
        self.guard.flush();
    }

    fn finish(self: Box<Self>, _: u64) -> Result<Written, Box<dyn Error>> {
        let Self { guard, path } = *self;
        // Ends its thread, which writes all it has.
        drop(guard);
        Ok(Written { records: 0, bytes: std::fs::metadata(path)?.len() })
    }
}

/// Walks over the file: each record begins with its length.
fn count(path: &Path) -> io::Result<u64> {
    let bytes = std::fs::read(path)?;
    let (mut rest, mut records) = (&bytes[..], 0);
    while let Some(after) = kvlog::encoding::log_len(rest).and_then(|length| rest.get(length..)) {
        (rest, records) = (after, records + 1);
    }
    if rest.is_empty() { Ok(records) } else { Err(io::Error::other("a record is damaged")) }
}
