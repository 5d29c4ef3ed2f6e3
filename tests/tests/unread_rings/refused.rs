//! Files that no logger left there are not followed, changed or removed.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use stenolog::Existing;
use stenolog_decoder::{Dump, verify};

use crate::{Remains, check, contents};

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
    // The rings are left alone; what the tail has may be added.
    assert!(fs::read(remains.earlier()).unwrap().starts_with(&dump));
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
        assert!(told[0].contains("are left in"), "{told:?}");
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
    check(&copy, "ring-2 is not in the state");
    // The explanations of another run.
    let copy = remains.copy();
    let path = copy.ring_dir().unwrap().join("meta.steno");
    let mut meta = fs::read(&path).unwrap();
    meta[16] ^= 1;
    let crc = crc32fast::hash(&meta[..60]);
    meta[60..64].copy_from_slice(&crc.to_le_bytes());
    fs::write(path, meta).unwrap();
    check(&copy, "meta.steno is not in the state");
    drop(dir);
}
