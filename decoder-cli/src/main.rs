//! `steno` reads Stenolog dumps: words become [`args`](cli::args), a checked
//! [`plan`](commands::plan), and then one of the [`commands`].
//!
//! Here errors become exit codes, and a closed pipe becomes success.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod input;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use cli::args::Args;
use cli::exit::{Outcome, USAGE};
use commands::plan::{Environment, Plan};
use input::Strays;
use output::{complain, is_broken_pipe};

fn main() -> ExitCode {
    // Where that is refused, a file that shrinks ends the program, as it always did.
    let _ = stenolog_decoder::survive_shrinking_files();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return cli::usage::explain(&error),
    };
    let plan = match Plan::new(args, &Environment::read()) {
        Ok(plan) => plan,
        Err(error) => {
            complain(error);
            return ExitCode::from(USAGE);
        }
    };
    match commands::run(plan) {
        Ok(outcome) => outcome.into(),
        // Whoever closed the pipe has all they wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<Strays>() => {
            let strays = error.downcast_ref::<Strays>();
            strays.map_or(&[][..], Strays::lines).iter().for_each(complain);
            ExitCode::from(strays.map_or(USAGE, Strays::code))
        }
        Err(error) => {
            complain(format_args!("{error:#}"));
            Outcome { unreadable: true, ..Outcome::default() }.into()
        }
    }
}
