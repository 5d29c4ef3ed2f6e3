//! The subscriber of `tracing`, which keeps its spans itself.

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};

use stenolog_format::span::NO_SPAN;

use super::callsite::callsite;
use super::events::{log_event, log_fields, log_new};
use super::spans::{self, SpanSlot};
use super::{follow, interest, is_enabled, max_level_hint};
use crate::span::current::current;
use crate::span::events as span_events;

/// Returns a `tracing` subscriber that hands events and spans to the running logger, for
/// `tracing::subscriber::with_default` and the like. To install it for the whole program, use
/// [`Builder::capture_tracing`](crate::Builder::capture_tracing).
///
/// It needs no `tracing_subscriber::Registry`: an event costs little more than a call of Stenolog's own macros.
/// The logger's filter decides what is of interest; before a logger starts, and after it has ended, everything is
/// disabled. All subscribers that this returns share their spans.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let _log = stenolog::Builder::new(path).start()?;
/// tracing::subscriber::with_default(stenolog::tracing_subscriber(), || {
///     let _request = tracing::info_span!("request", path = "/x").entered();
///     tracing::info!(bytes = 17, "served");
/// });
/// stenolog::flush()?;
/// assert!(stenolog::stats().records >= 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn tracing_subscriber() -> impl Subscriber + Send + Sync {
    follow();
    Bridge
}

/// The subscriber.
#[derive(Debug)]
pub(super) struct Bridge;

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = interest(metadata);
        if !interest.is_never() {
            // Before a record of `log` that `tracing` makes of its first event.
            callsite(metadata);
        }
        interest
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level_hint())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let callsite = callsite(span.metadata());
        let (holder, parent) = match span.parent() {
            Some(parent) => (Some(parent.into_u64()), spans::span_of(parent)),
            None if span.is_contextual() => (spans::innermost(), current()),
            None => (None, NO_SPAN),
        };
        let logged = callsite.map_or(NO_SPAN, |callsite| log_new(callsite, span, parent));
        spans::open(SpanSlot { span: logged, parent: holder, callsite })
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some((span, Some(callsite))) = spans::get(span) {
            log_fields(callsite, span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        let (span, other) = (spans::span_of(span), spans::span_of(follows));
        if span != NO_SPAN && other != NO_SPAN {
            span_events::follows(span, other);
        }
    }

    fn event(&self, event: &Event<'_>) {
        let Some(callsite) = callsite(event.metadata()) else { return };
        let parent = match event.parent() {
            Some(parent) => Some(spans::span_of(parent)),
            None if event.is_root() => Some(NO_SPAN),
            None => None,
        };
        log_event(callsite, event, parent);
    }

    fn enter(&self, span: &Id) {
        spans::enter(span);
        let span = spans::span_of(span);
        if span != NO_SPAN {
            span_events::enter(span);
        }
    }

    fn exit(&self, span: &Id) {
        spans::exit(span);
        let span = spans::span_of(span);
        if span != NO_SPAN {
            span_events::exit(span);
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        spans::hold(id);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        spans::release(&id)
    }

    fn current_span(&self) -> Current {
        let id = spans::innermost().map(Id::from_u64);
        let known = id.and_then(|id| Some((spans::get(&id)?.1?.metadata, id)));
        known.map_or_else(Current::none, |(metadata, id)| Current::new(id, metadata))
    }
}
