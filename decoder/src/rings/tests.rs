use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;

use proptest::prelude::*;
use stenolog_format::frame::FrameKind;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::layout::directory_name;
use tempfile::TempDir;

use super::*;
use crate::model::damage::RingDamage;
use crate::testing::{DumpBuilder, Rec, loss, messages, n, str_bytes};
use crate::{DamageCause, Decoder, Dump, Entry, Filter, Limits, Summary, Tail};

mod trust;

/// The bytes of a record of [`n`] in a ring.
const N_BYTES: u64 = 24;

/// A dump and the ring directory beside it.
struct Rig {
    dir: TempDir,
}

/// A ring in a file, as a logger has it.
struct Ring {
    producer: Producer,
    consumer: Consumer,
}

impl Ring {
    fn push(&mut self, Rec(tag, time, values): &Rec) {
        let payload = [&time.to_le_bytes()[..], values].concat();
        let mut claim = self.producer.try_claim(payload.len()).unwrap();
        claim.copy_from_slice(&payload);
        claim.commit_tagged(*tag);
    }

    fn push_all(&mut self, records: &[Rec]) {
        records.iter().for_each(|record| self.push(record));
    }

    /// Frees everything before `position`, where the record `number` is.
    fn free(&mut self, position: u64, number: u64) {
        self.consumer.set_user_word(6, position);
        self.consumer.set_user_word(7, number);
        self.consumer.release_to(position);
    }
}

fn words(session: u8, id: u64) -> [u64; 24] {
    let half = u64::from_le_bytes([session; 8]);
    let mut words = [0; 24];
    words[..3].copy_from_slice(&[half, half, id]);
    // The second pair fits no position yet.
    words[6] = u64::MAX;
    words
}

/// With a header from before rings were listed.
fn of_version_1_2(dump: &[u8]) -> Vec<u8> {
    let mut bytes = dump.to_vec();
    bytes[10] = 2;
    let checksum = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

impl Rig {
    fn new() -> Self {
        let rig = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(rig.rings()).unwrap();
        let mut meta = DumpBuilder::bare(1, u32::MAX);
        meta.prelude();
        rig.file("meta.steno", &of_version_1_2(meta.bytes()));
        rig
    }

    fn rings(&self) -> PathBuf {
        self.dir.path().join(directory_name(&[1; 16]))
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.rings().join(name), bytes).unwrap();
    }

    fn progress(&self, written: u64) {
        self.file("progress", &[&written.to_le_bytes()[..], &[0; 8]].concat());
    }

    fn ring(&self, name: &str, words: [u64; 24]) -> Ring {
        let options = Options::new(4096).user_words(words);
        let (producer, consumer) = options.create_spsc(self.rings().join(name)).unwrap();
        Ring { producer, consumer }
    }

    fn dump(&self, bytes: &[u8]) -> Dump {
        let path = self.dir.path().join("app.steno");
        fs::write(&path, bytes).unwrap();
        Dump::open(path).unwrap()
    }

    fn read(&self, dump: &Dump) -> Recovery {
        let found = RingDir::find(dump, &[]).found.expect("the directory is there");
        found.read(Some(dump), &Limits::default()).unwrap()
    }

    /// What a reader shows of the dump with its rings, both ways of getting there.
    #[track_caller]
    fn decode(&self, bytes: &[u8]) -> (String, Summary) {
        let dump = self.dump(bytes);
        let recovery = self.read(&dump);
        let shares = recovery.records;
        let dumps = [dump, recovery.dump];
        let (text, summary) = messages(&dumps, Filter::default());
        let mut sealed = Vec::new();
        let recovered = crate::recover(&dumps, &mut sealed).unwrap();
        assert_eq!(recovered.bytes, sealed.len() as u64);
        let copy = Dump::from_bytes("copy.steno", sealed).unwrap();
        assert_eq!(recovered.is_sealed, copy.tail() == Tail::Sealed);
        if summary.is_complete() {
            assert!(summary.recovered <= shares, "{summary:?}");
            let verification = crate::verify(&copy);
            assert!(verification.is_intact(), "{verification:?}");
        }
        let (copied, _) = messages(&[copy], Filter::default());
        assert_eq!(copied, text, "the recovered dump shows the same");
        (text, summary)
    }
}

/// Records 0 to `end` of ring 1, with their number as time and value.
fn numbered(range: std::ops::Range<u32>) -> Vec<Rec> {
    range.map(|number| n(10 + u64::from(number), number)).collect()
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("1: n {number}\n")).collect()
}

/// A dump with blocks of ring 1 that end at these numbers.
fn blocks(ends: &[u32]) -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    let mut first = 0;
    for &end in ends {
        builder.raw_block(1, &numbered(first..end));
        first = end;
    }
    builder
}

#[test]
fn what_the_file_lacks_comes_from_the_rings() {
    let rig = Rig::new();
    let builder = blocks(&[5]);
    rig.progress(builder.bytes().len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..8));
    ring.free(5 * N_BYTES, 5);
    let (text, summary) = rig.decode(builder.bytes());
    assert_eq!(text, lines(0..8));
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!((summary.records, summary.recovered, summary.duplicates), (8, 3, 0));
}

/// The logger may die before it has written the call sites of the records in its rings.
#[test]
fn info_counts_call_sites_that_only_the_rings_know() {
    let rig = Rig::new();
    let bare = DumpBuilder::bare(1, 0);
    rig.progress(bare.bytes().len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..3));
    let dump = rig.dump(bare.bytes());
    let rings = rig.read(&dump).dump;
    let all = rings.sites().count() as u64;
    assert!(all > 0);
    assert_eq!(crate::info(&dump).call_sites, 0);
    assert_eq!(crate::info_with(&dump, Some(&rings)).call_sites, all);

    // Call sites that both have count once.
    let dump = rig.dump(DumpBuilder::new().bytes());
    assert_eq!(crate::info_with(&dump, Some(&rings)).call_sites, all);
}

#[test]
fn records_that_both_hold_are_shown_once() {
    // Written, and not freed yet: by all, or by some of the blocks.
    for freed in [0_u32, 2, 5] {
        let rig = Rig::new();
        let builder = blocks(&[2, 5, 6]);
        rig.progress(builder.bytes().len() as u64);
        let mut ring = rig.ring("ring-0", words(1, 1));
        ring.push_all(&numbered(0..9));
        ring.free(u64::from(freed) * N_BYTES, freed.into());
        let (text, summary) = rig.decode(builder.bytes());
        assert_eq!(text, lines(0..9), "freed to {freed}");
        assert!(summary.is_complete(), "{summary:?}");
        assert_eq!(summary.recovered, 3);
    }
}

#[test]
fn every_torn_write_after_progress_is_made_good() {
    let rig = Rig::new();
    let written = blocks(&[2]).bytes().len();
    let whole = blocks(&[2, 5, 9]);
    rig.progress(written as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..9));
    ring.free(2 * N_BYTES, 2);
    for end in written..=whole.bytes().len() {
        let (text, summary) = rig.decode(&whole.bytes()[..end]);
        assert_eq!(text, lines(0..9), "cut at {end}");
        assert!(summary.is_complete(), "cut at {end}: {summary:?}");
        // As after a loss of power: the file is long enough, and its end was never written.
        let mut bytes = whole.bytes()[..end].to_vec();
        bytes.resize(whole.bytes().len(), 0);
        let (text, summary) = rig.decode(&bytes);
        assert_eq!(text, lines(0..9), "zeros from {end}");
        assert!(summary.is_complete(), "zeros from {end}: {summary:?}");
    }
}

/// As when a dump is followed until its writer dies.
#[test]
fn rings_that_are_added_complete_what_was_read_of_a_torn_write() {
    let rig = Rig::new();
    let written = blocks(&[2]).bytes().len();
    let whole = blocks(&[2, 5, 9]);
    rig.progress(written as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..9));
    ring.free(2 * N_BYTES, 2);
    for end in written..=whole.bytes().len() {
        let dump = rig.dump(&whole.bytes()[..end]);
        let mut decoder = Decoder::new(&dump);
        let mut numbers = Vec::new();
        let mut read = |decoder: &mut Decoder| {
            let _ = decoder.for_each(|entry| {
                if let Entry::Record(record) = entry {
                    numbers.push(record.number());
                }
                ControlFlow::Continue(())
            });
        };
        read(&mut decoder);
        assert!(!decoder.summary().is_complete());
        assert!(decoder.add(rig.read(&dump).dump));
        read(&mut decoder);
        assert_eq!(numbers, (0..9).collect::<Vec<_>>(), "cut at {end}");
        let summary = decoder.summary();
        assert!(summary.is_complete(), "cut at {end}: {summary:?}");
    }
}

#[test]
fn what_was_written_and_is_gone_is_missing() {
    let rig = Rig::new();
    let builder = blocks(&[2, 5]);
    rig.progress(builder.bytes().len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..7));
    ring.free(5 * N_BYTES, 5);
    // The file was cut after the writer had freed the records.
    let (text, summary) = rig.decode(&builder.bytes()[..blocks(&[2]).bytes().len()]);
    let expected =
        lines(0..2) + "1: 3 records missing: numbers 2 to 4 of their ring\n" + &lines(5..7);
    assert_eq!(text, expected);
    assert_eq!((summary.missing, summary.is_complete()), (3, false));
    assert!(
        summary.damage.iter().any(|damage| matches!(damage.cause, DamageCause::Shortened { .. }))
    );
}

#[test]
fn an_empty_ring_tells_what_the_file_should_have() {
    let rig = Rig::new();
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..4));
    ring.free(4 * N_BYTES, 4);
    let (text, summary) = rig.decode(DumpBuilder::new().bytes());
    assert_eq!(text, "1: 4 records missing: numbers 0 to 3 of their ring\n");
    assert_eq!(summary.missing, 4);
}

#[test]
fn a_damaged_block_is_replaced_by_the_ring() {
    let rig = Rig::new();
    let written = blocks(&[2, 5]).bytes().len();
    let mut bytes = blocks(&[2, 5, 9]).bytes().to_vec();
    rig.progress(bytes.len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..12));
    ring.free(2 * N_BYTES, 2);
    // In the payload of the block of records 5 to 8.
    bytes[written + 120] ^= 1;
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    // All records are there, but written bytes have changed.
    assert_eq!((summary.missing, summary.damage.len()), (0, 1), "{summary:?}");
    // The same in the last write, which `progress` does not cover.
    rig.progress(written as u64);
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    assert!(summary.is_complete(), "{summary:?}");
    // And in the first block of several that the ring still has.
    bytes[written + 120] ^= 1;
    let first = blocks(&[2]).bytes().len();
    bytes[first + 120] ^= 1;
    rig.progress(first as u64);
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    assert!(summary.is_complete(), "{summary:?}");
}

#[test]
fn rings_merge_by_time_and_their_losses_count_once() {
    let rig = Rig::new();
    let mut builder = DumpBuilder::new();
    builder.raw_block(1, &[n(10, 1)]);
    builder.loss(1, loss(15, [0, 0, 0, 2, 0]));
    let mut first = rig.ring("ring-0", {
        let mut words = words(1, 1);
        words[8 + 3] = 5;
        words[18] = 45;
        words
    });
    first.push_all(&[n(10, 1), n(30, 3)]);
    first.free(N_BYTES, 1);
    let mut second = rig.ring("ring-1", words(1, 2));
    second.push_all(&[n(20, 2), Rec(17, 40, str_bytes("ann"))]);
    let (text, summary) = rig.decode(builder.bytes());
    insta::assert_snapshot!(text, @r"
    1: n 1
    1: 2 records lost: ring full (2 DEBUG)
    2: n 2
    1: n 3
    2: text
    1: 3 records lost: ring full (3 DEBUG)
    ");
    assert_eq!((summary.lost, summary.recovered), (5, 3));
    assert!(summary.damage.is_empty() && summary.unfinished.is_empty(), "{summary:?}");
}

#[test]
fn rings_alone_show_what_they_hold() {
    let rig = Rig::new();
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..3));
    assert!(RingDir::is_at(&rig.rings()));
    let rings = RingDir::open(rig.rings()).unwrap().read(None, &Limits::default()).unwrap();
    assert_eq!(rings.records, 3);
    assert_eq!(messages(&[rings.dump], Filter::default()).0, lines(0..3));
}

#[test]
fn a_number_that_no_pair_states_is_told_by_the_dump() {
    for (ends, expected) in [(vec![5], lines(0..8)), (vec![3, 6], lines(0..8))] {
        let rig = Rig::new();
        let mut ring = rig.ring("ring-0", words(1, 1));
        ring.push_all(&numbered(0..8));
        ring.consumer.release_to(u64::from(*ends.first().unwrap()) * N_BYTES);
        let (text, summary) = rig.decode(blocks(&ends).bytes());
        assert_eq!(text, expected);
        assert_eq!(summary.damage.len(), 1, "{summary:?}");
        assert!(summary.damage[0].to_string().contains("does not state the number"));
    }
}

/// The number has no checksum. If it is too small, the records that the dump has seem to be more.
#[test]
fn a_number_that_contradicts_the_dump_costs_no_record() {
    let rig = Rig::new();
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..8));
    ring.free(2 * N_BYTES, 1);
    let (text, summary) = rig.decode(blocks(&[5]).bytes());
    assert_eq!(text, lines(0..8));
    let causes: Vec<_> = summary.damage.iter().map(|damage| damage.cause.to_string()).collect();
    assert_eq!(causes, ["ring 1 has record 4 at 120, but the dump has it, and ends at 120"]);
}

/// Reads rings with any bytes: there is no panic.
fn exercise(rig: &Rig, dump: &Dump) -> Option<Recovery> {
    let recovery = RingDir::find(dump, &[]).found?.read(Some(dump), &Limits::default()).ok()?;
    let copy = dump.name().with_extension("copy");
    let bytes = fs::read(dump.name()).unwrap();
    let dumps = [Dump::from_bytes(copy, bytes).unwrap(), recovery.dump];
    let mut entries = 0;
    let _ = Decoder::new(&dumps).for_each(|entry| {
        entries += u64::from(matches!(entry, Entry::Record(_)));
        ControlFlow::Continue(())
    });
    let mut out = Vec::new();
    crate::recover(&dumps, &mut out).unwrap();
    let [_, dump] = dumps;
    assert!(rig.rings().exists());
    Some(Recovery { dump, ..recovery })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_ring_directory_brings_a_reader_down(
        changes in prop::collection::vec((0_usize..4, any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of((0_usize..4, any::<prop::sample::Index>())),
    ) {
        let rig = Rig::new();
        let mut ring = rig.ring("ring-0", words(1, 1));
        ring.push_all(&numbered(0..40));
        ring.free(5 * N_BYTES, 5);
        let mut ring = rig.ring("ring-1", words(1, 2));
        ring.push_all(&numbered(0..40));
        rig.progress(100);
        let dump = rig.dump(blocks(&[5]).bytes());
        let names = ["meta.steno", "progress", "ring-0", "ring-1"];
        for (file, at, byte) in changes {
            let path = rig.rings().join(names[file]);
            let mut bytes = fs::read(&path).unwrap();
            // Where something is: header, positions, words and the first records.
            let range = bytes.len().min(4096 + 1200);
            let at = at.index(range);
            bytes[at] = byte;
            fs::write(&path, bytes).unwrap();
        }
        if let Some((file, length)) = cut {
            let path = rig.rings().join(names[file]);
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(length.index(bytes.len()));
            fs::write(&path, bytes).unwrap();
        }
        exercise(&rig, &dump);
    }
}

#[test]
fn every_prefix_of_the_explanations_is_read() {
    let rig = Rig::new();
    rig.ring("ring-0", words(1, 1)).push_all(&numbered(0..3));
    let dump = rig.dump(DumpBuilder::new().bytes());
    let meta = fs::read(rig.rings().join("meta.steno")).unwrap();
    for end in 0..=meta.len() {
        rig.file("meta.steno", &meta[..end]);
        // The dump has the call sites too.
        assert_eq!(exercise(&rig, &dump).unwrap().records, 3, "{end} bytes");
    }
    let mut torn = meta.clone();
    let mut builder = DumpBuilder::bare(1, u32::MAX);
    builder.prelude();
    builder.frame(FrameKind::Clock, &[0; 20]);
    torn.extend(&builder.bytes()[meta.len()..builder.bytes().len() - 3]);
    rig.file("meta.steno", &torn);
    assert_eq!(exercise(&rig, &dump).unwrap().damage(), [], "a torn last frame is no damage");
}
