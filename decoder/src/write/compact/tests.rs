use stenolog_format::frame::Version;

use super::*;
use crate::testing::{DumpBuilder, Open, Rec, messages, n, str_bytes};
use crate::{Filter, verify};

/// Small blocks of two rings in turn, in all layouts.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    for round in 0..40_u32 {
        let at = u64::from(round) * 1000;
        let records = |ring: u64| [n(at + ring, round), Rec(17, at + 9 + ring, str_bytes("ann"))];
        match round % 3 {
            0 => builder.block(1, &records(1)),
            1 => builder.raw_block(1, &records(1)),
            _ => builder.compressed_block(1, &records(1), Codec::Zstd),
        };
        builder.block(2, &records(2));
    }
    builder
}

fn packed_again(dump: &Dump) -> (Dump, RepackReport) {
    let mut out = Vec::new();
    let repacked = repack(dump, 3, &mut out).unwrap();
    assert_eq!(repacked.bytes, out.len() as u64);
    (Dump::from_bytes("again.steno", out).unwrap(), repacked)
}

/// Where the blocks of each ring begin and end, taken together.
fn span(dump: &Dump, ring: u32) -> (u64, u64, u64, u64) {
    let of_ring = || dump.blocks().iter().map(|block| block.header).filter(|of| of.ring == ring);
    let (first, last) = (of_ring().next().unwrap(), of_ring().next_back().unwrap());
    let next = last.first_record + u64::from(last.count);
    (first.position, last.end_position, first.first_record, next)
}

#[test]
fn small_blocks_become_large_ones_with_the_same_records() {
    let mut builder = builder();
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert!(verify(&again).is_intact(), "{:?}", verify(&again).damage);
    for ring in [1, 2] {
        assert_eq!(span(&dump, ring), span(&again, ring));
    }
    assert_eq!((repacked.blocks_before, repacked.blocks, repacked.records), (80, 2, 160));
    assert_eq!(again.header(), dump.header());
    assert!(repacked.bytes < repacked.bytes_before / 4, "{repacked:?}");
    let of = |dump| messages(&[dump], Filter::default());
    let ((before, _), (after, summary)) = (of(dump), of(again));
    assert_eq!(before, after);
    assert!(summary.is_complete());
}

#[test]
fn a_rewritten_dump_can_be_rewritten() {
    let mut builder = builder();
    builder.seal(0);
    let (once, first) = packed_again(&builder.dump());
    let (twice, second) = packed_again(&once);
    assert_eq!((first.bytes, first.records), (second.bytes, second.records));
    // The first summaries were made of values as they are in a ring.
    assert_eq!(twice.bytes(), packed_again(&twice).0.bytes());
}

#[test]
fn a_block_that_cannot_be_taken_apart_is_copied() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut other = DumpBuilder::new();
    other.skip(1, 1);
    other.block(1, &[n(20, 2), n(30, 3)]);
    let block = other.dump().blocks().get(0).unwrap();
    // A codec of a later version.
    let header = BlockHeader { codec: 77, ..block.header };
    let payload = [&header.encode()[..], b"from the future"].concat();
    builder.put_block(header, &payload);
    builder.block(1, &[n(40, 4)]);
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert_eq!((repacked.blocks_before, repacked.blocks), (3, 3));
    assert_eq!(again.block_payload(&again.blocks().get(1).unwrap()), Some(&payload[..]));
    assert_eq!(
        messages(&[again], Filter::default()).0,
        messages(&[dump], Filter::default()).0,
        "with the damage"
    );
}

#[test]
fn gaps_between_blocks_stay() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.skip(1, 5);
    builder.block(1, &[n(20, 2)]);
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert_eq!(repacked.blocks, 2);
    let (_, before) = messages(&[dump], Filter::default());
    let (_, after) = messages(&[again], Filter::default());
    assert_eq!((before.missing, after.missing), (5, 5));
}

#[test]
fn an_unsealed_dump_stays_unsealed() {
    let dump = builder().dump();
    let (again, _) = packed_again(&dump);
    assert_eq!((dump.tail(), again.tail()), (Tail::Unfinished, Tail::Unfinished));
}

#[test]
fn records_before_the_cut_of_a_block_stay() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.block(1, &[n(20, 2), n(30, 3)]);
    let bytes = builder.dump().bytes().to_vec();
    // Within the last record, or the padding after it.
    let cut = bytes.len() - 8;
    let dump = Dump::from_bytes("test.steno", bytes[..cut].to_vec()).unwrap();
    let (again, repacked) = packed_again(&dump);
    assert_eq!(repacked.records, 2);
    assert_eq!(again.tail(), Tail::Unfinished);
    let (before, _) = messages(&[dump], Filter::default());
    let lost = "1: 1 record lost: their frame is cut; number 2 of its ring\n";
    assert_eq!(messages(&[again], Filter::default()).0 + lost, before);
}

#[test]
fn a_dump_of_an_earlier_version_becomes_one_of_this_version() {
    let mut builder = builder();
    builder.seal(0);
    let mut bytes = builder.dump().bytes().to_vec();
    let older = Version { minor: 1, ..VERSION };
    let header = FileHeader { version: older, ..*builder.dump().header() };
    bytes[..FileHeader::BYTES].copy_from_slice(&header.encode());
    let (again, _) = packed_again(&Dump::from_bytes("old.steno", bytes).unwrap());
    assert_eq!(again.header().version, VERSION);
}
