//! Search: `steno` with a filter on a dump of the workload beside ripgrep on the same log as text.

mod answers;
mod sought;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench_workload::{Plan, Stamps, reread, twin, write};
use stenolog_decoder::Format;

use crate::bench::Bench;
use crate::protocol;
use crate::steno::{Run, other, run, steno};
use crate::table::{Table, number};
use sought::{Row, Sought};

/// Rounds in which all programs take turns, at the most.
const ROUNDS: usize = 7;

/// A row that takes longer than this is run twice.
const LONG: Duration = Duration::from_secs(6);

/// Records a second of the large log: its drain has time, as in a program that does other work.
const RATE: f64 = 200_000.0;

/// A log with few records in each pass of the drain, in a hundredth of the time: as 100 records a second with
/// the default bound of 100 ms.
const LOW_RATE: f64 = 10_000.0;
const LOW_BOUND: Duration = Duration::from_millis(1);

/// A drain with few records packs what it has once a minute: a hundredth of it.
const LOW_PACKED_EVERY: Duration = Duration::from_millis(600);

/// The tables of searches in a large log, in one of a low rate, and of first and last lines.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let programs = Programs {
        steno: steno()?,
        rg: other("RG", "rg").ok_or("rg is not in the path: install ripgrep, or set RG")?,
    };
    let folder = tempfile::Builder::new().prefix("stenolog-bench").tempdir()?;
    let folder = folder.path();
    let large =
        Log::new(folder, "large", bench.options.quick_or(600_000, 5_800_000), Pace::Steady)?;
    let found = table(
        "search",
        &large,
        &programs,
        folder,
        Sought::in_text(&large.text)?.rows(),
        "`steno` with a filter beside ripgrep on the same log as text",
    )?;
    let lines = answers::table(bench, &large, &programs.steno, folder)?;
    drop(large);
    let low = Log::new(folder, "low", bench.options.quick_or(50_000, 600_000), Pace::Low)?;
    let of_low = table(
        "search-low",
        &low,
        &programs,
        folder,
        Sought::in_text(&low.text)?.few_rows(),
        "The same on a log of 100 records a second over ten threads",
    )?;
    Ok(vec![found, of_low, lines])
}

/// How a log is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// At a rate that leaves the drain time.
    Steady,
    /// With few records in each pass of the drain.
    Low,
    /// As fast as possible.
    Full,
}

impl Pace {
    const ALL: [(&str, Self); 3] =
        [("steady", Self::Steady), ("low", Self::Low), ("full", Self::Full)];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, pace)| *pace == self).map_or("", |(word, _)| word)
    }
}

struct Programs {
    steno: PathBuf,
    rg: PathBuf,
}

/// A log as a dump and as text, which is there twice: as it was written, and as it is after it was read from
/// the disk.
struct Log {
    records: u32,
    dump: PathBuf,
    text: PathBuf,
    reread: PathBuf,
}

impl Log {
    fn new(folder: &Path, name: &str, records: u32, pace: Pace) -> Result<Self, Box<dyn Error>> {
        let [dump, text, again] =
            ["steno", "txt", "again.txt"].map(|end| folder.join(format!("{name}.{end}")));
        write_dump(pace, records, 1, &dump)?;
        twin(&dump, &text, Format::Short)?;
        std::fs::copy(&text, &again)?;
        reread(&again)?;
        Ok(Self { records, dump, text, reread: again })
    }

    fn megabytes(path: &Path) -> Result<f64, std::io::Error> {
        Ok(std::fs::metadata(path)?.len() as f64 / 1e6)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        for path in [&self.dump, &self.text, &self.reread] {
            // The folder is removed at the end.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes a dump in a process of its own.
fn write_dump(pace: Pace, records: u32, seed: u32, dump: &Path) -> Result<(), Box<dyn Error>> {
    eprintln!("search: {records} records to {}", dump.display());
    let words = [pace.word().to_owned(), records.to_string(), seed.to_string()];
    let words = words.into_iter().chain([dump.to_string_lossy().into_owned()]);
    protocol::run("search-log", &words.collect::<Vec<_>>()).map(|_| ())
}

/// Writes a dump.
pub fn child(pace: &str, records: u32, seed: u32, dump: &Path) -> Result<(), Box<dyn Error>> {
    let pace = Pace::ALL.into_iter().find(|(word, _)| *word == pace).ok_or("no such pace")?.1;
    let (rate, threads) = match pace {
        Pace::Steady => (Some(RATE), 11),
        Pace::Low => (Some(LOW_RATE), 10),
        Pace::Full => (None, 11),
    };
    let (records, seed) = (records as usize, seed.into());
    let plan = Plan { records, rate, threads, seed, stamps: Stamps::Real };
    if pace != Pace::Low {
        write(dump, &plan, |builder| builder)?;
        return Ok(());
    }
    let has_ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                std::thread::sleep(LOW_PACKED_EVERY);
                // The logger may have ended meanwhile.
                let _ = stenolog::flush();
            }
        });
        let written = write(dump, &plan, |builder| builder.deliver_within(LOW_BOUND));
        has_ended.store(true, Ordering::Relaxed);
        written.map(|_| ())
    })
}

fn table(
    name: &'static str,
    log: &Log,
    programs: &Programs,
    folder: &Path,
    rows: Vec<Row>,
    title: &str,
) -> Result<Table, Box<dyn Error>> {
    let mut table = Table {
        name,
        title: title.into(),
        header: [
            "filter",
            "lines",
            "ripgrep, ms",
            "re-read, ms",
            "steno, ms",
            "times as fast",
            "than re-read",
            "by processor time",
            "than re-read, too",
            "memory, MB",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![format!(
            "{} records of the workload, {} MB as text and {} MB as a dump, all in the page cache; the best of up to {ROUNDS} \
             rounds by turns, with the output to a file. The text as it was written; re-read: after it was dropped \
             from the page cache and read from the disk, so it lies in larger pieces. ripgrep uses one core for a \
             file; `steno` uses more if many blocks have to be looked at.",
            log.records,
            number(Log::megabytes(&log.text)?),
            number(Log::megabytes(&log.dump)?)
        )],
    };
    for row in rows {
        table.rows.push(compare(&row, log, programs, &folder.join("out"))?);
    }
    if name == "search-low" {
        table.notes.push(
            "Logged in a hundredth of the time, at 10,000 a second: by a drain whose bound is 1 ms instead of 100, so \
             each pass finds as few records, and with a flush every 6,000 records, which it packs together as it \
             does those of a minute."
                .into(),
        );
    }
    Ok(table)
}

fn compare(
    row: &Row,
    log: &Log,
    programs: &Programs,
    out: &Path,
) -> Result<Vec<String>, Box<dyn Error>> {
    eprintln!("search: {}", row.what);
    let mut best: [Option<Run>; 3] = [None; 3];
    let start = Instant::now();
    for round in 0..ROUNDS {
        if round >= 2 && start.elapsed() > LONG {
            break;
        }
        let rg = |text: &Path| {
            let mut rg = Command::new(&programs.rg);
            rg.args(["--no-config", "--color", "never", "-e", &row.rg]).arg(text);
            rg
        };
        let mut ours = Command::new(&programs.steno);
        ours.arg("--utc").args(&row.steno).arg(&log.dump);
        let commands = [&mut rg(&log.text), &mut rg(&log.reread), &mut ours];
        for (best, command) in best.iter_mut().zip(commands) {
            let run = run(command, out)?;
            *best = Some(best.take().map_or(run, |best| best.min(run)));
        }
    }
    let [Some(fresh), Some(again), Some(ours)] = best else { return Err("no round".into()) };
    if row.is_same && (fresh.lines != ours.lines || again.lines != ours.lines) {
        let (lines, others) = (ours.lines, fresh.lines);
        return Err(format!("{}: {lines} lines, but ripgrep has {others}", row.what).into());
    }
    let cells = [
        ours.lines as f64,
        fresh.wall_ms,
        again.wall_ms,
        ours.wall_ms,
        fresh.wall_ms / ours.wall_ms,
        again.wall_ms / ours.wall_ms,
        fresh.cpu_ms / ours.cpu_ms,
        again.cpu_ms / ours.cpu_ms,
        ours.memory_mb,
    ];
    Ok(std::iter::once(format!("`{}`", row.what)).chain(cells.map(number)).collect())
}
