//! Ring directories that are not trusted, are in use, or exceed the limits.

use super::*;

#[test]
fn a_running_writer_keeps_its_rings() {
    let rig = Rig::new();
    let dump = rig.dump(DumpBuilder::new().bytes());
    let meta = File::open(rig.rings().join("meta.steno")).unwrap();
    meta.try_lock().unwrap();
    let found = || RingDir::find(&dump, &[]).found.unwrap();
    let read = found().read(Some(&dump), &Limits::default());
    assert!(matches!(read, Err(RingsError::Alive { .. })), "{read:?}");
    assert!(matches!(found().remove(), Err(RingsError::Alive { .. })));
    drop(meta);
    assert!(found().read(Some(&dump), &Limits::default()).is_ok());
}

#[test]
fn the_directory_is_found_where_it_may_be() {
    let rig = Rig::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join(directory_name(&[1; 16]));
    fs::rename(rig.rings(), &moved).unwrap();
    let dump = rig.dump(DumpBuilder::new().bytes());
    let search = RingDir::find(&dump, &[]);
    assert!(search.found.is_none() && search.refused.is_empty());
    assert!(search.looked_in.contains(&rig.dir.path().canonicalize().unwrap()), "{search:?}");
    for named in [elsewhere.path(), &moved, &moved.join("")] {
        let search = RingDir::find(&dump, &[named.to_owned()]);
        assert!(search.found.is_some(), "{search:?}");
    }
    // Under another name, its files tell.
    let renamed = elsewhere.path().join("kept");
    fs::rename(&moved, &renamed).unwrap();
    assert!(RingDir::find(&dump, &[renamed]).found.is_some());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;

    let rig = Rig::new();
    let elsewhere = Rig::new();
    let mut ring = elsewhere.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..3));
    // Rings and a progress that the writer did not make.
    symlink(elsewhere.rings().join("ring-0"), rig.rings().join("ring-0")).unwrap();
    symlink("/dev/zero", rig.rings().join("ring-1")).unwrap();
    symlink("/dev/zero", rig.rings().join("progress")).unwrap();
    fs::create_dir(rig.rings().join("ring-2")).unwrap();
    let (text, summary) = rig.decode(DumpBuilder::new().bytes());
    assert_eq!(text, "");
    let foreign = summary
        .damage
        .iter()
        .filter(|damage| matches!(damage.cause, DamageCause::Rings(RingDamage::Foreign)));
    assert_eq!(foreign.count(), 4, "{summary:?}");

    // The directory itself.
    fs::remove_dir_all(rig.rings()).unwrap();
    symlink(elsewhere.rings(), rig.rings()).unwrap();
    let dump = rig.dump(DumpBuilder::new().bytes());
    for extra in [vec![], vec![rig.rings()], vec![rig.rings().join("")]] {
        let search = RingDir::find(&dump, &extra);
        assert!(search.found.is_none());
        assert!(matches!(search.refused[0].why, RefusalReason::Link), "{search:?}");
    }
}

/// Any user may create a directory of that name in `/dev/shm`.
#[cfg(unix)]
#[test]
fn rings_of_another_user_are_not_trusted() {
    use std::io::ErrorKind;
    use std::os::unix::fs::chown;

    const OTHER_USER: u32 = 54_321;
    let rig = Rig::new();
    rig.progress(1);
    drop(rig.ring("ring-0", words(1, 1)));
    let dump = rig.dump(DumpBuilder::new().bytes());
    assert!(RingDir::find(&dump, &[]).found.is_some());
    match chown(rig.rings(), Some(OTHER_USER), None) {
        // Only root can give a directory away, and so try this.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return,
        given => given.unwrap(),
    }
    for extra in [vec![], vec![rig.rings()], vec![rig.dir.path().to_owned()]] {
        let search = RingDir::find(&dump, &extra);
        assert!(search.found.is_none(), "{search:?}");
        assert!(
            matches!(search.refused[0].why, RefusalReason::Owner { owner: OTHER_USER }),
            "{search:?}"
        );
        assert!(search.refused[0].to_string().contains("belongs to user 54321"), "{search:?}");
    }
    // The owner of the dump may own its rings.
    chown(dump.name(), Some(OTHER_USER), None).unwrap();
    assert!(RingDir::find(&dump, &[]).found.is_some());
}

#[test]
fn only_files_that_a_logger_creates_are_removed() {
    let rig = Rig::new();
    rig.progress(1);
    drop(rig.ring("ring-0", words(1, 1)));
    rig.file(".new-ring-7", b"");
    let dump = rig.dump(DumpBuilder::new().bytes());
    let found = || RingDir::find(&dump, &[]).found.unwrap();
    rig.file("notes.txt", b"mine");
    #[cfg(unix)]
    std::os::unix::fs::symlink(dump.name(), rig.rings().join("ring-1")).unwrap();
    assert!(found().remove().is_err());
    let left: Vec<_> =
        fs::read_dir(rig.rings()).unwrap().map(|name| name.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    assert!(dump.name().exists(), "a link is removed, not what it leads to");
    fs::remove_file(rig.rings().join("notes.txt")).unwrap();
    found().remove().unwrap();
    assert!(!rig.rings().exists());
}

#[test]
fn limits_are_kept_and_named() {
    let rig = Rig::new();
    for number in 0..5 {
        let mut ring = rig.ring(&format!("ring-{number}"), words(1, number + 1));
        ring.push(&n(number, number as u32));
    }
    // Absurd, but sparse: no byte of it is read.
    File::create(rig.rings().join("ring-9")).unwrap().set_len(1 << 42).unwrap();
    let dump = rig.dump(DumpBuilder::new().bytes());
    let read =
        |limits| RingDir::find(&dump, &[]).found.unwrap().read(Some(&dump), &limits).unwrap();
    let all = read(Limits::default());
    assert_eq!((all.records, all.damage().len()), (5, 1), "{:?}", all.damage());
    assert!(all.damage()[0].to_string().contains("has 4398046511104 bytes"), "{}", all.damage()[0]);
    let few = read(Limits::default().with_ring_files(3));
    assert_eq!((few.records, few.damage().len()), (3, 1));
    assert!(few.damage()[0].to_string().contains("6 ring files exceed the limit of 3"));
    let short = read(Limits::default().with_ring_bytes(2 * (4096 + 4096)));
    assert_eq!((short.records, short.damage().len()), (2, 4), "{:?}", short.damage());
    let little = read(Limits::default().with_ring_metadata_bytes(100));
    assert!(little.damage()[0].to_string().contains("only 100 bytes"), "{:?}", little.damage());
    // The dump's own call sites do for its rings.
    assert_eq!(little.records, 5);
}

#[test]
fn files_that_are_not_rings_of_the_session_are_named_and_ignored() {
    let rig = Rig::new();
    rig.ring("ring-0", words(2, 1)).push(&n(1, 1));
    rig.ring("ring-1", words(1, 0));
    rig.ring("ring-2", words(1, 7)).push(&n(1, 1));
    rig.ring("ring-3", words(1, 7)).push(&n(2, 2));
    rig.ring("ring-4", words(1, 1 << 40)).push(&n(2, 2));
    rig.file("ring-5", b"hello");
    rig.file("ring-6", &[0; 5000]);
    let mut bytes = fs::read(rig.rings().join("ring-2")).unwrap();
    bytes[20] ^= 1;
    rig.file("ring-7", &bytes);
    let (text, summary) = rig.decode(DumpBuilder::new().bytes());
    assert_eq!(text, "7: n 1\n");
    let causes: Vec<_> = summary.damage.iter().map(|damage| damage.cause.to_string()).collect();
    insta::assert_snapshot!(causes.join("\n"), @r"
    is of another session: it is ignored
    holds ring 7, like another file: it is ignored
    cannot be read as a ring: its ring id is 1099511627776
    cannot be read as a ring: 5 bytes are too few for a ring file, whose header alone has 4096
    cannot be read as a ring: not a ring file: it begins with [00, 00, 00, 00, 00, 00, 00, 00]
    cannot be read as a ring: the header of the ring file is damaged: its checksum is wrong
    ");
}

#[cfg(unix)]
#[test]
fn rings_that_came_after_the_judgement_are_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(directory_name(&[1; 16]));
    fs::create_dir(&path).unwrap();
    fs::write(path.join("meta.steno"), "").unwrap();
    let left = LeftRings::at(&path, &Limits::default()).unwrap().unwrap();
    assert_eq!(left.state, LeftState::HalfMade);
    fs::write(path.join("ring-1"), "").unwrap();
    assert!(matches!(left.remove(), Err(RingsError::Alive { .. })));
    assert!(path.join("ring-1").exists());
    fs::remove_file(path.join("ring-1")).unwrap();
    left.remove().unwrap();
    assert!(!path.exists());
}
