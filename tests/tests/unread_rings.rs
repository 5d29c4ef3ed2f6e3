//! What a killed process had in its rings is in its dump when the next one has started on the path.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use stenolog::__private::Step;
use stenolog::{Builder, Existing, UnreadRings, info};
use stenolog_decoder::{Dump, Limits, RingDir, Verification, verify, verify_with};
use stenolog_tests::{message, read};

/// What a killed process has left.
struct Remains {
    folder: tempfile::TempDir,
    /// As many records were lost.
    lost: u64,
}

impl Remains {
    /// Of a process that was killed when its dump did not have all yet.
    fn new(more: &str) -> Self {
        // The drain may have been awake still, though as a rule it is not.
        let mut tries = (0..100).map(|_| Self::of_any(more));
        let is_behind = |remains: &Self| {
            let all = if more == "early" { 400 } else { 800 };
            verify(&Dump::open(remains.dump()).unwrap()).records < all
        };
        tries.find(is_behind).expect("a process that is killed before its drain wakes")
    }

    fn of_any(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rings")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_child"))
            .arg("killed")
            .arg(folder.path().join("app.steno"))
            .arg(folder.path().join("rings"))
            .arg(more)
            .env_remove("STENOLOG")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
        let lost = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        Self { folder, lost }
    }

    fn dump(&self) -> PathBuf {
        self.folder.path().join("app.steno")
    }

    fn earlier(&self) -> PathBuf {
        self.folder.path().join("app.1.steno")
    }

    fn rings(&self) -> PathBuf {
        self.folder.path().join("rings")
    }

    /// The ring directory, if there is one.
    fn ring_dir(&self) -> Option<PathBuf> {
        let mut entries = fs::read_dir(self.rings()).unwrap();
        let first = entries.next().map(|entry| entry.unwrap().path());
        assert!(entries.next().is_none());
        first
    }

    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_all(self.folder.path(), folder.path());
        Self { folder, lost: self.lost }
    }

    /// Starts another logger on the path, and returns what it had to say.
    fn start(&self, configure: impl FnOnce(Builder) -> Builder) -> Vec<String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::clone(&told);
        let builder = Builder::new(self.dump())
            .filter("trace")
            .rings_in(self.rings())
            .ring_capacity_bytes(1 << 12)
            .on_error(move |error| teller.lock().unwrap().push(error.to_string()));
        let log = configure(builder).start_detached().unwrap();
        log.close().unwrap();
        assert_eq!(verify(&Dump::open(self.dump()).unwrap()).records, 0, "it is a new dump");
        let told = told.lock().unwrap();
        told.clone()
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The checksums of all files below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, u32> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), crc32fast::hash(&fs::read(path).unwrap()));
        }
    }
    all
}

/// Each thread's records are there, once and in order.
#[track_caller]
fn check_records(path: &Path, from: u32) {
    let (records, summary) = read(path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    for name in ["main", "other"] {
        let found: Vec<_> = records
            .iter()
            .map(message)
            .filter_map(|message| message.strip_prefix(name)?.trim().parse::<u32>().ok())
            .collect();
        assert_eq!(found, (from..400).collect::<Vec<_>>(), "{name}");
    }
}

/// The dump is sealed, and proves itself complete.
#[track_caller]
fn check(remains: &Remains, path: &Path, from: u32) -> Verification {
    let found = verify(&Dump::open(path).unwrap());
    assert!(found.is_intact(), "{found:?}");
    assert_eq!(found.tail, stenolog_decoder::Tail::Sealed);
    assert_eq!((found.missing, found.recovered, found.lost), (0, 0, remains.lost));
    check_records(path, from);
    found
}

#[test]
fn the_records_of_a_killed_process_are_put_into_its_dump() {
    for (more, from) in [("some", 0), ("early", 200), ("full", 0)] {
        let remains = Remains::new(more);
        let before = fs::metadata(remains.dump()).unwrap().len();
        assert_eq!(remains.start(|builder| builder), Vec::<String>::new(), "{more}");
        check(&remains, &remains.earlier(), from);
        assert_eq!(remains.ring_dir(), None, "{more}");
        assert_eq!(remains.lost > 0, more == "full");
        assert!(fs::metadata(remains.earlier()).unwrap().len() > before);
    }
}

#[test]
fn one_killed_process_after_the_other_is_recovered_by_the_next() {
    let remains = Remains::new("some");
    let output = Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("killed")
        .args([remains.dump(), remains.rings()])
        .arg("some")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGKILL));
    check(&remains, &remains.earlier(), 0);
    let output = Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("next")
        .args([remains.dump(), remains.rings()])
        .env_remove("STENOLOG")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    check(&remains, &remains.folder.path().join("app.2.steno"), 0);
    assert_eq!(read(&remains.dump()).0.len(), 1);
    assert_eq!(remains.ring_dir(), None);
}

#[test]
fn rings_that_are_to_be_kept_are_and_so_is_their_dump() {
    for existing in [Existing::Keep, Existing::Replace] {
        let remains = Remains::new("some");
        let rings = contents(&remains.rings());
        let dump = fs::read(remains.dump()).unwrap();
        let keep = |builder: Builder| builder.unread_rings(UnreadRings::Keep).existing(existing);
        assert_eq!(remains.start(keep), Vec::<String>::new());
        assert_eq!(contents(&remains.rings()), rings);
        assert!(fs::read(remains.earlier()).unwrap() == dump);
        // The renamed dump still finds them.
        let dump = Dump::open(remains.earlier()).unwrap();
        let search = RingDir::find(&dump, &[remains.rings()]);
        let recovery = search.found.unwrap().read(Some(&dump), &Limits::default()).unwrap();
        assert!(recovery.records > 0);
    }
}

#[test]
fn a_dump_with_unread_rings_is_not_replaced() {
    let remains = Remains::new("some");
    remains.start(|builder| builder.existing(Existing::Replace));
    check(&remains, &remains.earlier(), 0);
    assert_eq!(remains.ring_dir(), None);
    // Without rings, it is.
    remains.start(|builder| builder.existing(Existing::Replace));
    assert!(!remains.folder.path().join("app.2.steno").exists());
}

/// A reader that looks whether a writer lives has the lock for a moment, or for longer if it is stopped.
#[test]
fn a_reader_does_not_pass_for_a_writer_that_lives() {
    for existing in [Existing::Keep, Existing::Replace] {
        let remains = Remains::new("some");
        let files = [remains.dump(), remains.ring_dir().unwrap().join("meta.steno")];
        let readers = files.map(|path| fs::File::open(path).unwrap());
        readers.iter().for_each(|reader| reader.lock_shared().unwrap());
        assert_eq!(remains.start(|builder| builder.existing(existing)), Vec::<String>::new());
        check(&remains, &remains.earlier(), 0);
        assert_eq!(remains.ring_dir(), None);
    }
}

/// Whoever has the lock of the rings may not be done with them.
#[test]
fn a_dump_whose_rings_somebody_is_at_work_in_is_not_replaced() {
    let remains = Remains::new("some");
    let (dump, rings) = (fs::read(remains.dump()).unwrap(), contents(&remains.rings()));
    let worker = fs::File::open(remains.ring_dir().unwrap().join("meta.steno")).unwrap();
    worker.lock().unwrap();
    remains.start(|builder| builder.existing(Existing::Replace));
    assert!(fs::read(remains.earlier()).unwrap() == dump);
    assert_eq!(contents(&remains.rings()), rings);
}

#[test]
fn rings_of_a_writer_that_lives_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let [dump, rings] = ["app.steno", "rings"].map(|name| folder.path().join(name));
    fs::create_dir(&rings).unwrap();
    let mut writer = Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("killed")
        .args([&dump, &rings])
        .arg("alive")
        .env_remove("STENOLOG")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let remains = Remains { folder, lost: 0 };
    // Its drain may be at work in them.
    let files = || contents(&rings).into_keys().collect::<Vec<_>>();
    let before = files();
    let busy = Builder::new(&dump).rings_in(&rings).start_detached();
    assert!(matches!(busy, Err(stenolog::StartError::Busy { .. })));
    assert_eq!(files(), before);
    // A copy of its dump has no lock, but is of the same session: then that of the rings tells.
    let copied = Remains { folder: tempfile::tempdir().unwrap(), lost: 0 };
    fs::copy(&dump, copied.dump()).unwrap();
    let was = fs::read(copied.dump()).unwrap();
    let log = Builder::new(copied.dump()).rings_in(&rings).start_detached().unwrap();
    log.close().unwrap();
    assert!(fs::read(copied.earlier()).unwrap() == was);
    assert_eq!(files(), before);
    drop(writer.stdin.take());
    writer.wait().unwrap();
    remains.start(|builder| builder);
    check(&remains, &remains.earlier(), 0);
}

#[test]
fn a_recovery_that_is_cut_short_is_done_again_and_nothing_comes_twice() {
    let remains = Remains::new("full");
    let finished = remains.copy();
    finished.start(|builder| builder);
    let [before, after] = [remains.dump(), finished.earlier()].map(|path| fs::read(path).unwrap());
    assert!(after.starts_with(&before));
    let step = (after.len() - before.len()) / 60;
    let near_the_end = after.len() - 40..=after.len();
    // Within the last write of the killed process, too: what was written, the rings still have.
    for len in (before.len() + 1..after.len()).step_by(step).chain(near_the_end) {
        let cut = remains.copy();
        fs::write(cut.dump(), &after[..len]).unwrap();
        assert_eq!(cut.start(|builder| builder), Vec::<String>::new(), "{len} bytes");
        check(&cut, &cut.earlier(), 0);
        assert_eq!(cut.ring_dir(), None, "{len} bytes");
    }
    // With zeros or other bytes behind, as by a disk that was slow.
    for tail in
        [&[0; 100][..], &[0xf5, 0x9d, 0x73, 0x74, 4, 0, 0, 0, 9], &before[..before.len() / 2]]
    {
        let cut = remains.copy();
        fs::write(cut.dump(), [&before, tail].concat()).unwrap();
        assert_eq!(cut.start(|builder| builder), Vec::<String>::new());
        check(&cut, &cut.earlier(), 0);
    }
    // Sealed, and the rings not removed, or only some of them.
    for removed in ["progress", "ring-2", "meta.steno"] {
        let cut = remains.copy();
        fs::write(cut.dump(), &after).unwrap();
        fs::remove_file(cut.ring_dir().unwrap().join(removed)).unwrap();
        cut.start(|builder| builder.existing(Existing::Replace));
        check(&cut, &cut.earlier(), 0);
    }
}

/// A process that dies while it recovers the one before it.
#[test]
fn a_recovery_that_is_killed_after_any_step_is_done_again() {
    for step in Step::OF_RECOVERY {
        for times in 1..=3 {
            let remains = Remains::new("full");
            let dir = remains.ring_dir().unwrap();
            // A write that was cut: then a copy is completed.
            let mut dump = fs::File::options().append(true).open(remains.dump()).unwrap();
            dump.write_all(&[0; 100][..50 * (times - 1)]).unwrap();
            if step == Step::EarlierCopied {
                dump.write_all(b"cut").unwrap();
            }
            let output = Command::new(env!("CARGO_BIN_EXE_child"))
                .arg("next")
                .args([remains.dump(), remains.rings()])
                .env_remove("STENOLOG")
                .env_remove("RUST_LOG")
                .env("STENOLOG_DIE_AFTER", format!("{step:?}:{times}"))
                .output()
                .unwrap();
            if output.status.success() && times > 1 {
                // It is not taken so often.
                break;
            }
            assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{step:?}: {output:?}");
            let is_renamed = matches!(step, Step::EarlierRenamed | Step::EarlierRemoving);
            assert_eq!(remains.earlier().exists(), is_renamed, "{step:?}");
            if !is_renamed {
                remains.start(|builder| builder.existing(Existing::Replace));
                assert!(!dir.exists(), "{step:?}");
            }
            check(&remains, &remains.earlier(), 0);
        }
    }
}

/// A reader that is behind would be killed if what it has mapped were taken away.
#[test]
fn what_a_reader_has_mapped_stays_as_it_is() {
    for (tail, existing) in
        [("", Existing::Keep), ("\u{0}cut", Existing::Keep), ("", Existing::Replace)]
    {
        let remains = Remains::new("full");
        let mut dump = fs::File::options().append(true).open(remains.dump()).unwrap();
        dump.write_all(&tail.as_bytes().repeat(3000)).unwrap();
        let mapped = Dump::open(remains.dump()).unwrap();
        let before = format!("{:?}", verify(&mapped));
        remains.start(|builder| builder.existing(existing));
        assert_eq!(format!("{:?}", verify(&mapped)), before);
        check(&remains, &remains.earlier(), 0);
        // Now without rings.
        let mapped = Dump::open(remains.dump()).unwrap();
        let before = format!("{:?}", verify(&mapped));
        remains.start(|builder| builder.existing(existing));
        assert_eq!(format!("{:?}", verify(&mapped)), before);
        let names = fs::read_dir(remains.folder.path()).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
    }
}

#[test]
fn a_full_disk_leaves_the_rings() {
    let remains = Remains::new("some");
    let rings = contents(&remains.rings());
    let before = fs::read(remains.dump()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("next")
        .args([remains.dump(), remains.rings()])
        .arg((before.len() + 1000).to_string())
        .env_remove("STENOLOG")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("are left there: the dump: "), "{output:?}");
    assert_eq!(contents(&remains.rings()), rings);
    // It may have had a piece of a frame at its end.
    assert!(before.starts_with(&fs::read(remains.earlier()).unwrap()));
    let dump = Dump::open(remains.earlier()).unwrap();
    let search = RingDir::find(&dump, &[remains.rings()]);
    let recovery = search.found.unwrap().read(Some(&dump), &Limits::default()).unwrap();
    let found = verify_with(&dump, Some(&recovery.dump));
    assert!(found.is_intact() && found.records == 800, "{found:?}");
}

#[test]
fn a_progress_that_was_not_written_loses_nothing() {
    let remains = Remains::new("some");
    let progress = remains.ring_dir().unwrap().join("progress");
    let mut bytes = fs::read(&progress).unwrap();
    bytes[..8].fill(0);
    fs::write(&progress, bytes).unwrap();
    assert_eq!(remains.start(|builder| builder), Vec::<String>::new());
    check(&remains, &remains.earlier(), 0);
}

#[test]
fn links_and_what_belongs_to_others_are_not_followed() {
    let remains = Remains::new("some");
    let dir = remains.ring_dir().unwrap();
    let elsewhere = remains.folder.path().join("elsewhere");
    fs::rename(&dir, &elsewhere).unwrap();
    symlink(&elsewhere, &dir).unwrap();
    let before = contents(&elsewhere);
    let dump = fs::read(remains.dump()).unwrap();
    assert_eq!(remains.start(|builder| builder), Vec::<String>::new());
    assert!(fs::read(remains.earlier()).unwrap() == dump);
    assert_eq!(contents(&elsewhere), before);

    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        let remains = Remains::new("some");
        let dir = remains.ring_dir().unwrap();
        chown(&dir, Some(1), None).unwrap();
        let before = contents(&remains.rings());
        assert_eq!(remains.start(|builder| builder), Vec::<String>::new());
        assert_eq!(contents(&remains.rings()), before);
        let remains = Remains::new("some");
        let dir = remains.ring_dir().unwrap();
        chown(dir.join("ring-2"), Some(1), None).unwrap();
        let before = contents(&remains.rings());
        assert_eq!(remains.start(|builder| builder).len(), 1);
        assert_eq!(contents(&remains.rings()), before);
    }

    for name in ["meta.steno", "progress", "ring-2", "ring-9"] {
        let remains = Remains::new("some");
        let dir = remains.ring_dir().unwrap();
        let target = remains.folder.path().join("target");
        if dir.join(name).exists() {
            fs::rename(dir.join(name), &target).unwrap();
        } else {
            fs::write(&target, "somebody's").unwrap();
        }
        symlink(&target, dir.join(name)).unwrap();
        let before = contents(&remains.rings());
        let told = remains.start(|builder| builder.existing(Existing::Replace));
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        assert!(told[0].contains("are left there"), "{told:?}");
        assert_eq!(contents(&remains.rings()), before, "{name}");
        assert!(target.exists() && remains.earlier().exists());
    }
}

#[test]
fn a_file_that_no_logger_made_is_not_removed() {
    let remains = Remains::new("some");
    let dir = remains.ring_dir().unwrap();
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    let told = remains.start(|builder| builder);
    assert_eq!(told.len(), 1, "{told:?}");
    check(&remains, &remains.earlier(), 0);
    assert_eq!(contents(&remains.rings()).len(), 1);
}

#[test]
fn a_dump_with_another_name_is_not_written_to() {
    let remains = Remains::new("some");
    fs::hard_link(remains.dump(), remains.folder.path().join("other")).unwrap();
    let [before, rings] = [remains.folder.path(), &remains.rings()].map(contents);
    let told = remains.start(|builder| builder);
    assert!(told.len() == 1 && told[0].contains("several names"), "{told:?}");
    assert_eq!(contents(remains.folder.path())[&remains.earlier()], before[&remains.dump()]);
    assert_eq!(contents(&remains.rings()), rings);
}

/// Whatever is in the directory, a logger starts, and either all comes out or nothing is changed.
#[test]
fn damaged_rings_are_left_as_they_are() {
    let remains = Remains::new("full");
    let dir = remains.ring_dir().unwrap();
    let (mut recovered, mut left) = (0, 0);
    let mut try_with = |name: &str, bytes: &[u8], what: String| {
        let copy = remains.copy();
        let path = match name {
            "app.steno" => copy.dump(),
            _ => copy.ring_dir().unwrap().join(name),
        };
        fs::write(&path, bytes).unwrap();
        let before = contents(&copy.rings());
        let dump = fs::read(copy.dump()).unwrap();
        let told = copy.start(|builder| builder.existing(Existing::Replace));
        if copy.ring_dir().is_none() {
            assert!(told.is_empty(), "{name}, {what}: {told:?}");
            let found = verify(&Dump::open(copy.earlier()).unwrap());
            assert_eq!(found.tail, stenolog_decoder::Tail::Sealed, "{name}, {what}");
            // A changed number of losses cannot be told from another, nor a ring that was in memory from
            // one that never was; and what was damaged in the dump before is so still.
            let may_differ = name == "ring-2" || name == "app.steno" || name == "progress";
            assert!(may_differ || found.is_intact(), "{name}, {what}: {found:?}");
            recovered += 1;
        } else {
            assert_eq!(told.len(), 1, "{name}, {what}: {told:?}");
            assert_eq!(contents(&copy.rings()), before, "{name}, {what}");
            assert!(fs::read(copy.earlier()).unwrap() == dump, "{name}, {what}");
            left += 1;
        }
    };
    for name in ["progress", "meta.steno", "ring-2", "app.steno"] {
        let path = if name == "app.steno" { remains.dump() } else { dir.join(name) };
        let bytes = fs::read(path).unwrap();
        // The fixed part, positions and words of a ring, then the first records.
        let places: Vec<usize> = match name {
            // Its words, its list, and what is free of it.
            "progress" => (0..96).chain((96..bytes.len()).step_by(997)).collect(),
            "ring-2" => (0..64).step_by(9).chain((128..576).step_by(5)).chain(4096..4112).collect(),
            "app.steno" => (64..bytes.len()).step_by(151).collect(),
            _ => (0..bytes.len()).step_by(11).collect(),
        };
        for at in places {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= change;
                try_with(name, &bytes, format!("byte {at} ^ {change:#x}"));
            }
        }
        let step = (bytes.len() / 25).max(1);
        for len in (0..bytes.len()).step_by(step) {
            // An empty file at the path, or one that is cut within its header, has no session.
            if name != "app.steno" || len >= 64 {
                try_with(name, &bytes[..len], format!("{len} bytes"));
            }
        }
    }
    assert!(recovered > 0 && left > 100, "{recovered} {left}");
}

/// What contradicts itself, with checksums that are right, was not left by a logger.
#[test]
fn contradictions_are_left_as_they_are() {
    let remains = Remains::new("some");
    let dir = remains.ring_dir().unwrap();
    let session = Dump::open(remains.dump()).unwrap().header().session;
    #[track_caller]
    fn check(remains: &Remains, why: &str) {
        let [rings, dump] = [remains.rings(), remains.dump()];
        let (rings, dump) = (contents(&rings), fs::read(dump).unwrap());
        let told = remains.start(|builder| builder.existing(Existing::Replace));
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
        assert_eq!(contents(&remains.rings()), rings);
        assert!(fs::read(remains.earlier()).unwrap() == dump);
    }
    // Both pairs of a ring are for the position where its unread part begins, with two numbers.
    let copy = remains.copy();
    let path = copy.ring_dir().unwrap().join("ring-2");
    let mut ring = fs::read(&path).unwrap();
    let words = ring.windows(16).position(|bytes| bytes == session).unwrap();
    let word = |ring: &[u8], at: usize| {
        u64::from_le_bytes(ring[words + 8 * at..][..8].try_into().unwrap())
    };
    let start = stenolog_ringbuf::file::Recovered::from_bytes(&ring).unwrap().start();
    let fits = if word(&ring, 4) == start { 4 } else { 6 };
    let other = 10 - fits;
    let number = word(&ring, fits + 1) + 1;
    ring[words + 8 * other..][..8].copy_from_slice(&start.to_le_bytes());
    ring[words + 8 * (other + 1)..][..8].copy_from_slice(&number.to_le_bytes());
    fs::write(path, ring).unwrap();
    check(&copy, "ring-2 is not as a logger leaves it");
    // The explanations of another run.
    let copy = remains.copy();
    let path = copy.ring_dir().unwrap().join("meta.steno");
    let mut meta = fs::read(&path).unwrap();
    meta[16] ^= 1;
    let crc = crc32fast::hash(&meta[..60]);
    meta[60..64].copy_from_slice(&crc.to_le_bytes());
    fs::write(path, meta).unwrap();
    check(&copy, "meta.steno is not as a logger leaves it");
    drop(dir);
}

#[test]
fn what_is_logged_goes_to_the_new_dump() {
    let remains = Remains::new("some");
    let log = Builder::new(remains.dump()).rings_in(remains.rings()).start_detached().unwrap();
    let scope = log.enter();
    info!("after");
    drop(scope);
    assert!(remains.ring_dir().is_some(), "its own rings");
    log.close().unwrap();
    assert_eq!(read(&remains.dump()).0.len(), 1);
    check(&remains, &remains.earlier(), 0);
}
