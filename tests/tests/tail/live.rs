//! Readers of a dump that is being written.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use stenolog::info;
use stenolog_decoder::{Decoder, Dump, DumpState};

use super::{number, numbers, patient, tails_in};

/// Records are packed when the oldest one waits for a minute. Whatever is seen before that comes from the tail.
const LONG_BEFORE_A_PACK: Duration = Duration::from_secs(50);

/// Calls `is_so` until it is so.
#[track_caller]
fn await_that(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG_BEFORE_A_PACK, "it takes too long");
        std::thread::yield_now();
    }
}

#[test]
fn each_record_is_seen_in_time_and_once_over_packs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = patient(&path).ring_capacity_bytes(1 << 13).start_detached().unwrap();
    let scope = log.enter();
    let (mut by_tail, mut packs, mut packed) = (0, 0, 0);
    for n in 0..600 {
        info!("{n}");
        await_that(|| {
            let dump = Dump::open(&path).unwrap();
            let (found, summary) = numbers(&dump);
            assert!(found.iter().copied().eq(0..found.len() as u64), "{found:?}");
            assert_eq!((summary.missing, summary.duplicates), (0, 0));
            assert!(summary.damage.is_empty(), "{summary:?}");
            let in_dump: u64 =
                dump.blocks().iter().map(|block| u64::from(block.header.count)).sum();
            packs += u64::from(in_dump > packed);
            packed = in_dump;
            by_tail += u64::from(dump.tail_dump().is_some());
            found.len() as u64 == n + 1
        });
    }
    assert!(by_tail > 300 && packs > 5, "{by_tail} times by the tail, {packs} packs");
    assert_eq!(tails_in(folder.path()).len(), 1);
    drop(scope);
    log.close().unwrap();
    assert!(tails_in(folder.path()).is_empty(), "a clean end removes it");
    assert!(numbers(&Dump::open(&path).unwrap()).1.is_complete());
}

#[test]
fn a_decoder_that_is_refreshed_gets_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = patient(&path).ring_capacity_bytes(1 << 13).start_detached().unwrap();
    let mut decoder = Decoder::new(Dump::open(&path).unwrap());
    let mut found = Vec::new();
    let mut read = |decoder: &mut Decoder| {
        let _ = decoder.for_each(|entry| {
            found.push(number(entry));
            ControlFlow::Continue(())
        });
        found.len()
    };
    let scope = log.enter();
    for n in 0..300 {
        info!("{n}");
        if n % 97 == 0 {
            log.flush().unwrap();
        }
        await_that(|| {
            decoder.refresh().unwrap();
            read(&mut decoder) == n + 1
        });
    }
    drop(scope);
    log.close().unwrap();
    decoder.refresh().unwrap();
    assert_eq!(read(&mut decoder), 300);
    assert!(found.into_iter().eq(0..300));
    assert_eq!(decoder.dumps()[0].state(), DumpState::Sealed);
    assert!(decoder.summary().is_complete(), "{:?}", decoder.summary());
}

/// A thread that ends leaves its records in its ring until they are packed.
#[test]
fn records_of_threads_that_have_ended_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = patient(&path).start_detached().unwrap();
    for n in 0..40 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _scope = log.enter();
                info!("{n}");
            });
        });
        await_that(|| numbers(&Dump::open(&path).unwrap()).0.len() as u64 == n + 1);
    }
    log.close().unwrap();
    assert!(numbers(&Dump::open(&path).unwrap()).0.into_iter().eq(0..40));
}

#[test]
fn a_tail_that_is_deleted_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = patient(&path).start_detached().unwrap();
    let scope = log.enter();
    for n in 0..5 {
        info!("{n}");
        await_that(|| numbers(&Dump::open(&path).unwrap()).0.len() as u64 == n + 1);
        for tail in tails_in(folder.path()) {
            std::fs::remove_file(tail).unwrap();
        }
    }
    // Also if no record follows.
    await_that(|| numbers(&Dump::open(&path).unwrap()).0.len() == 5);
    drop(scope);
    log.close().unwrap();
}

/// As with a folder that only others may write to: records are packed in time.
#[cfg(unix)]
#[test]
fn where_there_can_be_no_tail_records_are_packed_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = patient(&path).start_detached().unwrap();
    let session = Dump::open(&path).unwrap().header().session;
    // A directory of its name cannot be replaced.
    let name = stenolog_session::layout::tail_file(&session);
    std::fs::create_dir(folder.path().join(name)).unwrap();
    let scope = log.enter();
    for n in 0..5 {
        info!("{n}");
        await_that(|| {
            let dump = Dump::open(&path).unwrap();
            assert!(dump.tail_dump().is_none());
            numbers(&dump).0.len() as u64 == n + 1
        });
    }
    drop(scope);
    log.close().unwrap();
}
