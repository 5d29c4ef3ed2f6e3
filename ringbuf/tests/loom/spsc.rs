//! Models of a ring with one producer.

use loom::thread;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc;

use crate::{check, drain, take, write};

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
