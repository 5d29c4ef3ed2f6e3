//! Groups read as blocks of one ring each would.

use std::collections::BTreeMap;

use stenolog_format::block::{BlockHeader, Codec};
use stenolog_testkit::{DumpBuilder, GroupModel, KindModel, START};
use stenolog_tests::second_reader::Reading;

/// Without Zstandard, which Python may lack.
const CODECS: [Codec; 2] = [Codec::None, Codec::Lz4];

#[test]
fn groups_in_every_layout_read_as_blocks_of_one_ring_each() {
    for seed in 0..12 {
        let kinds = KindModel::random(seed * 100);
        let mut both = [DumpBuilder::bare(1, 0), DumpBuilder::bare(1, 0)];
        for builder in &mut both {
            builder.call_sites(kinds.iter().map(KindModel::call_site).collect());
            builder.clock(0, START);
        }
        let [grouped, plain] = &mut both;
        let mut ends = BTreeMap::new();
        for n in 0..6 {
            let mut group = GroupModel::of_kinds(&kinds, seed * 100 + n);
            group.follow(&mut ends);
            grouped.put_group(&group.payload_with(n, &CODECS));
            plain.ungrouped(&group);
        }
        both.iter_mut().for_each(|builder| builder.seal(0));
        let [grouped, plain] = both.map(|of| Reading::of_bytes(of.bytes()).whole());
        assert_eq!(grouped, plain, "seed {seed}");
    }
}

#[test]
fn a_malformed_group_costs_its_own_records() {
    let kinds = KindModel::random(7);
    let mut builder = DumpBuilder::bare(1, 0);
    builder.call_sites(kinds.iter().map(KindModel::call_site).collect());
    builder.clock(0, START);
    let mut ends = BTreeMap::new();
    for n in 0..3 {
        let mut group = GroupModel::of_kinds(&kinds, 7 + n);
        group.follow(&mut ends);
        let mut payload = group.payload_with(n, &CODECS);
        if n == 1 {
            // The number of parts.
            payload[BlockHeader::BYTES] = 0;
        }
        builder.put_group(&payload);
    }
    builder.seal(0);
    let read = Reading::of_bytes(builder.bytes());
    assert_eq!(read.code, Some(3));
    assert!(read.complaints.contains("a group cannot be read: 0 parts"), "{}", read.complaints);
    assert!(!read.lines.is_empty());
}
