//! Promises of `steno` on the command line, tested with the real program.

mod bad_input;
#[cfg(unix)]
mod clean;
mod decode;
mod dict;
mod dump;
mod export;
mod inputs;
mod json_reports;
mod losses;
mod program;
mod reports;
mod rings;
mod spans;
mod usage;
mod words;
