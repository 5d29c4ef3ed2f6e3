//! Replays an order book's events through typed call sites, from four threads.
//!
//! ```sh
//! cargo run --release --example replay                      # events made up, 50,000 of them
//! cargo run --release --example replay -- events.csv        # your own, in the same columns
//! cargo run --release --example replay -- --write events.csv  # the made-up ones, to look at
//! ```
//!
//! Each thread takes the events of some of the instruments, as a matching engine would be split.
//! Every event carries a time of the exchange's, which the records are stamped with (`at:`).
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod events;
mod log;

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use stenolog::{Builder, OnFull};

const EVENTS: usize = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let events = match &arguments[..] {
        [] => events::generate(EVENTS),
        [flag, path] if flag == "--write" => {
            events::write_csv(&events::generate(EVENTS), File::create(path)?)?;
            println!("{EVENTS} events are in {path}");
            return Ok(());
        }
        [path] => events::read_csv(File::open(path).map_err(|e| format!("{path}: {e}"))?)?,
        _ => return Err("usage: replay [--write] [EVENTS.csv]".into()),
    };
    let path = std::env::temp_dir().join("stenolog-replay.steno");
    let logger = Builder::new(&path).filter("trace").on_full(OnFull::Block).start_detached()?;
    let start = Instant::now();
    log::replay(&events, &logger)?;
    logger.close()?;
    println!("{} events in {:.1?}", events.len(), start.elapsed());
    println!("cargo run --release --bin steno -- {} | less", path.display());
    Ok(())
}
