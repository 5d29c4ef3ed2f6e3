//! `steno verify`: reads everything and lists what is damaged or missing.

use std::convert::Infallible;

use stenolog_decoder::{
    Damage, DamageCause, Dump, DumpState, RingDir, RingVerification, Verification, verify_with,
};

use super::Run;
use crate::cli::args::{InputArgs, RingArgs};
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted, recovered};
use crate::input::rings::{FoundRings, RingsPlan};
use crate::input::{self, Input};
use crate::output::report::{JsonLine, damage_line, push_line};
use crate::output::{Output, completeness};

const EXAMPLES: &str = "\
Examples:
  steno verify app.steno                             each ring, all damage, all losses by cause
  steno verify logs/ --json | jq 'select(.complete | not)'
  steno verify copy.steno --rings /mnt/dev/shm       a copied dump with rings elsewhere

Exit codes: 0 complete; 1 an input could not be read; 2 wrong usage; 3 damaged or incomplete.";

/// Read everything and list what is damaged or missing
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Print a JSON object per file
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rings: RingArgs,
}

/// Which dumps to verify.
pub(super) struct Plan {
    inputs: Vec<Input>,
    json: bool,
    rings: RingsPlan,
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> Result<Self, Infallible> {
        let Args { inputs, json, rings } = args;
        Ok(Self { inputs: inputs.into(), json, rings: rings.into() })
    }
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let mut inputs = input::open(&self.inputs, &self.rings.limits, false)?;
        let rings = FoundRings::merge(&mut inputs, &self.rings);
        let mut output = Output::new();
        let mut outcome = Outcome { unreadable: inputs.unreadable, ..Outcome::default() };
        outcome.incomplete = inputs.incomplete || rings.lacks_dump();
        for (dump, of_dump) in rings.pairs(&inputs.dumps) {
            let found = verify_with(dump, of_dump);
            outcome.incomplete |= !found.is_complete();
            let text = if self.json {
                JsonLine::new(&found)?.with_flags(&found.damage).to_string()
            } else {
                as_text((dump, of_dump), &found, &rings)
            };
            output.append(|out| out.push_str(&text))?;
            // Verifying takes long: each file is reported when it is done.
            output.flush()?;
        }
        Ok(outcome)
    }
}

/// How many complete rings to list.
const MAX_RINGS: usize = 12;

/// `all` is the file, and the rings of its writer if they were found.
fn as_text(all: (&Dump, Option<&Dump>), found: &Verification, rings: &FoundRings) -> String {
    let dump = all.0;
    let name = dump.name().display();
    let mut text = String::new();
    let mut line = |line: String| push_line(&mut text, &line);
    line(format!("{name}: {}: {}", verdict(found), contents(dump, found)));
    let mut complete = 0;
    for ring in &found.rings {
        complete += usize::from(ring.is_complete());
        if !ring.is_complete() || complete <= MAX_RINGS {
            line(format!("{name}: {}", ring_line(all, ring)));
        }
    }
    if complete > MAX_RINGS {
        let more = counted((complete - MAX_RINGS) as u64, "ring");
        line(format!("{name}: … and {more} more, complete"));
    }
    if dump.state() == DumpState::Sealed
        && let Some(left) = RingDir::find(dump, &[]).found
    {
        let left = left.path().display();
        line(format!("{name}: its rings were left in {left}; nothing in them is needed"));
    }
    for damage in &found.damage {
        line(damage_line(damage));
    }
    if dump.state() == DumpState::Unfinished && !found.is_completed {
        let (end, absence) = (completeness::describe_end(dump), rings.absence(dump));
        line(format!("{name}: {end}{absence}"));
    }
    for (&kind, &number) in &found.by_cause {
        line(format!("{name}: {}", completeness::loss(kind, number)));
    }
    text
}

fn verdict(found: &Verification) -> &'static str {
    // Nothing is wrong with the file if only rings were lost that were never in one.
    let is_lost = |damage: &Damage| matches!(damage.cause, DamageCause::RingLost { .. });
    let is_whole = (found.state() == DumpState::Sealed || found.is_completed)
        && found.missing == 0
        && found.damage.iter().all(is_lost);
    match found {
        complete if complete.is_complete() => "complete",
        intact if intact.is_intact() || is_whole => "incomplete",
        _ => "damaged",
    }
}

/// `3 records, 1 ring, 1 block, 672 B`.
fn contents(dump: &Dump, found: &Verification) -> String {
    let spans = match found.spans {
        0 => String::new(),
        spans => format!(", {}", counted(spans, "span event")),
    };
    let mut text = format!(
        "{}{spans}, {}, {}, {}",
        counted(found.records, "record"),
        counted(found.rings.len() as u64, "ring"),
        counted(found.blocks, "block"),
        bytes(found.bytes)
    );
    if dump.state() == DumpState::Growing {
        text.push_str("; its logger is still writing");
    }
    if found.is_completed {
        let recovered = recovered(found.recovered, found.recovered_spans);
        text.push_str(&format!("; it is not sealed, and {recovered} came from its rings"));
    }
    text
}

/// `ring 1 (main): complete: records 0 to 2, positions 0 to 192`.
fn ring_line((dump, rings): (&Dump, Option<&Dump>), ring: &RingVerification) -> String {
    let RingVerification { first_record, next_record, position, end_position, .. } = *ring;
    // A thread that the writer had not written yet is only in the rings.
    let thread = dump.thread(ring.ring).or_else(|| rings?.thread(ring.ring));
    let name = match thread {
        Some(thread) if !thread.name.is_empty() => format!(" ({})", thread.name),
        Some(thread) if thread.os_id != 0 => format!(" (thread-{})", thread.os_id),
        _ => String::new(),
    };
    let verdict = match ring {
        ring if ring.is_complete() => "complete",
        ring if ring.is_whole && ring.missing == 0 => "incomplete",
        _ => "damaged",
    };
    let records = match next_record.checked_sub(1) {
        Some(last) if next_record > first_record => format!("records {first_record} to {last}"),
        _ => "no records".to_owned(),
    };
    let mut text = format!(
        "ring {}{name}: {verdict}: {records}, positions {position} to {end_position}",
        ring.ring
    );
    for (number, what) in [(ring.missing, "missing"), (ring.lost, "lost when logged")] {
        if number > 0 {
            text.push_str(&format!(", {} {what}", counted(number, "record")));
        }
    }
    text
}
