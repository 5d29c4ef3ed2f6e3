//! `steno info` and `steno verify`.

use crate::dump::{Dump, five, tick, ticks};
use crate::program::Workspace;

#[test]
fn info_for_people() {
    let workspace = Workspace::with("app.steno", five().sealed());
    insta::assert_snapshot!("info", workspace.run(&["info", "app.steno", "--utc"]).ok());
}

#[test]
fn info_for_programs() {
    let workspace = Workspace::with("app.steno", five().sealed());
    let line = workspace.run(&["info", "app.steno", "--json"]).ok();
    assert_eq!(line.lines().count(), 1);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    insta::assert_snapshot!("info-json", serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn info_of_an_unsealed_dump_says_so() {
    let workspace = Workspace::with("app.steno", five().unsealed());
    let run = workspace.run(&["info", "app.steno"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""));
    assert!(run.stdout.contains("  state:      not sealed: byte "), "{}", run.stdout);
    assert_eq!(run.stdout.matches("not sealed").count(), 1, "{}", run.stdout);
    let lost = "\n  lost:       what its writer had not written yet\n";
    assert!(run.stdout.contains(lost), "{}", run.stdout);
}

/// Checks what `info` says is lost, in words and in numbers, and that `verify` says it too.
#[track_caller]
fn check_lost(bytes: Vec<u8>, text: &str, [lost, missing]: [u64; 2]) {
    let workspace = Workspace::with("app.steno", bytes);
    let run = workspace.run(&["info", "app.steno"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("\n  lost:       {text}\n")), "{}", run.stdout);
    for command in ["info", "verify"] {
        let run = workspace.run(&[command, "--json", "app.steno"]);
        let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let found = ["complete", "lost", "missing"].map(|key| value[key].clone());
        let expected: [serde_json::Value; 3] = [false.into(), lost.into(), missing.into()];
        assert_eq!(found, expected, "{command}");
        assert_eq!(run.code, Some(3));
    }
}

#[test]
fn info_tells_of_numbers_that_are_left_out() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0), tick(1)]);
    dump.block(1, 4_058 * 64, 4_058, &[tick(5)]);
    check_lost(dump.sealed(), "4 056 records missing from the file", [0, 4_056]);
}

#[test]
fn info_tells_of_damaged_blocks_and_of_stated_losses() {
    let mut bytes = ticks(1, 300).sealed();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    check_lost(bytes, "100 records missing from the file", [0, 100]);

    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0)]);
    dump.loss(1, 64, 5, 17);
    check_lost(dump.sealed_with_losses(17), "17 records lost when logged", [17, 0]);
}

#[test]
fn info_of_several_files() {
    let workspace = Workspace::with("a.steno", five().sealed());
    workspace.write("b.steno", ticks(2, 300).sealed());
    let text = workspace.run(&["info", "."]).ok();
    assert_eq!(text.lines().filter(|line| line.ends_with(".steno")).count(), 2, "{text}");
    assert_eq!(workspace.run(&["info", "--json", "a.steno", "b.steno"]).ok().lines().count(), 2);
    let run = workspace.run_with_input(&["info", "-"], ticks(2, 300).sealed());
    assert!(run.ok().starts_with("<stdin>\n"));
}

#[test]
fn whole_dumps_are_ok() {
    let workspace = Workspace::with("a.steno", five().sealed());
    workspace.write("b.steno", ticks(2, 300).sealed());
    insta::assert_snapshot!("verify", workspace.run(&["verify", "a.steno", "b.steno"]).ok());
    let json = workspace.run(&["verify", "--json", "a.steno"]).ok();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    insta::assert_snapshot!("verify-json", serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn all_damage_is_listed() {
    let whole = ticks(1, 300).sealed();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    bytes.truncate(whole.len() - 20);
    let workspace = Workspace::with("app.steno", bytes);
    let run = workspace.run(&["verify", "app.steno"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""));
    let folder = workspace.path().canonicalize().unwrap();
    let text = run.stdout.replace(folder.to_str().unwrap(), "[folder]");
    insta::assert_snapshot!("verify-damaged", text);
    let run = workspace.run(&["verify", "app.steno", "--json"]);
    assert_eq!(run.code, Some(3));
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(value["intact"], false);
    assert!(!value["damage"].as_array().unwrap().is_empty());
}

#[test]
fn losses_make_a_dump_incomplete() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0)]);
    dump.loss(1, 64, 5, 17);
    let workspace = Workspace::with("app.steno", dump.sealed_with_losses(17));
    let run = workspace.run(&["verify", "app.steno"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""));
    assert!(run.stdout.starts_with("app.steno: incomplete: 1 record, "), "{}", run.stdout);
    let ring =
        "ring 1 (main): incomplete: records 0 to 0, positions 0 to 64, 17 records lost when logged";
    assert!(run.stdout.contains(ring), "{}", run.stdout);
    assert!(
        run.stdout.ends_with("\napp.steno: 17 records lost when logged: ring full\n"),
        "{}",
        run.stdout
    );
}
