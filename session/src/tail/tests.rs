use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{Level, Thread, TimeSource};

use super::*;

const SESSION: [u8; 16] = [7; 16];

fn header(created_unix_ns: i64) -> FileHeader {
    FileHeader {
        version: VERSION,
        session: SESSION,
        created_unix_ns,
        sequence: TAIL_SEQUENCE,
        process_id: 1,
        counter_hz: 1,
    }
}

/// A record with a time and a number.
fn record(number: u64) -> Vec<u8> {
    let length = 16_u32.to_le_bytes();
    [&length[..], &16_u32.to_le_bytes(), &number.to_le_bytes(), &number.to_le_bytes()].concat()
}

/// Dead space of 24 bytes.
fn dead() -> Vec<u8> {
    let length = (16_u32 | 1 << 31).to_le_bytes();
    [&length[..], &[0xaa; 20]].concat()
}

/// A tail with a block for each list of bodies, one after the other in ring 1.
fn tail(blocks: &[(u64, &[Vec<u8>])]) -> Vec<u8> {
    let mut writer = DumpWriter::begin_segment(header(1));
    writer.state_thread(&Thread { ring: 1, os_id: 1, name: "main".into(), continues: None });
    let mut position = 1000;
    for &(first, records) in blocks {
        let body = records.concat();
        let begin = position;
        position += body.len() as u64;
        let mut builder = BlockBuilder::default();
        writer.put_block(|out| {
            builder.begin(1, begin, first);
            let count = records.iter().filter(|record| record[3] & 0x80 == 0).count();
            (0..count).for_each(|_| builder.note(Level::Info, TimeSource::Counter, 5));
            builder.finish_raw(position, &[&body], out)
        });
    }
    writer.into_bytes()
}

fn parse(bytes: Vec<u8>) -> Tail {
    Tail::parse(bytes, &SESSION).unwrap()
}

#[test]
fn records_have_their_numbers_and_positions() {
    let tail = parse(tail(&[(4, &[record(4), dead(), record(5)]), (6, &[record(6)])]));
    let found: Vec<_> = tail.records(1, 5).map(|(number, it)| (number, it.position)).collect();
    assert_eq!(found, [(5, 1048), (6, 1072)]);
    assert_eq!((tail.end(1), tail.end_position(1)), (Some(7), Some(1096)));
    assert_eq!((tail.end(2), tail.records(2, 0).count()), (None, 0));
    let all: Vec<_> = tail.records(1, 0).map(|(_, it)| it.payload[..8].to_vec()).collect();
    assert_eq!(all, [4_u64, 5, 6].map(|number| number.to_le_bytes().to_vec()));
}

#[test]
fn only_whole_blocks_of_the_session_count() {
    let bytes = tail(&[(0, &[record(0)]), (1, &[record(1)])]);
    for cut in 0..bytes.len() {
        let found = Tail::parse(bytes[..cut].to_vec(), &SESSION);
        let records = found.map_or(0, |tail| tail.records(1, 0).count());
        assert!(records <= 1, "cut at {cut}: {records}");
    }
    assert!(Tail::parse(bytes.clone(), &[8; 16]).is_none());
    // A changed byte takes along no more than its block.
    for at in FileHeader::BYTES..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        let records = parse(changed).records(1, 0).count();
        assert!((1..=2).contains(&records), "changed at {at}: {records}");
    }
}

#[test]
fn a_sealed_dump_has_the_wanted_blocks() {
    let tail = parse(tail(&[(0, &[record(0)]), (1, &[record(1), record(2)])]));
    for from in 1..3 {
        let (dump, wanted) = tail.to_dump(|_| from);
        assert_eq!(wanted, 1);
        let again = Tail::parse(dump, &SESSION).unwrap();
        let records: Vec<_> = again.records(1, 0).collect();
        assert_eq!(records, tail.records(1, from).collect::<Vec<_>>());
        assert_eq!(records.len() as u64, 3 - from);
    }
    let (dump, wanted) = tail.to_dump(|_| 3);
    assert_eq!(wanted, 0);
    let again = Tail::parse(dump, &SESSION).unwrap();
    assert_eq!(again.explanations.threads[&1].name, "main");
}

#[cfg(unix)]
#[test]
fn only_a_regular_file_beside_the_dump_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (dump, name) = (folder.path().join("app.steno"), tail_file(&SESSION));
    let own = Owners::this_user();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, tail(&[(0, &[record(0)])])).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join(&name)).unwrap();
    assert!(Tail::read(&dump, &SESSION, &own).is_none());
    remove(&dump, &SESSION).unwrap();
    assert!(elsewhere.exists());
    std::fs::rename(&elsewhere, folder.path().join(&name)).unwrap();
    assert!(Tail::read(&dump, &SESSION, &own).is_some());
    // By a link to the dump in another folder, too.
    std::fs::write(&dump, "").unwrap();
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link.steno");
    std::os::unix::fs::symlink(&dump, &link).unwrap();
    assert!(Tail::read(&link, &SESSION, &own).is_some());
    remove(&dump, &SESSION).unwrap();
    remove(&dump, &SESSION).unwrap();
    assert!(Tail::read(&dump, &SESSION, &own).is_none());
}
