//! Several threads at once, each as fast as it can.

use std::error::Error;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::bench::Bench;
use crate::calls::BURST;
use crate::end_to_end::complain;
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, distance, median, pin, pin_some, thread_cpu};
use crate::peers::Peer;
use crate::protocol::tell;
use crate::table::{Table, number};

/// The tables of one, two and eight threads.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut table = Table {
        name: "threads",
        title: "Several threads at once".into(),
        header: [
            "",
            "ns a call: 1",
            "2 threads",
            "8 threads",
            "M records/s to the file: 1",
            "2 threads",
            "8 threads",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![format!(
            "A call: the thread's own processor time in bursts of {BURST} by all threads together, median over \
             threads and bursts. To the file: all threads log as fast as they can, nothing is dropped."
        )],
    };
    for load in Load::OF_ONE_CALL {
        add_rows(bench, load, &mut table)?;
    }
    table.notes.push("quicklog is for one thread.".into());
    Ok(vec![table])
}

/// Adds a row for each logger that can be given the load.
fn add_rows(bench: &Bench, load: Load, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let rounds = bench.options.quick_or(1, 3);
    let mut rows: Vec<(&Peer, Vec<String>, Vec<String>)> = Vec::new();
    for threads in [1, 2, 8] {
        let records = |peer: &Peer| match (peer.name, load) {
            // Those of the workload are made before.
            ("stenolog", Load::Service) => bench.options.quick_or(500_000, 2_000_000),
            ("stenolog", _) => bench.options.quick_or(2_000_000, 8_000_000),
            _ => bench.options.quick_or(200_000, 800_000),
        };
        let words = |peer: &Peer| vec![load.word(), threads.to_string(), records(peer).to_string()];
        let takes_part = |peer: &Peer| peer.threads && load.fits(peer);
        let runs = bench.alternate("threads", rounds, takes_part, words)?;
        for (n, (peer, figures)) in runs.iter().enumerate() {
            if rows.len() <= n {
                rows.push((peer, Vec::new(), Vec::new()));
            }
            rows[n].1.push(number(figures.median("call")));
            rows[n].2.push(number(figures.median("rate") / 1e6));
            complain(table, peer.name, figures);
        }
    }
    let name = |peer: &Peer| format!("{}, {}", peer.name, load.label());
    let rows =
        rows.into_iter().map(|(peer, calls, rates)| [vec![name(peer)], calls, rates].concat());
    table.rows.extend(rows);
    Ok(())
}

/// Bursts of each thread before the file's rate is measured.
const BURSTS: u32 = 20;

/// Measures one logger with several threads.
pub fn child(peer: &Peer, load: Load, threads: u32, records: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    let share = records / threads;
    // A thread of the workload has more or fewer.
    let most = share + BURSTS * BURST;
    let sources = Source::for_threads(peer, load, threads as usize, most)?;
    pin(CONSUMER);
    let path = folder.path().join("threads.log");
    let log = (peer.start)(&path)?;
    let barrier = Barrier::new(threads as usize + 1);
    let logged = AtomicU64::new(0);
    let log_some = |source: &Source, from: u32, records: u32| {
        let of_these = source.log(from, records);
        logged.fetch_add(of_these.into(), Ordering::Relaxed);
        of_these
    };
    let count = || logged.load(Ordering::Relaxed);
    let worker = |core: u32, source: &Source| {
        let first = source.first_of_thread(core, most);
        // More threads than cores are left to the scheduler.
        pin_some(threads, core as usize);
        let costs = in_bursts(&barrier, |burst| log_some(source, first + burst * BURST, BURST));
        barrier.wait();
        log_some(source, first + BURSTS * BURST, share);
        barrier.wait();
        costs
    };
    let worker = &worker;
    let (costs, of_bursts, seconds) = std::thread::scope(|scope| {
        let workers: Vec<_> = sources
            .iter()
            .zip(0..)
            .map(|(source, core)| scope.spawn(move || worker(core, source)))
            .collect();
        for _ in 0..BURSTS {
            barrier.wait();
            barrier.wait();
            log.settle(count());
        }
        let of_bursts = count();
        barrier.wait();
        let start = Instant::now();
        barrier.wait();
        log.settle(count());
        let seconds = start.elapsed().as_secs_f64();
        let costs: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (costs, of_bursts, seconds)
    });
    let logged = count();
    let mut all = Vec::new();
    for costs in costs {
        all.extend(costs.map_err(|_| "a thread panicked")?);
    }
    tell("call", median(&mut all));
    tell("rate", (logged - of_bursts) as f64 / seconds);
    let written = log.finish(logged)?.counted(peer, &path)?;
    tell("missing", logged.abs_diff(written.records) as f64);
    Ok(())
}

/// Nanoseconds a call, in bursts that all threads make together. `log` logs a burst, and returns how many records
/// it had.
fn in_bursts(barrier: &Barrier, log: impl Fn(u32) -> u32) -> Vec<f64> {
    let mut costs = Vec::new();
    for burst in 0..BURSTS {
        barrier.wait();
        let start = thread_cpu();
        let logged = log(burst);
        let seconds = thread_cpu() - start;
        // Before is the first walk through the ring's memory.
        if burst >= BURSTS / 2 && logged == BURST {
            costs.push(seconds * 1e9 / f64::from(BURST));
        }
        barrier.wait();
    }
    costs
}
