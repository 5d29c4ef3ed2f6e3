//! `steno man`: the manual, with all commands on one page.

use std::convert::Infallible;
use std::io;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Run;
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  steno man | man -l -                                 read the manual page
  steno man > ~/.local/share/man/man1/steno.1          install it";

/// Print the manual page (for `man -l -`)
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// The manual page.
pub(super) struct Plan {
    program: clap::Command,
}

impl Plan {
    pub(super) fn new(_: Args, environment: &Environment) -> Result<Self, Infallible> {
        Ok(Self { program: (environment.program)() })
    }
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let mut output = Output::new();
        output.write(&page(self.program)?)?;
        Ok(Outcome::default())
    }
}

/// The page as roff.
fn page(mut command: clap::Command) -> io::Result<Vec<u8>> {
    // Usage lines know the program's name only in a built command.
    command.build();
    let mut out = Vec::new();
    let page = Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    // Instead of the section by clap_mangen, which refers to a page for each command.
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for command in command.get_subcommands_mut() {
        describe(command, &mut roff);
    }
    roff.control("SH", ["EXAMPLES AND EXIT CODES"]);
    let more = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    verbatim(more.strip_prefix("Examples:\n").unwrap_or(&more), &mut roff);
    roff.to_writer(&mut out)?;
    Ok(out)
}

/// A command, its options and its examples.
fn describe(command: &mut clap::Command, roff: &mut Roff) {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.control("SS", [command.get_name()]).text([bold(usage)]);
    roff.control("PP", []).text([roman(about)]);
    // The options of `decode` are those of the page itself.
    let options = command.get_arguments().filter(|arg| arg.get_id() != "help");
    for option in options.filter(|_| !matches!(command.get_name(), "decode" | "help")) {
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []).text([bold(option.to_string())]).text([roman(help)]);
    }
    if let Some(more) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        roff.control("PP", []);
        verbatim(&more.to_string(), roff);
    }
}

/// Lines that are not filled.
fn verbatim(text: &str, roff: &mut Roff) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_text_is_taken_for_a_request() {
        let mut roff = Roff::new();
        verbatim(".steno \\n\n'quoted' -x", &mut roff);
        assert_eq!(roff.to_roff(), ".nf\n\\&.steno \\\\n\n\\&'quoted' \\-x\n.fi\n");
    }
}
