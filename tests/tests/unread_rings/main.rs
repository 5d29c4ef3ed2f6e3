//! Records that a killed process had in its rings are in its dump once the next logger has started on the
//! path.
#![cfg(unix)]

mod cut_short;
mod in_use;
mod recovered;
mod refused;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use stenolog::Builder;
use stenolog_decoder::{Dump, Verification, verify};
use stenolog_tests::{message, read, scenario};

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
        let is_late = |remains: &Self| {
            let all = if more == "early" { 400 } else { 800 };
            verify(&Dump::open(remains.dump()).unwrap()).records < all
        };
        tries.find(is_late).expect("a process that is killed before its drain wakes")
    }

    fn of_any(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rings")).unwrap();
        let at = |name| folder.path().join(name);
        let output = scenario!("unread_rings/killed", at("app.steno"), at("rings"), more).output();
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
