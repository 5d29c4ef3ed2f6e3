//! Events of `tracing` arrive with their places, types and messages.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};
use stenolog_tests::LogFixture;
use tracing::{Level, debug, error, event, info, warn};

/// The records of what `work` logs through the subscriber.
fn logged(work: impl FnOnce()) -> Vec<Value> {
    let mut fixture = LogFixture::new();
    tracing::subscriber::with_default(stenolog::tracing_subscriber(), work);
    fixture.finish()
}

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

#[test]
fn fields_keep_their_types() {
    let records = logged(|| {
        let failure = Outer(std::io::Error::other("disk"));
        info!(
            i = -1_i64,
            u = u64::MAX,
            small = 7_u8,
            wide = i128::MIN,
            wider = u128::MAX,
            f = 0.5,
            yes = true,
            text = "t\"x",
            bytes = &b"ab"[..],
            failure = &failure as &dyn Error,
            debugged = ?Some("d"),
            shown = %"s",
            "typed"
        );
    });
    let fields = &records[0]["fields"];
    assert_eq!(records[0]["message"], "typed");
    assert_eq!(fields["i"], json!(-1));
    assert_eq!(fields["u"], json!(u64::MAX));
    assert_eq!(fields["small"], json!(7));
    assert_eq!(fields["wide"].to_string().trim_matches('"'), i128::MIN.to_string());
    assert_eq!(fields["wider"].to_string().trim_matches('"'), u128::MAX.to_string());
    assert_eq!(fields["f"], json!(0.5));
    assert_eq!(fields["yes"], json!(true));
    assert_eq!(fields["text"], json!("t\"x"));
    assert_eq!(fields["bytes"], json!([97, 98]));
    assert_eq!(fields["failure"], json!({"message": "outer", "sources": ["disk"]}));
    assert_eq!(fields["debugged"], json!("Some(\"d\")"));
    assert_eq!(fields["shown"], json!("s"));
    assert_eq!(fields.as_object().unwrap().len(), 12);
}

#[test]
fn places_are_those_of_the_program() {
    let line = line!() + 1;
    let records = logged(|| warn!(target: "elsewhere", "here"));
    assert_eq!(records[0]["target"], "elsewhere");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["line"], line);
    assert!(records[0]["file"].as_str().unwrap().ends_with("bridge_tracing.rs"));
}

#[test]
fn messages_are_what_format_would_have_written() {
    let records = logged(|| {
        for n in 0..3 {
            info!("with {n:>4} and {{braces}}");
            info!("plain {{x}}");
            info!(n, "{}", ["one", "two", "one"][n]);
            info!(message = "given", n);
            event!(Level::DEBUG, n);
            error!("");
        }
    });
    let messages: Vec<_> = records.iter().map(|record| record["message"].as_str()).collect();
    for n in 0..3 {
        let counted = format!("with {n:>4} and {{braces}}");
        let word = ["one", "two", "one"][n];
        let expected =
            [Some(&*counted), Some("plain {x}"), Some(word), Some("given"), None, Some("")];
        for (got, expected) in messages[n * 6..].iter().zip(expected) {
            assert_eq!(got.unwrap_or_default(), expected.unwrap_or_default());
        }
        assert_eq!(records[n * 6 + 2]["fields"]["n"], json!(n));
    }
}

#[test]
fn fields_may_be_absent_and_change() {
    let records = logged(|| {
        for n in 0..4_u64 {
            let (a, b) = ((n % 2 == 0).then_some(n), (n > 1).then_some("b"));
            info!(a, b, "some");
        }
    });
    let fields: Vec<_> = records.iter().map(|record| record["fields"].clone()).collect();
    assert_eq!(fields[0], json!({"a": 0}));
    assert_eq!(fields[2], json!({"a": 2, "b": "b"}));
    assert_eq!(fields[3], json!({"b": "b"}));
    assert_eq!(fields[1].as_object().map_or(0, serde_json::Map::len), 0);
}

#[test]
fn a_formatter_may_log() {
    struct Logs;

    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!(depth = 2, "inner");
            f.write_str("logs")
        }
    }

    let records = logged(|| info!(before = 1, value = ?Logs, after = 3, "outer"));
    // `tracing` itself may refuse the inner event; the outer one is whole either way.
    let outer = records.iter().find(|record| record["message"] == "outer").unwrap();
    assert_eq!(outer["fields"], json!({"before": 1, "value": "logs", "after": 3}));
}

#[test]
fn the_filter_decides_and_may_change() {
    let mut fixture = LogFixture::with(|builder| builder.filter("info,quiet=error"));
    tracing::subscriber::with_default(stenolog::tracing_subscriber(), || {
        let log = || {
            debug!("debug");
            info!("info");
            warn!(target: "quiet", "quiet");
        };
        log();
        fixture.logger().set_filter("debug").unwrap();
        log();
        fixture.logger().set_filter("off").unwrap();
        log();
    });
    assert_eq!(fixture.messages(), ["info", "debug", "info", "quiet"]);
}

#[test]
fn other_dispatchers_are_left_alone() {
    let mut fixture = LogFixture::new();
    let ours = tracing::Dispatch::new(stenolog::tracing_subscriber());
    tracing::dispatcher::with_default(&ours, || {
        info!("ours");
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
            info!("discarded");
        });
        info!("ours again");
    });
    info!("no subscriber");
    assert_eq!(fixture.messages(), ["ours", "ours again"]);
}

#[test]
fn a_message_without_arguments_is_the_call_sites_own() {
    let log = || {
        for n in 0..100 {
            info!(n, "always the same");
        }
    };
    let before = stenolog::stats().call_sites;
    let records = logged(log);
    assert_eq!(records.len(), 100);
    // Tests run side by side, so others may have made some meanwhile; a text for each would make a hundred.
    assert!(stenolog::stats().call_sites - before < 60);
}
