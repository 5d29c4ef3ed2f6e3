//! Fields as typed values of a record.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing_core::Field;
use tracing_core::field::Visit;

use super::callsite::Callsite;
use crate::call::runtime::{Code, Values, escaped};
use crate::registry::runtime::{RuntimeSite, ShapeSlot};
use crate::thread;

/// Appends fields to the values of a record.
pub(super) struct Visitor<'v> {
    pub(super) values: &'v mut Values,
    /// The field that is the message.
    pub(super) message: usize,
    /// The call site of the record.
    pub(super) site: &'static RuntimeSite,
}

impl Visitor<'_> {
    /// Appends the message. A text without arguments is the call site's, so it is no value.
    ///
    /// `tracing` does not tell such texts from others. A message that is formatted by one write, and is the same as
    /// the first one of its call site, is taken for one: the record is the same either way.
    fn message(&mut self, message: &dyn Debug) {
        let start = self.values.bytes().len();
        let known = self.site.text.get().copied();
        if self.values.message_or_known(message, known) {
            self.learn(start);
        }
    }

    /// Makes the message, which was appended at `start`, the one that the call site knows.
    #[cold]
    fn learn(&mut self, start: usize) {
        let text = self.values.bytes().get(start + 4..).unwrap_or_default();
        // What it allocates may log.
        thread::in_cold_section(|| {
            self.site.set_text(&String::from_utf8_lossy(text));
            Some(())
        });
        if self.site.text.get().is_some_and(|known| known.as_bytes() == text) {
            self.values.make_known(start);
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.values.index(Code::F64, field.index());
        self.values.put(&value.to_le_bytes());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.values.index(Code::I64, field.index());
        self.values.put(&value.to_le_bytes());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.values.index(Code::U64, field.index());
        self.values.put(&value.to_le_bytes());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.values.index(Code::I128, field.index());
        self.values.put(&value.to_le_bytes());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.values.index(Code::U128, field.index());
        self.values.put(&value.to_le_bytes());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.values.index(Code::Bool, field.index());
        self.values.put(&[u8::from(value)]);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.index() == self.message {
            return self.message(&format_args!("{value}"));
        }
        self.values.index(Code::Str, field.index());
        self.values.put_counted(value.as_bytes());
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.values.index(Code::Bytes, field.index());
        self.values.put_counted(value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if field.index() == self.message {
            return self.message(&format_args!("{value}"));
        }
        self.values.index(Code::Error, field.index());
        self.values.put_error(value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.index() == self.message {
            return self.message(value);
        }
        self.values.index(Code::Debug, field.index());
        self.values.put_text(format_args!("{value:?}"));
    }
}

/// The template and the slots of an event's record.
pub(super) fn describe_event(
    site: &RuntimeSite,
    callsite: &Callsite,
    values: &Values,
) -> (Option<String>, Vec<ShapeSlot>) {
    use stenolog_format::dictionary::Role;

    let slots = values.slots(|index| callsite.field_name(index));
    let message = slots.iter().position(|(_, role, _)| *role == Role::Argument);
    let template = match message {
        Some(slot) => Some(format!("{{{slot}}}")),
        None if values.has_known() => site.text.get().map(|text| escaped(text)),
        None => None,
    };
    (template, slots)
}

/// Appends fields to a text.
pub(super) struct AsText<'t> {
    pub(super) text: &'t mut String,
    pub(super) message: usize,
}

impl Visit for AsText<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.index() == self.message {
            true => self.record_debug(field, &format_args!("{value}")),
            false => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let separator = if self.text.is_empty() { "" } else { " " };
        // A string takes everything.
        let _: fmt::Result = match field.index() == self.message {
            true => write!(self.text, "{separator}{value:?}"),
            false => write!(self.text, "{separator}{}={value:?}", field.name()),
        };
    }
}
