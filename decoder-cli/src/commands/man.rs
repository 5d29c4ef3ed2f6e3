//! `steno man`: the manual, all commands on one page.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::args::Args;

/// Writes the page as roff.
pub(super) fn write(out: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Args::command();
    // Usage lines know the program's name only in a built command.
    command.build();
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    // clap_mangen would refer to pages that nobody installs: tell of the commands here.
    writeln!(out, ".SH COMMANDS")?;
    for command in command.get_subcommands_mut() {
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", escape(usage), escape(&about))?;
        // The options of `decode` stand above; the others have few.
        if command.get_name() != "decode" {
            for option in command.get_arguments().filter(|arg| arg.get_id() != "help") {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                writeln!(out, ".RS\n.TP\n{}\n{}\n.RE", escape(&option.to_string()), escape(&help))?;
            }
        }
    }
    writeln!(out, ".SH EXAMPLES AND EXIT CODES\n.nf")?;
    let more = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for line in more.lines().filter(|line| *line != "Examples:") {
        writeln!(out, "{}", escape(line))?;
    }
    writeln!(out, ".fi")
}

/// Text that roff prints as it stands.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
