use stenolog_testkit::SpanLine;

use super::*;
use crate::testing::spans::{ALL_BLOCKS, check as check_lines, lines, program};
use crate::verify;

/// A sealed segment with each kind of frame, as the logger wrote it.
const SEGMENT: &[u8] = include_bytes!("../../../../session/tests/golden/segment.steno");

/// Recovers the first bytes of the segment, and compares length and checksum with what recovery always wrote. The
/// only change since: each copy of the header has 8 bytes more, the place of the last index.
#[track_caller]
fn check(bytes: usize, is_sealed: bool, length: usize, crc: u32) {
    let dump = Dump::from_bytes("app.steno", SEGMENT[..bytes].to_vec()).unwrap();
    let mut out = Vec::new();
    let recovered = recover(&[dump], &mut out).unwrap();
    assert_eq!((recovered.records, recovered.is_sealed), (108, is_sealed));
    assert_eq!(recovered.bytes, out.len() as u64);
    assert_eq!((out.len(), crc32fast::hash(&out)), (length, crc));
}

#[test]
fn a_recovered_dump_has_the_bytes_that_it_always_had() {
    check(SEGMENT.len(), true, 14_680, 0xd8c7_5f8a);
    check(SEGMENT.len() - 50, false, 14_520, 0xe973_5533);
}

#[test]
fn a_recovered_dump_tells_the_spans_of_each_block() {
    for (seed, blocks) in (900..).zip(ALL_BLOCKS) {
        let program = program(blocks, seed, 600);
        for length in [program.dump.bytes().len(), program.dump.bytes().len() * 2 / 3] {
            let cut = program.dump.bytes()[..length].to_vec();
            let dump = Dump::from_bytes("app.steno", cut).unwrap();
            let mut out = Vec::new();
            recover(std::slice::from_ref(&dump), &mut out).unwrap();
            let again = Dump::from_bytes("app.steno", out).unwrap();
            let all = lines(&mut Decoder::new(&dump));
            // The block of another ring may be cut off.
            let is_there = |line: &&SpanLine| all.iter().any(|of| of.at == line.at);
            let expected: Vec<_> = program.lines.iter().filter(is_there).cloned().collect();
            check_lines(&all, &expected);
            check_lines(&lines(&mut Decoder::new(&again)), &all);
            assert_eq!(verify(&again).damage, []);
        }
    }
}
