//! Events of spans, as entries.

use stenolog_format::dictionary::Level;
use stenolog_format::span::{SpanEvent, SpanWords};
use stenolog_format::value::Value;

use crate::model::record::Record;
use crate::model::span::Span;

/// An event of a span: it began, a thread entered or left it, it ended, it was given values, or it follows from
/// another one.
///
/// ```
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Entry};
///
/// # fn count(dump: Dump) -> u64 {
/// let mut entered = 0;
/// let _ = Decoder::new(dump).with_span_events(true).for_each(|entry| {
///     if let Entry::Span(event) = entry {
///         entered += u64::from(event.kind().enters());
///     }
///     ControlFlow::Continue(())
/// });
/// # entered }
/// ```
#[derive(Clone, Debug)]
pub struct SpanEntry<'a> {
    pub(crate) record: Record<'a>,
}

impl<'a> SpanEntry<'a> {
    /// What happened: one event, or two at once.
    #[must_use]
    pub fn kind(&self) -> SpanEvent {
        // Only records of marked call sites become events.
        self.record.site().span_event().unwrap_or(SpanEvent::Record)
    }

    /// The span, with the fields that it had before the event.
    #[must_use]
    pub fn span(&self) -> Option<Span<'a>> {
        self.record.span()
    }

    /// The level of the span; [`Level::Trace`] if the dump no longer says.
    #[must_use]
    pub fn level(&self) -> Level {
        self.span().map_or(Level::Trace, |span| span.level())
    }

    /// The id of the span that it follows from, of an event that says so.
    #[must_use]
    pub fn follows_from(&self) -> Option<u64> {
        (self.kind() == SpanEvent::Follows).then(|| self.words().other)
    }

    /// The record that states the event: time, thread and number. Its spans are those that the span is in, and the
    /// span itself, last.
    #[must_use]
    pub const fn record(&self) -> &Record<'a> {
        &self.record
    }

    /// The hidden words, which are the first values.
    pub(crate) fn words(&self) -> SpanWords {
        use stenolog_format::span::HiddenWord;
        let mut words = SpanWords::default();
        for (word, value) in self.kind().hidden().iter().zip(self.record.values()) {
            let Value::U64(value) = *value else { continue };
            match word {
                HiddenWord::Id => words.id = value,
                HiddenWord::Other => words.other = value,
                HiddenWord::Depth => words.depth = value,
            }
        }
        words
    }
}
