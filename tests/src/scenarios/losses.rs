//! Scenarios of `tests/losses.rs`.

use std::path::Path;

#[cfg(unix)]
use stenolog::OnFull;
use stenolog::{Builder, info};

#[cfg(unix)]
use super::limits::{ignore_file_size_signal, set_file_size};
use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "without-bytes" => without_bytes(call.dump),
        #[cfg(unix)]
        "full-disk" => full_disk(call.dump),
        #[cfg(unix)]
        "stuck" => stuck(call.dump),
        _ => call.unknown(),
    }
}

/// Lists of elements that take no bytes, at a call site that has logged before.
fn without_bytes(path: &Path) -> Outcome {
    let log = Builder::new(path).start()?;
    for length in [0_usize, 3, 4096, 4097, 1 << 32, 5] {
        let list = vec![[0_u8; 0]; length];
        info!("{} {:?} {}", length, list, "a text after it");
    }
    log.close()?;
    Ok(())
}

#[cfg(unix)]
/// A file that may not grow for a while, then may again.
fn full_disk(path: &Path) -> Outcome {
    let log = Builder::new(path).ring_capacity_bytes(1 << 14).on_full(OnFull::Drop).start()?;
    info!("before");
    log.flush()?;
    ignore_file_size_signal();
    set_file_size(Some(std::fs::metadata(path)?.len()))?;
    // More than the ring holds, so some must be dropped whatever the drain does.
    (0..10_000_u32).for_each(|n| info!("record {n}"));
    println!("{}", log.flush().err().ok_or("a flush to a full disk succeeded")?);
    println!("{}", log.stats().lost);
    set_file_size(None)?;
    log.flush()?;
    info!("after");
    log.close()?;
    Ok(())
}

#[cfg(unix)]
/// Threads that come and go while the drain cannot write: some have a ring already, one has
/// lost its last records.
fn stuck(path: &Path) -> Outcome {
    let log = Builder::new(path).ring_capacity_bytes(1 << 14).on_full(OnFull::Drop).start()?;
    info!("before");
    let barrier = std::sync::Barrier::new(5);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let barrier = &barrier;
            scope.spawn(move || {
                info!("early {thread} 0");
                barrier.wait();
                barrier.wait();
                let count = if thread == 3 { 10_000 } else { 10 };
                (1..count).for_each(|n| info!("early {thread} {n}"));
            });
        }
        barrier.wait();
        log.flush()?;
        ignore_file_size_signal();
        set_file_size(Some(std::fs::metadata(path)?.len()))?;
        barrier.wait();
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    for thread in 0..100 {
        let late = move || (0..10).for_each(|n| info!("late {thread} {n}"));
        std::thread::spawn(late).join().map_err(|_| "a thread has panicked")?;
    }
    log.flush().err().ok_or("a flush to a full disk succeeded")?;
    println!("{}", log.stats().lost);
    set_file_size(None)?;
    log.close()?;
    Ok(())
}
