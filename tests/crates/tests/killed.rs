//! A program with a thousand open spans that is killed: each of its records is there, in order, in its spans.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stenolog_tests_crates::{Program, records};

#[test]
fn a_thousand_open_spans_survive_the_process() {
    let mut stranger = Program::new(env!("CARGO_BIN_EXE_stranger"));
    let mut child = stranger.start();
    let patience = Instant::now() + Duration::from_secs(120);
    while !stranger.file("ready").exists() {
        assert!(!child.has_ended(), "it ended by itself");
        assert!(Instant::now() < patience, "it does not get ready");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill();

    let records = records(&stranger.file("stranger.steno"));
    assert_eq!(records.len(), 3000);
    let mut by_task: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for record in &records {
        let n = record["spans"][0]["fields"]["n"].as_u64().expect("each record is in its task");
        by_task.entry(n).or_default().push(record);
    }
    assert_eq!(by_task.len(), 1000);
    for (n, records) in by_task {
        let told: Vec<_> = records.iter().map(|record| told(record)).collect();
        let task = json!(["task", { "n": n }]);
        let step = json!(["step", { "n": n, "even": n % 2 == 0 }]);
        let own = json!({ "half": n as f64 / 2.0, "name": "task", "n": n });
        let expected = [
            json!(["INFO", "begins", { "n": n }, [task]]),
            json!(["INFO", format!("own {n}"), own, [task]]),
            json!(["WARN", "inner", { "n": n, "text": "deep" }, [task, step]]),
        ];
        assert_eq!(told, expected);
    }
}

/// Level, message and fields of a record; names and fields of its spans.
fn told(record: &Value) -> Value {
    let spans = record["spans"].as_array().cloned().unwrap_or_default();
    let spans: Vec<_> = spans.iter().map(|span| json!([span["name"], span["fields"]])).collect();
    json!([record["level"], record["message"], record["fields"], spans])
}
