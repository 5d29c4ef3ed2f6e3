//! A record that cannot be kept is counted, and the dump says so where it happened.

use std::time::Duration;

use stenolog::{Builder, Compression, OnFull, debug, info};
use stenolog_testkit::wait_until;
use stenolog_tests::{LogFixture, message, read, scenario};

#[test]
fn blocking_calls_lose_nothing() {
    let mut fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block));
    (0..20_000_u32).for_each(|n| info!("record {n}"));
    let expected: Vec<_> = (0..20_000).map(|n| format!("record {n}")).collect();
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn every_record_is_either_there_or_counted() {
    const CALLS: u64 = 50_000;
    let fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Drop));
    (0..CALLS).for_each(|n| debug!("record {n}"));
    fixture.logger().flush().unwrap();
    let lost = fixture.logger().stats().lost;
    let (entries, summary) = read(fixture.path());
    let records = entries.iter().filter(|entry| entry["target"] != "stenolog").count() as u64;
    assert_eq!(records + lost, CALLS);
    assert_eq!(summary.lost, lost);
    let stated: u64 = entries.iter().filter_map(|entry| entry["fields"]["lost"].as_u64()).sum();
    assert_eq!(stated, lost);
}

/// A fixture whose drain, once it sleeps, does not wake by itself as long as the test runs.
fn fixture_with_a_sleeping_drain() -> LogFixture {
    let hour = Duration::from_secs(3600);
    let fixture = LogFixture::with(|builder| {
        builder.ring_capacity_bytes(1 << 16).on_full(OnFull::Drop).deliver_within(hour)
    });
    // The drain sleeps after it has answered, or is about to.
    fixture.logger().flush().unwrap();
    fixture
}

#[test]
fn a_ring_that_passes_half_full_wakes_the_drain() {
    let fixture = fixture_with_a_sleeping_drain();
    let text = "x".repeat(2000);
    (0..18).for_each(|_| info!("{text}"));
    wait_until("the drain wakes", || fixture.logger().stats().records > 0);
    assert_eq!(fixture.logger().stats().lost, 0);
}

#[test]
fn a_loss_wakes_the_drain() {
    let fixture = fixture_with_a_sleeping_drain();
    let text = "x".repeat(2000);
    let lost = || fixture.logger().stats().lost;
    wait_until("something is lost", || {
        // Faster than any drain.
        (0..1000).for_each(|_| info!("{text}"));
        lost() > 0
    });
    // From then on there is room again before long, without anybody's help.
    wait_until("the drain wakes", || {
        let before = lost();
        info!("{text}");
        lost() == before
    });
}

#[test]
fn a_record_that_no_ring_can_hold_is_a_loss_where_it_happened() {
    let fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block));
    let huge = "x".repeat(1 << 13);
    info!("before");
    info!("{huge}");
    info!("after");
    fixture.logger().flush().unwrap();
    let (entries, summary) = read(fixture.path());
    assert_eq!(summary.lost, 1);
    assert!(!summary.is_complete());
    let messages: Vec<_> = entries.iter().map(message).collect();
    assert_eq!((messages[0], messages[2]), ("before", "after"), "{messages:?}");
    assert!(messages[1].starts_with("1 record lost"), "{}", messages[1]);
    assert_eq!(entries[1]["fields"]["lost"], 1);
}

/// Elements that take no bytes are bounded by their number alone; the first call opens the hot path.
#[test]
fn a_list_of_too_many_elements_without_bytes_is_a_loss_on_the_hot_path_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let _ = scenario!("losses/without-bytes", &path).run();
    let (entries, summary) = read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!(summary.lost, 2);
    let own = entries.iter().filter(|entry| entry["target"] != "stenolog");
    let lengths = own.map(|entry| message(entry).split(' ').next().unwrap().parse().unwrap());
    assert_eq!(lengths.collect::<Vec<usize>>(), [0, 3, 4096, 5]);
}

#[test]
fn a_loss_that_no_record_follows_is_stated_too() {
    let mut fixture = LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12));
    let huge = "x".repeat(1 << 13);
    info!("{huge}");
    fixture.logger().flush().unwrap();
    assert_eq!(read(fixture.path()).1.lost, 1);
    info!("later");
    fixture.logger().flush().unwrap();
    let (entries, summary) = read(fixture.path());
    assert_eq!(summary.lost, 1, "the ring states the same loss again: {entries:?}");
    assert_eq!(entries.len(), 2, "{entries:?}");
    let _ = &mut fixture;
}

#[test]
fn a_loss_behind_the_last_record_of_a_thread_is_stated_without_a_flush() {
    let often = Duration::from_millis(1);
    let fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12).deliver_within(often));
    let huge = "x".repeat(1 << 13);
    info!("the last one");
    info!("{huge}");
    wait_until("the loss is stated", || read(fixture.path()).1.lost == 1);
    // Of a thread that has gone, and that the drain may not have known before.
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let _scope = fixture.logger().enter();
            info!("{huge}");
        });
    });
    wait_until("both are stated", || read(fixture.path()).1.lost == 2);
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_what_the_rings_cannot_hold_and_writing_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("losses/full-disk", &path).run();
    let [error, lost] = &reports[..] else { panic!("{reports:?}") };
    assert!(error.contains("cannot write to the dump"), "{error}");
    let lost: u64 = lost.parse().unwrap();
    assert!(lost > 0);
    let (entries, summary) = read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!(summary.lost, lost);
    let messages: Vec<_> = entries.iter().map(message).collect();
    assert_eq!(messages.first(), Some(&"before"));
    assert_eq!(messages.last(), Some(&"after"));
    let numbers: Vec<u64> = messages
        .iter()
        .filter_map(|message| message.strip_prefix("record ")?.parse().ok())
        .collect();
    assert_eq!(numbers.len() as u64 + lost, 10_000);
    assert!(numbers.is_sorted_by(|a, b| a < b));
}

#[cfg(unix)]
#[test]
fn threads_that_end_while_nothing_can_be_written_lose_nothing_but_what_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let lost: u64 = scenario!("losses/stuck", &path).run()[0].parse().unwrap();
    assert!(lost > 0);
    let (entries, summary) = read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!((summary.lost, summary.missing), (lost, 0));
    let of = |who: String| {
        let numbers = entries.iter().filter_map(|entry| message(entry).strip_prefix(&who));
        numbers.map(|number| number.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let ten: Vec<_> = (0..10).collect();
    (0..3).for_each(|thread| assert_eq!(of(format!("early {thread} ")), ten));
    (0..100).for_each(|thread| assert_eq!(of(format!("late {thread} ")), ten));
    let last = of("early 3 ".to_owned());
    assert_eq!(last.len() as u64 + lost, 10_000);
    assert!(last.iter().copied().eq(0..last.len() as u64), "the ring was full from there on");
}

#[test]
fn a_flush_takes_what_lies_behind_the_end_of_a_ring() {
    let folder = tempfile::tempdir().unwrap();
    for (at, first, long) in [(840, 1, 250), (900, 1, 220), (1000, 0, 60)] {
        let path = folder.path().join(format!("{at}.steno"));
        // Passes happen when they are asked for.
        let builder = Builder::new(&path).filter("trace").deliver_within(Duration::from_secs(3600));
        let logger = builder.start_detached().unwrap();
        let _scope = logger.enter();
        let text = "x".repeat(400 << 10);
        // Up to that many KiB of the ring, in parts that do not wake the drain.
        for part in (0..at).step_by(200) {
            info!("{}", &text[..(at - part).min(200) << 10]);
            logger.flush().unwrap();
        }
        let before = logger.stats().records;
        (0..first).for_each(|n| info!("{n} {}", &text[..1000]));
        info!("{}", &text[..long << 10]);
        (0..50).for_each(|n| info!("{n} {}", &text[..1000]));
        logger.flush().unwrap();
        let (records, lost) = (logger.stats().records - before, logger.stats().lost);
        assert_eq!((records, lost), (first + 51, 0), "from {at} KiB on");
    }
}

#[test]
fn no_call_waits_for_a_drain_that_rests_before_a_long_record() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(700_000);
    for compression in [Compression::Adaptive, Compression::None] {
        let path = folder.path().join(format!("{compression:?}.steno"));
        let builder = Builder::new(&path).filter("trace").on_full(OnFull::Block);
        // Were the drain to rest, calls would give up.
        let builder = builder
            .compression(compression)
            .deliver_within(Duration::from_secs(3600))
            .block_timeout(Duration::from_secs(4));
        let logger = builder.start_detached().unwrap();
        let scope = logger.enter();
        for n in 0..5 {
            info!("{n} short");
            // At first this fits. Later it goes to the ring's beginning, after room that is too short.
            info!("{n} {long}");
            if n > 0 {
                info!("{n} {long}");
            }
            logger.flush().unwrap();
        }
        drop(scope);
        assert_eq!(logger.stats().lost, 0, "{compression:?}");
        logger.close().unwrap();
        assert_eq!(read(&path).0.len(), 14, "{compression:?}");
    }
}
