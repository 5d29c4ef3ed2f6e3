//! `steno` reads Stenolog dumps: words become [`args`], a checked [`plan`], and then one of [`run`].
//!
//! Here errors become exit codes, and a closed pipe becomes success.
#![forbid(unsafe_code)]

mod args;
mod exit;
mod inputs;
mod output;
mod plan;
mod rings;
mod run;
mod time;
mod units;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use exit::{Outcome, USAGE};
use inputs::Strays;
use output::{complain, is_broken_pipe};
use plan::{Environment, Plan};

fn main() -> ExitCode {
    // Where that is refused, a file that shrinks ends the program, as it always did.
    let _ = stenolog_decoder::survive_shrinking_files();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage::explain(&error),
    };
    let plan = match Plan::new(args, &Environment::read()) {
        Ok(plan) => plan,
        Err(error) => {
            complain(error);
            return ExitCode::from(USAGE);
        }
    };
    match run::run(plan) {
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
