//! Rendered pieces of call sites: what every record of a call site shows, escaped once.

use std::sync::Arc;

use stenolog_format::dictionary::Role;

use crate::escape::push_escaped;
use crate::json::write_json_string;
use crate::model::record::Record;
use crate::model::site::{CompiledSite, FieldName};
use crate::record_text::write_name;

/// The pieces of one call site.
#[derive(Debug, Default)]
pub(super) struct SiteText {
    /// The target for text formats.
    pub(super) target: Box<str>,
    /// `"target":"…","message":`
    pub(super) json_target: Box<str>,
    /// `"file":"…","line":…,"fields":`
    pub(super) json_place: Box<str>,
    pub(super) fields: Box<[FieldText]>,
}

/// The pieces of a named value.
#[derive(Debug)]
pub(super) struct FieldText {
    pub(super) slot: usize,
    pub(super) role: Role,
    /// `name=` for text formats.
    pub(super) text: Box<str>,
    /// `"name":`
    pub(super) json: Box<str>,
    /// `key=` for logfmt.
    pub(super) logfmt: Box<str>,
}

impl FieldText {
    fn new(field: &FieldName) -> Self {
        let mut text = String::new();
        write_name(&mut text, field);
        let mut json = String::new();
        write_json_string(&mut json, &field.name);
        json.push(':');
        let logfmt = format!("{}=", field.key).into();
        Self { slot: field.slot, role: field.role, text: text.into(), json: json.into(), logfmt }
    }

    /// Whether the value follows the message, which does not print it.
    pub(super) fn is_shown(&self) -> bool {
        matches!(self.role, Role::Field | Role::DebugField)
    }
}

impl SiteText {
    pub(super) fn new(site: &CompiledSite) -> Self {
        let call_site = site.call_site();
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
            fields: site.fields().iter().map(FieldText::new).collect(),
        }
    }

    /// The values that follow the message.
    pub(super) fn shown_fields(&self) -> impl Iterator<Item = &FieldText> {
        self.fields.iter().filter(|field| field.is_shown())
    }
}

/// A cache keeps at most this many texts.
const MAX_TEXTS: usize = 1 << 14;

/// Texts of the call sites that were rendered last.
///
/// A slot is found by the index of the call site in its decoder, and checked by the call site's address,
/// as a renderer may show records of several decoders.
#[derive(Debug, Default)]
pub(super) struct SiteTexts {
    slots: Vec<(Option<Arc<CompiledSite>>, SiteText)>,
}

impl SiteTexts {
    /// The text of a record's call site.
    #[inline]
    pub(super) fn get(&mut self, record: &Record<'_>) -> &SiteText {
        let index = record.site_index as usize % MAX_TEXTS;
        let is_hit = match self.slots.get(index) {
            Some((Some(site), _)) => Arc::ptr_eq(site, record.site),
            _ => false,
        };
        if !is_hit {
            self.fill(index, record.site);
        }
        &self.slots[index].1
    }

    #[cold]
    fn fill(&mut self, index: usize, site: &Arc<CompiledSite>) {
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Default::default);
        }
        self.slots[index] = (Some(Arc::clone(site)), SiteText::new(site));
    }
}
