//! The program of docs/guides/containers.md.

use std::io::Write;

use stenolog::{Builder, Console, Format, Level, info, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to_stdout = Console::stdout().format(Format::Json);
    let builder = match std::env::var_os("STENOLOG_PATH") {
        // A volume: the dump has everything, and the console what is severe.
        Some(path) => Builder::new(path).console(to_stdout.level(Level::Warn)).configure_from_env(),
        // No volume: the console has everything.
        None => Builder::console_only().console(to_stdout),
    };
    let _log = builder
        .default_filter("info")
        // The logger's own events: no call logs on its thread.
        .on_event(|event| drop(writeln!(std::io::stderr(), "logger: {event}")))
        .start()?;

    info!(job = 17, "begins");
    warn!(job = 17, free_bytes = 1 << 20, "the volume is nearly full");
    info!(job = 17, "ends");
    Ok(())
}
