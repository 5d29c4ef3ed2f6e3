//! A program that is killed in the middle of a thousand open spans leaves all of them, and their records.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use stenolog::Builder;
use tracing::info_span;

const WORD: &str = "STENOLOG_TEST_BRIDGE_KILLED";
const SPANS: u64 = 1000;

/// Opens spans, logs in them by all three interfaces, says so, and waits to be killed.
fn child(path: &Path) {
    let builder = Builder::new(path).filter("info").ring_capacity_bytes(4 << 20);
    let _log = builder.capture_log().capture_tracing().start().expect("the logger starts");
    let open: Vec<_> = (0..SPANS)
        .map(|n| {
            let task = info_span!("task", n, state = tracing::field::Empty);
            task.in_scope(|| {
                tracing::info!(n, "by tracing");
                info_span!("step").in_scope(|| log::info!(n; "by log"));
            });
            task
        })
        .collect();
    let last = open.iter().map(|task| task.record("state", "waiting")).next_back();
    let _inside = last.map(tracing::Span::enter);
    stenolog::info!(n = SPANS, "by a macro");
    // Past the test harness, which captures what tests print.
    writeln!(std::io::stderr(), "ready").expect("the parent listens");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn open_spans_survive_a_kill() {
    if let Some(path) = std::env::var_os(WORD) {
        return child(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let mut command = Command::new(std::env::current_exe().expect("a test"));
    command.args(["--exact", "open_spans_survive_a_kill", "--nocapture"]).env(WORD, &path);
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let lines = BufReader::new(killed.stderr.take().expect("a pipe")).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains("ready"));
    killed.kill().expect("it is killed");
    killed.wait().expect("it has ended");
    assert!(ready, "the child logs");

    // The next logger completes the dump from the rings.
    let next = Builder::new(&path).start_detached().expect("the logger starts");
    next.close().expect("the dump is sealed");
    let (records, summary) = stenolog_tests::read(&folder.path().join("app.1.steno"));
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(records.len() as u64, 2 * SPANS + 1);
    for (pair, n) in records.chunks_exact(2).zip(0..) {
        let [by_tracing, by_log] = pair else { unreachable!("chunks of two") };
        for (record, message, spans) in [(by_tracing, "by tracing", 1), (by_log, "by log", 2)] {
            assert_eq!(record["message"], message);
            assert_eq!(record["fields"]["n"], n);
            let around = record["spans"].as_array().expect("spans");
            assert_eq!((around.len(), &around[0]["fields"]["n"]), (spans, &n.into()));
        }
    }
    let last = records.last().expect("a record");
    assert_eq!(last["message"], "by a macro");
    let task = serde_json::json!({"n": SPANS - 1, "state": "waiting"});
    assert_eq!(last["spans"][0]["fields"], task);
}
