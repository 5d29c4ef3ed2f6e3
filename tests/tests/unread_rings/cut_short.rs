//! A recovery that is cut short is done again, and shows no record twice.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use stenolog::__private::Step;
use stenolog::Existing;
use stenolog_decoder::{Dump, Limits, RingDir, verify_with};
use stenolog_tests::scenario;

use crate::{Remains, check, contents};

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
    // With zeros or other bytes after it, as by a disk that was slow.
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
            let next = scenario!("unread_rings/next", remains.dump(), remains.rings());
            let output = next.die_after(&format!("{step:?}:{times}")).output();
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

#[test]
fn a_full_disk_leaves_the_rings() {
    let remains = Remains::new("some");
    let rings = contents(&remains.rings());
    let before = fs::read(remains.dump()).unwrap();
    let limit = (before.len() + 1000).to_string();
    let next = scenario!("unread_rings/next", remains.dump(), remains.rings(), limit);
    let output = next.output();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains(".rings: the dump: "), "{output:?}");
    assert_eq!(contents(&remains.rings()), rings);
    // It may have had a piece of a frame at its end.
    assert!(before.starts_with(&fs::read(remains.earlier()).unwrap()));
    let dump = Dump::open(remains.earlier()).unwrap();
    let search = RingDir::find(&dump, &[remains.rings()]);
    let recovery = search.found.unwrap().read(Some(&dump), &Limits::default()).unwrap();
    let found = verify_with(&dump, Some(&recovery.dump));
    assert!(found.is_intact() && found.records == 800, "{found:?}");
}
