//! Writes the workload as a dump, a dump's text and JSON, and reads files again.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;

use bench_workload::{Plan, Stamps, reread, twin, write};
use stenolog_decoder::Format;

const HELP: &str = "\
A service log of eleven threads and 59 call sites, the same for the same seed.

usage:
  workload write OUT.steno [--records N] [--rate R|full] [--threads T] [--seed S] [--time real|simulated]
  workload twins DUMP.steno [--text FILE] [--json FILE]
  workload reread FILE…

  write    logs N records (100000) at R a second (full: as fast as they can) from T threads (11).
           With simulated times, records have those of the rate, but no thread waits for them.
  twins    decodes a dump into the lines that steno prints
  reread   drops files from the page cache and reads them: they then lie there in larger pieces";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: VecDeque<String> = std::env::args().skip(1).collect();
    match words.pop_front().as_deref() {
        Some("write") => write_dump(words),
        Some("twins") => twins(words),
        Some("reread") => Ok(words.iter().try_for_each(|file| reread(file.as_ref()))?),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}

fn write_dump(mut words: VecDeque<String>) -> Result<(), Box<dyn Error>> {
    let mut plan =
        Plan { records: 100_000, rate: None, threads: 11, seed: 1, stamps: Stamps::Real };
    let mut out = None;
    while let Some(word) = words.pop_front() {
        let mut value = || words.pop_front().ok_or_else(|| format!("{word} takes a value"));
        match word.as_str() {
            "--records" => plan.records = value()?.parse()?,
            "--rate" => {
                plan.rate = match value()?.as_str() {
                    "full" => None,
                    rate => Some(rate.parse()?),
                }
            }
            "--threads" => plan.threads = value()?.parse()?,
            "--seed" => plan.seed = value()?.parse()?,
            "--time" => {
                plan.stamps = match value()?.as_str() {
                    "real" => Stamps::Real,
                    "simulated" => Stamps::Simulated,
                    time => return Err(format!("{time} is neither real nor simulated").into()),
                }
            }
            _ if out.is_none() => out = Some(PathBuf::from(word)),
            _ => return Err(format!("{word} is not understood\n\n{HELP}").into()),
        }
    }
    if plan.threads == 0 || plan.rate.is_some_and(|rate| rate <= 0.0) {
        return Err("threads and rate are more than zero".into());
    }
    let out = out.ok_or("a dump is to be named")?;
    let written = write(&out, &plan, |builder| builder)?;
    println!(
        "{} records, {} bytes ({:.2} a record), {:.3} s to log, {:.3} s to seal",
        written.records,
        written.bytes,
        written.bytes as f64 / written.records as f64,
        written.logging.as_secs_f64(),
        written.sealed.as_secs_f64()
    );
    Ok(())
}

fn twins(mut words: VecDeque<String>) -> Result<(), Box<dyn Error>> {
    let dump = PathBuf::from(words.pop_front().ok_or("a dump is to be named")?);
    while let Some(word) = words.pop_front() {
        let format = match word.as_str() {
            "--text" => Format::Short,
            "--json" => Format::Json,
            _ => return Err(format!("{word} is not understood\n\n{HELP}").into()),
        };
        let to = PathBuf::from(words.pop_front().ok_or_else(|| format!("{word} takes a value"))?);
        let twin = twin(&dump, &to, format)?;
        println!(
            "{}: {} records, {} bytes ({:.2} a record)",
            to.display(),
            twin.records,
            twin.bytes,
            twin.bytes as f64 / twin.records as f64
        );
    }
    Ok(())
}
