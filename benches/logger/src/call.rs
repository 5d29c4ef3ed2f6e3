//! The cost of a call: bursts that fit the ring, with the ring emptied between them.

use std::error::Error;
use std::time::Instant;

use stenolog::{Builder, Existing};

use crate::statements::{ALL, ALL_AT, NAMES, Statement, disabled};
use crate::{median, pin};

const BURST: u32 = 4096;
const ROUNDS: usize = 400;

/// Measures and prints the table.
pub fn print() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The drain stays on the core on which it is started.
    pin(1);
    let log = Builder::new(folder.path().join("call.steno"))
        .existing(Existing::Replace)
        .filter("trace,quiet=off")
        .start()?;
    pin(0);
    let clock = quanta::Clock::new();
    println!("\na call, burst of {BURST}, median of {ROUNDS} (ns; ratio to reading the clock)");
    println!(
        "{:<24} {:>7} {:>7} {:>7} {:>9} {:>7}",
        "", "clock", "call", "ratio", "with at:", "ratio"
    );
    for (name, (call, call_at)) in NAMES.iter().zip(ALL.iter().zip(&ALL_AT)) {
        let [mut clocks, mut calls, mut calls_at] = [const { Vec::new() }; 3];
        // The ring is walked through once before, so that no round pays for its memory.
        for round in 0..ROUNDS + 40 {
            let clock = burst(|_| {
                std::hint::black_box(clock.raw());
            });
            let cost = burst(*call);
            log.flush()?;
            let cost_at = burst(*call_at);
            log.flush()?;
            if round >= 40 {
                clocks.push(clock);
                calls.push(cost);
                calls_at.push(cost_at);
            }
        }
        let [clock, call, at] = [&mut clocks, &mut calls, &mut calls_at].map(|list| median(list));
        println!(
            "{name:<24} {clock:>7.2} {call:>7.2} {:>7.2} {at:>9.2} {:>7.2}",
            call / clock,
            at / clock
        );
    }
    let mut off: Vec<_> = (0..ROUNDS).map(|_| burst(disabled as Statement)).collect();
    println!("{:<24} {:>7} {:>7.2}", "disabled", "", median(&mut off));
    if log.stats().lost > 0 {
        return Err("records were lost: the figures do not count".into());
    }
    Ok(())
}

/// Nanoseconds a call.
fn burst(call: impl Fn(u32)) -> f64 {
    let start = Instant::now();
    for n in 0..BURST {
        call(std::hint::black_box(n));
    }
    start.elapsed().as_nanos() as f64 / f64::from(BURST)
}
