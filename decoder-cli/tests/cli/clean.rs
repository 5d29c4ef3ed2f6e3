//! `steno clean` lists ring directories, removes those that are not needed, and nothing else.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use stenolog_ringbuf::file::Options;
use stenolog_session::layout::{DumpLocation, Progress, RingPlace, directory_name};

use crate::dump::{Dump, TICK, counter, tick};
use crate::program::Workspace;

/// The rings of a writer whose dump has the first two of four records, or all of them.
pub(crate) fn left(workspace: &Workspace, session: u8, dump: &str, has_all: bool) -> PathBuf {
    let mut meta = Dump::new(session);
    meta.thread(1, "main");
    let name = format!("rings/{}", directory_name(&[session; 16]));
    workspace.write(&format!("{name}/meta.steno"), meta.unsealed());
    let whole = dump_of(session, has_all).unsealed();
    let mut progress = vec![0; Progress::BYTES];
    let mut put = |at: usize, word: u64| progress[at..at + 8].copy_from_slice(&word.to_le_bytes());
    put(Progress::WRITTEN_AT, whole.len() as u64);
    put(Progress::HAS_LIST_AT, Progress::HAS_LIST);
    put(Progress::LIST_AT, RingPlace::File.word(1));
    workspace.write(&format!("{name}/progress"), progress);
    workspace.write(dump, whole);
    let path = workspace.path().join(dump);
    let (folder, root) = (workspace.path().metadata().unwrap(), fs::metadata("/").unwrap());
    let origin = DumpLocation {
        device: folder.dev(),
        root: [root.dev(), root.ino()],
        path: path.as_os_str().as_bytes().to_vec(),
    };
    workspace.write(&format!("{name}/dump"), origin.encode());
    let half = u64::from_le_bytes([session; 8]);
    let mut words = [0; 24];
    words[..3].copy_from_slice(&[half, half, 1]);
    words[6] = u64::MAX;
    let freed = if has_all { 4 } else { 2 };
    words[4..6].copy_from_slice(&[16 * freed, freed]);
    let ring = workspace.path().join(&name).join("ring-1");
    let (mut producer, mut consumer) =
        Options::new(4096).user_words(words).create_spsc(ring).unwrap();
    for number in 0..4 {
        let mut claim = producer.try_claim(8).unwrap();
        claim.copy_from_slice(&counter(number * 1_000).to_le_bytes());
        claim.commit_tagged(TICK);
    }
    consumer.release_to(16 * freed);
    workspace.path().join(name)
}

pub(crate) fn dump_of(session: u8, has_all: bool) -> Dump {
    let mut dump = Dump::new(session).with_ring_positions();
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0), tick(1_000)]);
    if has_all {
        dump.block(1, 32, 2, &[tick(2_000), tick(3_000)]);
    }
    dump
}

/// The JSON of each directory.
#[track_caller]
fn json(workspace: &Workspace, more: &[&str], code: i32) -> Vec<Value> {
    let run = workspace.run(&[&["clean", "rings", "--json"], more].concat());
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn states(found: &[Value]) -> Vec<(&str, bool)> {
    let of = |left: &'_ Value| left["may_go"].as_bool().unwrap();
    found.iter().map(|left| (left["state"].as_str().unwrap(), of(left))).collect()
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[test]
fn unneeded_directories_are_listed_and_removed_on_request() {
    let workspace = Workspace::new();
    let sealed = left(&workspace, 1, "sealed.steno", true);
    workspace.write("sealed.steno", dump_of(1, true).sealed());
    let moved = left(&workspace, 2, "moved.steno", true);
    fs::remove_file(workspace.path().join("moved.steno")).unwrap();
    workspace.write("moved.steno.1", dump_of(2, true).sealed());
    let gone = left(&workspace, 3, "gone.steno", false);
    fs::remove_file(workspace.path().join("gone.steno")).unwrap();
    let read = left(&workspace, 4, "read.steno", true);
    let half_made = workspace.path().join("rings").join(directory_name(&[5; 16]));
    fs::create_dir(&half_made).unwrap();
    let unread = left(&workspace, 6, "unread.steno", false);

    let found = json(&workspace, &[], 0);
    let expected = [
        ("sealed", true),
        ("sealed", true),
        ("gone", true),
        ("read", true),
        ("half_made", true),
        ("unread", false),
    ];
    assert_eq!(states(&found), expected, "{found:#?}");
    let last = &found[5];
    assert_eq!((&last["unread"], &last["removed"]), (&2.into(), &false.into()));
    assert!(last["dump"].as_str().unwrap().ends_with("/unread.steno"), "{last}");
    assert!(last["bytes"].as_u64().unwrap() > 4096 && last["age_s"].is_u64(), "{last}");
    assert!(found[1]["dump"].as_str().unwrap().ends_with("moved.steno.1"), "{}", found[1]);

    let text = workspace.run(&["clean", "rings"]).ok();
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(text.lines().nth(5).unwrap().contains(": kept: 2 records only here"), "{text}");
    assert!(text.contains("6 ring directories ("), "{text}");
    assert!(text.contains("; 5 ("), "{text}");
    for path in [&sealed, &moved, &gone, &read, &half_made, &unread] {
        assert!(exists(path), "listing removes nothing");
    }

    let text = workspace.run(&["clean", "rings", "--remove"]).ok();
    assert!(text.lines().last().unwrap().contains("; removed 5 ("), "{text}");
    for path in [&sealed, &moved, &gone, &read, &half_made] {
        assert!(!exists(path), "{}", path.display());
    }
    assert!(exists(&unread.join("ring-1")));
    let run = workspace.run(&["unread.steno", "--rings", "rings"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 4), "{}", run.stderr);

    let found = json(&workspace, &["--remove", "--unread"], 0);
    assert_eq!((states(&found), &found[0]["removed"]), (vec![("unread", true)], &true.into()));
    assert!(!exists(&unread));
    assert_eq!(workspace.run(&["clean", "rings"]).ok(), "no ring directories\n");
}

#[test]
fn directories_in_use_or_of_other_users_are_never_touched() {
    let workspace = Workspace::new();
    let running = left(&workspace, 1, "running.steno", false);
    fs::remove_file(workspace.path().join("running.steno")).unwrap();
    let lock = File::open(running.join("meta.steno")).unwrap();
    lock.try_lock().unwrap();
    let noted = left(&workspace, 2, "noted.steno", true);
    workspace.write("noted.steno", dump_of(2, true).sealed());
    fs::write(noted.join("note"), "mine").unwrap();
    // Not seen from here: on another file system, or from another root.
    let elsewhere = left(&workspace, 3, "elsewhere.steno", false);
    fs::remove_file(workspace.path().join("elsewhere.steno")).unwrap();
    let mut origin = fs::read(elsewhere.join("dump")).unwrap();
    origin[0] ^= 1;
    fs::write(elsewhere.join("dump"), origin).unwrap();
    let nameless = left(&workspace, 4, "nameless.steno", false);
    fs::remove_file(workspace.path().join("nameless.steno")).unwrap();
    fs::remove_file(nameless.join("dump")).unwrap();
    let link = workspace.path().join("rings").join(directory_name(&[5; 16]));
    symlink(&noted, &link).unwrap();
    let odd = workspace.path().join("rings/stenolog-odd.rings");
    fs::create_dir(&odd).unwrap();

    let found = json(&workspace, &["--remove", "--unread"], 1);
    let expected = [
        ("running", false),
        ("sealed", true),
        ("unknown", false),
        ("unknown", false),
        ("unknown", false),
    ];
    assert_eq!(states(&found), expected);
    assert!(found.iter().all(|left| left["removed"] == false));
    for path in [&running.join("ring-1"), &elsewhere.join("ring-1"), &nameless.join("ring-1")] {
        assert!(exists(path), "{}", path.display());
    }
    assert!(exists(&noted.join("note")) && exists(&link) && exists(&odd));

    let theirs = left(&workspace, 6, "theirs.steno", true);
    workspace.write("theirs.steno", dump_of(6, true).sealed());
    if chown(&theirs, Some(65_534), None).is_ok() {
        let found = json(&workspace, &["--remove"], 0);
        assert_eq!(states(&found).last(), Some(&("foreign", false)));
        assert!(exists(&theirs.join("ring-1")));
    }
}

#[test]
fn a_directory_may_be_named_itself_and_a_folder_must_exist() {
    let workspace = Workspace::new();
    let sealed = left(&workspace, 1, "sealed.steno", true);
    workspace.write("sealed.steno", dump_of(1, true).sealed());
    let other = left(&workspace, 2, "other.steno", true);
    let text = workspace.run(&["clean", sealed.to_str().unwrap(), "--remove"]).ok();
    assert!(text.contains(": removed: its dump is sealed"), "{text}");
    assert!(!exists(&sealed) && exists(&other));
    let line = workspace.run(&["clean", "nowhere"]);
    assert_eq!(line.code, Some(1));
    assert!(line.stderr.starts_with("steno: nowhere: cannot be read: "), "{}", line.stderr);
    workspace.run(&["clean", "--no-such-flag"]).fails(2);
}
