//! The first call on a thread, and the first at a call site.

use std::error::Error;
use std::hint::black_box;

use bench_sites::sites;
use bench_statements::Statement;

use crate::bench::Bench;
use crate::machine::{CONSUMER, PRODUCER, clock, pin};
use crate::peers::Peer;
use crate::protocol::tell;
use crate::table::{Table, number};

/// Threads, and call sites.
const COUNT: usize = 60;

/// The table.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let rounds = bench.options.quick_or(2, 3);
    let runs = bench.alternate("first", rounds, |peer| peer.threads, |_| Vec::new())?;
    let mut table = Table {
        name: "first",
        title: format!(
            "The first call on a thread (s4 high entropy), {COUNT} threads, {rounds} times"
        ),
        header: [
            "ns",
            "all alive: median",
            "maximum",
            "one after the other: median",
            "maximum",
            "second call",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for (peer, figures) in &runs {
        let mut row = vec![peer.name.to_owned()];
        for name in ["alive", "after"] {
            row.push(number(figures.median(&format!("{name}.median"))));
            row.push(number(figures.range(&format!("{name}.max")).1));
        }
        row.push(number(figures.median("second")));
        table.rows.push(row);
        if peer.name == "stenolog" {
            table.notes.push(format!(
                "Stenolog's first call at a call site: median {} ns, maximum {} ns of {COUNT}.",
                number(figures.median("site.median")),
                number(figures.range("site.max").1)
            ));
        }
    }
    Ok(vec![table])
}

/// Measures one logger.
pub fn child(peer: &Peer) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    pin(CONSUMER);
    let log = (peer.start)(&folder.path().join("first.log"))?;
    pin(PRODUCER);
    let call = peer.high[3];
    // The call site is known before.
    call(0);
    let mut seconds = Vec::new();
    for (name, alive) in [("alive", true), ("after", false)] {
        let mut firsts = Vec::new();
        let barrier = std::sync::Barrier::new(if alive { COUNT + 1 } else { 1 });
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for _ in 0..COUNT {
                let thread = scope.spawn(|| {
                    let both = [time(call), time(call)];
                    barrier.wait();
                    both
                });
                if alive {
                    // One at a time, so none waits for the core.
                    threads.push(thread);
                    std::thread::sleep(std::time::Duration::from_millis(1));
                } else if let Ok([first, second]) = thread.join() {
                    firsts.push(first);
                    seconds.push(second);
                }
            }
            barrier.wait();
            for thread in threads {
                if let Ok([first, second]) = thread.join() {
                    firsts.push(first);
                    seconds.push(second);
                }
            }
        });
        tell_of(name, &mut firsts);
    }
    tell("second", median(&mut seconds));
    let mut logged = 1 + 4 * COUNT as u64;
    if peer.name == "stenolog" {
        let sites = sites();
        let mut firsts: Vec<_> = sites[..COUNT].iter().map(|site| time(*site)).collect();
        logged += COUNT as u64;
        tell_of("site", &mut firsts);
    }
    log.finish(logged)?;
    Ok(())
}

/// Nanoseconds of one call.
fn time(call: Statement) -> u64 {
    let clock = clock();
    let before = clock.raw();
    call(black_box(1));
    clock.delta_as_nanos(before, clock.raw())
}

fn median(times: &mut [u64]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |ns| *ns as f64)
}

fn tell_of(name: &str, times: &mut [u64]) {
    tell(&format!("{name}.median"), median(times));
    tell(&format!("{name}.max"), times.last().map_or(f64::NAN, |ns| *ns as f64));
}
