//! Arguments of `steno decode`.

use std::ffi::OsString;
use std::num::NonZero;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use stenolog_decoder::{Format, Level};

use crate::cli::args::RingArgs;

const EXAMPLES: &str = "\
Examples:
  steno decode app.steno -l warn                            warnings and errors
  steno decode info                                         a file that is named like a command
  steno decode logs/ -S -1h -o json-pretty                  the last hour, as indented JSON
  steno decode logs/ -S '14:30' -U '14:45' --utc            15 minutes of today, in UTC
  steno decode app.steno -t net,db --thread 'worker-*'      two targets, some threads
  steno decode app.steno -g timeout -v -e                   records that do not mention timeouts
  steno decode app.steno order_id=17 -F 'note=a b'          records with both of these fields
  steno decode app.steno span.path=/x                       records within a span with this field
  steno decode app.steno --spans span.name=request          when requests began, were entered, and ended
  steno decode app.steno --losses inline -n 50              each loss by itself
  steno decode copy.steno --rings /mnt/dev/shm              a copied dump with rings elsewhere

Exit codes: 0 everything was read; 1 an input could not be read (with -e: nothing matched);
2 wrong usage; 3 decoded, but damaged or incomplete.";

const TIMES: &str = "\
RFC 3339, '2026-05-31', '2026-05-31 14:30:15.25', '14:30' (today), 'now', 'today', 'yesterday', \
'tomorrow', '-2h', '-1h30m', '+5m', or '@1780000000.5' (seconds since 1970). When clocks are set back, a \
time occurs twice: --since takes the first occurrence, --until the second. When they are set forward, \
a skipped time counts from before the jump (02:30 is 03:30)";

/// Show records, merged by time (the default command)
#[derive(Debug, clap::Args)]
#[command(after_help = super::MORE, after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Dumps (also .gz and .zst), directories, globs, or - for standard input; NAME=VALUE shows only
    /// records with that field
    #[arg(value_name = "FILE|NAME=VALUE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(super) inputs: Vec<OsString>,

    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    #[command(flatten)]
    pub(super) rings: RingArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Output format [default: short]
    // No clap default: it would count as an argument beside a subcommand.
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser())]
    pub(super) output: Option<Format>,
    /// Same as --output json
    #[arg(long, conflicts_with = "output")]
    pub(super) json: bool,
    /// Show only the last N records; what is damaged before them is not read, and not told
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) lines: Option<u64>,
    /// Show records file by file, as they were written, instead of merging them by time
    #[arg(long)]
    pub(super) unordered: bool,
    /// Show and read times in UTC instead of local time (json, logfmt and csv show UTC by default)
    #[arg(long, conflicts_with = "time_zone")]
    pub(super) utc: bool,
    /// Show and read times in ZONE: Europe/Berlin, +05:30, utc or local
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(super) time_zone: Option<String>,
    /// When to use colors; auto: on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set
    /// [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub(super) color: Option<ColorWhen>,
    /// Number of rendering threads; does not affect the output [default: number of cores]
    #[arg(short = 'j', long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,
    /// Show losses merged, inline, or not at all; all are summed up at the end [default: merged]
    #[arg(long, value_name = "HOW")]
    pub(super) losses: Option<LossesHow>,
    /// Show events of spans too: new, enter, exit, close, record, follows; filters take the level and target of
    /// the span, and -n counts them
    #[arg(long)]
    pub(super) spans: bool,
    /// Put ' before CSV cells that begin with =, +, - or @, which spreadsheets would evaluate
    #[arg(long)]
    pub(super) defuse_formulas: bool,
    /// Exit with code 1 if no record matched
    #[arg(short, long)]
    pub(super) exit_status: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters (records must match all of them; losses are filtered too)")]
pub(super) struct FilterArgs {
    /// Show records at LEVEL or more severe: error, warn, info, debug, trace
    #[arg(short, long)]
    pub(super) level: Option<Level>,
    /// Show records of TARGET and targets within it (net includes net::tcp); TARGET may be a glob or a
    /// comma-separated list (repeat to allow more)
    #[arg(short, long, value_delimiter = ',')]
    pub(super) target: Vec<String>,
    /// Show records of THREAD: a name, glob, OS thread id, or a comma-separated list of these (repeat to
    /// allow more)
    #[arg(long, value_delimiter = ',')]
    pub(super) thread: Vec<String>,
    /// Show records whose message or fields match REGEX (smart case; repeat to require all)
    #[arg(short, long, value_name = "REGEX", allow_hyphen_values = true)]
    pub(super) grep: Vec<String>,
    /// Ignore case in --grep
    #[arg(short, long, requires = "grep")]
    pub(super) ignore_case: bool,
    /// Show records that do not match --grep
    #[arg(short = 'v', long, requires = "grep")]
    pub(super) invert_match: bool,
    /// Show records whose field NAME has this VALUE, as shown in text or JSON: opt=Some(5), opt=5,
    /// dur=1.5s; span.NAME is a field of any span around the record, span.name and span.id its name
    /// and id (repeat to require all)
    #[arg(short = 'F', long, value_name = "NAME=VALUE")]
    pub(super) field: Vec<String>,
    /// Show records from TIME on: '2026-05-31 14:30', '14:30', yesterday, -2h, @1780000000
    #[arg(short = 'S', long, value_name = "TIME", allow_hyphen_values = true,
        long_help = format!("Show records from TIME on: {TIMES}"))]
    pub(super) since: Option<String>,
    /// Show records up to TIME (same forms as --since)
    #[arg(short = 'U', long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) until: Option<String>,
}

/// How to show losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LossesHow {
    Merged,
    Inline,
    None,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str))
        .try_map(|name| name.parse::<Format>())
}
