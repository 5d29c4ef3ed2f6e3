//! Many threads: every record once, in its thread's order, and all by time.

use std::collections::HashMap;

use stenolog::{OnFull, Timestamp, info};
use stenolog_tests::{LogFixture, read};

const THREADS: u64 = 8;
const EACH: u64 = 12_500;

#[test]
fn a_hundred_thousand_records_of_eight_threads() {
    let mut fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 16).on_full(OnFull::Block));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let logger = fixture.logger();
            std::thread::Builder::new()
                .name(format!("worker-{thread}"))
                .spawn_scoped(scope, move || {
                    let _scope = logger.enter();
                    for n in 0..EACH {
                        info!(thread, n, "step");
                    }
                })
                .unwrap();
        }
    });
    let records = fixture.finish();
    assert_eq!(records.len() as u64, THREADS * EACH);
    let mut next: HashMap<u64, u64> = HashMap::new();
    for record in &records {
        let [thread, n] = ["thread", "n"].map(|name| record["fields"][name].as_u64().unwrap());
        let expected = next.entry(thread).or_default();
        assert_eq!(n, *expected, "thread {thread}");
        *expected += 1;
        assert_eq!(record["thread"], format!("worker-{thread}"));
    }
    let times = records.iter().map(|record| record["timestamp"].as_str().unwrap());
    assert!(times.is_sorted());
}

#[test]
fn threads_that_take_turns_are_merged_in_the_order_of_the_turns() {
    let mut fixture = LogFixture::new();
    let turn = std::sync::Mutex::new(0_u64);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (logger, turn) = (fixture.logger(), &turn);
            scope.spawn(move || {
                let _scope = logger.enter();
                for _ in 0..500 {
                    let mut turn = turn.lock().unwrap();
                    info!(turn = *turn, "mine");
                    *turn += 1;
                }
            });
        }
    });
    let turns: Vec<_> =
        fixture.finish().iter().map(|record| record["fields"]["turn"].as_u64().unwrap()).collect();
    assert_eq!(turns, (0..2000).collect::<Vec<_>>());
}

#[test]
fn times_of_the_caller_are_shown_and_order_what_they_can() {
    let mut fixture = LogFixture::new();
    std::thread::scope(|scope| {
        for parity in 0..2_u64 {
            let logger = fixture.logger();
            scope.spawn(move || {
                let _scope = logger.enter();
                for n in (parity..1000).step_by(2) {
                    info!(at: 1_700_000_000_000_000_000 + n, n, "given");
                }
            });
        }
    });
    let records = fixture.finish();
    let numbers: Vec<_> =
        records.iter().map(|record| record["fields"]["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert_eq!(records[7]["timestamp"], "2023-11-14T22:13:20.000000007Z");
}

#[test]
fn a_reading_of_the_clock_may_be_given_later() {
    let mut fixture = LogFixture::new();
    let early = Timestamp::now();
    info!("late");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _scope = fixture.logger().enter();
            info!(at: early, "early");
        });
    });
    assert_eq!(fixture.messages(), ["early", "late"]);
}

#[test]
fn a_dump_is_readable_while_it_is_written() {
    let fixture = LogFixture::new();
    let mut sizes = Vec::new();
    for n in 0..20_u32 {
        info!("record {n}");
        fixture.logger().flush().unwrap();
        let (records, summary) = read(fixture.path());
        assert!(summary.damage.is_empty(), "{summary:?}");
        sizes.push(records.len());
    }
    assert_eq!(sizes, (1..=20).collect::<Vec<_>>());
}
