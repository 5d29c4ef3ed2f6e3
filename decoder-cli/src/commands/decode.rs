//! `steno decode`: records as text or JSON.

use std::ops::ControlFlow;

use stenolog_decoder::{Decoder, Dump, FieldMatch, RenderOptions, Renderer};

use crate::cli::exit::Outcome;
use crate::commands::plan::DecodePlan;
use crate::input;
use crate::input::rings::Rings;
use crate::output::completeness;
use crate::output::{Output, complain};

pub(super) fn run(plan: DecodePlan) -> anyhow::Result<Outcome> {
    let mut opened = input::open(&plan.inputs, &plan.rings.limits, true)?;
    opened.without_copies();
    let rings = Rings::merge(&mut opened, &plan.rings);
    let mut decoder = Decoder::new(&opened.dumps)
        .with_filter(plan.filter.clone())
        .with_order(plan.order)
        .with_losses(plan.losses);
    let options = RenderOptions::default()
        .with_zone(plan.zone)
        .with_color(plan.color)
        .with_defused_formulas(plan.defuse_formulas);
    let mut output = Output::new();
    if !opened.dumps.is_empty() {
        output.append(|out| Renderer::new(plan.format, options.clone()).write_header(out))?;
    }
    let mut result = Ok(());
    let sink = |text: &[u8]| {
        result = output.write(text);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let _ = match plan.last {
        Some(last) => decoder.render_last(last, plan.format, &options, sink),
        None => decoder.render(plan.format, &options, plan.threads, sink),
    };
    result?;
    output.flush()?;

    let summary = decoder.summary();
    if summary.shown == 0 {
        explain_unknown_fields(&opened.dumps, &plan.field_names);
    }
    rings.tell(&opened);
    completeness::report(&opened, &summary, &rings);
    Ok(Outcome {
        unreadable: opened.unreadable,
        incomplete: opened.incomplete || !summary.is_complete() || rings.lacks_dump(),
        unmatched: plan.exit_status && summary.shown == 0,
    })
}

/// A misspelt name matches nothing, and so does a misspelt file that has a `=` in its name.
fn explain_unknown_fields(dumps: &[Dump], names: &[String]) {
    let sites = || dumps.iter().flat_map(Dump::sites);
    let slots = sites().flat_map(|site| &site.call_site().slots);
    let mut known: Vec<_> = slots.map(|slot| slot.name.to_string()).collect();
    known.sort_unstable();
    known.dedup();
    for name in names {
        let field = FieldMatch::new(name, "");
        if !dumps.is_empty() && !sites().any(|site| field.is_known_to(site)) {
            let meant =
                input::similar_field(name, &known).map_or_else(String::new, |m| format!("; {m}"));
            complain(format_args!(
                "{name}: no call site has a field of this name, nor is there a file {name}=…{meant}"
            ));
        }
    }
}
