//! Remains where the rings are gone: a dump and its tail.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stenolog::{Builder, Existing, Rings, UnreadRings, info};
use stenolog_decoder::{Dump, DumpState, Format, recover, verify};
use stenolog_tests::render;
use tempfile::TempDir;

use super::{numbers, patient, tails_in};

/// A dump and its tail, as the end of a container leaves them.
struct Left {
    folder: TempDir,
    /// The dump that its own logger has sealed.
    sealed: PathBuf,
}

const RECORDS: u64 = 40;

impl Left {
    /// Half of the records are in the dump, the others only in the tail.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealed = folder.path().join("sealed/app.steno");
        std::fs::create_dir(folder.path().join("sealed")).unwrap();
        let log = patient(&sealed).rings(Rings::Memory).start_detached().unwrap();
        let scope = log.enter();
        for n in 0..RECORDS {
            // A caller's time: a later clock pair would change how the counter is mapped, by nanoseconds.
            info!(at: SystemTime::UNIX_EPOCH + Duration::from_secs(n), "{n}");
            if n == RECORDS / 2 {
                log.flush().unwrap();
            }
        }
        while log.stats().records < RECORDS {
            std::thread::yield_now();
        }
        // The tail first, as readers do.
        for from in tails_in(&folder.path().join("sealed")).into_iter().chain([sealed.clone()]) {
            std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
        }
        drop(scope);
        log.close().unwrap();
        let left = Self { folder, sealed };
        let dump = Dump::open(left.path()).unwrap();
        assert_eq!(dump.state(), DumpState::Unfinished);
        let in_dump: u32 = dump.blocks().iter().map(|block| block.header.count).sum();
        assert_eq!(u64::from(in_dump), RECORDS / 2 + 1);
        left
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.steno")
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a logger on the path, and ends it.
    fn start(&self, configure: impl FnOnce(Builder) -> Builder) {
        let builder = Builder::new(self.path()).rings(Rings::Memory);
        configure(builder).start_detached().unwrap().close().unwrap();
    }

    fn earlier(&self) -> PathBuf {
        self.folder.path().join("app.1.steno")
    }
}

#[track_caller]
fn check_all_but_end(path: &Path) {
    let dump = Dump::open(path).unwrap();
    let (found, summary) = numbers(&dump);
    assert!(found.iter().copied().eq(0..RECORDS), "{found:?}");
    assert_eq!((summary.missing, summary.duplicates), (0, 0));
    // What was committed after that is unknown.
    assert!(!summary.is_complete());
    assert!(!verify(&dump).is_complete());
}

#[test]
fn the_text_is_that_of_the_dump_after_a_clean_end() {
    let left = Left::new();
    check_all_but_end(&left.path());
    for format in [Format::Short, Format::Json] {
        assert_eq!(render(&left.path(), format).0, render(&left.sealed, format).0);
    }
}

#[test]
fn the_next_logger_puts_the_records_into_the_dump() {
    for existing in [Existing::Keep, Existing::Replace] {
        let left = Left::new();
        left.start(|builder| builder.existing(existing));
        assert!(tails_in(left.folder()).is_empty());
        check_all_but_end(&left.earlier());
        let found = numbers(&Dump::open(left.path()).unwrap()).0;
        assert!(found.is_empty(), "{found:?}");
    }
}

/// As if the start had been killed before it renamed the dump.
#[test]
fn a_start_that_was_cut_short_is_repeated() {
    let left = Left::new();
    let tail = tails_in(left.folder()).remove(0);
    let bytes = std::fs::read(&tail).unwrap();
    left.start(|builder| builder);
    std::fs::rename(left.earlier(), left.path()).unwrap();
    std::fs::write(&tail, bytes).unwrap();
    left.start(|builder| builder.existing(Existing::Replace));
    assert!(tails_in(left.folder()).is_empty());
    check_all_but_end(&left.earlier());
}

/// A reader may have the dump mapped: after a cut write, it gets another file.
#[test]
fn a_cut_write_is_left_out() {
    let left = Left::new();
    let mut bytes = std::fs::read(left.path()).unwrap();
    bytes.extend_from_slice(b"cut");
    std::fs::write(left.path(), bytes).unwrap();
    let (found, _) = numbers(&Dump::open(left.path()).unwrap());
    assert!(found.iter().copied().eq(0..RECORDS));
    left.start(|builder| builder);
    assert!(tails_in(left.folder()).is_empty());
    check_all_but_end(&left.earlier());
}

#[test]
fn it_is_left_to_others_on_request_and_follows_the_dump() {
    let left = Left::new();
    left.start(|builder| builder.unread_rings(UnreadRings::Keep));
    assert_eq!(tails_in(left.folder()).len(), 1);
    check_all_but_end(&left.earlier());
    // Once more, as of a dump that is not at the path.
    left.start(|builder| builder);
    assert_eq!(tails_in(left.folder()).len(), 1);
    check_all_but_end(&left.earlier());
}

#[test]
fn a_tail_that_no_dump_needs_is_removed() {
    let left = Left::new();
    std::fs::remove_file(left.path()).unwrap();
    left.start(|builder| builder);
    assert!(tails_in(left.folder()).is_empty());

    let left = Left::new();
    std::fs::copy(&left.sealed, left.path()).unwrap();
    assert!(Dump::open(left.path()).unwrap().tail_dump().is_none(), "an end has everything");
    std::fs::rename(left.path(), left.folder().join("other.steno")).unwrap();
    left.start(|builder| builder);
    assert!(tails_in(left.folder()).is_empty());
}

#[test]
fn a_recovered_file_has_its_records() {
    let left = Left::new();
    let dump = Dump::open(left.path()).unwrap();
    let mut out = Vec::new();
    let report = recover(std::slice::from_ref(&dump), &mut out).unwrap();
    assert_eq!((report.records, report.is_sealed), (RECORDS, false));
    let recovered = left.folder().join("recovered.steno");
    std::fs::write(&recovered, out).unwrap();
    dump.remove_tail().unwrap();
    assert!(tails_in(left.folder()).is_empty());
    check_all_but_end(&recovered);
}

#[test]
fn damage_of_the_tail_is_no_damage() {
    let left = Left::new();
    let tail = tails_in(left.folder()).remove(0);
    let bytes = std::fs::read(&tail).unwrap();
    for cut in (0..bytes.len()).step_by(7) {
        std::fs::write(&tail, &bytes[..cut]).unwrap();
        let (found, summary) = numbers(&Dump::open(left.path()).unwrap());
        assert!(found.len() as u64 > RECORDS / 2, "{}", found.len());
        assert!(found.iter().copied().eq(0..found.len() as u64), "{found:?}");
        assert_eq!((summary.missing, summary.damage.len()), (0, 0), "cut at {cut}");
    }
    // Another session's, and one that is no tail at all.
    for other in [&b""[..], b"something else", &std::fs::read(left.path()).unwrap()] {
        std::fs::write(&tail, other).unwrap();
        assert!(Dump::open(left.path()).unwrap().tail_dump().is_none());
    }
}
