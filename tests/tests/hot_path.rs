//! A call does not allocate, call the system or fault a page once its thread and its call site have
//! logged. A child process makes the calls; see `src/hot_child.rs`.
#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

fn run(dump: &Path, what: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hot_child")).arg(dump).arg(what).output().unwrap()
}

/// Allocations, page faults, and the records that there should be.
fn counts(output: &Output) -> [u64; 3] {
    assert!(output.status.success(), "{output:?}");
    let text = str::from_utf8(&output.stdout).unwrap();
    let numbers: Vec<_> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn calls_neither_allocate_nor_fault_nor_call_the_system() {
    for what in ["calls", "calls, memory", "calls, huge pages"] {
        let folder = tempfile::tempdir().unwrap();
        let dump = folder.path().join("app.steno");
        // The system may take a page away from anybody at any time: not three times in a row.
        let mut runs = (0..3).map(|_| counts(&run(&dump, what)));
        let run = runs.find(|&[_, faults, _]| faults == 0);
        let Some([allocations, _, records]) = run else { panic!("page faults: {what}") };
        assert_eq!(allocations, 0, "{what}");
        // All of them were real calls.
        let (read, summary) = stenolog_tests::read(&dump);
        assert!(summary.is_complete(), "{what}: {summary:?}");
        assert_eq!(read.len() as u64, records, "{what}");
    }
}

/// The measurement itself: each of the three would be seen.
#[test]
fn one_of_each_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("app.steno");
    let [allocations, ..] = counts(&run(&dump, "allocation"));
    assert_eq!(allocations, 2, "a box is made and freed");
    let [_, faults, _] = counts(&run(&dump, "page fault"));
    // Some of the 16 pages may have been there.
    assert!(faults >= 8, "{faults}");
    let status = run(&dump, "system call").status;
    assert_eq!(status.signal(), Some(31), "SIGSYS: {status}");
}
