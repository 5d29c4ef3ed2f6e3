//! Several threads at once, each as fast as it can.

use std::error::Error;
use std::sync::Barrier;
use std::time::Instant;

use crate::bench::Bench;
use crate::calls::BURST;
use crate::end_to_end::complain;
use crate::machine::{CONSUMER, distance, median, pin, pin_some, thread_cpu};
use crate::peers::Peer;
use crate::protocol::tell;
use crate::table::{Table, number};

/// The tables of one, two and eight threads.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut table = Table {
        name: "threads",
        title: "Several threads at once (s4)".into(),
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
    let rounds = bench.options.quick_or(1, 3);
    let mut rows: Vec<(&Peer, Vec<String>, Vec<String>)> = Vec::new();
    for threads in [1, 2, 8] {
        let records = |peer: &Peer| match peer.name {
            "stenolog" => bench.options.quick_or(2_000_000, 8_000_000),
            _ => bench.options.quick_or(200_000, 800_000),
        };
        let words = |peer: &Peer| vec![threads.to_string(), records(peer).to_string()];
        let runs = bench.alternate("threads", rounds, |peer| peer.threads, words)?;
        for (n, (peer, figures)) in runs.iter().enumerate() {
            if rows.len() <= n {
                rows.push((peer, Vec::new(), Vec::new()));
            }
            rows[n].1.push(number(figures.median("call")));
            rows[n].2.push(number(figures.median("rate") / 1e6));
            complain(&mut table, peer.name, figures);
        }
    }
    table.rows = rows
        .into_iter()
        .map(|(peer, calls, rates)| [vec![peer.name.to_owned()], calls, rates].concat())
        .collect();
    table.notes.push("quicklog is for one thread.".into());
    Ok(vec![table])
}

/// Measures one logger with several threads.
pub fn child(peer: &Peer, threads: u32, records: u32) -> Result<(), Box<dyn Error>> {
    const BURSTS: u32 = 20;
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    pin(CONSUMER);
    let path = folder.path().join("threads.log");
    let log = (peer.start)(&path)?;
    let call = peer.calls[3];
    let share = records / threads;
    let barrier = Barrier::new(threads as usize + 1);
    let mut logged = 0;
    let (costs, seconds) = std::thread::scope(|scope| {
        let worker = |core: usize| {
            // More threads than cores are left to the scheduler.
            pin_some(threads, core);
            let mut costs = Vec::new();
            for burst in 0..BURSTS {
                barrier.wait();
                let start = thread_cpu();
                (0..BURST).for_each(call);
                let seconds = thread_cpu() - start;
                // The first walk through the ring's memory.
                if burst >= BURSTS / 2 {
                    costs.push(seconds * 1e9 / f64::from(BURST));
                }
                barrier.wait();
            }
            barrier.wait();
            (0..share).for_each(call);
            barrier.wait();
            costs
        };
        let workers: Vec<_> =
            (0..threads as usize).map(|core| scope.spawn(move || worker(core))).collect();
        for _ in 0..BURSTS {
            barrier.wait();
            barrier.wait();
            logged += u64::from(BURST * threads);
            log.settle(logged);
        }
        barrier.wait();
        let start = Instant::now();
        barrier.wait();
        logged += u64::from(share * threads);
        log.settle(logged);
        let seconds = start.elapsed().as_secs_f64();
        let costs: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (costs, seconds)
    });
    let mut all = Vec::new();
    for costs in costs {
        all.extend(costs.map_err(|_| "a thread panicked")?);
    }
    tell("call", median(&mut all));
    tell("rate", f64::from(share * threads) / seconds);
    let written = log.finish(logged)?.counted(peer, &path)?;
    tell("missing", logged.abs_diff(written.records) as f64);
    Ok(())
}
