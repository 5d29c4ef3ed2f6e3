//! Entries: what a decoder yields.

use stenolog_format::dictionary::{Level, Thread};

use crate::model::loss::LossEntry;
use crate::model::origin::EntryOrigin;
use crate::model::record::Record;
use crate::model::span_event::SpanEntry;

/// A record or a statement of a loss, in its place among the others.
///
/// ```
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Entry};
///
/// # fn count(dump: Dump) -> (u64, u64) {
/// let (mut records, mut lost) = (0, 0);
/// let _ = Decoder::new(dump).for_each(|entry| {
///     match entry {
///         Entry::Record(_) => records += 1,
///         Entry::Loss(loss) => lost += loss.total(),
///         _ => {}
///     }
///     ControlFlow::Continue(())
/// });
/// # (records, lost) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A record of a call site.
    Record(Record<'a>),
    /// Missing records, at the place where they should be.
    Loss(LossEntry<'a>),
    /// An event of a span, if they are [shown](crate::Decoder::with_span_events).
    Span(SpanEntry<'a>),
}

impl<'a> Entry<'a> {
    /// A record, or the event that it is.
    #[inline]
    pub(crate) fn of(record: Record<'a>) -> Self {
        if record.site.is_span_event() {
            Self::Span(SpanEntry { record })
        } else {
            Self::Record(record)
        }
    }

    /// The time, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        match self {
            Self::Record(record) => record.unix_ns(),
            Self::Loss(loss) => loss.unix_ns(),
            Self::Span(event) => event.record.unix_ns(),
        }
    }

    /// The severity; [`Level::Warn`] for losses, that of the span for its events.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Record(record) => record.level(),
            Self::Loss(_) => Level::Warn,
            Self::Span(event) => event.level(),
        }
    }

    pub(crate) fn origin(&self) -> &EntryOrigin<'a> {
        match self {
            Self::Record(record) => &record.origin,
            Self::Loss(loss) => &loss.origin,
            Self::Span(event) => &event.record.origin,
        }
    }

    /// The thread's name, as [`Record::thread_name`].
    #[must_use]
    pub fn thread_name(&self) -> &'a str {
        self.origin().thread_name
    }

    /// The thread, if the dump knows it.
    #[must_use]
    pub fn thread(&self) -> Option<&'a Thread> {
        self.origin().thread
    }

    /// The ring that it went through, or that lacks it. The id is unique in its session.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin().ring
    }
}
