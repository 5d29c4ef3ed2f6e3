//! Groups, after checksums that hold.

use std::collections::BTreeMap;

use stenolog_decoder::format::block::BlockHeader;
use stenolog_decoder::{Dump, verify};
use stenolog_testkit::{DumpBuilder, GroupModel, KindModel, START};

use super::input::Input;
use super::read::read;

/// Reads a dump with groups.
///
/// If the first byte is even, two groups follow it: of each the seed of its records, the seed of its layouts
/// (8 bytes each), how many bytes of its payload are changed (1 byte), and for each of these its place (2 bytes)
/// and what is added to it by XOR (1 byte). If it is odd, the rest is a payload: flags and levels (1 byte each),
/// the number of records (2 bytes), the length of the sections (3 bytes), and what follows the header.
///
/// # Panics
/// If the decoder breaks a promise.
pub fn group(bytes: &[u8]) {
    let mut input = Input(bytes);
    let is_payload = input.u8() % 2 == 1;
    let kinds = KindModel::random(bytes.first().copied().unwrap_or_default().into());
    let mut builder = DumpBuilder::bare(1, 0);
    builder.call_sites(kinds.iter().map(KindModel::call_site).collect());
    builder.clock(0, START);
    if is_payload {
        builder.put_group(&payload(&mut input));
    } else {
        let mut ends = BTreeMap::new();
        let (mut records, mut are_changed) = (0, false);
        for _ in 0..2 {
            let mut group = GroupModel::of_kinds(&kinds, input.u64());
            group.follow(&mut ends);
            records += group.parts.iter().map(|part| part.records.len() as u64).sum::<u64>();
            let mut payload = group.payload(input.u64());
            for _ in 0..input.u8() {
                let length = payload.len();
                payload[usize::from(input.u16()) % length] ^= input.u8();
                are_changed = true;
            }
            builder.put_group(&payload);
        }
        if !are_changed {
            builder.seal(0);
            let found = verify(&open(&builder));
            assert!(found.is_complete(), "{:?}", found.damage);
            assert_eq!(found.records, records, "all records of a group are read");
        }
    }
    let length = builder.bytes().len();
    read(&[open(&builder)], length);
}

fn open(builder: &DumpBuilder) -> Dump {
    Dump::from_bytes("fuzz.steno", builder.bytes().to_vec()).expect("the header is whole")
}

/// A payload with a header of a group.
fn payload(input: &mut Input<'_>) -> Vec<u8> {
    let header = BlockHeader {
        ring: 7,
        encoding: BlockHeader::GROUP,
        flags: input.u8(),
        levels: input.u8(),
        count: input.u16().into(),
        body_bytes: u32::from(input.u16()) << 8 | u32::from(input.u8()),
        ..BlockHeader::default()
    };
    [&header.encode()[..], input.0].concat()
}
