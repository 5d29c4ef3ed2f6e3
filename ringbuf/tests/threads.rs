//! Two threads at full speed: random lengths, aborts, panics inside a claim, every way to read.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, TryClaimError};

/// A small generator (xorshift), the same on both sides.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
}

/// The bytes of a record follow from its tag, whose upper byte tells the producer.
fn byte(tag: u32, at: usize) -> u8 {
    (tag as usize).wrapping_mul(31).wrapping_add(at) as u8
}

fn len(tag: u32, max: usize) -> usize {
    1 + (u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % max
}

fn write(producer: &mut impl Produce, first: u32, records: u32, max: usize) {
    let mut random = Random(7 + u64::from(first));
    let mut tag = first;
    while tag < first + records {
        let fate = random.below(16);
        let len = len(tag, max);
        let claimed = if fate == 0 { len + 5 } else { len };
        let claim = match fate {
            1 => producer.try_claim_within(claimed, producer.capacity() / 2),
            _ => producer.try_claim(claimed),
        };
        let mut claim = match claim {
            Ok(claim) => claim,
            Err(TryClaimError::Full) => {
                thread::yield_now();
                continue;
            }
            Err(TryClaimError::TooLarge) => continue,
        };
        for (at, to) in claim.iter_mut().enumerate() {
            *to = byte(tag, at);
        }
        claim.set_tag(tag);
        match fate {
            0 => claim.commit_truncated(len),
            2 => drop(claim),
            3 => {
                let unwound = catch_unwind(AssertUnwindSafe(|| {
                    let _claim = claim;
                    // Unlike `panic!`, this prints nothing.
                    resume_unwind(Box::new("while filling a record"));
                }));
                assert!(unwound.is_err());
            }
            _ => claim.commit(),
        }
        if fate != 2 && fate != 3 {
            tag += 1;
        }
    }
}

fn read(consumer: &mut Consumer, producers: u32, records: u32, max: usize) {
    let mut random = Random(11);
    let mut next: Vec<_> = (0..producers).map(first_tag).collect();
    let mut check = |tag: u32, payload: &[u8]| {
        let next = &mut next[(tag >> 24) as usize];
        assert_eq!(tag, *next, "out of order");
        assert_eq!(payload.len(), len(tag, max));
        for (at, &found) in payload.iter().enumerate() {
            assert_eq!(found, byte(tag, at), "byte {at} of record {tag}");
        }
        *next += 1;
    };
    loop {
        let disconnected = consumer.is_disconnected();
        let max_bytes = random.below(4096) as usize;
        let found = match random.below(4) {
            0 => consumer.try_claim().map(|record| check(record.tag(), &record)).is_some(),
            1 => consumer.drain(max_bytes, |record| check(record.tag(), record.payload())) > 0,
            2 => {
                let batch = consumer.batch(max_bytes);
                batch.records().for_each(|record| check(record.tag(), record.payload()));
                let found = !batch.is_empty();
                batch.release();
                found
            }
            _ => {
                // Taken and leaked, or looked at: left for the next round either way.
                let taken = consumer.try_claim().map(std::mem::forget);
                assert!(taken.is_none() || !consumer.batch(max_bytes).is_empty());
                taken.is_some()
            }
        };
        if !found {
            if disconnected {
                break;
            }
            thread::yield_now();
        }
    }
    for (producer, next) in (0..).zip(next) {
        assert_eq!(next, first_tag(producer) + records, "records are missing");
    }
}

fn first_tag(producer: u32) -> u32 {
    producer << 24 | 1
}

#[track_caller]
fn check(capacity: usize, records: u32, max: usize) {
    let (mut producer, mut consumer) = spsc::new(capacity);
    thread::scope(|scope| {
        // Moved, so it hangs up at the end.
        scope.spawn(move || write(&mut producer, first_tag(0), records, max));
        read(&mut consumer, 1, records, max);
    });
    for producers in 1..=3 {
        let (producer, mut consumer) = mpsc::new(capacity);
        thread::scope(|scope| {
            for index in 0..producers {
                let mut producer = producer.clone();
                scope.spawn(move || {
                    write(&mut producer, first_tag(index), records / producers, max);
                });
            }
            drop(producer);
            read(&mut consumer, producers, records / producers, max);
        });
    }
}

#[test]
fn one_record_at_a_time() {
    check(16, 3_000, 8);
}

#[test]
fn a_tiny_ring_always_wraps() {
    check(64, 20_000, 40);
}

#[test]
fn records_as_large_as_the_ring() {
    check(256, 20_000, 200);
}

#[test]
fn a_ring_of_many_records() {
    check(64 * 1024, 300_000, 100);
}

#[test]
fn what_comes_before_a_leaked_claim_arrives() {
    let (mut producer, mut consumer) = spsc::new(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            write(&mut producer, first_tag(0), 500, 20);
            loop {
                match producer.try_claim(8) {
                    Ok(claim) => break std::mem::forget(claim),
                    Err(_) => thread::yield_now(),
                }
            }
            while let Ok(claim) = producer.try_claim(8) {
                claim.commit();
            }
        });
        read(&mut consumer, 1, 500, 20);
    });
    assert!(consumer.is_empty());
}

/// Each producer leaks some of its claims. Once all are gone, the consumer gets what they committed.
#[test]
fn leaked_claims_of_many_producers_hide_nothing_in_the_end() {
    const PRODUCERS: u32 = 3;
    const RECORDS: u32 = 2_000;
    let (producer, mut consumer) = mpsc::new(1 << 20);
    let mut read = Vec::new();
    let mut take = |consumer: &mut Consumer| {
        consumer.drain(usize::MAX, |record| {
            let (tag, payload) = (record.tag(), record.payload());
            assert!(payload.iter().enumerate().all(|(at, &found)| found == byte(tag, at)));
            read.push(tag);
        });
    };
    let mut written = Vec::new();
    thread::scope(|scope| {
        let writing: Vec<_> = (0..PRODUCERS)
            .map(|index| {
                let mut producer = producer.clone();
                scope.spawn(move || {
                    let mut random = Random(3 + u64::from(index));
                    let mut written = Vec::new();
                    for tag in first_tag(index)..first_tag(index) + RECORDS {
                        let mut claim = producer.try_claim(len(tag, 100)).expect("there is room");
                        for (at, to) in claim.iter_mut().enumerate() {
                            *to = byte(tag, at);
                        }
                        match random.below(8) {
                            0 => std::mem::forget(claim),
                            1 => drop(claim),
                            _ => {
                                claim.commit_tagged(tag);
                                written.push(tag);
                            }
                        }
                    }
                    written
                })
            })
            .collect();
        drop(producer);
        while !consumer.is_disconnected() {
            take(&mut consumer);
            // Mostly too early, and then without effect.
            consumer.unblock();
            thread::yield_now();
        }
        written.extend(writing.into_iter().map(|thread| thread.join().unwrap()));
    });
    loop {
        take(&mut consumer);
        if !consumer.unblock() {
            break;
        }
    }
    for (index, written) in (0..).zip(written) {
        let of_one: Vec<_> = read.iter().copied().filter(|tag| tag >> 24 == index).collect();
        assert_eq!(of_one, written);
    }
}

#[test]
fn both_ends_may_move_between_threads() {
    fn send<T: Send>() {}
    send::<spsc::Producer>();
    send::<mpsc::Producer>();
    send::<Consumer>();
}

#[test]
fn a_consumer_that_dies_is_noticed() {
    let (mut producer, consumer) = spsc::new(256);
    thread::scope(|scope| {
        scope.spawn(move || drop(consumer));
        while !producer.is_disconnected() {
            if let Ok(claim) = producer.try_claim(8) {
                claim.commit();
            } else {
                thread::yield_now();
            }
        }
    });
}
