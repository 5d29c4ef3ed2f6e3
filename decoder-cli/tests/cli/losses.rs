//! Statements of losses do not drown answers, and are summed up all the same.

use stenolog_testkit::str_bytes;

use crate::dump::{Dump, limit, lost_peer, tick};
use crate::program::{Run, Workspace};

/// Debug records that were lost before each warning, and two times in a row at the end.
fn noise() -> Workspace {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    for at in 0..4_u64 {
        dump.loss(1, at * 128, at * 1_000, 10 * (at + 1));
        let second = if at == 2 { lost_peer(at * 1_000 + 20, "b") } else { tick(at * 1_000 + 20) };
        dump.block(1, at * 128, at * 2, &[limit(at * 1_000 + 10, 5), second]);
    }
    dump.loss(1, 512, 5_000, 45);
    dump.loss(1, 512, 6_500, 50);
    Workspace::with("app.steno", dump.sealed_with_losses(50))
}

#[track_caller]
fn check(workspace: &Workspace, args: &[&str], records: usize, losses: usize) -> String {
    let mut shown = None;
    for threads in ["1", "3"] {
        let Run { code, stdout, stderr } =
            workspace.run(&[&["app.steno", "--utc", "-j", threads], args].concat());
        assert_eq!(code, Some(3), "{stderr}");
        assert!(
            stderr.contains("incomplete: 50 records lost when logged: ring full; "),
            "{stderr}"
        );
        let is_loss = |line: &&str| line.contains(" lost: ");
        let found = stdout.lines().filter(is_loss).count();
        assert_eq!(
            (stdout.lines().count() - found, found),
            (records, losses),
            "{args:?}: {stdout}"
        );
        assert_eq!(*shown.get_or_insert_with(|| stdout.clone()), stdout, "{threads} threads");
    }
    shown.unwrap_or_default()
}

#[test]
fn losses_are_merged_inline_or_none() {
    let workspace = noise();
    let merged = check(&workspace, &[], 8, 5);
    assert_eq!(check(&workspace, &["--losses", "merged"], 8, 5), merged);
    let last = merged.lines().last().unwrap();
    assert_eq!(
        last,
        "2026-05-31T12:00:06.500000Z  WARN main stenolog: 10 records lost: ring full (10 DEBUG); \
         2 times in 1.5s"
    );
    check(&workspace, &["--losses", "inline"], 8, 6);
    check(&workspace, &["--losses", "none"], 8, 0);
    let json = check(&workspace, &["--json"], 8, 5);
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    let fields = serde_json::json!({
        "lost": 10, "ring": 1, "cause": "ring_full", "ring_full": { "DEBUG": 10 },
        "statements": 2, "first_timestamp": "2026-05-31T12:00:05.000000000Z",
    });
    assert_eq!(last["fields"], fields);
    assert!(
        workspace.run(&["app.steno", "--losses", "some"]).fails(2).contains("merged, inline, none")
    );
}

#[test]
fn filters_apply_to_losses() {
    let workspace = noise();
    check(&workspace, &["-l", "error"], 1, 0);
    check(&workspace, &["-l", "warn"], 5, 0);
    check(&workspace, &["-l", "debug"], 8, 5);
    check(&workspace, &["-g", "limit"], 4, 0);
    check(&workspace, &["-t", "app::risk"], 4, 0);
    check(&workspace, &["-t", "stenolog"], 0, 1);
    check(&workspace, &["-g", "records lost", "--losses", "inline"], 0, 6);
    check(&workspace, &["cause=ring_full"], 0, 1);
    check(&workspace, &["limit=5"], 4, 0);
    check(&workspace, &["-S", "2026-05-31 12:00:04"], 0, 1);
    check(&workspace, &["-U", "2026-05-31 12:00:01.005"], 2, 2);
}

#[test]
fn the_last_records_are_counted_without_losses() {
    let workspace = noise();
    let last = check(&workspace, &["-n", "2"], 2, 2);
    let lost = |line: &str| line.contains(" lost: ");
    assert_eq!(last.lines().map(lost).collect::<Vec<_>>(), [true, false, false, true]);
    check(&workspace, &["-n", "2", "--losses", "inline"], 2, 3);
    check(&workspace, &["-n", "2", "--losses", "none"], 2, 0);
    check(&workspace, &["-n", "0"], 0, 0);
    check(&workspace, &["-n", "99"], 8, 5);
    check(&workspace, &["-n", "1", "-l", "error"], 1, 0);
}

#[test]
fn fields_of_losses_are_known() {
    let workspace = noise();
    let run = workspace.run(&["app.steno", "lost=7000"]);
    assert_eq!(run.stdout, "");
    assert!(!run.stderr.contains("no call site has this field"), "{}", run.stderr);
    // Names as formats show them.
    for name in ["fields.peer=nobody", "fields.limit=3"] {
        let run = workspace.run(&["app.steno", name]);
        assert!(!run.stderr.contains("no call site has this field"), "{}", run.stderr);
    }
    assert!(workspace.run(&["app.steno", "pier=1"]).stderr.contains("no call site has this field"));
}

#[test]
fn formulas_in_csv_are_defused_if_asked_for() {
    let mut dump = Dump::new(1);
    dump.thread(1, "=cmd");
    dump.block(1, 0, 0, &[(crate::dump::LOST_PEER, 0, str_bytes("x"))]);
    let workspace = Workspace::with("app.steno", dump.sealed());
    let cells = |args: &[&str]| workspace.run(&[&["app.steno", "-o", "csv"], args].concat()).ok();
    assert!(cells(&[]).contains(",app,=cmd,"));
    assert!(cells(&["--defuse-formulas"]).contains(",app,'=cmd,"));
}
