//! Spans of `tracing` in the dump, by the subscriber and by the layer.

use serde_json::{Value, json};
use stenolog_tests::LogFixture;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Span, info, info_span, instrument, trace_span};
use tracing_subscriber::layer::SubscriberExt;

/// The records of what `work` logs, which are the same through the subscriber and the layer.
#[track_caller]
fn logged(filter: &str, work: fn()) -> Vec<Value> {
    let by_subscriber = with(filter, &tracing::Dispatch::new(stenolog::tracing_subscriber()), work);
    let layers = tracing_subscriber::registry().with(stenolog::tracing_layer());
    let by_layer = with(filter, &tracing::Dispatch::new(layers), work);
    let shown = |records: &[Value]| records.iter().map(told).collect::<Vec<_>>();
    assert_eq!(shown(&by_layer), shown(&by_subscriber));
    by_subscriber
}

fn with(filter: &str, dispatch: &tracing::Dispatch, work: fn()) -> Vec<Value> {
    let mut fixture = LogFixture::with(|builder| builder.filter(filter));
    tracing::dispatcher::with_default(dispatch, work);
    fixture.finish()
}

/// The message of a record, and names and fields of its spans.
fn told(record: &Value) -> Value {
    let spans = record["spans"].as_array().cloned().unwrap_or_default();
    let span = |span: &Value| json!([span["name"], span["fields"]]);
    json!([record["message"], spans.iter().map(span).collect::<Vec<_>>()])
}

#[track_caller]
fn check(work: fn(), expected: &[Value]) {
    let records = logged("info", work);
    assert_eq!(records.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn records_know_their_spans_and_the_fields_of_these() {
    check(
        || {
            let request = info_span!("request", path = "/x", status = tracing::field::Empty);
            let entered = request.enter();
            info!("in");
            request.record("status", 200);
            info_span!("query {}", n = 3).in_scope(|| info!("deep"));
            info!("out");
            drop(entered);
            info!("none");
        },
        &[
            json!(["in", [["request", {"path": "/x"}]]]),
            json!(["deep", [["request", {"path": "/x", "status": 200}], ["query {}", {"n": 3}]]]),
            json!(["out", [["request", {"path": "/x", "status": 200}]]]),
            json!(["none", []]),
        ],
    );
}

#[test]
fn parents_are_contextual_explicit_or_none() {
    check(
        || {
            let (a, b) = (info_span!("a"), info_span!("b"));
            let _a = a.enter();
            info_span!(parent: &b, "child").in_scope(|| info!("of b"));
            info_span!(parent: None, "root").in_scope(|| info!("root"));
            info!(parent: &b, "explicit");
            info!(parent: None, "alone");
            Span::current().in_scope(|| info!("current"));
            b.follows_from(&a);
        },
        &[
            json!(["of b", [["b", {}], ["child", {}]]]),
            json!(["root", [["root", {}]]]),
            json!(["explicit", [["b", {}]]]),
            json!(["alone", []]),
            json!(["current", [["a", {}]]]),
        ],
    );
}

#[test]
fn spans_are_entered_twice_and_closed_out_of_order() {
    check(
        || {
            let (a, b) = (info_span!("a"), info_span!("b"));
            let first = a.enter();
            let second = b.enter();
            let third = a.enter();
            info!("a in b");
            drop(second);
            info!("a still");
            drop(first);
            info!("a again");
            drop(third);
            drop((a, b));
            info!("none");
        },
        &[
            json!(["a in b", [["a", {}]]]),
            json!(["a still", [["a", {}]]]),
            json!(["a again", [["a", {}]]]),
            json!(["none", []]),
        ],
    );
}

#[test]
fn a_parent_that_was_dropped_is_still_known() {
    check(
        || {
            let parent = info_span!("parent", id = 7);
            let child = info_span!(parent: &parent, "child");
            drop(parent);
            child.in_scope(|| info!("orphan"));
        },
        &[json!(["orphan", [["parent", {"id": 7}], ["child", {}]]])],
    );
}

#[test]
fn disabled_spans_are_left_out() {
    check(
        || {
            let _outer = info_span!("outer").entered();
            let _hidden = trace_span!("hidden").entered();
            info_span!("inner").in_scope(|| info!("in"));
        },
        &[json!(["in", [["outer", {}], ["inner", {}]]])],
    );
}

#[instrument(skip(secret), fields(kind = "test"), ret)]
fn add(n: u64, secret: u64) -> u64 {
    info!("adding");
    n + secret
}

#[instrument(err)]
fn fail(n: u64) -> Result<(), std::num::ParseIntError> {
    n.to_string().repeat(30).parse::<u64>().map(drop)
}

#[test]
fn instrumented_functions_have_arguments_results_and_errors() {
    let records = logged("info", || {
        add(1, 2);
        let _ = fail(9);
    });
    let add = json!([["add", {"n": 1, "kind": "test"}]]);
    assert_eq!(told(&records[0]), json!(["adding", add]));
    assert_eq!(told(&records[1])[1], add);
    assert_eq!(records[1]["fields"]["return"], "3");
    assert_eq!(records[2]["level"], "ERROR");
    assert_eq!(told(&records[2])[1], json!([["fail", {"n": 9}]]));
    let error = &records[2]["fields"]["error"];
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn own_spans_and_those_of_tracing_enclose_each_other() {
    check(
        || {
            let _outer = stenolog::span!("own", n = 1);
            let _inner = info_span!("theirs", n = 2).entered();
            let _innermost = stenolog::span!("own again", n = 3);
            info!("by tracing");
            stenolog::info!("by a macro");
        },
        &[
            json!(["by tracing", [["own", {"n": 1}], ["theirs", {"n": 2}], ["own again", {"n": 3}]]]),
            json!(["by a macro", [["own", {"n": 1}], ["theirs", {"n": 2}], ["own again", {"n": 3}]]]),
        ],
    );
}

#[test]
fn spans_go_with_futures_and_threads() {
    let mut fixture = LogFixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let dispatch = tracing::Dispatch::new(stenolog::tracing_subscriber());
    let work = async {
        let outer = info_span!("outer");
        let task = async {
            info!("before");
            tokio::task::yield_now().await;
            info!("after");
        };
        let other = async {
            tokio::task::yield_now().await;
            info!("elsewhere");
        };
        tokio::join!(task.instrument(outer), other);
    };
    runtime.block_on(work.with_subscriber(dispatch.clone()));
    // A span that another thread enters and drops.
    let span = tracing::dispatcher::with_default(&dispatch, || info_span!("moved", n = 1));
    let logger = fixture.logger();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = logger.enter();
            tracing::dispatcher::with_default(&dispatch, || {
                span.in_scope(|| info!("in another thread"));
                drop(span);
            });
        });
    });
    let records = fixture.finish();
    let told: Vec<_> = records.iter().map(told).collect();
    let outer = json!([["outer", {}]]);
    assert_eq!(
        told,
        [
            json!(["before", outer]),
            json!(["elsewhere", []]),
            json!(["after", outer]),
            json!(["in another thread", [["moved", {"n": 1}]]]),
        ]
    );
}

#[test]
fn a_value_of_a_span_may_log() {
    struct Logs;

    impl std::fmt::Display for Logs {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            stenolog::info!("meanwhile");
            f.write_str("logs")
        }
    }

    check(
        || {
            let outer = info_span!("outer", later = tracing::field::Empty).entered();
            info_span!("inner", value = %Logs).in_scope(|| info!("in"));
            outer.record("later", tracing::field::display(Logs));
            info!("last");
        },
        &[
            json!(["meanwhile", [["outer", {}]]]),
            json!(["in", [["outer", {}], ["inner", {"value": "logs"}]]]),
            json!(["meanwhile", [["outer", {}]]]),
            json!(["last", [["outer", {"later": "logs"}]]]),
        ],
    );
}
