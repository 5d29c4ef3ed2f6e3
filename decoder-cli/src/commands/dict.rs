//! `steno dict`: the call sites of dumps, and which of them format at the call.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stenolog_decoder::format::dictionary::{CallSite, Role, Slot};
use stenolog_decoder::format::template::{Argument, Piece, Template};
use stenolog_decoder::{Dump, type_name};

use super::Run;
use crate::cli::args::{InputArgs, RingArgs};
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::units::{count, counted};
use crate::input::rings::{FoundRings, RingsPlan};
use crate::input::{self, Input};
use crate::output::Output;
use crate::output::report::push_line;

const EXAMPLES: &str = "\
Examples:
  steno dict app.steno                           every call site: source, level, target, message, values
  steno dict logs/ --eager                       those that format text at the call, and which values
  steno dict app.steno --json | jq -r .template  one JSON object per call site

A value that is formatted at the call costs what formatting it costs, usually 50 ns and more; every
other value is stored in a few nanoseconds. To store a type as it is, give it
#[derive(stenolog::Record)], implement stenolog::AsRecord for it, or enable the feature of
stenolog that is named like its package (uuid, chrono, jiff, time, rust_decimal, bytes, smallvec,
ordered-float, url).

Exit codes: 0 complete; 1 an input could not be read; 2 wrong usage; 3 damaged or incomplete.";

/// List the call sites of dumps: source, level, target, message, values
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Only call sites that format text at the call, and which values they format
    #[arg(long)]
    eager: bool,
    /// Print a JSON object per call site
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rings: RingArgs,
}

/// Which call sites to list.
pub(super) struct Plan {
    inputs: Vec<Input>,
    eager: bool,
    json: bool,
    rings: RingsPlan,
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> anyhow::Result<Self> {
        let Args { inputs, eager, json, rings } = args;
        Ok(Self { inputs: inputs.into(), eager, json, rings: rings.into() })
    }
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let mut inputs = input::open(&self.inputs, &self.rings.limits, false)?;
        let rings = FoundRings::merge(&mut inputs, &self.rings);
        let mut outcome = Outcome { unreadable: inputs.unreadable, ..Outcome::default() };
        outcome.incomplete = inputs.incomplete || rings.lacks_dump();
        outcome.incomplete |= inputs.dumps.iter().any(|dump| !dump.damage().is_empty());
        let sites = listed(&inputs.dumps);
        let all = sites.len();
        let shown: Vec<_> =
            sites.into_iter().filter(|site| !self.eager || is_eager(site)).collect();
        let mut output = Output::new();
        for site in &shown {
            let text =
                if self.json { format!("{}\n", as_json(site)) } else { as_text(site, self.eager) };
            output.append(|out| out.push_str(&text))?;
        }
        if self.eager && !self.json {
            let (some, all) = (count(shown.len() as u64), counted(all as u64, "call site"));
            output.append(|out| {
                push_line(out, &format!("{some} of {all} format text at the call"));
            })?;
        }
        output.flush()?;
        Ok(outcome)
    }
}

/// The call sites of dumps by their places in the source, equal ones once.
fn listed(dumps: &[Dump]) -> Vec<&CallSite> {
    let mut seen = BTreeSet::new();
    let mut sites: Vec<_> = dumps
        .iter()
        .flat_map(Dump::sites)
        .map(stenolog_decoder::CompiledSite::call_site)
        .filter(|site| {
            let CallSite { level, target, file, line, column, template, slots, .. } = site;
            seen.insert(format!("{level}{target:?}{file:?}{line} {column}{template:?}{slots:?}"))
        })
        .collect();
    sites.sort_by_key(|site| (&site.file, site.line, site.column, site.level));
    sites
}

fn is_eager(site: &CallSite) -> bool {
    site.slots.iter().any(|slot| slot.ty.formats())
}

/// How a slot is named: the argument of a placeholder may have no name.
fn name(slot: &Slot, index: usize) -> String {
    match slot.name.as_str() {
        "" => format!("{{{index}}}"),
        name => name.to_owned(),
    }
}

/// A value that is shown: not what only says how wide another one is.
fn shown(site: &CallSite) -> impl Iterator<Item = (usize, &Slot)> {
    let slots = site.slots.iter().enumerate();
    slots.filter(|(_, slot)| slot.role != Role::Count && !slot.ty.is_nothing_at_all())
}

fn as_text(site: &CallSite, is_eager_only: bool) -> String {
    let mut text = String::new();
    let CallSite { file, line, level, target, template, .. } = site;
    let message = template.as_deref().map(|template| readable(template, &site.slots));
    let message = message.map_or_else(String::new, |message| format!(": {message}"));
    push_line(&mut text, &format!("{file}:{line} {level:<5} {target}{message}"));
    for (index, slot) in shown(site) {
        let is_eager = slot.ty.formats();
        if is_eager_only && !is_eager {
            continue;
        }
        let how = match (is_eager, slot.role) {
            (false, _) => "",
            // `tracing` does not say which it was. Only call sites that are described at run time have no column.
            (true, Role::DebugField) if site.column == 0 => ", formatted at the call (`?` or `%`)",
            (true, Role::DebugField) => ", formatted at the call (`?`)",
            (true, _) => ", formatted at the call",
        };
        let ty = type_name(&slot.ty);
        push_line(&mut text, &format!("    {}: {ty}{how}", name(slot, index)));
    }
    text
}

/// A template with the names of its arguments, where they have any.
fn readable(template: &str, slots: &[Slot]) -> String {
    let Ok(parsed) = Template::parse(template) else { return template.to_owned() };
    let mut text = String::new();
    for piece in parsed.pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Placeholder(placeholder) => {
                let written = template.get(placeholder.span.clone()).unwrap_or_default();
                let spec = written.find(':').and_then(|at| written.get(at..)).unwrap_or("}");
                let name = match placeholder.argument {
                    Argument::Index(index) => slots.get(index).map_or("", |slot| &*slot.name),
                    Argument::Next | Argument::Name(_) => "",
                };
                text.push_str(&format!("{{{name}{spec}"));
            }
        }
    }
    text
}

fn as_json(site: &CallSite) -> Value {
    let slots = shown(site).map(|(_, slot)| {
        json!({
            "name": slot.name,
            "role": match slot.role {
                Role::Argument => "argument",
                Role::Field => "field",
                Role::DebugField => "debug",
                Role::Count => "count",
            },
            "type": type_name(&slot.ty),
            "eager": slot.ty.formats(),
        })
    });
    json!({
        "site": format!("{}:{}", site.file, site.line),
        "file": site.file,
        "line": site.line,
        "column": site.column,
        "level": site.level.as_str(),
        "target": site.target,
        "module": site.module,
        "template": site.template.as_deref().map(|template| readable(template, &site.slots)),
        "eager": is_eager(site),
        "slots": slots.collect::<Vec<_>>(),
    })
}
