//! Each fuzz target's corpus, once more: what was ever found stays found.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use stenolog_tests::fuzz::{BODIES, seeds};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The names in a folder of `fuzz/`, sorted.
#[track_caller]
fn names(of: &str) -> Vec<String> {
    let folder = folder().join(of);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn every_body_has_a_target_and_a_corpus() {
    let bodies: Vec<_> = BODIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), bodies);
    let targets: Vec<_> = bodies.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), targets);
    for (name, _) in BODIES {
        assert!(!names(&format!("corpus/{name}")).is_empty(), "{name} has no inputs");
    }
}

#[test]
fn every_input_keeps_every_promise() {
    let mut broken = Vec::new();
    for (target, body) in BODIES {
        for name in names(&format!("corpus/{target}")) {
            let bytes = fs::read(folder().join("corpus").join(target).join(&name)).unwrap();
            if catch_unwind(|| body(&bytes)).is_err() {
                broken.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(broken.is_empty(), "see the panics above: {broken:?}");
}

#[test]
fn seeds_keep_every_promise() {
    for (target, name, bytes) in seeds() {
        let (_, body) = BODIES.iter().find(|(name, _)| *name == target).unwrap();
        assert!(catch_unwind(|| body(&bytes)).is_ok(), "{target}/{name}");
    }
}
