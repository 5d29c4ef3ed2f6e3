//! A wrong command line gets one line; help and version come out as clap has them.

use std::process::ExitCode;

use clap::Error;
use clap::error::ErrorKind;

use crate::cli::exit::USAGE;
use crate::output::complain;

/// Prints why there are no arguments to work with, and gives the exit code for it.
pub(crate) fn explain(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // It fails only if nobody reads it.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        // A bare `steno` is a question, answered by the whole help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            complain(one_line(&error.render().to_string()));
            ExitCode::from(USAGE)
        }
    }
}

/// clap says what is wrong, then tips, then the usage, in paragraphs: all but the usage, on a line.
fn one_line(text: &str) -> String {
    let paragraphs = text
        .trim()
        .split("\n\n")
        .filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more information"))
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let line = paragraphs.collect::<Vec<_>>().join("; ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{line}; see `steno --help`")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Args;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let error = Args::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(one_line(&error.render().to_string()), expected, "{line}");
    }

    #[test]
    fn mistakes_take_one_line() {
        check(
            "steno a --jsn",
            "unexpected argument '--jsn' found; tip: a similar argument exists: '--json'; \
             see `steno --help`",
        );
        check(
            "steno a -o yaml",
            "invalid value 'yaml' for '--output <FORMAT>' [possible values: short, verbose, json, \
             json-pretty, logfmt, csv]; see `steno --help`",
        );
        check(
            "steno a -l loud",
            "invalid value 'loud' for '--level <LEVEL>': `loud` is no level: use error, warn, info, \
             debug or trace; see `steno --help`",
        );
        check(
            "steno a -v",
            "the following required arguments were not provided: --grep <REGEX>; see `steno --help`",
        );
        check(
            "steno a --utc --time-zone utc",
            "the argument '--utc' cannot be used with '--time-zone <ZONE>'; see `steno --help`",
        );
        check(
            "steno -l warn",
            "the following required arguments were not provided: <FILE|NAME=VALUE>...; \
             see `steno --help`",
        );
    }
}
