//! Call sites of `tracing`, by the address of their metadata, which is static.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use stenolog_format::span::SpanEvent;
use tracing_core::Metadata;

use super::super::table::{Table, mix};
use super::level;
use crate::registry::runtime::{Origin, RuntimeSite};
use crate::thread;

static CALLSITES: Table<Callsite> = Table::new();

/// The call sites of spans by their numbers, from 1.
static NUMBERED: [OnceLock<&'static Callsite>; MAX_NUMBER as usize] =
    [const { OnceLock::new() }; MAX_NUMBER as usize];

/// The most call sites of spans that are known by their number. Spans of further ones are logged, but are given no
/// fields later.
const MAX_NUMBER: u32 = 1 << 14;

static NEXT_NUMBER: AtomicU32 = AtomicU32::new(1);

/// The call site of a span by its number.
pub(super) fn by_number(number: u32) -> Option<&'static Callsite> {
    NUMBERED.get(number.checked_sub(1)? as usize)?.get().copied()
}

/// A call site of `tracing`.
#[derive(Debug)]
pub(super) struct Callsite {
    pub(super) metadata: &'static Metadata<'static>,
    /// By which a span of it knows it; 0 if it has none.
    pub(super) number: u32,
    /// Its events, or the beginnings of its spans. `None` if there are too many call sites.
    pub(super) site: Option<&'static RuntimeSite>,
    /// The field that is the message; a number that no field has if there is none.
    pub(super) message: usize,
    /// Whether its events are records of `log`, from which `tracing-log` made them.
    pub(super) is_of_log: bool,
    /// Events with a parent of their own, or fields that a span is given later.
    second: OnceLock<Option<&'static RuntimeSite>>,
}

/// The call site with this metadata.
#[inline]
pub(super) fn callsite(metadata: &'static Metadata<'static>) -> Option<&'static Callsite> {
    let hash = mix(0, std::ptr::from_ref(metadata).addr() as u64);
    let is_it = |known: &Callsite| std::ptr::eq(known.metadata, metadata);
    CALLSITES.find(hash, is_it).or_else(|| add(metadata, hash))
}

/// Adds a call site. `None` within a log call, and in a signal handler.
#[cold]
fn add(metadata: &'static Metadata<'static>, hash: u64) -> Option<&'static Callsite> {
    // What it allocates may log.
    thread::in_cold_section(|| {
        let event = metadata.is_span().then_some(SpanEvent::New);
        let field = |name: &str| metadata.fields().field(name);
        let message = field("message").filter(|_| metadata.is_event());
        let number = match metadata.is_span() {
            true => NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            false => 0,
        };
        let callsite = Callsite {
            metadata,
            number,
            site: RuntimeSite::new(origin(metadata), event),
            message: message.map_or(usize::MAX, |field| field.index()),
            is_of_log: metadata.name() == "log event" && field("log.target").is_some(),
            second: OnceLock::new(),
        };
        let callsite = CALLSITES.add(hash, callsite);
        if let Some(place) = number.checked_sub(1).and_then(|at| NUMBERED.get(at as usize)) {
            let _ = place.set(callsite);
        }
        Some(callsite)
    })
}

fn origin(metadata: &'static Metadata<'static>) -> Origin<'static> {
    Origin {
        level: level(metadata),
        target: metadata.target(),
        module: metadata.module_path().unwrap_or_default(),
        file: metadata.file().unwrap_or_default(),
        line: metadata.line().unwrap_or_default(),
    }
}

impl Callsite {
    /// The call site of its events that name their span, or of fields that its spans are given later.
    pub(super) fn second(&self) -> Option<&'static RuntimeSite> {
        if let Some(&site) = self.second.get() {
            return site;
        }
        let event = if self.metadata.is_span() { SpanEvent::Record } else { SpanEvent::Of };
        let make = || Some(RuntimeSite::new(origin(self.metadata), Some(event)));
        // Within another call nothing can be made, and a later call tries again.
        if let Some(made) = thread::in_cold_section(make) {
            // If another thread has made one meanwhile, that one is used, and this one is not.
            let _ = self.second.set(made);
        }
        self.second.get().copied().flatten()
    }

    /// The name of a field.
    pub(super) fn field_name(&self, index: usize) -> &'static str {
        let mut fields = self.metadata.fields().iter();
        fields.nth(index).map_or("", |field| field.name())
    }
}

/// Whether `tracing` made a record of `log` from an event or a span that it also hands over itself. Its macros do so
/// with the feature `log-always`. Only theirs have a place that is not static in the type, but is in fact.
#[cfg(feature = "log")]
pub(in super::super) fn has_event_of(record: &log::Record<'_>) -> bool {
    let Some(file) = record.file().filter(|_| record.file_static().is_none()) else { return false };
    CALLSITES.entries().any(|callsite| {
        callsite.metadata.line() == record.line()
            && callsite.metadata.file().is_some_and(|known| std::ptr::eq(known, file))
    })
}
