//! Ring files: cut anywhere, and with each byte changed.
//!
//! Payload in a ring has no checksum, as the hot path would pay for it: a changed byte of it is read as changed, and so
//! is a changed tag. Nor have positions and header words: what lies after a changed one is not certain, but what lies
//! before it is.

use std::mem;

use stenolog_ringbuf::file::{Damage, Kind, Options, RecoverError, Recovered};
use stenolog_ringbuf::queue::{mpsc, spsc};

use crate::walk::u64_at;
use crate::{for_each, is_exhaustive};

const HEADER: usize = 4096;

/// A ring file, and what a walk by its documentation finds in it.
struct Sample {
    name: &'static str,
    bytes: Vec<u8>,
    kind: Kind,
    items: Vec<Item>,
    /// The records.
    whole: Vec<Shown>,
}

/// A record: position, tag, payload.
type Shown = (u64, u32, Vec<u8>);

/// What begins with a header word.
struct Item {
    position: u64,
    /// Where the word is in the file.
    word: usize,
    /// How many bytes after it count: those of a record's payload.
    payload: usize,
    is_record: bool,
    is_open: bool,
}

impl Sample {
    fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        let capacity = u64_at(&bytes, 16);
        let kind = if bytes[12] == 0 { Kind::OneProducer } else { Kind::ManyProducers };
        let (consumed, tail) = (u64_at(&bytes, 136), u64_at(&bytes, 256));
        let end = match kind {
            Kind::OneProducer => u64_at(&bytes, 128) + capacity,
            _ => tail,
        };
        let (mut position, mut items, mut whole) = (consumed, Vec::new(), Vec::new());
        while position < end {
            let word = HEADER + (position % capacity) as usize;
            let value = u64_at(&bytes, word);
            let (length, tag) = (value as u32, (value >> 32) as u32);
            let is_open = length == 0;
            if is_open && kind == Kind::OneProducer {
                break;
            }
            let dead = length >> 31 == 1;
            let following = if is_open { tag } else { length & 0x7fff_ffff } as usize;
            let is_record = !is_open && !dead;
            let payload = if is_record { following } else { 0 };
            if is_record {
                whole.push((position, tag, bytes[word + 8..][..payload].to_vec()));
            }
            items.push(Item { position, word, payload, is_record, is_open });
            position += 8 + following.next_multiple_of(8) as u64;
        }
        let sample = Self { name, bytes, kind, items, whole };
        let found = sample.read(&sample.bytes).unwrap();
        assert_eq!((found.0, found.1), (sample.whole.clone(), None));
        sample
    }

    /// Reads damaged bytes, and checks what must hold whatever they are.
    fn read(&self, bytes: &[u8]) -> Result<(Vec<Shown>, Option<Damage>), RecoverError> {
        let ring = Recovered::from_bytes(bytes)?;
        assert!(ring.end() - ring.start() <= ring.capacity() as u64, "{}", self.name);
        let mut reached = ring.start();
        let mut shown = Vec::new();
        for record in ring.records() {
            assert!(record.position() >= reached, "{}", self.name);
            reached = record.position() + 8 + record.payload().len() as u64;
            shown.push((record.position(), record.tag(), record.payload().to_vec()));
        }
        assert!(reached <= ring.end().next_multiple_of(8), "{}", self.name);
        Ok((shown, ring.damage()))
    }
}

fn file(
    options: Options,
    fill: impl FnOnce(Options, &std::path::Path) -> Box<dyn std::any::Any>,
) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring");
    // As a kill would leave it: nothing has been dropped yet.
    let _ends = fill(options, &path);
    std::fs::read(&path).unwrap()
}

/// Writes a record whose payload is `len` times its tag.
macro_rules! push {
    ($producer:expr, $len:expr, $tag:expr) => {{
        let mut claim = $producer.try_claim($len).unwrap();
        claim.fill($tag as u8);
        claim.commit_tagged($tag);
    }};
}

fn options() -> Options {
    Options::new(256).ring_id(3).thread_id(9).user_words([5; 24])
}

/// A ring that has been around its memory, with records freed and aborted.
fn one_producer() -> Vec<u8> {
    file(options(), |options, path| {
        let (mut producer, mut consumer): (spsc::Producer, _) = options.create_spsc(path).unwrap();
        for tag in 1..=20 {
            push!(producer, 1 + tag as usize * 7 % 40, tag);
            consumer.drain(usize::MAX, |_| ());
        }
        push!(producer, 9, 21);
        drop(producer.try_claim(20).unwrap());
        push!(producer, 33, 22);
        push!(producer, 17, 23);
        push!(producer, 40, 24);
        drop(consumer.try_claim());
        mem::forget(producer.try_claim(5).map(|mut claim| {
            claim.fill(0xff);
            claim
        }));
        Box::new((producer, consumer))
    })
}

/// The same with many producers, and claims left open between the records.
fn many_producers() -> Vec<u8> {
    file(options(), |options, path| {
        let (mut producer, mut consumer): (mpsc::Producer, _) = options.create_mpsc(path).unwrap();
        for tag in 1..=20 {
            push!(producer, 1 + tag as usize * 7 % 40, tag);
            consumer.drain(usize::MAX, |_| ());
        }
        push!(producer, 9, 21);
        mem::forget(producer.try_claim(20).map(|mut claim| {
            claim[..12].fill(0xff);
            claim
        }));
        push!(producer, 33, 22);
        drop(producer.try_claim(11).unwrap());
        push!(producer, 17, 23);
        mem::forget(producer.try_claim(8).unwrap());
        Box::new((producer, consumer))
    })
}

fn samples() -> [Sample; 2] {
    let samples = [
        Sample::new("one producer", one_producer()),
        Sample::new("many producers", many_producers()),
    ];
    let [one, many] = &samples;
    assert!(one.whole.len() >= 3 && many.whole.len() == 3);
    assert!(one.items.iter().any(|item| !item.is_record && !item.is_open));
    assert_eq!(many.items.iter().filter(|item| item.is_open).count(), 2);
    // They wrap.
    assert!(samples.iter().all(|s| s.items.is_sorted_by_key(|item| item.position)));
    assert!(samples.iter().all(|s| !s.items.is_sorted_by_key(|item| item.word)));
    samples
}

#[test]
fn every_prefix_of_a_ring_file_has_the_records_before_the_cut() {
    for sample in &samples() {
        let bytes = &sample.bytes;
        for_each(bytes.len() + 1, |length| {
            let found = sample.read(&bytes[..length]);
            if length < HEADER {
                let error = found.unwrap_err();
                let is_right =
                    matches!(error, RecoverError::Truncated { found } if found == length);
                assert!(is_right, "{}, {length} bytes: {error}", sample.name);
                return 1;
            }
            let (records, damage) = found.unwrap();
            // Reading ends at the first item that is not wholly there.
            let whole = sample.items.iter().take_while(|i| i.word + 8 + i.payload <= length);
            let whole = whole.filter(|item| item.is_record).count();
            assert_eq!(records, sample.whole[..whole], "{}, {length} bytes", sample.name);
            let is_named = matches!(damage, Some(Damage::Truncated { .. }));
            assert!(is_named || whole == sample.whole.len(), "{}, {length} bytes", sample.name);
            1
        });
    }
}

/// What must come out if the byte at `at` becomes another.
fn check(sample: &Sample, at: usize, value: u8) {
    let mut bytes = sample.bytes.clone();
    bytes[at] = value;
    let what = || format!("{}, byte {at} = {value:#x}", sample.name);
    let found = sample.read(&bytes);
    match at {
        // The fixed part has a checksum.
        0..64 => assert!(found.is_err(), "{}", what()),
        // Positions: those that contradict each other are refused. If only the end of what is
        // there is another, what comes out is a beginning, or goes on after it.
        128..136 | 256..264 => {
            if let Ok((records, _)) = found {
                let both = records.iter().zip(&sample.whole);
                assert!(both.into_iter().all(|(found, was)| found == was), "{}", what());
            }
        }
        // From elsewhere on, nothing is certain but that nothing goes wrong.
        136..144 => {}
        // Reserved bytes, and words that are the user's own.
        64..HEADER => assert_eq!(found.unwrap().0, sample.whole, "{}", what()),
        _ => {
            let (records, damage) = found.unwrap();
            let is_at = |item: &&Item| (item.word..item.word + 8 + item.payload).contains(&at);
            let Some(item) = sample.items.iter().find(is_at) else {
                // Padding, open claims, what was freed: at the end of a ring with one producer, it
                // may now look like a record, after all others.
                let (before, after) = records.split_at(sample.whole.len());
                assert_eq!(before, sample.whole, "{}", what());
                assert!(after.is_empty() || sample.kind == Kind::OneProducer, "{}", what());
                return;
            };
            let number = sample.whole.iter().filter(|was| was.0 < item.position).count();
            assert_eq!(records[..number], sample.whole[..number], "{}", what());
            let mut changed = sample.whole.clone();
            match at - item.word {
                // The length, or what tells a claim from a record.
                0..4 => return,
                4..8 if item.is_open => return,
                // The tag. That of dead space means nothing.
                offset @ 4..8 if item.is_record => {
                    let mut tag = changed[number].1.to_le_bytes();
                    tag[offset - 4] = value;
                    changed[number].1 = u32::from_le_bytes(tag);
                }
                4..8 => {}
                offset => changed[number].2[offset - 8] = value,
            }
            assert_eq!((records, damage), (changed, None), "{}", what());
        }
    }
}

#[test]
fn a_changed_byte_of_a_ring_file_costs_nothing_before_it() {
    let mut changes = 0;
    for sample in &samples() {
        changes += for_each(sample.bytes.len(), |at| {
            let was = sample.bytes[at];
            // Most of the header is reserved.
            let is_reserved = (64..128).contains(&at)
                || (264..384).contains(&at)
                || (144..256).contains(&at)
                || (576..HEADER).contains(&at);
            if is_reserved && !is_exhaustive() {
                check(sample, at, !was);
                return 1;
            }
            (0..=255).filter(|&value| value != was).for_each(|value| check(sample, at, value));
            255
        });
    }
    assert!(changes > 250_000, "{changes}");
}
