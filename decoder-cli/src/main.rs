//! The program `steno`, which reads Stenolog dumps.
//!
//! ```text
//!   command line ──▶ CommandLine ──▶ commands::*::Plan ──▶ run ──▶ Outcome ──▶ exit code
//!                    words         checked, resolved     │
//!                                                        ├── input   words → open dumps and rings
//!                                                        └── output  text, JSON, messages
//! ```
//!
//! `main` turns errors into exit codes, and a closed pipe into success.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod input;
mod output;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::env::Environment;
use cli::exit::{Outcome, USAGE};
use cli::usage;
use commands::CommandLine;
use input::suggest::UnknownWords;
use output::messages::warn;

fn main() -> ExitCode {
    // If this fails, a file that another program shortens ends the program, as it would have anyway.
    let _ = stenolog_decoder::survive_shrinking_files();
    let args = match CommandLine::try_parse() {
        Ok(args) => args,
        Err(error) => return usage_error(&error),
    };
    let plan = match args.into_command().plan(&Environment::read(CommandLine::command)) {
        Ok(plan) => plan,
        Err(error) => {
            warn(error);
            return ExitCode::from(USAGE);
        }
    };
    match plan.run() {
        Ok(outcome) => outcome.into(),
        Err(error) => failure(&error),
    }
}

/// Prints why there are no arguments to work with: a mistake, or that help was asked for.
fn usage_error(error: &clap::Error) -> ExitCode {
    if let Some(line) = usage::describe(error) {
        warn(line);
        return ExitCode::from(USAGE);
    }
    // This fails only if the output is closed.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

/// Reports why a run ended early.
fn failure(error: &anyhow::Error) -> ExitCode {
    // The reader of the pipe has all it wanted.
    if output::is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    if let Some(words) = error.downcast_ref::<UnknownWords>() {
        words.explain(&CommandLine::command()).iter().for_each(warn);
        return ExitCode::from(words.code());
    }
    warn(format_args!("{error:#}"));
    Outcome { unreadable: true, ..Outcome::default() }.into()
}
