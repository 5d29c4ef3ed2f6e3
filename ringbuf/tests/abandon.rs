//! Dead ends: claims dropped, leaked or unwound out of, closures that panic, ends that hang up.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, TryClaimError};

fn push(producer: &mut impl Produce, tag: u32) {
    let mut claim = producer.try_claim(8).unwrap();
    claim.copy_from_slice(&u64::from(tag).to_le_bytes());
    claim.commit_tagged(tag);
}

fn drain(consumer: &mut Consumer) -> Vec<u32> {
    let mut tags = Vec::new();
    consumer.drain(usize::MAX, |record| {
        assert_eq!(record.payload(), u64::from(record.tag()).to_le_bytes());
        tags.push(record.tag());
    });
    tags
}

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

fn a_dropped_claim_is_never_seen<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(256);
    push(&mut producer, 1);
    drop(producer.try_claim(20).unwrap());
    push(&mut producer, 2);
    drop(producer.try_claim(1).unwrap());
    assert_eq!(consumer.readable_bytes(), 32);
    assert_eq!(drain(&mut consumer), [1, 2]);
    assert_eq!(producer.used_bytes(), 0, "dead space is freed with the records");
}

fn only_dead_space_is_freed_without_a_record<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(64);
    let free: [fn(&mut Consumer) -> bool; 3] = [
        |consumer| consumer.try_claim().is_none(),
        |consumer| consumer.drain(usize::MAX, |_| ()) == 0,
        |consumer| consumer.batch(usize::MAX).is_empty(),
    ];
    for free in free {
        drop(producer.try_claim(40).unwrap());
        assert!(consumer.is_empty());
        assert_eq!((producer.used_bytes(), consumer.readable_bytes()), (48, 0));
        assert!(free(&mut consumer));
        assert_eq!(producer.used_bytes(), 0);
        // Back to the start of a lap.
        drop(producer.try_claim(8).unwrap());
        assert!(free(&mut consumer));
    }
}

fn a_panic_inside_a_claim_stalls_no_one<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(256);
    push(&mut producer, 1);
    assert!(panics(|| {
        let mut claim = producer.try_claim(16).unwrap();
        claim[0] = 1;
        panic!("while filling a record");
    }));
    push(&mut producer, 2);
    assert_eq!(drain(&mut consumer), [1, 2]);
}

fn a_leaked_claim_holds_back_what_follows_and_nothing_else<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(128);
    push(&mut producer, 1);
    mem::forget(producer.try_claim(8).unwrap());
    let mut after = 0;
    while let Ok(claim) = producer.try_claim(8) {
        claim.commit_tagged(9);
        after += 1;
    }
    assert_eq!(after, 6);
    assert_eq!(drain(&mut consumer), [1], "what was committed before is delivered");
    assert_eq!(drain(&mut consumer), [], "nothing after the leak is");
    assert!(consumer.is_empty() && consumer.try_claim().is_none());
    // The one record before it gave its space back; then the ring is full for good.
    producer.try_claim(8).unwrap().commit();
    assert_eq!(producer.try_claim(8).unwrap_err(), TryClaimError::Full);
    assert_eq!(producer.used_bytes(), 128);
    drop(producer);
    assert!(consumer.is_disconnected() && consumer.is_empty());
}

fn a_leaked_read_is_read_again<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(128);
    push(&mut producer, 1);
    mem::forget(consumer.try_claim().unwrap());
    assert_eq!(consumer.try_claim().unwrap().tag(), 1);
    assert!(consumer.try_claim().is_none());
    assert_eq!(producer.used_bytes(), 0);
}

fn a_drain_that_panics_frees_what_it_showed<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(256);
    for tag in 1..=4 {
        push(&mut producer, tag);
    }
    let mut shown = Vec::new();
    assert!(panics(|| {
        consumer.drain(usize::MAX, |record| {
            shown.push(record.tag());
            assert!(record.tag() < 2, "while reading a record");
        });
    }));
    assert_eq!(shown, [1, 2]);
    assert_eq!(drain(&mut consumer), [3, 4]);
}

fn a_scan_that_panics_changes_nothing<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(256);
    push(&mut producer, 1);
    push(&mut producer, 2);
    assert!(panics(|| {
        consumer.scan_from(0, usize::MAX, |record| {
            assert!(record.tag() < 2, "while reading a record");
        });
    }));
    assert_eq!(drain(&mut consumer), [1, 2]);
}

fn a_truncated_commit_leaves_a_record_and_dead_space<P: Produce>() {
    for claimed in 1..=40 {
        for committed in 0..=claimed {
            let (mut producer, mut consumer) = P::ring(256);
            let mut claim = producer.try_claim(claimed).unwrap();
            claim.fill(5);
            claim.set_tag(3);
            claim.commit_truncated(committed);
            push(&mut producer, 1);
            if committed > 0 {
                let record = consumer.try_claim().unwrap();
                assert_eq!((&*record, record.tag()), (&[5; 40][..committed], 3));
            }
            assert_eq!(drain(&mut consumer), [1]);
            assert_eq!(producer.used_bytes(), 0);
        }
    }
}

fn a_commit_of_more_than_was_claimed_panics_and_aborts<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(64);
    assert!(panics(|| producer.try_claim(8).unwrap().commit_truncated(9)));
    push(&mut producer, 1);
    assert_eq!(drain(&mut consumer), [1]);
}

fn what_a_producer_left_is_read_after_it_hung_up<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(64);
    push(&mut producer, 1);
    assert!(!consumer.is_disconnected());
    drop(producer);
    assert!(consumer.is_disconnected());
    assert_eq!(drain(&mut consumer), [1]);
}

fn a_producer_without_a_consumer_fills_the_ring<P: Produce>() {
    let (mut producer, consumer) = P::ring(32);
    assert!(!producer.is_disconnected());
    drop(consumer);
    assert!(producer.is_disconnected());
    push(&mut producer, 1);
    push(&mut producer, 2);
    assert_eq!(producer.try_claim(8).unwrap_err(), TryClaimError::Full);
}

#[test]
fn a_producer_without_a_ring_refuses_all() {
    let mut producer = spsc::Producer::disconnected();
    for len in [1, 8, usize::MAX] {
        assert_eq!(producer.try_claim(len).unwrap_err(), TryClaimError::TooLarge);
        let within = producer.try_claim_within(len, usize::MAX);
        assert_eq!(within.unwrap_err(), TryClaimError::TooLarge);
    }
    assert!(producer.is_disconnected());
    assert_eq!((producer.capacity(), producer.max_record_bytes()), (0, 0));
    assert_eq!((producer.position(), producer.used_bytes()), (0, 0));
}

#[test]
fn a_leaked_claim_is_stepped_over_once_no_producer_is_left() {
    let (mut first, mut consumer) = mpsc::new(256);
    let mut second = first.clone();
    push(&mut first, 1);
    mem::forget(first.try_claim(20).unwrap());
    push(&mut second, 2);
    mem::forget(second.try_claim(1).unwrap());
    push(&mut first, 3);
    assert_eq!(drain(&mut consumer), [1]);
    drop(first);
    assert!(!consumer.unblock(), "the claim may be the other producer's");
    drop(second);
    assert!(consumer.is_empty());
    assert!(consumer.unblock());
    assert!(!consumer.unblock(), "there is a record to be read first");
    assert_eq!(drain(&mut consumer), [2]);
    assert!(consumer.unblock());
    assert_eq!(drain(&mut consumer), [3]);
    assert!(!consumer.unblock());
}

#[test]
fn a_leaked_claim_at_the_end_of_a_full_ring_is_stepped_over() {
    let (mut producer, mut consumer) = mpsc::new(64);
    push(&mut producer, 1);
    mem::forget(producer.try_claim(40).unwrap());
    assert_eq!(producer.try_claim(1).unwrap_err(), TryClaimError::Full);
    assert_eq!(drain(&mut consumer), [1]);
    push(&mut producer, 2);
    assert_eq!(drain(&mut consumer), []);
    // SAFETY: the claim was leaked.
    assert!(unsafe { consumer.unblock_unchecked() });
    assert_eq!(drain(&mut consumer), [2]);
    assert_eq!(producer.try_claim(56).unwrap_err(), TryClaimError::Full);
    assert!(consumer.is_empty() && consumer.try_claim().is_none());
    producer.try_claim(56).unwrap().commit();
    assert_eq!(consumer.try_claim().unwrap().len(), 56);
}

#[test]
fn a_ring_of_one_producer_has_nothing_to_step_over() {
    let (mut producer, mut consumer) = spsc::new(64);
    mem::forget(producer.try_claim(8).unwrap());
    drop(producer);
    assert!(!consumer.unblock());
    assert!(consumer.is_empty());
}

/// Not even what many producers could be asked to step over.
#[test]
fn what_one_producer_commits_after_a_leak_stays_out_of_reach() {
    let (mut producer, mut consumer) = spsc::new(64);
    push(&mut producer, 1);
    mem::forget(producer.try_claim(8).unwrap());
    push(&mut producer, 2);
    drop(producer);
    assert_eq!(drain(&mut consumer), [1]);
    assert!(consumer.is_disconnected() && !consumer.unblock());
    // SAFETY: the claim was leaked, and its producer is gone.
    assert!(!unsafe { consumer.unblock_unchecked() });
    assert!(consumer.is_empty() && consumer.try_claim().is_none());
}

fn a_leaked_consumer_counts_as_alive<P: Produce>() {
    let (mut producer, consumer) = P::ring(32);
    mem::forget(consumer);
    assert!(!producer.is_disconnected());
    push(&mut producer, 1);
    push(&mut producer, 2);
    assert_eq!(producer.try_claim(8).unwrap_err(), TryClaimError::Full);
}

fn a_leaked_producer_counts_as_alive<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(32);
    push(&mut producer, 1);
    mem::forget(producer);
    assert!(!consumer.is_disconnected());
    assert_eq!(drain(&mut consumer), [1]);
    assert!(!consumer.is_disconnected() && !consumer.unblock());
}

#[test]
fn the_last_of_many_producers_is_noticed() {
    let (first, consumer) = mpsc::new(64);
    let second = first.clone();
    drop(first);
    assert!(!consumer.is_disconnected());
    let third = second.clone();
    drop(second);
    drop(third);
    assert!(consumer.is_disconnected());
}

crate::for_each_queue!(
    a_dropped_claim_is_never_seen,
    only_dead_space_is_freed_without_a_record,
    a_panic_inside_a_claim_stalls_no_one,
    a_leaked_claim_holds_back_what_follows_and_nothing_else,
    a_leaked_read_is_read_again,
    a_leaked_consumer_counts_as_alive,
    a_leaked_producer_counts_as_alive,
    a_drain_that_panics_frees_what_it_showed,
    a_scan_that_panics_changes_nothing,
    a_truncated_commit_leaves_a_record_and_dead_space,
    a_commit_of_more_than_was_claimed_panics_and_aborts,
    what_a_producer_left_is_read_after_it_hung_up,
    a_producer_without_a_consumer_fills_the_ring,
);
