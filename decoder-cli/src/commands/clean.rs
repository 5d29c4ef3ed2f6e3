//! `steno clean`: lists abandoned ring directories and removes those that are not needed.

use serde_json::{Value, json};
use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{LeftRings, LeftState, RingDir};

use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted, span};
use crate::commands::plan::CleanPlan;
use crate::output::{Output, complain};

pub(super) fn run(plan: &CleanPlan) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut found = Vec::new();
    for folder in &plan.folders {
        // A directory may be named itself.
        let left = if RingDir::is_at(folder) {
            LeftRings::at(folder, &plan.limits).map(|left| left.into_iter().collect())
        } else {
            LeftRings::all_in(folder, &plan.limits)
        };
        match left {
            Ok(left) => found.extend(left),
            Err(error) => {
                outcome.unreadable = true;
                complain(format_args!("{}: cannot be read: {error}", folder.display()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    let mut output = Output::new();
    let mut sum = Sum::default();
    for left in &found {
        let may_go = plan.may_go(&left.state);
        let mut is_removed = false;
        if may_go && plan.remove {
            match left.remove() {
                Ok(()) => is_removed = true,
                Err(error) => {
                    outcome.unreadable = true;
                    complain(format_args!("{error}; it is kept"));
                }
            }
        }
        sum.add(left, may_go, is_removed);
        output.append(|out| match plan.json {
            true => out.push_str(&format!("{}\n", as_json(left, may_go, is_removed))),
            false => write_text(left, may_go, is_removed, out),
        })?;
    }
    if !plan.json {
        output.append(|out| sum.write(plan, out))?;
    }
    output.flush()?;
    Ok(outcome)
}

impl CleanPlan {
    /// Whether a directory is one of those that are to go.
    fn may_go(&self, state: &LeftState) -> bool {
        state.may_go() || self.unread && matches!(state, LeftState::Unread { .. })
    }
}

/// Why a directory may go, or is kept.
fn why(left: &LeftRings) -> String {
    match &left.state {
        LeftState::Running => "its logger runs".to_owned(),
        LeftState::HalfMade => "its logger was killed while it started".to_owned(),
        LeftState::Sealed => "its dump is sealed and has all that was in them".to_owned(),
        LeftState::Gone => "its dump is gone".to_owned(),
        LeftState::Read => {
            "its dump has all that was in them, though no end mark (`steno recover` makes one that has)"
                .to_owned()
        }
        LeftState::Unread { records } => {
            let records = counted(*records, "record");
            format!("{records} only here (`steno recover FILE --to OUT --remove-rings`)")
        }
        LeftState::Foreign { owner } => format!("it belongs to user {owner}"),
        LeftState::Unknown { why } => format!("nobody can tell: {why}"),
        _ => String::new(),
    }
}

fn write_text(left: &LeftRings, may_go: bool, is_removed: bool, out: &mut String) {
    let fate = match (is_removed, may_go) {
        (true, _) => "removed",
        (false, true) => "may go",
        (false, false) => "kept",
    };
    let age = left.age.map(|age| span(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)));
    let dump = left.dump.as_ref().map(|dump| format!(", of {}", dump.display()));
    push_escaped(out, &format!("{}: {fate}: {}", left.path.display(), why(left)));
    push_escaped(out, &format!("; {}", bytes(left.bytes)));
    push_escaped(out, &age.map(|age| format!(", {age} old")).unwrap_or_default());
    push_escaped(out, &dump.unwrap_or_default());
    out.push('\n');
}

fn as_json(left: &LeftRings, may_go: bool, is_removed: bool) -> Value {
    let unread = match left.state {
        LeftState::Unread { records } => Some(records),
        LeftState::Running | LeftState::Foreign { .. } | LeftState::Unknown { .. } => None,
        _ => Some(0),
    };
    json!({
        "rings": left.path.to_string_lossy(),
        "dump": left.dump.as_ref().map(|dump| dump.to_string_lossy()),
        "state": left.state.as_str(),
        "why": why(left),
        "unread": unread,
        "bytes": left.bytes,
        "age_s": left.age.map(|age| age.as_secs()),
        "may_go": may_go,
        "removed": is_removed,
    })
}

/// What there is in all.
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

    fn write(&self, plan: &CleanPlan, out: &mut String) {
        let of = |(count, size): (u64, u64)| format!("{count} ({})", bytes(size));
        let what = if plan.remove {
            format!("removed {}", of(self.removed))
        } else if self.may_go.0 > 0 {
            format!("{} may go: `steno clean --remove`", of(self.may_go))
        } else {
            "none may go".to_owned()
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
