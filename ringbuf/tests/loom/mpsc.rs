//! Models of a ring with several producers.

use loom::thread;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::mpsc;

use crate::{at_most_3_preemptions, drain, take, write};

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
