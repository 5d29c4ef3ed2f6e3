//! `steno clean`: lists abandoned ring directories and removes those that are not needed.

use std::convert::Infallible;
use std::path::PathBuf;

use stenolog_decoder::{LeftRings, LeftState, Limits, RingDir};

use super::Run;
use crate::cli::args::LimitArgs;
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted, span};
use crate::input::InputLimits;
use crate::output::Output;
use crate::output::messages::warn;
use crate::output::report::{JsonLine, push_line};

const EXAMPLES: &str = "\
Examples:
  steno clean                    list ring directories in /dev/shm and whether they are needed
  steno clean --remove           remove those that are not needed
  steno clean logs/ --json       list ring directories beside dumps, as JSON

Directories of running loggers and of other users are never touched. Loggers also clean up when they start.
Exit codes: 0 done; 1 something could not be read or removed; 2 wrong usage.";

/// List ring directories left by killed writers, and remove those no longer needed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directories that hold ring directories, or ring directories themselves [default: /dev/shm]
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    folders: Vec<PathBuf>,
    /// Remove the ring directories that are not needed
    #[arg(long)]
    remove: bool,
    /// Also count ring directories as not needed if no dump has their records
    #[arg(long)]
    unread: bool,
    /// Print a JSON object per ring directory
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Which directories to clean.
pub(super) struct Plan {
    folders: Vec<PathBuf>,
    remove: bool,
    /// Records that no dump has may be removed, too.
    unread: bool,
    json: bool,
    limits: Limits,
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> Result<Self, Infallible> {
        let Args { mut folders, remove, unread, json, limits } = args;
        if folders.is_empty() {
            folders.push(LeftRings::DEFAULT_FOLDER.into());
        }
        Ok(Self { folders, remove, unread, json, limits: InputLimits::from(limits).dump })
    }

    /// All ring directories, by path. `false` if some could not be read.
    fn find(&self) -> (Vec<LeftRings>, bool) {
        let mut found = Vec::new();
        let mut all = true;
        for folder in &self.folders {
            let left = if RingDir::is_at(folder) {
                LeftRings::at(folder, &self.limits).map(|left| left.into_iter().collect())
            } else {
                LeftRings::all_in(folder, &self.limits)
            };
            match left {
                Ok(left) => found.extend(left),
                Err(error) => {
                    all = false;
                    warn(format_args!("{}: cannot be read: {error}", folder.display()));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup_by(|a, b| a.path == b.path);
        (found, all)
    }

    /// Whether to remove a ring directory.
    fn may_go(&self, state: &LeftState) -> bool {
        state.may_go() || self.unread && matches!(state, LeftState::Unread { .. })
    }
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let (found, all) = self.find();
        let mut outcome = Outcome { unreadable: !all, ..Outcome::default() };
        let mut output = Output::new();
        let mut sum = Sum::default();
        for left in &found {
            let may_go = self.may_go(&left.state);
            let mut is_removed = false;
            if may_go && self.remove {
                match left.remove() {
                    Ok(()) => is_removed = true,
                    Err(error) => {
                        outcome.unreadable = true;
                        warn(format_args!("{error}; it is kept"));
                    }
                }
            }
            sum.add(left, may_go, is_removed);
            let text = if self.json {
                let line = JsonLine::new(left)?.with_advice("why", advice(&left.state));
                line.with("may_go", may_go).with("removed", is_removed).to_string()
            } else {
                as_text(left, may_go, is_removed)
            };
            output.append(|out| out.push_str(&text))?;
        }
        if !self.json {
            output.append(|out| sum.write(self.remove, out))?;
        }
        output.flush()?;
        Ok(outcome)
    }
}

/// The command that saves what is in the rings.
const fn advice(state: &LeftState) -> Option<&'static str> {
    match state {
        LeftState::Read => Some("`steno recover` makes one that has"),
        LeftState::Unread { .. } => Some("`steno recover FILE --to OUT --remove-rings`"),
        _ => None,
    }
}

fn as_text(left: &LeftRings, may_go: bool, is_removed: bool) -> String {
    let fate = match (is_removed, may_go) {
        (true, _) => "removed",
        (false, true) => "removable",
        (false, false) => "kept",
    };
    let state = match &left.state {
        LeftState::Unread { records } => format!("{} only here", counted(*records, "record")),
        state => state.to_string(),
    };
    let mut text = format!("{}: {fate}: {state}", left.path.display());
    if let Some(advice) = advice(&left.state) {
        text.push_str(&format!(" ({advice})"));
    }
    text.push_str(&format!("; {}", bytes(left.bytes)));
    if let Some(age) = left.age {
        text.push_str(&format!(
            ", {} old",
            span(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX))
        ));
    }
    if let Some(dump) = &left.dump {
        text.push_str(&format!(", of {}", dump.display()));
    }
    let mut line = String::new();
    push_line(&mut line, &text);
    line
}

/// Counts and sizes of all ring directories.
#[derive(Default)]
struct Sum {
    all: (u64, u64),
    may_go: (u64, u64),
    removed: (u64, u64),
}

impl Sum {
    fn add(&mut self, left: &LeftRings, may_go: bool, is_removed: bool) {
        let add = |sum: &mut (u64, u64)| *sum = (sum.0 + 1, sum.1 + left.bytes);
        add(&mut self.all);
        if may_go {
            add(&mut self.may_go);
        }
        if is_removed {
            add(&mut self.removed);
        }
    }

    fn write(&self, remove: bool, out: &mut String) {
        let of = |(count, size): (u64, u64)| format!("{count} ({})", bytes(size));
        let what = if remove {
            format!("removed {}", of(self.removed))
        } else if self.may_go.0 > 0 {
            format!("{} removable: run `steno clean --remove`", of(self.may_go))
        } else {
            "none removable".to_owned()
        };
        let directories = match self.all.0 {
            0 => "no ring directories".to_owned(),
            1 => format!("1 ring directory ({})", bytes(self.all.1)),
            count => format!("{count} ring directories ({})", bytes(self.all.1)),
        };
        out.push_str(&if self.all.0 == 0 { directories } else { format!("{directories}; {what}") });
        out.push('\n');
    }
}
