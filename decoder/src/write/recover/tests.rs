use super::*;

/// A sealed segment with each kind of frame, as the logger wrote it.
const SEGMENT: &[u8] = include_bytes!("../../../../session/tests/golden/segment.steno");

/// Recovers the first bytes of the segment, and compares length and checksum with those of the time before
/// recovery and logger shared their writer.
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
    check(SEGMENT.len(), true, 14_672, 0x03c8_4def);
    check(SEGMENT.len() - 50, false, 14_512, 0x1578_906b);
}
