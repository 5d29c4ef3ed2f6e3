//! A program with a thousand open spans, of `tracing` and of its own, which logs in every way and waits to be killed.

use std::fs::File;
use std::sync::Arc;

use stenolog::{Builder, OnFull};
use tokio::sync::Barrier;
use tracing::Instrument;

const TASKS: u64 = 1000;

async fn task(n: u64, together: Arc<Barrier>, ready: Arc<Barrier>) {
    log::info!(n; "begins");
    together.wait().await;
    stenolog::info!(half = n as f64 / 2.0, name = ?Some("task"), "own {n}");
    let step = stenolog::info_span!("step", n, even = n.is_multiple_of(2));
    let inner = async {
        tokio::task::yield_now().await;
        tracing::warn!(n, text = "deep", "inner");
        ready.wait().await;
        std::future::pending::<()>().await;
    };
    step.within(inner).await;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _log = Builder::new("stranger.steno")
        .filter("info")
        .on_full(OnFull::Block)
        .capture_log()
        .capture_tracing()
        .start()?;
    let together = Arc::new(Barrier::new(TASKS as usize));
    let ready = Arc::new(Barrier::new(TASKS as usize + 1));
    for n in 0..TASKS {
        let span = tracing::info_span!("task", n);
        tokio::spawn(task(n, Arc::clone(&together), Arc::clone(&ready)).instrument(span));
    }
    ready.wait().await;
    File::create("ready")?;
    std::future::pending::<()>().await;
    Ok(())
}
