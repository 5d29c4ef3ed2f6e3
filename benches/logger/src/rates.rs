//! The drain's cost when a program logs at a steady rate, and the size of the records then.

use std::error::Error;
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, PRODUCER, Usage, pin, thread_cpu};
use crate::peers::Peer;
use crate::protocol::tell;
use crate::table::{Table, number};

/// The drain's share of a core, by rate.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let seconds = bench.options.quick_or(2_u32, 5);
    let rates = [0, 10_000, 100_000, 1_000_000, 5_000_000];
    let mut table = Table {
        name: "cpu",
        title: format!("The background thread at a steady rate, {seconds} s each"),
        header: ["percent of a core (bytes a record)", "idle", "10 k/s", "100 k/s", "1 M/s", "5 M/s"]
            .map(String::from)
            .into(),
        rows: Vec::new(),
        notes: vec![
            "Processor time of the process, less that of the logging thread, which makes one batch each millisecond. \
             Loggers of text get the workload as a line that is rendered at the call."
                .into(),
        ],
    };
    for load in Load::MIXED {
        table.rows.extend(rows(bench, load, &rates, seconds)?);
    }
    Ok(vec![table])
}

/// A row for each logger that can be given the load.
fn rows(
    bench: &Bench,
    load: Load,
    rates: &[u32],
    seconds: u32,
) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for &rate in rates {
        let words = |_: &Peer| vec![load.word(), rate.to_string(), seconds.to_string()];
        // The others do not come near the highest.
        let takes_part =
            |peer: &Peer| load.fits(peer) && (rate <= 1_000_000 || peer.name == "stenolog");
        for (n, (peer, figures)) in bench.alternate("cpu", 1, takes_part, words)?.iter().enumerate()
        {
            if rows.len() <= n {
                rows.push(vec![format!("{}, {}", peer.name, load.label())]);
            }
            let percent = number(figures.median("cpu") * 100.0);
            let late = figures.median("reached") < 0.98;
            rows[n].push(match (rate, late) {
                (0, _) => percent,
                (_, true) => "not reached".into(),
                (_, false) => format!("{percent} ({})", number(figures.median("bytes"))),
            });
        }
    }
    Ok(rows)
}

/// The most records of the workload that are made before: more are the same by turns, far apart.
const MADE: u32 = 500_000;

/// Measures one logger at one rate.
pub fn child(peer: &Peer, load: Load, rate: u32, seconds: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let sources = Source::for_threads(peer, load, 1, (rate * seconds).clamp(6, MADE))?;
    let source = sources.first().ok_or("there is no thread")?;
    pin(CONSUMER);
    let path = folder.path().join("rate.log");
    let log = (peer.start)(&path)?;
    pin(PRODUCER);
    // The first records are those of a start.
    (0..6).for_each(|n| source.log_one(n));
    log.settle(6);
    let (before, own_before) = (Usage::now(), thread_cpu());
    let start = Instant::now();
    let batch = rate / 1000;
    let mut logged = 6;
    for tick in 0..seconds * 1000 {
        let due = start + Duration::from_millis(u64::from(tick));
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        if start.elapsed() > Duration::from_secs(u64::from(seconds)) * 3 / 2 {
            break;
        }
        for n in tick * batch..(tick + 1) * batch {
            source.log_one(n);
        }
        logged += u64::from(batch);
    }
    let wall = start.elapsed().as_secs_f64();
    let own = thread_cpu() - own_before;
    let cpu = Usage::now().cpu_seconds - before.cpu_seconds - own;
    tell("cpu", cpu / wall);
    tell("reached", f64::from(seconds) / wall);
    let written = log.finish(logged)?.counted(peer, &path)?;
    tell("bytes", written.bytes as f64 / written.records as f64);
    Ok(())
}
