//! Notes on names in filters that nothing in the inputs has.

use std::collections::BTreeSet;

use stenolog_decoder::{CompiledSite, Dump, FieldMatch, Filter, SpanEvent};

use super::plan::Names;
use crate::input::suggest::{ask, nearest, similar_field};
use crate::output::messages::warn;

impl Names {
    /// Says which names no record can have, and what was probably meant.
    ///
    /// A record needs only one of the targets and threads, so records may be shown although another one is
    /// misspelt. It needs all of the fields, so an unknown one matters only if nothing was shown.
    pub(super) fn explain_unknown(&self, dumps: &[Dump], nothing_was_shown: bool) {
        if dumps.is_empty() {
            return;
        }
        self.targets.iter().filter_map(|name| unknown_target(name, dumps)).for_each(warn);
        self.threads.iter().filter_map(|name| unknown_thread(name, dumps)).for_each(warn);
        if nothing_was_shown {
            self.fields.iter().filter_map(|name| unknown_field(name, dumps)).for_each(warn);
        }
    }
}

fn unknown_target(name: &str, dumps: &[Dump]) -> Option<String> {
    let filter = Filter::default().with_target(name);
    if dumps.iter().any(|dump| filter.wants_some_target_of(dump)) {
        return None;
    }
    let targets = dumps.iter().flat_map(Dump::sites).map(|site| &*site.call_site().target);
    Some(format!("{name}: no call site has this target{}", meant(name, targets)))
}

fn unknown_thread(name: &str, dumps: &[Dump]) -> Option<String> {
    let filter = Filter::default().with_thread(name);
    if dumps.iter().any(|dump| filter.wants_some_thread_of(dump)) {
        return None;
    }
    let threads = dumps.iter().flat_map(Dump::threads).map(|thread| &*thread.name);
    Some(format!("{name}: no thread has this name or id{}", meant(name, threads)))
}

fn unknown_field(name: &str, dumps: &[Dump]) -> Option<String> {
    let sites = || dumps.iter().flat_map(Dump::sites);
    let field = FieldMatch::new(name, "");
    if sites().any(|site| field.is_known_to(site)) {
        return None;
    }
    let is_of_span = |site: &&CompiledSite| {
        site.span_event().is_some_and(|event| event.begins() || event == SpanEvent::Record)
    };
    let names = |site: &CompiledSite| -> Vec<String> {
        let slots = site.call_site().slots.iter().filter(|slot| !slot.name.is_empty());
        slots.map(|slot| slot.name.to_string()).collect()
    };
    let of_spans = sites().filter(is_of_span).flat_map(names).map(|name| format!("span.{name}"));
    let built_in =
        ["span.name", "span.id"].into_iter().filter(|_| sites().any(|site| is_of_span(&site)));
    let of_spans: BTreeSet<_> = of_spans.chain(built_in.map(str::to_owned)).collect();
    let known: Vec<_> = if name.starts_with("span.") {
        of_spans.into_iter().collect()
    } else if of_spans.contains(&format!("span.{name}")) {
        return Some(format!(
            "{name}: only spans have this field; {}",
            ask(&format!("span.{name}=VALUE"))
        ));
    } else {
        sites()
            .filter(|site| !is_of_span(site))
            .flat_map(names)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    let meant = similar_field(name, &known).map(|meant| format!("; {meant}")).unwrap_or_default();
    // A misspelt file with a `=` in its name is taken for a field, too.
    Some(format!("{name}: no call site has this field, and there is no file {name}=…{meant}"))
}

/// The most similar of the known names, as a question.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: BTreeSet<_> = known.filter(|name| !name.is_empty()).collect();
    let known: Vec<_> = known.into_iter().map(str::to_owned).collect();
    nearest(name, &known).map(|meant| format!("; {}", ask(meant))).unwrap_or_default()
}
