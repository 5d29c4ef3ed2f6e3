//! The drain's cost when a program logs at a steady rate, and the size of the records then.

use std::error::Error;
use std::time::{Duration, Instant};

use crate::bench::Bench;
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
        title: format!("The background thread at a steady rate of the mix, {seconds} s each"),
        header: ["percent of a core (bytes a record)", "idle", "10 k/s", "100 k/s", "1 M/s", "5 M/s"]
            .map(String::from)
            .into(),
        rows: Vec::new(),
        notes: vec![
            "Processor time of the process, less that of the logging thread, which makes one batch each millisecond."
                .into(),
        ],
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for rate in rates {
        let words = |_: &Peer| vec![rate.to_string(), seconds.to_string()];
        // The others do not come near the highest.
        let takes_part = |peer: &Peer| rate <= 1_000_000 || peer.name == "stenolog";
        for (n, (peer, figures)) in bench.alternate("cpu", 1, takes_part, words)?.iter().enumerate()
        {
            if rows.len() <= n {
                rows.push(vec![peer.name.to_owned()]);
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
    table.rows = rows;
    Ok(vec![table])
}

/// Measures one logger at one rate.
pub fn child(peer: &Peer, rate: u32, seconds: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    pin(CONSUMER);
    let path = folder.path().join("rate.log");
    let log = (peer.start)(&path)?;
    pin(PRODUCER);
    // The first records are those of a start.
    peer.calls.iter().for_each(|call| call(0));
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
            peer.calls[n as usize % 6](n);
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
