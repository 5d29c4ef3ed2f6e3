//! Scenarios of `tests/console.rs`.

use std::path::Path;

use stenolog::{Builder, Console, Empty, Format, Level, debug, error, info, record, span, warn};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    let console = match call.rest.first().map(String::as_str) {
        Some("json") => Console::stdout().format(Format::Json),
        Some("info") => Console::stdout().level(Level::Info),
        Some("stderr") => Console::stderr(),
        Some("filter") => Console::stdout().filter("warn,net=debug"),
        _ => Console::stdout(),
    };
    match call.name {
        "beside" => log(Builder::new(call.dump).console(console)),
        "only" => log(Builder::console_only().console(console)),
        "closed" => closed(call.dump, console),
        _ => call.unknown(),
    }
}

/// Records of every level, from several threads in turn.
fn log(builder: Builder) -> Outcome {
    let log = builder.filter("trace").start()?;
    info!(order_id = 7_u64, price = 99.5, "filled {}", "now");
    let outer = span!("outer", count = 3, done = Empty);
    log.flush()?;
    let id = outer.id();
    for thread in 0..3_u8 {
        let named = std::thread::Builder::new().name(format!("worker-{thread}"));
        named
            .spawn(move || {
                let _worker = span!(parent: id, "worker", thread);
                for n in 0..500_u32 {
                    let _tens = (n % 100 < 50).then(|| span!("packets", from = n / 10 * 10));
                    debug!(target: "net::tcp", n, thread, "packet");
                }
            })?
            .join()
            .map_err(|_| "a thread panicked")?;
    }
    record!(outer, done = true);
    warn!(path = ?Path::new("/x"), "slow\nvery");
    drop(outer);
    error!("last");
    log.close()?;
    Ok(())
}

/// Logs more than a pipe holds.
fn closed(path: &Path, console: Console) -> Outcome {
    let log = Builder::new(path).console(console).start()?;
    for n in 0..30_000_u32 {
        info!(n, "a line that is not read, and that is long enough to fill a pipe soon");
    }
    log.close()?;
    Ok(())
}
