//! How far apart the two cores are: a cache line there and back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::{median, pin};

const ROUNDS: u64 = 20_000;

/// Measures and prints the distance, which changes while a process runs.
pub fn print() {
    println!("cache line there and back: {:.0} ns", measure());
}

/// The median over a few bursts, in nanoseconds.
pub fn measure() -> f64 {
    let ball = AtomicU64::new(0);
    let mut figures = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for n in 0..10 * ROUNDS {
                while ball.load(Ordering::Acquire) != 2 * n + 1 {
                    std::hint::spin_loop();
                }
                ball.store(2 * n + 2, Ordering::Release);
            }
        });
        pin(0);
        let mut n = 0;
        for _ in 0..10 {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                ball.store(2 * n + 1, Ordering::Release);
                while ball.load(Ordering::Acquire) != 2 * n + 2 {
                    std::hint::spin_loop();
                }
                n += 1;
            }
            figures.push(start.elapsed().as_nanos() as f64 / ROUNDS as f64);
        }
    });
    median(&mut figures)
}
