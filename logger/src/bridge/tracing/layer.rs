//! The layer for programs that compose several subscribers by `tracing_subscriber`.

use stenolog_format::span::NO_SPAN;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::callsite::{Callsite, callsite};
use super::events::{log_event, log_fields, log_new};
use super::{follow, interest, is_enabled, max_level_hint};
use crate::span::current::current;
use crate::span::events as span_events;

/// Returns a layer for `tracing_subscriber::registry()` that hands events and spans to the running logger.
///
/// The logger's filter is the filter of this layer alone: what it disables, other layers may still want. Before a
/// logger starts, and after it has ended, everything is disabled. It costs more than
/// [`tracing_subscriber`](crate::tracing_subscriber), which needs no registry.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let _log = stenolog::Builder::new(path).start()?;
/// let subscriber = tracing_subscriber::registry().with(stenolog::tracing_layer());
/// tracing::subscriber::with_default(subscriber, || tracing::info!(bytes = 17, "served"));
/// stenolog::flush()?;
/// assert_eq!(stenolog::stats().records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn tracing_layer<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    follow();
    Bridge.with_filter(LoggerFilter)
}

/// The logger's filter.
#[derive(Debug)]
struct LoggerFilter;

impl<S> Filter<S> for LoggerFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_enabled(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = interest(metadata);
        if !interest.is_never() {
            // Before a record of `log` that `tracing` makes of its first event.
            callsite(metadata);
        }
        interest
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level_hint())
    }
}

#[derive(Debug)]
struct Bridge;

/// What the layer keeps with a span.
#[derive(Debug)]
struct Kept {
    /// As the dump knows it.
    span: u64,
    callsite: &'static Callsite,
}

/// The span with this id as the dump knows it; [`NO_SPAN`] if it is not logged, or has ended.
fn span_of<S>(context: &Context<'_, S>, id: &Id) -> u64
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let span = context.span(id);
    span.and_then(|span| Some(span.extensions().get::<Kept>()?.span)).unwrap_or(NO_SPAN)
}

impl<S> Layer<S> for Bridge
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(callsite) = callsite(attributes.metadata()) else { return };
        let parent = match attributes.parent() {
            Some(parent) => span_of(&context, parent),
            None if attributes.is_contextual() => current(),
            None => NO_SPAN,
        };
        let span = log_new(callsite, attributes, parent);
        if span != NO_SPAN
            && let Some(opened) = context.span(id)
        {
            opened.extensions_mut().replace(Kept { span, callsite });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let kept = span.extensions().get::<Kept>().map(|kept| (kept.span, kept.callsite));
        // What is formatted may log, and ask for the extensions again.
        if let Some((span, callsite)) = kept {
            log_fields(callsite, span, values);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let (span, other) = (span_of(&context, id), span_of(&context, follows));
        if span != NO_SPAN && other != NO_SPAN {
            span_events::follows(span, other);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(callsite) = callsite(event.metadata()) else { return };
        let parent = match event.parent() {
            Some(parent) => Some(span_of(&context, parent)),
            None if event.is_root() => Some(NO_SPAN),
            None => None,
        };
        log_event(callsite, event, parent);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let span = span_of(&context, id);
        if span != NO_SPAN {
            span_events::enter(span);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let span = span_of(&context, id);
        if span != NO_SPAN {
            span_events::exit(span);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = span_of(&context, &id);
        if span != NO_SPAN {
            span_events::close(span);
        }
    }
}
