//! Random operations on a ring and on the queue that it should behave like.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::mem;
use stenolog_ringbuf::TryClaimError::{Full, TooLarge};
use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, WriteClaim};

#[derive(Clone, Debug)]
enum Step {
    Write { len: usize, max_used: Option<usize>, end: End },
    Take,
    Drain { max_bytes: usize },
    Batch { max_bytes: usize, release: bool },
    Pipeline { max_bytes: usize, release_first: bool },
    Scan { max_bytes: usize, release: bool },
    LeakRead,
}

#[derive(Clone, Debug)]
enum End {
    Commit,
    Truncate(prop::sample::Index),
    Abort,
    Leak,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        16 => Just(End::Commit),
        4 => any::<prop::sample::Index>().prop_map(End::Truncate),
        4 => Just(End::Abort),
        1 => Just(End::Leak),
    ];
    let len =
        prop_oneof![16 => 1usize..40, 4 => 1usize..300, 1 => 1usize..9000, 1 => any::<usize>()]
            .prop_filter("a claim of nothing panics", |&len| len != 0);
    let max_used = prop::option::of(0usize..300);
    let max_bytes = prop_oneof![0usize..100, Just(usize::MAX)];
    prop_oneof![
        6 => (len, max_used, end)
            .prop_map(|(len, max_used, end)| Step::Write { len, max_used, end }),
        2 => Just(Step::Take),
        1 => max_bytes.clone().prop_map(|max_bytes| Step::Drain { max_bytes }),
        1 => (max_bytes.clone(), any::<bool>())
            .prop_map(|(max_bytes, release)| Step::Batch { max_bytes, release }),
        1 => (max_bytes.clone(), any::<bool>())
            .prop_map(|(max_bytes, release_first)| Step::Pipeline { max_bytes, release_first }),
        1 => (max_bytes, any::<bool>())
            .prop_map(|(max_bytes, release)| Step::Scan { max_bytes, release }),
        1 => Just(Step::LeakRead),
    ]
}

/// A ring, and the records that it should hold.
struct Pair<P> {
    producer: P,
    consumer: Consumer,
    expected: VecDeque<(u32, Vec<u8>)>,
    /// What was committed after the first claim that was leaked, if one was.
    later: Option<VecDeque<(u32, Vec<u8>)>>,
    leaks: usize,
    written: u32,
}

fn span(len: usize) -> usize {
    len.next_multiple_of(8) + 8
}

impl<P: Produce> Pair<P> {
    fn write(&mut self, len: usize, max_used: Option<usize>, end: &End) {
        self.written += 1;
        let tag = self.written;
        let bytes = |len| (0..len).map(|i| (tag as usize + i) as u8).collect::<Vec<_>>();
        let fill = |mut claim: WriteClaim<'_>| -> Option<Vec<u8>> {
            assert_eq!(claim.len(), len);
            claim.copy_from_slice(&bytes(len));
            claim.set_tag(tag);
            match end {
                End::Commit => {
                    claim.commit();
                    Some(bytes(len))
                }
                End::Truncate(at) => {
                    let n = at.index(len + 1);
                    claim.commit_truncated(n);
                    (n > 0).then(|| bytes(n))
                }
                End::Abort => None,
                End::Leak => {
                    mem::forget(claim);
                    None
                }
            }
        };
        let capacity = self.producer.capacity();
        let limit = max_used.unwrap_or(capacity).min(capacity);
        let used = self.producer.used_bytes();
        let offset = self.producer.position() as usize % capacity;
        let claim = match max_used {
            Some(max_used) => self.producer.try_claim_within(len, max_used),
            None => self.producer.try_claim(len),
        };
        match claim.map(fill) {
            Ok(record) => {
                if let End::Leak = end {
                    self.later.get_or_insert_default();
                    self.leaks += 1;
                }
                let to = self.later.as_mut().unwrap_or(&mut self.expected);
                to.extend(record.map(|bytes| (tag, bytes)));
                assert!(self.producer.used_bytes() <= limit);
            }
            Err(TooLarge) => assert!(len > capacity - 8 || span(len) > limit),
            Err(Full) => {
                // Either it does not fit at all, or the dead space before the wrap is in its way.
                assert!(span(len) <= limit);
                let rest = capacity - offset;
                assert!(
                    used + span(len) > limit || used + rest + span(len) > limit && rest < span(len)
                );
            }
        }
    }

    fn check_counts(&self) {
        assert_eq!(self.consumer.is_empty(), self.expected.is_empty());
        let bytes: usize = self.expected.iter().map(|(_, bytes)| span(bytes.len())).sum();
        assert_eq!(self.consumer.readable_bytes(), bytes);
        assert!(self.producer.used_bytes() >= bytes);
        assert_eq!(
            self.producer.position() - self.consumer.position(),
            self.producer.used_bytes() as u64
        );
    }

    fn batch(&mut self, max_bytes: usize, release: bool) {
        let batch = self.consumer.batch(max_bytes);
        let records = batch.record_count();
        assert!(records <= 1 || batch.len_bytes() <= max_bytes);
        assert!(records > 0 || self.expected.is_empty());
        for (record, expected) in batch.records().zip(&self.expected) {
            assert_eq!((record.tag(), record.payload()), (expected.0, &*expected.1));
        }
        assert_eq!(batch.records().count(), records);
        if release {
            batch.release();
            self.expected.drain(..records);
        }
    }

    fn pipeline(&mut self, max_bytes: usize, release_first: bool) {
        let first = self.consumer.batch(max_bytes);
        let (records, end) = (first.record_count(), first.end());
        let second = self.consumer.batch_from(end, max_bytes);
        let both = records + second.record_count();
        let tags: Vec<_> = second.records().map(|record| record.tag()).collect();
        let expected = self.expected.range(records..both).map(|record| record.0);
        assert_eq!(tags, expected.collect::<Vec<_>>());
        if release_first {
            self.consumer.release_to(end);
            self.expected.drain(..records);
        } else {
            second.release();
            self.expected.drain(..both);
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Write { len, max_used, ref end } => self.write(len, max_used, end),
            Step::Take => match self.consumer.try_claim() {
                Some(record) => {
                    let expected = self.expected.pop_front().expect("nothing was committed");
                    assert_eq!((record.tag(), record.to_vec()), expected);
                }
                None => assert!(self.expected.is_empty()),
            },
            Step::Drain { max_bytes } => {
                let mut bytes = 0;
                let expected = &mut self.expected;
                let records = self.consumer.drain(max_bytes, |record| {
                    bytes += span(record.payload().len());
                    let (tag, payload) = expected.pop_front().expect("nothing was committed");
                    assert_eq!((record.tag(), record.payload()), (tag, &*payload));
                });
                assert!(records <= 1 || bytes <= max_bytes);
                let done = records == 0 || max_bytes == usize::MAX;
                assert!(!done || self.expected.is_empty());
            }
            Step::Batch { max_bytes, release } => self.batch(max_bytes, release),
            Step::Pipeline { max_bytes, release_first } => self.pipeline(max_bytes, release_first),
            Step::Scan { max_bytes, release } => {
                let mut records = 0;
                let start = self.consumer.position();
                let end = self.consumer.scan_from(start, max_bytes, |record| {
                    let (tag, payload) = &self.expected[records];
                    assert_eq!((record.tag(), record.payload()), (*tag, &**payload));
                    records += 1;
                });
                assert!(records > 0 || self.expected.is_empty());
                if release {
                    self.consumer.release_to(end);
                    self.expected.drain(..records);
                }
            }
            Step::LeakRead => {
                if let Some(record) = self.consumer.try_claim() {
                    assert_eq!((record.tag(), record.to_vec()), self.expected[0]);
                    mem::forget(record);
                }
            }
        }
        self.check_counts();
    }
}

/// `many` is whether what was committed after a leaked claim can be had.
fn check<P: Produce>(capacity: usize, steps: &[Step], many: bool) {
    let (producer, consumer) = P::ring(capacity);
    let expected = VecDeque::new();
    let mut pair = Pair { producer, consumer, expected, later: None, leaks: 0, written: 0 };
    for step in steps {
        pair.apply(step);
    }
    // All that is left comes out.
    while !pair.expected.is_empty() {
        pair.apply(&Step::Take);
    }
    pair.apply(&Step::Take);
    if let Some(later) = pair.later {
        assert!(!pair.consumer.unblock(), "a claim may be in use");
        drop(pair.producer);
        let mut found = Vec::new();
        let mut unblocked = 0;
        while pair.consumer.unblock() {
            unblocked += 1;
            pair.consumer.drain(usize::MAX, |record| {
                found.push((record.tag(), record.payload().to_vec()));
            });
        }
        assert!(pair.consumer.is_empty());
        assert_eq!(unblocked, if many { pair.leaks } else { 0 });
        assert_eq!(found, if many { Vec::from(later) } else { Vec::new() });
        return;
    }
    // And then there is room for the largest record.
    let max = pair.producer.max_record_bytes();
    if pair.producer.try_claim(max).is_err() {
        pair.apply(&Step::Take);
        pair.producer.try_claim(max).expect("the ring is empty").commit();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_ring_is_a_queue(
        capacity in prop_oneof![3 => 0usize..=256, 1 => Just(32 * 1024)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        check::<spsc::Producer>(capacity, &steps, false);
        check::<mpsc::Producer>(capacity, &steps, true);
    }

    /// Quick claims among others, and a maximum for them that changes: none goes beyond it, and all
    /// records come out in order.
    #[test]
    fn quick_claims_keep_to_their_maximum(
        capacity in 16usize..=512,
        steps in prop::collection::vec((0u8..8, 1usize..60, 0usize..600), 1..200),
    ) {
        let (mut producer, mut consumer) = spsc::new(capacity);
        let mut expected = VecDeque::new();
        for (tag, &(step, len, max)) in (1..).zip(&steps) {
            let mut commit = |mut claim: WriteClaim<'_>| {
                assert_eq!(claim.len(), len);
                claim.fill(tag as u8);
                claim.commit_tagged(tag);
                expected.push_back((tag, len));
            };
            match step {
                0..=3 => {
                    if producer.try_claim_quick(len).map(&mut commit).is_some() {
                        assert!(producer.used_bytes() <= producer.quick_max());
                    }
                }
                4 => producer.set_quick_max(max),
                5 => {
                    if let Ok(claim) = producer.try_claim_within(len, max) {
                        commit(claim);
                    }
                }
                _ => {
                    let taken = consumer.try_claim().map(|record| {
                        assert!(record.iter().all(|&byte| byte == record.tag() as u8));
                        (record.tag(), record.len())
                    });
                    assert_eq!(taken, expected.pop_front());
                }
            }
        }
    }

    /// Several producers, their claims open at once, ended in any order and in any way.
    #[test]
    fn claims_come_out_in_order(
        capacity in 16usize..=512,
        steps in prop::collection::vec((0usize..4, 1usize..60, fate(), 0u8..12), 1..100),
    ) {
        let (producer, mut consumer) = mpsc::new(capacity);
        let mut producers: [_; 4] = std::array::from_fn(|_| producer.clone());
        drop(producer);
        let mut order = Order::default();
        let mut open: [Option<(u32, WriteClaim<'static>)>; 4] = [const { None }; 4];
        for (tag, &(at, len, fate, read)) in (1..).zip(&steps) {
            if let Some((tag, claim)) = open[at].take() {
                order.end(tag, fate);
                match fate {
                    Fate::Abort => drop(claim),
                    Fate::Leak => mem::forget(claim),
                    Fate::Commit if read % 2 == 0 => claim.commit_truncated(1),
                    Fate::Commit => claim.commit(),
                }
            } else {
                let producer = &mut producers[at];
                let claim = match read {
                    0 => producer.try_claim_within(len, capacity / 2),
                    1 => {
                        *producer = producer.clone();
                        producer.try_claim(len)
                    }
                    _ => producer.try_claim(len),
                };
                let Ok(mut claim) = claim else { continue };
                claim.fill(tag as u8);
                claim.set_tag(tag);
                // SAFETY: dropped or leaked before the producers, and before the next claim of its
                // own; the array plays the part of several threads.
                let claim =
                    unsafe { mem::transmute::<WriteClaim<'_>, WriteClaim<'static>>(claim) };
                open[at] = Some((tag, claim));
                order.0.push_back((tag, None));
            }
            order.read(&mut consumer, read, len * 2);
            prop_assert_eq!(consumer.is_empty(), order.next().is_none());
        }
        for (tag, _) in open.into_iter().flatten() {
            order.end(tag, Fate::Abort);
        }
        drop(producers);
        loop {
            order.read(&mut consumer, 2, usize::MAX);
            let leaked = order.0.front().is_some();
            prop_assert_eq!(consumer.unblock(), leaked);
            if !leaked {
                break;
            }
            prop_assert_eq!(order.0.pop_front().unwrap().1, Some(Fate::Leak));
        }
        prop_assert!(consumer.is_empty());
    }
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Commit,
    Abort,
    Leak,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![12 => Just(Fate::Commit), 4 => Just(Fate::Abort), 1 => Just(Fate::Leak)]
}

/// Of each claim, oldest first: its tag, and what became of it, unless it is open.
#[derive(Default)]
struct Order(VecDeque<(u32, Option<Fate>)>);

impl Order {
    fn end(&mut self, tag: u32, fate: Fate) {
        self.0.iter_mut().find(|claim| claim.0 == tag).unwrap().1 = Some(fate);
    }

    /// The tag of the record that is to be read next, if one can be.
    fn next(&mut self) -> Option<u32> {
        while let Some((_, Some(Fate::Abort))) = self.0.front() {
            self.0.pop_front();
        }
        self.0.front().filter(|claim| claim.1 == Some(Fate::Commit)).map(|claim| claim.0)
    }

    fn check(&mut self, tag: u32, payload: &[u8]) {
        assert_eq!(Some(tag), self.next());
        assert!(payload.iter().all(|&byte| byte == tag as u8));
        self.0.pop_front();
    }

    fn read(&mut self, consumer: &mut Consumer, how: u8, max_bytes: usize) {
        match how {
            0 | 1 => {
                if let Some(record) = consumer.try_claim() {
                    self.check(record.tag(), &record);
                }
            }
            2 | 3 => {
                consumer.drain(max_bytes, |record| self.check(record.tag(), record.payload()));
                assert!(max_bytes != usize::MAX || self.next().is_none());
            }
            4 => {
                let batch = consumer.batch(max_bytes);
                batch.records().for_each(|record| self.check(record.tag(), record.payload()));
                batch.release();
            }
            _ => {}
        }
    }
}

#[test]
fn quick_claims_go_on_after_one_that_looked_at_the_consumer() {
    let (mut producer, mut consumer) = spsc::new(1024);
    producer.set_quick_max(256);
    // More than two laps.
    for round in 0..10 {
        let mut quick = 0;
        while let Some(claim) = producer.try_claim_quick(24) {
            claim.commit();
            quick += 1;
        }
        assert!(producer.used_bytes() <= 256);
        // In the round in which the ring wraps they end there.
        let wraps = (producer.position() as usize % 1024) + 32 >= 1024;
        assert!(quick == 8 - usize::from(round > 0) || wraps, "{quick} in round {round}");
        consumer.drain(usize::MAX, |_| ());
        assert!(producer.try_claim_quick(24).is_none(), "it does not look");
        producer.try_claim_within(24, 256).expect("there is room").commit();
    }
    assert!(producer.try_claim_quick(0).is_none());
    assert!(producer.try_claim_quick(usize::MAX).is_none());
}
