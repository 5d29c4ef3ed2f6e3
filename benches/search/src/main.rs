//! `steno` with a filter on a dump beside ripgrep on the same log as text.
//!
//! ```sh
//! cargo build --release -p stenolog-cli
//! cargo run --release --manifest-path benches/Cargo.toml -p search-bench -- target/release/steno [FOLDER]
//! ```
//!
//! The logs stay in FOLDER if one is named. Needs `rg` in the path, and room for a log of 1 GiB. Every row runs both in
//! turn, ripgrep first, with both files in the page cache and the output to a file in memory; the best
//! of several rounds is printed. Quote the ratio of processor times: on a busy machine the other one
//! says little.

mod log;
mod measure;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use measure::{Run, run};

/// A bit more than 1 GiB of text.
const RECORDS: u64 = 9_000_000;

const ROUNDS: usize = 7;

/// What takes longer than this is run twice.
const LONG: Duration = Duration::from_secs(8);

/// What is asked of both.
struct Row {
    what: &'static str,
    steno: Vec<String>,
    rg: String,
    /// Whether both find the same lines.
    is_same: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1);
    let steno = words.next().map_or_else(|| PathBuf::from("target/release/steno"), PathBuf::from);
    let kept = words.next().map(PathBuf::from);
    let passing = tempfile::Builder::new().prefix("search-bench").tempdir()?;
    let folder = kept.as_deref().unwrap_or(passing.path());
    let (dump, text) = (folder.join("log.steno"), folder.join("log.txt"));

    let last = log::write(&dump, RECORDS)?;
    let status = Command::new(&steno)
        .arg(&dump)
        .args(["--utc"])
        .stdout(std::fs::File::create(&text)?)
        .status()?;
    if !status.success() {
        return Err(format!("{} cannot read the dump: {status}", steno.display()).into());
    }
    let megabytes =
        |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() / 1_000_000);
    println!(
        "{RECORDS} records, {} MB as text, {} MB as a dump",
        megabytes(&text)?,
        megabytes(&dump)?
    );
    // The page cache.
    std::hint::black_box(std::fs::read(&text)?);

    println!(
        "{:<28} {:>9} {:>9} {:>8} {:>8} {:>7} {:>8} {:>8} {:>7} {:>9}",
        "", "lines", "rg lines", "rg cpu", "cpu", "ratio", "rg wall", "wall", "ratio", "memory"
    );
    for row in rows(last) {
        compare(&row, &steno, &dump, &text, folder)?;
    }
    Ok(())
}

fn rows(last: u128) -> Vec<Row> {
    let row = |what, steno: &[&str], rg: &str| Row {
        what,
        steno: steno.iter().map(|word| (*word).to_owned()).collect(),
        rg: rg.to_owned(),
        is_same: true,
    };
    let rare = log::RARE;
    let since = format!("@{}.{:09}", last / 1_000_000_000, last % 1_000_000_000);
    vec![
        row("-l error", &["-l", "error"], " ERROR "),
        row("-g rare literal", &["-g", rare], rare),
        row("-g absent literal", &["-g", "quokka-4242"], "quokka-4242"),
        row(
            "-g regex with literal",
            &["-g", "retries=[67] .*slow|zan[sz]ibar"],
            "retries=[67] .*slow|zan[sz]ibar",
        ),
        row("-g regex without literal", &["-g", "[0-9]{20}"], "[0-9]{20}"),
        row("-g literal of a call site", &["-g", "answers slowly"], "answers slowly"),
        row("-t audit", &["-t", "audit"], " audit: "),
        row("--thread audit", &["--thread", "audit"], " audit "),
        row("--thread worker-3", &["--thread", "worker-3"], " worker-3 "),
        row("device=nvme0n1", &["device=nvme0n1"], " device=nvme0n1"),
        row("status=503", &["status=503"], " status=503"),
        // ripgrep has no notion of time: it is given the second in which most of it lies.
        Row {
            is_same: false,
            ..row("--since, last hundredth", &["--since", &since], &second(last))
        },
    ]
}

/// The seconds of the time at the beginning of a line.
fn second(unix_ns: u128) -> String {
    let seconds = (unix_ns / 1_000_000_000) % 86_400;
    format!("T{:02}:{:02}:{:02}\\.", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn compare(
    row: &Row,
    steno: &Path,
    dump: &Path,
    text: &Path,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let out = folder.join("out");
    let mut best: [Option<Run>; 2] = [None, None];
    let start = Instant::now();
    for round in 0..ROUNDS {
        if round >= 2 && start.elapsed() > LONG {
            break;
        }
        let mut rg = Command::new("rg");
        rg.args(["--no-config", "--color", "never", &row.rg]).arg(text);
        let mut ours = Command::new(steno);
        ours.args(["--utc"]).args(&row.steno).arg(dump);
        for (best, command) in best.iter_mut().zip([&mut rg, &mut ours]) {
            let run = run(command, &out)?;
            *best = Some(best.take().map_or(run, |best| best.min(run)));
        }
    }
    let [Some(rg), Some(ours)] = best else { return Err("no round was run".into()) };
    if row.is_same && rg.lines != ours.lines {
        return Err(
            format!("{}: {} lines, but ripgrep has {}", row.what, ours.lines, rg.lines).into()
        );
    }
    println!(
        "{:<28} {:>9} {:>9} {:>8.1} {:>8.1} {:>7.1} {:>8.1} {:>8.1} {:>7.1} {:>9.1}",
        row.what,
        ours.lines,
        rg.lines,
        rg.cpu_ms,
        ours.cpu_ms,
        rg.cpu_ms / ours.cpu_ms,
        rg.wall_ms,
        ours.wall_ms,
        rg.wall_ms / ours.wall_ms,
        ours.memory_mb,
    );
    Ok(())
}
