//! The commands.

mod clean;
mod decode;
mod export;
mod info;
mod man;
pub(crate) mod plan;
mod recover;
mod verify;

use clap::CommandFactory as _;

use crate::cli::args::Args;
use crate::cli::exit::Outcome;
use crate::output::Output;
use plan::Plan;

/// Carries out the plan.
///
/// # Errors
/// If standard output takes no more. What is wrong with the inputs is said on standard error and
/// becomes part of the outcome.
pub(crate) fn run(plan: Plan) -> anyhow::Result<Outcome> {
    match plan {
        Plan::Decode(plan) => decode::run(plan),
        Plan::Info(plan) => info::run(&plan),
        Plan::Verify(plan) => verify::run(&plan),
        Plan::Recover(plan) => recover::run(&plan),
        Plan::Clean(plan) => clean::run(&plan),
        Plan::Export(plan) => export::run(&plan),
        Plan::Completions(shell) => print_generated(|out| {
            clap_complete::generate(shell, &mut Args::command(), "steno", out);
            Ok(())
        }),
        Plan::Man => print_generated(man::write),
    }
}

fn print_generated(
    generate: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>,
) -> anyhow::Result<Outcome> {
    let mut bytes = Vec::new();
    generate(&mut bytes)?;
    let mut output = Output::new();
    output.append(|out| out.push_str(&String::from_utf8_lossy(&bytes)))?;
    output.flush()?;
    Ok(Outcome::default())
}
