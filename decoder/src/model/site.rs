//! Call sites: their dictionary entries, checked and with unique names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use stenolog_format::dictionary::{CallSite, Role};
use stenolog_format::span::{SpanEvent, SpanMark};
use stenolog_format::value::{Value, WordPlan};

use crate::escape::{is_clean, push_key};
use crate::text::{CompileError, CompiledTemplate, Piece};

/// A call site of a dump.
///
/// ```
/// use stenolog_decoder::{Dump, Level};
///
/// fn errors(dump: &Dump) -> usize {
///     dump.sites().filter(|site| site.call_site().level == Level::Error).count()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CompiledSite {
    call_site: CallSite,
    message: Message,
    fields: Vec<FieldName>,
    /// How the values are read as words, unless there are too many.
    words: Option<WordPlan>,
    /// What its records are, if they are events of spans or name one.
    span_event: Option<SpanEvent>,
}

#[derive(Clone, Debug)]
enum Message {
    None,
    Template(Box<CompiledTemplate>),
    /// The template of a damaged dump, which is shown verbatim.
    Verbatim,
}

/// A named value of a call site.
#[derive(Clone, Debug)]
pub(crate) struct FieldName {
    pub(crate) slot: usize,
    /// The name: unique in the call site.
    pub(crate) name: Box<str>,
    /// Whether nothing of the name is escaped in any format.
    pub(crate) is_clean: bool,
    /// The name as a single word, for formats and filters that need one: unique too.
    pub(crate) key: Box<str>,
    pub(crate) role: Role,
}

impl FieldName {
    /// Whether the value follows the message, which does not print it.
    pub(crate) const fn is_shown(&self) -> bool {
        matches!(self.role, Role::Field | Role::DebugField)
    }
}

impl CompiledSite {
    /// Compiles the template. If that fails, the call site has its template as its message.
    pub(crate) fn new(call_site: CallSite) -> (Self, Option<CompileError>) {
        let slots = call_site.slots.len();
        let (message, error) = match call_site.template.as_deref() {
            None => (Message::None, None),
            Some(template) => match CompiledTemplate::new(template, slots) {
                Ok(template) => (Message::Template(Box::new(template)), None),
                Err(error) => (Message::Verbatim, Some(error)),
            },
        };
        let fields = unique_names(&call_site);
        let words = WordPlan::new(&call_site.slots);
        (Self { call_site, message, fields, words, span_event: None }, error)
    }

    /// The dictionary entry of the call site.
    #[must_use]
    pub fn call_site(&self) -> &CallSite {
        &self.call_site
    }

    /// How the values are read as words, unless there are too many.
    #[inline]
    pub(crate) fn words(&self) -> Option<&WordPlan> {
        self.words.as_ref()
    }

    /// What its records are, if a span has to do with them: events of a span, or ordinary records that name theirs.
    #[must_use]
    pub fn span_event(&self) -> Option<SpanEvent> {
        self.span_event
    }

    /// Whether its records are events of spans, which are shown only if asked for.
    #[inline]
    pub(crate) fn is_span_event(&self) -> bool {
        self.span_event.is_some_and(|event| event != SpanEvent::Of)
    }

    /// The number of slots at the beginning that are no values.
    pub(crate) fn hidden_slots(&self) -> usize {
        self.span_event.map_or(0, |event| event.hidden().len())
    }

    /// The named values, in order.
    pub(crate) fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// The values that follow the message: those that it does not print.
    pub(crate) fn shown_fields(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.iter().filter(|field| field.is_shown())
    }

    /// Appends the message of a record with these values.
    pub(crate) fn write_message(&self, out: &mut String, values: &[Value<'_>]) {
        match &self.message {
            Message::None => {}
            Message::Template(template) => template.write(out, values),
            Message::Verbatim => out.push_str(self.call_site.template.as_deref().unwrap_or("")),
        }
    }

    /// Whether the template, if there is one, can be understood.
    pub(crate) fn has_readable_template(&self) -> bool {
        !matches!(self.message, Message::Verbatim)
    }

    /// The message as literal text and placeholders, and the text after the last one; `None` if its
    /// text depends on values in other ways.
    pub(crate) fn pieces(&self) -> Option<(Vec<Piece<'_>>, &str)> {
        match &self.message {
            Message::Template(template) => template.pieces(),
            _ => Some((Vec::new(), self.constant_message()?)),
        }
    }

    /// The message, if it is the same for each record.
    pub(crate) fn constant_message(&self) -> Option<&str> {
        match &self.message {
            Message::None => Some(""),
            Message::Template(template) => template.as_literal(),
            Message::Verbatim => self.call_site.template.as_deref(),
        }
    }
}

/// The names of the slots that have a name and a value. Repeated names are numbered: a JSON object must
/// not have two members of one name.
pub(crate) fn unique_names(call_site: &CallSite) -> Vec<FieldName> {
    let slots = call_site.slots.iter().enumerate();
    let named = slots.filter(|(_, slot)| !slot.name.is_empty() && !slot.ty.is_nothing_at_all());
    let (mut names, mut keys) = (Unique::default(), Unique::default());
    named
        .map(|(index, slot)| {
            let name = names.take(&slot.name);
            let mut key = String::new();
            push_key(&name, &mut key);
            let (is_clean, key) = (is_clean(name.as_bytes()), keys.take(&key));
            FieldName { slot: index, name, is_clean, key, role: slot.role }
        })
        .collect()
}

/// Names that are taken. All of them together take time in proportion to their length: a name collides
/// with at most one other, which passes it once.
#[derive(Default)]
struct Unique {
    taken: HashSet<Box<str>>,
    /// The last number of each name that is repeated.
    last: HashMap<Box<str>, u32>,
}

impl Unique {
    /// The name, or if it is taken, the name with its next free number.
    fn take(&mut self, wanted: &str) -> Box<str> {
        if self.taken.insert(wanted.into()) {
            return wanted.into();
        }
        let number = self.last.entry(wanted.into()).or_insert(1);
        loop {
            *number += 1;
            let name: Box<str> = format!("{wanted}_{number}").into();
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Call sites by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct SiteTable {
    /// In the order of definition.
    sites: Vec<Arc<CompiledSite>>,
    /// Index + 1 into `sites` for ids below [`SiteTable::DENSE`]; 0 if the id is not defined.
    dense: Vec<u32>,
    /// Index into `sites` for all other ids: no logger assigns them, but a hostile dump may.
    sparse: BTreeMap<u32, usize>,
    /// The marks of call sites, known or not yet known.
    marks: BTreeMap<u32, SpanEvent>,
}

impl SiteTable {
    const DENSE: u32 = 1 << 16;

    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&CompiledSite> {
        self.sites.get(self.index(id)?).map(|site| &**site)
    }

    /// The index of a call site in the order of definition.
    #[inline]
    pub(crate) fn index(&self, id: u32) -> Option<usize> {
        if id < Self::DENSE {
            (*self.dense.get(id as usize)? as usize).checked_sub(1)
        } else {
            self.sparse.get(&id).copied()
        }
    }

    pub(crate) fn insert(&mut self, mut site: CompiledSite) {
        let id = site.call_site.id;
        let mark = self.marks.get(&id).copied();
        site.span_event = mark.filter(|mark| mark.fits(&site.call_site));
        let index = self.sites.len();
        self.sites.push(Arc::new(site));
        if id < Self::DENSE {
            let needed = id as usize + 1;
            if self.dense.len() < needed {
                self.dense.resize(needed, 0);
            }
            self.dense[id as usize] = index as u32 + 1;
        } else {
            self.sparse.insert(id, index);
        }
    }

    /// Marks a call site, which may not be known yet. A second mark says nothing.
    pub(crate) fn mark(&mut self, id: u32, event: SpanEvent) {
        if self.marks.contains_key(&id) {
            return;
        }
        self.marks.insert(id, event);
        if let Some(site) = self.index(id).and_then(|index| self.sites.get_mut(index)) {
            let site = Arc::make_mut(site);
            site.span_event = Some(event).filter(|event| event.fits(&site.call_site));
        }
    }

    /// The marks.
    pub(crate) fn marks(&self) -> impl Iterator<Item = SpanMark> {
        self.marks.iter().map(|(&site, &event)| SpanMark::new(site, event))
    }

    /// Whether call sites are marked.
    pub(crate) fn have_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether a call site has this mark.
    pub(crate) fn have_mark(&self, event: SpanEvent) -> bool {
        self.marks.values().any(|mark| *mark == event)
    }

    /// As [`get`](Self::get), to be kept by others.
    #[inline]
    pub(crate) fn shared_site(&self, id: u32) -> Option<&Arc<CompiledSite>> {
        self.sites.get(self.index(id)?)
    }

    /// All call sites in the order of definition.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &CompiledSite> {
        self.sites.iter().map(|site| &**site)
    }

    /// As [`iter`](Self::iter), to be kept by others.
    pub(crate) fn shared(&self) -> &[Arc<CompiledSite>] {
        &self.sites
    }
}
