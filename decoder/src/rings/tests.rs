mod directory;
mod records;

use super::*;
use crate::testing::{DumpBuilder, Rec, loss, messages, n, str_bytes};
use crate::{DamageCause, Decoder, Entry, Filter, Summary, Tail};
use proptest::prelude::*;
use std::fs::{self, File};
use std::ops::ControlFlow;
use stenolog_format::frame::FrameKind;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::Options;
use stenolog_ringbuf::queue::spsc::Producer;
use tempfile::TempDir;

/// What a record of [`n`] takes in a ring.
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

    /// Frees what is before `position`, and says which number comes next.
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
    // The second pair matches nothing yet.
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

/// Reads rings of whatever bytes: no panic, and nothing that was intact gets lost.
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
