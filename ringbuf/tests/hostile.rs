//! The cases of a review that tried to break the queues: what callers do when they mean harm, or
//! have none of the habits that the other tests have.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, TryClaimError, WriteClaim};

fn push(producer: &mut impl Produce, len: usize, tag: u32) {
    let mut claim = producer.try_claim(len).unwrap();
    claim.fill(tag as u8);
    claim.commit_tagged(tag);
}

#[track_caller]
fn check(tag: u32, payload: &[u8], len: usize) -> u32 {
    assert_eq!(payload.len(), len, "record {tag}");
    assert!(payload.iter().all(|&byte| byte == tag as u8), "record {tag}");
    tag
}

fn tags(consumer: &mut Consumer, max_bytes: usize) -> Vec<u32> {
    let mut tags = Vec::new();
    let records = consumer.drain(max_bytes, |record| tags.push(record.tag()));
    assert_eq!(records, tags.len());
    tags
}

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// A drain frees 16 KiB at a time; what is larger than that is no end.
fn a_drain_goes_on_past_what_is_larger_than_a_part<P: Produce>() {
    for large in [4000, 4096, 16_352, 16_360, 16_368, 16_376, 16_377, 16_384, 20_000] {
        let (mut producer, mut consumer) = P::ring(64 * 1024);
        for round in 0..20 {
            push(&mut producer, 8, 1);
            push(&mut producer, large, 2);
            push(&mut producer, 8, 3);
            assert_eq!(tags(&mut consumer, usize::MAX), [1, 2, 3], "{large} in round {round}");
            push(&mut producer, 8, 1);
            drop(producer.try_claim(large));
            push(&mut producer, 8, 3);
            assert_eq!(tags(&mut consumer, usize::MAX), [1, 3], "{large} in round {round}");
        }
    }
}

/// As the parts of a drain end where records do, each limit shows what it would in one part.
fn a_drain_shows_exactly_what_its_limit_allows<P: Produce>() {
    let lens = [8, 4000, 100, 12_248, 4088, 8, 17_000, 1, 16_376, 3000, 3000, 3000];
    let spans = lens.iter().map(|len: &usize| len.next_multiple_of(8) + 8);
    let ends: Vec<_> = spans
        .scan(0, |end, span| {
            Some({
                *end += span;
                *end
            })
        })
        .collect();
    let near_an_end = ends.iter().flat_map(|end| [end - 8, end - 1, *end, end + 1, end + 8]);
    for max_bytes in near_an_end.chain((0..ends[11] + 1000).step_by(1000)).chain([usize::MAX]) {
        let (mut producer, mut consumer) = P::ring(64 * 1024);
        for (tag, &len) in (1..).zip(&lens) {
            push(&mut producer, len, tag);
        }
        assert_eq!(producer.position(), ends[11] as u64);
        let expected = ends.iter().filter(|&&end| end <= max_bytes).count().max(1);
        assert_eq!(tags(&mut consumer, max_bytes).len(), expected, "{max_bytes}");
    }
}

/// A closure that panics in a later part of a drain, after dead space and a large record.
fn a_drain_that_panics_late_frees_what_it_showed<P: Produce>() {
    for last in 1..=6 {
        let (mut producer, mut consumer) = P::ring(64 * 1024);
        for tag in 1..=6 {
            push(&mut producer, 3000 * (tag as usize % 3 + 1), tag);
            drop(producer.try_claim(4500));
        }
        assert!(panics(|| {
            consumer.drain(usize::MAX, |record| {
                check(record.tag(), record.payload(), 3000 * (record.tag() as usize % 3 + 1));
                assert!(record.tag() < last, "while reading a record");
            });
        }));
        assert_eq!(tags(&mut consumer, usize::MAX), (last + 1..=6).collect::<Vec<_>>());
        assert_eq!(producer.used_bytes(), 0);
    }
}

/// Every position that is not one, in every state that a consumer can be in.
fn no_position_that_is_none_is_accepted<P: Produce>() {
    let (mut producer, mut consumer) = P::ring(256);
    push(&mut producer, 100, 1);
    push(&mut producer, 100, 2);
    assert_eq!(tags(&mut consumer, usize::MAX), [1, 2]);
    // From 224 on: two records, the dead end between them, a leaked claim, and one after it.
    push(&mut producer, 8, 3);
    push(&mut producer, 40, 4);
    mem::forget(producer.try_claim(8));
    push(&mut producer, 8, 5);
    type State = (fn(&mut Consumer), &'static [u64]);
    let states: [State; 6] = [
        (|_| (), &[224, 240, 256, 304]),
        (|consumer| drop(consumer.batch(usize::MAX)), &[224, 240, 256, 304]),
        (
            |consumer| assert!(panics(|| _ = consumer.scan_from(240, 8, |_| panic!("late")))),
            &[224, 240, 256, 304],
        ),
        (|consumer| mem::forget(consumer.try_claim()), &[224, 240, 256, 304]),
        (|consumer| consumer.release_to(240), &[240, 256, 304]),
        (|consumer| drop(consumer.try_claim()), &[304]),
    ];
    let near_the_end = u64::MAX - 300..=u64::MAX;
    for (get_there, good) in states {
        get_there(&mut consumer);
        for position in (0..=1000).chain(near_the_end.clone()).chain([1 << 31, 1 << 32, 1 << 63]) {
            let expected = good.contains(&position);
            let read = |consumer: &mut Consumer| {
                consumer.scan_from(position, usize::MAX, |record| {
                    check(record.tag(), record.payload(), if record.tag() == 3 { 8 } else { 40 });
                })
            };
            assert_eq!(!panics(|| assert_eq!(read(&mut consumer), 304)), expected, "{position}");
            let batch = |consumer: &mut Consumer| consumer.batch_from(position, 1).start();
            assert_eq!(!panics(|| _ = batch(&mut consumer)), expected, "{position}");
            if !expected {
                assert!(panics(|| consumer.release_to(position)), "{position}");
            }
        }
    }
}

/// Both ends leak what they can and then go, in either order: neither the memory that the other
/// still sees nor anything else is touched.
fn ends_that_leak_and_leave_harm_no_one<P: Produce>() {
    for consumer_first in [false, true] {
        let (mut producer, mut consumer) = P::ring(128);
        push(&mut producer, 8, 1);
        mem::forget(producer.try_claim(30));
        push(&mut producer, 8, 2);
        drop(consumer.batch(usize::MAX));
        mem::forget(consumer.try_claim());
        if consumer_first {
            drop(consumer);
            assert!(producer.is_disconnected());
            push(&mut producer, 8, 3);
            assert_eq!(producer.try_claim(100).unwrap_err(), TryClaimError::Full);
        } else {
            drop(producer);
            assert!(consumer.is_disconnected());
            assert_eq!(check(1, &consumer.try_claim().unwrap(), 8), 1);
            assert!(consumer.try_claim().is_none());
        }
    }
}

/// A claim is open on each of two rings, and the claims, the ends or both are exchanged.
fn what_is_exchanged_stays_with_its_ring<P: Produce>() {
    let (mut first, mut first_consumer) = P::ring(64);
    let (mut second, mut second_consumer) = P::ring(128);
    {
        let mut one = first.try_claim(8).unwrap();
        let mut two = second.try_claim(16).unwrap();
        mem::swap(&mut one, &mut two);
        one.fill(2);
        one.commit_tagged(2);
        two.fill(1);
        two.commit_tagged(1);
    }
    mem::swap(&mut first, &mut second);
    push(&mut first, 24, 4);
    push(&mut second, 24, 3);
    drop((first, second));
    mem::swap(&mut first_consumer, &mut second_consumer);
    assert_eq!(tags(&mut second_consumer, usize::MAX), [1, 3]);
    assert_eq!(tags(&mut first_consumer, usize::MAX), [2, 4]);
}

/// Claims of every length and maximum, one right after the other, so no state is fresh; an
/// accountant beside it knows what must be there.
fn odd_maxima_never_let_more_in<P: Produce>() {
    for capacity in [16, 32, 64, 256] {
        let (mut producer, mut consumer) = P::ring(capacity);
        let (mut tag, mut expected) = (0, Vec::new());
        for max_used in (0..=capacity + 9).chain([usize::MAX - 7, usize::MAX]) {
            for len in (1..=capacity).chain([usize::MAX - 8, usize::MAX]) {
                tag += 1;
                let fill = |mut claim: WriteClaim<'_>| {
                    claim.fill(tag as u8);
                    claim.commit_tagged(tag);
                };
                if producer.try_claim_within(len, max_used).map(fill).is_ok() {
                    expected.push((tag, len));
                    assert!(producer.used_bytes() <= max_used.min(capacity));
                }
                if tag % 3 == 0 {
                    let mut read = expected.drain(..);
                    consumer.drain(usize::MAX, |record| {
                        let (tag, len) = read.next().unwrap();
                        assert_eq!(check(record.tag(), record.payload(), len), tag);
                    });
                    assert!(read.next().is_none());
                }
            }
        }
    }
}

#[test]
fn a_clone_with_old_knowledge_takes_nothing_twice() {
    for capacity in [16, 32, 64, 128] {
        for laps in 0..4 {
            let (mut producer, mut consumer) = mpsc::new(capacity);
            let mut clones = vec![producer.clone()];
            for tag in 0..(laps * capacity / 16) as u32 {
                push(&mut producer, 8, tag);
                assert_eq!(tags(&mut consumer, usize::MAX), [tag]);
                clones.push(producer.clone());
            }
            // The oldest knows nothing of what the others did; nor does the youngest of it.
            let mut expected = Vec::new();
            for (tag, clone) in (0..).zip(&mut clones) {
                if let Ok(mut claim) = clone.try_claim_within(8, capacity - tag as usize % 3) {
                    claim.fill(tag as u8);
                    claim.commit_tagged(tag);
                    expected.push(tag);
                }
            }
            assert!(producer.used_bytes() <= capacity);
            consumer.drain(usize::MAX, |record| {
                assert_eq!(check(record.tag(), record.payload(), 8), expected.remove(0));
            });
            assert!(expected.is_empty());
            drop(clones);
            assert!(!consumer.is_disconnected());
            drop(producer);
            assert!(consumer.is_disconnected());
        }
    }
}

/// Its claim might still be written to, so nothing may step over it, ever.
#[test]
fn a_producer_that_was_leaked_counts_as_alive() {
    let (mut producer, mut consumer) = mpsc::new(128);
    let mut leaked = producer.clone();
    mem::forget(leaked.try_claim(8));
    mem::forget(leaked);
    push(&mut producer, 8, 1);
    drop(producer);
    assert!(!consumer.is_disconnected() && !consumer.unblock() && consumer.is_empty());
    // SAFETY: the producer was leaked with its claim, and no pointer into that was kept.
    assert!(unsafe { consumer.unblock_unchecked() });
    assert_eq!(tags(&mut consumer, usize::MAX), [1]);
}

/// Where there is no open claim there is nothing to bury, whichever end asks.
#[test]
fn there_is_nothing_to_step_over_without_an_open_claim() {
    let (mut producer, mut consumer) = mpsc::new(64);
    for len in [8, 16, 24, 40, 1, 56] {
        for _ in 0..9 {
            // SAFETY: no claim is open.
            assert!(!unsafe { consumer.unblock_unchecked() });
            drop(producer.try_claim(len));
            // SAFETY: no claim is open.
            assert!(!unsafe { consumer.unblock_unchecked() });
            if producer.try_claim(len).is_ok_and(|mut claim| {
                claim.fill(0xff);
                claim.commit();
                true
            }) {
                // SAFETY: no claim is open.
                assert!(!unsafe { consumer.unblock_unchecked() });
                assert_eq!(consumer.drain(usize::MAX, |_| ()), 1);
            }
        }
    }
}

/// 4096 leaks, as many as fit, with and without records between.
#[test]
fn a_ring_full_of_leaks_comes_back() {
    for every in [1, 2, 7] {
        let (mut producer, mut consumer) = mpsc::new(64 * 1024);
        let mut expected = Vec::new();
        for tag in 0.. {
            let Ok(claim) = producer.try_claim(8) else { break };
            if tag % every == 0 {
                mem::forget(claim);
            } else {
                claim.commit_tagged(tag);
                expected.push(tag);
            }
        }
        drop(producer);
        let mut read = Vec::new();
        let mut unblocked = 0;
        loop {
            read.extend(tags(&mut consumer, usize::MAX));
            if !consumer.unblock() {
                break;
            }
            unblocked += 1;
        }
        assert_eq!((unblocked, read), (4096_u32.div_ceil(every), expected));
        assert!(consumer.is_empty() && consumer.readable_bytes() == 0);
    }
}

/// The ends are `Send`; only those that are meant to be shared are `Sync`.
#[test]
fn a_claim_stays_in_its_thread() {
    trait Ambiguous<A> {
        fn check() {}
    }
    struct IsSend;
    impl<T> Ambiguous<()> for T {}
    impl<T: Send> Ambiguous<IsSend> for T {}
    // Would be ambiguous, hence not compile, if a claim were `Send`.
    <WriteClaim<'static> as Ambiguous<_>>::check();
    fn share<T: Send + Sync>() {}
    share::<mpsc::Producer>();
    fn send<T: Send>() {}
    send::<spsc::Producer>();
}

crate::for_each_queue!(
    a_drain_goes_on_past_what_is_larger_than_a_part,
    a_drain_shows_exactly_what_its_limit_allows,
    a_drain_that_panics_late_frees_what_it_showed,
    no_position_that_is_none_is_accepted,
    ends_that_leak_and_leave_harm_no_one,
    what_is_exchanged_stays_with_its_ring,
    odd_maxima_never_let_more_in,
);
