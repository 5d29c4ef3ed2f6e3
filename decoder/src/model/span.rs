//! Spans: what is known of those that a record is in.
//!
//! ```text
//!   SpanState   one span, until it is given further values: name, fields; shared by all that refer to it
//!   SpanChain   a span and its ancestors, outermost first; one for all records that are in the same ones
//! ```
//!
//! A state never changes: a span that is given a value has another state from then on. Text of a chain is made once,
//! by the thread that needs it first, and shared.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use stenolog_format::block::{RawRecord, RecordTime};
use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::span::SpanEvent;
use stenolog_format::value::{Cursor, Encoding, Value};

use crate::model::site::{CompiledSite, FieldName};

/// Values of a record of a span, after the hidden words.
#[derive(Clone, Debug)]
pub(crate) struct SpanValues {
    site: Arc<CompiledSite>,
    /// Shared by all states of the span that have them: a copy for each would be quadratic.
    bytes: Arc<[u8]>,
    encoding: Encoding,
}

impl SpanValues {
    pub(crate) fn new(site: &Arc<CompiledSite>, bytes: &[u8], encoding: Encoding) -> Self {
        Self { site: Arc::clone(site), bytes: bytes.into(), encoding }
    }

    /// The named values, as far as they can be read.
    fn fields(&self) -> Vec<(&FieldName, Value<'_>)> {
        let slots = &self.site.call_site().slots;
        let hidden = self.site.hidden_slots();
        let mut cursor = Cursor::new(&self.bytes, self.encoding);
        let mut names = self.site.fields().iter().peekable();
        let mut fields = Vec::new();
        for (index, slot) in slots.iter().enumerate().skip(hidden) {
            let Ok(value) = Value::read(&mut cursor, &slot.ty) else { break };
            if let Some(name) = names.next_if(|name| name.slot == index) {
                fields.push((name, value));
            }
        }
        fields
    }

    pub(crate) const fn site(&self) -> &Arc<CompiledSite> {
        &self.site
    }

    /// The bytes of the values.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// The raw counter of a record, if its time is one.
pub(crate) fn counter(record: &RawRecord<'_>, site: Option<&CompiledSite>) -> Option<u64> {
    match record.time {
        RecordTime::Counter(counter) => Some(counter),
        RecordTime::UnixNanos(_) => None,
        RecordTime::Word(word) => {
            let of = site.map_or(TimeSource::Counter, |site| site.call_site().time);
            (of == TimeSource::Counter).then_some(word)
        }
    }
}

/// What is known of a span at some time.
#[derive(Debug)]
pub(crate) struct SpanState {
    /// A part of the session's id, which tells sessions apart.
    pub(crate) session: u64,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    /// The values that it began with; `None` if they are not known.
    pub(crate) begun: Option<SpanValues>,
    /// Values that it was given later, oldest first.
    pub(crate) recorded: Vec<SpanValues>,
}

impl SpanState {
    /// A span of which nothing is known but its id.
    pub(crate) const fn unknown(session: u64, id: u64) -> Self {
        Self { session, id, parent: 0, begun: None, recorded: Vec::new() }
    }

    /// The state after further values.
    pub(crate) fn with(&self, values: SpanValues) -> Self {
        let mut recorded = Vec::with_capacity(self.recorded.len() + 1);
        // Values of the same call site replace each other.
        let site = values.site();
        let others = self.recorded.iter().filter(|of| !Arc::ptr_eq(of.site(), site));
        recorded.extend(others.cloned());
        recorded.push(values);
        let Self { session, id, parent, .. } = *self;
        Self { session, id, parent, begun: self.begun.clone(), recorded }
    }

    /// The bytes of all values.
    pub(crate) fn bytes(&self) -> usize {
        self.begun.iter().chain(&self.recorded).map(SpanValues::len).sum()
    }

    pub(crate) fn site(&self) -> Option<&Arc<CompiledSite>> {
        self.begun.as_ref().map(SpanValues::site)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.site()?.constant_message()
    }

    /// The fields: those that it began with, then others that were recorded. A later value replaces an earlier
    /// one of the same name.
    pub(crate) fn fields(&self) -> Vec<(&FieldName, Value<'_>)> {
        let mut fields: Vec<(&FieldName, Value<'_>)> = Vec::new();
        for values in self.begun.iter().chain(&self.recorded) {
            let more = values.fields();
            if fields.is_empty() {
                fields = more;
                continue;
            }
            for (name, value) in more {
                match fields.iter_mut().find(|(known, _)| known.name == name.name) {
                    Some(known) => *known = (name, value),
                    None => fields.push((name, value)),
                }
            }
        }
        fields
    }
}

/// A span and its ancestors.
#[derive(Debug, Default)]
pub(crate) struct SpanChain {
    /// Outermost first.
    pub(crate) states: Box<[Arc<SpanState>]>,
    /// Their text in each [form](SpanTextForm), once it was needed.
    texts: [OnceLock<Box<str>>; SpanTextForm::COUNT],
}

/// The forms in which the spans of a record are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanTextForm {
    /// `request{path="/x"}:query{n=3}: `, before the message.
    Text,
    /// The same with colours.
    Colored,
    /// `,"spans":[…]`, after the fields.
    Json,
}

impl SpanTextForm {
    const COUNT: usize = 3;
}

/// The most spans of a chain: the innermost ones. Only hostile dumps have more.
pub(crate) const MAX_CHAIN: usize = 1024;

impl SpanChain {
    /// The chain of spans, outermost first.
    pub(crate) fn new(states: Vec<Arc<SpanState>>) -> Self {
        Self { states: states.into(), texts: Default::default() }
    }

    /// The text in a form, if it was kept.
    #[inline]
    pub(crate) fn text(&self, form: SpanTextForm) -> Option<&str> {
        self.texts[form as usize].get().map(|text| &**text)
    }

    /// Keeps the text in a form. Another thread may have been faster.
    pub(crate) fn keep_text(&self, form: SpanTextForm, text: &str) -> &str {
        self.texts[form as usize].get_or_init(|| text.into())
    }

    /// The spans, outermost first.
    pub(crate) fn spans(&self) -> impl DoubleEndedIterator<Item = Span<'_>> + ExactSizeIterator {
        self.states.iter().map(|state| Span { state })
    }
}

/// The ids of a span's ancestors and its own, outermost first, as far as `parent_of` knows them. A hostile dump may
/// state a circle.
pub(crate) fn lineage(id: u64, mut parent_of: impl FnMut(u64) -> Option<u64>) -> Vec<u64> {
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    let mut next = id;
    while next != 0 && ids.len() < MAX_CHAIN && seen.insert(next) {
        ids.push(next);
        next = parent_of(next).unwrap_or(0);
    }
    ids.reverse();
    ids
}

/// A span that a record is in: see [`Record::spans`](crate::Record::spans).
///
/// ```
/// use stenolog_decoder::Record;
///
/// fn path(record: &Record<'_>) -> Option<String> {
///     let request = record.spans().find(|span| span.name() == Some("request"))?;
///     let fields = request.fields();
///     let path = fields.iter().find(|(name, _)| *name == "path")?;
///     Some(format!("{:?}", path.1))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    state: &'a SpanState,
}

impl<'a> Span<'a> {
    /// The id, which is unique in its session and never 0.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.state.id
    }

    /// The id of its parent; `None` if it is a root, or if nothing but its id is known.
    #[must_use]
    pub fn parent_id(&self) -> Option<u64> {
        Some(self.state.parent).filter(|&parent| parent != 0)
    }

    /// The name; `None` if the dump no longer has the record with which the span began.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.state.name()
    }

    /// The call site that made it: level, target, file and line.
    #[must_use]
    pub fn call_site(&self) -> Option<&'a CallSite> {
        self.state.site().map(|site| site.call_site())
    }

    /// The severity; [`Level::Trace`] if it is not known.
    #[must_use]
    pub fn level(&self) -> Level {
        self.call_site().map_or(Level::Trace, |site| site.level)
    }

    /// The fields with the values that they had when the record was logged. Costs the decoding of all of them.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'a str, Value<'a>)> {
        self.state.fields().into_iter().map(|(name, value)| (&*name.name, value)).collect()
    }

    pub(crate) fn named_values(&self) -> Vec<(&'a FieldName, Value<'a>)> {
        self.state.fields()
    }
}

/// The single events that a mark of a call site stands for: two for those that own spans combine.
pub(crate) fn single_events(event: SpanEvent) -> &'static [SpanEvent] {
    match event {
        SpanEvent::New => &[SpanEvent::New],
        SpanEvent::NewEntered => &[SpanEvent::New, SpanEvent::Enter],
        SpanEvent::Enter => &[SpanEvent::Enter],
        SpanEvent::Exit => &[SpanEvent::Exit],
        SpanEvent::ExitClose => &[SpanEvent::Exit, SpanEvent::Close],
        SpanEvent::Close => &[SpanEvent::Close],
        SpanEvent::Record => &[SpanEvent::Record],
        SpanEvent::Follows => &[SpanEvent::Follows],
        // An ordinary record.
        _ => &[],
    }
}
