use stenolog_format::block::BlockHeader;
use stenolog_format::frame::FrameHeader;

use super::*;
use crate::model::damage::DamageCause;
use crate::testing::{DumpBuilder, Open, Rec, n, str_bytes};

#[test]
fn a_whole_dump_is_intact() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.raw_block(1, &[n(40, 4)]);
    builder.block(2, &[n(20, 2)]);
    builder.seal(0);
    let found = verify(&builder.dump());
    assert!(found.is_intact(), "{found:?}");
    assert_eq!((found.blocks, found.records, found.missing), (3, 4, 0));
    let info = crate::info(&builder.dump());
    assert_eq!((info.records, info.rings, info.call_sites), (4, 2, 3));
    assert_eq!(info.unix_ns, Some((crate::testing::START + 10, crate::testing::START + 40)));
    assert_eq!(info.frames.total(), found.frames);
}

#[test]
fn every_changed_byte_is_noticed_but_padding() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.summary();
    builder.loss(1, crate::testing::loss(40, [0, 0, 0, 0, 2]));
    builder.seal(2);
    let mut bytes = builder.bytes().to_vec();
    let mut unnoticed = 0;
    for at in 0..bytes.len() {
        bytes[at] ^= 0x20;
        if Dump::from_bytes("test", bytes.clone()).is_ok_and(|dump| verify(&dump).is_intact()) {
            unnoticed += 1;
        }
        bytes[at] ^= 0x20;
    }
    // The padding after each of the frames is less than eight bytes.
    let frames = verify(&builder.dump()).frames;
    assert!(unnoticed <= 7 * frames, "{unnoticed} changes were not noticed");
}

#[test]
fn gaps_and_wrong_sums_are_damage() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.skip(1, 3);
    builder.block(1, &[n(20, 2)]);
    builder.seal(0);
    let found = verify(&builder.dump());
    assert_eq!((found.missing, found.damage.len()), (3, 1));
    assert!(!found.is_intact());

    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.seal(5);
    assert!(!verify(&builder.dump()).is_intact());
}

/// Readers go by positions: records of such a block may come out of order, or not at all.
#[test]
fn a_block_that_ends_before_it_begins_is_damage() {
    use stenolog_format::frame::FrameKind;
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.block(1, &[n(20, 2)]);
    let dump = builder.dump();
    let mut backwards = DumpBuilder::new();
    for (block, (position, end_position)) in dump.blocks().iter().zip([(100, 50), (50, 60)]) {
        let start = block.offset as usize + FrameHeader::BYTES;
        let payload = &builder.bytes()[start..start + block.payload_bytes as usize];
        let header = BlockHeader { position, end_position, ..block.header };
        let payload = [&header.encode()[..], &payload[BlockHeader::BYTES..]].concat();
        backwards.frame(FrameKind::Block, &payload);
    }
    let found = verify(&backwards.dump());
    let causes: Vec<_> = found.damage.iter().map(|damage| damage.cause.to_string()).collect();
    assert_eq!(causes, ["a block of ring 1 goes from position 100 back to 50"]);
}

/// A search would pass over the block.
#[test]
fn a_summary_that_lacks_something_is_damage() {
    let named = |counter, name| Rec(17, counter, str_bytes(name));
    let check = |records: &[Rec], summed_up: &[(u32, &str)], expected: u32| {
        let mut builder = DumpBuilder::new();
        builder.block(1, records);
        builder.summary_of(summed_up);
        builder.seal(0);
        let found = verify(&builder.dump());
        let lacks = found.damage.iter().map(|damage| match damage.cause {
            DamageCause::Summary { ring: 1, records } => records,
            ref other => panic!("{other}"),
        });
        assert_eq!(lacks.sum::<u32>(), expected, "{:?}", found.damage);
        assert_eq!(found.records, records.len() as u64);
    };
    let records = [n(10, 1), named(20, "annabel"), named(30, "roberta"), named(40, "ann")];
    check(&records, &[(16, ""), (17, "annabel, roberta")], 0);
    check(&records, &[(16, ""), (17, "annabel"), (18, "")], 1);
    check(&records, &[(17, "annabel roberta")], 1);
    check(&records, &[(16, "annabel roberta")], 3);
    let fold = [named(10, "an \u{17f}")];
    check(&fold, &[(17, "an \u{17f}")], 0);
    check(&fold, &[(17, "an s")], 1);
}

/// Even if the blocks are the last ones of their ring.
#[test]
fn records_of_adjacent_damaged_blocks_are_missing_for_every_reader() {
    for damaged in [vec![1], vec![2], vec![1, 2], vec![2, 3], vec![1, 2, 3]] {
        let mut builder = DumpBuilder::new();
        for at in 0..4 {
            builder.block(1, &[n(10 * at + 1, 1), n(10 * at + 2, 2)]);
        }
        let blocks = builder.dump().blocks().iter().collect::<Vec<_>>();
        let mut bytes = builder.bytes().to_vec();
        for &at in &damaged {
            let block = blocks[at];
            bytes[block.offset as usize + FrameHeader::BYTES + block.payload_bytes as usize - 1] ^=
                1;
        }
        let dump = Dump::from_bytes("test", bytes).unwrap();
        let expected = 2 * damaged.len() as u64;
        let found = verify(&dump);
        assert_eq!(found.missing, expected, "{damaged:?}");
        assert_eq!(found.by_cause, [(LossKind::BadChecksum, expected)].into(), "{damaged:?}");
        assert_eq!(crate::info(&dump).missing, expected, "{damaged:?}");
        let dumps = [dump];
        let read = crate::testing::messages(&dumps, crate::Filter::default()).1;
        assert_eq!(read.by_cause, found.by_cause, "{damaged:?}");
    }
}
