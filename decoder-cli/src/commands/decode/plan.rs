//! Plan of `steno decode`: its arguments, checked and resolved.

use std::num::NonZero;

use chrono::{DateTime, Utc};
use stenolog_decoder::{
    FieldMatch, FieldMatchError, Filter, Format, Levels, Losses, Order, RenderOptions, Zone,
};

use super::args::{Args, ColorWhen, FilterArgs, LossesHow, OutputArgs};
use crate::cli::args::{TimeZoneError, zone};
use crate::cli::env::Environment;
use crate::cli::time::{self, Edge, TimeError};
use crate::input::rings::RingsPlan;
use crate::input::{self, Input};

/// Which records to show, and how.
pub(crate) struct Plan {
    pub(super) inputs: Vec<Input>,
    pub(super) filter: Filter,
    /// The names that the filter asks for, to explain those that nothing has.
    pub(super) names: Names,
    pub(super) order: Order,
    pub(super) format: Format,
    pub(super) zone: Zone,
    pub(super) color: bool,
    pub(super) defuse_formulas: bool,
    /// Show only this many, the last ones.
    pub(super) last: Option<u64>,
    /// The number of threads that render.
    pub(super) threads: NonZero<usize>,
    pub(super) losses: Losses,
    /// Show events of spans.
    pub(super) spans: bool,
    /// Exit with an error if nothing matched.
    pub(super) exit_status: bool,
    pub(super) rings: RingsPlan,
}

/// Names on the command line that records may not have.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) fields: Vec<String>,
    pub(super) targets: Vec<String>,
    pub(super) threads: Vec<String>,
}

/// Why a command line makes no sense although each of its words is allowed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("only filters are given; add a file, a directory or - for standard input")]
    NoInput,
    #[error("{flag} {source}")]
    Time { flag: &'static str, source: TimeError },
    #[error("--since ({since}) is after --until ({until}), so no record can match")]
    NoTime { since: String, until: String },
    #[error(
        "--grep '{pattern}' is not a valid regular expression: {cause}; see https://docs.rs/regex/#syntax"
    )]
    Regex { pattern: String, cause: String },
    #[error(transparent)]
    Zone(#[from] TimeZoneError),
    #[error(transparent)]
    Field(#[from] FieldMatchError),
}

impl Plan {
    pub(crate) fn new(args: Args, environment: &Environment) -> Result<Self, PlanError> {
        let Args { inputs: words, output, filter: mut filters, rings } = args;
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
        let format = match output.output {
            Some(format) => format,
            None if output.json => Format::Json,
            None => Format::Short,
        };
        let asked_zone = zone(output.utc, output.time_zone.as_deref())?;
        let names = Names::of(&filters);
        let filter = filter(filters, asked_zone.unwrap_or(Zone::LOCAL), environment.now)?;
        Ok(Self {
            inputs,
            filter,
            names,
            order: if output.unordered { Order::File } else { Order::Time },
            format,
            zone: asked_zone.unwrap_or(match format {
                Format::Short | Format::Verbose => Zone::LOCAL,
                // What programs read is the same wherever it is run.
                _ => Zone::UTC,
            }),
            color: use_color(&output, environment),
            defuse_formulas: output.defuse_formulas,
            last: output.lines,
            threads: output.threads.unwrap_or(environment.cores),
            losses: match output.losses {
                None | Some(LossesHow::Merged) => Losses::Merged,
                Some(LossesHow::Inline) => Losses::Inline,
                Some(LossesHow::None) => Losses::None,
            },
            spans: output.spans,
            exit_status: output.exit_status,
            rings: rings.into(),
        })
    }

    /// How records are rendered.
    pub(super) fn options(&self) -> RenderOptions {
        RenderOptions::default()
            .with_zone(self.zone)
            .with_color(self.color)
            .with_defused_formulas(self.defuse_formulas)
    }
}

impl Names {
    fn of(filters: &FilterArgs) -> Self {
        let name = |field: &String| field.split('=').next().unwrap_or_default().to_owned();
        Self {
            fields: filters.field.iter().map(name).collect(),
            targets: filters.target.clone(),
            threads: filters.thread.clone(),
        }
    }
}

fn use_color(output: &OutputArgs, environment: &Environment) -> bool {
    match output.color.unwrap_or(ColorWhen::Auto) {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        // What the user wants of all programs comes first.
        ColorWhen::Auto if environment.no_color => false,
        ColorWhen::Auto if environment.force_color => true,
        ColorWhen::Auto => environment.stdout_is_terminal && !environment.terminal_is_plain,
    }
}

fn filter(args: FilterArgs, zone: Zone, now: DateTime<Utc>) -> Result<Filter, PlanError> {
    let mut filter = Filter::default();
    if let Some(level) = args.level {
        filter = filter.with_levels(Levels::at_least(level));
    }
    for target in &args.target {
        filter = filter.with_target(target);
    }
    for thread in &args.thread {
        filter = filter.with_thread(thread);
    }
    for pattern in &args.grep {
        let ignore_case = ignores_case(pattern, args.ignore_case);
        filter = filter
            .with_grep_pattern(pattern, ignore_case)
            .map_err(|error| not_a_regex(pattern, &error))?;
    }
    filter = filter.with_inverted_grep(args.invert_match);
    for field in &args.field {
        filter = filter.with_field(field.parse::<FieldMatch>().map_err(PlanError::Field)?);
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
        filter = filter.with_since(since);
    }
    if let Some(until) = until {
        filter = filter.with_until(until);
    }
    Ok(filter)
}

fn not_a_regex(pattern: &str, error: &regex::Error) -> PlanError {
    // The text shows the place on several lines; the last one says what is wrong.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let cause = last.strip_prefix("error: ").unwrap_or(last).to_owned();
    PlanError::Regex { pattern: pattern.to_owned(), cause }
}

/// Smart case: a pattern without capitals ignores case.
fn ignores_case(pattern: &str, is_asked: bool) -> bool {
    is_asked || !has_capital(pattern)
}

/// Whether the pattern has a literal capital: `Error`, but not `\S` or `\p{Greek}`.
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
