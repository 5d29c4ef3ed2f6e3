//! Answers that need little of a log: its first line, and its last hundred.

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Log, Pace, write_dump};
use crate::bench::Bench;
use crate::steno::{Run, run};
use crate::table::{Table, number};

/// Runs, the best of which counts.
const ROUNDS: usize = 5;

/// The table for one dump, and for a set of several.
pub fn table(
    bench: &Bench,
    large: &Log,
    steno: &Path,
    folder: &Path,
) -> Result<Table, Box<dyn Error>> {
    let mut table = Table {
        name: "answers",
        title: "The first line, and the last hundred".into(),
        header: [
            "",
            "MB of dumps",
            "M records",
            "first line, ms",
            "`-n 100`, ms",
            "the same, CPU ms",
            "memory, MB",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![format!(
            "From the start of `steno` until the line is there, and until it ends; all in the page cache, best of {ROUNDS}."
        )],
    };
    let set = folder.join("set");
    std::fs::create_dir(&set)?;
    let (files, records) = bench.options.quick_or((3, 200_000), (5, 10_000_000));
    let mut paths = Vec::new();
    for n in 0..files {
        let path = set.join(format!("{n}.steno"));
        write_dump(Pace::Full, records, n + 2, &path)?;
        paths.push(path);
    }
    let one = [large.dump.clone()];
    let all = [("one dump", large.records, &one[..]), ("a set", files * records, &paths[..])];
    for (name, records, dumps) in all {
        let mut first = f64::INFINITY;
        let mut last: Option<Run> = None;
        for _ in 0..ROUNDS {
            first = first.min(first_line_ms(steno, dumps)?);
            let mut command = Command::new(steno);
            command.args(["--utc", "-n", "100"]).args(dumps);
            let run = run(&mut command, &folder.join("out"))?;
            if run.lines < 100 {
                return Err(format!("-n 100 has {} lines", run.lines).into());
            }
            last = Some(last.map_or(run, |last| last.min(run)));
        }
        let last = last.ok_or("no round")?;
        let megabytes = dumps.iter().map(|dump| Log::megabytes(dump)).sum::<Result<f64, _>>()?;
        let cells =
            [megabytes, f64::from(records) / 1e6, first, last.wall_ms, last.cpu_ms, last.memory_mb];
        table.rows.push(std::iter::once(name.to_owned()).chain(cells.map(number)).collect());
    }
    std::fs::remove_dir_all(&set)?;
    Ok(table)
}

/// Milliseconds until there is a line.
fn first_line_ms(steno: &Path, dumps: &[PathBuf]) -> Result<f64, Box<dyn Error>> {
    let mut command = Command::new(steno);
    command.arg("--utc").args(dumps).stdin(Stdio::null()).stdout(Stdio::piped());
    // It says there that it cannot write on.
    command.stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut output = child.stdout.take().ok_or("no output")?;
    let mut buffer = [0; 4096];
    loop {
        let count = output.read(&mut buffer)?;
        if count == 0 {
            return Err("no line came".into());
        }
        if buffer[..count].contains(&b'\n') {
            break;
        }
    }
    let ms = start.elapsed().as_secs_f64() * 1e3;
    drop(output);
    // It ends when it cannot write.
    child.wait()?;
    Ok(ms)
}
