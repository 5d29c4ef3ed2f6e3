//! Growth of time and memory with threads, call sites, and the lengths of records and files.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use bench_sites::sites;
use bench_statements::Statement;

use crate::bench::Bench;
use crate::calls::BURST;
use crate::machine::{CONSUMER, PRODUCER, Usage, distance, median, pin, private_bytes, thread_cpu};
use crate::peers;
use crate::protocol::{self, Figures, tell};
use crate::table::{Table, number};

/// The four tables.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    Ok(vec![threads(bench)?, call_sites(bench)?, sizes(bench)?, files(bench)?])
}

fn table(name: &'static str, title: &str, header: &[&str], notes: &str) -> Table {
    Table {
        name,
        title: title.into(),
        header: header.iter().map(ToString::to_string).collect(),
        rows: Vec::new(),
        notes: if notes.is_empty() { Vec::new() } else { vec![notes.into()] },
    }
}

fn threads(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut table = table(
        "growth-threads",
        "Growth with threads that are alive at once, 1000 records (s4 high entropy) each",
        &[
            "threads",
            "a thread's first call, µs",
            "its other calls, ns",
            "rings, MiB",
            "other memory, KiB a thread",
            "drain when idle, % of a core",
            "flush, ms",
        ],
        "The first 64 rings have 1 MiB, others 64 KiB. A call: the thread's own processor time. Other memory has a \
         thread's stack, as far as it is used.",
    );
    for threads in [1, 10, 100, 1000] {
        let figures =
            bench.own("growth-threads", bench.options.quick_or(1, 3), &[&threads.to_string()])?;
        table.rows.push(vec![
            threads.to_string(),
            number(figures.median("first") / 1e3),
            number(figures.median("call")),
            number(figures.median("rings") / f64::from(1 << 20)),
            number(figures.median("memory") / 1024.0 / f64::from(threads)),
            number(figures.median("idle") * 100.0),
            number(figures.median("flush") * 1e3),
        ]);
    }
    Ok(table)
}

/// Measures this many threads.
pub fn child_threads(threads: u32) -> Result<(), Box<dyn Error>> {
    const RECORDS: u32 = 1000;
    let folder = tempfile::tempdir()?;
    pin(CONSUMER);
    let log = peers::stenolog_at(&folder.path().join("growth.steno"))?;
    pin(PRODUCER);
    let call = peers::named("stenolog")?.high[3];
    // The call site is known before.
    call(0);
    log.flush()?;
    let before = private_bytes();
    let barrier = Barrier::new(threads as usize + 1);
    let result = std::thread::scope(|scope| {
        let work = || {
            let start = Instant::now();
            call(black_box(1));
            let first = start.elapsed().as_nanos() as f64;
            let start = thread_cpu();
            (1..RECORDS).for_each(call);
            let others = thread_cpu() - start;
            barrier.wait();
            // All are alive while the memory is looked at.
            barrier.wait();
            (first, others * 1e9 / f64::from(RECORDS - 1))
        };
        let mut workers = Vec::new();
        for _ in 0..threads {
            match std::thread::Builder::new().stack_size(1 << 16).spawn_scoped(scope, work) {
                Ok(thread) => workers.push(thread),
                Err(error) => {
                    // The others wait for this one.
                    eprintln!("a thread more than {}: {error}", workers.len());
                    std::process::exit(1);
                }
            }
        }
        barrier.wait();
        let start = Instant::now();
        let flushed = log.flush();
        tell("flush", start.elapsed().as_secs_f64());
        tell("rings", log.ring_dir().map_or(f64::NAN, blocks_bytes));
        tell("memory", private_bytes() - before);
        let (cpu, start) = (Usage::now().cpu_seconds, Instant::now());
        std::thread::sleep(Duration::from_secs(1));
        tell("idle", (Usage::now().cpu_seconds - cpu) / start.elapsed().as_secs_f64());
        barrier.wait();
        let both: Vec<_> =
            workers.into_iter().flat_map(std::thread::ScopedJoinHandle::join).collect();
        flushed.map(|()| both).map_err(Box::<dyn Error>::from)
    });
    let (mut firsts, mut calls): (Vec<_>, Vec<_>) = result?.into_iter().unzip();
    tell("first", median(&mut firsts));
    tell("call", median(&mut calls));
    let expected = u64::from(threads * RECORDS + 1);
    log.flush()?;
    let records = log.stats().records;
    if records != expected {
        return Err(format!("{records} of {expected} records").into());
    }
    Ok(log.close()?)
}

/// What the files of a folder take, with what is reserved for them.
fn blocks_bytes(folder: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.flat_map(|file| file.metadata()).map(|file| file.blocks() as f64 * 512.0).sum()
}

fn call_sites(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut table = table(
        "growth-sites",
        "Growth with call sites (two `u32`)",
        &[
            "call sites",
            "first call, ns",
            "later calls in turn, ns",
            "memory, bytes a site",
            "dictionary, bytes a site",
            "opening the dump, µs",
        ],
        "Calls in turn over many sites miss the caches with each site's code and static.",
    );
    let most = sites().len() as u32;
    for sites in [1, 10, 100, 1000, 10_000].into_iter().filter(|sites| *sites <= most) {
        let figures =
            bench.own("growth-sites", bench.options.quick_or(1, 3), &[&sites.to_string()])?;
        table.rows.push(vec![
            sites.to_string(),
            number(figures.median("first")),
            number(figures.median("call")),
            number(figures.median("memory") / f64::from(sites)),
            number(figures.median("dictionary") / f64::from(sites)),
            number(figures.median("open") * 1e6),
        ]);
    }
    Ok(table)
}

/// Measures this many call sites.
pub fn child_sites(count: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("growth.steno");
    pin(CONSUMER);
    let log = peers::stenolog_at(&path)?;
    pin(PRODUCER);
    let all = sites();
    let sites: &[Statement] = &all[..count as usize];
    // The thread's ring is there before, and was used.
    for _ in 0..30 {
        (0..BURST).for_each(peers::named("stenolog")?.calls[3]);
        log.flush()?;
    }
    let (memory, file) = (private_bytes(), log.stats().written_bytes);
    let start = Instant::now();
    sites.iter().for_each(|site| site(1));
    tell("first", start.elapsed().as_nanos() as f64 / f64::from(count));
    log.flush()?;
    tell("memory", private_bytes() - memory);
    // The records themselves are a few bytes of it.
    tell("dictionary", (log.stats().written_bytes - file) as f64);
    let turns = (BURST / count).max(1);
    let mut costs = Vec::new();
    for _ in 0..40 {
        let start = Instant::now();
        for n in 0..turns {
            sites.iter().for_each(|site| site(n));
        }
        costs.push(start.elapsed().as_nanos() as f64 / f64::from(turns * count));
        log.flush()?;
    }
    tell("call", median(&mut costs));
    log.close()?;
    let start = Instant::now();
    let dump = stenolog_decoder::Dump::open(&path)?;
    tell("open", start.elapsed().as_secs_f64());
    drop(dump);
    Ok(())
}

fn sizes(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut table = table(
        "growth-sizes",
        "Growth with the length of a record (one `&str` of random letters)",
        &[
            "bytes of text",
            "a call, ns",
            "GB/s",
            "to the file, M records/s",
            "MB/s",
            "bytes a record",
            "cache line, ns",
        ],
        "Calls in bursts of half a ring. To the file: nothing dropped.",
    );
    for length in [8_u32, 64, 512, 4096, 32_768, 65_536] {
        let figures =
            bench.own("growth-sizes", bench.options.quick_or(1, 3), &[&length.to_string()])?;
        let (call, rate) = (figures.median("call"), figures.median("rate"));
        table.rows.push(vec![
            length.to_string(),
            number(call),
            number(f64::from(length) / call),
            number(rate / 1e6),
            number(rate * f64::from(length) / 1e6),
            number(figures.median("bytes")),
            number(figures.median("line")),
        ]);
    }
    Ok(table)
}

#[inline(never)]
fn text(text: &str) {
    stenolog::info!("{text}");
}

/// Letters that no compressor makes much of.
fn letters(count: usize) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state % 75) as u8)
    };
    (0..count).map(|_| next()).collect()
}

/// Measures records of one length.
pub fn child_sizes(length: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("growth.steno");
    tell("line", distance());
    pin(CONSUMER);
    let log = peers::stenolog_at(&path)?;
    pin(PRODUCER);
    // Each record is another piece, so no two are the same.
    let pool = letters(1 << 20);
    let length = length as usize;
    let piece = |n: usize| {
        let start = (n * 61) % (pool.len() - length);
        &pool[start..start + length]
    };
    let burst = ((1 << 19) / (length + 32)).clamp(1, BURST as usize);
    let mut costs = Vec::new();
    for round in 0..100 {
        let start = Instant::now();
        for n in 0..burst {
            text(black_box(piece(n)));
        }
        if round >= 10 {
            costs.push(start.elapsed().as_nanos() as f64 / burst as f64);
        }
        log.flush()?;
    }
    tell("call", median(&mut costs));
    let records = ((1 << 28) / (length + 56)).clamp(1, 4_000_000);
    let start = Instant::now();
    for n in 0..records {
        text(black_box(piece(n)));
    }
    log.flush()?;
    tell("rate", records as f64 / start.elapsed().as_secs_f64());
    let records = log.stats().records;
    log.close()?;
    tell("bytes", std::fs::metadata(&path)?.len() as f64 / records as f64);
    Ok(())
}

fn files(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let mut table = table(
        "growth-files",
        "Growth with the length of the file (texts of 256 random letters)",
        &[
            "MB",
            "writing, MB/s",
            "writer's memory, MB",
            "reading, MB/s",
            "reading, M records/s",
            "reader's own memory, MB",
        ],
        "Reading to text on one core, from the cache. The reader's own memory is what it allocates; the file is mapped.",
    );
    let largest: u32 = bench.options.quick_or(1000, 10_000);
    for megabytes in [1, 10, 100, 1000, 10_000].into_iter().filter(|size| *size <= largest) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("growth.steno").to_string_lossy().into_owned();
        let mut figures = bench.own("growth-files", 1, &[&megabytes.to_string(), &path])?;
        let read: Figures = protocol::run("read", &[path])?;
        figures.extend(read);
        table.rows.push(vec![
            number(figures.median("length") / 1e6),
            number(figures.median("rate") / 1e6),
            number(figures.median("memory") / 1e6),
            number(figures.median("read") / 1e6),
            number(figures.median("read-records") / 1e6),
            number(figures.median("read-memory") / 1e6),
        ]);
    }
    Ok(table)
}

/// Writes a file of about that length.
pub fn child_files(megabytes: u32, path: &Path) -> Result<(), Box<dyn Error>> {
    pin(CONSUMER);
    let log = peers::stenolog_at(path)?;
    pin(PRODUCER);
    let pool = letters(1 << 20);
    let start = Instant::now();
    let mut n = 0_usize;
    while log.stats().written_bytes < u64::from(megabytes) * 1_000_000 {
        for _ in 0..256 {
            let start = (n * 61) % (pool.len() - 256);
            text(black_box(&pool[start..start + 256]));
            n += 1;
        }
    }
    log.flush()?;
    let memory = private_bytes();
    log.close()?;
    let seconds = start.elapsed().as_secs_f64();
    let length = std::fs::metadata(path)?.len() as f64;
    tell("memory", memory);
    tell("length", length);
    tell("rate", length / seconds);
    Ok(())
}
