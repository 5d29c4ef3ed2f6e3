//! Models of a ring that overwrites its oldest records.

use std::ops::Range;

use loom::thread;
use stenolog_ringbuf::queue::overwrite;

use crate::check;

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
