//! Rate limits of call sites: what is logged, what is held back, and that every call is accounted for.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use stenolog::{Level, event, info, warn};
use stenolog_tests::{LogFixture, message};

fn suppressed(record: &Value) -> Option<u64> {
    record["fields"].get("suppressed").map(|count| count.as_u64().expect("a count"))
}

/// Numbers of the calls that were logged, and of those that were held back before each.
fn numbers(records: &[Value]) -> Vec<(Option<u64>, Option<u64>)> {
    records.iter().map(|record| (record["fields"]["n"].as_u64(), suppressed(record))).collect()
}

#[test]
fn every_nth_call_is_logged_and_says_how_many_were_not() {
    let mut fixture = LogFixture::new();
    for n in 0..25_u64 {
        info!(every_n: 10, n, "tick {}", n * 2);
    }
    let records = fixture.finish();
    let expected = [(Some(0), None), (Some(10), Some(9)), (Some(20), Some(9)), (None, Some(4))];
    assert_eq!(numbers(&records), expected);
    assert_eq!(message(&records[1]), "tick 20");
    assert_eq!(message(&records[3]), "4 more records of this call site were held back");
    assert_eq!(records[3]["line"], records[0]["line"]);
    assert_eq!(records[3]["level"], "INFO");
}

#[test]
fn a_call_is_logged_once() {
    let mut fixture = LogFixture::new();
    for n in 0..5_u64 {
        warn!(target: "net", once: true, n, "deprecated");
    }
    for n in 0..3_u64 {
        warn!(once: false, n, "as often as it happens");
    }
    let records = fixture.finish();
    let of = |text| records.iter().filter(|&it| message(it) == text).cloned().collect::<Vec<_>>();
    assert_eq!(numbers(&of("deprecated")), [(Some(0), None)]);
    assert_eq!(of("as often as it happens").len(), 3);
    let last = records.last().unwrap();
    assert_eq!((suppressed(last), last["target"].as_str()), (Some(4), Some("net")));
}

#[test]
fn what_is_held_back_is_not_evaluated() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);
    let evaluate = || EVALUATED.fetch_add(1, Ordering::Relaxed);
    let mut fixture = LogFixture::new();
    for _ in 0..100 {
        info!(every_n: 50, n = evaluate(), "x");
        event!(if evaluate() > 0 { Level::Info } else { Level::Warn }, once: true, "y {}", evaluate());
    }
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 2 + 100 + 1, "the level is evaluated each time");
    assert_eq!(fixture.finish().len(), 2 + 1 + 2);
}

#[test]
fn no_second_has_more_records_than_allowed() {
    let mut fixture = LogFixture::new();
    let call = |n: u64| info!(per_second: 7, n, "burst");
    let began = std::time::Instant::now();
    for n in 0..100_000 {
        call(n);
    }
    let seconds = began.elapsed().as_secs() + 2;
    let records = fixture.finish();
    let logged = records.iter().filter(|record| message(record) == "burst").count() as u64;
    assert!((7..=7 * seconds).contains(&logged), "{logged} in {seconds} s");
    let held_back: u64 = records.iter().filter_map(suppressed).sum();
    assert_eq!(logged + held_back, 100_000);
}

#[test]
fn calls_of_many_threads_are_all_accounted_for() {
    let mut fixture = LogFixture::new();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let _scope = fixture.logger().enter();
                for _ in 0..10_000 {
                    info!(every_n: 100, "tick");
                }
            });
        }
    });
    let records = fixture.finish();
    let logged = records.iter().filter(|record| message(record) == "tick").count() as u64;
    assert_eq!(logged, 400);
    let held_back: u64 = records.iter().filter_map(suppressed).sum();
    assert_eq!(logged + held_back, 40_000);
}

#[test]
fn a_disabled_call_is_not_held_back() {
    let mut fixture = LogFixture::with(|builder| builder.filter("warn"));
    for _ in 0..10 {
        info!(every_n: 3, "off");
    }
    assert_eq!(fixture.finish().len(), 0);
}

#[test]
fn each_logger_states_what_it_held_back() {
    let call = || info!(once: true, "first");
    let mut first = LogFixture::new();
    (0..3).for_each(|_| call());
    assert_eq!(first.finish().iter().filter_map(suppressed).collect::<Vec<_>>(), [2]);
    let mut second = LogFixture::new();
    (0..5).for_each(|_| call());
    assert_eq!(second.finish().iter().filter_map(suppressed).collect::<Vec<_>>(), [5]);
}
