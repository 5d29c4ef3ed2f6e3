//! The tail on a disk that fails: records are packed at once instead.

use std::time::Duration;

use stenolog_decoder::Dump;

use super::bench::{Bench, read};
use crate::drain::testing::disk::Fault;

/// A logger whose records wait to be packed together.
fn patient(seed: u64) -> Bench {
    Bench::with(seed, |builder| builder.deliver_within(Duration::from_millis(1)))
}

/// Waits until the logger has delivered as many records.
fn await_records(bench: &Bench, records: u64) {
    while bench.logger().stats().records < records {
        std::thread::yield_now();
    }
}

/// How many records the dump has.
fn in_dump(bench: &Bench) -> u64 {
    read(&bench.disk.after_a_kill()).numbers.len() as u64
}

/// How many records the tail has.
fn in_tail(bench: &Bench) -> u64 {
    let tail = bench.disk.tail().filter(|tail| !tail.is_empty());
    let dump = tail.map(|tail| Dump::from_bytes("tail", tail).unwrap());
    dump.map_or(0, |dump| dump.blocks().iter().map(|block| u64::from(block.header.count)).sum())
}

#[test]
fn records_wait_in_the_tail_until_they_are_asked_for() {
    let mut bench = patient(1);
    bench.disk.fail(|faults| faults.is_choppy = true);
    for n in 1..=20 {
        bench.log(1);
        await_records(&bench, n);
        assert_eq!((in_dump(&bench), in_tail(&bench)), (0, n));
    }
    bench.flush().unwrap();
    assert_eq!((in_dump(&bench), in_tail(&bench)), (20, 0));
    bench.log(1);
    await_records(&bench, 21);
    assert_eq!((in_dump(&bench), in_tail(&bench)), (20, 1));
    bench.close().unwrap();
    assert!(bench.disk.tail().is_none());
    assert!(bench.told().is_empty());
}

#[test]
fn where_the_tail_cannot_be_written_records_are_packed_at_once() {
    let mut bench = patient(2);
    bench.log(3);
    await_records(&bench, 3);
    bench.disk.fail(|faults| faults.tail = Fault::for_ever(libc::ENOSPC));
    for n in 4..=10 {
        bench.log(1);
        await_records(&bench, n);
        assert_eq!(in_dump(&bench), n);
        assert!(bench.disk.tail().is_none(), "what it takes is given back");
    }
    assert_eq!(bench.logger().stats().write_errors, 0);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert!(found.summary.is_complete() && found.numbers.into_iter().eq(0..10));
    assert!(bench.told().is_empty(), "nothing is lost, so nothing is told");
}

/// The dump cannot be written either: the rings keep everything, and the logger says so as ever.
#[test]
fn a_full_disk_is_told_by_the_dump() {
    let mut bench = patient(3);
    bench.log(1);
    bench.flush().unwrap();
    bench.disk.fail(|faults| {
        faults.tail = Fault::for_ever(libc::ENOSPC);
        faults.write = Fault::for_ever(libc::ENOSPC);
    });
    bench.log(5);
    while bench.logger().stats().failing.is_none() {
        std::thread::yield_now();
    }
    bench.disk.heal();
    bench.close().unwrap();
    assert!(read(&bench.disk.after_a_kill()).numbers.into_iter().eq(0..6));
}

/// What was written is taken from the rings only once: a file that takes the dump's place continues it.
#[test]
fn a_dump_that_is_taken_away_takes_along_what_it_has_only() {
    let mut bench = patient(4);
    bench.log(10);
    bench.flush().unwrap();
    bench.log(5);
    await_records(&bench, 15);
    bench.disk.remove(super::bench::PATH);
    bench.flush().unwrap();
    assert_eq!(in_tail(&bench), 0);
    bench.close().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.gone, found.numbers.len()), (10, 5));
    assert!(found.numbers.into_iter().eq(10..15));
}

/// What a flush confirms is in the dump, although the record is too long for the group that has the others.
#[test]
fn a_flush_takes_what_is_too_long_for_a_group() {
    let mut bench = Bench::with(5, |builder| builder.ring_capacity_bytes(1 << 26));
    bench.log(1);
    bench.flush().unwrap();
    bench.log(30);
    crate::info!("{}", "long".repeat(17 << 18));
    bench.log(30);
    bench.flush().unwrap();
    let found = read(&bench.disk.after_a_kill());
    assert_eq!(found.lines.len(), 62);
    assert!(found.numbers.into_iter().eq(0..61));
    bench.close().unwrap();
}

/// Neither the tail nor the dump could be written for a moment: then they have everything again.
#[test]
fn records_that_no_file_has_are_taken_again() {
    let mut bench = Bench::with(6, |builder| builder.compression(crate::Compression::None));
    bench.log(1);
    std::thread::scope(|scope| {
        let (logged, has_logged) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let logger = bench.logger();
        scope.spawn(move || {
            let _scope = logger.enter();
            crate::info!("record {} {}", 1, super::bench::seal(1));
            logged.send(()).unwrap();
            let _ = ended.recv();
        });
        has_logged.recv().unwrap();
        bench.disk.fail(|faults| {
            faults.tail = Fault::once(libc::ENOSPC);
            faults.write = Fault::once(libc::ENOSPC);
        });
        // Enough for a write of its own.
        crate::info!("{}", "x".repeat(20_000));
        bench.logger().core().control.wake_drain();
        while bench.logger().stats().write_errors == 0 {
            std::thread::yield_now();
        }
        let began = std::time::Instant::now();
        while in_dump(&bench) + in_tail(&bench) < 2 {
            bench.logger().core().control.wake_drain();
            std::thread::yield_now();
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{} {}",
                in_dump(&bench),
                in_tail(&bench)
            );
        }
        drop(end);
    });
    bench.close().unwrap();
}

/// Many records at once go into the dump at once: copies of them all would take as much memory again.
#[test]
fn the_tail_takes_a_bounded_part_of_a_burst() {
    let mut bench = Bench::with(7, |builder| builder.ring_capacity_bytes(1 << 26));
    // Less than half of the ring, which would wake the drain.
    for _ in 0..100 {
        crate::info!("{}", "long".repeat(50_000));
    }
    bench.logger().core().control.wake_drain();
    await_records(&bench, 100);
    assert!((1..4 << 20).contains(&bench.disk.longest_tail()), "{}", bench.disk.longest_tail());
    bench.close().unwrap();
}
