use super::*;
use crate::block::RecordTime;
use crate::dictionary::{Role, Slot};
use crate::loss::Loss;
use crate::types::Type;

fn site() -> CallSite {
    CallSite {
        id: 16,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "app".into(),
        module: "app".into(),
        file: "src/main.rs".into(),
        line: 1,
        column: 1,
        template: Some("n {0}".into()),
        slots: vec![Slot { name: "n".into(), role: Role::Argument, ty: Type::U32 }],
    }
}

/// A block's header, and the tag and counter of each of its records.
type Block = (BlockHeader, Vec<(u32, u64)>);

/// A ring in the making: each payload where it would lie.
#[derive(Default)]
struct Ring(Vec<(u64, u32, Vec<u8>)>, u64);

impl Ring {
    fn push(&mut self, tag: u32, payload: Vec<u8>) {
        let bytes = 8 + payload.len().next_multiple_of(8) as u64;
        self.0.push((self.1, tag, payload));
        self.1 += bytes;
    }

    fn n(&mut self, counter: u64, n: u32) {
        self.push(16, [&counter.to_le_bytes()[..], &n.to_le_bytes()].concat());
    }

    /// Each block's header and the tag and counter of its records.
    fn blocks(&self, first_record: u64) -> (Vec<Block>, Blocks) {
        let site = site();
        let records = self.0.iter().map(|(position, tag, payload)| RingRecord {
            position: *position,
            tag: *tag,
            payload,
        });
        let span = RingSpan { ring: 2, position: 0, end_position: self.1, first_record };
        let mut blocks = Vec::new();
        let find = |tag| (tag == 16).then_some(&site);
        let made = put_blocks(span, records, find, |header, payload| {
            assert_eq!(BlockHeader::decode(payload), Some(*header));
            let records = header.records(&payload[BlockHeader::BYTES..]).unwrap();
            let records = records.map(|record| {
                let record = record.unwrap();
                match record.time {
                    RecordTime::Counter(counter) | RecordTime::Word(counter) => {
                        (record.tag, counter)
                    }
                    RecordTime::UnixNanos(_) => panic!("no caller gave a time"),
                }
            });
            blocks.push((*header, records.collect()));
        });
        (blocks, made)
    }
}

#[test]
fn records_that_fit_their_types_are_packed() {
    let mut ring = Ring::default();
    ring.n(10, 1);
    ring.push(1, Loss { counter: 15, ..Loss::default() }.encode().to_vec());
    ring.n(20, 2);
    let (blocks, made) = ring.blocks(7);
    assert_eq!(made, Blocks { blocks: 1, records: 3, unreadable: 0 });
    let (header, records) = &blocks[0];
    assert_eq!((header.encoding, header.first_record, header.end_position), (1, 7, ring.1));
    assert_eq!(records, &[(16, 10), (1, 15), (16, 20)]);
}

#[test]
fn what_does_not_fit_stays_raw_and_keeps_its_place() {
    let mut ring = Ring::default();
    ring.n(10, 1);
    ring.push(99, 15_u64.to_le_bytes().to_vec());
    ring.push(16, 16_u64.to_le_bytes().to_vec());
    ring.n(20, 2);
    let (blocks, made) = ring.blocks(0);
    assert_eq!((made.records, blocks.len()), (4, 1));
    assert_eq!(blocks[0].0.encoding, 0);
    assert_eq!(blocks[0].1, [(16, 10), (99, 15), (16, 16), (16, 20)]);
}

#[test]
fn what_has_no_time_leaves_a_gap_in_the_numbers() {
    let mut ring = Ring::default();
    ring.n(10, 1);
    ring.push(16, vec![1, 2, 3]);
    ring.n(20, 2);
    let (blocks, made) = ring.blocks(5);
    assert_eq!(made, Blocks { blocks: 2, records: 2, unreadable: 1 });
    assert_eq!(blocks.iter().map(|block| block.0.first_record).collect::<Vec<_>>(), [5, 7]);
    assert_eq!(blocks[0].0.end_position, blocks[1].0.position);
}

#[test]
fn blocks_are_bounded_and_follow_one_another() {
    let mut ring = Ring::default();
    for counter in 0..200_000 {
        ring.n(counter, counter as u32);
    }
    // Longer than a block may be: it gets one of its own.
    ring.push(99, vec![1; 3 << 20]);
    ring.n(200_001, 1);
    let (blocks, made) = ring.blocks(0);
    assert_eq!((made.records, made.unreadable), (200_002, 0));
    let mut next = (0, 0);
    for (header, _) in &blocks {
        assert_eq!((header.first_record, header.position), next);
        assert!(header.end_position - header.position <= MAX_BLOCK_BYTES || header.count == 1);
        next = (header.first_record + u64::from(header.count), header.end_position);
    }
    assert_eq!(next, (200_002, ring.1));
    assert!(blocks.len() >= 6, "{}", blocks.len());
}

#[test]
fn an_empty_ring_has_no_block() {
    assert_eq!(Ring::default().blocks(3), (Vec::new(), Blocks::default()));
}
