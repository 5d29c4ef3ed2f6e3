//! Faults of a disk, one at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::bench::{Bench, PATH, read};
use crate::drain::testing::disk::Fault;
use crate::error::{DrainError, FileEvent, FlushError};
use crate::event::Event;
use crate::{Compression, OnFull, info};

/// The errors that were reported, one word each.
#[track_caller]
fn told(bench: &Bench) -> Vec<&'static str> {
    let word = |event: &Event| match event {
        Event::Resumed { .. } => "resumed",
        Event::Replaced { .. } => "replaced",
        Event::Dump(DrainError::Write { .. }) => "write",
        Event::Dump(DrainError::Replace { .. }) => "replace",
        Event::Dump(DrainError::Sync { .. }) => "sync",
        Event::Dump(DrainError::GivenUp { .. }) => "given up",
        other => panic!("{other:?}"),
    };
    bench.told().iter().map(word).collect()
}

#[test]
fn short_and_interrupted_writes_cost_nothing() {
    let mut bench = Bench::new(1);
    bench.disk.fail(|faults| faults.is_choppy = true);
    bench.log(3000);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!(found.numbers, (0..3000).collect::<Vec<_>>());
    assert!(found.summary.is_complete(), "{:?}", found.summary);
    assert!(bench.told().is_empty());
}

#[test]
fn a_full_disk_is_told_once_and_again_when_there_is_room() {
    let mut bench = Bench::new(2);
    bench.log(10);
    bench.flush().unwrap();
    // A few bytes are left: the next frame is cut in the middle.
    let used = bench.disk.used_bytes();
    bench.disk.fail(|faults| faults.room = Some(used + 13));
    bench.log(20_000);
    let error = bench.flush().unwrap_err().to_string();
    assert!(error.contains("make room") && error.contains(PATH), "{error}");
    assert!(error.contains(&format!("at byte {}", used + 13)), "{error}");
    assert!(bench.flush().is_err());
    assert_eq!(bench.logger().stats().failing, Some(std::io::ErrorKind::StorageFull));
    assert_eq!(bench.disk.used_bytes(), used + 13);
    bench.disk.heal();
    bench.flush().unwrap();
    assert_eq!(bench.logger().stats().failing, None);
    assert_eq!(told(&bench), ["write", "resumed"]);
    let lost = bench.logger().stats().lost;
    assert!(lost > 0);
    let all = bench.told();
    assert!(
        matches!(all[1], Event::Resumed { lost: told, .. } if (1..=lost).contains(&told)),
        "{all:?}"
    );
    bench.log(10);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert!(found.summary.damage.is_empty(), "{:?}", found.summary);
    assert_eq!(found.numbers, bench.committed());
    assert_eq!(found.summary.lost, lost);
}

#[test]
fn another_error_is_news() {
    let bench = Bench::new(3);
    bench.log(1);
    bench.disk.fail(|faults| faults.write = Fault::for_ever(libc::EIO));
    assert!(bench.flush().is_err() && bench.flush().is_err());
    bench.disk.fail(|faults| faults.write = Fault::for_ever(libc::EROFS));
    assert!(bench.flush().is_err() && bench.flush().is_err());
    bench.disk.heal();
    bench.flush().unwrap();
    assert_eq!(told(&bench), ["write", "write", "resumed"]);
    assert!(bench.told()[1].to_string().contains("mounted for writing"));
}

#[test]
fn a_disk_that_never_writes_again_is_given_up_at_the_end() {
    let mut bench = Bench::new(4);
    bench.log(10);
    bench.flush().unwrap();
    bench.disk.fail(|faults| faults.write = Fault::for_ever(libc::EIO));
    bench.log(10);
    let error = bench.close().unwrap_err();
    assert!(matches!(error, FlushError::Drain(DrainError::Write { .. })), "{error}");
    assert_eq!(told(&bench), ["write", "given up"]);
    assert_eq!(read(&bench.disk.after_a_kill()).numbers, (0..10).collect::<Vec<_>>());
}

#[test]
fn threads_wait_for_a_disk_as_they_are_told_to() {
    let bench = Bench::with(5, |builder| {
        builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block).block_timeout(Duration::ZERO)
    });
    bench.disk.fail(|faults| faults.write = Fault::for_ever(libc::EIO));
    bench.log(1000);
    assert!(bench.logger().stats().lost > 0);
    bench.disk.heal();
    bench.flush().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!(found.numbers, bench.committed());
}

#[test]
fn what_a_failing_sync_dropped_is_written_again_before_the_next_one_counts() {
    for seed in 0..20 {
        let bench = Bench::new(seed);
        bench.log(300);
        bench.sync().unwrap();
        bench.log(300);
        bench.disk.fail(|faults| faults.sync = Fault::once(libc::EIO));
        let error = bench.sync().unwrap_err().to_string();
        assert!(error.contains("cannot sync the dump"), "{error}");
        assert_eq!(bench.logger().stats().sync_errors, 1);
        bench.log(300);
        bench.sync().unwrap();
        let found = read(&bench.disk.after_a_power_loss());
        assert_eq!(found.numbers, (0..900).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(told(&bench), ["sync"]);
    }
}

#[test]
fn what_cannot_be_written_again_is_gone_and_said_to_be() {
    for seed in 0..20 {
        let bench = Bench::new(seed);
        bench.log(300);
        bench.sync().unwrap();
        bench.log(3000);
        bench.disk.fail(|faults| (faults.sync, faults.forgets) = (Fault::once(libc::EIO), true));
        bench.sync().unwrap_err();
        // Reading back shows what is on the disk: the data is lost.
        let error = bench.sync().unwrap_err().to_string();
        assert!(error.contains("is not what is read back"), "{error}");
        bench.log(300);
        bench.sync().unwrap();
        assert_eq!(told(&bench), ["sync", "replaced", "sync"]);
        let found = read(&bench.disk.after_a_power_loss());
        assert!(found.numbers.starts_with(&(0..300).collect::<Vec<_>>()), "seed {seed}");
        assert!(found.numbers.ends_with(&(3300..3600).collect::<Vec<_>>()), "seed {seed}");
        // What is left of the old file is not counted as gone.
        let accounted = found.numbers.len() as u64 + found.summary.missing + found.unreadable();
        assert_eq!(accounted, 3600, "seed {seed}");
        let all = bench.told();
        assert!(matches!(all[1], Event::Replaced { lost: 3000, .. }), "{all:?}");
    }
}

#[test]
fn the_folder_is_synced_with_the_first_sync() {
    let bench = Bench::new(7);
    bench.log(10);
    bench.disk.fail(|faults| faults.sync_folder = Fault::once(libc::EIO));
    bench.sync().unwrap_err();
    bench.sync().unwrap();
    for _ in 0..10 {
        assert_eq!(read(&bench.disk.after_a_power_loss()).numbers.len(), 10);
    }
}

#[test]
fn a_deleted_file_is_followed_by_one_that_says_so() {
    let mut bench = Bench::new(8);
    bench.log(100);
    bench.flush().unwrap();
    bench.disk.remove(PATH);
    bench.log(50);
    bench.close().unwrap();
    let all = bench.told();
    assert!(
        matches!(all[..], [Event::Replaced { cause: FileEvent::Removed, lost: 100, .. }]),
        "{all:?}"
    );
    let found = read(&bench.disk.after_a_kill());
    assert_eq!(found.numbers, (100..150).collect::<Vec<_>>());
    assert_eq!((found.gone, found.summary.missing), (100, 100));
    assert!(found.summary.damage.is_empty() && !found.summary.is_complete());
    // It comes before the records that followed, and names the thread.
    let first = &found.lines[0];
    assert!(
        first.contains("100 records lost: the file that had them was deleted (numbers 0 to 99"),
        "{first}"
    );
    let stats = bench.stats_at_close();
    assert_eq!((stats.files_replaced, stats.lost_with_files), (1, 100));
    assert_eq!(stats.records, 150);
}

#[test]
fn what_two_files_took_with_them_is_counted_once() {
    let mut bench = Bench::new(9);
    for _ in 0..3 {
        bench.log(100);
        bench.flush().unwrap();
        bench.disk.remove(PATH);
    }
    bench.log(1);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.numbers.as_slice(), found.gone), (&[300][..], 300));
    assert_eq!(bench.stats_at_close().lost_with_files, 300);
}

#[test]
fn threads_that_ended_are_not_forgotten() {
    let mut bench = Bench::new(10);
    std::thread::scope(|scope| {
        let logger = bench.logger();
        let _ = scope
            .spawn(|| {
                let _scope = logger.enter();
                (0..7).for_each(|n| info!("other {n}"));
            })
            .join();
    });
    bench.flush().unwrap();
    bench.flush().unwrap();
    bench.disk.remove(PATH);
    bench.log(1);
    bench.close().unwrap();
    assert_eq!(read(&bench.disk.after_a_kill()).gone, 7);
}

#[test]
fn losses_that_only_a_deleted_file_stated_are_stated_again() {
    let mut bench = Bench::with(11, |builder| builder.ring_capacity_bytes(1 << 12));
    let huge = "x".repeat(1 << 13);
    info!("{huge}");
    bench.flush().unwrap();
    bench.disk.remove(PATH);
    bench.log(1);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.summary.lost, found.numbers.len()), (1, 1));
}

#[test]
fn a_file_that_was_moved_is_sealed_and_costs_nothing() {
    let mut bench = Bench::new(12);
    bench.log(100);
    bench.flush().unwrap();
    bench.disk.rename(PATH, "rotated.steno");
    bench.log(100);
    // Also with a frame that was cut.
    bench.disk.fail(|faults| faults.is_choppy = true);
    bench.close().unwrap();
    let all = bench.told();
    assert!(
        matches!(all[..], [Event::Replaced { cause: FileEvent::Moved, lost: 0, .. }]),
        "{all:?}"
    );
    let files = bench.disk.after_a_kill();
    assert_eq!(files.keys().collect::<Vec<_>>(), [&PathBuf::from(PATH), &"rotated.steno".into()]);
    let found = read(&files);
    assert_eq!(found.numbers, (0..200).collect::<Vec<_>>());
    assert!(found.summary.is_complete(), "{:?}", found.summary);
}

#[test]
fn a_sync_puts_a_file_that_was_moved_on_the_disk_too() {
    for seed in 0..10 {
        let bench = Bench::new(seed);
        bench.log(500);
        bench.sync().unwrap();
        bench.log(500);
        bench.flush().unwrap();
        bench.disk.rename(PATH, "rotated.steno");
        bench.log(500);
        bench.sync().unwrap();
        let found = read(&bench.disk.after_a_power_loss());
        assert_eq!(found.numbers, (0..1500).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn a_moved_file_that_cannot_be_followed_by_another_is_written_on() {
    let mut bench = Bench::new(13);
    bench.log(10);
    bench.flush().unwrap();
    bench.disk.rename(PATH, "elsewhere.steno");
    bench.disk.fail(|faults| faults.successor = Fault::for_ever(libc::EACCES));
    bench.log(10);
    bench.flush().unwrap();
    bench.flush().unwrap();
    assert_eq!(told(&bench), ["replace"]);
    assert_eq!(read(&bench.disk.after_a_kill()).numbers.len(), 20);
    bench.disk.heal();
    bench.log(10);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!(found.numbers, (0..30).collect::<Vec<_>>());
    assert!(found.summary.is_complete(), "{:?}", found.summary);
}

#[test]
fn a_truncated_file_keeps_what_is_left_of_it() {
    for length in [0, 10, 64, 700, 1500] {
        let mut bench = Bench::new(14);
        for _ in 0..10 {
            bench.log(30);
            bench.flush().unwrap();
        }
        assert!(bench.disk.length(PATH).unwrap() > 1500);
        bench.disk.truncate(PATH, length);
        bench.log(50);
        bench.close().unwrap();
        let found = read(&bench.disk.after_a_kill());
        assert_eq!(found.numbers.len() as u64 + found.gone, 350, "cut to {length}");
        assert!(found.numbers.ends_with(&(300..350).collect::<Vec<_>>()));
        assert!(found.numbers.is_sorted_by(|a, b| a < b));
        assert_eq!(found.numbers.len() > 50, length >= 700, "cut to {length}");
    }
}

/// The file grows back to its length by that write, and has a hole: a look at its length shows nothing.
#[test]
fn a_truncation_in_the_moment_of_a_write_is_noticed_at_once() {
    let written = || {
        let bench = Bench::with(18, |builder| builder.compression(Compression::None));
        for _ in 0..4 {
            bench.log(5);
            bench.flush().unwrap();
        }
        bench
    };
    let length = written().disk.length(PATH).unwrap();
    let mut noticed = 0;
    // All lengths, but the middle of the file by steps.
    let lengths = (0..70).chain((70..length - 60).step_by(13)).chain(length - 60..length);
    for cut in lengths {
        let mut bench = written();
        bench.disk.fail(|faults| faults.truncate_at_write = Some((0, cut)));
        let before = bench.disk.after_a_kill()[&PathBuf::from(PATH)].clone();
        bench.log(5);
        bench.flush().unwrap();
        let is_hole_only_zeros = before[cut..].iter().all(|&byte| byte == 0);
        assert_eq!(told(&bench).is_empty(), is_hole_only_zeros, "cut to {cut} of {length}");
        noticed += usize::from(!is_hole_only_zeros);
        bench.log(5);
        bench.close().unwrap();
        let all = bench.told();
        assert!(
            all.iter().all(|error| matches!(
                error,
                Event::Replaced { cause: FileEvent::Truncated, lost: 20, .. }
            )),
            "{all:?}"
        );
        let found = read(&bench.disk.after_a_kill());
        let accounted = found.numbers.len() as u64 + found.summary.missing + found.unreadable();
        assert_eq!(accounted, 30, "cut to {cut} of {length}: {:#?}", found.summary);
        assert!(found.numbers.ends_with(&(20..30).collect::<Vec<_>>()), "cut to {cut}");
    }
    assert!(noticed > 150, "{noticed}");
}

/// After a short write, the write of the rest makes the hole.
#[test]
fn a_truncation_between_the_parts_of_a_write_is_noticed() {
    for writes in 1..20 {
        let mut bench = Bench::new(100 + writes);
        bench.log(100);
        bench.flush().unwrap();
        bench.disk.fail(|faults| {
            (faults.is_choppy, faults.truncate_at_write) = (true, Some((writes, 200)));
        });
        bench.log(500);
        bench.flush().unwrap();
        bench.disk.heal();
        bench.log(10);
        bench.close().unwrap();
        let found = read(&bench.disk.after_a_kill());
        let accounted = found.numbers.len() as u64 + found.summary.missing + found.unreadable();
        assert_eq!(accounted, 610, "{writes} writes: {:#?}", found.summary);
        assert!(found.numbers.ends_with(&(600..610).collect::<Vec<_>>()));
    }
}

#[test]
fn a_truncation_while_a_sync_writes_again_is_noticed() {
    for before_the_place in [usize::MAX, 1000, 24, 0] {
        let mut bench = Bench::with(19, |builder| builder.compression(Compression::None));
        bench.log(100);
        bench.sync().unwrap();
        let cut = bench.disk.length(PATH).unwrap().saturating_sub(before_the_place);
        bench.log(100);
        bench.disk.fail(|faults| faults.sync = Fault::once(libc::EIO));
        bench.sync().unwrap_err();
        bench.disk.fail(|faults| faults.truncate_at_write = Some((0, cut)));
        if before_the_place == 0 {
            // The write restores what was cut off.
            bench.sync().unwrap();
            continue;
        }
        let error = bench.sync().unwrap_err().to_string();
        assert!(error.contains("truncated meanwhile"), "{error}");
        bench.sync().unwrap();
        bench.log(10);
        bench.close().unwrap();
        let all = bench.told();
        let is_told = |error: &Event| {
            matches!(error, Event::Replaced { cause: FileEvent::Truncated, lost: 200, .. })
        };
        assert!(all.iter().any(is_told), "cut to {cut}: {all:?}");
        let found = read(&bench.disk.after_a_kill());
        let accounted = found.numbers.len() as u64 + found.summary.missing + found.unreadable();
        assert_eq!(accounted, 210, "cut to {cut}: {:#?}", found.summary);
    }
}

/// To seal it where it is makes a hole. Its records are gone all the same.
#[test]
fn a_truncation_of_a_file_that_was_moved_is_noticed_when_it_is_sealed() {
    let mut bench = Bench::new(20);
    bench.log(100);
    bench.flush().unwrap();
    bench.disk.rename(PATH, "rotated.steno");
    bench.disk.fail(|faults| faults.truncate_at_write = Some((0, 0)));
    bench.log(10);
    bench.close().unwrap();
    let all = bench.told();
    assert!(
        matches!(all[..], [Event::Replaced { cause: FileEvent::Truncated, lost: 100, .. }]),
        "{all:?}"
    );
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.numbers, found.summary.missing), ((100..110).collect(), 100));
}

#[test]
fn nothing_is_written_to_a_deleted_file_while_no_other_can_be_begun() {
    let mut bench = Bench::new(15);
    bench.log(10);
    bench.flush().unwrap();
    bench.disk.remove(PATH);
    bench.disk.fail(|faults| faults.successor = Fault::for_ever(libc::ENOENT));
    bench.log(10);
    let writes = bench.disk.writes();
    let error = bench.flush().unwrap_err().to_string();
    assert!(error.contains("was deleted") && error.contains("create its folder"), "{error}");
    bench.flush().unwrap_err();
    assert_eq!(bench.disk.writes(), writes);
    bench.disk.heal();
    bench.flush().unwrap();
    assert_eq!(told(&bench), ["replace", "replaced", "resumed"]);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.numbers, found.gone), ((10..20).collect(), 10));
}

#[test]
fn records_that_the_old_file_got_in_part_go_into_the_new_one() {
    let mut bench = Bench::new(16);
    bench.log(10);
    bench.flush().unwrap();
    let used = bench.disk.used_bytes();
    bench.disk.fail(|faults| faults.room = Some(used + 100));
    bench.log(500);
    bench.flush().unwrap_err();
    bench.disk.remove(PATH);
    bench.disk.heal();
    bench.log(500);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.numbers, found.gone), ((10..1010).collect(), 10));
}

#[test]
fn a_callback_that_panics_or_logs_does_no_harm() {
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let mut bench = Bench::with(17, move |builder| {
        builder.on_error(move |error| {
            *counted.lock().unwrap() += 1;
            info!("not heard: {error}");
            panic!("as the test wants it");
        })
    });
    bench.log(1);
    bench.disk.fail(|faults| faults.write = Fault::once(libc::EIO));
    bench.flush().unwrap_err();
    bench.log(1);
    bench.close().unwrap();
    assert_eq!(*calls.lock().unwrap(), 2);
    assert_eq!(read(&bench.disk.after_a_kill()).numbers, [0, 1]);
}
