//! A forked child never disturbs its parent's dump: it is silent, or has a dump of its own.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use stenolog_decoder::Dump;
use stenolog_tests::{messages, scenario};

#[test]
fn a_forked_child_is_silent_and_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("forks/fork", &path).run();
    assert_eq!(reports[0], "100000");
    for report in &reports[1..] {
        assert!(report.contains("forked child"), "{report}");
    }
    assert_eq!(messages(&path), ["before the fork", "after the fork, child ended with 0"]);
    assert_eq!(messages(&folder.path().join("app.child.steno")), ["the child's own"]);
}

#[test]
fn a_forked_child_gets_a_dump_of_its_own_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("forks/fork-own", &path).run();
    let of_parent = messages(&path);
    assert_eq!(of_parent.len(), 1002);
    assert_eq!(of_parent[0], "before the fork");
    assert!(of_parent[1..1001].iter().all(|message| message.starts_with("parent ")));
    let of_child = messages(&folder.path().join(format!("app.{}.steno", reports[0])));
    let expected: Vec<_> = (0..1000).map(|n| format!("child {n}")).collect();
    assert_eq!(of_child, expected);
    // And so does the child's child.
    let name = format!("app.{}.{}.steno", reports[0], reports[1]);
    assert_eq!(messages(&folder.path().join(name)), ["grandchild"]);
}

/// Whatever the parent's other threads hold while it forks.
#[test]
fn a_child_hears_the_call_sites_of_other_crates_that_it_reaches_first() {
    for how in ["tracing", "log", "log-enabled"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let children = scenario!("forks/fork-captured", &path, how).run();
        assert_eq!(children.len(), 20);
        for (n, child) in children.iter().enumerate() {
            let first = format!("child {n}");
            let first = [first.as_str()].into_iter().filter(|_| how != "log-enabled");
            let expected: Vec<_> = first.chain(["after it", "in a span"]).collect();
            let of_child = messages(&folder.path().join(format!("app.{child}.steno")));
            assert_eq!(of_child, expected, "{how}");
        }
    }
}

#[test]
fn a_child_that_lives_on_does_not_make_its_killed_parent_seem_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut parent = scenario!("forks/orphan", &path)
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Both, as a child that has not run yet has all that its parent had.
    let reports = BufReader::new(parent.stdout.take().unwrap());
    let mut reports: Vec<_> = reports.lines().take(2).map(Result::unwrap).collect();
    reports.sort();
    assert_eq!(reports, ["child", "parent"]);
    // The child waits until this is dropped.
    let orphan = parent.stdin.take();
    parent.wait().unwrap();
    let dump = Dump::open(&path).unwrap();
    assert_eq!(dump.writer_is_alive(), Some(false));
    drop(orphan);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_no_handler_has_seen_is_silent() {
    for how in ["main", "thread"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clone.steno");
        scenario!("forks/clone", &path, how).run();
        let before = (0..4).map(|n| format!("parent before {n}"));
        let after = (0..4).map(|n| format!("parent after {n}"));
        let end = ["child", "other"].map(|who| format!("the {who} ended with 0"));
        assert_eq!(messages(&path), before.chain(after).chain(end).collect::<Vec<_>>(), "{how}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{how}: no other dump");
    }
}
