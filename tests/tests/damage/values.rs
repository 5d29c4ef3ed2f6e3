//! A few bytes that claim to be very much: types, lists and records that no logger writes.

use std::iter;

use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::FrameKind;

use crate::lies::{Forgery, survive, varint};

/// The dictionary entry of call site 16, with the nodes of its only slot.
fn dictionary(count: u64, nodes: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 16, 2, 0];
    // Target, module and file are empty; line and column; the template; one slot, an argument.
    out.extend([0, 0, 0, 1, 1, 1, 3]);
    out.extend(b"{0}");
    out.extend([1, 0, 0]);
    varint(&mut out, count);
    out.extend(nodes);
    out
}

/// A dump with this type, and records with these values, packed.
fn dump(count: u64, nodes: &[u8], values: &[&[u8]]) -> Vec<u8> {
    let mut forgery = Forgery::new();
    forgery.frame(FrameKind::Dictionary, &dictionary(count, nodes));
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    let unit = CallSite::decode_all(&dictionary(1, &[0])).unwrap().remove(0);
    builder.push(&unit, &[0; 8]).unwrap();
    let mut block = Vec::new();
    builder.finish(16, &mut block);
    // That one record gives way to others.
    block.truncate(72 + 2);
    for values in values {
        block.extend([16]);
        varint(&mut block, 2 * values.len() as u64);
        block.extend([0]);
        block.extend_from_slice(values);
    }
    block[32..36].copy_from_slice(&(values.len() as u32).to_le_bytes());
    forgery.frame(FrameKind::Block, &block);
    forgery.finish()
}

/// `unit`s, then the node that makes a tuple of them and of what precedes.
fn tuple_of(before: &[u8], units: u64) -> (u64, Vec<u8>) {
    let mut nodes = before.to_vec();
    nodes.extend(iter::repeat_n(0, units as usize));
    nodes.push(30);
    varint(&mut nodes, units + before.len() as u64);
    (units + before.len() as u64 + 1, nodes)
}

const UNIT: u8 = 0;
const U8: u8 = 3;
const OPTION: u8 = 25;
const SLICE: u8 = 26;
const SERDE: u8 = 27;
const ARRAY: u8 = 29;

#[test]
fn types_nest_no_deeper_than_the_limit() {
    for depth in [1_u64, 63, 64, 65, 100_000] {
        let mut nodes = vec![U8];
        nodes.extend(iter::repeat_n(OPTION, depth as usize));
        let values = [&vec![1; depth as usize][..], &[7]].concat();
        let reading = survive("nested options", &dump(depth + 1, &nodes, &[&values]));
        assert_eq!(reading.records, u64::from(depth < 64), "{depth}");
    }
}

/// Elements that take a byte, each with a great many parts that take none.
#[test]
fn lists_of_wide_tuples_do_not_multiply() {
    let (count, mut nodes) = tuple_of(&[U8], 50_000);
    nodes.push(SLICE);
    let mut values = Vec::new();
    varint(&mut values, 50_000);
    values.extend([1; 50_000]);
    let reading = survive("wide tuples", &dump(count + 1, &nodes, &[&values]));
    assert_eq!(reading.records, 0);
}

/// Empty lists of a type that takes long to look at.
#[test]
fn empty_lists_of_wide_tuples_cost_nothing() {
    for inner in [&[][..], &[U8]] {
        let (count, mut nodes) = tuple_of(inner, 50_000);
        nodes.extend([SLICE, SLICE]);
        let mut values = Vec::new();
        varint(&mut values, 200_000);
        values.extend([0; 200_000]);
        let reading = survive("empty lists", &dump(count + 2, &nodes, &[&values]));
        assert_eq!(reading.records, 1);
    }
}

/// What limits lists of units limits them in serde values too, all together.
#[test]
fn serde_values_share_the_limit_of_their_record() {
    // A slice of serde values, each of which is a slice of units.
    let nodes = [UNIT, SLICE, SERDE, SLICE];
    let list = |elements: u64| {
        let mut values = Vec::new();
        varint(&mut values, elements);
        for _ in 0..elements {
            // 60 000 units.
            values.extend([3, 0xe0, 0xd4, 3]);
        }
        values
    };
    let reading = survive("few units", &dump(4, &nodes, &[&list(1)]));
    assert_eq!(reading.records, 1);
    let reading = survive("many units", &dump(4, &nodes, &[&list(10_000)]));
    assert_eq!(reading.records, 0);
}

#[test]
fn records_of_a_wide_type_cost_no_more_than_their_bytes() {
    let (count, nodes) = tuple_of(&[], 200_000);
    let values: Vec<&[u8]> = iter::repeat_n(&[][..], 100).collect();
    let reading = survive("wide records", &dump(count, &nodes, &values));
    assert_eq!(reading.records, 0);
}

#[test]
fn arrays_of_any_length_are_counted_before_they_are_made() {
    for inner in [UNIT, U8, 15] {
        let mut nodes = vec![inner];
        for levels in 1..4 {
            nodes.push(ARRAY);
            varint(&mut nodes, u32::MAX.into());
            let reading = survive("arrays", &dump(levels + 1, &nodes, &[&[1, 2, 3]]));
            assert_eq!(reading.records, 0);
        }
    }
}
