//! `steno decode`: records as text or JSON.

mod args;
mod names;
mod plan;

use std::ops::ControlFlow;

use stenolog_decoder::{Decoder, Renderer};

pub(crate) use args::Args;
pub(super) use plan::Plan;

use super::{MORE, Run};
use crate::cli::exit::Outcome;
use crate::input::rings::FoundRings;
use crate::input::{self, InputLimits, Part};
use crate::output::{Output, completeness};

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        // The record before the last ones tells which losses belong to them.
        let part = self.last.map_or(Part::Records, |last| Part::Last(last.saturating_add(1)));
        let limits = InputLimits { part, ..self.rings.limits.clone() };
        let mut inputs = input::open(&self.inputs, &limits, true)?;
        inputs.remove_copies();
        let rings = FoundRings::merge(&mut inputs, &self.rings);
        let mut decoder = Decoder::new(&inputs.dumps)
            .with_filter(self.filter.clone())
            .with_order(self.order)
            .with_losses(self.losses)
            .with_span_events(self.spans);
        let options = self.options();
        let mut output = Output::new();
        if !inputs.dumps.is_empty() {
            let mut header = Renderer::new(self.format, options.clone());
            output.append(|out| header.write_header(out))?;
        }
        let mut result = Ok(());
        let sink = |text: &[u8]| {
            result = output.write(text);
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let _ = match self.last {
            Some(last) => decoder.render_last(last, self.format, &options, sink),
            None => decoder.render(self.format, &options, self.threads, sink),
        };
        result?;
        output.flush()?;

        let summary = decoder.summary();
        self.names.explain_unknown(&inputs.dumps, summary.shown == 0);
        rings.print_notes();
        completeness::report(&inputs.dumps, &summary, |dump| rings.absence(dump));
        Ok(Outcome {
            unreadable: inputs.unreadable,
            incomplete: inputs.incomplete || !summary.is_complete() || rings.lacks_dump(),
            unmatched: self.exit_status && summary.shown == 0,
        })
    }
}
