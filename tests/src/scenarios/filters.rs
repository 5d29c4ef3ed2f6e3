//! Scenario of `tests/filters.rs`.

use std::path::Path;

use stenolog::{Builder, debug, error, info, trace, warn};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "levels" => levels(call.dump),
        _ => call.unknown(),
    }
}

/// One record of each level, with whatever filter the environment gives. Prints what it is told.
fn levels(path: &Path) -> Outcome {
    let log = Builder::new(path).on_event(|event| println!("{event}")).start()?;
    error!("error");
    warn!("warn");
    info!("info");
    debug!("debug");
    trace!("trace");
    trace!(target: "other::place", "elsewhere");
    log.close()?;
    Ok(())
}
