//! Loggers remove what killed processes left in a folder of rings, and nothing else.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use stenolog::{Builder, Event, UnreadRings, info};
use stenolog_decoder::{Dump, Limits, RingDir, Tail, Verification, verify_with};
use stenolog_format::frame::FileHeader;
use stenolog_session::layout::{LEFT_FILE, directory_name};
use stenolog_tests::{message, scenario};

/// Unread rings are kept for two weeks.
const LONGEST: Duration = Duration::from_secs(14 * 24 * 3600);

/// Of a folder, the latest of this many directories are kept.
const DIRECTORIES: usize = 64;

/// A folder for dumps, and one for rings.
struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rings")).unwrap();
        Self { folder }
    }

    fn dump(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rings(&self) -> PathBuf {
        self.dump("rings")
    }

    /// The ring directories that there are.
    fn directories(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.rings()).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// A process that is killed when its dump has all, or all but one record.
    fn leave(&self, name: &str, unread: bool) -> PathBuf {
        let before = self.directories();
        loop {
            let how = if unread { "unread" } else { "read" };
            self.run(name, "unread_rings/left", &[how], None);
            let new = self.directories().into_iter().find(|path| !before.contains(path)).unwrap();
            // The drain may have been awake still, though as a rule it is not.
            if !unread || unread_in(&self.dump(name), &self.rings()) > 0 {
                return new;
            }
            fs::remove_dir_all(new).unwrap();
            fs::remove_file(self.dump(name)).unwrap();
        }
    }

    /// A process that dies after a step.
    #[track_caller]
    fn run(&self, name: &str, scenario: &str, more: &[&str], die_after: Option<&str>) {
        assert!(self.try_run(name, scenario, more, die_after), "it lives on");
    }

    /// The same; `false` if it never takes the step.
    fn try_run(&self, name: &str, scenario: &str, more: &[&str], die_after: Option<&str>) -> bool {
        let mut process = scenario!(scenario, self.dump(name), self.rings());
        process = more.iter().fold(process, |process, argument| process.arg(argument));
        if let Some(step) = die_after {
            process = process.die_after(step);
        }
        let output = process.output();
        let was_killed = output.status.signal() == Some(libc::SIGKILL);
        assert!(was_killed || output.status.success(), "{output:?}");
        was_killed
    }

    /// Another logger starts in the folder, and ends. Returns what it had to say.
    fn start(&self) -> Vec<String> {
        self.start_with(|builder| builder)
    }

    fn start_with(&self, configure: impl FnOnce(Builder) -> Builder) -> Vec<String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::clone(&told);
        let builder =
            Builder::new(self.dump("other.steno")).rings_in(self.rings()).on_event(move |event| {
                match event {
                    Event::RingsRemoved { were_unread: false, .. } => {}
                    event => teller.lock().unwrap().push(event.to_string()),
                }
            });
        configure(builder).start_detached().unwrap().close().unwrap();
        let told = told.lock().unwrap();
        told.clone()
    }
}

/// The dump with what its rings hold, as `steno verify` sees it.
fn check(dump: &Path, rings: &Path) -> (Tail, Verification, u64) {
    let dump = Dump::open(dump).unwrap();
    let found = RingDir::find(&dump, &[rings.to_owned()]).found;
    // Rings of a dump that is sealed are left alone.
    let found = found.filter(|_| dump.tail() != Tail::Sealed);
    let recovery = found.map(|dir| dir.read(Some(&dump), &Limits::default()).unwrap());
    let unread = recovery.as_ref().map_or(0, |recovery| recovery.records);
    (dump.tail(), verify_with(&dump, recovery.as_ref().map(|recovery| &recovery.dump)), unread)
}

fn unread_in(dump: &Path, rings: &Path) -> u64 {
    check(dump, rings).2
}

/// How much memory a directory takes.
fn bytes_of(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

#[test]
fn rings_whose_dump_is_sealed_go() {
    let folders = Folders::new();
    for name in ["app.steno", "moved.steno"] {
        folders.run(name, "unread_rings/next", &[], Some("Sealed"));
        assert_eq!(folders.directories().len(), 1);
        if name == "moved.steno" {
            fs::rename(folders.dump(name), folders.dump("moved.steno.1")).unwrap();
        }
        assert_eq!(folders.start(), [""; 0]);
        assert_eq!(folders.directories(), Vec::<PathBuf>::new());
    }
}

#[test]
fn rings_whose_dump_is_gone_go() {
    let folders = Folders::new();
    folders.leave("app.steno", true);
    let folder = folders.dump("logs");
    fs::create_dir(&folder).unwrap();
    folders.leave("logs/app.steno", true);
    fs::remove_file(folders.dump("app.steno")).unwrap();
    fs::remove_dir_all(folder).unwrap();
    assert_eq!(folders.start(), [""; 0]);
    assert_eq!(folders.directories(), Vec::<PathBuf>::new());
}

#[test]
fn rings_that_held_nothing_go_when_their_dump_has_its_end() {
    let folders = Folders::new();
    folders.leave("app.steno", false);
    assert_eq!(folders.start(), [""; 0]);
    assert_eq!(folders.directories(), Vec::<PathBuf>::new());
    let (tail, verified, _) = check(&folders.dump("app.steno"), &folders.rings());
    assert!(tail == Tail::Sealed && verified.is_intact() && verified.records == 1);
}

#[test]
fn unread_rings_are_kept_whole_in_little_memory() {
    let folders = Folders::new();
    let first = folders.leave("app.steno", true);
    assert!(bytes_of(&first) > 1 << 20);
    let mut left = vec![first, folders.leave("moved.steno", true)];
    left.sort();
    fs::rename(folders.dump("moved.steno"), folders.dump("elsewhere.log")).unwrap();
    let image = |path: &Path| fs::read(path.join("ring-2")).unwrap();
    let before: Vec<_> = left.iter().map(|path| image(path)).collect();
    for _ in 0..2 {
        assert_eq!(folders.start(), [""; 0]);
        assert_eq!(folders.directories(), left);
    }
    for (path, before) in left.iter().zip(&before) {
        assert!(image(path) == *before, "a ring reads as before");
        let bytes = bytes_of(path);
        assert!(!cfg!(target_os = "linux") || bytes < 1 << 16, "{bytes}");
    }
    for name in ["app.steno", "elsewhere.log"] {
        let (_, verified, unread) = check(&folders.dump(name), &folders.rings());
        assert!(verified.is_intact() && (verified.records, unread) == (2, 1), "{verified:?}");
    }
    // On its own path it is read, as ever.
    let log = Builder::new(folders.dump("app.steno")).rings_in(folders.rings());
    log.start_detached().unwrap().close().unwrap();
    assert_eq!(folders.directories().len(), 1);
    let (records, _) = stenolog_tests::read(&folders.dump("app.1.steno"));
    assert_eq!(records.iter().map(message).collect::<Vec<_>>(), ["written", "unread"]);
}

#[test]
fn a_logger_that_ends_without_a_free_descriptor_leaves_nothing() {
    let folders = Folders::new();
    folders.run("app.steno", "unread_rings/short", &[], None);
    assert_eq!(folders.directories(), Vec::<PathBuf>::new());
    assert_eq!(Dump::open(folders.dump("app.steno")).unwrap().tail(), Tail::Sealed);
}

#[test]
fn a_start_that_is_killed_leaves_nothing_for_long() {
    for step in ["RingDirMade", "MetaBegun", "RingCreated", "RingDirReady", "DumpCreated"] {
        let folders = Folders::new();
        folders.run("app.steno", "unread_rings/next", &[], Some(step));
        assert_eq!(folders.directories().len(), 1, "{step}");
        assert_eq!(folders.start(), [""; 0]);
        assert_eq!(folders.directories(), Vec::<PathBuf>::new(), "{step}");
    }
}

#[test]
fn a_cleaner_that_is_killed_costs_nothing() {
    for (step, unread) in
        [("LeftNoted", true), ("EarlierWritten", false), ("EarlierRemoving", false)]
    {
        let folders = Folders::new();
        folders.leave("app.steno", unread);
        let expected = if unread { (2, 1) } else { (1, 0) };
        let mut kills = 0;
        while folders.try_run("other.steno", "unread_rings/next", &[], Some(step)) {
            kills += 1;
            assert!(kills < 20, "{step}: it is never done");
            let (_, verified, recovered) = check(&folders.dump("app.steno"), &folders.rings());
            assert_eq!((verified.records, recovered), expected, "{step}, {kills} kills");
            assert!(verified.is_intact(), "{step}, {kills} kills: {verified:?}");
        }
        assert!(kills > 0, "{step} is never taken");
        let (tail, verified, recovered) = check(&folders.dump("app.steno"), &folders.rings());
        assert_eq!((verified.records, recovered), expected, "{step}");
        assert_eq!(tail == Tail::Sealed, !unread, "{step}");
        assert_eq!(folders.directories().len(), usize::from(unread), "{step}");
    }
}

#[test]
fn directories_in_use_and_those_of_others_are_left_alone() {
    let folders = Folders::new();
    let running = Builder::new(folders.dump("running.steno")).rings_in(folders.rings());
    let running = running.deliver_within(Duration::from_secs(3600)).start_detached().unwrap();
    {
        let _scope = running.enter();
        info!("committed");
        // Nor is the file's name what tells.
        fs::remove_file(folders.dump("running.steno")).unwrap();
    }
    let others = folders.leave("app.steno", true);
    fs::remove_file(folders.dump("app.steno")).unwrap();
    // SAFETY: it takes nothing and cannot fail.
    let is_root = unsafe { libc::geteuid() } == 0;
    if is_root {
        chown(&others, Some(65_534), None).unwrap();
    } else {
        fs::remove_dir_all(&others).unwrap();
    }
    // Not ours, whatever its name.
    let odd = [folders.rings().join("stenolog-1.rings"), folders.rings().join("stenolog.rings")];
    odd.iter().for_each(|path| fs::create_dir(path).unwrap());
    let linked = folders.rings().join(directory_name(&[7; 16]));
    std::os::unix::fs::symlink(&odd[0], &linked).unwrap();
    let before = folders.directories();
    assert_eq!(folders.start(), [""; 0]);
    assert_eq!(folders.directories(), before);
    assert!(running.ring_dir().unwrap().join("ring-2").exists());
    let _ = running.close();
    // A file that no logger made stays, and its directory with it.
    if is_root {
        chown(&others, Some(0), None).unwrap();
        fs::write(others.join("note"), "mine").unwrap();
        folders.start();
        assert_eq!(fs::read_dir(&others).unwrap().count(), 1);
    }
}

#[test]
fn rings_are_not_read_by_a_logger_that_is_to_keep_them() {
    let folders = Folders::new();
    folders.leave("unread.steno", true);
    folders.leave("app.steno", false);
    folders.start_with(|builder| builder.unread_rings(UnreadRings::Keep));
    assert_eq!(folders.directories().len(), 2);
    assert_ne!(Dump::open(folders.dump("app.steno")).unwrap().tail(), Tail::Sealed);
}

/// Notes that a directory was first found so long ago.
fn age(directory: &Path, by: Duration) {
    let left = fs::File::options().write(true).open(directory.join(LEFT_FILE)).unwrap();
    left.set_modified(SystemTime::now() - by).unwrap();
}

#[test]
fn rings_that_nobody_reads_are_removed_after_two_weeks() {
    let folders = Folders::new();
    let left = folders.leave("app.steno", true);
    folders.start();
    age(&left, LONGEST - Duration::from_secs(60));
    assert_eq!(folders.start(), [""; 0]);
    age(&left, LONGEST);
    let told = folders.start();
    assert_eq!(told.len(), 1);
    let dump = folders.dump("app.steno");
    for part in [left.to_str().unwrap(), dump.to_str().unwrap(), "two weeks"] {
        assert!(told[0].contains(part), "{told:?}");
    }
    assert_eq!(folders.directories(), Vec::<PathBuf>::new());
    // A clock that was set is no reason.
    let left = folders.leave("again.steno", true);
    folders.start();
    age(&left, Duration::from_secs(86_400 * 365 * 50));
    assert_eq!(folders.start(), [""; 0]);
    assert_eq!(folders.directories(), [left]);
}

#[test]
fn of_many_unread_directories_the_latest_are_kept() {
    let folders = Folders::new();
    let left = folders.leave("app.steno", true);
    folders.start();
    // The same again, of many other sessions.
    for n in 1..=DIRECTORIES as u8 + 5 {
        let of_session = |file: &Path, to: &Path| {
            let mut bytes = fs::read(file).unwrap();
            let (header, begin) = FileHeader::decode(&bytes).unwrap();
            let header = FileHeader { session: [n; 16], ..header };
            bytes[..begin].copy_from_slice(&header.encode());
            fs::write(to, bytes).unwrap();
        };
        let directory = folders.rings().join(directory_name(&[n; 16]));
        fs::create_dir(&directory).unwrap();
        of_session(&left.join("meta.steno"), &directory.join("meta.steno"));
        fs::copy(left.join("progress"), directory.join("progress")).unwrap();
        fs::copy(left.join("ring-2"), directory.join("ring-2")).unwrap();
        fs::copy(left.join(LEFT_FILE), directory.join(LEFT_FILE)).unwrap();
        of_session(&folders.dump("app.steno"), &folders.rings().join(format!("{n}.log")));
        // The first ones are the oldest.
        let hours = Duration::from_secs(3600 * (100 - u64::from(n)));
        age(&directory, hours);
    }
    let count = || folders.directories().iter().filter(|path| path.is_dir()).count();
    assert_eq!(count(), DIRECTORIES + 6);
    let told = folders.start();
    // The one that was left just now counts, and is not counted out.
    assert_eq!((told.len(), count()), (6, DIRECTORIES));
    assert!(left.exists());
    for n in 1..=6 {
        assert!(!folders.rings().join(directory_name(&[n; 16])).exists());
    }
    assert_eq!(folders.start(), [""; 0]);
}

#[test]
fn a_program_that_crashes_under_ever_new_names_takes_little() {
    let folders = Folders::new();
    for n in 0..12 {
        folders.leave(&format!("app-{n}.steno"), true);
    }
    folders.start();
    let bytes: u64 = folders.directories().iter().map(|path| bytes_of(path)).sum();
    assert!(bytes < 1 << 20, "{bytes}");
    for n in 0..12 {
        assert_eq!(unread_in(&folders.dump(&format!("app-{n}.steno")), &folders.rings()), 1);
    }
}
