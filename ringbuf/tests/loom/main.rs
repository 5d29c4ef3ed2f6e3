//! Every interleaving, under the memory model of C11, of short runs of the protocol.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p stenolog-ringbuf --profile loom --test loom`
//!
//! No model spins: each thread makes a fixed number of attempts, and what is left is read once the
//! producer is done. Rings are so small that old records follow every new one.
#![cfg(loom)]

mod channel;
#[expect(dead_code, reason = "each test file needs another part")]
#[path = "../common/mod.rs"]
mod common;
mod mpsc;
mod overwrite;
mod spsc;

use common::Produce;
use stenolog_ringbuf::Consumer;

/// Writes records tagged `first..` until `attempts` are over; returns the tags that fitted.
fn write(producer: &mut impl Produce, first: u32, lens: &[usize]) -> Vec<u32> {
    let mut written = Vec::new();
    for (tag, &len) in (first..).zip(lens) {
        if let Ok(mut claim) = producer.try_claim(len) {
            claim.fill(tag as u8);
            claim.commit_tagged(tag);
            written.push(tag);
        }
    }
    written
}

fn check(tag: u32, payload: &[u8]) -> u32 {
    assert!(payload.iter().all(|&byte| u32::from(byte) == tag), "torn: {tag} {payload:?}");
    tag
}

fn take(consumer: &mut Consumer, read: &mut Vec<u32>) {
    if let Some(record) = consumer.try_claim() {
        read.push(check(record.tag(), &record));
    }
}

fn drain(consumer: &mut Consumer, max_bytes: usize, read: &mut Vec<u32>) {
    consumer.drain(max_bytes, |record| read.push(check(record.tag(), record.payload())));
}

/// For models that are too large to be explored in full.
fn at_most_3_preemptions(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}
