//! A ring that does not survive its process is stated: no reader calls a dump complete of which a ring
//! was in memory, or in a file that was deleted, when its writer was killed.
#![cfg(unix)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stenolog::Builder;
use stenolog_decoder::{
    DamageCause, Decoder, Dump, Entry, Limits, RingDir, Tail, Verification, info_with, verify,
    verify_with,
};
use stenolog_tests::scenario;
use stenolog_tests::scenario::Scenario;

/// What a process has left.
struct Remains {
    folder: tempfile::TempDir,
    told: String,
}

/// What a reader makes of it.
struct Found {
    messages: Vec<String>,
    verification: Verification,
    is_complete: bool,
}

impl Found {
    /// The rings that were lost, as they are named.
    fn lost(&self) -> Vec<String> {
        let damage = self.verification.damage.iter();
        let lost = damage.filter(|damage| matches!(damage.cause, DamageCause::RingLost { .. }));
        lost.map(|damage| damage.cause.to_string()).collect()
    }
}

fn process(name: &str, folder: &Path, rings_in: &Path, end: &str) -> Scenario {
    let name = format!("volatile_rings/{name}");
    scenario!(&name, folder.join("app.steno"), rings_in, end)
}

impl Remains {
    #[track_caller]
    fn killed(name: &str, end: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rings = folder.path().join("rings");
        fs::create_dir(&rings).unwrap();
        let output = process(name, folder.path(), &rings, end).output();
        assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
        Self { folder, told: told(&output) }
    }

    fn dump(&self) -> PathBuf {
        self.folder.path().join("app.steno")
    }

    fn rings(&self) -> PathBuf {
        self.folder.path().join("rings")
    }

    fn read(&self) -> Found {
        read(&self.dump(), &self.rings())
    }
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn read(dump: &Path, rings: &Path) -> Found {
    let dump = Dump::open(dump).unwrap();
    let mut dumps = Vec::new();
    if dump.tail() != Tail::Sealed
        && let Some(dir) = RingDir::find(&dump, &[rings.to_owned()]).found
    {
        dumps.push(dir.read(Some(&dump), &Limits::default()).unwrap().dump);
    }
    let verification = verify_with(&dump, dumps.first());
    // `info` reads no records, but calls nothing complete that `verify` does not.
    let info = info_with(&dump, dumps.first());
    assert!(verification.is_intact() || !info.is_complete(), "{info:?}");
    dumps.insert(0, dump);
    let mut messages = Vec::new();
    let mut decoder = Decoder::new(&dumps);
    let _ = decoder.for_each(|entry| {
        if let Entry::Record(record) = entry {
            let mut text = String::new();
            record.write_message(&mut text);
            messages.push(text);
        }
        std::ops::ControlFlow::Continue(())
    });
    let is_complete = decoder.summary().is_complete();
    let is_verified = verification.is_intact() && verification.lost == 0;
    assert_eq!(is_complete, is_verified, "both readings say the same: {verification:?}");
    Found { messages, verification, is_complete }
}

fn records(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("record {n}")).collect()
}

#[test]
fn a_ring_that_may_not_be_a_file_is_stated_before_its_records_are() {
    for policy in ["prefer", "require"] {
        let remains = Remains::killed("file-size", policy);
        assert!(remains.told.ends_with("1 in memory\n"), "{}", remains.told);
        let found = remains.read();
        assert!(!found.is_complete, "{policy}");
        let lost = "ring 1 (thread main) was in memory when its writer died: an unknown number of its \
                    records is missing";
        assert_eq!(found.lost(), [lost]);
    }
}

#[test]
fn one_thread_in_memory_takes_nothing_from_the_others() {
    let remains = Remains::killed("descriptors", "kill");
    let found = remains.read();
    assert_eq!(found.messages, records(0..6));
    let [lost] = &found.lost()[..] else { panic!("{:?}", found.verification.damage) };
    assert!(lost.starts_with("ring 2 (thread other) was in memory"), "{lost}");
}

#[test]
fn a_dump_that_is_sealed_has_what_was_in_memory() {
    for name in ["file-size", "descriptors", "asked-for"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rings")).unwrap();
        let rings = folder.path().join("rings");
        let output = process(name, folder.path(), &rings, "close").output();
        assert!(output.status.success(), "{output:?}");
        let found = read(&folder.path().join("app.steno"), &rings);
        assert!(found.is_complete, "{name}: {:?}", found.verification);
        assert_eq!(fs::read_dir(rings).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn a_logger_without_ring_files_says_so_first_whatever_its_filter() {
    let remains = Remains::killed("asked-for", "kill");
    let dump = Dump::open(remains.dump()).unwrap();
    assert_eq!(dump.is_in_memory(), Some(""));
    assert!(!remains.read().is_complete);
    for filter in ["off", "error", "trace", "stenolog=off"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let log = Builder::new(&path).filter(filter).rings_in("/nonexistent").start_detached();
        log.unwrap().close().unwrap();
        let dump = Dump::open(&path).unwrap();
        assert!(dump.is_in_memory().is_some_and(|why| why.contains("/nonexistent")), "{filter}");
        let found = read(&path, folder.path());
        assert!(found.is_complete, "{filter}");
        assert_eq!(found.messages.len(), 1, "{filter}");
        assert!(found.messages[0].starts_with("the rings are in memory only"), "{filter}");
    }
}

#[test]
fn the_next_start_completes_the_dump_and_does_not_hide_the_loss() {
    let remains = Remains::killed("descriptors", "kill");
    let log = Builder::new(remains.dump()).rings_in(remains.rings());
    log.start_detached().unwrap().close().unwrap();
    assert_eq!(fs::read_dir(remains.rings()).unwrap().count(), 0, "the rings are removed");
    let earlier = remains.folder.path().join("app.1.steno");
    let found = read(&earlier, &remains.rings());
    assert_eq!(found.verification.tail, Tail::Sealed);
    assert_eq!(found.messages, records(0..6));
    let [lost] = &found.lost()[..] else { panic!("{:?}", found.verification.damage) };
    assert!(lost.starts_with("ring 2 (thread other) was in memory"), "{lost}");
    assert!(!found.is_complete);
}

#[test]
fn a_recovered_copy_does_not_hide_the_loss() {
    let remains = Remains::killed("descriptors", "kill");
    let dump = Dump::open(remains.dump()).unwrap();
    let dir = RingDir::find(&dump, &[remains.rings()]).found.unwrap();
    let recovery = dir.read(Some(&dump), &Limits::default()).unwrap();
    assert!(recovery.is_all_read());
    let mut copy = Vec::new();
    let recovered = stenolog_decoder::recover(&[dump, recovery.dump], &mut copy).unwrap();
    assert!(recovered.is_sealed && !recovered.summary.is_complete());
    let copy = Dump::from_bytes("copy.steno", copy).unwrap();
    let verification = verify(&copy);
    assert_eq!((verification.records, verification.is_intact()), (6, false));
}

/// Tmp cleaners, `RemoveIPC`, and hands.
#[test]
fn rings_whose_files_are_deleted_are_missed() {
    for what in ["directory", "ring-", "ring-2", "progress", "meta"] {
        // Between the deletion and the next look.
        let remains = Remains::killed("deleted", &format!("{what}+unnoticed"));
        let dump = Dump::open(remains.dump()).unwrap();
        let is_found = RingDir::find(&dump, &[remains.rings()]).found.is_some();
        assert_eq!(is_found, what != "directory");
        let found = remains.read();
        // What explains the rest was in the dump already.
        let is_needed = what != "meta";
        assert!(!found.is_complete, "{what}");
        let all = if is_needed && what != "progress" { 10 } else { 20 };
        assert_eq!(found.messages, records(0..all), "{what}");
        // The logger has looked: the directory is there again, and its thread has not called since.
        let remains = Remains::killed("deleted", &format!("{what}+looked"));
        let found = remains.read();
        assert_eq!(found.messages, records(0..20), "{what}");
        let is_ring_gone = matches!(what, "directory" | "ring-" | "ring-2");
        assert_eq!(!found.is_complete, is_ring_gone, "{what}: {:?}", found.verification);
        if is_ring_gone {
            let [lost] = &found.lost()[..] else { panic!("{:?}", found.verification.damage) };
            assert!(lost.starts_with("the file of ring 1 (thread main) was deleted"), "{lost}");
            assert!(remains.told.contains("1 rings of the dump"), "{}", remains.told);
        }
    }
}

#[test]
fn threads_whose_ring_file_was_deleted_get_another() {
    for what in ["directory", "ring-"] {
        let remains = Remains::killed("deleted", &format!("{what}+noticed"));
        let found = remains.read();
        assert_eq!(found.messages, records(0..40), "{what}");
        assert!(found.is_complete, "{what}: {:?}", found.verification);
        assert!(found.verification.recovered >= 10, "{what}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_again_is_told_once() {
    let remains = Remains::killed("deleted", "folder+noticed");
    let told = remains.told.matches("the directory cannot be recreated").count();
    assert_eq!(told, 1, "{}", remains.told);
    assert!(!remains.read().is_complete);
}

#[test]
fn rings_without_room_in_the_first_folder_are_beside_the_dump() {
    let folder = tempfile::tempdir().unwrap();
    let rings = Path::new("-");
    let output = process("elsewhere", folder.path(), rings, "kill").output();
    assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
    assert_eq!(told(&output), "0 in memory\n");
    let path = folder.path().join("app.steno");
    let both = read(&path, folder.path());
    assert!(both.is_complete, "{:?}", both.verification);
    assert_eq!(both.messages.len(), 6);
    // One of them is not enough.
    let dump = Dump::open(&path).unwrap();
    let name = |dir: &RingDir| dir.path().file_name().unwrap().to_owned();
    let name = name(&RingDir::find(&dump, &[]).found.unwrap());
    let [shared, beside] = [Path::new("/dev/shm"), folder.path()].map(|at| at.join(&name));
    let aside = folder.path().join("aside");
    fs::rename(&beside, &aside).unwrap();
    let found = read(&path, folder.path());
    assert!(!found.is_complete);
    assert!(found.lost()[0].starts_with("the file of ring 2 (thread other)"), "{:?}", found.lost());
    fs::rename(&aside, &beside).unwrap();
    let kept = shared.with_extension("aside");
    if shared.exists() {
        fs::rename(&shared, &kept).unwrap();
        assert!(!read(&path, folder.path()).is_complete);
        fs::rename(&kept, &shared).unwrap();
    }
    // The next start reads both, and removes both.
    Builder::new(&path).start_detached().unwrap().close().unwrap();
    let found = read(&folder.path().join("app.1.steno"), folder.path());
    assert_eq!(found.verification.tail, Tail::Sealed);
    assert!(found.is_complete && found.messages.len() == 6, "{:?}", found.verification);
    assert!(!shared.exists() && !beside.exists());
}

#[test]
fn a_call_site_for_whose_entry_there_is_no_room_is_explained_by_the_dump() {
    let remains = Remains::killed("no-room-to-explain", "kill");
    let found = remains.read();
    assert_eq!(found.messages, records(0..6));
    assert!(found.is_complete, "{:?}", found.verification);
}

/// In a folder of its own with little room, which only root can have.
#[test]
#[expect(clippy::print_stderr, reason = "a test run shows it with --nocapture")]
fn a_small_folder_is_shared_and_what_does_not_fit_is_stated() {
    for (room, in_memory) in [("64m", false), ("600k", true)] {
        let folder = tempfile::tempdir().unwrap();
        let [small, copy] = ["small", "copy"].map(|name| folder.path().join(name));
        fs::create_dir(&small).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={room} tmpfs {small} || exit 77\n\
             {child} volatile_rings/many {dump} {small} kill\n\
             cp -r {small} {copy}",
            small = small.display(),
            copy = copy.display(),
            child = env!("CARGO_BIN_EXE_child"),
            dump = folder.path().join("app.steno").display()
        );
        let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output();
        let Some(output) = output.ok().filter(|_| copy.exists()) else {
            eprintln!("skipped: it takes a user who may mount a file system in a namespace");
            return;
        };
        let found = read(&folder.path().join("app.steno"), &copy);
        let last = told(&output).lines().last().map(str::to_owned);
        assert_eq!(last.as_deref() != Some("0 in memory"), in_memory, "{output:?}");
        assert_eq!(found.is_complete, !in_memory);
        let last = found.messages.iter().filter(|message| message.starts_with("last of"));
        assert_eq!(last.count() + found.lost().len(), 100, "{room}: {:?}", found.lost());
    }
}

#[test]
fn calls_without_memory_are_counted_where_a_kill_leaves_the_count() {
    for kib in [0, 8, 1200] {
        let found = Remains::killed("no-memory", &format!("{kib}+kill")).read();
        if let [lost] = &found.lost()[..] {
            // What the drain has freed may be enough for a ring in memory. Then this is what is known.
            assert!(kib == 1200 && lost.starts_with("ring 1 (thread main) was in memory"), "{lost}");
            continue;
        }
        let lost = found.verification.lost;
        assert_eq!(found.messages.len() as u64 + lost, 10, "{kib} KiB: {:?}", found.verification);
    }
    // The next start does not lose the count.
    let remains = Remains::killed("no-memory", "0+kill");
    let log = Builder::new(remains.dump()).rings_in(remains.rings());
    log.start_detached().unwrap().close().unwrap();
    let found = read(&remains.folder.path().join("app.1.steno"), &remains.rings());
    assert_eq!(found.verification.tail, Tail::Sealed);
    assert_eq!(found.messages.len() as u64 + found.verification.lost, 10);
    assert!(found.verification.damage.is_empty(), "{:?}", found.verification);
}

/// Only root has any to lose.
#[test]
fn a_process_that_gives_up_rights_keeps_its_rings_and_states_those_that_it_cannot_have() {
    for end in ["setuid", "chroot"] {
        let folder = tempfile::tempdir().unwrap();
        let rings = folder.path().join("rings");
        fs::create_dir(&rings).unwrap();
        let output = process("rights", folder.path(), &rings, end).output();
        if told(&output) == "refused\n" {
            continue;
        }
        assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
        assert!(!told(&output).contains("were deleted"), "{end}: {output:?}");
        let found = read(&folder.path().join("app.steno"), &rings);
        let [lost] = &found.lost()[..] else {
            panic!("{end}: {:?} {output:?}", found.verification)
        };
        assert!(lost.starts_with("ring 2 (thread other) was in memory"), "{end}: {lost}");
        assert_eq!(found.messages, records(0..9), "{end}");
    }
}

#[test]
fn without_memory_a_call_counts_its_record_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for kib in [0, 8, 32, 128, 1200] {
        let path = folder.path().join(format!("{kib}"));
        fs::create_dir_all(path.join("rings")).unwrap();
        let output = process("no-memory", &path, &path.join("rings"), &kib.to_string()).output();
        assert!(output.status.success(), "{kib} KiB: {output:?}");
        let found = read(&path.join("app.steno"), &path);
        assert!(found.verification.damage.is_empty(), "{:?}", found.verification);
        let again = found.messages.iter().filter(|message| message.starts_with("again"));
        assert_eq!(again.count(), 10, "{kib} KiB");
        let shown = found.messages.len() as u64;
        assert_eq!(shown + found.verification.lost, 20, "{kib} KiB: {:?}", found.verification);
        assert_eq!(told(&output).lines().last(), Some(&*format!("{} lost", 20 - shown)));
        assert!(kib > 0 || shown < 20, "without any memory none is recorded");
    }
}
