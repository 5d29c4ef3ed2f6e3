//! Lines of call sites whose values are scalars: compiled once, then written from undecoded values.
//!
//! ```text
//!   "n {0} of {1:.2}"  ──▶  "INFO main app: n " ▭ " of " ▭ "\n"      constant text, escaped
//!                                               │        │
//!   record's bytes, or columns ──▶ a word each ─┴────────┘           values
//! ```
//!
//! The text is byte for byte what [`Renderer`](crate::Renderer) writes of the same record (tests compare
//! them), without a [`Value`](stenolog_format::value::Value) tree and without a message that has to be
//! escaped. The renderer does the rest: other formats, colours, composite values, counts from other
//! values, and messages that may be so long that they are cut.

use stenolog_format::dictionary::{Level, Role};
use stenolog_format::template::Trait;
use stenolog_format::value::{ScalarType, Value, ValueError};

use super::site_text::SiteText;
use super::text_buffer::{
    PaddedStr, Spare, TextBuffer, put, put_chunk, put_fixed, put_from, put_i64, put_padded,
    put_sign, put_u64,
};
use super::thread_label::ThreadLabel;
use crate::escape::{is_clean, push_escaped};
use crate::json::{push_json_text, write_json};
use crate::model::raw_values::{RawValues, Words};
use crate::model::site::{CompiledSite, MAX_SCALARS};
use crate::record_text::write_value;
use crate::text::{self, Piece, ResolvedSpec, Style};

/// The longest record that is written here, if its message is certainly not cut.
const MAX_RECORD_BYTES: usize = 16 << 10;

/// The most that the literal text and the padding of a message may take.
const MAX_FIXED_BYTES: usize = 512 << 10;

/// A message is not longer than this, so no message that must be cut is printed here.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The most that a byte of a text takes when it is escaped.
const BYTES_OF_A_BYTE: usize = 12;

/// The most that a number takes.
const NUMBER_BYTES: usize = 1024;

/// The formats that have lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// [`Format::Short`](crate::Format::Short) without colours, from the target on.
    Short,
    /// [`Format::Json`](crate::Format::Json), from the end of the time on.
    Json,
}

/// The line of a call site in one format.
#[derive(Clone, Debug)]
pub(super) struct Line {
    format: LineFormat,
    level: Level,
    slots: Box<[ScalarType]>,
    /// The slots of texts.
    texts: Box<[usize]>,
    parts: Box<[LinePart]>,
    /// The text after the last part.
    tail: PaddedStr,
    /// The length of a line without long texts, roughly.
    fixed_bytes: usize,
    /// A record with more bytes of values may have a message that is cut.
    max_bytes: usize,
}

#[derive(Clone, Debug)]
struct LinePart {
    /// The text before it.
    literal: PaddedStr,
    slot: usize,
    placement: Placement,
    quick: Quick,
}

/// A quick way to print most values of a type in a placement.
#[derive(Clone, Copy, Debug)]
enum Quick {
    /// No quick way.
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

/// The length of a head, roughly.
const HEAD_BYTES: usize = 128;

/// The most that a number takes that is printed quickly, in whole chunks.
const QUICK_BYTES: usize = 64;

/// Where and how a value is printed.
#[derive(Clone, Debug)]
enum Placement {
    /// `{}` in the message.
    Plain,
    /// `{:.n}` in the message; as a spec for what is no float.
    Decimals(u16, Box<ResolvedSpec>),
    /// All other specs.
    Spec(Box<ResolvedSpec>),
    /// After `name=`.
    Field(Role),
    /// After `"name":`.
    Json,
    /// The thread, between commas.
    Thread,
}

impl LineFormat {
    /// Appends a piece of the message.
    fn escape(self, out: &mut String, text: &str) {
        match self {
            Self::Short => push_escaped(out, text),
            Self::Json => push_json_text(out, text),
        }
    }
}

/// Builder of a line. Literal text is collected until a part follows it.
struct LineBuilder<'s> {
    format: LineFormat,
    types: &'s [ScalarType],
    parts: Vec<LinePart>,
    literal: String,
}

impl LineBuilder<'_> {
    fn put(&mut self, slot: usize, placement: Placement) {
        let literal = PaddedStr::from(&*std::mem::take(&mut self.literal));
        let quick = Quick::of(&placement, self.types.get(slot).copied());
        self.parts.push(LinePart { literal, slot, placement, quick });
    }

    fn message(&mut self, pieces: &[Piece<'_>], tail: &str) {
        for piece in pieces {
            self.format.escape(&mut self.literal, piece.literal);
            let spec = piece.spec;
            let placement = match spec.precision {
                None if spec == ResolvedSpec::new(Trait::Display) => Placement::Plain,
                Some(digits) if spec.has_only_precision() && spec.format == Trait::Display => {
                    Placement::Decimals(digits, Box::new(spec))
                }
                _ => Placement::Spec(Box::new(spec)),
            };
            self.put(piece.slot, placement);
        }
        self.format.escape(&mut self.literal, tail);
    }

    /// `None` if it depends on the values whether a space follows the message.
    fn short(&mut self, text: &SiteText, pieces: &[Piece<'_>], tail: &str) -> Option<()> {
        self.literal.push_str(&text.target);
        self.literal.push_str(": ");
        self.message(pieces, tail);
        let has_text = !tail.is_empty() || pieces.iter().any(|piece| !piece.literal.is_empty());
        let mut separator = if has_text { " " } else { "" };
        for field in text.shown_fields() {
            if !has_text && !pieces.is_empty() {
                return None;
            }
            self.literal.push_str(separator);
            separator = " ";
            self.literal.push_str(&field.text);
            self.put(field.slot, Placement::Field(field.role));
        }
        self.literal.push('\n');
        Some(())
    }

    fn json(&mut self, text: &SiteText, level: Level, pieces: &[Piece<'_>], tail: &str) {
        self.literal.push_str("\",\"level\":\"");
        self.literal.push_str(level.as_str());
        self.literal.push_str("\",");
        self.literal.push_str(&text.json_target);
        self.literal.push('"');
        self.message(pieces, tail);
        self.literal.push('"');
        self.put(0, Placement::Thread);
        self.literal.push_str(&text.json_place);
        let mut separator = "{";
        for field in &text.fields {
            self.literal.push_str(separator);
            separator = ",";
            self.literal.push_str(&field.json);
            self.put(field.slot, Placement::Json);
        }
        self.literal.push_str(if separator == "{" { "{}" } else { "}" });
        self.literal.push_str("}\n");
    }
}

impl Line {
    /// The line of a call site; `None` if its records need the renderer.
    pub(super) fn new(site: &CompiledSite, format: LineFormat) -> Option<Self> {
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
        // Each placeholder may print any value, every byte of it escaped. A number takes at most a KiB.
        let rest = MAX_LINE_BYTES.checked_sub(fixed + NUMBER_BYTES * pieces.len())?;
        let max_bytes = MAX_RECORD_BYTES.min(rest / (BYTES_OF_A_BYTE * pieces.len().max(1)));
        let (text, level) = (SiteText::new(site), site.call_site().level);
        let mut builder = LineBuilder { format, types, parts: Vec::new(), literal: String::new() };
        match format {
            LineFormat::Short => builder.short(&text, &pieces, tail)?,
            LineFormat::Json => builder.json(&text, level, &pieces, tail),
        }
        let LineBuilder { parts, literal, .. } = builder;
        let bytes = |part: &LinePart| part.literal.len() + QUICK_BYTES;
        let is_text = |at: &usize| matches!(types[*at], ScalarType::Str | ScalarType::Formatted);
        Some(Self {
            format,
            level,
            slots: types.into(),
            texts: (0..types.len()).filter(is_text).collect(),
            fixed_bytes: HEAD_BYTES + literal.len() + parts.iter().map(bytes).sum::<usize>(),
            parts: parts.into(),
            tail: PaddedStr::from(&*literal),
            max_bytes,
        })
    }

    pub(super) const fn format(&self) -> LineFormat {
        self.format
    }

    /// The severity of the records.
    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// Whether the line of these values can be written here.
    #[inline]
    pub(super) fn takes(&self, values: &RawValues<'_>) -> bool {
        let bytes = match values {
            RawValues::Bytes(bytes, _) => bytes.len(),
            // A number takes at most 10 bytes in a record.
            RawValues::Words(words) => {
                let texts = self.texts.iter().map(|&slot| words.text_bytes(slot));
                texts.sum::<usize>() + 10 * self.slots.len()
            }
        };
        bytes <= self.max_bytes
    }

    /// Appends the line of a record, after what `head` writes. `scratch` is for values that are printed
    /// slowly.
    ///
    /// # Errors
    /// If the values are not what the call site says. Nothing was written then.
    #[inline]
    pub(super) fn write(
        &self,
        values: &RawValues<'_>,
        thread: &ThreadLabel,
        (buffer, scratch): (&mut TextBuffer, &mut [String; 2]),
        mut head: impl FnMut(Spare<'_>) -> Spare<'_>,
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
        let bytes = self.fixed_bytes + thread.json_padded.len();
        buffer.write(bytes, |spare| {
            let mut spare = head(spare);
            for part in &self.parts {
                spare = put_padded(spare, &part.literal);
                let word = words.word(part.slot);
                spare = match part.quick {
                    Quick::Unsigned => put_u64(spare, word),
                    Quick::Signed => put_i64(spare, word as i64),
                    Quick::Text if are_clean => put_text(spare, &words, part.slot),
                    Quick::Quoted if are_clean => {
                        let spare = put_chunk(spare, b"\"", 1);
                        put_chunk(put_text(spare, &words, part.slot), b"\"", 1)
                    }
                    Quick::Decimals(digits) => {
                        let number = f64::from_bits(word);
                        match text::decimals(number, digits) {
                            Some(scaled) => {
                                let spare = put_sign(spare, number.is_sign_negative());
                                put_fixed(spare, scaled, digits.into())
                            }
                            None => self.put_slowly(spare, part, &words, scratch),
                        }
                    }
                    Quick::Shortest(style) => {
                        let mut digits = zmij::Buffer::new();
                        match text::shortest(&mut digits, f64::from_bits(word), style) {
                            Some(text) => put(spare, text.as_bytes()),
                            None => self.put_slowly(spare, part, &words, scratch),
                        }
                    }
                    Quick::Thread => put_padded(spare, &thread.json_padded),
                    Quick::No | Quick::Text | Quick::Quoted => {
                        self.put_slowly(spare, part, &words, scratch)
                    }
                };
            }
            put_padded(spare, &self.tail)
        });
        Ok(())
    }

    /// Writes a value that has no quick way.
    #[cold]
    fn put_slowly<'b>(
        &self,
        spare: Spare<'b>,
        part: &LinePart,
        words: &Words<'_>,
        scratch: &mut [String; 2],
    ) -> Spare<'b> {
        let Some(&ty) = self.slots.get(part.slot) else { return spare };
        // All values were checked.
        let Ok(scalar) = words.scalar(part.slot, ty) else { return spare };
        let [text, escaped] = scratch;
        text.clear();
        part.placement.write(&scalar.into(), text);
        if part.placement.is_escaped() || is_clean(text.as_bytes()) {
            return put(spare, text.as_bytes());
        }
        escaped.clear();
        self.format.escape(escaped, text);
        put(spare, escaped.as_bytes())
    }
}

#[inline]
fn put_text<'b>(spare: Spare<'b>, words: &Words<'_>, slot: usize) -> Spare<'b> {
    let (start, length) = words.place(slot);
    put_from(spare, words.body, start, length)
}

impl Quick {
    fn of(placement: &Placement, ty: Option<ScalarType>) -> Self {
        use ScalarType as Is;
        match (placement, ty) {
            (Placement::Thread, _) => Self::Thread,
            // `Debug` prints integers as `Display` does.
            (
                Placement::Plain | Placement::Json | Placement::Field(_),
                Some(Is::U8 | Is::U16 | Is::U32 | Is::U64),
            ) => Self::Unsigned,
            (
                Placement::Plain | Placement::Json | Placement::Field(_),
                Some(Is::I8 | Is::I16 | Is::I32 | Is::I64),
            ) => Self::Signed,
            (Placement::Decimals(digits, _), Some(Is::F64)) => Self::Decimals(*digits),
            (Placement::Plain, Some(Is::F64)) => Self::Shortest(Style::Display),
            (Placement::Json, Some(Is::F64)) => Self::Shortest(Style::Debug),
            (Placement::Plain, Some(Is::Str | Is::Formatted)) => Self::Text,
            (Placement::Json, Some(Is::Str | Is::Formatted)) => Self::Quoted,
            _ => Self::No,
        }
    }
}

impl Placement {
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
