//! Decoding, from the dump to text and JSON, and the time that filters save.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use bench_workload::{Plan, Stamps};
use stenolog_decoder::{Decoder, Dump, FieldMatch, Filter, Format, Level, Levels, RenderOptions};

use crate::bench::Bench;
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, PRODUCER, pin, private_bytes, unpin};
use crate::peers;
use crate::protocol::tell;
use crate::table::{Table, number};

/// What is decoded, in the order of the table.
const LOADS: [Load; 12] = [
    Load::Service,
    Load::HighMix,
    Load::High(1),
    Load::High(5),
    Load::High(6),
    Load::Mix,
    Load::Regular(0),
    Load::Regular(1),
    Load::Regular(2),
    Load::Regular(3),
    Load::Regular(4),
    Load::Regular(5),
];

/// Records of the workload a second, at which the drain has time.
const RATE: f64 = 200_000.0;

/// The best of these counts: whatever else runs only adds time.
const ATTEMPTS: usize = 3;

const ONE: NonZero<usize> = NonZero::<usize>::MIN;
const TWO: NonZero<usize> = ONE.saturating_add(1);

/// The tables of decoding, of the size of dumps, and of filters.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let records = bench.options.quick_or(600_000_u32, 1_200_000);
    let rounds = bench.options.quick_or(2, 3);
    let mut table = Table {
        name: "decode",
        title: format!("Decoding {records} records, best of {ATTEMPTS}, median of {rounds}"),
        header: [
            "", "text, M/s", "JSON, M/s", "two threads: text", "JSON", "text, MB/s", "dump, bytes a record", "text", "text, zstd -3",
            "zstd of the text / dump",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        notes: vec![
            "By the library, into reused memory; two threads on both cores, all else on one. The dump was written \
             while its drain had time; the text is what `steno` prints, compressed by `zstd` in one piece."
                .into(),
        ],
    };
    let mut filters = Table {
        name: "filters",
        title: format!("Filters over the mix of {records} records, one core"),
        header: ["", "records kept", "M records/s", "times all of it", "GB/s of the text"]
            .map(String::from)
            .into(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for load in LOADS {
        let words = [load.word(), records.to_string()];
        let figures = bench.own("decode", rounds, &[&words[0], &words[1]])?;
        let (dump, packed) = (figures.median("dump"), figures.median("zstd"));
        table.rows.push(vec![
            load.label(),
            number(figures.median("text") / 1e6),
            number(figures.median("json") / 1e6),
            number(figures.median("text-2") / 1e6),
            number(figures.median("json-2") / 1e6),
            number(figures.median("text") * figures.median("text-bytes") / 1e6),
            number(dump),
            number(figures.median("text-bytes")),
            number(packed),
            number(packed / dump),
        ]);
        if load != Load::Mix {
            continue;
        }
        let whole = figures.median("text");
        for (n, (label, _)) in queries()?.into_iter().enumerate() {
            let rate = figures.median(&format!("query{n}"));
            filters.rows.push(vec![
                format!("`{label}`"),
                number(figures.median(&format!("query{n}.kept"))),
                number(rate / 1e6),
                number(rate / whole),
                number(rate * figures.median("text-bytes") / 1e9),
            ]);
        }
    }
    Ok(vec![table, filters])
}

/// What is asked, as `steno` has it.
fn queries() -> Result<Vec<(&'static str, Filter)>, Box<dyn Error>> {
    // As `steno` does it.
    let grep = |pattern| Filter::default().with_grep_pattern(pattern, false);
    Ok(vec![
        ("-l error", Filter::default().with_levels(Levels::only(&[Level::Error]))),
        ("-g quokka", grep("quokka")?),
        ("-g 'took 13[0-9]+\\.5 ms'", grep(r"took 13[0-9]+\.5 ms")?),
        ("animal=quokka", Filter::default().with_field("animal=quokka".parse::<FieldMatch>()?)),
        ("-t no::such", Filter::default().with_target("no::such")),
    ])
}

/// Measures one statement, or the mix with a few records that filters look for.
pub fn child(load: Load, records: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("decode.steno");
    let written = write(&path, load, records)?;
    tell("dump", std::fs::metadata(&path)?.len() as f64 / f64::from(written));
    pin(PRODUCER);
    let dumps = [Dump::open(&path)?];
    for (suffix, threads) in [("", ONE), ("-2", TWO)] {
        if threads > ONE {
            unpin();
        }
        for (name, format) in [("text", Format::Short), ("json", Format::Json)] {
            let mut seconds = f64::INFINITY;
            for _ in 0..ATTEMPTS {
                let start = Instant::now();
                let (kept, _) = decode(&dumps, Filter::default(), format, threads, None);
                seconds = seconds.min(start.elapsed().as_secs_f64());
                if kept != u64::from(written) {
                    return Err(format!("{kept} of {written} records came back").into());
                }
            }
            tell(&format!("{name}{suffix}"), f64::from(written) / seconds);
        }
    }
    pin(PRODUCER);
    if load == Load::Mix {
        for (n, (_, filter)) in queries()?.into_iter().enumerate() {
            let start = Instant::now();
            let (kept, _) = decode(&dumps, filter, Format::Short, ONE, None);
            tell(&format!("query{n}"), f64::from(written) / start.elapsed().as_secs_f64());
            tell(&format!("query{n}.kept"), kept as f64);
        }
    }
    let mut text = Vec::new();
    let (_, bytes) = decode(&dumps, Filter::default(), Format::Short, ONE, Some(&mut text));
    tell("text-bytes", bytes as f64 / f64::from(written));
    let packed = zstd::bulk::compress(&text, 3)?;
    tell("zstd", packed.len() as f64 / f64::from(written));
    Ok(())
}

/// Measures reading a file of any size: how fast, and with how much memory.
pub fn child_read(path: &Path) -> Result<(), Box<dyn Error>> {
    pin(PRODUCER);
    let bytes = std::fs::metadata(path)?.len();
    let start = Instant::now();
    let dumps = [Dump::open(path)?];
    let (records, _) = decode(&dumps, Filter::default(), Format::Short, ONE, None);
    let seconds = start.elapsed().as_secs_f64();
    tell("read", bytes as f64 / seconds);
    tell("read-records", records as f64 / seconds);
    tell("read-memory", private_bytes());
    Ok(())
}

/// Records and bytes of the text; keeps it, if that is wanted.
fn decode(
    dumps: &[Dump],
    filter: Filter,
    format: Format,
    threads: NonZero<usize>,
    mut keep: Option<&mut Vec<u8>>,
) -> (u64, u64) {
    let mut decoder = Decoder::new(dumps).with_filter(filter);
    let mut bytes = 0;
    let _ = decoder.render(format, &RenderOptions::default(), threads, |text| {
        bytes += black_box(text).len() as u64;
        if let Some(kept) = &mut keep {
            kept.extend_from_slice(text);
        }
        ControlFlow::Continue(())
    });
    (decoder.summary().shown, bytes)
}

/// Writes a dump with pauses, so the drain has time, and says how many records are in it.
fn write(path: &Path, load: Load, records: u32) -> Result<u32, Box<dyn Error>> {
    if load == Load::Service {
        let plan = Plan {
            records: records as usize,
            rate: Some(RATE),
            threads: bench_workload::THREADS.len(),
            seed: 1,
            stamps: Stamps::Real,
        };
        bench_workload::write(path, &plan, |builder| builder)?;
        return Ok(records);
    }
    pin(CONSUMER);
    let log = peers::stenolog_at(path)?;
    pin(PRODUCER);
    let source = Source::for_threads(peers::named("stenolog")?, load, 1, records)?.remove(0);
    let mut written = 0;
    for n in 0..records {
        source.log_one(n);
        written += 1;
        if load == Load::Mix && n % 10_000 == 9_999 {
            stenolog::error!("Lost the connection to backup {}", n % 17);
            written += 1;
        }
        if load == Load::Mix && n % 100_000 == 99_999 {
            stenolog::warn!(animal = "quokka", "Seen in the data centre");
            written += 1;
        }
        if n % 4096 == 4095 {
            std::thread::sleep(std::time::Duration::from_micros(500));
        }
    }
    log.close()?;
    Ok(written)
}
