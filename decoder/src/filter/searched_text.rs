//! Texts of a record that regular expressions are matched against: as shown, and as logged.

use regex::Regex;
use stenolog_format::dictionary::Role;
use stenolog_format::value::Value;

use crate::model::record::Record;
use crate::record_text::write_body;
use crate::text::{write_debug, write_display};

/// The texts of one record. The buffers are kept from record to record.
#[derive(Debug, Default)]
pub(crate) struct SearchedText {
    /// The message and the fields in one line, as they are shown.
    shown: String,
    /// The message and the values of the fields as they were logged, one after the other.
    written: String,
    /// The end of each of these; empty until they are written.
    ends: Vec<usize>,
}

impl SearchedText {
    /// The buffer, for other conditions on the same record.
    pub(super) fn buffer(&mut self) -> &mut String {
        &mut self.shown
    }

    /// Takes a record.
    pub(super) fn show(&mut self, record: &Record<'_>) {
        self.shown.clear();
        self.ends.clear();
        write_body(record, &mut self.shown);
    }

    /// Whether any text of the record matches. The record must be the one that was taken last.
    pub(super) fn has_match(
        &mut self,
        regex: &Regex,
        looks_around: bool,
        record: &Record<'_>,
    ) -> bool {
        if regex.is_match(&self.shown) {
            return true;
        }
        // Without escapes, the logged text is part of the shown text, so only an expression that
        // looks around its match can tell them apart.
        if !looks_around && !self.shown.contains('\\') {
            return false;
        }
        if self.ends.is_empty() {
            self.write(record);
        }
        let mut start = 0;
        self.ends.iter().any(|&end| {
            let text = &self.written[start..end];
            start = end;
            regex.is_match(text)
        })
    }

    fn write(&mut self, record: &Record<'_>) {
        self.written.clear();
        if record.call_site().template.is_some() {
            record.write_message(&mut self.written);
            self.end();
        }
        for field in record.site().shown_fields() {
            let Some(value) = record.values().get(field.slot) else { continue };
            if field.role == Role::DebugField {
                write_debug(&mut self.written, value);
                self.end();
            } else if !matches!(value, Value::Str(_) | Value::Formatted(_)) {
                write_display(&mut self.written, value);
                self.end();
            }
            self.strings(value);
        }
    }

    fn end(&mut self) {
        self.ends.push(self.written.len());
    }

    /// The strings in a value, which `Debug` shows with escapes.
    fn strings(&mut self, value: &Value<'_>) {
        match value {
            Value::Str(text) | Value::Formatted(text) => {
                self.written.push_str(text);
                self.end();
            }
            Value::Char(char) => {
                self.written.push(*char);
                self.end();
            }
            Value::Some(of) => self.strings(of),
            Value::List(of) | Value::Tuple(of) | Value::Set(of) => {
                of.iter().for_each(|of| self.strings(of))
            }
            Value::Map(of) => of.iter().for_each(|(key, value)| {
                self.strings(key);
                self.strings(value);
            }),
            Value::Struct(of) | Value::Variant(of) => {
                of.fields.iter().for_each(|(_, value)| self.strings(value));
            }
            _ => {}
        }
    }
}
