//! Call sites, made ready for their records.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use stenolog_format::dictionary::{CallSite, Role};
use stenolog_format::value::{ScalarType, Value};

use crate::escape::push_escaped;
use crate::json::write_json_string;
use crate::render::{Line, LineFormat, push_key};
use crate::text::{CompileError, CompiledTemplate, Piece};

/// The most values of a call site that are read one by one. More are rare, and there is an array for
/// them.
pub(crate) const MAX_SCALARS: usize = 8;

/// A call site with all that is the same for each of its records.
#[derive(Clone, Debug)]
pub struct Site {
    call_site: CallSite,
    message: Message,
    fields: Vec<FieldName>,
    texts: Texts,
    /// The types of the values, if they are scalars and few.
    scalars: Option<Box<[ScalarType]>>,
    /// Made when the first record is written.
    short: OnceLock<Option<Line>>,
    json: OnceLock<Option<Line>>,
}

/// What renderers show of each record of a call site, escaped once.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    /// The target for text formats.
    pub(crate) target: Box<str>,
    /// `"target":"…","message":`
    pub(crate) json_target: Box<str>,
    /// `"file":"…","line":…,"fields":`
    pub(crate) json_place: Box<str>,
}

impl Texts {
    fn new(call_site: &CallSite) -> Self {
        let mut target = String::new();
        push_escaped(&mut target, &call_site.target);
        let mut json_target = String::from("\"target\":");
        write_json_string(&mut json_target, &call_site.target);
        json_target.push_str(",\"message\":");
        let mut json_place = String::from("\"file\":");
        write_json_string(&mut json_place, &call_site.file);
        json_place.push_str(&format!(",\"line\":{},\"fields\":", call_site.line));
        Self {
            target: target.into(),
            json_target: json_target.into(),
            json_place: json_place.into(),
        }
    }
}

#[derive(Clone, Debug)]
enum Message {
    None,
    Template(Box<CompiledTemplate>),
    /// The template of a damaged dump.
    AsItStands,
}

/// A named value of a call site.
#[derive(Clone, Debug)]
pub(crate) struct FieldName {
    /// The slot.
    pub(crate) slot: usize,
    /// The name: unique in the call site.
    pub(crate) name: Box<str>,
    pub(crate) role: Role,
    /// The name for text formats: `name=`.
    pub(crate) text: Box<str>,
    /// The name for JSON: `"name":`.
    pub(crate) json: Box<str>,
    /// The key for logfmt: `name=`. Unique too, whatever had to be left out of it.
    pub(crate) logfmt: Box<str>,
}

impl FieldName {
    fn new(slot: usize, name: Box<str>, role: Role, key: &str) -> Self {
        let mut text = String::new();
        push_escaped(&mut text, &name);
        text.push('=');
        let mut json = String::new();
        write_json_string(&mut json, &name);
        json.push(':');
        let logfmt = format!("{key}=").into();
        Self { slot, name, role, text: text.into(), json: json.into(), logfmt }
    }
}

impl Site {
    /// Compiles the template. If it cannot be, the site stands all the same.
    pub(crate) fn new(call_site: CallSite) -> (Self, Option<CompileError>) {
        let slots = call_site.slots.len();
        let (message, error) = match call_site.template.as_deref() {
            None => (Message::None, None),
            Some(template) => match CompiledTemplate::new(template, slots) {
                Ok(template) => (Message::Template(Box::new(template)), None),
                Err(error) => (Message::AsItStands, Some(error)),
            },
        };
        let fields = unique_names(&call_site);
        let texts = Texts::new(&call_site);
        let types = call_site.slots.iter().map(|slot| ScalarType::of(&slot.ty));
        let scalars = types.collect::<Option<Box<[_]>>>().filter(|of| of.len() <= MAX_SCALARS);
        let (short, json) = (OnceLock::new(), OnceLock::new());
        (Self { call_site, message, fields, texts, scalars, short, json }, error)
    }

    /// What the dictionary says of the call site.
    #[must_use]
    pub fn call_site(&self) -> &CallSite {
        &self.call_site
    }

    /// The types of the values, if they all are scalars and no more than [`MAX_SCALARS`].
    #[inline]
    pub(crate) fn scalars(&self) -> Option<&[ScalarType]> {
        self.scalars.as_deref()
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The named values, in order.
    pub(crate) fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// The values that stand behind the message: those that it does not print.
    pub(crate) fn shown_fields(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.iter().filter(|field| matches!(field.role, Role::Field | Role::DebugField))
    }

    /// Appends the message of a record with these values.
    pub(crate) fn write_message(&self, out: &mut String, values: &[Value<'_>]) {
        match &self.message {
            Message::None => {}
            Message::Template(template) => template.write(out, values),
            Message::AsItStands => out.push_str(self.call_site.template.as_deref().unwrap_or("")),
        }
    }

    /// Whether the template, if there is one, can be understood.
    pub(crate) fn has_readable_template(&self) -> bool {
        !matches!(self.message, Message::AsItStands)
    }

    /// The message as literal text and placeholders, and the text behind the last one; `None` if its
    /// text depends on values in other ways.
    pub(crate) fn pieces(&self) -> Option<(Vec<Piece<'_>>, &str)> {
        match &self.message {
            Message::Template(template) => template.pieces(),
            _ => Some((Vec::new(), self.constant_message()?)),
        }
    }

    /// The line that a record of the call site is in one of the formats that have such lines.
    #[inline]
    pub(crate) fn line(&self, format: LineFormat) -> Option<&Line> {
        let line = match format {
            LineFormat::Short => &self.short,
            LineFormat::Json => &self.json,
        };
        line.get_or_init(|| Line::new(self, format)).as_ref()
    }

    /// The message, if it is the same for each record.
    pub(crate) fn constant_message(&self) -> Option<&str> {
        match &self.message {
            Message::None => Some(""),
            Message::Template(template) => template.as_literal(),
            Message::AsItStands => self.call_site.template.as_deref(),
        }
    }
}

/// Names of the slots that have one, and a value. A name that comes again gets the number of its coming: a
/// JSON object must not have two members of one name.
fn unique_names(call_site: &CallSite) -> Vec<FieldName> {
    let slots = call_site.slots.iter().enumerate();
    let named = slots.filter(|(_, slot)| !slot.name.is_empty() && !slot.ty.is_nothing_at_all());
    let (mut names, mut keys) = (Unique::default(), Unique::default());
    named
        .map(|(index, slot)| {
            let name = names.take(&slot.name);
            let mut key = String::new();
            push_key(&name, &mut key);
            FieldName::new(index, name, slot.role, &keys.take(&key))
        })
        .collect()
}

/// Names that were given away. All of them together take time in proportion to their length: a name is in
/// the way of one other, which passes it once.
#[derive(Default)]
struct Unique {
    taken: HashSet<Box<str>>,
    /// The number of each name that came last.
    last: HashMap<Box<str>, u32>,
}

impl Unique {
    /// This name, or if it is taken the next one of its numbers that is not.
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
pub(crate) struct Sites {
    /// In the order of definition.
    sites: Vec<Site>,
    /// Index + 1 into `sites` for ids below [`Sites::DENSE`], as far as there are any.
    dense: Vec<u32>,
    /// Index into `sites` for all other ids, which no logger gives out but a hostile dump may.
    sparse: BTreeMap<u32, usize>,
}

impl Sites {
    const DENSE: u32 = 1 << 16;

    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Site> {
        self.sites.get(self.index(id)?)
    }

    /// The place of a call site in the order of definition.
    #[inline]
    pub(crate) fn index(&self, id: u32) -> Option<usize> {
        if id < Self::DENSE {
            (*self.dense.get(id as usize)? as usize).checked_sub(1)
        } else {
            self.sparse.get(&id).copied()
        }
    }

    pub(crate) fn insert(&mut self, site: Site) {
        let id = site.call_site.id;
        let index = self.sites.len();
        self.sites.push(site);
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

    /// In the order of definition.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Site> {
        self.sites.iter()
    }
}
