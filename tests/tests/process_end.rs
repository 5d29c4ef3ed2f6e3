//! A logger that is still running when its process ends is sealed, unless the process ends without
//! telling anyone.
#![cfg(unix)]

use std::path::Path;

use stenolog_tests::{messages, scenario};

#[test]
fn a_logger_in_a_static_is_sealed_when_the_process_ends() {
    let all = ["thread", "main", "thread-local"];
    let handlers = ["registered after the start", "registered before the start"];
    for how in ["return", "exit", "child"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.steno");
        let lines = scenario!("process_end/kept", &path, how).run();
        let mut expected = all[..2].to_vec();
        if how == "child" {
            expected.push("the child ended with 0");
        }
        // Destructors of thread-locals and handlers of `atexit` are heard, whenever they were made known.
        expected.extend(
            [all[2]].iter().chain(handlers.iter().take(if cfg!(target_os = "linux") {
                2
            } else {
                1
            })),
        );
        expected.push("2 more records of this call site were held back");
        assert_eq!(messages(&path), expected, "{how}");
        assert!(!Path::new(&lines[0]).exists(), "{how}: the rings are gone");
    }
    // Who ends the process so leaves the rings, which have everything.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.steno");
    let lines = scenario!("process_end/kept", &path, "_exit").run();
    assert!(Path::new(&lines[0]).exists());
    std::fs::remove_dir_all(&lines[0]).unwrap();
}
