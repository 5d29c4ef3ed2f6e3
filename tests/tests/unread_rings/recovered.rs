//! The next logger on the path puts the records of a killed process into its dump.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use stenolog::{Builder, Existing, UnreadRings, info};
use stenolog_decoder::{Dump, Limits, RingDir, verify};
use stenolog_tests::{read, scenario};

use crate::{Remains, check, contents};

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
    let killed = scenario!("unread_rings/killed", remains.dump(), remains.rings(), "some");
    let output = killed.output();
    assert_eq!(output.status.signal(), Some(libc::SIGKILL));
    check(&remains, &remains.earlier(), 0);
    let told = scenario!("unread_rings/next", remains.dump(), remains.rings()).run();
    assert_eq!(told, Vec::<String>::new());
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

/// A slow reader would be killed if its mapped pages were taken away.
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
