//! End to end, from the call to the file: threads log as fast as they can, and nothing is dropped.

use std::error::Error;
use std::sync::Barrier;
use std::time::Instant;

use crate::bench::{Bench, Run, line_of};
use crate::calls::{BURST, Session};
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, PRODUCER, Usage, distance, median, pin, pin_some};
use crate::peers::Peer;
use crate::protocol::{Figures, tell};
use crate::table::{Table, number};

/// What all loggers are given.
pub const OF_ALL: [Load; 3] = [Load::Service, Load::HighMix, Load::Mix];

/// Bursts that fit the queue, which tell what the producer alone could do.
const ALONE: u32 = 30;

/// The tables of Stenolog by what is logged, of several producers, and of all loggers.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    Ok(vec![all_table(bench)?, own_table(bench)?, producers_table(bench)?])
}

fn rounds(bench: &Bench) -> u32 {
    bench.options.quick_or(2, 3)
}

/// How many records Stenolog logs. Those of the service are made before, and are all different.
fn own_records(bench: &Bench, load: Load) -> u32 {
    match load {
        Load::Service => bench.options.quick_or(500_000, 2_000_000),
        _ => bench.options.quick_or(3_000_000, 10_000_000),
    }
}

fn records(bench: &Bench, load: Load, peer: &Peer) -> u32 {
    match peer.name {
        "stenolog" => own_records(bench, load),
        // The other one that writes binary.
        "kvlog" => bench.options.quick_or(1_000_000, 4_000_000),
        _ => bench.options.quick_or(200_000, 1_000_000),
    }
}

fn own_table(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut own = Table {
        name: "own-end-to-end",
        title: format!(
            "Stenolog, one thread to a file, {} records ({} of the workload), nothing dropped, median of {}",
            own_records(bench, Load::Mix),
            own_records(bench, Load::Service),
            rounds(bench)
        ),
        header: [
            "", "M records/s", "bytes a record", "MB/s to the file", "producer alone, M/s",
            "share of that", "CPU s for a million", "peak memory, MB", "cache line, ns",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![
            "Until the dump is sealed. The producer alone: bursts that fit the ring, with pauses in which the \
             drain empties it. The memory of the workload's row is mostly that of its records before they are \
             logged."
                .into(),
        ],
    };
    for load in Load::ALL {
        let words = ["stenolog", &load.word(), &own_records(bench, load).to_string(), "1"];
        let figures = bench.own("end-to-end", rounds(bench), &words)?;
        let (rate, alone) = (figures.median("rate") / 1e6, figures.median("alone") / 1e6);
        own.rows.push(vec![
            load.label(),
            number(rate),
            number(figures.median("bytes")),
            number(rate * figures.median("bytes")),
            number(alone),
            number(rate / alone),
            number(figures.median("cpu")),
            number(figures.median("memory") / 1e6),
            number(figures.median("line")),
        ]);
        complain(&mut own, "stenolog", &figures);
    }
    Ok(own)
}

fn all_table(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut all = Table {
        name: "end-to-end",
        title: "All loggers, one thread to a file".into(),
        header: ["", "the workload: M records/s", "bytes a record", "CPU s for a million"]
            .into_iter()
            .chain([
                "the mix, high entropy",
                "bytes",
                "CPU s",
                "the mix, regular",
                "bytes",
                "CPU s",
            ])
            .chain(["peak memory, MB"])
            .map(String::from)
            .collect(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let mut lines = Vec::new();
    for (n, load) in OF_ALL.into_iter().enumerate() {
        let runs = figures(bench, load)?;
        lines.push(line_of(runs));
        for (peer, figures) in runs {
            let row = match all.rows.iter_mut().find(|row| row[0] == peer.name) {
                Some(row) => row,
                None => {
                    all.rows.push(vec![peer.name.to_owned()]);
                    all.rows.last_mut().ok_or("a row")?
                }
            };
            // A logger that cannot be given the one before.
            row.resize(1 + 3 * n, "–".into());
            row.push(number(figures.median("rate") / 1e6));
            row.push(number(figures.median("bytes")));
            row.push(number(figures.median("cpu")));
            if load == Load::Mix {
                row.push(number(figures.median("memory") / 1e6));
            }
            complain(&mut all, peer.name, figures);
        }
    }
    all.rows.sort_by_key(|row| crate::peers::ALL.iter().position(|peer| peer.name == row[0]));
    all.notes.insert(
        0,
        format!(
            "{} records (Stenolog: {} of the workload, {} of the others), median of {}, until the operating system \
             has everything; set up as above; {}. The memory is that of the regular mix. Loggers of text get the \
             workload as a line that is rendered at the call.",
            records(bench, Load::Mix, crate::peers::named("ticklog")?),
            own_records(bench, Load::Service),
            own_records(bench, Load::Mix),
            rounds(bench),
            lines.pop().unwrap_or_default()
        ),
    );
    Ok(all)
}

/// Adds what a logger lost.
pub fn complain(table: &mut Table, name: &str, figures: &Figures) {
    let missing = figures.range("missing").1;
    if missing > 0.0 {
        table.notes.push(format!("{name} lost {missing} records: its rate does not count."));
    }
}

/// A load by all loggers, measured once.
pub fn figures(bench: &Bench, load: Load) -> Result<&[Run], Box<dyn Error>> {
    let kept = OF_ALL.iter().zip(&bench.ends).find(|(of, _)| **of == load);
    let (_, kept) = kept.ok_or("not a load of all loggers")?;
    if let Some(figures) = kept.get() {
        return Ok(figures);
    }
    let words =
        |peer: &Peer| vec![load.word(), records(bench, load, peer).to_string(), "1".to_owned()];
    let figures = bench.alternate("end-to-end", rounds(bench), |peer| load.fits(peer), words)?;
    Ok(kept.get_or_init(|| figures))
}

fn producers_table(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut table = Table {
        name: "producers",
        title: "One, two and four threads to a file".into(),
        header: ["M records/s (CPU s for a million)", "1 thread", "2 threads", "4 threads"]
            .map(String::from)
            .into(),
        rows: Vec::new(),
        notes: vec![format!(
            "All threads log as fast as they can, nothing is dropped, until the operating system has everything; \
             median of {}. Two threads are on a core each; the background thread shares the second.",
            rounds(bench)
        )],
    };
    let own = crate::peers::named("stenolog")?;
    let loads =
        [Load::Service, Load::HighMix, Load::High(3), Load::High(6), Load::Mix, Load::Regular(3)];
    let of_own = loads.into_iter().map(|load| (own, load));
    let others = crate::peers::ALL.into_iter().skip(1).filter(|peer| peer.threads);
    let of_others = others
        .map(|peer| (peer, if peer.service.is_some() { Load::Service } else { Load::HighMix }));
    for (peer, load) in of_own.chain(of_others) {
        if !bench.options.wants_peer(peer.name) {
            continue;
        }
        let mut row = vec![format!("{}, {}", peer.name, load.label())];
        for threads in [1, 2, 4] {
            let records = records(bench, load, peer);
            let words = [peer.name, &load.word(), &records.to_string(), &threads.to_string()];
            let figures = bench.own("end-to-end", rounds(bench), &words)?;
            let (rate, cpu) = (figures.median("rate") / 1e6, figures.median("cpu"));
            row.push(format!("{} ({})", number(rate), number(cpu)));
            complain(&mut table, peer.name, &figures);
        }
        table.rows.push(row);
    }
    Ok(table)
}

/// Measures one logger with one load and some threads.
pub fn child(peer: &Peer, load: Load, records: u32, threads: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    let share = records / threads;
    let sources = Source::for_threads(peer, load, threads as usize, share + ALONE * BURST)?;
    pin(CONSUMER);
    let path = folder.path().join("end.log");
    let log = (peer.start)(&path)?;
    pin(PRODUCER);
    let mut session = Session::new(peer, &*log);
    let timed = match &sources[..] {
        [source] => one_thread(source, &mut session, share),
        _ => several_threads(peer, &sources, &mut session, share)?,
    };
    let written = log.finish(timed.logged)?;
    let seconds = timed.start.elapsed().as_secs_f64();
    let after = Usage::now();
    let written = written.counted(peer, &path)?;
    let records = (timed.logged - timed.warmed) as f64;
    tell("rate", records / seconds);
    tell("bytes", written.bytes as f64 / written.records as f64);
    tell("cpu", (after.cpu_seconds - timed.before.cpu_seconds) / records * 1e6);
    tell("memory", after.peak_bytes as f64);
    tell("missing", timed.logged.abs_diff(written.records) as f64);
    Ok(())
}

/// What was logged, and since when.
struct Timed {
    start: Instant,
    before: Usage,
    /// Records before the start.
    warmed: u64,
    /// All records.
    logged: u64,
}

fn one_thread(source: &Source, session: &mut Session, records: u32) -> Timed {
    alone(source, session);
    let warmed = session.logged;
    let (before, start) = (Usage::now(), Instant::now());
    let logged = warmed + u64::from(source.log(ALONE * BURST, records));
    Timed { start, before, warmed, logged }
}

fn several_threads(
    peer: &Peer,
    sources: &[Source],
    session: &mut Session,
    share: u32,
) -> Result<Timed, Box<dyn Error>> {
    let threads = sources.len() as u32;
    let barrier = Barrier::new(sources.len() + 1);
    let work = |n: u32, source: &Source| {
        pin_some(threads, n as usize);
        // The thread's ring is there before.
        (0..BURST).for_each(peer.calls[3]);
        barrier.wait();
        barrier.wait();
        // No two threads log the same values.
        u64::from(source.log(source.first_of_thread(n, share), share))
    };
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> = sources
            .iter()
            .zip(0..)
            .map(|(source, n)| scope.spawn(move || work(n, source)))
            .collect();
        barrier.wait();
        session.settle(threads * BURST);
        let (warmed, mut logged) = (session.logged, session.logged);
        let (before, start) = (Usage::now(), Instant::now());
        barrier.wait();
        for worker in workers {
            logged += worker.join().map_err(|_| "a thread panicked")?;
        }
        Ok(Timed { start, before, warmed, logged })
    })
}

/// What the producer could do if the queue were always empty.
fn alone(source: &Source, session: &mut Session) {
    let mut rates: Vec<_> = (0..ALONE)
        .map(|burst| {
            let start = Instant::now();
            let logged = source.log(burst * BURST, BURST);
            let seconds = start.elapsed().as_secs_f64();
            session.settle(logged);
            f64::from(logged) / seconds
        })
        .collect();
    tell("alone", median(&mut rates));
}
