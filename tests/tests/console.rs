//! Console: what is printed while a program runs is what `steno` prints later.

use std::process::Stdio;

use stenolog::{Builder, Console, Level, StartError, info, warn};
use stenolog_decoder::Format;
use stenolog_tests::{messages, read, render, scenario};

/// What a child prints to standard output, and to standard error.
fn run(name: &str, how: &str) -> (String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let child = match name {
        "beside" => scenario!("console/beside", &path, how),
        _ => scenario!("console/only", &path, how),
    };
    let output = child.output();
    assert!(output.status.success(), "{output:?}");
    let format = if how == "json" { Format::Json } else { Format::Short };
    let dump = if path.exists() { render(&path, format).0 } else { String::new() };
    assert_eq!(path.exists(), name == "beside");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), dump)
}

/// Lines without their times, which two clock pairs may map differently by some nanoseconds.
fn untimed(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest)).collect()
}

#[test]
fn the_lines_are_those_of_steno() {
    let (stdout, stderr, dump) = run("beside", "");
    assert_eq!(untimed(&stdout), untimed(&dump));
    assert_eq!(stdout.lines().count(), 1503);
    assert!(stdout.lines().all(|line| line.starts_with("20")), "{stdout}");
    assert_eq!(stderr, "");
}

#[test]
fn json_is_printed_as_steno_prints_it() {
    let (stdout, _, dump) = run("beside", "json");
    let parse = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let without_time = |mut records: Vec<serde_json::Value>| {
        for record in &mut records {
            assert!(record.as_object_mut().unwrap().remove("timestamp").is_some());
        }
        records
    };
    assert_eq!(without_time(parse(&stdout)), without_time(parse(&dump)));
}

#[test]
fn levels_targets_and_streams_are_chosen() {
    let (stdout, stderr, dump) = run("beside", "info");
    assert_eq!(dump.lines().count(), 1503);
    assert_eq!((stdout.lines().count(), stderr.as_str()), (3, ""));
    let (stdout, stderr, _) = run("beside", "stderr");
    assert_eq!((stdout.as_str(), stderr.lines().count()), ("", 1503));
    let (stdout, _, _) = run("beside", "filter");
    assert_eq!(stdout.lines().count(), 1502);
}

#[test]
fn a_logger_can_do_without_a_dump() {
    let (stdout, _, _) = run("only", "");
    let lines = untimed(&stdout);
    assert_eq!(lines.len(), 1503);
    assert!(lines[0].ends_with("filled now order_id=7 price=99.5"), "{}", lines[0]);
    assert!(lines[1502].ends_with(" last"), "{}", lines[1502]);
}

#[test]
fn a_reader_that_goes_away_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut command = scenario!("console/closed", &path).command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    let (_, summary) = read(&path);
    assert_eq!(summary.records + summary.lost, 30_000);
}

/// The reader reads nothing: everything is in the dump all the same, and the program ends.
#[test]
fn a_reader_that_stops_reading_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut command = scenario!("console/closed", &path).command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let _unread = child.stdout.take();
    assert!(child.wait().unwrap().success());
    let (_, summary) = read(&path);
    assert_eq!(summary.records + summary.lost, 30_000);
}

#[test]
fn a_filter_that_cannot_be_parsed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let error = Builder::new(path).console(Console::test().filter("app=loud")).start_detached();
    assert!(matches!(error, Err(StartError::Filter { .. })), "{error:?}");
}

#[test]
fn the_test_harness_captures_the_console_of_tests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).console(Console::test()).start_detached().unwrap();
    {
        let _scope = log.enter();
        info!("captured by the harness");
    }
    log.close().unwrap();
    assert_eq!(messages(&path), ["captured by the harness"]);
}

#[stenolog::test]
fn a_test_has_the_records_of_all_its_threads(log: stenolog::testing::Captured) {
    assert!(log.records().is_empty());
    info!(order_id = 7_u64, "filled {}", "now");
    std::thread::Builder::new()
        .name("other".into())
        .spawn(|| warn!(target: "net", peer = ?Some("10.0.0.7"), "slow"))
        .unwrap()
        .join()
        .unwrap();
    let records = log.records();
    assert_eq!(log.messages(), ["filled now", "slow"]);
    assert_eq!(records[0].field("order_id").as_deref(), Some("7"));
    assert_eq!(records[0].field("none"), None);
    let slow = &records[1];
    assert_eq!((slow.level, &*slow.target, &*slow.thread), (Level::Warn, "net", "other"));
    assert_eq!(slow.field("peer").as_deref(), Some("Some(\"10.0.0.7\")"));
    let json: serde_json::Value = serde_json::from_str(&slow.json).unwrap();
    assert_eq!(json["fields"]["peer"], "10.0.0.7");
    assert!(log.contains("filled now order_id=7"));
    assert_eq!(log.count(Level::Warn), 1);
}

#[stenolog::test]
fn a_test_may_return_a_result(log: stenolog::testing::Captured) -> Result<(), std::fmt::Error> {
    info!("one");
    (log.messages() == ["one"]).then_some(()).ok_or(std::fmt::Error)
}

#[stenolog::test]
#[should_panic(expected = "as it should")]
fn a_test_may_panic() {
    info!("before");
    panic!("as it should");
}

#[test]
fn other_tests_capture_by_a_call() {
    let log = stenolog::testing::capture();
    info!("captured");
    assert_eq!(log.messages(), ["captured"]);
}
