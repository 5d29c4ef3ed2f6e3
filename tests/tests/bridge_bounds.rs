//! Call sites without end: their memory is bounded, their records are kept, and the operator is told.

use std::sync::{Arc, Mutex};

use stenolog::{Builder, DynamicSite, Event, Level, OnFull};

/// The bound is the process's, so this is one test.
#[test]
fn a_program_that_describes_call_sites_without_end_loses_no_record() {
    const RECORDS: usize = 30_000;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let told = Arc::<Mutex<Vec<String>>>::default();
    let tells = Arc::clone(&told);
    let builder = Builder::new(&path).filter("info,quiet=off").on_full(OnFull::Block).capture_log();
    let log = builder.on_event(move |event| {
        if matches!(event, Event::TooManyCallSites { .. }) {
            tells.lock().expect("no panic").push(event.to_string());
        }
    });
    let log = log.start().expect("the logger starts");
    let text = "x".repeat(1000);
    for n in 0..RECORDS {
        let message = format!("record {n} {text}");
        DynamicSite::new(Level::Info, "script", "m", "f.py", 1, Some(&message), &["n"])
            .log(&[n.into()]);
    }
    // From then on `log` and `tracing` have no new call sites either.
    for n in 0..10 {
        let target = format!("target {n}");
        log::info!(target: target.as_str(), n; "by {}", "log");
        log::info!(target: "quiet", "not wanted {n}");
    }
    log.close().expect("the dump is sealed");

    let told = told.lock().expect("no panic");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("f.py:1"), "{told:?}");
    let (records, summary) = stenolog_tests::read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(records.len(), RECORDS + 10);
    for (n, record) in records[..RECORDS].iter().enumerate() {
        let message = record["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("record {n} x")), "{message}");
        assert_eq!(
            (record["level"].as_str(), record["target"].as_str()),
            (Some("INFO"), Some("script"))
        );
        // As a value, or as a part of the text.
        assert!(record["fields"]["n"] == n || message.ends_with(&format!("x n={n}")), "{record}");
    }
    for (n, record) in records[RECORDS..].iter().enumerate() {
        // The first ones may fit into what is left.
        let message = record["message"].as_str().expect("a message");
        assert!(record["fields"]["n"] == n || message == format!("by log n={n}"), "{record}");
        assert!(message.starts_with("by log"));
        assert_eq!(record["target"], format!("target {n}"));
    }
}
