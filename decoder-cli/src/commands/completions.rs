//! `steno completions`: scripts that complete command lines in a shell.

use std::convert::Infallible;

use clap_complete::Shell;

use super::Run;
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  steno completions fish    print the script for fish
  steno completions bash > ~/.local/share/bash-completion/completions/steno";

/// Print a shell completion script
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// The shell to print the script for
    shell: Shell,
}

/// A script for a shell.
pub(super) struct Plan {
    shell: Shell,
    program: clap::Command,
}

impl Plan {
    pub(super) fn new(args: Args, environment: &Environment) -> Result<Self, Infallible> {
        Ok(Self { shell: args.shell, program: (environment.program)() })
    }
}

impl Run for Plan {
    fn run(mut self: Box<Self>) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut self.program, "steno", &mut script);
        let mut output = Output::new();
        output.write(&script)?;
        Ok(Outcome::default())
    }
}
