//! The program of docs/from-tracing.md.

use std::num::ParseIntError;

use tracing::{debug, field, info, info_span, instrument, warn};

/// Adds up the quantities of a table whose rows are `name,quantity`.
#[instrument(skip(table), fields(bytes = table.len(), total = field::Empty), err)]
fn import(path: &str, table: &str) -> Result<u32, ParseIntError> {
    let mut total = 0;
    for (row, text) in table.lines().enumerate() {
        let Some((name, quantity)) = text.split_once(',') else {
            warn!(row, text, "skipped: no comma");
            continue;
        };
        let quantity: u32 = quantity.parse()?;
        debug!(name, quantity, "read");
        total += quantity;
    }
    tracing::Span::current().record("total", total);
    info!(rows = table.lines().count(), "imported");
    Ok(total)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _log = stenolog::Builder::new("importer.steno")
        .default_filter("info")
        .capture_tracing()
        .start()?;

    let _day = info_span!("day", number = 335).entered();
    import("bolts.csv", "M4,300\nM5\nM6,12")?;
    if import("nuts.csv", "M4,many").is_err() {
        warn!(left_out = 1, "the day is not complete");
    }
    Ok(())
}
