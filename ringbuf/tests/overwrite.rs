//! The producer that never waits, and snapshots of it.

use proptest::prelude::*;
use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use stenolog_ringbuf::queue::overwrite::{self, Snapshot, TooLarge};

fn tags(snapshot: &Snapshot) -> Vec<u32> {
    snapshot.records().map(|record| record.tag()).collect()
}

#[test]
fn nothing_that_fits_is_refused_and_nothing_else_accepted() {
    for capacity in [1, 32, 64, 128, 256] {
        let (mut producer, reader) = overwrite::new(capacity);
        let max = producer.capacity() / 2 - 8;
        assert_eq!(producer.max_record_bytes(), max);
        for len in (1..=max).chain((1..=max).rev()) {
            let mut claim = producer.try_claim(len).unwrap();
            assert_eq!(claim.len(), len);
            claim.fill(len as u8);
            claim.commit_tagged(7);
            let snapshot = reader.snapshot();
            let newest = snapshot.records().last().unwrap();
            assert_eq!((newest.payload(), newest.tag()), (&*vec![len as u8; len], 7));
        }
        for len in [max + 1, capacity + 1000, u32::MAX as usize, usize::MAX - 3, usize::MAX] {
            assert_eq!(producer.try_claim(len).unwrap_err(), TooLarge { len, max });
        }
    }
}

/// Every capacity of at most 256 bytes, every offset that a tail can have, every length.
#[test]
fn every_length_is_taken_at_every_offset_and_found_again() {
    for capacity in [32, 64, 128, 256] {
        let max = capacity / 2 - 8;
        for lap in 0..2 {
            // A lap begins with a record, and all have the same size in the smallest ring.
            let reachable = |&offset: &usize| offset != 8 && (capacity > 32 || offset % 16 == 0);
            for offset in (0..capacity).step_by(8).filter(reachable) {
                let mut before = vec![max; 2 * lap];
                let mut left = offset;
                while left > 0 {
                    let span = left.min(max + 8);
                    let span = if left - span == 8 { span - 8 } else { span };
                    before.push(span - 8);
                    left -= span;
                }
                for len in 1..=max {
                    let (mut producer, reader) = overwrite::new(capacity);
                    let lens = before.iter().copied().chain([len]);
                    for (tag, len) in (0..).zip(lens.clone()) {
                        let mut claim = producer.try_claim(len).unwrap();
                        claim.fill(tag as u8 + 1);
                        claim.commit_tagged(tag);
                    }
                    let snapshot = reader.snapshot();
                    let lost = snapshot.lost() as usize;
                    let found: Vec<_> = snapshot.records().collect();
                    assert_eq!(lost + found.len(), before.len() + 1, "{capacity} {offset} {len}");
                    for (record, (tag, len)) in found.iter().zip((0..).zip(lens).skip(lost)) {
                        assert_eq!(
                            (record.tag(), record.payload()),
                            (tag, &*vec![tag as u8 + 1; len])
                        );
                    }
                    let newest = found.last().unwrap().position() as usize % capacity;
                    let fits = offset + len.next_multiple_of(8) + 8 <= capacity;
                    assert_eq!(newest, if fits { offset } else { 0 });
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "at least one byte")]
fn a_claim_of_nothing_panics() {
    let _ = overwrite::new(64).0.try_claim(0);
}

#[test]
fn claims_that_are_dropped_or_unwound_out_of_have_no_effect() {
    let (mut producer, reader) = overwrite::new(64);
    assert_eq!((tags(&reader.snapshot()), reader.snapshot().lost()), (vec![], 0));
    producer.try_claim(8).unwrap().commit_tagged(1);
    drop(producer.try_claim(20).unwrap());
    producer.try_claim(20).unwrap().commit_truncated(0);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        producer.try_claim(20).unwrap().commit_truncated(21);
    }));
    assert!(unwound.is_err());
    let mut claim = producer.try_claim(20).unwrap();
    claim.fill(9);
    claim.set_tag(2);
    claim.commit_truncated(3);
    let snapshot = reader.snapshot();
    assert_eq!(tags(&snapshot), [1, 2]);
    assert_eq!(snapshot.records().last().unwrap().payload(), [9; 3]);
    assert!(!reader.is_disconnected());
    drop(producer);
    assert!(reader.is_disconnected());
    assert_eq!(tags(&reader.snapshot()), [1, 2]);
}

#[test]
fn a_claim_that_is_leaked_has_no_effect() {
    let (mut producer, reader) = overwrite::new(64);
    for tag in 0..100 {
        let mut claim = producer.try_claim(24).unwrap();
        claim.fill(0xff);
        Box::leak(Box::new(claim));
        producer.try_claim(8).unwrap().commit_tagged(tag);
        let snapshot = reader.snapshot();
        let first = snapshot.lost() as u32;
        assert!(tags(&snapshot).into_iter().eq(first..=tag));
        assert_eq!((producer.lost(), first), (snapshot.lost(), tag.saturating_sub(3)));
    }
    mem::forget(producer);
    assert!(!reader.is_disconnected());
}

#[test]
#[should_panic(expected = "exceeds the maximum")]
fn too_large_a_capacity_panics() {
    let _ = overwrite::new((1 << 30) + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn a_snapshot_is_the_end_of_what_was_written(
        capacity in 0usize..1000,
        steps in prop::collection::vec((1usize..200, 0u8..8, any::<prop::sample::Index>()), 1..200),
    ) {
        let (mut producer, reader) = overwrite::new(capacity);
        let mut written = VecDeque::new();
        for (tag, (len, fate, at)) in (0..).zip(&steps) {
            let len = (*len).min(producer.max_record_bytes());
            let bytes: Vec<_> = (0..len).map(|at| (tag as usize + at) as u8).collect();
            let mut claim = producer.try_claim(len).unwrap();
            claim.copy_from_slice(&bytes);
            claim.set_tag(tag);
            let kept = match fate {
                0 => {
                    drop(claim);
                    0
                }
                2 => {
                    let kept = at.index(len + 1);
                    claim.commit_truncated(kept);
                    kept
                }
                _ => {
                    claim.commit();
                    len
                }
            };
            if kept > 0 {
                written.push_back((tag, bytes[..kept].to_vec()));
            }
            let snapshot = reader.snapshot();
            let found: Vec<_> = snapshot
                .records()
                .map(|record| (record.tag(), record.payload().to_vec()))
                .collect();
            let lost = snapshot.lost() as usize;
            prop_assert_eq!(lost as u64, producer.lost());
            prop_assert!(found.iter().eq(written.range(lost..)));
            // All but what was needed, a sixteenth, the largest record and the ring's end is kept.
            let bytes: usize = found.iter().map(|found| found.1.len().next_multiple_of(8) + 8).sum();
            let capacity = producer.capacity();
            prop_assert!(lost == 0 || bytes + capacity / 16 + 3 * 208 >= capacity);
        }
    }
}

#[test]
fn snapshots_of_a_running_producer_are_whole() {
    const RECORDS: u32 = 400_000;
    fn len(tag: u32) -> usize {
        4 + (tag as usize).wrapping_mul(2_654_435_761) % 100
    }
    for capacity in [256, 4096, 65536] {
        let (mut producer, reader) = overwrite::new(capacity);
        thread::scope(|scope| {
            scope.spawn(move || {
                for tag in 0..RECORDS {
                    match tag % 1024 {
                        0 => drop(producer.try_claim(100).unwrap()),
                        2 => {
                            let unwound = catch_unwind(AssertUnwindSafe(|| {
                                let mut claim = producer.try_claim(70).unwrap();
                                claim.fill(0xff);
                                // Unlike `panic!`, this prints nothing.
                                resume_unwind(Box::new("while filling a record"));
                            }));
                            assert!(unwound.is_err());
                        }
                        _ => {}
                    }
                    let mut claim = producer.try_claim(len(tag)).unwrap();
                    claim.fill((tag % 251) as u8);
                    claim.commit_tagged(tag);
                }
            });
            for reader in [reader.clone(), reader] {
                scope.spawn(move || {
                    let mut last = 0;
                    loop {
                        let done = reader.is_disconnected();
                        let snapshot = reader.snapshot();
                        let mut next = snapshot.lost() as u32;
                        for record in snapshot.records() {
                            let tag = record.tag();
                            assert_eq!((tag, record.payload().len()), (next, len(next)));
                            assert!(record.payload().iter().all(|&b| b == (tag % 251) as u8));
                            next += 1;
                        }
                        assert!(next >= last, "the newest were not there");
                        last = next;
                        if done {
                            assert_eq!(next, RECORDS);
                            break;
                        }
                    }
                });
            }
        });
    }
}
