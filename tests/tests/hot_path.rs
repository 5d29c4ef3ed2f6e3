//! A call does not allocate, call the system or fault a page once its thread and its call site have
//! logged. A child process makes the calls; see `src/hot_child.rs`.
#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

fn run(dump: &Path, what: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hot_child")).arg(dump).arg(what).output().unwrap()
}

/// Allocations, page faults, the records that there should be, and whether a ring is on a disk.
fn counts(output: &Output) -> [u64; 4] {
    assert!(output.status.success(), "{output:?}");
    let text = str::from_utf8(&output.stdout).unwrap();
    let numbers: Vec<_> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn calls_neither_allocate_nor_fault_nor_call_the_system() {
    for what in ["calls", "calls, memory", "calls, huge pages"] {
        let folder = tempfile::tempdir().unwrap();
        let dump = |run| folder.path().join(format!("{run}.steno"));
        // The system may take a page away from anybody at any time: not ten times in a row. Where
        // `/dev/shm` has no room, the ring is on a disk, and its pages are taken away each time.
        let mut runs = (0..10).map(|n| (n, counts(&run(&dump(n), what))));
        let run = runs.find(|&(_, [_, faults, _, on_a_disk])| faults == 0 || on_a_disk == 1);
        let Some((n, [allocations, _, records, _])) = run else { panic!("page faults: {what}") };
        assert_eq!(allocations, 0, "{what}");
        // All of them were real calls.
        let (read, summary) = stenolog_tests::read(&dump(n));
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
    let [_, faults, ..] = counts(&run(&dump, "page fault"));
    // Some of the 16 pages may have been there.
    assert!(faults >= 8, "{faults}");
    let status = run(&dump, "system call").status;
    assert_eq!(status.signal(), Some(31), "SIGSYS: {status}");
}
