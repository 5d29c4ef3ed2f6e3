//! A record that can fit does fit: all small capacities, all offsets, all lengths.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::TryClaimError::{self, Full, TooLarge};

/// Every capacity of at most 256 bytes.
const CAPACITIES: [usize; 5] = [16, 32, 64, 128, 256];

fn push(producer: &mut impl Produce, len: usize, fill: u8) -> Result<(), TryClaimError> {
    let mut claim = producer.try_claim(len)?;
    assert_eq!(claim.len(), len);
    claim.fill(fill);
    claim.commit_tagged(fill.into());
    Ok(())
}

#[track_caller]
fn pop(consumer: &mut Consumer, len: usize, fill: u8) {
    let record = consumer.try_claim().expect("a record was committed");
    assert_eq!((record.len(), record.tag()), (len, fill.into()));
    assert!(record.iter().all(|&byte| byte == fill));
}

/// Calls `check` with an empty ring at each offset that a tail can have, once with memory that
/// was never used and once with memory full of old records.
fn at_every_offset<P: Produce>(capacity: usize, mut check: impl FnMut(P, Consumer)) {
    for used in [false, true] {
        for offset in (0..capacity).step_by(8) {
            let (mut producer, mut consumer) = P::ring(capacity);
            if used {
                push(&mut producer, capacity - 8, 0xff).unwrap();
                pop(&mut consumer, capacity - 8, 0xff);
            }
            if offset == 8 {
                // Out of reach: a lap begins with a record, and none is that small.
                continue;
            }
            if offset > 0 {
                push(&mut producer, offset - 8, 0xfc).unwrap();
                pop(&mut consumer, offset - 8, 0xfc);
                assert_eq!(producer.position() as usize % capacity, offset);
            }
            assert_eq!(producer.used_bytes(), 0);
            check(producer, consumer);
        }
    }
}

/// Claims until it works, with the consumer looking for records in between.
#[track_caller]
fn push_when_empty(producer: &mut impl Produce, consumer: &mut Consumer, len: usize) {
    if push(producer, len, 1) == Err(Full) {
        // The dead space before the wrap is written; once it is freed, the record fits.
        assert!(consumer.try_claim().is_none());
        assert_eq!(producer.used_bytes(), 0);
        push(producer, len, 1).expect("a record that may ever fit fits an empty ring");
    }
}

fn every_length_fits_at_every_offset<P: Produce>() {
    for capacity in CAPACITIES {
        for len in 1..=capacity - 8 {
            at_every_offset(capacity, |mut producer: P, mut consumer| {
                assert_eq!(producer.max_record_bytes(), capacity - 8);
                push_when_empty(&mut producer, &mut consumer, len);
                pop(&mut consumer, len, 1);
                assert!(consumer.try_claim().is_none());
                assert_eq!(producer.used_bytes(), 0);
            });
        }
    }
}

fn a_full_ring_hides_old_records_whatever_filled_it<P: Produce>() {
    // The last record ends where the first begins, so the header after it is taken.
    for capacity in CAPACITIES {
        for len in (8..=capacity - 8).step_by(8) {
            at_every_offset(capacity, |mut producer: P, mut consumer| {
                push_when_empty(&mut producer, &mut consumer, len);
                let mut records = 1;
                while push(&mut producer, 8, 2).is_ok() {
                    records += 1;
                }
                assert_eq!(consumer.batch(usize::MAX).record_count(), records);
                pop(&mut consumer, len, 1);
                assert_eq!(consumer.drain(usize::MAX, |_| ()), records - 1);
                assert!(consumer.is_empty());
                assert_eq!(consumer.drain(usize::MAX, |_| ()), 0);
                push_when_empty(&mut producer, &mut consumer, len);
                pop(&mut consumer, len, 1);
            });
        }
    }
}

fn no_length_gives_a_wrong_claim<P: Produce>() {
    for capacity in CAPACITIES {
        at_every_offset(capacity, |mut producer: P, mut consumer| {
            let position = producer.position();
            let near_zero = (0..=capacity).map(|n| usize::MAX - n);
            let near_u32 = (0..=capacity).map(|n| u32::MAX as usize - n);
            let near_sign = (0..=capacity).map(|n| isize::MAX as usize - n);
            let just_above = capacity - 7..=2 * capacity;
            let skip_bit = [1 << 30, (1 << 31) - 8, 1 << 31, (1 << 31) | 8];
            for len in near_zero.chain(near_u32).chain(near_sign).chain(just_above).chain(skip_bit)
            {
                assert_eq!(producer.try_claim(len).err(), Some(TooLarge), "{len}");
                let within = producer.try_claim_within(len, usize::MAX);
                assert_eq!(within.err(), Some(TooLarge), "{len}");
            }
            assert_eq!(producer.position(), position, "a refusal takes nothing");
            push_when_empty(&mut producer, &mut consumer, 8);
        });
    }
}

fn a_share_of_the_ring_is_kept_and_can_be_used_up<P: Produce>() {
    let capacity = 64;
    for max_used in 0..=capacity + 8 {
        for len in 1..=capacity {
            at_every_offset(capacity, |mut producer: P, mut consumer| {
                let span = len.next_multiple_of(8) + 8;
                let mut claimed = 0;
                for _ in 0..20 {
                    match producer.try_claim_within(len, max_used) {
                        Ok(claim) => {
                            assert_eq!(claim.len(), len);
                            claim.commit();
                            claimed += 1;
                        }
                        Err(TooLarge) => {
                            assert!(span > max_used.min(capacity));
                            return;
                        }
                        Err(Full) if claimed == 0 => assert!(consumer.try_claim().is_none()),
                        Err(Full) => break,
                    }
                    assert!(producer.used_bytes() <= max_used);
                }
                assert!(claimed >= 1, "{len} bytes within {max_used} never fit");
                assert_eq!(consumer.drain(usize::MAX, |_| ()), claimed);
            });
        }
    }
}

fn capacity_is_rounded_up<P: Produce>() {
    for capacity_bytes in 0..=300 {
        let (producer, consumer) = P::ring(capacity_bytes);
        let expected = capacity_bytes.max(16).next_power_of_two();
        assert_eq!((producer.capacity(), consumer.capacity()), (expected, expected));
    }
}

fn too_large_a_capacity_panics<P: Produce>() {
    let _ = P::ring((1 << 30) + 1);
}

fn a_claim_of_nothing_panics<P: Produce>() {
    let _ = P::ring(64).0.try_claim(0);
}

fn a_claim_of_nothing_within_a_share_panics<P: Produce>() {
    let _ = P::ring(64).0.try_claim_within(0, 64);
}

crate::for_each_queue!(
    every_length_fits_at_every_offset,
    a_full_ring_hides_old_records_whatever_filled_it,
    no_length_gives_a_wrong_claim,
    a_share_of_the_ring_is_kept_and_can_be_used_up,
    capacity_is_rounded_up,
    too_large_a_capacity_panics["exceeds the maximum"],
    a_claim_of_nothing_panics["at least one byte"],
    a_claim_of_nothing_within_a_share_panics["at least one byte"],
);
