//! Groups whose rows would be far longer than rows may be.

use std::ops::ControlFlow;

use stenolog_decoder::format::block::{
    BlockHeader, Codec, GroupColumn, Integers, Layout, PoolClass, Section,
};
use stenolog_decoder::format::dictionary::{CallSite, Level, Role};
use stenolog_decoder::format::types::Type;
use stenolog_decoder::format::value::put_uint;
use stenolog_decoder::{Decoder, Dump, Filter, LossKind};
use stenolog_testkit::{DumpBuilder, START, site};

use crate::memory::peak;

/// Each has one record, with the one entry of the pool. A search finds one record in eight.
const KINDS: u32 = 1600;
const ENTRY_BYTES: usize = 1 << 18;
const FOUND: &str = "7771777";

/// The columns of a kind: its text, and its integer.
const COLUMNS: u64 = 2;

/// More than what reading takes with the rows that a group may have, and less than with those of this one.
const MOST_BYTES: usize = 64 << 20;

fn dump(types: &[Type]) -> DumpBuilder {
    let slots: Vec<_> = types.iter().map(|ty| ("", Role::Argument, ty.clone())).collect();
    let site_of = |n| site(30 + n, Level::Info, "app", Some("{1} of {0}"), &slots);
    let mut builder = DumpBuilder::bare(1, 0);
    builder.call_sites((0..KINDS).map(site_of).collect::<Vec<CallSite>>());
    builder.thread(1, 70, "main");
    builder.clock(0, START);
    builder.put_group(&payload());
    builder
}

fn payload() -> Vec<u8> {
    let (mut directory, mut columns) = (Vec::new(), Vec::new());
    let mut put = |layout, bytes: &[u8], directory: &mut Vec<u8>| {
        GroupColumn::put(0, layout, bytes.len(), directory);
        columns.extend_from_slice(bytes);
    };
    put_uint(&mut directory, KINDS.into());
    for kind in 0..KINDS {
        put_uint(&mut directory, u64::from(30 + kind) * 2);
        put_uint(&mut directory, 1);
        put_uint(&mut directory, COLUMNS);
        put(Layout::PooledTexts(Integers::Constant), &[0], &mut directory);
        let mut integer = Vec::new();
        put_uint(&mut integer, if kind % 8 == 0 { 7_771_777 } else { 5 });
        put(Layout::Constant, &integer, &mut directory);
    }
    let which: Vec<u8> =
        (0..2).flat_map(|byte| (0..KINDS).map(move |n| n.to_le_bytes()[byte])).collect();
    put(Layout::IntegerPlanes(2), &which, &mut directory);
    put(Layout::Constant, &[0], &mut directory);
    let mut pool = Vec::new();
    let mut length = Vec::new();
    put_uint(&mut length, ENTRY_BYTES as u64);
    put_uint(&mut pool, length.len() as u64);
    pool.extend(length);
    pool.resize(pool.len() + ENTRY_BYTES, b'x');
    put_uint(&mut directory, 1);
    PoolClass::Plain.put(&mut directory);
    put_uint(&mut directory, 1);
    put_uint(&mut directory, 0);
    put_uint(&mut directory, pool.len() as u64);
    let section = [directory, columns, pool].concat();
    let header = BlockHeader {
        ring: 1,
        encoding: BlockHeader::GROUP,
        flags: BlockHeader::HAS_COUNTER,
        levels: u8::MAX,
        count: KINDS,
        body_bytes: section.len() as u32,
        end_position: u64::from(KINDS) * 64,
        ..BlockHeader::default()
    };
    let mut payload = header.encode().to_vec();
    put_uint(&mut payload, 1);
    Section::put_all(&[(Codec::None, section.len(), section.len())], &mut payload);
    payload.extend(section);
    payload
}

#[track_caller]
fn check(types: &[Type], filter: &Filter) {
    let bytes = dump(types).into_bytes();
    let dump = Dump::from_bytes("app.steno", bytes).unwrap();
    let (summary, bytes) = peak(|| {
        let mut decoder = Decoder::new(dump.clone()).with_filter(filter.clone());
        let _ = decoder.for_each(|_| ControlFlow::Continue(()));
        decoder.summary()
    });
    assert_eq!(summary.by_cause.get(&LossKind::Unreadable), Some(&u64::from(KINDS)), "{summary:?}");
    assert!(bytes < MOST_BYTES, "{bytes} bytes at the height");
}

#[test]
fn rows_that_are_too_long_are_not_put_together() {
    let types = [Type::Str, Type::U32];
    check(&types, &Filter::default());
    check(&types, &Filter::default().with_grep_pattern(FOUND, false).unwrap());
    // The values of another call site, which are read as rows.
    check(&[Type::Str, Type::U32, Type::U32], &Filter::default());
}
