//! Keys set target, time and level.

use std::time::{Duration, Instant, UNIX_EPOCH};

use stenolog::{Level, debug, error, event, info, trace, warn};
use stenolog_tests::LogFixture;

#[test]
fn keys_say_target_time_and_level() {
    let mut fixture = LogFixture::new();
    let noon = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
    for level in Level::ALL {
        event!(level, at: noon, target: "events", number = level as u8, "{level}");
        event!(target: concat!("ev", "ents"), at: &noon, level, "{level}");
    }
    trace!(target: "events", at: noon, "TRACE");
    debug!(at: noon, target: "events", "DEBUG");
    info!(a = 1, at: 1_700_000_000_000_000_005_u64, target: "events", "INFO");
    warn!(at: 1_700_000_000_000_000_005_i64, a = 1, target: "events", "WARN");
    error!(at: noon, target: "events", a = 1, "ERROR");
    info!("here");
    let records = fixture.finish();
    let (here, rest) = records.split_last().expect("records");
    assert_eq!(rest.len(), 15);
    for record in rest {
        assert_eq!(record["level"], record["message"]);
        assert_eq!(record["target"], "events");
        assert_eq!(record["timestamp"], "2023-11-14T22:13:20.000000005Z");
    }
    assert_eq!(here["target"], module_path!());
    assert_eq!(here["file"], file!());
}

#[test]
fn instants_and_timestamps_say_when() {
    let mut fixture = LogFixture::new();
    let minute = Duration::from_secs(60);
    let (instant, timestamp) = (Instant::now(), stenolog::Timestamp::now());
    info!("now");
    info!(at: instant + minute, "4");
    info!(at: &(instant - minute), "2");
    info!(at: timestamp + 2 * minute, "5");
    info!(at: timestamp - 2 * minute, "1");
    info!(at: stenolog::Timestamp::from_instant(instant + 3 * minute), took = timestamp.elapsed(), "6");
    // Within a thread records keep their order, whatever their times are.
    let mut records = fixture.finish();
    records.sort_by_key(|record| record["timestamp"].as_str().unwrap().to_owned());
    let messages: Vec<_> = records.iter().map(stenolog_tests::message).collect();
    assert_eq!(messages, ["1", "2", "now", "4", "5", "6"]);
}
