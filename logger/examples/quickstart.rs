//! Logs from several threads, then decodes its own dump to the terminal.
//!
//! ```sh
//! cargo run --release --example quickstart
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::time::Duration;

use postcard_schema::Schema;
use serde::Serialize;
use stenolog::{Builder, Level, Record, debug, error, event, info, trace, warn};
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer, Zone};

/// Recorded field by field; comes out as nested JSON.
#[derive(Debug, Record)]
struct Order {
    id: u64,
    side: Side,
    limit: Option<f64>,
}

#[derive(Debug, Record)]
enum Side {
    Buy,
    Sell,
}

/// An error of an application that has `serde`'s derives already.
#[derive(Debug, Serialize, Schema)]
enum RiskError {
    LimitExceeded { account: u32, limit: u64, asked: u64 },
}

fn trade(thread: u64) {
    for n in 0..3 {
        let id = thread * 100 + n;
        let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
        let order = Order { id, side, limit: (n > 0).then_some(99.5 + n as f64) };
        trace!("order {id} decoded");
        debug!(?order, "order accepted");
        let (qty, price) = (100 * (n + 1), 99.25 + n as f64 / 3.0);
        info!("order {id} filled {} @ {price:.2}", qty);
    }
    warn!(thread, latency = ?Duration::from_micros(1800), "slow fill");
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join("stenolog-quickstart.steno");
    // Without this filter the environment variables STENOLOG and RUST_LOG would count.
    let log = Builder::new(&path).filter("trace").start()?;

    info!(peer = IpAddr::V4(Ipv4Addr::LOCALHOST), port = 9000_u16, "listening");
    std::thread::scope(|scope| {
        for thread in 1..=3 {
            let builder = std::thread::Builder::new().name(format!("trader-{thread}"));
            if let Err(error) = builder.spawn_scoped(scope, move || trade(thread)) {
                error!(%error, "no thread for trader {thread}");
            }
        }
    });
    let refused = RiskError::LimitExceeded { account: 7, limit: 10_000, asked: 12_500 };
    error!(refused, attempts = 3, "order rejected");
    error!(target: "risk", "account is {:>8} | {:#06x} | {:?}", "blocked", 2989, Some("limit"));
    for (level, text) in
        [(Level::Info, "an event"), (Level::Debug, "another, \x1b[31mescaped\x1b[0m")]
    {
        event!(level, session.id = 17, "{text}");
    }
    log.close()?; // or let it go out of scope

    let dumps = [Dump::open(&path)?];
    let mut decoder = Decoder::new(&dumps);
    let mut out = std::io::stdout().lock();
    let options = RenderOptions::default().with_zone(Zone::LOCAL).with_color(out.is_terminal());
    let mut renderer = Renderer::new(Format::Short, options);
    let mut line = String::new();
    let written = decoder.for_each(|entry| {
        line.clear();
        renderer.write(entry, &mut line);
        // A reader who has seen enough closes the pipe.
        if out.write_all(line.as_bytes()).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if written.is_continue() {
        drop(out);
        println!("\nThe same as JSON:");
        println!("cargo run --release --bin steno -- --json {}", path.display());
    }
    Ok(())
}
