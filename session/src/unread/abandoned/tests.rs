use std::fs;

use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameKind, VERSION};
use stenolog_format::types::Type;
use stenolog_ringbuf::file::Options;
use tempfile::TempDir;

use super::*;
use crate::frames::{Position, Walk, WalkStep as Walked};
use crate::layout::{META_SEQUENCE, RingWords, ring_file, word};
use crate::positioned;
use crate::writer::DumpWriter;

const SESSION: [u8; 16] = [1; 16];
/// The bytes of a record in the ring.
const RECORD: u64 = 24;

/// What a killed logger has left: a dump with some of the records, and a ring with the last ones.
struct Remains {
    folder: TempDir,
    rings: PathBuf,
    dump: File,
    /// The offset after each block of the dump.
    ends: Vec<u64>,
}

fn header(sequence: u32) -> FileHeader {
    FileHeader {
        version: VERSION,
        session: SESSION,
        created_unix_ns: 0,
        sequence,
        process_id: 1,
        counter_hz: 1,
    }
}

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
        template: None,
        slots: vec![Slot { name: "n".into(), role: Role::Field, ty: Type::U64 }],
    }
}

fn payload(number: u64) -> Vec<u8> {
    [number.to_le_bytes(), number.to_le_bytes()].concat()
}

impl Remains {
    /// The dump has the records before each of the `ends` in a block; the ring has those from `start` to 10.
    fn new(ends: &[u64], start: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rings = folder.path().join(directory_name(&SESSION));
        fs::create_dir(&rings).unwrap();
        let mut meta = DumpWriter::begin_segment(header(META_SEQUENCE));
        meta.state_sites([site()].iter());
        meta.state_thread(&Thread { ring: 1, os_id: 7, name: "main".into(), continues: None });
        fs::write(rings.join(META_FILE), meta.into_bytes()).unwrap();

        let mut dump = DumpWriter::begin_segment(header(0));
        let mut builder = BlockBuilder::default();
        let (mut first, mut offsets) = (0, Vec::new());
        for &end in ends {
            builder.begin(1, first * RECORD, first);
            for number in first..end {
                builder.push(&site(), &payload(number)).unwrap();
            }
            dump.put_block(|out| builder.finish(end * RECORD, out));
            offsets.push(dump.end());
            first = end;
        }
        let path = folder.path().join("app.steno");
        fs::write(&path, dump.pending()).unwrap();
        let mut progress = vec![0; Progress::BYTES];
        let mut put = |at: usize, word: u64| {
            progress[at..at + 8].copy_from_slice(&word.to_le_bytes());
        };
        put(Progress::WRITTEN_AT, dump.end());
        put(Progress::HAS_LIST_AT, Progress::HAS_LIST);
        put(Progress::LIST_AT, RingPlace::File.word(1));
        fs::write(rings.join(PROGRESS_FILE), progress).unwrap();

        let mut words = RingWords::of_session(&SESSION);
        words[word::RING] = 1;
        words[word::NUMBERS[0]..][..2].copy_from_slice(&[start * RECORD, start]);
        words[word::NUMBERS[1]] = u64::MAX;
        let (mut producer, mut consumer) =
            Options::new(4096).user_words(words).create_spsc(rings.join(ring_file(1))).unwrap();
        for number in 0..10 {
            let mut claim = producer.try_claim(16).unwrap();
            claim.copy_from_slice(&payload(number));
            claim.commit_tagged(CallSite::FIRST_ID);
        }
        consumer.release_to(start * RECORD);
        let dump = File::options().read(true).write(true).open(path).unwrap();
        Self { folder, rings, dump, ends: offsets }
    }

    fn find(&self) -> AbandonedRings {
        AbandonedRings::find(&[self.folder.path().to_owned()], &SESSION).unwrap()
    }

    /// Changes a byte of the dump.
    fn damage(&self, offset: u64) {
        let mut byte = [0];
        positioned::read_exact_at(&self.dump, &mut byte, offset).unwrap();
        positioned::write_all_at(&self.dump, &[byte[0] ^ 1], offset).unwrap();
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("app.steno")).unwrap()
    }
}

/// The kinds of the frames, and the first number and the count of each block.
fn frames(bytes: &[u8]) -> (Vec<u8>, Vec<(u64, u32)>) {
    let (mut kinds, mut blocks) = (Vec::new(), Vec::new());
    let mut walk = Walk::new(bytes, Position::first(FileHeader::BYTES as u64));
    while let Ok(Some(step)) = walk.step() {
        let Walked::Frame(frame) = step else { panic!("{step:?}") };
        let Ok(Some(payload)) = walk.payload(&frame, u32::MAX) else { panic!("{frame:?}") };
        kinds.push(frame.header.kind);
        if frame.header.kind == FrameKind::Block as u8 {
            let header = BlockHeader::decode(payload).unwrap();
            blocks.push((header.first_record, header.count));
        }
    }
    (kinds, blocks)
}

fn no_copy() -> io::Result<File> {
    panic!("nothing follows the last whole frame")
}

#[test]
fn the_dump_gets_the_records_that_it_lacks_and_an_end() {
    for (ends, start, added) in [(&[][..], 0, (0, 10)), (&[2, 5], 2, (5, 5)), (&[10], 10, (0, 0))] {
        let remains = Remains::new(ends, start);
        let rings = remains.find();
        assert!(rings.is_locked() && rings.locked_files().count() == 1);
        assert!(!rings.complete(&remains.dump, None, no_copy).unwrap());
        let (kinds, blocks) = frames(&remains.bytes());
        let appended = &blocks[ends.len()..];
        assert_eq!(appended, if added.1 == 0 { vec![] } else { vec![added] });
        assert_eq!(*kinds.last().unwrap(), FrameKind::End as u8);
        rings.remove().unwrap();
        assert!(!remains.rings.exists());
    }
}

#[test]
fn a_cut_write_stays_and_a_copy_is_completed() {
    let remains = Remains::new(&[5], 2);
    let end = remains.ends[0];
    positioned::write_all_at(&remains.dump, b"cut", end).unwrap();
    let before = remains.bytes();
    let copy = tempfile::NamedTempFile::new().unwrap();
    let rings = remains.find();
    assert!(rings.complete(&remains.dump, None, || copy.reopen()).unwrap());
    assert_eq!(remains.bytes(), before);
    let completed = fs::read(copy.path()).unwrap();
    assert!(completed.starts_with(&before[..end as usize]));
    assert_eq!(frames(&completed).1, [(0, 5), (5, 5)]);
}

#[test]
fn an_interrupted_completion_is_done_again() {
    let remains = Remains::new(&[5], 2);
    remains.find().complete(&remains.dump, None, no_copy).unwrap();
    let completed = remains.bytes();
    assert!(!remains.find().complete(&remains.dump, None, no_copy).unwrap());
    assert_eq!(remains.bytes(), completed, "a sealed dump stays");
    // Without its end, it has the records already.
    let end = completed.len() as u64 - 1;
    remains.dump.set_len(end).unwrap();
    let copy = tempfile::NamedTempFile::new().unwrap();
    assert!(remains.find().complete(&remains.dump, None, || copy.reopen()).unwrap());
    assert_eq!(frames(&fs::read(copy.path()).unwrap()).1, [(0, 5), (5, 5)]);
}

/// U1: the ring has the records of a damaged block, and a reader shows them.
#[test]
fn a_dump_whose_damaged_block_is_in_the_ring_is_left_as_it_is() {
    let damaged = |start| {
        let remains = Remains::new(&[2, 5], start);
        // The last bytes of a frame may be padding.
        remains.damage(remains.ends[0] - 8);
        let before = remains.bytes();
        let completed = remains.find().complete(&remains.dump, None, no_copy);
        (remains.bytes() == before, completed)
    };
    let (is_same, completed) = damaged(1);
    assert!(matches!(completed, Err(NotRecovered::Gap { ring: 1, number: 1 })), "{completed:?}");
    assert!(is_same);
    // Records that the ring no longer has are damaged in any case.
    let (is_same, completed) = damaged(3);
    assert!(!is_same && completed.is_ok(), "{completed:?}");
}

#[test]
fn a_gap_between_dump_and_ring_is_refused() {
    let remains = Remains::new(&[2], 4);
    let completed = remains.find().complete(&remains.dump, None, no_copy);
    assert!(matches!(completed, Err(NotRecovered::Gap { ring: 1, number: 4 })), "{completed:?}");
}

#[test]
fn rings_that_are_listed_must_be_there() {
    let remains = Remains::new(&[5], 2);
    fs::remove_file(remains.rings.join(ring_file(1))).unwrap();
    let completed = remains.find().complete(&remains.dump, None, no_copy);
    let Err(NotRecovered::Odd { name }) = completed else { panic!("{completed:?}") };
    assert_eq!(name, "the file of ring 1");
}

#[test]
fn a_directory_in_use_is_not_found() {
    let remains = Remains::new(&[5], 2);
    let rings = remains.find();
    let folders = [remains.folder.path().to_owned()];
    if cfg!(unix) {
        assert!(AbandonedRings::find(&folders, &SESSION).is_none());
    }
    assert!(AbandonedRings::exist(&folders, &SESSION));
    drop(rings);
    assert!(AbandonedRings::find(&folders, &SESSION).is_some());
    assert!(!AbandonedRings::exist(&folders, &[2; 16]));
}
