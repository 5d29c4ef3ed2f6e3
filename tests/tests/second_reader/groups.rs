//! Groups read as blocks of one ring each would.

use std::collections::BTreeMap;

use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, Depth};
use stenolog_format::dictionary::{Level, Role};
use stenolog_format::frame::{FrameHeader, FrameKind};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::types::Type;
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

/// A dump with a group of texts with long ids, and its summary, as `change` has it.
fn with_ids(change: impl FnOnce(&mut Vec<u8>)) -> Reading {
    let site =
        stenolog_testkit::site(30, Level::Info, "app", None, &[("id", Role::Field, Type::Str)]);
    let mut dump = DumpBuilder::bare(1, 0);
    dump.call_sites(vec![site.clone()]);
    dump.clock(0, START);
    let mut builder = BlockBuilder::default();
    builder.begin_group(Depth::Thorough);
    builder.begin_part(1, 0, 0);
    for n in 0..200_u128 {
        let id = (n / 2 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let text = match n % 3 {
            0 => format!("{id:032x}"),
            1 => format!("{:08X}-5eaf-4ace-{:016x}", id as u32, id as u64),
            _ => format!("of {id:064x}, {n}"),
        };
        let raw = stenolog_testkit::str_bytes(&text);
        builder.push(&site, &[&(n as u64).to_le_bytes()[..], &raw].concat()).unwrap();
    }
    builder.end_part(1 << 14);
    let block = dump.frame_with(FrameKind::Block, |out| {
        _ = builder.finish_group(0, out, |plain, _, out| {
            out.extend_from_slice(plain);
            Codec::None
        });
    });
    let crc = FrameHeader::decode(&dump.bytes()[block as usize..]).unwrap().payload_crc;
    let (mut summary, mut said) = (SummaryBuilder::default(), Vec::new());
    builder.sum_up_group(true, &mut summary);
    summary.encode(crc, &mut said);
    change(&mut said);
    dump.frame_with(FrameKind::Summary, |out| out.extend(said));
    dump.seal(0);
    Reading::of_bytes(dump.bytes())
}

#[test]
fn a_summary_has_the_long_ids_of_a_group() {
    assert_eq!(with_ids(|_| ()).whole().len(), 200);
    let reading = with_ids(|summary| {
        let at = summary.iter().rposition(|&byte| byte != 0).unwrap();
        summary[at] = 0;
    });
    assert!(reading.complaints.contains("summary lacks"), "{}", reading.complaints);
}
