//! The operations of the table "Costs" in the documentation, each in a function of its own
//! that does it [`TIMES`] times, for a tool that counts instructions:
//!
//! ```sh
//! cargo build --release -p stenolog-ringbuf --example instructions
//! valgrind --tool=callgrind --callgrind-out-file=counts target/release/examples/instructions
//! callgrind_annotate --inclusive=yes --threshold=100 counts | grep '> .*::count_.*x)'
//! ```
//!
//! A count divided by `TIMES` is that of one operation, of looking at one byte of what is read, and
//! of the loop around them, which has two or three. Functions that are called twice are called for
//! one producer first, and then for many.

use std::hint::black_box;
use stenolog_ringbuf::channel::{self, Receiver};
use stenolog_ringbuf::queue::{mpsc, overwrite, spsc};
use stenolog_ringbuf::{Consumer, Record};

const TIMES: u64 = 1000;
/// Room for all, so neither the end of a lap nor a full ring is among them.
const CAPACITY: usize = 64 * 1024;

macro_rules! count_writing {
    ($name:ident, $producer:ty, $claim:ident) => {
        #[inline(never)]
        fn $name(producer: &mut $producer) {
            for number in 0..TIMES {
                let Ok(mut claim) = producer.$claim(16) else { return };
                claim[..8].copy_from_slice(&number.to_le_bytes());
                claim[8..].copy_from_slice(&number.to_le_bytes());
                claim.commit_tagged(7);
            }
        }
    };
}
count_writing!(count_claim_and_commit_of_one, spsc::Producer, try_claim);
count_writing!(count_claim_and_commit_of_many, mpsc::Producer, try_claim);
count_writing!(count_send_of_one, channel::spsc::Sender, send);
count_writing!(count_send_of_many, channel::mpsc::Sender, send);
count_writing!(count_overwrite, overwrite::Producer, try_claim);

#[inline(never)]
fn count_notify(sender: &channel::spsc::Sender) {
    for _ in 0..TIMES {
        sender.notify();
    }
}

#[inline(never)]
fn count_take(consumer: &mut Consumer) {
    for _ in 0..TIMES {
        black_box(consumer.try_claim().unwrap()[0]);
    }
}

#[inline(never)]
fn count_receive(receiver: &mut Receiver) {
    for _ in 0..TIMES {
        black_box(receiver.recv(None).unwrap()[0]);
    }
}

fn look(record: Record<'_>) {
    black_box(record.payload()[0]);
}

#[inline(never)]
fn count_drain(consumer: &mut Consumer) {
    consumer.drain(usize::MAX, look);
}

#[inline(never)]
fn count_scan(consumer: &mut Consumer) -> u64 {
    consumer.scan_from(consumer.position(), usize::MAX, look)
}

#[inline(never)]
fn count_batch(consumer: &mut Consumer) {
    let batch = consumer.batch(usize::MAX);
    black_box(batch.raw_slices());
}

#[inline(never)]
fn count_readable_bytes(consumer: &Consumer) -> usize {
    consumer.readable_bytes()
}

#[inline(never)]
fn count_snapshot(reader: &overwrite::Reader) -> overwrite::Snapshot {
    reader.snapshot()
}

fn main() {
    let (mut producer, mut consumer) = spsc::new(CAPACITY);
    count_claim_and_commit_of_one(&mut producer);
    black_box(count_readable_bytes(&consumer));
    count_batch(&mut consumer);
    let end = count_scan(&mut consumer);
    consumer.release_to(end);

    let (mut producer, mut consumer) = spsc::new(CAPACITY);
    count_claim_and_commit_of_one(&mut producer);
    count_take(&mut consumer);
    let (mut producer, mut consumer) = spsc::new(CAPACITY);
    count_claim_and_commit_of_one(&mut producer);
    count_drain(&mut consumer);

    let (mut producer, mut consumer) = mpsc::new(CAPACITY);
    count_claim_and_commit_of_many(&mut producer);
    count_take(&mut consumer);
    let (mut producer, mut consumer) = mpsc::new(CAPACITY);
    count_claim_and_commit_of_many(&mut producer);
    count_drain(&mut consumer);

    let (mut sender, mut receiver) = channel::spsc::new(CAPACITY);
    count_send_of_one(&mut sender);
    count_notify(&sender);
    count_receive(&mut receiver);
    let (mut sender, _receiver) = channel::mpsc::new(CAPACITY);
    count_send_of_many(&mut sender);

    let (mut producer, reader) = overwrite::new(CAPACITY);
    count_overwrite(&mut producer);
    black_box(count_snapshot(&reader));
}
