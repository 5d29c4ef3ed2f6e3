//! Every interleaving, under the memory model of C11, of short runs of the protocol.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p stenolog-ringbuf --profile loom --test loom`
//!
//! No model spins: each thread makes a fixed number of attempts, and what is left is read once
//! the producer is done. Rings are so small that old records lie behind every new one.

#![cfg(loom)]

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use loom::thread;
use std::ops::Range;
use stenolog_ringbuf::queue::{mpsc, overwrite, spsc};
use stenolog_ringbuf::{Consumer, RecvError};

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

/// Runs a producer beside a consumer; what is read must be what was written.
fn run(
    capacity: usize,
    produce: impl FnOnce(&mut spsc::Producer) -> Vec<u32> + Send + 'static,
    consume: impl FnOnce(&mut Consumer, &mut Vec<u32>),
) {
    let (mut producer, mut consumer) = spsc::new(capacity);
    let producer = thread::spawn(move || produce(&mut producer));
    let mut read = Vec::new();
    consume(&mut consumer, &mut read);
    let written = producer.join().unwrap();
    drain(&mut consumer, usize::MAX, &mut read);
    assert_eq!(read, written);
    assert!(consumer.is_empty());
}

#[test]
fn claim_and_commit() {
    loom::model(|| {
        run(
            32,
            |producer| write(producer, 1, &[8, 8, 8, 8]),
            |consumer, read| {
                take(consumer, read);
                take(consumer, read);
                take(consumer, read);
            },
        );
    });
}

#[test]
fn a_ring_of_one_record() {
    loom::model(|| {
        run(
            16,
            |producer| write(producer, 1, &[8, 8, 8, 8]),
            |consumer, read| {
                take(consumer, read);
                take(consumer, read);
                take(consumer, read);
            },
        );
    });
}

#[test]
fn wrap_with_dead_space() {
    loom::model(|| {
        run(
            64,
            |producer| write(producer, 1, &[16, 16, 16, 24, 8]),
            |consumer, read| {
                take(consumer, read);
                drain(consumer, usize::MAX, read);
                take(consumer, read);
            },
        );
    });
}

#[test]
fn dead_space_before_an_old_header() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc::new(32);
        let mut read = Vec::new();
        // Freed together with the second record, the third leaves its header, which lies at the
        // start of a lap, as it was.
        write(&mut producer, 1, &[8, 8]);
        take(&mut consumer, &mut read);
        write(&mut producer, 3, &[8]);
        drain(&mut consumer, usize::MAX, &mut read);
        // Dead space leads to that header.
        let producer = thread::spawn(move || write(&mut producer, 4, &[24, 24]));
        drain(&mut consumer, usize::MAX, &mut read);
        let written = producer.join().unwrap();
        drain(&mut consumer, usize::MAX, &mut read);
        assert_eq!(read, [&[1, 2, 3], &*written].concat());
    });
}

#[test]
fn old_payload_is_never_taken_for_a_header() {
    loom::model(|| {
        run(
            32,
            |producer| {
                let mut written = write(producer, 1, &[24]);
                written.extend(write(producer, 2, &[8, 8, 8]));
                written
            },
            |consumer, read| {
                take(consumer, read);
                take(consumer, read);
                drain(consumer, usize::MAX, read);
            },
        );
    });
}

#[test]
fn abort_and_truncate() {
    loom::model(|| {
        run(
            64,
            |producer| {
                let mut written = write(producer, 1, &[8]);
                if let Ok(mut claim) = producer.try_claim(24) {
                    claim.fill(2);
                    claim.set_tag(2);
                    claim.commit_truncated(3);
                    written.push(2);
                }
                drop(producer.try_claim(8));
                written.extend(write(producer, 4, &[16]));
                written
            },
            |consumer, read| {
                take(consumer, read);
                drain(consumer, usize::MAX, read);
                take(consumer, read);
            },
        );
    });
}

#[test]
fn leaked_claim() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc::new(32);
        let producer = thread::spawn(move || {
            let written = write(&mut producer, 1, &[8]);
            if let Ok(claim) = producer.try_claim(8) {
                std::mem::forget(claim);
            }
            write(&mut producer, 3, &[8]);
            written
        });
        let mut read = Vec::new();
        take(&mut consumer, &mut read);
        take(&mut consumer, &mut read);
        let written = producer.join().unwrap();
        drain(&mut consumer, usize::MAX, &mut read);
        assert_eq!(read, written, "only what lies before the leak");
    });
}

#[test]
fn drain_in_parts() {
    loom::model(|| {
        run(
            32,
            |producer| write(producer, 1, &[8, 8, 8, 8]),
            |consumer, read| {
                drain(consumer, 16, read);
                drain(consumer, usize::MAX, read);
            },
        );
    });
}

#[test]
fn scans_released_late() {
    loom::model(|| {
        run(
            32,
            |producer| write(producer, 1, &[8, 8, 8]),
            |consumer, read| {
                let first = consumer.scan_from(0, 16, |record| {
                    read.push(check(record.tag(), record.payload()));
                });
                let second = consumer.scan_from(first, usize::MAX, |record| {
                    read.push(check(record.tag(), record.payload()));
                });
                consumer.release_to(first);
                consumer.release_to(second);
            },
        );
    });
}

#[test]
fn batches_released_late() {
    loom::model(|| {
        run(
            32,
            |producer| write(producer, 1, &[8, 8, 8]),
            |consumer, read| {
                let first = consumer.batch(usize::MAX);
                let end = first.end();
                read.extend(first.records().map(|record| check(record.tag(), record.payload())));
                let second = consumer.batch_from(end, usize::MAX);
                read.extend(second.records().map(|record| check(record.tag(), record.payload())));
                let second_end = second.end();
                consumer.release_to(end);
                consumer.release_to(second_end);
            },
        );
    });
}

#[test]
fn a_share_of_the_ring() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc::new(64);
        let producer = thread::spawn(move || {
            let mut written = Vec::new();
            for tag in 1..=4 {
                if let Ok(mut claim) = producer.try_claim_within(8, 32) {
                    claim.fill(tag as u8);
                    claim.commit_tagged(tag);
                    written.push(tag);
                }
                assert!(producer.used_bytes() <= 32);
            }
            written
        });
        let mut read = Vec::new();
        take(&mut consumer, &mut read);
        take(&mut consumer, &mut read);
        let written = producer.join().unwrap();
        drain(&mut consumer, usize::MAX, &mut read);
        assert_eq!(read, written);
    });
}

#[test]
fn nothing_is_missed_after_the_producer_hung_up() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc::new(32);
        let producer = thread::spawn(move || {
            write(&mut producer, 1, &[8, 8]);
        });
        let mut read = Vec::new();
        take(&mut consumer, &mut read);
        if consumer.is_disconnected() {
            drain(&mut consumer, usize::MAX, &mut read);
            assert_eq!(read, [1, 2]);
        }
        producer.join().unwrap();
        assert!(consumer.is_disconnected());
    });
}

#[test]
fn a_consumer_that_hung_up_has_freed_what_it_read() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc::new(32);
        write(&mut producer, 1, &[8, 8]);
        let consumer = thread::spawn(move || {
            take(&mut consumer, &mut Vec::new());
        });
        if producer.is_disconnected() {
            assert_eq!(producer.used_bytes(), 16);
        }
        let _ = write(&mut producer, 3, &[8]);
        consumer.join().unwrap();
        assert!(producer.is_disconnected());
    });
}

/// Runs two producers beside a consumer. What is read must be what was written, that of each
/// producer in its order: one uses tags from 1, the other from 101.
fn race(
    (mut first, mut consumer): (mpsc::Producer, Consumer),
    produce: [fn(&mut mpsc::Producer) -> Vec<u32>; 2],
    consume: impl FnOnce(&mut Consumer, &mut Vec<u32>),
) {
    let mut second = first.clone();
    let [produce_first, produce_second] = produce;
    let first = thread::spawn(move || produce_first(&mut first));
    let second = thread::spawn(move || produce_second(&mut second));
    let mut read = Vec::new();
    consume(&mut consumer, &mut read);
    let written = [first.join().unwrap(), second.join().unwrap()];
    drain(&mut consumer, usize::MAX, &mut read);
    let (of_second, of_first): (Vec<u32>, Vec<u32>) = read.iter().partition(|&&tag| tag > 100);
    assert_eq!([of_first, of_second], written);
    assert!(consumer.is_empty());
}

/// A ring of many producers whose tail is at `offset`, full of old records, and empty.
fn used(capacity: usize, offset: usize) -> (mpsc::Producer, Consumer) {
    let (mut producer, mut consumer) = mpsc::new(capacity);
    for len in [capacity - 8, offset - 8] {
        producer.try_claim(len).unwrap().commit_tagged(1);
        assert_eq!(consumer.drain(usize::MAX, |_| ()), 1);
    }
    (producer, consumer)
}

#[test]
fn two_claims_never_overlap() {
    loom::model(|| {
        race(
            mpsc::new(64),
            [|producer| write(producer, 1, &[8]), |producer| write(producer, 101, &[16])],
            take,
        );
    });
}

#[test]
fn two_producers_and_room_for_one() {
    loom::model(|| {
        race(
            used(32, 16),
            [|producer| write(producer, 1, &[16]), |producer| write(producer, 101, &[16])],
            take,
        );
    });
}

#[test]
fn two_producers_meet_the_wrap() {
    at_most_3_preemptions(|| {
        race(
            used(64, 48),
            [|producer| write(producer, 1, &[16]), |producer| write(producer, 101, &[24])],
            |consumer, read| drain(consumer, usize::MAX, read),
        );
    });
}

#[test]
fn two_producers_wait_for_what_is_freed() {
    loom::model(|| {
        let (mut producer, consumer) = used(32, 16);
        write(&mut producer, 1, &[8, 8]);
        race(
            (producer, consumer),
            [|producer| write(producer, 3, &[8]), |producer| write(producer, 101, &[8])],
            |consumer, _| {
                let mut read = Vec::new();
                take(consumer, &mut read);
                take(consumer, &mut read);
                assert_eq!(read, [1, 2]);
            },
        );
    });
}

#[test]
fn one_aborts_and_one_truncates() {
    loom::model(|| {
        race(
            used(64, 32),
            [
                |producer| {
                    drop(producer.try_claim(8));
                    Vec::new()
                },
                |producer| {
                    let Ok(mut claim) = producer.try_claim(24) else { return Vec::new() };
                    claim.fill(101);
                    claim.set_tag(101);
                    claim.commit_truncated(3);
                    vec![101]
                },
            ],
            |consumer, read| drain(consumer, usize::MAX, read),
        );
    });
}

#[test]
fn a_leak_is_stepped_over_when_the_last_producer_is_gone() {
    loom::model(|| {
        let (mut first, mut consumer) = used(64, 16);
        let mut second = first.clone();
        let first = thread::spawn(move || {
            let claim = first.try_claim(8).unwrap();
            std::mem::forget(claim);
        });
        let second = thread::spawn(move || write(&mut second, 101, &[8]));
        let mut read = Vec::new();
        if consumer.unblock() {
            drain(&mut consumer, usize::MAX, &mut read);
            assert_eq!(read, [101]);
        }
        first.join().unwrap();
        second.join().unwrap();
        drain(&mut consumer, usize::MAX, &mut read);
        consumer.unblock();
        drain(&mut consumer, usize::MAX, &mut read);
        assert_eq!(read, [101]);
    });
}

#[test]
fn nothing_is_missed_after_the_last_producer_hung_up() {
    loom::model(|| {
        let (mut first, mut consumer) = mpsc::new(64);
        let mut second = first.clone();
        let first = thread::spawn(move || drop(write(&mut first, 1, &[8])));
        let second = thread::spawn(move || drop(write(&mut second, 101, &[8])));
        let mut read = Vec::new();
        if consumer.is_disconnected() {
            drain(&mut consumer, usize::MAX, &mut read);
            assert_eq!(read.len(), 2);
        }
        first.join().unwrap();
        second.join().unwrap();
        assert!(consumer.is_disconnected());
    });
}

#[test]
fn a_clone_that_is_made_meanwhile_is_waited_for() {
    loom::model(|| {
        let (mut first, mut consumer) = mpsc::new(64);
        let first = thread::spawn(move || {
            let mut second = first.clone();
            let second = thread::spawn(move || drop(write(&mut second, 101, &[8])));
            write(&mut first, 1, &[8]);
            drop(first);
            second.join().unwrap();
        });
        let mut read = Vec::new();
        if consumer.is_disconnected() {
            drain(&mut consumer, usize::MAX, &mut read);
            read.sort_unstable();
            assert_eq!(read, [1, 101]);
        }
        first.join().unwrap();
        assert!(consumer.is_disconnected());
    });
}

#[test]
fn the_dead_end_that_one_producer_left_is_freed_for_the_other() {
    at_most_3_preemptions(|| {
        race(
            used(32, 24),
            [|producer| write(producer, 1, &[16]), |producer| write(producer, 101, &[16])],
            |consumer, read| {
                take(consumer, read);
                take(consumer, read);
            },
        );
    });
}

#[test]
fn many_producers_see_what_a_consumer_freed_that_hung_up() {
    loom::model(|| {
        let (mut first, mut consumer) = used(32, 16);
        write(&mut first, 1, &[8, 8]);
        let mut second = first.clone();
        let consumer = thread::spawn(move || take(&mut consumer, &mut Vec::new()));
        let second = thread::spawn(move || {
            if second.is_disconnected() {
                assert!(second.used_bytes() <= 32);
            }
            write(&mut second, 101, &[8]).len()
        });
        let gone = first.is_disconnected();
        let mut fitted = write(&mut first, 3, &[8]).len();
        fitted += second.join().unwrap();
        assert!(fitted <= 1 && (!gone || fitted == 1), "there is room for exactly one");
        consumer.join().unwrap();
        assert!(first.is_disconnected());
    });
}

/// Pushes records of one word that are numbered from `first` on.
fn record(producer: &mut overwrite::Producer, numbers: Range<u32>) {
    for number in numbers {
        let mut claim = producer.try_claim(8).unwrap();
        claim.fill(number as u8);
        claim.commit_tagged(number);
    }
}

/// What a snapshot may be: whole, without gaps, and what comes before it is counted.
fn check_snapshot(reader: &overwrite::Reader, committed: u32) {
    let snapshot = reader.snapshot();
    let mut next = u32::try_from(snapshot.lost()).unwrap();
    for record in snapshot.records() {
        assert_eq!(check(record.tag(), record.payload()), next);
        next += 1;
    }
    assert!(next >= committed, "{next} of {committed}");
}

#[test]
fn a_snapshot_is_whole_while_a_record_is_overwritten() {
    for before in [1, 2, 3] {
        loom::model(move || {
            let (mut producer, reader) = overwrite::new(32);
            record(&mut producer, 0..before);
            let producer = thread::spawn(move || record(&mut producer, before..before + 1));
            check_snapshot(&reader, before);
            producer.join().unwrap();
            check_snapshot(&reader, before + 1);
        });
    }
}

#[test]
fn a_snapshot_is_whole_while_the_ring_is_lapped() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (mut producer, reader) = overwrite::new(32);
        record(&mut producer, 0..2);
        let producer = thread::spawn(move || record(&mut producer, 2..4));
        check_snapshot(&reader, 2);
        producer.join().unwrap();
    });
}

/// For models that are too large to be explored in full.
fn at_most_3_preemptions(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// No poll comes to the rescue in a model: a wake-up that is lost is a deadlock.
#[test]
fn a_notified_receiver_wakes_up() {
    at_most_3_preemptions(|| {
        let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(32);
        let sender = thread::spawn(move || {
            for tag in 1..=2 {
                sender.try_send(8).unwrap().commit_tagged(tag);
                sender.notify();
            }
            sender
        });
        for tag in 1..=2 {
            assert_eq!(receiver.recv(None).unwrap().tag(), tag);
        }
        drop(sender.join().unwrap());
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
    });
}

#[test]
fn a_sender_that_goes_away_wakes_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(32);
        let sender = thread::spawn(move || {
            sender.try_send(8).unwrap().commit_tagged(1);
        });
        assert_eq!(receiver.recv(None).unwrap().tag(), 1);
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
        sender.join().unwrap();
    });
}

#[test]
fn two_senders_wake_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut first, mut receiver) = stenolog_ringbuf::channel::mpsc::new(64);
        let mut second = first.clone();
        let senders = [
            thread::spawn(move || {
                first.try_send(8).unwrap().commit_tagged(1);
                first.notify();
                first
            }),
            thread::spawn(move || {
                second.try_send(8).unwrap().commit_tagged(2);
                second.notify();
                second
            }),
        ];
        let mut read = [(); 2].map(|()| receiver.recv(None).unwrap().tag());
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
        for sender in senders {
            drop(sender.join().unwrap());
        }
    });
}

#[test]
fn the_last_of_two_senders_wakes_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut first, mut receiver) = stenolog_ringbuf::channel::mpsc::new(64);
        let second = first.clone();
        let senders = [
            thread::spawn(move || first.try_send(8).unwrap().commit_tagged(1)),
            thread::spawn(move || drop(second)),
        ];
        assert_eq!(receiver.recv(None).unwrap().tag(), 1);
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}
