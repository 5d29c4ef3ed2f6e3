//! Lines of call sites whose values are scalars: compiled once, then written from a record's bytes.
//!
//! ```text
//!   "n {0} of {1:.2}"  ──▶  "INFO main app: n " ▭ " of " ▭ "\n"      what never changes, escaped
//!                                               │        │
//!   record's bytes, or columns ──▶ a word each ─┴────────┘           what does
//! ```
//!
//! The text is byte for byte what [`Renderer`](super::Renderer) writes of the same record, which
//! the tests compare; here it takes no [`Value`](stenolog_format::value::Value) tree, and no
//! message of its own that would have to be looked through again. What is left to the renderer: other
//! formats, colours, values with parts, counts from other values, and messages that could become so
//! long that they are cut.

use stenolog_format::dictionary::Role;
use stenolog_format::template::Trait;
use stenolog_format::value::{ScalarType, Value, ValueError};

use super::fields::write_value;
use super::text_buffer::{
    Literal, Page, Room, put, put_chunk, put_fixed, put_from, put_i64, put_literal, put_sign,
    put_u64,
};
use super::values::{RawValues, Words};
use crate::escape::{is_clean, push_escaped};
use crate::json::{push_json_text, write_json};
use crate::model::entry::ThreadName;
use crate::model::site::{MAX_SCALARS, Site};
use crate::text::{self, Piece, ResolvedSpec, Style};

/// The longest record that is written here, if its message is certainly not cut.
const MAX_RECORD_BYTES: usize = 16 << 10;

/// What the literal text and the paddings of a message may have.
const MAX_FIXED_BYTES: usize = 512 << 10;

/// A message is not longer than this, so that none that is to be cut is printed here.
const MAX_LINE_BYTES: usize = 1 << 20;

/// What a byte of a text takes when it is escaped, at the most.
const BYTES_OF_A_BYTE: usize = 12;

/// What a number takes, at the most.
const NUMBER_BYTES: usize = 1024;

/// The formats that have lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFormat {
    /// [`Format::Short`](super::Format::Short) without colours, behind the thread.
    Short,
    /// [`Format::Json`](super::Format::Json), behind the time.
    Json,
}

/// The line of a call site in one format.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    format: LineFormat,
    slots: Box<[ScalarType]>,
    /// Those that are texts.
    texts: Box<[usize]>,
    parts: Box<[Part]>,
    /// What stands behind the last part.
    tail: Literal,
    /// What a line takes, or so, but for long texts.
    fixed_bytes: usize,
    /// A record with more bytes of values may have a message that is cut.
    max_bytes: usize,
}

#[derive(Clone, Debug)]
struct Part {
    /// What stands before it.
    literal: Literal,
    slot: usize,
    what: What,
    quick: Quick,
}

/// How most values of a type are printed in a place.
#[derive(Clone, Copy, Debug)]
enum Quick {
    /// All take longer.
    No,
    Unsigned,
    Signed,
    Decimals(u16),
    Shortest(Style),
    /// Clean text.
    Text,
    /// Clean text between quotes.
    Quoted,
    Thread,
}

/// What a head takes, or so.
const HEAD_BYTES: usize = 128;

/// What a number takes that is printed quickly, in whole chunks.
const QUICK_BYTES: usize = 64;

#[derive(Clone, Debug)]
enum What {
    /// `{}` in the message.
    Plain,
    /// `{:.n}` in the message; as a spec for what is no float.
    Decimals(u16, Box<ResolvedSpec>),
    /// All other specs.
    Spec(Box<ResolvedSpec>),
    /// Behind `name=`.
    Field(Role),
    /// Behind `"name":`.
    Json,
    /// The thread, between commas.
    Thread,
}

impl LineFormat {
    /// Appends text as it stands in the message.
    fn escape(self, out: &mut String, text: &str) {
        match self {
            Self::Short => push_escaped(out, text),
            Self::Json => push_json_text(out, text),
        }
    }
}

/// A line in the making: literal text gathers until something stands behind it.
struct Builder<'s> {
    format: LineFormat,
    types: &'s [ScalarType],
    parts: Vec<Part>,
    literal: String,
}

impl Builder<'_> {
    fn put(&mut self, slot: usize, what: What) {
        let literal = Literal::from(&*std::mem::take(&mut self.literal));
        let quick = Quick::of(&what, self.types.get(slot).copied());
        self.parts.push(Part { literal, slot, what, quick });
    }

    fn message(&mut self, pieces: &[Piece<'_>], tail: &str) {
        for piece in pieces {
            self.format.escape(&mut self.literal, piece.literal);
            let spec = piece.spec;
            let what = match spec.precision {
                None if spec == ResolvedSpec::new(Trait::Display) => What::Plain,
                Some(digits) if spec.has_only_precision() && spec.format == Trait::Display => {
                    What::Decimals(digits, Box::new(spec))
                }
                _ => What::Spec(Box::new(spec)),
            };
            self.put(piece.slot, what);
        }
        self.format.escape(&mut self.literal, tail);
    }

    /// `None` if it depends on the values whether a space stands behind the message.
    fn short(&mut self, site: &Site, pieces: &[Piece<'_>], tail: &str) -> Option<()> {
        self.literal.push_str(&site.texts().target);
        self.literal.push_str(": ");
        self.message(pieces, tail);
        let has_text = !tail.is_empty() || pieces.iter().any(|piece| !piece.literal.is_empty());
        let mut separator = if has_text { " " } else { "" };
        for field in site.shown_fields() {
            if !has_text && !pieces.is_empty() {
                return None;
            }
            self.literal.push_str(separator);
            separator = " ";
            self.literal.push_str(&field.text);
            self.put(field.slot, What::Field(field.role));
        }
        self.literal.push('\n');
        Some(())
    }

    fn json(&mut self, site: &Site, pieces: &[Piece<'_>], tail: &str) {
        self.literal.push_str("\",\"level\":\"");
        self.literal.push_str(site.call_site().level.as_str());
        self.literal.push_str("\",");
        self.literal.push_str(&site.texts().json_target);
        self.literal.push('"');
        self.message(pieces, tail);
        self.literal.push('"');
        self.put(0, What::Thread);
        self.literal.push_str(&site.texts().json_place);
        let mut separator = "{";
        for field in site.fields() {
            self.literal.push_str(separator);
            separator = ",";
            self.literal.push_str(&field.json);
            self.put(field.slot, What::Json);
        }
        self.literal.push_str(if separator == "{" { "{}" } else { "}" });
        self.literal.push_str("}\n");
    }
}

impl Line {
    /// The line of a call site; `None` if it has none.
    pub(crate) fn new(site: &Site, format: LineFormat) -> Option<Self> {
        let types = site.scalars()?;
        let (pieces, tail) = site.pieces()?;
        let fixed = pieces.iter().fold(tail.len(), |sum, piece| {
            let ResolvedSpec { fill, width, precision, .. } = piece.spec;
            let counts = usize::from(width) * fill.len_utf8() + usize::from(precision.unwrap_or(0));
            sum.saturating_add(piece.literal.len()).saturating_add(counts)
        });
        if fixed > MAX_FIXED_BYTES {
            return None;
        }
        // A placeholder may print any value again, a byte as so many at the most; numbers are longer
        // than their bytes, but not by more than a KiB.
        let room = MAX_LINE_BYTES.checked_sub(fixed + NUMBER_BYTES * pieces.len())?;
        let max_bytes = MAX_RECORD_BYTES.min(room / (BYTES_OF_A_BYTE * pieces.len().max(1)));
        let mut builder = Builder { format, types, parts: Vec::new(), literal: String::new() };
        match format {
            LineFormat::Short => builder.short(site, &pieces, tail)?,
            LineFormat::Json => builder.json(site, &pieces, tail),
        }
        let Builder { parts, literal, .. } = builder;
        let bytes = |part: &Part| part.literal.len() + QUICK_BYTES;
        let is_text = |at: &usize| matches!(types[*at], ScalarType::Str | ScalarType::Formatted);
        Some(Self {
            format,
            slots: types.into(),
            texts: (0..types.len()).filter(is_text).collect(),
            fixed_bytes: HEAD_BYTES + literal.len() + parts.iter().map(bytes).sum::<usize>(),
            parts: parts.into(),
            tail: Literal::from(&*literal),
            max_bytes,
        })
    }

    /// Whether a record with these values can be written.
    #[inline]
    pub(crate) fn takes(&self, values: &RawValues<'_>) -> bool {
        let bytes = match values {
            RawValues::Bytes(bytes, _) => bytes.len(),
            // No number has more than 10 bytes in a record.
            RawValues::Words(words) => {
                let texts = self.texts.iter().map(|&slot| words.text_bytes(slot));
                texts.sum::<usize>() + 10 * self.slots.len()
            }
        };
        bytes <= self.max_bytes
    }

    /// Appends the line of a record to the page, behind what `head` writes; the texts are for what
    /// takes longer to print.
    ///
    /// # Errors
    /// If the values are not what the call site says. Nothing was written then.
    #[inline]
    pub(crate) fn write(
        &self,
        values: &RawValues<'_>,
        thread: &ThreadName,
        (page, scratch): (&mut Page, &mut [String; 2]),
        mut head: impl FnMut(Room<'_>) -> Room<'_>,
    ) -> Result<(), ValueError> {
        let mut array = [0; MAX_SCALARS];
        let words = values.words(&self.slots, &mut array)?;
        let mut are_clean = true;
        for &slot in &self.texts {
            let text = words.text(slot);
            if !is_clean(text) {
                are_clean = false;
                std::str::from_utf8(text).map_err(|_| ValueError::Utf8)?;
            }
        }
        let bytes = self.fixed_bytes + thread.json_literal.len();
        page.write(bytes, |room| {
            let mut room = head(room);
            for part in &self.parts {
                room = put_literal(room, &part.literal);
                let word = words.word(part.slot);
                room = match part.quick {
                    Quick::Unsigned => put_u64(room, word),
                    Quick::Signed => put_i64(room, word as i64),
                    Quick::Text if are_clean => put_text(room, &words, part.slot),
                    Quick::Quoted if are_clean => {
                        let room = put_chunk(room, b"\"", 1);
                        put_chunk(put_text(room, &words, part.slot), b"\"", 1)
                    }
                    Quick::Decimals(digits) => {
                        let number = f64::from_bits(word);
                        match text::decimals(number, digits) {
                            Some(scaled) => {
                                let room = put_sign(room, number.is_sign_negative());
                                put_fixed(room, scaled, digits.into())
                            }
                            None => self.put_slowly(room, part, &words, scratch),
                        }
                    }
                    Quick::Shortest(style) => {
                        let mut buffer = zmij::Buffer::new();
                        match text::shortest(&mut buffer, f64::from_bits(word), style) {
                            Some(text) => put(room, text.as_bytes()),
                            None => self.put_slowly(room, part, &words, scratch),
                        }
                    }
                    Quick::Thread => put_literal(room, &thread.json_literal),
                    Quick::No | Quick::Text | Quick::Quoted => {
                        self.put_slowly(room, part, &words, scratch)
                    }
                };
            }
            put_literal(room, &self.tail)
        });
        Ok(())
    }

    /// Writes a value that takes longer to print.
    #[cold]
    fn put_slowly<'p>(
        &self,
        room: Room<'p>,
        part: &Part,
        words: &Words<'_>,
        scratch: &mut [String; 2],
    ) -> Room<'p> {
        let Some(&ty) = self.slots.get(part.slot) else { return room };
        // All values were looked at.
        let Ok(scalar) = words.scalar(part.slot, ty) else { return room };
        let [text, escaped] = scratch;
        text.clear();
        part.what.write(&scalar.into(), text);
        if part.what.is_escaped() || is_clean(text.as_bytes()) {
            return put(room, text.as_bytes());
        }
        escaped.clear();
        self.format.escape(escaped, text);
        put(room, escaped.as_bytes())
    }
}

#[inline]
fn put_text<'p>(room: Room<'p>, words: &Words<'_>, slot: usize) -> Room<'p> {
    let (start, length) = words.place(slot);
    put_from(room, words.body, start, length)
}

impl Quick {
    fn of(what: &What, ty: Option<ScalarType>) -> Self {
        use ScalarType as Is;
        match (what, ty) {
            (What::Thread, _) => Self::Thread,
            // `Debug` prints integers as `Display` does.
            (
                What::Plain | What::Json | What::Field(_),
                Some(Is::U8 | Is::U16 | Is::U32 | Is::U64),
            ) => Self::Unsigned,
            (
                What::Plain | What::Json | What::Field(_),
                Some(Is::I8 | Is::I16 | Is::I32 | Is::I64),
            ) => Self::Signed,
            (What::Decimals(digits, _), Some(Is::F64)) => Self::Decimals(*digits),
            (What::Plain, Some(Is::F64)) => Self::Shortest(Style::Display),
            (What::Json, Some(Is::F64)) => Self::Shortest(Style::Debug),
            (What::Plain, Some(Is::Str | Is::Formatted)) => Self::Text,
            (What::Json, Some(Is::Str | Is::Formatted)) => Self::Quoted,
            _ => Self::No,
        }
    }
}

impl What {
    /// Whether what is written is escaped.
    const fn is_escaped(&self) -> bool {
        matches!(self, Self::Field(_) | Self::Json)
    }

    fn write(&self, value: &Value<'_>, out: &mut String) {
        match self {
            Self::Plain => text::write_display(out, value),
            Self::Decimals(_, spec) | Self::Spec(spec) => text::write_value(out, value, spec),
            Self::Field(role) => write_value(out, value, *role),
            Self::Json => write_json(out, value),
            Self::Thread => {}
        }
    }
}
