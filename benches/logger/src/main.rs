//! Benchmarks of Stenolog beside other loggers: the cost of a call, the throughput of a program, bytes, and
//! the speed of reading a dump.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml -p stenolog-bench            # all of it
//! cargo run --release --manifest-path benches/Cargo.toml -p stenolog-bench -- --help
//! ```
//!
//! Most loggers are global, so each is measured in a process of its own. This process starts them one
//! after the other, and all of them several times. Every figure is a median, and is shown next to its
//! floor, measured in turn with it in the same process: machines differ, and one machine differs from
//! minute to minute. Quote ratios.

mod bench;
mod bridges;
mod bytes;
mod calls;
mod child;
mod decode;
mod end_to_end;
mod figure;
mod first;
mod growth;
mod load;
mod machine;
mod options;
mod peers;
mod protocol;
mod rates;
mod search;
mod single;
mod steno;
mod summary;
mod table;
mod threads;

use std::error::Error;

use bench::Bench;
use options::Options;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(protocol::WORD) {
        return child::main(&words.collect::<Vec<_>>());
    }
    let Some(options) = Options::from_args(std::env::args().skip(1))? else {
        println!("{}", options::HELP);
        return Ok(());
    };
    let machine = machine::description();
    println!("{machine}\n");
    let bench = Bench::new(options);
    let mut pieces = vec![("machine", format!("{machine}.\n"))];
    for (name, measure) in PARTS {
        if !bench.options.wants(name) {
            continue;
        }
        for table in measure(&bench)? {
            println!("{table}");
            pieces.push((table.name, table.to_string()));
        }
        if pieces.len() == 1 {
            continue;
        }
        // What is measured is kept if a later part fails.
        for readme in &bench.options.readmes {
            table::replace_in(readme, &pieces)?;
        }
    }
    if let Some(first) = bench.options.readmes.first() {
        summary::write(first, &bench.options.readmes)?;
    }
    Ok(())
}

/// Measures a part, and returns its tables.
type Measure = fn(&Bench) -> Result<Vec<table::Table>, Box<dyn Error>>;

/// The parts, in the order in which they run.
const PARTS: [(&str, Measure); 14] = [
    ("bytes", bytes::measure),
    ("rest", bytes::measure_rest),
    ("calls", calls::measure),
    ("single", single::measure),
    ("bridges", bridges::measure),
    ("first", first::measure),
    ("threads", threads::measure),
    ("end-to-end", end_to_end::measure),
    ("cpu", rates::measure),
    ("decode", decode::measure),
    ("search", search::measure),
    ("growth", growth::measure),
    ("figure", figure::measure),
    ("summary", |_| Ok(Vec::new())),
];
