//! The commands, each a module with its arguments (`Args`), its checked plan (`Plan`) and its run.
//!
//! A new command takes a module and a line in the list below.

mod clean;
mod completions;
pub(crate) mod decode;
mod dict;
mod export;
mod info;
mod man;
mod recover;
mod verify;

use clap::Parser;

use crate::cli::env::Environment;
use crate::cli::exit::Outcome;

const EXAMPLES: &str = "\
Examples:
  steno app.steno                             all records, ordered by time
  steno logs/ -l warn -S yesterday            warnings and errors since yesterday in a directory
  steno app.steno -t net -g 'timed? out'      records of target net that match a regex
  steno app.steno user.id=42 --json | jq .    records of one user, as one JSON object per line
  steno app.steno -n 20 -o verbose            the last 20 records, with source location and thread
  steno logs/ app.steno.1.gz                  rotated and compressed files (.gz, .zst)
  ssh host cat app.steno | steno -            standard input
  steno recover app.steno --to whole.steno    after a crash: the dump and what its rings still hold
  steno export --to steno a.steno -o b.steno  a smaller dump with the same records

To read a file that is named like a command, write ./info or use `steno decode info`.

Exit codes: 0 everything was read; 1 an input could not be read (with -e: nothing matched);
2 wrong usage; 3 decoded, but damaged or incomplete.";

/// The end of the short help.
const MORE: &str = "For examples, forms of TIME and exit codes, see --help.";

/// Decode Stenolog dumps to text or JSON: `steno FILE...` is short for `steno decode FILE...`
#[derive(Debug, Parser)]
#[command(
    name = "steno",
    version,
    after_help = MORE,
    after_long_help = EXAMPLES,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    decode: decode::Args,
}

impl CommandLine {
    /// The command that was given; decoding is implied.
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Decode(self.decode))
    }
}

/// A checked, unambiguous plan.
pub(crate) trait Run {
    /// Does it.
    ///
    /// # Errors
    /// If standard output cannot be written, or a word on the command line names nothing. What is wrong with
    /// the inputs is reported on standard error and becomes part of the outcome.
    fn run(self: Box<Self>) -> anyhow::Result<Outcome>;
}

macro_rules! commands {
    ($($name:ident => $module:ident),+ $(,)?) => {
        /// A command with its arguments.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Command {
            $($name($module::Args)),+
        }

        impl Command {
            /// Checks and resolves the arguments.
            ///
            /// # Errors
            /// If they make no sense.
            pub(crate) fn plan(self, environment: &Environment) -> anyhow::Result<Box<dyn Run>> {
                Ok(match self {
                    $(Self::$name(args) => Box::new($module::Plan::new(args, environment)?)),+
                })
            }
        }
    };
}

// In the order of the help.
commands! {
    Decode => decode,
    Info => info,
    Verify => verify,
    Dict => dict,
    Recover => recover,
    Clean => clean,
    Export => export,
    Completions => completions,
    Man => man,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::env::Environment;

    /// The words of a command, up to a redirection. Examples quote with single quotes only.
    fn words(command: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (number, part) in command.split('\'').enumerate() {
            if number % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words.into_iter().take_while(|word| word != ">" && word != "<").collect()
    }

    /// The calls of `steno` in the examples of a help text, which are indented and come before two spaces.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
        let commands = lines.filter_map(|line| line.split("  ").next());
        let calls = commands.flat_map(|line| line.split('|').map(str::trim));
        calls.filter(|call| call.starts_with("steno ")).map(words).collect()
    }

    #[test]
    fn every_command_has_examples_that_are_valid() {
        let mut command = CommandLine::command();
        command.build();
        let subcommands = command.get_subcommands().filter(|it| it.get_name() != "help");
        for command in std::iter::once(&command).chain(subcommands) {
            let help = command.get_after_long_help().or_else(|| command.get_after_help());
            let found = examples(&help.map(ToString::to_string).unwrap_or_default());
            assert!(!found.is_empty(), "{}", command.get_name());
            for words in found {
                let args = CommandLine::try_parse_from(&words)
                    .unwrap_or_else(|e| panic!("{words:?}: {e}"));
                let plan = args.into_command().plan(&Environment::EMPTY);
                assert!(plan.is_ok(), "{words:?}: {:?}", plan.err());
            }
        }
    }

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
