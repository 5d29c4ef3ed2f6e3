#![cfg(unix)]

use stenolog_format::frame::VERSION;
use tempfile::TempDir;

use super::*;
use crate::layout::{LOCATION_FILE, directory_name};
use crate::writer::DumpWriter;

const SESSION: [u8; 16] = [1; 16];

/// A folder with a dump, and one with the ring directory of its session.
struct LeftDir {
    folder: TempDir,
}

impl LeftDir {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let left = Self { folder };
        fs::create_dir_all(left.directory()).unwrap();
        left.file(META_FILE, b"");
        left.file("ring-1", b"");
        left.file(LOCATION_FILE, &DumpLocation::of(&left.dump()).encode());
        left
    }

    fn dump(&self) -> PathBuf {
        self.folder.path().join("logs/app.steno")
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("rings").join(directory_name(&SESSION))
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.directory().join(name), bytes).unwrap();
    }

    fn write_dump(&self, path: &Path, is_sealed: bool) {
        let mut writer = DumpWriter::begin_segment(FileHeader {
            version: VERSION,
            session: SESSION,
            created_unix_ns: 0,
            sequence: 0,
            process_id: 1,
            counter_hz: 1,
        });
        if is_sealed {
            writer.finish_segment(0, false);
        }
        fs::write(path, writer.into_bytes()).unwrap();
    }

    fn judge(&self) -> Verdict {
        Judge::new(100).judge(&Dir::open(&self.directory()).unwrap(), &SESSION)
    }
}

#[test]
fn a_directory_without_rings_is_told_by_its_names() {
    let left = LeftDir::new();
    fs::remove_file(left.directory().join("ring-1")).unwrap();
    assert!(matches!(left.judge(), Verdict::NoRings { has_meta: true }));
    fs::remove_file(left.directory().join(META_FILE)).unwrap();
    assert!(matches!(left.judge(), Verdict::NoRings { has_meta: false }));
    // Nothing tells of a writer.
    left.file("ring-1", b"");
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::NoMeta)));
}

#[test]
fn a_meta_that_is_a_link_tells_nothing() {
    let left = LeftDir::new();
    fs::remove_file(left.directory().join("ring-1")).unwrap();
    let meta = left.directory().join(META_FILE);
    fs::rename(&meta, left.folder.path().join("meta")).unwrap();
    std::os::unix::fs::symlink(left.folder.path().join("meta"), &meta).unwrap();
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::Unreadable(_))));
}

#[test]
fn a_locked_meta_has_a_writer() {
    let left = LeftDir::new();
    let meta = File::options().write(true).open(left.directory().join(META_FILE)).unwrap();
    assert_eq!(lock::acquire(&meta), Writer::Ours);
    assert!(matches!(left.judge(), Verdict::Running));
    lock::release(&meta);
    left.write_dump(&left.dump(), true);
    assert!(matches!(left.judge(), Verdict::Sealed { .. }));
}

#[test]
fn the_dump_is_found_where_it_was_and_under_another_name() {
    let left = LeftDir::new();
    let renamed = left.dump().with_file_name("app.1.steno");
    let beside = left.folder.path().join("rings/app.steno");
    for path in [left.dump(), renamed, beside] {
        left.write_dump(&path, false);
        assert!(matches!(left.judge(), Verdict::Unsealed { dump } if dump == path));
        left.write_dump(&path, true);
        assert!(matches!(left.judge(), Verdict::Sealed { dump } if dump == path));
        fs::remove_file(path).unwrap();
    }
    assert!(matches!(left.judge(), Verdict::Gone { dump } if dump == left.dump()));
    fs::remove_dir(left.folder.path().join("logs")).unwrap();
    assert!(matches!(left.judge(), Verdict::Gone { .. }));
}

#[test]
fn a_dump_that_may_be_elsewhere_is_not_gone() {
    let left = LeftDir::new();
    let location = DumpLocation::of(&left.dump());
    let elsewhere = DumpLocation { device: location.device + 1, ..location };
    left.file(LOCATION_FILE, &elsewhere.encode());
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::NotVisible { .. })));
    fs::remove_file(left.directory().join(LOCATION_FILE)).unwrap();
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::NoLocation)));
}

#[test]
fn a_folder_that_is_not_looked_through_may_have_the_dump() {
    let left = LeftDir::new();
    for number in 0..=100 {
        fs::write(left.dump().with_file_name(number.to_string()), "").unwrap();
    }
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::NotVisible { .. })));
}

/// In `/dev/shm`, anybody may put a dump beside the rings.
#[test]
fn a_dump_of_another_user_does_not_make_the_rings_useless() {
    let left = LeftDir::new();
    let planted = left.folder.path().join("rings/planted.steno");
    left.write_dump(&planted, true);
    // Only root can give a file away.
    if std::os::unix::fs::chown(&planted, Some(54_321), None).is_err() {
        return;
    }
    left.write_dump(&left.dump(), false);
    assert!(matches!(left.judge(), Verdict::Unsealed { dump } if dump == left.dump()));
    // The dump itself may have been given away.
    std::os::unix::fs::chown(left.dump(), Some(54_321), None).unwrap();
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::NotVisible { .. })));
}

#[test]
fn a_dump_that_is_being_written_is_unknown() {
    let left = LeftDir::new();
    left.write_dump(&left.dump(), true);
    let writer = File::options().write(true).open(left.dump()).unwrap();
    assert_eq!(lock::acquire(&writer), Writer::Ours);
    assert!(matches!(left.judge(), Verdict::Unknown(Doubt::Dump { .. })));
}

/// The rounds of a race.
const ROUNDS: usize = 20;

/// A writer that commits its first record and is killed while its directory is judged.
#[test]
fn rings_of_a_writer_that_dies_meanwhile_are_seen() {
    let left = LeftDir::new();
    let ring = left.directory().join("ring-1");
    let meta = File::options().write(true).open(left.directory().join(META_FILE)).unwrap();
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            let judged = (0..ROUNDS).map(|_| {
                barrier.wait();
                let dir = Dir::open(&left.directory()).unwrap();
                let verdict = Judge::new(100).patient().judge(&dir, &SESSION);
                let is_empty = matches!(verdict, Verdict::NoRings { .. });
                barrier.wait();
                is_empty
            });
            judged.filter(|&is_empty| is_empty).count()
        });
        for _ in 0..ROUNDS {
            assert_eq!(lock::acquire(&meta), Writer::Ours);
            fs::remove_file(&ring).unwrap();
            barrier.wait();
            // The judge asks for a writer again and again by now, if it was quick.
            std::thread::sleep(std::time::Duration::from_micros(500));
            fs::write(&ring, b"").unwrap();
            lock::release(&meta);
            barrier.wait();
        }
        assert_eq!(judge.join().unwrap(), 0);
    });
}
