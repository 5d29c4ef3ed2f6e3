//! `steno decode`: records as text or JSON.

use std::ops::ControlFlow;

use stenolog_decoder::{Decoder, Dump, RenderOptions, Renderer};

use crate::exit::Outcome;
use crate::inputs;
use crate::output::{Output, complain};
use crate::plan::DecodePlan;
use crate::rings::Rings;
use crate::run::missing;

pub(super) fn run(plan: DecodePlan) -> anyhow::Result<Outcome> {
    let mut opened = inputs::open(&plan.inputs, &plan.rings.limits);
    let rings = Rings::merge(&mut opened, &plan.rings);
    let decoder =
        || Decoder::new(&opened.dumps).with_filter(plan.filter.clone()).with_order(plan.order);
    let mut skip = plan.last.map_or(0, |last| count(&mut decoder()).saturating_sub(last));

    let mut decoder = decoder();
    let options = RenderOptions::default().with_zone(plan.zone).with_color(plan.color);
    let mut renderer = Renderer::new(plan.format, options);
    let mut output = Output::new();
    if !opened.dumps.is_empty() {
        output.append(|out| renderer.write_header(out))?;
    }
    let mut result = Ok(());
    let _ = decoder.for_each(|entry| {
        if skip > 0 {
            skip -= 1;
            return ControlFlow::Continue(());
        }
        result = output.append(|out| renderer.write(entry, out));
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    result?;
    output.flush()?;

    let summary = decoder.summary();
    if summary.shown == 0 {
        explain_unknown_fields(&opened.dumps, &plan.field_names);
    }
    rings.tell(&opened);
    missing::report(&opened, &summary, &rings);
    Ok(Outcome {
        unreadable: opened.unreadable,
        incomplete: !summary.is_complete() || rings.lacks_dump(),
        unmatched: plan.exit_status && summary.shown == 0,
    })
}

/// A misspelt name matches nothing, and so does a misspelt file that has a `=` in its name.
fn explain_unknown_fields(dumps: &[Dump], names: &[String]) {
    let slots = || dumps.iter().flat_map(Dump::sites).flat_map(|site| &site.call_site().slots);
    for name in names {
        // `order.side` may be a part of `order`.
        let has = |slot: &str| {
            name.strip_prefix(slot).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !dumps.is_empty() && !slots().any(|slot| !slot.name.is_empty() && has(&slot.name)) {
            complain(format_args!(
                "{name}: no call site has a field of this name, nor is there a file {name}=…"
            ));
        }
    }
}

/// How many entries there are to show.
///
/// To read twice costs less than to render what will not be shown, and keeps memory bounded
/// whatever number is asked for.
fn count(decoder: &mut Decoder<'_>) -> u64 {
    let mut entries = 0;
    let _ = decoder.for_each(|_| {
        entries += 1;
        ControlFlow::Continue(())
    });
    entries
}
