//! The environment: what a plan depends on beside the command line.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::num::NonZero;
use std::thread;

use chrono::{DateTime, Utc};

/// The program, the time, the terminal and common variables.
pub(crate) struct Environment {
    /// The definition of the whole command line.
    pub(crate) program: fn() -> clap::Command,
    pub(crate) now: DateTime<Utc>,
    pub(crate) stdout_is_terminal: bool,
    /// How many threads can run at once.
    pub(crate) cores: NonZero<usize>,
    /// Whether the terminal cannot show colors (`TERM` is `dumb`, or on Unix not set), or its user does not
    /// want them (`CLICOLOR` is 0: <https://bixense.com/clicolors>).
    pub(crate) terminal_is_plain: bool,
    /// Whether `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub(crate) no_color: bool,
    /// Whether `CLICOLOR_FORCE` is set and not 0 (<https://bixense.com/clicolors>).
    pub(crate) force_color: bool,
}

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn read(program: fn() -> clap::Command) -> Self {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Self {
            program,
            now: Utc::now(),
            cores: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            terminal_is_plain: set("TERM").map_or(cfg!(unix), |term| term == "dumb")
                || set("CLICOLOR").is_some_and(|value| value == "0"),
            no_color: set("NO_COLOR").is_some(),
            force_color: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        }
    }
}

#[cfg(test)]
impl Environment {
    /// An environment that says nothing.
    pub(crate) const EMPTY: Self = Self {
        program: || clap::Command::new("steno"),
        now: DateTime::from_timestamp_nanos(1_780_000_000_000_000_000),
        cores: NonZero::<usize>::MIN,
        stdout_is_terminal: false,
        terminal_is_plain: false,
        no_color: false,
        force_color: false,
    };
}
