//! Rings and dumps that a living process uses are not touched.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use stenolog::{Builder, Existing};
use stenolog_tests::scenario;

use crate::{Remains, check, contents};

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

/// A process that has the lock of the rings may still be using them.
#[test]
fn a_dump_whose_rings_are_in_use_is_not_replaced() {
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
    let mut writer = scenario!("unread_rings/killed", &dump, &rings, "alive")
        .command()
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
