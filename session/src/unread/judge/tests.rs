use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{Level, TimeSource};
use stenolog_ringbuf::file::Options;

use super::*;
use crate::layout::word;

/// The bytes of a record of eight bytes in a ring.
const RECORD: u64 = 16;
const SITE: u32 = CallSite::FIRST_ID;

/// The blocks of ring 1, and whether each is intact.
struct Dump {
    blocks: Vec<(BlockHeader, bool)>,
    is_first: bool,
}

impl DumpSide for Dump {
    fn blocks(&self, _: u32) -> impl Iterator<Item = &BlockHeader> {
        self.blocks.iter().map(|(header, _)| header)
    }

    fn is_whole(&self, _: u32, block: usize) -> bool {
        self.blocks[block].1
    }

    fn end(&self, ring: u32) -> Option<u64> {
        self.blocks(ring).map(end_number).max()
    }

    fn is_first(&self) -> bool {
        self.is_first
    }

    fn has_site(&self, id: u32) -> bool {
        id == SITE
    }
}

/// A block with the records from `first` to `end`, all of [`RECORD`] bytes.
fn block(first: u64, end: u64) -> BlockHeader {
    let mut builder = BlockBuilder::default();
    builder.begin(1, first * RECORD, first);
    for number in first..end {
        builder.note(Level::Info, TimeSource::Counter, number);
    }
    builder.finish_raw(end * RECORD, &[], &mut Vec::new())
}

fn dump(blocks: &[(u64, u64)]) -> Dump {
    let blocks = blocks.iter().map(|&(first, end)| (block(first, end), true)).collect();
    Dump { blocks, is_first: true }
}

/// A ring with the records 0 to `end`, of which those before `start` were freed.
fn ring_of(start: u64, end: u64, change: impl FnOnce(&mut [u64; 24])) -> Recovered {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().with_extension("ring");
    let mut words = RingWords::of_session(&[1; 16]);
    words[word::RING] = 1;
    words[word::NUMBERS[0]..][..2].copy_from_slice(&[start * RECORD, start]);
    words[word::NUMBERS[1]] = u64::MAX;
    change(&mut words);
    let (mut producer, mut consumer) =
        Options::new(4096).user_words(words).create_spsc(&path).unwrap();
    for number in 0..end {
        let mut claim = producer.try_claim(8).unwrap();
        claim.copy_from_slice(&number.to_le_bytes());
        claim.commit_tagged(SITE);
    }
    consumer.release_to(start * RECORD);
    let ring = Recovered::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    ring
}

fn ring(start: u64, end: u64) -> Recovered {
    ring_of(start, end, |_| ())
}

fn share(ring: &Recovered, dump: &Dump) -> Share {
    let (id, words) = identify(ring, &[1; 16]).unwrap().unwrap();
    judge(ring, id, &words, dump)
}

/// The first number, the records that the dump has, and those that it lacks.
#[track_caller]
fn check(ring: &Recovered, dump: &Dump, expected: (u64, usize, usize), damage: &[ShareDamage]) {
    let share = share(ring, dump);
    assert_eq!((share.span.first_record, share.skip, share.records), expected);
    assert_eq!(share.damage, damage);
}

#[test]
fn the_dump_lacks_what_its_blocks_do_not_reach() {
    check(&ring(0, 8), &dump(&[]), (0, 0, 8), &[]);
    check(&ring(0, 8), &dump(&[(0, 5)]), (5, 5, 3), &[]);
    check(&ring(2, 8), &dump(&[(0, 2), (2, 5)]), (5, 3, 3), &[]);
    check(&ring(5, 8), &dump(&[(0, 5)]), (5, 0, 3), &[]);
    check(&ring(8, 8), &dump(&[(0, 8)]), (8, 0, 0), &[]);
    let share = share(&ring(2, 8), &dump(&[(0, 5)]));
    let span = RingSpan { ring: 1, position: 80, end_position: 128, first_record: 5 };
    assert_eq!((share.span, share.sites), (span, BTreeSet::from([SITE])));
}

#[test]
fn records_in_neither_are_a_gap() {
    check(&ring(5, 8), &dump(&[]), (5, 0, 3), &[ShareDamage::Gap { number: 5 }]);
    check(&ring(5, 8), &dump(&[(0, 3)]), (5, 0, 3), &[ShareDamage::Gap { number: 5 }]);
    // A later file of the session need not have them.
    check(&ring(5, 8), &Dump { is_first: false, ..dump(&[]) }, (5, 0, 3), &[]);
}

#[test]
fn a_damaged_block_is_taken_from_the_ring_and_later_ones_are_reported() {
    let mut damaged = dump(&[(0, 2), (2, 5)]);
    damaged.blocks[1].1 = false;
    let overtaken = [ShareDamage::Overtaken { number: 2 }];
    check(&ring(2, 8), &damaged, (2, 0, 6), &overtaken);
    check(&ring(1, 8), &damaged, (2, 1, 6), &overtaken);
    // Blocks that are missing.
    check(&ring(2, 8), &dump(&[(0, 2), (4, 6)]), (2, 0, 6), &overtaken);
}

#[test]
fn a_number_that_no_pair_states_is_told_by_a_block() {
    let unstated = |start, end| ring_of(start, end, |words| words[word::NUMBERS[0]] = u64::MAX);
    let number = |number| ShareDamage::Number { position: 48, number };
    check(&unstated(3, 8), &dump(&[(0, 3)]), (3, 0, 5), &[number(3)]);
    check(&unstated(3, 8), &dump(&[(0, 3), (3, 6)]), (6, 3, 2), &[number(3)]);
    check(&unstated(3, 8), &dump(&[]), (0, 0, 5), &[number(0)]);
}

/// The words of a ring have no checksum: a wrong number would make a reader skip the wrong records.
#[test]
fn a_number_that_contradicts_the_dump_is_damage() {
    let stated = |number| ring_of(2, 8, |words| words[word::NUMBERS[0] + 1] = number);
    let disagrees = ShareDamage::Disagrees { number: 5, expected: 80, found: 64 };
    check(&stated(3), &dump(&[(0, 5)]), (5, 2, 4), &[disagrees]);
    let misplaced = ShareDamage::Misplaced { number: 4, expected: 80, found: 80 };
    // The record at 80 is not lost.
    check(&stated(1), &dump(&[(0, 5)]), (5, 3, 3), &[misplaced]);
    let disagrees = ShareDamage::Disagrees { number: 9, expected: 144, found: 128 };
    check(&ring(2, 8), &dump(&[(0, 9)]), (9, 6, 0), &[disagrees]);
}

#[test]
fn losses_are_stated_by_the_words_and_by_records() {
    let mut ring = ring_of(0, 0, |words| words[word::LOST[0]] = 7);
    let found = share(&ring, &dump(&[]));
    assert_eq!((found.lost_by_records, found.loss.total()), (0, 7));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().with_extension("ring");
    let mut words = RingWords::of_session(&[1; 16]);
    words[word::RING] = 1;
    let (mut producer, _consumer) =
        Options::new(4096).user_words(words).create_spsc(&path).unwrap();
    for (full, length) in [(3, Loss::BYTES), (2, Loss::BYTES), (9, 8)] {
        let statement = Loss { full: [full, 0, 0, 0, 0], ..Loss::default() }.encode();
        let mut claim = producer.try_claim(length).unwrap();
        claim.copy_from_slice(&statement[..length]);
        claim.commit_tagged(CallSite::LOSS_ID);
    }
    ring = Recovered::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    let found = share(&ring, &dump(&[]));
    assert_eq!((found.lost_by_records, found.loss.total()), (3, 0));
    assert_eq!(found.damage, [ShareDamage::Statement]);
}

#[test]
fn rings_of_others_and_idle_ones_are_no_rings_of_the_session() {
    assert!(matches!(identify(&ring(0, 1), &[2; 16]), Err(NotARing::OtherSession)));
    let idle = ring_of(0, 0, |words| words[word::RING] = 0);
    assert!(matches!(identify(&idle, &[1; 16]), Ok(None)));
    let odd = ring_of(0, 0, |words| words[word::RING] = 1 << 40);
    assert!(matches!(identify(&odd, &[1; 16]), Err(NotARing::Id { id }) if id == 1 << 40));
}

#[test]
fn a_ring_is_read_within_the_limit() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(5000).unwrap();
    let mut left = 4999;
    let read = read_ring(&file, &mut left);
    assert!(matches!(read, Err(NotARing::TooLong { bytes: 5000, limit: 4999 })), "{read:?}");
    let mut left = 6000;
    assert!(matches!(read_ring(&file, &mut left), Err(NotARing::Damaged(_))));
    assert_eq!(left, 1000);
}
