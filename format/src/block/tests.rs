use super::*;
use crate::dictionary::{CallSite, Level, Role, Slot, TimeSource};
use crate::loss::Loss;
use crate::types::Type;
use crate::value::{Cursor, Value};

fn site(id: u32, level: Level, time: TimeSource, types: &[Type]) -> CallSite {
    let slot = |ty: &Type| Slot { name: String::new(), role: Role::Field, ty: ty.clone() };
    CallSite {
        id,
        level,
        time,
        target: "t".into(),
        module: "m".into(),
        file: "f".into(),
        line: 1,
        column: 1,
        template: None,
        slots: types.iter().map(slot).collect(),
    }
}

fn payload(time: u64, values: &[u8]) -> Vec<u8> {
    [&time.to_le_bytes()[..], values].concat()
}

/// A block whose times go back once, in both domains, with a loss in the middle.
fn block() -> (BlockHeader, Vec<u8>) {
    let counter = site(16, Level::Info, TimeSource::Counter, &[Type::U32]);
    let unix = site(17, Level::Error, TimeSource::UnixNanos, &[Type::Str]);
    let mut builder = BlockBuilder::default();
    builder.begin(3, 800, 40);
    builder.push(&counter, &payload(5_000, &7_u32.to_le_bytes())).unwrap();
    builder.push(&unix, &payload(-9_i64 as u64, b"\x02\0\0\0ab")).unwrap();
    builder
        .push_loss(&Loss { counter: 5_100, full: [0, 0, 0, 1, 2], too_large: [0; 5] }.encode())
        .unwrap();
    builder.push(&counter, &payload(4_000, &8_u32.to_le_bytes())).unwrap();
    builder.push(&unix, &payload(-10_i64 as u64, b"\0\0\0\0")).unwrap();
    let mut out = Vec::new();
    let header = builder.finish(960, &mut out);
    (header, out)
}

#[test]
fn packed_blocks_read_back() {
    let (header, out) = block();
    assert_eq!(BlockHeader::decode(&out), Some(header));
    assert_eq!((header.counter_first, header.counter_last), (4_000, 5_100));
    assert_eq!((header.unix_first, header.unix_last), (-10, -9));
    assert_eq!((header.position, header.end_position, header.first_record), (800, 960, 40));
    assert_eq!(header.levels, Level::Info.bit() | Level::Error.bit());
    let records: Vec<_> =
        header.records(&out[BlockHeader::BYTES..]).unwrap().map(Result::unwrap).collect();
    let times: Vec<_> = records.iter().map(|record| record.time).collect();
    assert_eq!(
        times,
        [
            RecordTime::Counter(5_000),
            RecordTime::UnixNanos(-9),
            RecordTime::Counter(5_100),
            RecordTime::Counter(4_000),
            RecordTime::UnixNanos(-10),
        ]
    );
    let mut cursor = Cursor::new(records[3].values, records[3].encoding);
    assert_eq!(Value::read(&mut cursor, &Type::U32), Ok(Value::U32(8)));
}

#[test]
fn a_cut_block_gives_the_records_before_the_cut() {
    let (header, out) = block();
    let body = &out[BlockHeader::BYTES..];
    let whole: Vec<_> = header.records(body).unwrap().map(Result::unwrap).collect();
    for length in 0..body.len() {
        let cut: Vec<_> = header.records(&body[..length]).unwrap().collect();
        let (end, records) = cut.split_last().unwrap();
        assert!(matches!(end, Err(BlockError::End { .. })), "cut at {length}: {end:?}");
        let records: Vec<_> = records.iter().map(|record| record.unwrap()).collect();
        assert!(whole.starts_with(&records), "cut at {length}");
    }
}

#[test]
fn zeros_are_no_records() {
    let (header, out) = block();
    let mut body = out[BlockHeader::BYTES..].to_vec();
    let half = body.len() / 2;
    body[half..].fill(0);
    assert!(matches!(header.records(&body).unwrap().last(), Some(Err(BlockError::Record { .. }))));
}

#[test]
fn raw_blocks_read_back_without_their_dead_space() {
    let mut ring = Vec::new();
    ring.extend_from_slice(&[12, 0, 0, 0, 16, 0, 0, 0]);
    ring.extend_from_slice(&payload(5_000, &7_u32.to_le_bytes()));
    ring.extend_from_slice(&[0; 4]);
    ring.extend_from_slice(&[8, 0, 0, 0x80, 0, 0, 0, 0]);
    ring.extend_from_slice(&[0xff; 8]);
    let mut builder = BlockBuilder::default();
    builder.begin(3, 0, 0);
    builder.note(Level::Info, TimeSource::Counter, 5_000);
    let mut out = Vec::new();
    let header = builder.finish_raw(40, &[&ring[..24], &ring[24..]], &mut out);
    let records: Vec<_> = header.records(&out[BlockHeader::BYTES..]).unwrap().collect();
    assert_eq!(
        records,
        [Ok(RawRecord {
            tag: 16,
            time: RecordTime::Word(5_000),
            values: &7_u32.to_le_bytes(),
            encoding: Encoding::Raw,
        })]
    );
}

#[test]
fn layouts_of_later_versions_are_named() {
    let (header, out) = block();
    let later = BlockHeader { codec: 9, ..header };
    assert!(matches!(later.records(&out), Err(BlockError::Codec { codec: 9 })));
    let later = BlockHeader { encoding: 9, ..header };
    assert!(matches!(later.records(&out), Err(BlockError::Encoding { encoding: 9 })));
}
