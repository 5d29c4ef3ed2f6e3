//! Single calls: one each microsecond, as a program that works between them makes them.

use std::error::Error;
use std::hint::black_box;

use crate::bench::{Bench, line_of};
use crate::calls::Session;
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, PRODUCER, clock, distance, pin};
use crate::peers::{self, Peer};
use crate::protocol::tell;
use crate::table::{Table, number};

/// Calls between two looks whether the queue is empty.
const BATCH: u32 = 1000;

/// The upper ends of the histogram's steps, in nanoseconds.
const STEPS: [f64; 8] = [15.0, 25.0, 35.0, 55.0, 105.0, 1005.0, 10_005.0, f64::INFINITY];

/// The percentiles and the histogram of all loggers.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let batches: u32 = bench.options.quick_or(100, 500);
    let rounds = bench.options.quick_or(2, 3);
    let mut runs = Vec::new();
    for load in Load::OF_ONE_CALL {
        let words = |_: &Peer| vec![load.word(), batches.to_string()];
        let of_load = bench.alternate("single", rounds, |peer| load.fits(peer), words)?;
        runs.extend(of_load.into_iter().map(|run| (load, run)));
    }
    if bench.options.wants_peer("stenolog") {
        let (huge, load) = (peers::HUGE_PAGES, Load::High(3));
        let words = [huge.name, &load.word(), &batches.to_string()];
        runs.insert(1, (load, (huge, bench.own("single", rounds, &words)?)));
    }
    let samples = batches * BATCH;
    let header = ["ns (times the clock's p50)", "p50", "p99", "p99.9", "maximum"];
    let mut table = Table {
        name: "single",
        title: format!("A single call, one each microsecond, {samples} of them, {rounds} times"),
        header: header.map(String::from).into(),
        rows: Vec::new(),
        notes: vec![format!(
            "Between two readings of the counter, which moves in steps of 10 ns on this machine; the clock alone is \
             measured in turn with the calls. The maximum is the largest of all; where the clock alone has one like \
             it, it is the machine's and not the logger's; {}.",
            line_of(runs.iter().map(|(_, run)| run))
        )],
    };
    let mut shares = Table {
        name: "single-histogram",
        title: "The same calls by duration, in percent".into(),
        header: std::iter::once(String::new()).chain(STEPS.map(label)).collect(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let clock = runs.first().map(|(_, (_, figures))| ("the clock alone".into(), "clock", figures));
    let name = |peer: &Peer, load: &Load| format!("{}, {}", peer.name, load.label());
    let calls = runs.iter().map(|(load, (peer, figures))| (name(peer, load), "call", figures));
    // A clock that is read after a slow call is slow as well: the first logger's counts for all.
    let floor = runs.first().map_or(f64::NAN, |(_, (_, figures))| figures.median("clock.p50"));
    for (name, prefix, figures) in clock.into_iter().chain(calls) {
        let mut row = vec![name.clone()];
        for percentile in ["p50", "p99", "p999"] {
            let x = figures.median(&format!("{prefix}.{percentile}"));
            row.push(format!("{} ({})", number(x), number(x / floor)));
        }
        row.push(number(figures.range(&format!("{prefix}.max")).1));
        table.rows.push(row);
        let share = |n| {
            let percent = figures.mean(&format!("{prefix}.step{n}"));
            if percent == 0.0 { String::new() } else { number(percent) }
        };
        shares.rows.push(std::iter::once(name).chain((0..STEPS.len()).map(share)).collect());
    }
    Ok(vec![table, shares])
}

fn label(step: f64) -> String {
    match step {
        ns if ns.is_infinite() => "more".into(),
        ns if ns < 1000.0 => format!("≤ {:.0} ns", (ns - 5.0).max(10.0)),
        ns => format!("≤ {:.0} µs", ns / 1000.0),
    }
}

/// Measures one logger.
pub fn child(peer: &Peer, load: Load, batches: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    let sources = Source::for_threads(peer, load, 1, batches * BATCH)?;
    let source = sources.first().ok_or("there is no thread")?;
    pin(CONSUMER);
    let log = (peer.start)(&folder.path().join("single.log"))?;
    pin(PRODUCER);
    let mut session = Session::new(peer, &*log);
    let clock = clock();
    let microsecond = 1_000_000_000 / clock.delta_as_nanos(0, 1_000_000).max(1);
    let [mut calls, mut pairs] = [const { Vec::new() }; 2];
    // The samples' memory is there before they are.
    for list in [&mut calls, &mut pairs] {
        list.resize((batches * BATCH) as usize, 1_u64);
    }
    for batch in 0..batches {
        let mut next = clock.raw();
        for n in 0..BATCH {
            while clock.raw() < next {
                std::hint::spin_loop();
            }
            next += microsecond;
            let sample = batch * BATCH + n;
            let before = clock.raw();
            source.log_one(black_box(sample));
            let between = clock.raw();
            let after = clock.raw();
            let sample = sample as usize;
            calls[sample] = between - before;
            pairs[sample] = after - between;
        }
        session.settle(BATCH);
    }
    for (name, mut ticks) in [("call", calls), ("clock", pairs)] {
        ticks.sort_unstable();
        let ns = |tick: u64| clock.delta_as_nanos(0, tick) as f64;
        let at = |share: f64| ns(ticks[((ticks.len() - 1) as f64 * share) as usize]);
        tell(&format!("{name}.p50"), at(0.5));
        tell(&format!("{name}.p99"), at(0.99));
        tell(&format!("{name}.p999"), at(0.999));
        tell(&format!("{name}.max"), at(1.0));
        let mut below = 0;
        for (n, step) in STEPS.iter().enumerate() {
            let end = ticks.partition_point(|tick| ns(*tick) <= *step);
            tell(&format!("{name}.step{n}"), (end - below) as f64 * 100.0 / ticks.len() as f64);
            below = end;
        }
    }
    let logged = session.logged;
    log.finish(logged)?;
    Ok(())
}
