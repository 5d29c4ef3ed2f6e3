//! Bytes of a record, and the cost of the background thread, at ordinary rates: the workload over ten
//! threads, in real time.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use bench_workload::{Plan, Stamps, Workload, log, twin};
use stenolog_decoder::Format;

use crate::bench::Bench;
use crate::peers;
use crate::protocol::{self, Figures, tell};
use crate::steno::{other, run, steno};
use crate::table::{Table, number};

/// How many threads log.
const THREADS: usize = 10;

/// Records a second, and for how many seconds they are logged: in a quick run, and in a full one.
const RATES: [(u32, u32, u32); 5] =
    [(0, 10, 60), (100, 20, 60), (1000, 10, 30), (10_000, 5, 20), (100_000, 2, 8)];

/// A dump at a rate: its figures, and those of its twins.
pub struct AtRate {
    rate: u32,
    figures: Figures,
    /// Of the text; of the JSON; of both compressed by zstd -3 and -19; of the repacked dump; of clp-s.
    sizes: Sizes,
}

#[derive(Clone, Copy)]
struct Sizes {
    records: f64,
    dump: f64,
    text: f64,
    json: f64,
    zstd3: f64,
    zstd19: f64,
    repacked: f64,
    /// Seconds of the processor for it.
    repack_cpu: f64,
    repack_wall: f64,
    clp: f64,
}

/// The dumps at all rates, written once.
fn at_rates(bench: &Bench) -> Result<&[AtRate], Box<dyn Error>> {
    if let Some(rates) = bench.rates.get() {
        return Ok(rates);
    }
    let mut all = Vec::new();
    for (rate, quick, full) in RATES {
        let seconds = bench.options.quick_or(quick, full);
        let folder = tempfile::tempdir()?;
        let dump = folder.path().join("rate.steno");
        eprintln!("bytes: {rate} records/s, {seconds} s");
        let words = [rate.to_string(), seconds.to_string(), dump.to_string_lossy().into_owned()];
        let figures = protocol::run("at-rate", &words)?;
        let sizes = Sizes::of(&dump, folder.path(), rate == 0)?;
        all.push(AtRate { rate, figures, sizes });
    }
    Ok(bench.rates.get_or_init(|| all))
}

impl Sizes {
    fn of(dump: &Path, folder: &Path, is_idle: bool) -> Result<Self, Box<dyn Error>> {
        let nan = f64::NAN;
        let mut sizes = Self {
            records: nan,
            dump: nan,
            text: nan,
            json: nan,
            zstd3: nan,
            zstd19: nan,
            repacked: nan,
            repack_cpu: nan,
            repack_wall: nan,
            clp: nan,
        };
        if is_idle {
            return Ok(sizes);
        }
        let [text, json, small, out] =
            ["rate.txt", "rate.json", "small.steno", "out"].map(|name| folder.join(name));
        let length = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() as f64);
        let records = twin(dump, &text, Format::Short)?.records as f64;
        twin(dump, &json, Format::Json)?;
        let lines = std::fs::read(&text)?;
        let mut export = Command::new(steno()?);
        export.args(["export", "--to", "steno", "--zstd", "19"]).arg(dump).arg("-o").arg(&small);
        let repack = run(export.stderr(std::process::Stdio::null()), &out)?;
        sizes.records = records;
        sizes.dump = length(dump)? / records;
        sizes.text = length(&text)? / records;
        sizes.json = length(&json)? / records;
        sizes.zstd3 = zstd::bulk::compress(&lines, 3)?.len() as f64 / records;
        sizes.zstd19 = zstd::bulk::compress(&lines, 19)?.len() as f64 / records;
        sizes.repacked = length(&small)? / records;
        sizes.repack_cpu = repack.cpu_ms / 1e3;
        sizes.repack_wall = repack.wall_ms / 1e3;
        if let Some(clp) = other("CLP_S", "clp-s") {
            let archive = folder.join("clp");
            let mut compress = Command::new(clp);
            compress.args(["c", "--timestamp-key", "timestamp"]).arg(&archive).arg(&json);
            run(&mut compress, &out)?;
            sizes.clp = length_of_folder(&archive)? / records;
        }
        Ok(sizes)
    }
}

fn length_of_folder(folder: &Path) -> std::io::Result<f64> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() {
            length_of_folder(&entry.path())?
        } else {
            metadata.len() as f64
        };
    }
    Ok(sum)
}

/// The table of sizes.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut table = Table {
        name: "bytes",
        title: format!("Bytes a record of the workload, by its rate over {THREADS} threads"),
        header: [
            "records a second", "records", "text", "JSON", "dump", "÷ zstd -3 of the text", "repacked",
            "÷ zstd -3 of the text", "÷ zstd -19 of the text", "÷ clp-s of the JSON", "zstd -3", "zstd -19", "clp-s",
            "repacking, M records/s", "the same by processor time",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![
            "Logged in real time by threads that wait for each record's time. The dump as the logger sealed it, with its \
             defaults; repacked by `steno export --to steno --zstd 19`; the text and the JSON are what `steno` prints, \
             compressed in one piece. `clp-s` with its defaults, if it is there (`$CLP_S`)."
                .into(),
        ],
    };
    for AtRate { rate, sizes, .. } in at_rates(bench)? {
        if *rate == 0 {
            continue;
        }
        let cells = [
            sizes.records,
            sizes.text,
            sizes.json,
            sizes.dump,
            sizes.dump / sizes.zstd3,
            sizes.repacked,
            sizes.repacked / sizes.zstd3,
            sizes.repacked / sizes.zstd19,
            sizes.repacked / sizes.clp,
            sizes.zstd3,
            sizes.zstd19,
            sizes.clp,
            sizes.records / sizes.repack_wall / 1e6,
            sizes.records / sizes.repack_cpu / 1e6,
        ];
        table.rows.push(std::iter::once(rate.to_string()).chain(cells.map(number)).collect());
    }
    Ok(vec![table])
}

/// The table of what it costs to be there.
pub fn measure_rest(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut table = Table {
        name: "rest",
        title: format!("The drain at rest and at ordinary rates of the workload, {THREADS} threads"),
        header: ["records a second", "% of a core", "wake-ups a second", "bytes a record"]
            .map(String::from)
            .into(),
        rows: Vec::new(),
        notes: vec![
            "Processor time of the drain's thread, as the scheduler counts it. Idle: all threads have logged once, and \
             are alive."
                .into(),
        ],
    };
    for AtRate { rate, figures, sizes } in at_rates(bench)? {
        table.rows.push(vec![
            if *rate == 0 { "idle".into() } else { rate.to_string() },
            number(figures.median("cpu") * 100.0),
            number(figures.median("wakes")),
            number(sizes.dump),
        ]);
    }
    Ok(vec![table])
}

/// Logs at a rate, and tells what the drain used meanwhile.
pub fn child(rate: u32, seconds: u32, path: &Path) -> Result<(), Box<dyn Error>> {
    let logger = peers::stenolog_at(path)?;
    let (before, after, wall) = if rate == 0 { idle(seconds)? } else { busy(rate, seconds)? };
    logger.flush()?;
    let stats = logger.stats();
    if stats.lost > 0 {
        return Err(format!("{} records were lost", stats.lost).into());
    }
    logger.close()?;
    tell("cpu", (after.cpu_seconds - before.cpu_seconds) / wall.as_secs_f64());
    tell("wakes", (after.wakes - before.wakes) / wall.as_secs_f64());
    Ok(())
}

type Used = (Drain, Drain, Duration);

fn busy(rate: u32, seconds: u32) -> Result<Used, Box<dyn Error>> {
    let plan = Plan {
        records: (rate * seconds) as usize,
        rate: Some(f64::from(rate)),
        threads: THREADS,
        seed: u64::from(rate),
        stamps: Stamps::Real,
    };
    let before = Drain::used()?;
    let wall = log(&plan)?;
    Ok((before, Drain::used()?, wall))
}

/// Threads that have logged and are alive.
fn idle(seconds: u32) -> Result<Used, Box<dyn Error>> {
    let events: Vec<_> = Workload::new(1, 1000.0).take(THREADS).collect();
    let barrier = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for event in events {
            let barrier = &barrier;
            scope.spawn(move || {
                event.log();
                barrier.wait();
                barrier.wait();
            });
        }
        barrier.wait();
        // What they logged is written before.
        std::thread::sleep(Duration::from_secs(1));
        let (before, start) = (Drain::used(), Instant::now());
        std::thread::sleep(Duration::from_secs(seconds.into()));
        let (after, wall) = (Drain::used(), start.elapsed());
        barrier.wait();
        Ok((before?, after?, wall))
    })
}

/// What the drain's thread has used so far.
struct Drain {
    cpu_seconds: f64,
    /// How often it has begun to wait.
    wakes: f64,
}

impl Drain {
    fn used() -> Result<Self, Box<dyn Error>> {
        for task in std::fs::read_dir("/proc/self/task")? {
            let task = task?.path();
            if std::fs::read_to_string(task.join("comm"))?.trim() != "stenolog-drain" {
                continue;
            }
            let times = std::fs::read_to_string(task.join("schedstat"))?;
            let ns: f64 = times.split(' ').next().ok_or("no time")?.parse()?;
            let status = std::fs::read_to_string(task.join("status"))?;
            let wakes =
                status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            return Ok(Self {
                cpu_seconds: ns / 1e9,
                wakes: wakes.ok_or("no count")?.trim().parse()?,
            });
        }
        Err("there is no drain thread".into())
    }
}
