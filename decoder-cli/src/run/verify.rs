//! `steno verify`: reads everything and says whether it is as it was written.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{Dump, Tail, Verification, verify};

use crate::exit::Outcome;
use crate::inputs::{self, Opened};
use crate::output::Output;
use crate::plan::VerifyPlan;
use crate::run::missing;
use crate::run::report::damage_json;
use crate::units::{bytes, counted};

pub(super) fn run(plan: &VerifyPlan) -> anyhow::Result<Outcome> {
    let opened = inputs::open(&plan.inputs);
    let mut output = Output::new();
    let mut outcome = Outcome { unreadable: opened.unreadable, ..Outcome::default() };
    for dump in &opened.dumps {
        let verification = verify(dump);
        outcome.incomplete |= !is_complete(&verification);
        output.append(|out| {
            if plan.json {
                out.push_str(&format!("{}\n", as_json(&opened, dump, &verification)));
            } else {
                write_text(&opened, dump, &verification, out);
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

fn rings(dump: &Dump) -> u64 {
    let rings: BTreeSet<_> = dump.blocks().iter().map(|block| block.header.ring).collect();
    rings.len() as u64
}

fn write_text(opened: &Opened, dump: &Dump, verification: &Verification, out: &mut String) {
    let Verification {
        tail,
        writer_is_alive,
        blocks,
        records,
        lost,
        missing,
        gone,
        ref damage,
        ..
    } = *verification;
    let mut line = |text: String| {
        push_escaped(out, &text);
        out.push('\n');
    };
    let name = opened.name(dump.name());
    let mut holds = format!(
        "{}, {}, {}, {}",
        counted(records, "record"),
        counted(rings(dump), "ring"),
        counted(blocks, "block"),
        bytes(dump.len_bytes())
    );
    if tail != Tail::Sealed && writer_is_alive == Some(true) {
        holds.push_str("; its logger still writes");
    }
    if is_complete(verification) {
        return line(format!("{name}: ok: {holds}"));
    }
    let verdict = if verification.is_intact() { "incomplete" } else { "damaged" };
    line(format!("{name}: {verdict}: {holds}"));
    for damage in damage {
        line(opened.renamed(damage).to_string());
    }
    if tail != Tail::Sealed && writer_is_alive != Some(true) {
        line(format!("{name}: {}", missing::breaks_off(dump)));
    }
    if missing > 0 {
        line(format!("{name}: {} missing from the file", counted(missing, "record")));
    }
    if lost > 0 {
        line(format!("{name}: {} lost when logged", counted(lost, "record")));
    }
    if gone > 0 {
        line(format!("{name}: {} gone with an earlier file of the log", counted(gone, "record")));
    }
}

fn as_json(opened: &Opened, dump: &Dump, verification: &Verification) -> Value {
    json!({
        "path": opened.name(dump.name()),
        "complete": is_complete(verification),
        "intact": verification.is_intact(),
        "sealed": verification.tail == Tail::Sealed,
        "writer_is_alive": verification.writer_is_alive,
        "bytes": dump.len_bytes(),
        "frames": verification.frames,
        "blocks": verification.blocks,
        "rings": rings(dump),
        "records": verification.records,
        "lost": verification.lost,
        "missing": verification.missing,
        "gone": verification.gone,
        "damage": damage_json(&verification.damage),
    })
}
