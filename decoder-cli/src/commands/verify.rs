//! `steno verify`: reads everything and says whether it is as it was written.

use serde_json::{Value, json};
use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{
    Damage, DamageCause, Dump, RingDir, RingVerification, Tail, Verification, verify_with,
};

use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted};
use crate::commands::plan::VerifyPlan;
use crate::input::rings::{Rings, breaks_off};
use crate::input::{self, Opened};
use crate::output::Output;
use crate::output::completeness;
use crate::output::damage::{damage_json, damage_line};

pub(super) fn run(plan: &VerifyPlan) -> anyhow::Result<Outcome> {
    let mut opened = input::open(&plan.inputs, &plan.rings.limits, false)?;
    let rings = Rings::merge(&mut opened, &plan.rings);
    let mut output = Output::new();
    let mut outcome = Outcome { unreadable: opened.unreadable, ..Outcome::default() };
    outcome.incomplete = opened.incomplete || rings.lacks_dump();
    for dump in opened.dumps.iter().filter(|dump| !dump.is_from_rings() || rings.lacks_dump()) {
        let of_session = |rings: &&Dump| {
            rings.is_from_rings() && rings.header().session == dump.header().session
        };
        let of_dump = opened.dumps.iter().find(of_session).filter(|_| breaks_off(dump));
        let verification = verify_with(dump, of_dump);
        outcome.incomplete |= !is_complete(&verification);
        output.append(|out| {
            if plan.json {
                out.push_str(&format!("{}\n", as_json(&opened, dump, &verification)));
            } else {
                write_text(&opened, dump, &verification, &rings, out);
            }
        })?;
        // Verifying takes long: each file is reported when it is done.
        output.flush()?;
    }
    Ok(outcome)
}

/// Intact, and nothing was lost before it could be written, or with another file.
fn is_complete(verification: &Verification) -> bool {
    verification.is_intact() && verification.lost == 0 && verification.gone == 0
}

/// How many complete rings to name one by one.
const MAX_RINGS: usize = 12;

fn write_text(
    opened: &Opened,
    dump: &Dump,
    verification: &Verification,
    rings: &Rings,
    out: &mut String,
) {
    let Verification { tail, writer_is_alive, blocks, records, ref damage, .. } = *verification;
    let mut line = |text: String| {
        push_escaped(out, &text);
        out.push('\n');
    };
    let name = opened.name(dump.name());
    let mut holds = format!(
        "{}, {}, {}, {}",
        counted(records, "record"),
        counted(verification.rings.len() as u64, "ring"),
        counted(blocks, "block"),
        bytes(dump.len_bytes())
    );
    if tail != Tail::Sealed && writer_is_alive == Some(true) {
        holds.push_str("; its logger still writes");
    }
    if verification.is_completed {
        let recovered = counted(verification.recovered, "record");
        holds.push_str(&format!("; it is not sealed, and {recovered} came from its rings"));
    }
    // Nothing is wrong with the file if only rings were lost that were never in one.
    let is_lost = |damage: &Damage| matches!(damage.cause, DamageCause::RingLost { .. });
    let is_whole = (tail == Tail::Sealed || verification.is_completed)
        && verification.missing == 0
        && damage.iter().all(is_lost);
    let verdict = match verification {
        complete if is_complete(complete) => "complete",
        intact if intact.is_intact() || is_whole => "incomplete",
        _ => "damaged",
    };
    line(format!("{name}: {verdict}: {holds}"));
    let mut complete = 0;
    for ring in &verification.rings {
        complete += usize::from(ring.is_complete());
        if !ring.is_complete() || complete <= MAX_RINGS {
            line(format!("{name}: {}", ring_line(dump, ring)));
        }
    }
    if complete > MAX_RINGS {
        let more = counted((complete - MAX_RINGS) as u64, "ring");
        line(format!("{name}: … and {more} more, complete"));
    }
    if tail == Tail::Sealed
        && let Some(left) = RingDir::find(dump, &[]).found
    {
        let left = left.path().display();
        line(format!("{name}: its rings were left over in {left}; nothing in them is needed"));
    }
    for damage in damage {
        line(damage_line(damage));
    }
    if tail != Tail::Sealed && writer_is_alive != Some(true) && !verification.is_completed {
        line(format!("{name}: {}{}", completeness::breaks_off(dump), rings.absence(dump)));
    }
    for (&kind, &number) in &verification.by_cause {
        line(format!("{name}: {}", completeness::loss(kind, number)));
    }
}

/// What is there of a ring: `ring 1 (main): complete: records 0 to 2, positions 0 to 192`.
fn ring_line(dump: &Dump, ring: &RingVerification) -> String {
    let RingVerification { first_record, next_record, position, end_position, .. } = *ring;
    let name = match dump.thread(ring.ring) {
        Some(thread) if !thread.name.is_empty() => format!(" ({})", thread.name),
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

fn ring_json(ring: &RingVerification) -> Value {
    json!({
        "ring": ring.ring,
        "complete": ring.is_complete(),
        "records": ring.records,
        "first_record": ring.first_record,
        "next_record": ring.next_record,
        "position": ring.position,
        "end_position": ring.end_position,
        "lost": ring.lost,
        "missing": ring.missing,
    })
}

fn as_json(opened: &Opened, dump: &Dump, verification: &Verification) -> Value {
    let by_cause = verification.by_cause.iter();
    let by_cause: serde_json::Map<_, _> =
        by_cause.map(|(kind, &count)| (kind.to_string(), count.into())).collect();
    json!({
        "path": opened.name(dump.name()),
        "complete": is_complete(verification),
        "intact": verification.is_intact(),
        "sealed": verification.tail == Tail::Sealed,
        "writer_is_alive": verification.writer_is_alive,
        "bytes": dump.len_bytes(),
        "frames": verification.frames,
        "blocks": verification.blocks,
        "rings": verification.rings.len(),
        "by_ring": verification.rings.iter().map(ring_json).collect::<Vec<_>>(),
        "recovered": verification.recovered,
        "records": verification.records,
        "lost": verification.lost,
        "missing": verification.missing,
        "losses": by_cause,
        "gone": verification.gone,
        "damage": damage_json(&verification.damage),
    })
}
