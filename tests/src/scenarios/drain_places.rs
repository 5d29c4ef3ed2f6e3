//! Scenario of `tests/drain_places.rs`.

use std::path::Path;

use stenolog::{Builder, info};

use super::limits::set_file_size;
use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "file-size-in-hand" => file_size_in_hand(call.dump),
        _ => call.unknown(),
    }
}

/// The same with a drain that this thread polls, whose signals are not blocked otherwise.
fn file_size_in_hand(path: &Path) -> Outcome {
    let (log, mut drain) = Builder::new(path).start_manual()?;
    info!("before");
    drain.flush()?;
    set_file_size(Some(std::fs::metadata(path)?.len() + 10))?;
    info!("during");
    println!("{}", drain.flush().err().ok_or("a flush beyond the limit succeeded")?);
    set_file_size(None)?;
    drain.flush()?;
    info!("after");
    drop(log);
    drain.close()?;
    Ok(())
}
