//! Events of spans, in all formats: `request{path="/x"}: close busy=1.2ms total=3ms`.
//!
//! An event that is two at once is two lines.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use stenolog_format::dictionary::Role;
use stenolog_format::span::{EVENT_TARGET, SpanEvent};
use stenolog_format::value::Value;
use stenolog_session::spans::MAX_OPEN;

use super::span_text::{push_text, with_text};
use crate::escape::{is_word, push_escaped, push_key};
use crate::json::{write_json, write_json_string};
use crate::model::span::SpanTextForm;
use crate::model::span_event::SpanEntry;
use crate::record_text::{rewrite_from, write_value};

/// A single event that is shown.
#[derive(Debug)]
pub(super) struct ShownEvent<'e> {
    pub(super) entry: &'e SpanEntry<'e>,
    kind: SpanEvent,
    fields: Vec<(&'e str, Value<'e>, Role)>,
}

impl<'e> ShownEvent<'e> {
    /// An event of an entry. `spent` is how long the span was entered, and how long it lived, if that is known.
    pub(super) fn new(
        entry: &'e SpanEntry<'e>,
        kind: SpanEvent,
        spent: Option<(Duration, Duration)>,
    ) -> Self {
        let mut fields = Vec::new();
        match kind {
            SpanEvent::New | SpanEvent::Record => {
                let record = entry.record();
                let named = record.site.fields().iter();
                fields.extend(named.filter_map(|field| {
                    Some((&*field.name, record.values().get(field.slot)?.clone(), field.role))
                }));
            }
            SpanEvent::Follows => {
                let id = entry.follows_from().unwrap_or_default();
                fields.push(("follows_from", Value::U64(id), Role::Field));
            }
            SpanEvent::Close => {
                if let Some((busy, total)) = spent {
                    fields.push(("busy", Value::Duration(busy), Role::Field));
                    fields.push(("total", Value::Duration(total), Role::Field));
                }
            }
            _ => {}
        }
        Self { entry, kind, fields }
    }

    /// The word for the event.
    pub(super) const fn word(&self) -> &'static str {
        match self.kind {
            SpanEvent::New => "new",
            SpanEvent::Enter => "enter",
            SpanEvent::Exit => "exit",
            SpanEvent::Close => "close",
            SpanEvent::Follows => "follows",
            _ => "record",
        }
    }

    /// The target of the span.
    pub(super) fn target(&self) -> &'e str {
        let site = self.entry.record.spans.and_then(|chain| chain.states.last()?.site());
        site.map_or(EVENT_TARGET, |site| &site.call_site().target)
    }

    /// Appends the spans and the event, as text formats show them after the target.
    pub(super) fn push_body(&self, color: bool, out: &mut String) {
        if let Some(chain) = self.entry.record.spans {
            push_text(chain, color, out);
        }
        out.push_str(self.word());
        // Those of a new span are shown with it.
        let fields = self.fields.iter().filter(|_| self.kind != SpanEvent::New);
        for (name, value, role) in fields {
            out.push(' ');
            push_escaped(out, name);
            out.push('=');
            write_value(out, value, *role);
        }
    }

    /// Appends the rest of an object from the message on, after its key.
    pub(super) fn push_json(&self, thread: &str, out: &mut String) {
        out.push_str("\"target\":");
        write_json_string(out, self.target());
        // Writing to a string cannot fail.
        let _ = write!(out, ",\"message\":\"{}\"{thread}\"file\":", self.word());
        let site = self.entry.span().and_then(|span| span.call_site());
        match site {
            Some(site) => {
                write_json_string(out, &site.file);
                let _ = write!(out, ",\"line\":{}", site.line);
            }
            None => out.push_str("null,\"line\":null"),
        }
        out.push_str(",\"fields\":");
        self.push_json_fields(out);
        if let Some(chain) = self.entry.record.spans {
            with_text(chain, SpanTextForm::Json, |text| out.push_str(text));
        }
        let _ = write!(out, ",\"span_event\":\"{}\"}}", self.word());
    }

    pub(super) fn push_json_fields(&self, out: &mut String) {
        let mut separator = '{';
        for (name, value, _) in &self.fields {
            out.push(separator);
            separator = ',';
            write_json_string(out, name);
            out.push(':');
            write_json(out, value);
        }
        out.push_str(if separator == '{' { "{}" } else { "}" });
    }

    /// Appends the pairs of logfmt after the message, but for the spans.
    pub(super) fn push_logfmt(&self, out: &mut String) {
        for (name, value, role) in &self.fields {
            out.push(' ');
            push_key(name, out);
            out.push('=');
            let start = out.len();
            match value {
                Value::Str(text) | Value::Formatted(text) => out.push_str(text),
                _ => write_value(out, value, *role),
            }
            if !is_word(&out[start..]) {
                rewrite_from(out, start, write_json_string);
            }
        }
        let _ = write!(out, " span_event={}", self.word());
    }
}

/// The times of open spans, from their events in the order in which they are shown.
#[derive(Debug, Default)]
pub(super) struct SpanClock {
    /// By session and id.
    open: HashMap<(u64, u64), OpenSpan>,
}

#[derive(Clone, Copy, Debug, Default)]
struct OpenSpan {
    began_ns: i64,
    busy_ns: i64,
    /// How many threads have entered it, or how often, and since when one has.
    entered: u32,
    since_ns: i64,
}

impl SpanClock {
    /// Takes the next event. Returns how long the span was entered and how long it lived, if it ends and its
    /// beginning was taken.
    pub(super) fn take(&mut self, entry: &SpanEntry<'_>) -> Option<(Duration, Duration)> {
        let state = entry.record.spans?.states.last()?;
        let key = (state.session, state.id);
        let (kind, now) = (entry.kind(), entry.record.unix_ns);
        if kind.begins() && self.open.len() < MAX_OPEN {
            self.open.insert(key, OpenSpan { began_ns: now, ..OpenSpan::default() });
        }
        let span = self.open.get_mut(&key)?;
        if kind.enters() {
            if span.entered == 0 {
                span.since_ns = now;
            }
            span.entered = span.entered.saturating_add(1);
        }
        if kind.exits() && span.entered > 0 {
            span.entered -= 1;
            if span.entered == 0 {
                span.busy_ns = span.busy_ns.saturating_add(now.saturating_sub(span.since_ns));
            }
        }
        if !kind.ends() {
            return None;
        }
        let OpenSpan { began_ns, busy_ns, .. } = self.open.remove(&key)?;
        let duration = |ns: i64| Duration::from_nanos(ns.max(0) as u64);
        Some((duration(busy_ns), duration(now.saturating_sub(began_ns))))
    }
}
