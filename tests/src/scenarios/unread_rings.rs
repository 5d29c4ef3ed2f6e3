//! Scenarios of `tests/unread_rings.rs`, `tests/leftovers.rs` and `tests/syncs.rs`.

use std::path::Path;

use stenolog::{Builder, OnFull, info};

use super::limits::{ignore_file_size_signal, set_file_size};
use super::{Call, Outcome, die};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match (call.name, call.rest) {
        ("killed", [rings, more]) => killed(call.dump, Path::new(rings), more),
        ("short", [rings]) => short(call.dump, Path::new(rings)),
        ("left", [rings, how]) => left(call.dump, Path::new(rings), how == "unread"),
        ("next", [rings]) => next(call.dump, Path::new(rings), None),
        ("next", [rings, limit]) => next(call.dump, Path::new(rings), Some(limit.parse()?)),
        _ => call.unknown(),
    }
}

/// Two threads, of which the dump has a part of what they log, when the process is killed: with
/// `full`, one of them loses records too. `alive` is killed when its standard input ends.
fn killed(path: &Path, rings: &Path, more: &str) -> Outcome {
    let log = Builder::new(path)
        .rings_in(rings)
        .ring_capacity_bytes(1 << 15)
        .on_full(OnFull::Block)
        .on_full_at(stenolog::Level::Debug, OnFull::Drop)
        .deliver_within(std::time::Duration::from_secs(3600))
        .start()?;
    let call = |name: &str, n: u32| info!(half = f64::from(n) / 2.0, "{name} {n}");
    let round = |numbers: std::ops::Range<u32>| {
        std::thread::scope(|scope| {
            scope.spawn(|| numbers.clone().for_each(|n| call("other", n)));
            numbers.clone().for_each(|n| call("main", n));
        });
    };
    if more != "early" {
        round(0..200);
        log.flush()?;
    }
    // After a pass that finds nothing the drain sleeps for an hour, unless a ring is half full.
    log.flush()?;
    round(200..400);
    if more == "full" {
        let text = "x".repeat(1 << 17);
        (0..3).for_each(|_| stenolog::debug!("{text}"));
    }
    println!("{}", log.stats().lost);
    if more == "alive" {
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    die()
}

/// A process that has no descriptor left when its logger ends. It is killed then.
fn short(path: &Path, rings: &Path) -> Outcome {
    let log = Builder::new(path).rings_in(rings).start()?;
    let call = |n: u32| info!("thread {n}");
    (0..3).for_each(|n| {
        std::thread::scope(|scope| {
            scope.spawn(|| call(n));
        });
    });
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: the limit lives on this stack.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    log.close()?;
    die()
}

/// A process that is killed when its dump has all that it logged, or all but a record.
fn left(path: &Path, rings: &Path, unread: bool) -> Outcome {
    let log = Builder::new(path)
        .rings_in(rings)
        .deliver_within(std::time::Duration::from_secs(3600))
        .start()?;
    info!("written");
    log.flush()?;
    // After a pass that finds nothing the drain sleeps for an hour.
    log.flush()?;
    if unread {
        info!("unread");
    }
    die()
}

/// A run on a path where there was another, perhaps when no file may grow beyond a limit.
fn next(path: &Path, rings: &Path, limit: Option<u64>) -> Outcome {
    if limit.is_some() {
        ignore_file_size_signal();
        set_file_size(limit)?;
    }
    let log = Builder::new(path).rings_in(rings).on_error(|error| println!("{error}")).start()?;
    info!("next");
    log.close()?;
    Ok(())
}
