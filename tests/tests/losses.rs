//! What cannot be recorded is counted, and the dump says so where it happened.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use stenolog::{OnFull, debug, info};
use stenolog_tests::{Scene, message, read};

/// Plays a scene of `src/child.rs` in a process of its own, and returns what it printed.
#[track_caller]
fn child(scene: &str, path: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_child"));
    command.env_remove("STENOLOG").env_remove("RUST_LOG");
    let output = command.arg(scene).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn blocking_calls_lose_nothing() {
    let mut scene =
        Scene::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block));
    (0..20_000_u32).for_each(|n| info!("record {n}"));
    let expected: Vec<_> = (0..20_000).map(|n| format!("record {n}")).collect();
    assert_eq!(scene.messages(), expected);
}

#[test]
fn every_record_is_either_there_or_counted() {
    const CALLS: u64 = 50_000;
    let scene = Scene::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Drop));
    (0..CALLS).for_each(|n| debug!("record {n}"));
    scene.logger().flush().unwrap();
    let lost = scene.logger().stats().lost;
    let (entries, summary) = read(scene.path());
    let records = entries.iter().filter(|entry| entry["target"] != "stenolog").count() as u64;
    assert_eq!(records + lost, CALLS);
    assert_eq!(summary.lost, lost);
    let stated: u64 = entries.iter().filter_map(|entry| entry["fields"]["lost"].as_u64()).sum();
    assert_eq!(stated, lost);
}

/// A scene whose drain, once it sleeps, does not wake by itself as long as the test runs.
fn scene_with_a_sleeping_drain() -> Scene {
    let hour = Duration::from_secs(3600);
    let scene = Scene::with(|builder| {
        builder.ring_capacity_bytes(1 << 16).on_full(OnFull::Drop).deliver_within(hour)
    });
    // The drain sleeps after it has answered, or is about to.
    scene.logger().flush().unwrap();
    scene
}

/// Waits for what must come to be, however slow the machine.
#[track_caller]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_ring_that_passes_half_full_wakes_the_drain() {
    let scene = scene_with_a_sleeping_drain();
    let text = "x".repeat(2000);
    (0..18).for_each(|_| info!("{text}"));
    wait_until("the drain sleeps on", || scene.logger().stats().records > 0);
    assert_eq!(scene.logger().stats().lost, 0);
}

#[test]
fn a_loss_wakes_the_drain() {
    let scene = scene_with_a_sleeping_drain();
    let text = "x".repeat(2000);
    let lost = || scene.logger().stats().lost;
    wait_until("nothing is ever lost", || {
        // Faster than any drain.
        (0..1000).for_each(|_| info!("{text}"));
        lost() > 0
    });
    // From then on there is room again before long, without anybody's help.
    wait_until("the drain sleeps on", || {
        let before = lost();
        info!("{text}");
        lost() == before
    });
}

#[test]
fn a_record_that_no_ring_can_hold_is_a_loss_where_it_happened() {
    let scene = Scene::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block));
    let huge = "x".repeat(1 << 13);
    info!("before");
    info!("{huge}");
    info!("after");
    scene.logger().flush().unwrap();
    let (entries, summary) = read(scene.path());
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
    child("without-bytes", &path);
    let (entries, summary) = read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!(summary.lost, 2);
    let own = entries.iter().filter(|entry| entry["target"] != "stenolog");
    let lengths = own.map(|entry| message(entry).split(' ').next().unwrap().parse().unwrap());
    assert_eq!(lengths.collect::<Vec<usize>>(), [0, 3, 4096, 5]);
}

#[test]
fn a_loss_that_no_record_follows_is_stated_too() {
    let mut scene = Scene::with(|builder| builder.ring_capacity_bytes(1 << 12));
    let huge = "x".repeat(1 << 13);
    info!("{huge}");
    scene.logger().flush().unwrap();
    assert_eq!(read(scene.path()).1.lost, 1);
    info!("later");
    scene.logger().flush().unwrap();
    let (entries, summary) = read(scene.path());
    assert_eq!(summary.lost, 1, "the ring states the same loss again: {entries:?}");
    assert_eq!(entries.len(), 2, "{entries:?}");
    let _ = &mut scene;
}

#[test]
fn a_loss_behind_the_last_record_of_a_thread_is_stated_without_a_flush() {
    let often = Duration::from_millis(1);
    let scene = Scene::with(|builder| builder.ring_capacity_bytes(1 << 12).deliver_within(often));
    let huge = "x".repeat(1 << 13);
    info!("the last one");
    info!("{huge}");
    wait_until("the loss is stated", || read(scene.path()).1.lost == 1);
    // Of a thread that has gone, and that the drain may not have known before.
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let _scope = scene.logger().enter();
            info!("{huge}");
        });
    });
    wait_until("both are stated", || read(scene.path()).1.lost == 2);
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_what_the_rings_cannot_hold_and_writing_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = child("full-disk", &path);
    let (error, lost) = reports.trim_end().split_once('\n').unwrap();
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
    let lost: u64 = child("stuck", &path).trim_end().parse().unwrap();
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
