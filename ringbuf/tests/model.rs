//! Random operations on a ring and on the queue that it should behave like.

#[expect(dead_code, reason = "each test file needs another part")]
mod common;

use common::Produce;
use proptest::prelude::*;
use std::collections::VecDeque;
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
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => Just(End::Commit),
        1 => any::<prop::sample::Index>().prop_map(End::Truncate),
        1 => Just(End::Abort),
    ];
    let len = prop_oneof![8 => 1usize..40, 2 => 1usize..300, 1 => any::<usize>()]
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
                self.expected.extend(record.map(|bytes| (tag, bytes)));
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
                assert!(records > 0 || self.expected.is_empty());
            }
            Step::Batch { max_bytes, release } => {
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
            Step::Pipeline { max_bytes, release_first } => {
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
                    std::mem::forget(record);
                }
            }
        }
        self.check_counts();
    }
}

fn check<P: Produce>(capacity: usize, steps: &[Step]) {
    let (producer, consumer) = P::ring(capacity);
    let mut pair = Pair { producer, consumer, expected: VecDeque::new(), written: 0 };
    for step in steps {
        pair.apply(step);
    }
    // All that is left comes out, and then there is room for the largest record.
    while !pair.expected.is_empty() {
        pair.apply(&Step::Take);
    }
    pair.apply(&Step::Take);
    let max = pair.producer.max_record_bytes();
    if pair.producer.try_claim(max).is_err() {
        pair.apply(&Step::Take);
        pair.producer.try_claim(max).expect("the ring is empty").commit();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_ring_is_a_queue(capacity in 0usize..=256, steps in prop::collection::vec(step(), 1..120)) {
        check::<spsc::Producer>(capacity, &steps);
        check::<mpsc::Producer>(capacity, &steps);
    }

    /// Several producers, their claims open at once and committed in any order.
    #[test]
    fn claims_come_out_in_order(
        capacity in 16usize..=512,
        steps in prop::collection::vec((0usize..4, 1usize..60, 0u8..8), 1..100),
    ) {
        let (producer, mut consumer) = mpsc::new(capacity);
        let mut producers: [_; 4] = std::array::from_fn(|_| producer.clone());
        // Of each claim, oldest first: its tag, and what became of it.
        let mut order: VecDeque<(u32, Option<bool>)> = VecDeque::new();
        let mut open: [Option<(u32, WriteClaim<'static>)>; 4] = [const { None }; 4];
        for (tag, &(at, len, action)) in (1..).zip(&steps) {
            if let Some((tag, claim)) = open[at].take() {
                let entry = order.iter_mut().find(|entry| entry.0 == tag).unwrap();
                entry.1 = Some(action != 0);
                match action {
                    0 => drop(claim),
                    1 => claim.commit_truncated(1),
                    _ => claim.commit(),
                }
            } else if let Ok(mut claim) = producers[at].try_claim(len) {
                claim.fill(tag as u8);
                claim.set_tag(tag);
                // SAFETY: dropped before the producers, and before the next claim of its own;
                // the array is what stands for several threads.
                let claim = unsafe { std::mem::transmute::<WriteClaim<'_>, WriteClaim<'static>>(claim) };
                open[at] = Some((tag, claim));
                order.push_back((tag, None));
            }
            if action & 1 == 0 {
                consumer.drain(len * 2, |record| {
                    while let (_, Some(false)) = order[0] {
                        order.pop_front();
                    }
                    let (tag, state) = order.pop_front().unwrap();
                    assert_eq!((record.tag(), state), (tag, Some(true)));
                    assert!(record.payload().iter().all(|&byte| byte == tag as u8));
                });
            }
            let committed = order.iter().take_while(|entry| entry.1.is_some());
            assert!(consumer.is_empty() == committed.clone().all(|entry| entry.1 == Some(false)));
        }
        drop(open);
    }
}
