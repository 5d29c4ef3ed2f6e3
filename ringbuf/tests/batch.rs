//! Two phases: read many, free them later, in part, or never.

use std::panic::{AssertUnwindSafe, catch_unwind};
use stenolog_ringbuf::Batch;
use stenolog_ringbuf::queue::mpsc;
use stenolog_ringbuf::queue::spsc::{self, Producer};

fn push(producer: &mut Producer, len: usize, tag: u32) {
    let mut claim = producer.try_claim(len).unwrap();
    claim.fill(tag as u8);
    claim.commit_tagged(tag);
}

fn tags(batch: &Batch<'_>) -> Vec<u32> {
    let records = batch.records();
    assert_eq!(records.len(), batch.record_count());
    records.map(|record| record.tag()).collect()
}

/// Reads raw slices the way a reader with only their description would.
fn parse(slices: (&[u8], &[u8])) -> Vec<(u32, Vec<u8>)> {
    let mut records = Vec::new();
    for mut bytes in [slices.0, slices.1] {
        while let Some((header, rest)) = bytes.split_first_chunk::<8>() {
            let header = u64::from_le_bytes(*header);
            let len = header as usize & 0x7fff_ffff;
            if header & 0x8000_0000 == 0 {
                records.push(((header >> 32) as u32, rest[..len].to_vec()));
            }
            bytes = &rest[len.next_multiple_of(8)..];
        }
        assert!(bytes.is_empty());
    }
    records
}

#[test]
fn a_dropped_batch_frees_nothing_and_a_released_one_all() {
    let (mut producer, mut consumer) = spsc::new(256);
    push(&mut producer, 8, 1);
    push(&mut producer, 9, 2);
    assert_eq!(tags(&consumer.batch(usize::MAX)), [1, 2]);
    let batch = consumer.batch(usize::MAX);
    assert_eq!((batch.start(), batch.end(), batch.len_bytes()), (0, 40, 40));
    batch.release();
    assert_eq!((consumer.position(), producer.used_bytes()), (40, 0));
    assert!(consumer.batch(usize::MAX).is_empty());
}

#[test]
fn a_drain_goes_on_past_records_larger_than_what_it_frees_at_once() {
    let (mut producer, mut consumer) = spsc::new(1 << 18);
    for tag in 1..=8 {
        push(&mut producer, 30_000, tag);
        push(&mut producer, 8, 100 + tag);
    }
    let mut tags = Vec::new();
    assert_eq!(consumer.drain(2 * 30_024, |record| tags.push(record.tag())), 4);
    assert_eq!(consumer.drain(usize::MAX, |record| tags.push(record.tag())), 12);
    assert!(tags.chunks(2).zip(1..).all(|(pair, tag)| pair == [tag, 100 + tag]));
}

/// Seen by the producers while the drain is under way.
#[test]
fn a_drain_frees_16_kib_at_once_or_a_quarter_of_a_smaller_ring() {
    macro_rules! check {
        ($kind:ident) => {
            for (capacity, together) in
                [(1 << 17, 1 << 14), (1 << 16, 1 << 14), (1 << 15, 1 << 13), (256, 64), (64, 16)]
            {
                let (mut producer, mut consumer) = $kind::new(capacity);
                while let Ok(claim) = producer.try_claim(8) {
                    claim.commit();
                }
                let mut shown = 0;
                let records = consumer.drain(usize::MAX, |_| {
                    let freed = capacity - producer.used_bytes();
                    assert_eq!(freed, shown / together * together, "{shown} of {capacity}");
                    shown += 16;
                });
                assert_eq!((records * 16, shown, producer.used_bytes()), (capacity, capacity, 0));
            }
        };
    }
    check!(spsc);
    check!(mpsc);
}

#[test]
fn a_batch_keeps_its_limit_but_always_gets_somewhere() {
    let (mut producer, mut consumer) = spsc::new(256);
    for tag in 1..=3 {
        push(&mut producer, 24, tag);
    }
    for (max_bytes, expected) in [(0, 1), (31, 1), (63, 1), (64, 2), (95, 2), (96, 3)] {
        assert_eq!(consumer.batch(max_bytes).record_count(), expected, "{max_bytes}");
    }
    assert_eq!(consumer.drain(0, |_| ()), 1);
    assert_eq!(consumer.drain(64, |_| ()), 2);
    assert_eq!(consumer.drain(64, |_| ()), 0);
}

#[test]
fn dead_space_never_hides_a_record_from_a_small_limit() {
    let (mut producer, mut consumer) = spsc::new(256);
    drop(producer.try_claim(100).unwrap());
    push(&mut producer, 8, 1);
    assert_eq!(consumer.batch(1).record_count(), 1);
    assert_eq!(consumer.drain(1, |record| assert_eq!(record.tag(), 1)), 1);
}

#[test]
fn batches_in_flight_follow_each_other() {
    let (mut producer, mut consumer) = spsc::new(256);
    for tag in 1..=4 {
        push(&mut producer, 8, tag);
    }
    let first = consumer.batch(16);
    assert_eq!(tags(&first), [1]);
    let first_end = first.end();
    let second = consumer.batch_from(first_end, 32);
    assert_eq!(tags(&second), [2, 3]);
    let second_end = second.end();
    assert_eq!(tags(&consumer.batch_from(second_end, usize::MAX)), [4]);

    consumer.release_to(first_end);
    assert_eq!(tags(&consumer.batch(usize::MAX)), [2, 3, 4]);
    consumer.release_to(second_end);
    assert_eq!(tags(&consumer.batch(usize::MAX)), [4]);
    consumer.batch_from(second_end, usize::MAX).release();
    assert!(consumer.is_empty());
}

#[test]
fn scans_follow_each_other() {
    let (mut producer, mut consumer) = spsc::new(256);
    for tag in 1..=4 {
        push(&mut producer, 8, tag);
    }
    drop(producer.try_claim(8).unwrap());
    let mut tags = Vec::new();
    let first = consumer.scan_from(0, 40, |record| tags.push(record.tag()));
    assert_eq!((first, &*tags), (32, &[1, 2][..]));
    let second = consumer.scan_from(first, usize::MAX, |record| tags.push(record.tag()));
    // The dead space after the last record is scanned too, so it can be freed.
    assert_eq!((second, &*tags), (80, &[1, 2, 3, 4][..]));
    assert_eq!(consumer.scan_from(second, usize::MAX, |_| unreachable!()), second);
    consumer.release_to(first);
    assert_eq!(consumer.batch(usize::MAX).record_count(), 2);
    consumer.release_to(second);
    assert_eq!(producer.used_bytes(), 0);
}

#[test]
fn releasing_a_later_batch_frees_the_earlier_ones() {
    let (mut producer, mut consumer) = spsc::new(256);
    for tag in 1..=3 {
        push(&mut producer, 8, tag);
    }
    let end = consumer.batch(16).end();
    consumer.batch_from(end, 16).release();
    assert_eq!(tags(&consumer.batch(usize::MAX)), [3]);
}

#[test]
fn only_positions_between_records_are_accepted() {
    let (mut producer, mut consumer) = spsc::new(256);
    for tag in 1..=5 {
        push(&mut producer, 20, tag);
    }
    consumer.batch(32).release();
    let boundaries = [32, 64, 96, 128, 160];
    for position in (0..=300).chain([u64::MAX - 7, u64::MAX]) {
        let accepted = catch_unwind(AssertUnwindSafe(|| {
            let _ = consumer.batch_from(position, usize::MAX);
        }));
        assert_eq!(accepted.is_ok(), boundaries.contains(&position), "{position}");
    }
    consumer.release_to(96);
    consumer.release_to(96);
    assert_eq!(tags(&consumer.batch(usize::MAX)), [4, 5]);
}

#[test]
#[should_panic(expected = "not between committed records")]
fn what_is_freed_cannot_be_freed_again() {
    let (mut producer, mut consumer) = spsc::new(256);
    push(&mut producer, 8, 1);
    push(&mut producer, 8, 2);
    let end = consumer.batch(16).end();
    consumer.batch(usize::MAX).release();
    consumer.release_to(end);
}

#[test]
fn raw_slices_hold_the_same_records_across_the_wrap() {
    let (mut producer, mut consumer) = spsc::new(256);
    let mut tag = 0;
    for round in 1..200 {
        let mut expected = Vec::new();
        for step in 0..4 {
            let len = 1 + (round * 7 + step * 13) % 40;
            tag += 1;
            if (round + step) % 5 == 0 {
                drop(producer.try_claim(len).unwrap());
            } else {
                push(&mut producer, len, tag);
                expected.push((tag, vec![tag as u8; len]));
            }
        }
        let batch = consumer.batch(usize::MAX);
        assert_eq!(parse(batch.raw_slices()), expected);
        let records = batch.records().map(|record| (record.tag(), record.payload().to_vec()));
        assert_eq!(records.collect::<Vec<_>>(), expected);
        batch.release();
    }
}

#[test]
fn payloads_are_aligned_for_whole_words() {
    let (mut producer, mut consumer) = spsc::new(256);
    for len in 1..100 {
        let mut claim = producer.try_claim(len).unwrap();
        assert!(claim.as_mut_ptr().cast::<u64>().is_aligned());
        claim.commit();
        assert!(consumer.try_claim().unwrap().as_ptr().cast::<u64>().is_aligned());
    }
}
