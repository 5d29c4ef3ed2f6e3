//! From the call to the file and back: one thread logs as fast as it can, nothing is dropped.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use stenolog::{Builder, Existing, OnFull};
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer};

use crate::statements::{ALL, NAMES, Statement};
use crate::{distance, pin};

const RECORDS: u32 = 10_000_000;
const DECODED: u32 = 1_000_000;

/// Measures and prints the table.
pub fn print() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("end.steno");
    println!("\nend to end to a file, {RECORDS} records, nothing dropped; decoding on one core");
    println!(
        "{:<24} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "", "M/s", "B/record", "text M/s", "json M/s", "line ns"
    );
    for (name, call) in NAMES.iter().zip(ALL) {
        let distance = distance::measure();
        let (rate, bytes) = write(&path, call, RECORDS)?;
        let _ = write(&path, call, DECODED)?;
        let [text, json] = [Format::Short, Format::Json].map(|format| decode(&path, format));
        println!(
            "{name:<24} {:>8.1} {bytes:>9.2} {:>9.2} {:>9.2} {distance:>9.0}",
            rate / 1e6,
            text? / 1e6,
            json? / 1e6
        );
    }
    Ok(())
}

/// Records a second until the dump is sealed, and bytes a record.
fn write(path: &Path, call: Statement, records: u32) -> Result<(f64, f64), Box<dyn Error>> {
    // The drain stays on the core on which it is started.
    pin(1);
    let log = Builder::new(path)
        .existing(Existing::Replace)
        .filter("trace")
        .on_full(OnFull::Block)
        .start()?;
    pin(0);
    let start = Instant::now();
    (0..records).for_each(call);
    log.close()?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(path)?.len() as f64;
    Ok((f64::from(records) / seconds, bytes / f64::from(records)))
}

/// Records a second.
fn decode(path: &Path, format: Format) -> Result<f64, Box<dyn Error>> {
    let dumps = [Dump::open(path)?];
    let start = Instant::now();
    let mut decoder = Decoder::new(&dumps);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut text = String::new();
    let mut bytes = 0;
    let mut records = 0_u32;
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        records += 1;
        if text.len() > 1 << 16 {
            bytes += std::hint::black_box(&text).len();
            text.clear();
        }
        ControlFlow::Continue(())
    });
    if records != DECODED {
        return Err(format!("{records} of {DECODED} records came back").into());
    }
    std::hint::black_box(bytes);
    Ok(f64::from(records) / start.elapsed().as_secs_f64())
}
