//! End to end, from the call to the file: threads log as fast as they can, and nothing is dropped.

use std::error::Error;
use std::sync::Barrier;
use std::time::Instant;

use bench_statements::Statement;

use crate::bench::{Bench, Run, line_of};
use crate::calls::{BURST, Session};
use crate::machine::{CONSUMER, PRODUCER, Usage, distance, median, pin, thread_cpu};
use crate::peers::Peer;
use crate::protocol::{Figures, tell};
use crate::table::{Table, number};

/// The mix of the six, after them.
const MIX: usize = 6;

/// The table of Stenolog's statements, and that of all loggers with the mix.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let own_records: u32 = bench.options.quick_or(3_000_000, 10_000_000);
    let rounds = bench.options.quick_or(2, 3);
    Ok(vec![own_table(bench, own_records, rounds)?, all_table(bench, own_records, rounds)?])
}

fn own_table(bench: &Bench, own_records: u32, rounds: u32) -> Result<Table, Box<dyn Error>> {
    let mut own = Table {
        name: "own-end-to-end",
        title: format!(
            "Stenolog, one thread to a file, {own_records} records, nothing dropped, median of {rounds}"
        ),
        header: [
            "", "M records/s", "bytes a record", "producer alone, M/s", "share of that",
            "CPU s for a million", "peak memory, MB", "cache line, ns",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![
            "Until the dump is sealed. The producer alone: bursts that fit the ring, with pauses in which the \
             drain empties it."
                .into(),
        ],
    };
    for statement in 0..=MIX {
        let words = [statement.to_string(), own_records.to_string()];
        let figures = bench.own("end-to-end", rounds, &["stenolog", &words[0], &words[1]])?;
        let name = if statement == MIX { "the mix".into() } else { format!("s{}", statement + 1) };
        let (rate, alone) = (figures.median("rate"), figures.median("alone"));
        own.rows.push(vec![
            name,
            number(rate / 1e6),
            number(figures.median("bytes")),
            number(alone / 1e6),
            number(rate / alone),
            number(figures.median("cpu")),
            number(figures.median("memory") / 1e6),
            number(figures.median("line")),
        ]);
        complain(&mut own, "stenolog", &figures);
    }
    Ok(own)
}

fn all_table(bench: &Bench, own_records: u32, rounds: u32) -> Result<Table, Box<dyn Error>> {
    let runs = figures(bench)?;
    let mut all = Table {
        name: "end-to-end",
        title: "All loggers, one thread to a file, the mix of the six statements".into(),
        header: [
            "",
            "M records/s",
            "bytes a record",
            "MB/s to the file",
            "CPU s for a million",
            "peak memory, MB",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![format!(
            "{} records (Stenolog: {}), median of {rounds}, until the operating system has everything; set up as above; {}.",
            peer_records(bench),
            own_records,
            line_of(runs)
        )],
    };
    for (peer, figures) in runs {
        let (rate, bytes) = (figures.median("rate") / 1e6, figures.median("bytes"));
        let [cpu, memory] = ["cpu", "memory"].map(|name| figures.median(name));
        all.rows.push(vec![
            peer.name.to_owned(),
            number(rate),
            number(bytes),
            number(rate * bytes),
            number(cpu),
            number(memory / 1e6),
        ]);
        complain(&mut all, peer.name, figures);
    }
    Ok(all)
}

fn complain(table: &mut Table, name: &str, figures: &Figures) {
    let missing = figures.range("missing").1;
    if missing > 0.0 {
        table.notes.push(format!("{name} lost {missing} records: its rate does not count."));
    }
}

const fn peer_records(bench: &Bench) -> u32 {
    bench.options.quick_or(400_000, 1_000_000)
}

/// The mix by all loggers, measured once.
pub fn figures(bench: &Bench) -> Result<&[Run], Box<dyn Error>> {
    if let Some(figures) = bench.ends.get() {
        return Ok(figures);
    }
    let rounds = bench.options.quick_or(2, 3);
    let records = |peer: &Peer| match peer.name {
        "stenolog" => bench.options.quick_or(3_000_000, 10_000_000),
        _ => peer_records(bench),
    };
    let words = |peer: &Peer| vec![MIX.to_string(), records(peer).to_string()];
    let figures = bench.alternate("end-to-end", rounds, |_| true, words)?;
    Ok(bench.ends.get_or_init(|| figures))
}

/// Measures one logger with one statement or the mix.
pub fn child(peer: &Peer, statement: u32, records: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    pin(CONSUMER);
    let log = (peer.start)(&folder.path().join("end.log"))?;
    pin(PRODUCER);
    let statement = statement as usize;
    let calls = match peer.calls.get(statement) {
        Some(call) => [*call; 6],
        None => peer.calls,
    };
    let mut session = Session::new(peer, &*log);
    let mut alone: Vec<_> = (0..30)
        .map(|_| {
            let start = Instant::now();
            all_of(&calls, BURST);
            let seconds = start.elapsed().as_secs_f64();
            session.settle(BURST);
            f64::from(BURST) / seconds
        })
        .collect();
    tell("alone", median(&mut alone));
    let logged = session.logged + u64::from(records);
    let before = Usage::now();
    let start = Instant::now();
    all_of(&calls, records);
    let written = log.finish(logged)?;
    let seconds = start.elapsed().as_secs_f64();
    let after = Usage::now();
    tell("rate", f64::from(records) / seconds);
    tell("bytes", written.bytes as f64 / written.records as f64);
    tell("cpu", (after.cpu_seconds - before.cpu_seconds) / f64::from(records) * 1e6);
    tell("memory", after.peak_bytes as f64);
    tell("missing", logged.abs_diff(written.records) as f64);
    Ok(())
}

/// Logs `count` records, by the statements in turn.
fn all_of(calls: &[Statement; 6], records: u32) {
    for n in 0..records / 6 {
        for call in calls {
            call(n);
        }
    }
    for n in 0..records % 6 {
        calls[0](n);
    }
}

/// The tables of one, two and eight threads.
pub fn measure_threads(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
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
pub fn child_threads(peer: &Peer, threads: u32, records: u32) -> Result<(), Box<dyn Error>> {
    const BURSTS: u32 = 20;
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    pin(CONSUMER);
    let log = (peer.start)(&folder.path().join("threads.log"))?;
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
    let written = log.finish(logged)?;
    tell("missing", logged.abs_diff(written.records) as f64);
    Ok(())
}

/// One thread of few has a core of its own.
fn pin_some(threads: u32, core: usize) {
    if threads <= 2 {
        pin(if core == 0 { PRODUCER } else { CONSUMER });
    } else {
        crate::machine::unpin();
    }
}
