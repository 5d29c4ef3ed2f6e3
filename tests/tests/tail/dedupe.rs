//! A dump and a tail that overlap in any way, against a model: the set of numbers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stenolog_decoder::{Decoder, Dump, Entry, Summary, recover, verify};
use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_format::types::Type;
use stenolog_session::layout::{TAIL_SEQUENCE, tail_file};
use stenolog_session::writer::DumpWriter;

const SESSION: [u8; 16] = [9; 16];

/// The length of a record in its ring.
const BYTES: u64 = 24;

fn site() -> CallSite {
    CallSite {
        id: CallSite::FIRST_ID,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "app".into(),
        module: "app".into(),
        file: "app.rs".into(),
        line: 1,
        column: 1,
        template: Some("{0}".into()),
        slots: vec![Slot { name: String::new(), role: Role::Argument, ty: Type::U64 }],
    }
}

/// Blocks of rings: for each its ring, the number of the first record, and the number after the last.
type Blocks = Vec<(u32, u64, u64)>;

/// The bytes of a file with these blocks.
fn file(sequence: u32, blocks: &Blocks) -> Vec<u8> {
    let mut writer = DumpWriter::begin_segment(FileHeader {
        version: VERSION,
        session: SESSION,
        created_unix_ns: 1,
        sequence,
        process_id: 1,
        counter_hz: 1_000_000_000,
    });
    writer.state_sites([&site()].into_iter());
    for &(ring, first, end) in blocks {
        let thread = Thread { ring, os_id: 1, name: ring.to_string(), continues: None };
        writer.state_thread(&thread);
        let mut builder = BlockBuilder::default();
        builder.begin(ring, first * BYTES, first);
        let mut body = Vec::new();
        for number in first..end {
            body.extend_from_slice(&(BYTES as u32 - 8).to_le_bytes());
            body.extend_from_slice(&CallSite::FIRST_ID.to_le_bytes());
            body.extend_from_slice(&(number + 1).to_le_bytes());
            body.extend_from_slice(&number.to_le_bytes());
            builder.note(Level::Info, TimeSource::Counter, number + 1);
        }
        writer.put_block(|out| builder.finish_raw(end * BYTES, &[&body], out));
    }
    writer.into_bytes()
}

/// Blocks that one after the other have the records of each ring from one number to another.
fn blocks(rings: &[(u64, u64)], cuts: &[u64]) -> Blocks {
    let mut blocks = Blocks::new();
    let mut next: Vec<_> = rings.iter().map(|&(first, _)| first).collect();
    let mut cuts = cuts.iter().cycle();
    while let Some(at) = (0..rings.len()).find(|&at| next[at] < rings[at].1) {
        let end = rings[at].1.min(next[at] + cuts.next().unwrap());
        blocks.push((at as u32 + 1, next[at], end));
        next[at] = end;
    }
    blocks
}

/// The numbers in the records of each ring, and the summary.
fn read(dump: Dump) -> (BTreeMap<u32, Vec<u64>>, Summary) {
    let mut decoder = Decoder::new(dump);
    let mut found: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let _ = decoder.for_each(|entry| {
        if let Entry::Record(record) = entry {
            let mut message = String::new();
            record.write_message(&mut message);
            found.entry(record.ring()).or_default().push(message.parse().unwrap());
        }
        std::ops::ControlFlow::Continue(())
    });
    (found, decoder.summary())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn each_record_comes_once(
        // Of each ring: how many the dump has, where the tail begins before or after that, and its length.
        rings in prop::collection::vec((0_u64..12, 0_u64..12, 0_u64..12), 1..4),
        cuts in prop::collection::vec(1_u64..6, 1..5),
        of_tail in prop::collection::vec(1_u64..6, 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let in_dump: Vec<_> = rings.iter().map(|&(count, ..)| (0, count)).collect();
        let in_tail: Vec<_> = rings.iter().map(|&(_, first, count)| (first, first + count)).collect();
        std::fs::write(&path, file(0, &blocks(&in_dump, &cuts))).unwrap();
        std::fs::write(folder.path().join(tail_file(&SESSION)), file(TAIL_SEQUENCE, &blocks(&in_tail, &of_tail))).unwrap();

        let mut expected: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        let mut missing = 0;
        for (at, (&(_, dump), &(first, end))) in in_dump.iter().zip(&in_tail).enumerate() {
            let of_ring = expected.entry(at as u32 + 1).or_default();
            of_ring.extend(0..dump);
            of_ring.extend(first..end);
            // A gap is one of the dump: the tail began when the dump had everything before it.
            missing += if end > first { first.saturating_sub(dump) } else { 0 };
        }
        let dump = Dump::open(&path).unwrap();
        let mut recovered = Vec::new();
        recover(std::slice::from_ref(&dump), &mut recovered).unwrap();
        let recovered = Dump::from_bytes("recovered", recovered).unwrap();
        let records = verify(&recovered).records;
        for dump in [dump, recovered] {
            let (found, summary) = read(dump);
            for (ring, numbers) in &expected {
                let found = found.get(ring).cloned().unwrap_or_default();
                prop_assert_eq!(found, numbers.iter().copied().collect::<Vec<_>>());
            }
            prop_assert_eq!((summary.missing, summary.duplicates), (missing, 0));
            prop_assert!(summary.damage.is_empty());
            prop_assert_eq!(records, summary.records);
        }
    }
}
