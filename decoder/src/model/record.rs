//! Records: a call site, a time, a thread and values.

use std::sync::Arc;

use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::value::Value;

use crate::model::origin::EntryOrigin;
use crate::model::site::CompiledSite;
use crate::model::span::{Span, SpanChain};

/// A record with its values.
///
/// ```
/// use stenolog_decoder::Record;
///
/// fn message(record: &Record<'_>) -> String {
///     let mut text = String::new();
///     record.write_message(&mut text);
///     text
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub(crate) site: &'a Arc<CompiledSite>,
    /// The call site's place among all call sites of the decoder.
    pub(crate) site_index: u32,
    pub(crate) origin: EntryOrigin<'a>,
    pub(crate) unix_ns: i64,
    pub(crate) number: u64,
    pub(crate) values: RecordValues<'a>,
    /// The spans that it is in.
    pub(crate) spans: Option<&'a Arc<SpanChain>>,
}

impl<'a> Record<'a> {
    /// The call site that logged it.
    #[must_use]
    pub fn site(&self) -> &'a CompiledSite {
        self.site
    }

    /// The dictionary entry of the call site.
    #[must_use]
    pub fn call_site(&self) -> &'a CallSite {
        self.site.call_site()
    }

    /// The severity.
    #[must_use]
    pub fn level(&self) -> Level {
        self.call_site().level
    }

    /// The thread that logged it, if the dump says.
    #[must_use]
    pub fn thread(&self) -> Option<&'a Thread> {
        self.origin.thread
    }

    /// The thread's name; `thread-<id>` if it has none, `ring-<id>` if the dump does not know the
    /// thread.
    #[must_use]
    pub fn thread_name(&self) -> &'a str {
        self.origin.thread_name
    }

    /// The time of the call, or the time that the caller gave, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        self.unix_ns
    }

    /// The ring that the record went through. The id is unique in its session.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin.ring
    }

    /// The record's number in its ring, from 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The index of the dump, among the decoder's, that holds the record.
    #[must_use]
    pub fn dump_index(&self) -> usize {
        self.origin.dump
    }

    /// The values, one for each slot of the call site.
    #[must_use]
    #[inline]
    pub fn values(&self) -> &[Value<'a>] {
        match &self.values {
            RecordValues::Borrowed(values) => values,
            RecordValues::Owned(values) => values,
        }
    }

    /// The spans that it is in, outermost first: the one that its thread had entered last, or that the call named,
    /// after the ancestors of that one.
    ///
    /// A [span](Span) shows the fields that it had when the record was logged. What the dump no longer says of a
    /// span is missing; its id never is. At most 1024 spans are told, the innermost ones.
    ///
    /// ```
    /// use stenolog_decoder::Record;
    ///
    /// fn trail(record: &Record<'_>) -> String {
    ///     let names: Vec<_> = record.spans().map(|span| span.name().unwrap_or("?")).collect();
    ///     names.join(":")
    /// }
    /// ```
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = Span<'a>> + use<'a> {
        self.spans.into_iter().flat_map(|chain| chain.spans())
    }

    /// The innermost of its [spans](Self::spans).
    #[must_use]
    pub fn span(&self) -> Option<Span<'a>> {
        self.spans().next_back()
    }

    /// Appends the message as `format!` would have made it; nothing if the call site has none.
    pub fn write_message(&self, out: &mut String) {
        self.site.write_message(out, self.values());
    }

    /// The named values. Names are unique in the record: a repeated name is numbered (`name`,
    /// `name_2`, …).
    ///
    /// ```
    /// use stenolog_decoder::{Record, Value};
    ///
    /// fn peer(record: &Record<'_>) -> Option<String> {
    ///     let mut fields = record.fields();
    ///     fields.find_map(|(name, value)| match value {
    ///         Value::Str(text) if name == "peer" => Some((*text).to_owned()),
    ///         _ => None,
    ///     })
    /// }
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &Value<'a>)> {
        let values = self.values();
        let fields = self.site.fields().iter();
        fields.filter_map(move |field| Some((&*field.name, values.get(field.slot)?)))
    }
}

/// The values of a record: lent for the time of a visit, or with the record.
#[derive(Clone, Debug)]
pub(crate) enum RecordValues<'a> {
    Borrowed(&'a [Value<'a>]),
    Owned(Vec<Value<'a>>),
}
