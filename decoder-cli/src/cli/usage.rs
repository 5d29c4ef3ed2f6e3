//! Usage errors: one line each, from the structured context of clap's errors.

use std::fmt::Write as _;
use std::num::{IntErrorKind, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error in a line; `None` if the answer is the help or the version.
pub(crate) fn describe(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        // The answer to a bare `steno`.
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => None,
        _ => Some(one_line(error)),
    }
}

/// The error, with a suggestion or a pointer to the help.
fn one_line(error: &Error) -> String {
    let mut line = what(error).unwrap_or_else(|| {
        let kind = error.kind().as_str();
        kind.unwrap_or("the command line cannot be understood").to_owned()
    });
    match suggestion(error) {
        Some(meant) => _ = write!(line, "; did you mean {meant}?"),
        None => line.push_str("; see `steno --help`"),
    }
    line
}

/// The error; `None` if the context has no details.
fn what(error: &Error) -> Option<String> {
    let text = |kind| text(error, kind);
    let arg = || text(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("unexpected argument '{}'", arg()?),
        ErrorKind::InvalidValue => {
            let (arg, value) = (arg()?, text(ContextKind::InvalidValue)?);
            let mut line = match value.as_str() {
                "" => format!("'{arg}' needs a value"),
                value => format!("invalid value '{value}' for '{arg}'"),
            };
            if let Some(values) = text(ContextKind::ValidValue).filter(|values| !values.is_empty())
            {
                _ = write!(line, " (possible values: {values})");
            }
            line
        }
        ErrorKind::ValueValidation => {
            let (arg, value) = (arg()?, text(ContextKind::InvalidValue)?);
            let cause = std::error::Error::source(error).map(|cause| {
                let number = cause.downcast_ref::<ParseIntError>().map(ParseIntError::kind);
                match number {
                    Some(IntErrorKind::InvalidDigit) => ": not a whole number".to_owned(),
                    _ => format!(": {cause}"),
                }
            });
            let cause = cause.unwrap_or_default();
            format!("invalid value '{value}' for '{arg}'{cause}")
        }
        ErrorKind::TooManyValues => {
            format!("unexpected value '{}' for '{}'", text(ContextKind::InvalidValue)?, arg()?)
        }
        ErrorKind::MissingRequiredArgument => format!("missing {}", arg()?),
        ErrorKind::ArgumentConflict => {
            let arg = arg().or_else(|| text(ContextKind::InvalidSubcommand))?;
            match text(ContextKind::PriorArg) {
                Some(prior) if prior == arg => format!("'{arg}' cannot be used multiple times"),
                Some(prior) => format!("'{arg}' cannot be used with '{prior}'"),
                None => format!("'{arg}' cannot be used with other arguments"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            format!("unknown command '{}'", text(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => return None,
    })
}

/// The most likely intended word.
fn suggestion(error: &Error) -> Option<String> {
    let kinds = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedCommand,
    ];
    kinds.into_iter().find_map(|kind| text(error, kind)).filter(|text| !text.is_empty())
}

/// A part of the context as text.
fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::commands::CommandLine;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let error = CommandLine::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(one_line(&error), expected, "{line}");
    }

    #[test]
    fn unknown_words_come_with_a_suggestion() {
        check("steno a --jsn", "unexpected argument '--jsn'; did you mean --json?");
        check("steno export a --too x", "unexpected argument '--too'; did you mean --to?");
        check("steno a --qqq", "unexpected argument '--qqq'; see `steno --help`");
        check(
            "steno a -o jsno",
            "invalid value 'jsno' for '--output <FORMAT>' (possible values: short, verbose, json, \
             json-pretty, logfmt, csv); did you mean json?",
        );
        check("steno help stats", "unknown command 'stats'; see `steno --help`");
    }

    #[test]
    fn values_are_explained() {
        check(
            "steno a -o yaml",
            "invalid value 'yaml' for '--output <FORMAT>' (possible values: short, verbose, json, \
             json-pretty, logfmt, csv); see `steno --help`",
        );
        check(
            "steno a -l loud",
            "invalid value 'loud' for '--level <LEVEL>': `loud` is not a level: use error, warn, info, \
             debug or trace; see `steno --help`",
        );
        check(
            "steno export a --to steno -o b --zstd 40",
            "invalid value '40' for '--zstd <LEVEL>': 40 is not in 1..=22; see `steno --help`",
        );
        check("steno a -n", "'--lines <N>' needs a value; see `steno --help`");
        check(
            "steno a --color",
            "'--color <WHEN>' needs a value (possible values: auto, always, never); see `steno --help`",
        );
        check("steno a --json=x", "unexpected value 'x' for '--json'; see `steno --help`");
    }

    #[test]
    fn missing_and_conflicting_arguments_are_named() {
        check("steno a -v", "missing --grep <REGEX>; see `steno --help`");
        check("steno -l warn", "missing <FILE|NAME=VALUE>...; see `steno --help`");
        check("steno export a", "missing --to <FORMAT>, --output <OUT>; see `steno --help`");
        check(
            "steno a --utc --time-zone utc",
            "'--utc' cannot be used with '--time-zone <ZONE>'; see `steno --help`",
        );
        check(
            "steno a -n 1 -n 2",
            "'--lines <N>' cannot be used multiple times; see `steno --help`",
        );
        check(
            "steno recover a --to b --no-rings --remove-rings",
            "'--no-rings' cannot be used with '--remove-rings'; see `steno --help`",
        );
    }
}
