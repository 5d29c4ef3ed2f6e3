//! What may stand on the command line. Only words: what they mean is checked in [`plan`](crate::commands::plan).

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use stenolog_decoder::{Format, Level};

const EXAMPLES: &str = "\
Examples:
  steno app.steno                             all records, ordered by time
  steno logs/ -l warn -S yesterday            warnings and errors since yesterday, of a directory
  steno app.steno -t net -g 'timed? out'      of the target net, with a message that matches
  steno app.steno user.id=42 --json | jq .    of one user, a JSON object per line
  steno app.steno -n 20 -o verbose            the last 20, with place and thread
  steno logs/ app.steno.1.gz                  rotated and packed files too (.gz, .zst)
  ssh host cat app.steno | steno -            from standard input
  steno recover app.steno --to whole.steno    after a crash: the file and what its rings still held
  steno export --to steno a.steno -o b.steno  the same dump in fewer bytes

A file that is named like a command is written ./info, or given to `steno decode`.

Exit codes: 0 complete; 1 something could not be read (with -e: nothing matched);
2 wrong usage; 3 decoded, but damaged or incomplete.";

const CLEAN_EXAMPLES: &str = "\
Examples:
  steno clean                    list what is in /dev/shm, and what is not needed
  steno clean --remove           remove what is not needed
  steno clean logs/ --json       list rings beside their dumps

Directories of running loggers and of other users are never touched. Loggers also clean up when they start.
Exit codes: 0 done; 1 something could not be read or removed; 2 wrong usage.";

const MORE: &str = "Examples, forms of times and exit codes: --help";

const TIMES: &str = "\
RFC 3339, '2026-05-31', '2026-05-31 14:30:15.25', '14:30' (today), 'now', 'today', 'yesterday', \
'tomorrow', '-2h', '-1h30m', '+5m', '@1780000000.5' (seconds since 1970). Of a time that \
clocks show twice, as they are put back, --since takes the first and --until the second; a time that \
they skip counts on from before the jump (02:30 is 03:30)";

/// Reads Stenolog dumps as text or JSON: `steno FILE...` is `steno decode FILE...`
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
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) decode: DecodeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the records, merged by time (the default)
    #[command(after_help = MORE, after_long_help = EXAMPLES, arg_required_else_help = true)]
    Decode(DecodeArgs),
    /// Say what a dump holds: writer, time span, threads, call sites, losses
    #[command(arg_required_else_help = true)]
    Info(InfoArgs),
    /// Read everything and list all that is damaged or missing
    #[command(arg_required_else_help = true)]
    Verify(VerifyArgs),
    /// Write one whole dump out of one that broke off and the rings of its writer
    #[command(arg_required_else_help = true)]
    Recover(RecoverArgs),
    /// List what killed writers have left in folders for rings, and remove what nobody needs
    #[command(after_help = CLEAN_EXAMPLES)]
    Clean(CleanArgs),
    /// Write a dump in another form: in fewer bytes
    #[command(arg_required_else_help = true)]
    Export(ExportArgs),
    /// Print a completion script
    #[command(arg_required_else_help = true)]
    Completions {
        /// The shell that will read it
        shell: Shell,
    },
    /// Print the manual page (for `man -l -`)
    Man,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    /// Dumps (also .gz and .zst), directories of them, globs, or - for standard input; NAME=VALUE
    /// shows only records with such a field
    #[arg(value_name = "FILE|NAME=VALUE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) rings: RingArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rings (what a writer that died had not written yet)")]
pub(crate) struct RingArgs {
    /// Look for rings in DIR too, or in DIR itself if it is a ring directory; repeatable
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) rings: Vec<PathBuf>,
    /// Look for no rings: only what the files hold
    #[arg(long, conflicts_with = "rings")]
    pub(crate) no_rings: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits (for files you do not trust)")]
pub(crate) struct LimitArgs {
    /// Read no more than SIZE of a file's call sites: 512K, 1G [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_metadata: Option<u64>,
    /// Read no more than N ring files [default: 65536]
    #[arg(long, value_name = "N")]
    pub(crate) max_ring_files: Option<usize>,
    /// Read no more than SIZE of ring files [default: 4G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_ring_bytes: Option<u64>,
    /// Unpack no more than SIZE of a .gz or .zst copy [default: 1024 times its size, at least 1G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_unpacked: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How to show records [default: short]
    // No clap default: it would count as an argument beside a subcommand.
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser())]
    pub(crate) output: Option<Format>,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,
    /// Show only the last N records
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) lines: Option<u64>,
    /// Go file by file as records were written, instead of merging by time
    #[arg(long)]
    pub(crate) unordered: bool,
    /// Show and read times in UTC; else local time (json, logfmt and csv show UTC anyway)
    #[arg(long, conflicts_with = "time_zone")]
    pub(crate) utc: bool,
    /// Show and read times in this zone: Europe/Berlin, +05:30, utc or local
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) time_zone: Option<String>,
    /// Colour the text: auto is on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set
    /// [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub(crate) color: Option<ColorWhen>,
    /// Render in N threads; the output is the same for any [default: one for each core]
    #[arg(short = 'j', long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Show losses: those that follow one another as one, each, or none; all are summed up at the end
    /// [default: merged]
    #[arg(long, value_name = "HOW")]
    pub(crate) losses: Option<LossesHow>,
    /// Put ' before CSV cells that a spreadsheet would run: those that begin with =, +, - or @
    #[arg(long)]
    pub(crate) defuse_formulas: bool,
    /// Exit with 1 if no record matched
    #[arg(short, long)]
    pub(crate) exit_status: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters (all must hold; losses are filtered too)")]
pub(crate) struct FilterArgs {
    /// This level and more severe ones: error, warn, info, debug, trace
    #[arg(short, long)]
    pub(crate) level: Option<Level>,
    /// These targets and what is below them (`net` has net::tcp), or globs; a,b or repeated: any
    #[arg(short, long, value_delimiter = ',')]
    pub(crate) target: Vec<String>,
    /// Threads by name, glob or OS id; a,b or repeated: any
    #[arg(long, value_delimiter = ',')]
    pub(crate) thread: Vec<String>,
    /// Message or fields match REGEX, as shown or as logged; in any case if it has no capital;
    /// repeated: all
    #[arg(short, long, value_name = "REGEX", allow_hyphen_values = true)]
    pub(crate) grep: Vec<String>,
    /// Let --grep match in any case
    #[arg(short, long, requires = "grep")]
    pub(crate) ignore_case: bool,
    /// Show what --grep does not match
    #[arg(short = 'v', long, requires = "grep")]
    pub(crate) invert_match: bool,
    /// A field has this value, as text or JSON show it: opt=Some(5), opt=5, dur=1.5s; repeated: all
    #[arg(short = 'F', long, value_name = "NAME=VALUE")]
    pub(crate) field: Vec<String>,
    /// Not before TIME: '2026-05-31 14:30', '14:30', yesterday, -2h, @1780000000
    #[arg(short = 'S', long, value_name = "TIME", allow_hyphen_values = true,
        long_help = format!("Not before TIME: {TIMES}"))]
    pub(crate) since: Option<String>,
    /// Not after TIME
    #[arg(
        short = 'U',
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        long_help = "Not after TIME: as for --since"
    )]
    pub(crate) until: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InfoArgs {
    /// Dumps (also .gz and .zst), directories of them, globs, or - for standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,
    /// A JSON object per file
    #[arg(long)]
    pub(crate) json: bool,
    /// Show times in UTC instead of local time
    #[arg(long, conflicts_with_all = ["time_zone", "json"])]
    pub(crate) utc: bool,
    /// Show times in this zone: Europe/Berlin, +05:30, utc or local
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, conflicts_with = "json")]
    pub(crate) time_zone: Option<String>,
    #[command(flatten)]
    pub(crate) rings: RingArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Dumps (also .gz and .zst), directories of them, globs, or - for standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,
    /// A JSON object per file
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) rings: RingArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    /// The dump, or a ring directory whose dump is gone
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) input: OsString,
    /// Where the whole dump is written; readable by you only
    #[arg(long, value_name = "OUT", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(crate) to: PathBuf,
    /// Replace OUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Remove the rings once OUT is on the disk and has all that they held
    #[arg(long, conflicts_with = "no_rings")]
    pub(crate) remove_rings: bool,
    #[command(flatten)]
    pub(crate) rings: RingArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CleanArgs {
    /// Folders that loggers keep rings in, or ring directories [default: /dev/shm]
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
    /// Remove the directories that may go
    #[arg(long)]
    pub(crate) remove: bool,
    /// Also remove directories with records that no dump has
    #[arg(long)]
    pub(crate) unread: bool,
    /// A JSON object per directory
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The dump, or - for standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) input: OsString,
    /// The form: `steno` is a dump with the same records in fewer bytes
    #[arg(long, value_name = "FORM", required = true)]
    pub(crate) to: ExportForm,
    /// Where it is written, readable by you only; - for standard output
    #[arg(short, long, value_name = "OUT", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: OsString,
    /// How hard Zstandard compresses: 1 is fastest, 22 smallest [default: 19]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) zstd: Option<i32>,
    /// Replace OUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Write a dump that is damaged or not complete, too, without what cannot be read of it
    #[arg(long)]
    pub(crate) allow_damage: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What `steno export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// A dump
    Steno,
}

/// How to show losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LossesHow {
    Merged,
    Inline,
    None,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str))
        .try_map(|name| name.parse::<Format>())
}
