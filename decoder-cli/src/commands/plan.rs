//! What is to be done: the command line, checked, with nothing left to misunderstand.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use chrono::{DateTime, Utc};
use clap_complete::Shell;
use stenolog_decoder::{FieldMatch, Filter, Format, Levels, Limits, Losses, Order, Zone};

use crate::cli::args::{
    Args, CleanArgs, ColorWhen, Command, DecodeArgs, ExportArgs, ExportForm, FilterArgs, InfoArgs,
    LimitArgs, LossesHow, OutputArgs, RecoverArgs, RingArgs, VerifyArgs,
};
use crate::cli::time::{self, Edge, TimeError};
use crate::input::{self, Input, InputLimits};

/// A command that can be run.
pub(crate) enum Plan {
    Decode(DecodePlan),
    Info(InfoPlan),
    Verify(VerifyPlan),
    Recover(RecoverPlan),
    Clean(CleanPlan),
    Export(ExportPlan),
    Completions(Shell),
    Man,
}

/// How to show records.
pub(crate) struct DecodePlan {
    pub(crate) inputs: Vec<Input>,
    pub(crate) filter: Filter,
    /// The names that the filter asks values of.
    pub(crate) field_names: Vec<String>,
    pub(crate) order: Order,
    pub(crate) format: Format,
    /// The zone that times are shown in.
    pub(crate) zone: Zone,
    pub(crate) color: bool,
    /// Show only this many, the last ones.
    pub(crate) last: Option<u64>,
    /// How many threads render.
    pub(crate) threads: NonZero<usize>,
    pub(crate) losses: Losses,
    pub(crate) defuse_formulas: bool,
    /// Say by the exit code if nothing matched.
    pub(crate) exit_status: bool,
    pub(crate) rings: RingsPlan,
}

/// Which rings of writers that died are read.
#[derive(Clone, Debug)]
pub(crate) struct RingsPlan {
    /// Whether any are looked for.
    pub(crate) wanted: bool,
    /// Where else to look.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) limits: InputLimits,
}

/// What to report of dumps.
pub(crate) struct InfoPlan {
    pub(crate) inputs: Vec<Input>,
    pub(crate) json: bool,
    pub(crate) zone: Zone,
    pub(crate) rings: RingsPlan,
}

/// Which dumps to verify.
pub(crate) struct VerifyPlan {
    pub(crate) inputs: Vec<Input>,
    pub(crate) json: bool,
    pub(crate) rings: RingsPlan,
}

/// What to make one whole dump of.
pub(crate) struct RecoverPlan {
    pub(crate) input: Input,
    pub(crate) to: PathBuf,
    /// Replace what is there.
    pub(crate) force: bool,
    pub(crate) remove_rings: bool,
    pub(crate) rings: RingsPlan,
}

/// Which folders to clean.
pub(crate) struct CleanPlan {
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) remove: bool,
    /// Records that no dump has may go, too.
    pub(crate) unread: bool,
    pub(crate) json: bool,
    pub(crate) limits: Limits,
}

/// What to rewrite.
pub(crate) struct ExportPlan {
    pub(crate) input: Input,
    pub(crate) out: ExportTo,
    /// The level of compression.
    pub(crate) zstd: i32,
    /// Replace what is there.
    pub(crate) force: bool,
    pub(crate) allow_damage: bool,
    pub(crate) limits: InputLimits,
}

/// Where it goes.
pub(crate) enum ExportTo {
    Stdout,
    File(PathBuf),
}

/// What the plan depends on beside the command line.
pub(crate) struct Environment {
    pub(crate) now: DateTime<Utc>,
    pub(crate) stdout_is_terminal: bool,
    /// How many threads can run at once.
    pub(crate) cores: NonZero<usize>,
    /// Whether the terminal cannot show colours (`TERM` is `dumb`, or on Unix not set), or its user does not
    /// want them (`CLICOLOR` is 0: <https://bixense.com/clicolors>).
    pub(crate) terminal_is_plain: bool,
    /// `NO_COLOR`, if it is set and not empty (<https://no-color.org>).
    pub(crate) no_color: bool,
    /// `CLICOLOR_FORCE`, if it is set and not 0 (<https://bixense.com/clicolors>).
    pub(crate) force_color: bool,
}

impl Environment {
    /// The real one.
    pub(crate) fn read() -> Self {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Self {
            now: Utc::now(),
            cores: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            terminal_is_plain: set("TERM").map_or(cfg!(unix), |term| term == "dumb")
                || set("CLICOLOR").is_some_and(|value| value == "0"),
            no_color: set("NO_COLOR").is_some(),
            force_color: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        }
    }
}

/// Why a command line makes no sense although each of its words is allowed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("no dump is named, only filters; add a file, a directory or - for standard input")]
    NoInput,
    #[error("{flag} {source}")]
    Time { flag: &'static str, source: TimeError },
    #[error("--since ({since}) is after --until ({until}); no time is both")]
    NoTime { since: String, until: String },
    #[error(
        "--grep '{pattern}' is no regular expression: {cause}; see https://docs.rs/regex/#syntax"
    )]
    Regex { pattern: String, cause: String },
    #[error("--time-zone {0}")]
    Zone(stenolog_decoder::ZoneError),
    #[error("{0}")]
    Field(stenolog_decoder::FieldMatchError),
}

impl Plan {
    /// Checks `args`.
    ///
    /// # Errors
    /// If they make no sense.
    pub(crate) fn new(args: Args, environment: &Environment) -> Result<Self, PlanError> {
        Ok(match args.command {
            None => Self::Decode(DecodePlan::new(args.decode, environment)?),
            Some(Command::Decode(decode)) => Self::Decode(DecodePlan::new(decode, environment)?),
            Some(Command::Info(info)) => Self::Info(InfoPlan::new(info)?),
            Some(Command::Verify(verify)) => Self::Verify(VerifyPlan::new(verify)),
            Some(Command::Recover(recover)) => Self::Recover(RecoverPlan::new(recover)),
            Some(Command::Clean(clean)) => Self::Clean(CleanPlan::new(clean)),
            Some(Command::Export(export)) => Self::Export(ExportPlan::new(export)),
            Some(Command::Completions { shell }) => Self::Completions(shell),
            Some(Command::Man) => Self::Man,
        })
    }
}

impl DecodePlan {
    fn new(args: DecodeArgs, environment: &Environment) -> Result<Self, PlanError> {
        let DecodeArgs { inputs: words, output, filter: mut filters, rings } = args;
        let mut inputs = Vec::new();
        for word in &words {
            match input::field_filter(word) {
                Some(field) => filters.field.push(field.to_owned()),
                None => inputs.push(Input::from(word.as_os_str())),
            }
        }
        if inputs.is_empty() {
            return Err(PlanError::NoInput);
        }
        let asked_zone = zone(output.utc, output.time_zone.as_deref())?;
        let zone = asked_zone.unwrap_or(Zone::Local);
        let name = |field: &String| field.split('=').next().unwrap_or_default().to_owned();
        let field_names = filters.field.iter().map(name).collect();
        let filter = filter(filters, zone, environment.now)?;
        let format = match output.output {
            Some(format) => format,
            None if output.json => Format::Json,
            None => Format::Short,
        };
        let zone = asked_zone.unwrap_or(match format {
            Format::Short | Format::Verbose => Zone::Local,
            // What programs read is the same wherever it is run.
            _ => Zone::Utc,
        });
        let color = use_color(&output, environment);
        Ok(Self {
            inputs,
            filter,
            field_names,
            order: if output.unordered { Order::File } else { Order::Time },
            format,
            zone,
            color,
            last: output.lines,
            threads: output.threads.unwrap_or(environment.cores),
            losses: match output.losses {
                None | Some(LossesHow::Merged) => Losses::Merged,
                Some(LossesHow::Inline) => Losses::Inline,
                Some(LossesHow::None) => Losses::None,
            },
            defuse_formulas: output.defuse_formulas,
            exit_status: output.exit_status,
            rings: rings.into(),
        })
    }
}

impl InfoPlan {
    fn new(args: InfoArgs) -> Result<Self, PlanError> {
        Ok(Self {
            inputs: inputs(&args.inputs),
            json: args.json,
            zone: zone(args.utc, args.time_zone.as_deref())?.unwrap_or(Zone::Local),
            rings: args.rings.into(),
        })
    }
}

impl VerifyPlan {
    fn new(args: VerifyArgs) -> Self {
        Self { inputs: inputs(&args.inputs), json: args.json, rings: args.rings.into() }
    }
}

impl RecoverPlan {
    fn new(args: RecoverArgs) -> Self {
        let RecoverArgs { input, to, force, remove_rings, rings } = args;
        Self { input: Input::from(&*input), to, force, remove_rings, rings: rings.into() }
    }
}

impl CleanPlan {
    fn new(args: CleanArgs) -> Self {
        let CleanArgs { mut folders, remove, unread, json, limits } = args;
        if folders.is_empty() {
            folders.push("/dev/shm".into());
        }
        Self { folders, remove, unread, json, limits: limits_of(&limits).dump }
    }
}

impl ExportPlan {
    fn new(args: ExportArgs) -> Self {
        let ExportArgs { input, to: ExportForm::Steno, output, zstd, force, allow_damage, limits } =
            args;
        Self {
            input: Input::from(&*input),
            out: if output == "-" { ExportTo::Stdout } else { ExportTo::File(output.into()) },
            zstd: zstd.unwrap_or(ZSTD_LEVEL),
            force,
            allow_damage,
            limits: limits_of(&limits),
        }
    }
}

/// Of what is written once and kept.
const ZSTD_LEVEL: i32 = 19;

impl From<RingArgs> for RingsPlan {
    fn from(args: RingArgs) -> Self {
        let RingArgs { rings, no_rings, limits } = args;
        Self { wanted: !no_rings, folders: rings, limits: limits_of(&limits) }
    }
}

fn limits_of(args: &LimitArgs) -> InputLimits {
    let LimitArgs { max_metadata, max_ring_files, max_ring_bytes, max_unpacked } = *args;
    let mut limits = Limits::default();
    if let Some(bytes) = max_metadata {
        let bytes_here = usize::try_from(bytes).unwrap_or(usize::MAX);
        limits = limits.with_metadata_bytes(bytes_here).with_ring_metadata_bytes(bytes);
    }
    if let Some(files) = max_ring_files {
        limits = limits.with_ring_files(files);
    }
    if let Some(bytes) = max_ring_bytes {
        limits = limits.with_ring_bytes(bytes);
    }
    InputLimits { dump: limits, unpacked_bytes: max_unpacked }
}

fn inputs(words: &[OsString]) -> Vec<Input> {
    words.iter().map(|word| Input::from(word.as_os_str())).collect()
}

/// The zone that was asked for.
fn zone(utc: bool, name: Option<&str>) -> Result<Option<Zone>, PlanError> {
    match name {
        Some(name) => name.parse().map(Some).map_err(PlanError::Zone),
        None => Ok(utc.then_some(Zone::Utc)),
    }
}

fn use_color(output: &OutputArgs, environment: &Environment) -> bool {
    match output.color.unwrap_or(ColorWhen::Auto) {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        // NO_COLOR is the user's wish for all programs and comes first.
        ColorWhen::Auto if environment.no_color => false,
        ColorWhen::Auto if environment.force_color => true,
        ColorWhen::Auto => environment.stdout_is_terminal && !environment.terminal_is_plain,
    }
}

fn filter(args: FilterArgs, zone: Zone, now: DateTime<Utc>) -> Result<Filter, PlanError> {
    let mut filter = Filter::default();
    if let Some(level) = args.level {
        filter = filter.levels(Levels::at_least(level));
    }
    for target in &args.target {
        filter = filter.target(target);
    }
    for thread in &args.thread {
        filter = filter.thread(thread);
    }
    for pattern in &args.grep {
        let ignore_case = ignores_case(pattern, args.ignore_case);
        filter = filter
            .grep_pattern(pattern, ignore_case)
            .map_err(|error| not_a_regex(pattern, &error))?;
    }
    filter = filter.grep_invert(args.invert_match);
    for field in &args.field {
        filter = filter.field(field.parse::<FieldMatch>().map_err(PlanError::Field)?);
    }
    let time = |flag, text: Option<&str>, edge| {
        text.map(|text| time::parse(text, edge, zone, now))
            .transpose()
            .map_err(|source| PlanError::Time { flag, source })
    };
    let since = time("--since", args.since.as_deref(), Edge::Since)?;
    let until = time("--until", args.until.as_deref(), Edge::Until)?;
    if let (Some(since_ns), Some(until_ns)) = (since, until)
        && since_ns > until_ns
    {
        let (since, until) = (args.since.unwrap_or_default(), args.until.unwrap_or_default());
        return Err(PlanError::NoTime { since, until });
    }
    if let Some(since) = since {
        filter = filter.since(since);
    }
    if let Some(until) = until {
        filter = filter.until(until);
    }
    Ok(filter)
}

fn not_a_regex(pattern: &str, error: &regex::Error) -> PlanError {
    // The text draws the place over several lines; the last one says what is wrong.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let cause = last.strip_prefix("error: ").unwrap_or(last).to_owned();
    PlanError::Regex { pattern: pattern.to_owned(), cause }
}

/// Smart case: a pattern in small letters finds capitals too.
fn ignores_case(pattern: &str, is_asked: bool) -> bool {
    is_asked || !has_capital(pattern)
}

/// Whether a capital stands in the pattern for itself: `Error`, but not `\S` or `\p{Greek}`.
fn has_capital(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c.is_uppercase() {
            return true;
        }
        let is_class = c == '\\' && matches!(chars.next(), Some('p' | 'P'));
        if is_class && chars.as_str().starts_with('{') {
            chars.by_ref().find(|&c| c == '}');
        }
    }
    false
}

#[cfg(test)]
mod tests;
