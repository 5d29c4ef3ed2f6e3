//! Scenarios of `tests/faults.rs`.

use std::path::Path;

#[cfg(unix)]
use stenolog::Rings;
use stenolog::{Builder, info};

#[cfg(unix)]
use super::limits::set_file_size;
use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "change-folder" => change_folder(call.dump),
        #[cfg(unix)]
        "file-size" => file_size(call.dump),
        _ => call.unknown(),
    }
}

/// A relative path, and another working folder from then on.
fn change_folder(path: &Path) -> Outcome {
    let log = Builder::new(path).start()?;
    info!("before");
    log.flush()?;
    std::env::set_current_dir("/")?;
    info!("after");
    log.sync()?;
    log.close()?;
    Ok(())
}

#[cfg(unix)]
/// A file that may not grow for a while, in a process that does nothing about `SIGXFSZ`.
fn file_size(path: &Path) -> Outcome {
    let report = |error: &stenolog::DrainError| println!("{error}");
    set_file_size(Some(10))?;
    let refused = Builder::new(path.with_extension("refused.steno")).rings(Rings::Memory).start();
    println!("{}", refused.err().ok_or("a dump of 10 bytes was begun")?);
    set_file_size(None)?;
    let log = Builder::new(path).on_error(report).start()?;
    info!("before");
    log.flush()?;
    set_file_size(Some(std::fs::metadata(path)?.len() + 10))?;
    info!("during");
    log.flush().err().ok_or("a flush beyond the limit succeeded")?;
    set_file_size(None)?;
    log.flush()?;
    info!("after");
    log.close()?;
    Ok(())
}
