//! Slow printing: values for which a part has no quick way.

use stenolog_format::dictionary::Role;
use stenolog_format::value::{Value, ValueError};

use super::LineFormat;
use super::part::put_escaped;
use crate::escape::is_clean;
use crate::json::write_json;
use crate::record_text::write_value;
use crate::render::text_buffer::{Spare, put, put_chunk};
use crate::text::{self, ResolvedSpec};

/// Where and how a value is printed.
#[derive(Clone, Debug)]
pub(super) enum Placement {
    /// In the message.
    Message(ResolvedSpec),
    /// In the message, without the quotes around it, which are literal text.
    MessageInQuotes(ResolvedSpec),
    /// After `name=`.
    Field(Role),
    /// After `name=`, within another value and without the quotes around it.
    FieldInQuotes,
    /// In JSON.
    Json,
    /// In JSON, without the quotes around it.
    JsonInQuotes,
}

/// What is printed slowly.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slow {
    /// The whole value of this slot.
    Slot(u32),
    Float,
    FloatF32,
    Text,
    Formatted,
    Char,
    Duration,
    Time,
}

/// Why the line of a record is not written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// The record has no such values.
    Invalid(ValueError),
    /// Its message may be so long that it is cut.
    Long,
}

/// Texts that are longer when they are printed slowly are left to the renderer.
const MAX_TEXT_BYTES: usize = 64 << 10;

impl Placement {
    /// Writes a text that has nothing but [simple escapes](has_simple_escapes). Returns the spare capacity as it
    /// was if there are other escapes here.
    pub(super) fn put_text<'b>(
        &self,
        spare: Spare<'b>,
        text: &[u8],
        format: LineFormat,
    ) -> Result<Spare<'b>, Spare<'b>> {
        let is_json = format == LineFormat::Json;
        Ok(match self {
            Self::Message(_) => put_escaped(spare, text, is_json),
            Self::JsonInQuotes => put_escaped(spare, text, true),
            Self::Field(Role::DebugField) => put_escaped(spare, text, false),
            Self::MessageInQuotes(_) | Self::FieldInQuotes if !is_json => {
                put_escaped(spare, text, true)
            }
            Self::Field(_) => {
                let spare = put_escaped(put_chunk(spare, b"\"", 1), text, true);
                put_chunk(spare, b"\"", 1)
            }
            Self::MessageInQuotes(_) | Self::FieldInQuotes | Self::Json => return Err(spare),
        })
    }

    /// Writes a value. `text` and `escaped` are scratch space.
    pub(super) fn put<'b>(
        &self,
        spare: Spare<'b>,
        value: &Value<'_>,
        format: LineFormat,
        [text, escaped]: &mut [String; 2],
    ) -> Result<Spare<'b>, Failure> {
        if is_long(value) {
            return Err(Failure::Long);
        }
        text.clear();
        match self {
            Self::Message(spec) | Self::MessageInQuotes(spec) => {
                text::write_value(text, value, spec);
            }
            Self::Field(role) => write_value(text, value, *role),
            Self::FieldInQuotes => text::write_debug(text, value),
            Self::Json | Self::JsonInQuotes => write_json(text, value),
        }
        let text = match self {
            Self::MessageInQuotes(_) | Self::FieldInQuotes | Self::JsonInQuotes => {
                text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
            }
            Self::Message(_) | Self::Field(_) | Self::Json => text,
        };
        let is_escaped = matches!(self, Self::Field(_) | Self::Json | Self::JsonInQuotes);
        if is_escaped || is_clean(text.as_bytes()) {
            return Ok(put(spare, text.as_bytes()));
        }
        escaped.clear();
        format.escape(escaped, text);
        Ok(put(spare, escaped.as_bytes()))
    }
}

fn is_long(value: &Value<'_>) -> bool {
    match value {
        Value::Str(text) | Value::Formatted(text) => text.len() > MAX_TEXT_BYTES,
        value => text::may_be_long(std::slice::from_ref(value)),
    }
}
