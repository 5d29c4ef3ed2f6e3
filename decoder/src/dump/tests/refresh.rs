//! A dump that grows step by step is the dump that is read at once.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use super::*;

/// A file that grows.
struct Growing {
    _folder: tempfile::TempDir,
    path: PathBuf,
    file: File,
    written: usize,
}

impl Growing {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let file = File::create(&path).unwrap();
        Self { _folder: folder, path, file, written: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.file.write_all(&bytes[self.written..]).unwrap();
        self.written = bytes.len();
    }
}

/// Everything that a dump knows, as text.
fn facts(dump: &Dump) -> String {
    let (header, tables) = (dump.header(), dump.tables());
    let known = (dump.is_session_known(), dump.tail(), dump.settled_blocks(), dump.len_bytes());
    format!("{header:?} {known:?} {tables:?}")
}

/// Opens the first `first` bytes and then `steps` more at a time, mapped and in memory, alone and shared.
#[track_caller]
fn check(bytes: &[u8], first: usize, step: usize) {
    let mut growing = Growing::new();
    growing.write(&bytes[..first]);
    let copies = Limits::default().with_copies(true);
    let open = |limits: &Limits| Dump::open_within(&growing.path, limits);
    let (Ok(mapped), Ok(copy)) = (open(&Limits::default()), open(&copies)) else {
        assert!(Dump::from_bytes("x", bytes[..first].to_vec()).is_err());
        return;
    };
    let (shared, mut dumps) = (mapped.clone(), [mapped.clone(), mapped, copy]);
    let before = facts(&shared);
    let mut length = first;
    while length < bytes.len() {
        let more = step.min(bytes.len() - length);
        length += more;
        growing.write(&bytes[..length]);
        let whole = Dump::from_bytes(growing.path.clone(), bytes[..length].to_vec()).unwrap();
        for dump in &mut dumps {
            let settled = dump.blocks().iter().take(dump.settled_blocks()).collect::<Vec<_>>();
            assert_eq!(dump.refresh().unwrap(), Refresh::Grown { bytes: more as u64 });
            assert_eq!(facts(dump), facts(&whole), "{length} bytes");
            assert_eq!(dump.bytes(), &bytes[..length]);
            assert_eq!(
                dump.blocks().iter().take(settled.len()).collect::<Vec<_>>(),
                settled,
                "{length} bytes"
            );
            assert_eq!(dump.refresh().unwrap(), Refresh::Unchanged);
        }
    }
    assert_eq!(facts(&shared), before, "a clone keeps what it has");
    assert_eq!(by_ring(&dumps[0]), by_ring(&Dump::from_bytes("x", bytes.to_vec()).unwrap()));
}

/// Dumps that are whole, damaged in ways that change where frames are, or have something after their end.
fn samples() -> Vec<Vec<u8>> {
    let whole = builder().bytes().to_vec();
    let block = builder().dump().blocks().get(1).unwrap().offset as usize;
    let mut rubbish = whole.clone();
    rubbish.splice(block..block, b"rubbish \xF5\x9Dst rubbish".iter().copied());
    // A block that was begun, and then written again.
    let mut again = whole[block..block + 80].to_vec();
    again.extend_from_slice(&whole[block..]);
    let again = [&whole[..block], &again].concat();
    // A longer one, which the file can hold after all when it is complete.
    let long = FrameHeader { payload_bytes: 300, ..FrameHeader::decode(&whole[block..]).unwrap() };
    let long = [&whole[..block], &long.encode(), &[9; 40], &whole[block..]].concat();
    let without_header = whole[FileHeader::BYTES..].to_vec();
    let mut damaged_header = whole.clone();
    damaged_header[20] ^= 1;
    let twice = [&whole[..], &whole].concat();
    let more = [&whole[..], b"more\n", &whole[block..]].concat();
    vec![whole, rubbish, again, long, without_header, damaged_header, twice, more]
}

#[test]
fn each_byte_that_is_appended_is_read_as_if_it_had_been_there() {
    for bytes in samples() {
        check(&bytes, FileHeader::BYTES, 1);
    }
}

#[test]
fn a_file_that_is_cut_anywhere_can_become_whole() {
    for (sample, bytes) in samples().into_iter().enumerate() {
        // All of them for the undamaged one.
        let step = if sample == 0 { 1 } else { 5 };
        for first in (1..bytes.len()).step_by(step) {
            check(&bytes, first, usize::MAX);
        }
    }
}

#[test]
fn a_torn_block_becomes_whole() {
    let bytes = builder().bytes().to_vec();
    let block = builder().dump().blocks().get(0).unwrap();
    let mut growing = Growing::new();
    growing.write(&bytes[..(block.offset + block.frame_bytes()) as usize - 9]);
    let mut dump = Dump::open(&growing.path).unwrap();
    assert!(dump.blocks().get(0).unwrap().is_cut && dump.settled_blocks() == 0);
    assert!(matches!(dump.tail(), Tail::Torn { .. }));
    growing.write(&bytes[..(block.offset + block.frame_bytes()) as usize]);
    let before = dump.clone();
    dump.refresh().unwrap();
    assert!(before.is_beginning_of(&dump) && !dump.is_beginning_of(&before));
    assert_eq!((dump.blocks().iter().collect::<Vec<_>>(), dump.settled_blocks()), (vec![block], 1));
    assert_eq!((dump.tail(), dump.damage()), (Tail::Unfinished, &[][..]));
}

#[test]
fn the_limit_for_call_sites_holds_however_often_a_dump_grows() {
    use stenolog_format::dictionary::Level;
    let mut builder = DumpBuilder::new();
    let first = builder.bytes().len();
    for id in 100..200 {
        builder.site(id, Level::Info, &"x".repeat(1000), None, &[]);
    }
    let limits = Limits::default().with_metadata_bytes(10_000);
    let mut growing = Growing::new();
    growing.write(&builder.bytes()[..first]);
    let mut dump = Dump::open_within(&growing.path, &limits).unwrap();
    for length in (first..builder.bytes().len()).step_by(777) {
        growing.write(&builder.bytes()[..length]);
        dump.refresh().unwrap();
    }
    growing.write(builder.bytes());
    dump.refresh().unwrap();
    let whole = Dump::open_within(&growing.path, &limits).unwrap();
    assert!(!whole.damage().is_empty());
    assert_eq!(facts(&dump), facts(&whole));
}

#[test]
fn files_that_did_not_just_grow_are_told_apart() {
    let bytes = builder().bytes().to_vec();
    let mut growing = Growing::new();
    growing.write(&bytes[..500]);
    let opened = Dump::open(&growing.path).unwrap();
    let refresh = |dump: &Dump| {
        let mut dump = dump.clone();
        let (before, outcome) = (facts(&dump), dump.refresh().unwrap());
        assert!(matches!(outcome, Refresh::Grown { .. }) || facts(&dump) == before);
        outcome
    };
    assert_eq!(refresh(&opened), Refresh::Unchanged);
    // Truncated.
    growing.file.set_len(400).unwrap();
    assert_eq!(refresh(&opened), Refresh::Shrunk { read: 500, found: 400 });
    // Overwritten by another log.
    let mut other = DumpBuilder::bare(9, 0);
    other.prelude();
    (0..20).for_each(|at| other.block(1, &[n(at, 1)]));
    std::fs::write(&growing.path, other.bytes()).unwrap();
    assert_eq!(refresh(&opened), Refresh::Replaced);
    // Another file has its path.
    if cfg!(unix) {
        let path = growing.path.with_extension("new");
        std::fs::write(&path, &bytes).unwrap();
        std::fs::rename(&path, &growing.path).unwrap();
        assert_eq!(refresh(&opened), Refresh::Replaced);
    }
    std::fs::remove_file(&growing.path).unwrap();
    assert_eq!(refresh(&opened), Refresh::Replaced);
    assert_eq!(refresh(&builder().dump()), Refresh::NotAFile);
}

#[cfg(unix)]
#[test]
fn a_renamed_file_is_followed_while_its_writer_is_alive() {
    let bytes = builder().bytes().to_vec();
    let mut growing = Growing::new();
    growing.write(&bytes[..500]);
    growing.file.lock().unwrap();
    let mut dump = Dump::open(&growing.path).unwrap();
    assert_eq!(dump.state(), DumpState::Growing);
    std::fs::rename(&growing.path, growing.path.with_extension("1")).unwrap();
    std::fs::write(&growing.path, &bytes).unwrap();
    growing.write(&bytes[..600]);
    assert_eq!(dump.refresh().unwrap(), Refresh::Grown { bytes: 100 });
    assert_eq!(dump.state(), DumpState::Growing);
    growing.file.unlock().unwrap();
    assert_eq!(dump.refresh().unwrap(), Refresh::Replaced);
    assert_eq!(dump.state(), DumpState::Unfinished, "its writer is dead");
}

/// They share the file that is held open.
#[cfg(unix)]
#[test]
fn clones_are_refreshed_at_the_same_time() {
    let bytes = builder().bytes().to_vec();
    let mut growing = Growing::new();
    growing.write(&bytes[..200]);
    growing.file.lock().unwrap();
    let copies = Limits::default().with_copies(true);
    let mut dumps = vec![Dump::open_within(&growing.path, &copies).unwrap(); 4];
    for length in (200..=bytes.len()).step_by(100) {
        growing.write(&bytes[..length]);
        std::thread::scope(|scope| {
            for dump in &mut dumps {
                scope.spawn(|| dump.refresh().unwrap());
            }
        });
        assert!(dumps.iter().all(|dump| dump.bytes() == &bytes[..length]), "{length} bytes");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_takes_the_path_is_not_waited_for() {
    let mut growing = Growing::new();
    growing.write(builder().bytes());
    let mut dump = Dump::open(&growing.path).unwrap();
    std::fs::remove_file(&growing.path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&growing.path).status();
    if made.is_ok_and(|made| made.success()) {
        assert_eq!(dump.refresh().unwrap(), Refresh::Replaced);
    }
}

/// A file with a hole that no address space holds, which only some file systems allow.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_has_grown_beyond_all_memory_is_an_error() {
    let Ok(file) = tempfile::NamedTempFile::new_in("/dev/shm") else { return };
    std::fs::write(file.path(), builder().bytes()).unwrap();
    let open = |limits: &Limits| Dump::open_within(file.path(), limits).unwrap();
    let limits = Limits::default();
    for mut dump in [open(&limits), open(&limits.with_copies(true))] {
        let before = facts(&dump);
        if file.as_file().set_len(1 << 62).is_err() {
            return;
        }
        assert!(dump.refresh().is_err());
        assert_eq!(facts(&dump), before);
    }
}
