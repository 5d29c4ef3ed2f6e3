//! Records of `log` arrive with their places, types and messages.
//!
//! `log` has one logger for a process, so all of this is one test.

use std::error::Error;
use std::fmt;

use log::{LevelFilter, debug, error, info, trace, warn};
use serde_json::json;
use stenolog::Builder;

#[derive(Debug)]
struct Outer(std::io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// A formatter that logs.
struct Logs;

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("inner {}", 1);
        f.write_str("logs")
    }
}

#[test]
fn records_of_log_are_captured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    info!("before any logger");
    let start = |name: &str| {
        let builder =
            Builder::new(folder.path().join(name)).filter("info,app::net=debug,quiet=off");
        builder.capture_log().start().expect("the logger starts")
    };
    let log = start("app.steno");
    assert_eq!(log::max_level(), LevelFilter::Debug, "the filter's");

    let line = line!() + 1;
    warn!(target: "app::net::tcp", "plain {{x}}");
    for n in 0..2 {
        info!("with {} and {n:>3}", "text");
    }
    let failure = Outer(std::io::Error::other("disk"));
    error!(
        i = -1, u = u64::MAX, wide = i128::MIN, f = 0.5, yes = true, c = 'ß', text = "t",
        debugged:? = Some(1), shown:% = "s", failure:err = failure;
        "values"
    );
    info!("outer {}", Logs);
    debug!("not wanted");
    error!(target: "quiet", "not wanted");
    debug!(target: "app::net", "wanted");
    let name = format!("made at {}", "run time");
    info!(target: name.as_str(), "named");
    log.set_filter("trace").expect("a filter");
    assert_eq!(log::max_level(), LevelFilter::Trace);
    trace!("traced");
    log::log!(
        logger: LoggerOfBorrowed, log::Level::Info, "borrowed"
    );
    log.set_filter("off").expect("a filter");
    assert_eq!(log::max_level(), LevelFilter::Off);
    error!("off");
    log::logger().flush();
    log.close().expect("the dump is sealed");
    info!("after the logger");

    // Another logger of the process takes over.
    let log = start("second.steno");
    info!("second");
    log.close().expect("the dump is sealed");

    check(&path, line);
    let second = stenolog_tests::messages(&folder.path().join("second.steno"));
    assert_eq!(second, ["second"]);
}

/// Compares the dump with what was logged.
fn check(path: &std::path::Path, line: u32) {
    let (records, summary) = stenolog_tests::read(path);
    assert!(summary.is_complete(), "{summary:?}");
    let messages: Vec<_> = records.iter().map(|record| record["message"].as_str()).collect();
    let expected = [
        "plain {x}",
        "with text and   0",
        "with text and   1",
        "values",
        "inner 1",
        "outer logs",
        "wanted",
        "named",
        "traced",
        "borrowed",
    ];
    assert_eq!(messages, expected.map(Some));
    assert_eq!(records[0]["target"], "app::net::tcp");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["line"], line);
    assert!(records[0]["file"].as_str().expect("a file").ends_with("bridge_log.rs"));
    assert_eq!(records[1]["target"], "bridge_log");
    assert_eq!(records[7]["target"], "made at run time");
    assert_eq!(records[9]["file"], "borrowed.rs");
    let fields = &records[3]["fields"];
    assert_eq!(fields["i"], json!(-1));
    assert_eq!(fields["u"], json!(u64::MAX));
    assert_eq!(fields["wide"].to_string().trim_matches('"'), i128::MIN.to_string());
    assert_eq!(fields["f"], json!(0.5));
    assert_eq!(fields["yes"], json!(true));
    assert_eq!(fields["c"], json!("ß"));
    assert_eq!(fields["text"], json!("t"));
    assert_eq!(fields["debugged"], json!("Some(1)"));
    assert_eq!(fields["shown"], json!("s"));
    assert_eq!(fields["failure"], json!({"message": "outer", "sources": ["disk"]}));
    assert_eq!(fields.as_object().expect("fields").len(), 10);
}

/// Hands a record with borrowed names on, as bridges from other languages do.
struct LoggerOfBorrowed;

impl log::Log for LoggerOfBorrowed {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let file = String::from("borrowed.rs");
        let borrowed = log::Record::builder()
            .args(*record.args())
            .level(record.level())
            .target("a")
            .file(Some(&file))
            .line(Some(7))
            .build();
        log::logger().log(&borrowed);
    }

    fn flush(&self) {}
}
