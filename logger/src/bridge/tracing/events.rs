//! The records of events and of spans, which the subscriber and the layer share.

use std::fmt::{Debug, Write};

use stenolog_format::span::NO_SPAN;
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Record};
use tracing_core::{Event, Field};

use super::callsite::Callsite;
use super::visit::{AsText, Visitor, describe_event};
use crate::bridge::origin::{self, Place};
use crate::call::runtime::{self, Logged, escaped, log_target_as_text};
use crate::call::time::Now;
use crate::registry::runtime::{Origin, RuntimeSite};
use crate::span::home::{at_home, settle};
use crate::span::id::next_id;
use crate::thread;

/// Logs an event. `parent` is the span that it names itself, if it does not belong to the current one.
#[inline]
pub(super) fn log_event(callsite: &'static Callsite, event: &Event<'_>, parent: Option<u64>) {
    if callsite.is_of_log {
        return log_record_of_log(callsite, event);
    }
    let site = match parent {
        None => callsite.site,
        Some(_) => callsite.second(),
    };
    let Some(site) = site else { return log_event_as_text(callsite, event) };
    if !site.is_enabled() {
        return;
    }
    let logged = runtime::with(|values| {
        if let Some(parent) = parent {
            values.hidden(parent);
        }
        event.record(&mut Visitor { values, message: callsite.message, site });
        site.log(Now, values, || describe_event(site, callsite, values))
    });
    if logged == Logged::Refused {
        log_event_as_text(callsite, event);
    }
}

#[cold]
fn log_event_as_text(callsite: &'static Callsite, event: &Event<'_>) {
    let metadata = callsite.metadata;
    if super::is_enabled(metadata) {
        log_target_as_text(Now, super::level(metadata), metadata.target(), |text| {
            event.record(&mut AsText { text, message: callsite.message });
        });
    }
}

/// Logs that a span begins, and returns its id; [`NO_SPAN`] if it is not logged.
#[inline]
pub(super) fn log_new(callsite: &'static Callsite, span: &Attributes<'_>, parent: u64) -> u64 {
    let Some(site) = callsite.site else {
        log_new_as_text(callsite, span);
        return NO_SPAN;
    };
    if !site.is_enabled() {
        return NO_SPAN;
    }
    let id = next_id();
    let logged = runtime::with(|values| {
        values.hidden(id);
        values.hidden(parent);
        span.record(&mut Visitor { values, message: callsite.message, site });
        site.log(Now, values, || {
            let name = escaped(callsite.metadata.name());
            (Some(name), values.slots(|index| callsite.field_name(index)))
        })
    });
    if logged == Logged::Refused {
        log_new_as_text(callsite, span);
        return NO_SPAN;
    }
    settle(id);
    id
}

#[cold]
fn log_new_as_text(callsite: &'static Callsite, span: &Attributes<'_>) {
    let metadata = callsite.metadata;
    if super::is_enabled(metadata) {
        log_target_as_text(Now, super::level(metadata), metadata.target(), |text| {
            text.push_str(metadata.name());
            span.record(&mut AsText { text, message: callsite.message });
        });
    }
}

/// Logs that fields of a span are given values.
pub(super) fn log_fields(callsite: &'static Callsite, id: u64, fields: &Record<'_>) {
    // If there are too many call sites, the span keeps the fields that it has.
    let Some(site) = callsite.second().filter(|_| id != NO_SPAN) else { return };
    runtime::with(|values| {
        values.hidden(id);
        fields.record(&mut Visitor { values, message: callsite.message, site });
        at_home(id, || {
            let _ =
                site.log(Now, values, || (None, values.slots(|index| callsite.field_name(index))));
        });
    });
}

/// Logs an event that `tracing-log` made from a record of `log`, with the place of that.
#[cold]
fn log_record_of_log(callsite: &'static Callsite, event: &Event<'_>) {
    let mut place = PlaceVisitor::default();
    event.record(&mut place);
    let origin = Origin {
        level: super::level(callsite.metadata),
        target: &place.target,
        module: &place.module,
        file: &place.file,
        line: place.line,
    };
    if !thread::wants_target(origin.level, origin.target, origin.module) {
        return;
    }
    let as_text = || {
        log_target_as_text(Now, origin.level, origin.target, |text| text.push_str(&place.message));
    };
    let Some(site) = origin::site_of(&origin, Place::Copied) else { return as_text() };
    if log_message(site, &place.message) == Logged::Refused {
        as_text();
    }
}

/// Logs a record that is only a message.
fn log_message(site: &'static RuntimeSite, message: &str) -> Logged {
    if !site.is_enabled() {
        return Logged::Done;
    }
    runtime::with(|values| {
        values.message(format_args!("{message}"));
        site.log(Now, values, || (Some("{0}".to_owned()), values.slots(|_| "")))
    })
}

/// The place and the message of a record of `log`.
#[derive(Default)]
struct PlaceVisitor {
    target: String,
    module: String,
    file: String,
    line: u32,
    message: String,
}

impl Visit for PlaceVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        let part = match field.name() {
            "log.target" => &mut self.target,
            "log.module_path" => &mut self.module,
            "log.file" => &mut self.file,
            _ => return,
        };
        value.clone_into(part);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = value.try_into().unwrap_or_default();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // A string takes everything.
            let _ = write!(self.message, "{value:?}");
        }
    }
}
