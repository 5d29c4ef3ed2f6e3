//! Lines of call sites whose values are scalars: compiled once, then written from a record's bytes.
//!
//! ```text
//!   "n {0} of {1:.2}"  ──▶  "INFO main app: n " ▭ " of " ▭ "\n"      what never changes, escaped
//!                                               │        │
//!   record's bytes ──▶ [Scalar; 8] ─────────────┴────────┘           what does
//! ```
//!
//! The text is byte for byte what [`Renderer`](super::Renderer) writes of the same record, which
//! the tests compare; here it takes no [`Value`](stenolog_format::value::Value) tree, and no
//! message of its own that would have to be looked through again. What is left to the renderer: other
//! formats, colours, values with parts, counts from other values, and messages that could become so
//! long that they are cut.

use stenolog_format::dictionary::Role;
use stenolog_format::template::Trait;
use stenolog_format::value::{Cursor, Encoding, Scalar, ScalarType, Value, ValueError};

use super::fields::{rewrite_from, write_value};
use crate::entry::ThreadName;
use crate::escape::{is_clean, push_escaped};
use crate::json::{push_json_text, write_json};
use crate::site::Site;
use crate::text::{self, Piece, ResolvedSpec, Style};

/// The most values of such a call site. More are rare, and the array of them is filled each time.
const MAX_SLOTS: usize = 8;

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
    parts: Box<[Part]>,
    /// What stands behind the last part.
    tail: Box<str>,
    /// A record with more bytes of values may have a message that is cut.
    max_bytes: usize,
}

#[derive(Clone, Debug)]
struct Part {
    /// What stands before it.
    literal: Box<str>,
    slot: usize,
    what: What,
}

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
struct Builder {
    format: LineFormat,
    parts: Vec<Part>,
    literal: String,
}

impl Builder {
    fn put(&mut self, slot: usize, what: What) {
        let literal = std::mem::take(&mut self.literal).into();
        self.parts.push(Part { literal, slot, what });
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
        let slots = &site.call_site().slots;
        let types = slots.iter().map(|slot| ScalarType::of(&slot.ty));
        let types: Box<[_]> = types.collect::<Option<_>>()?;
        let (pieces, tail) = site.pieces()?;
        let fixed = pieces.iter().fold(tail.len(), |sum, piece| {
            let ResolvedSpec { width, precision, .. } = piece.spec;
            let counts = usize::from(width) + usize::from(precision.unwrap_or(0));
            sum.saturating_add(piece.literal.len()).saturating_add(counts)
        });
        if types.len() > MAX_SLOTS || fixed > MAX_FIXED_BYTES {
            return None;
        }
        // A placeholder may print any value again, a byte as so many at the most; numbers are longer
        // than their bytes, but not by more than a KiB.
        let room = MAX_LINE_BYTES.checked_sub(fixed + NUMBER_BYTES * pieces.len())?;
        let max_bytes = MAX_RECORD_BYTES.min(room / (BYTES_OF_A_BYTE * pieces.len().max(1)));
        let mut builder = Builder { format, parts: Vec::new(), literal: String::new() };
        match format {
            LineFormat::Short => builder.short(site, &pieces, tail)?,
            LineFormat::Json => builder.json(site, &pieces, tail),
        }
        let Builder { parts, literal, .. } = builder;
        Some(Self { format, slots: types, parts: parts.into(), tail: literal.into(), max_bytes })
    }

    /// Whether a record with so many bytes of values can be written.
    #[inline]
    pub(crate) const fn takes(&self, bytes: usize) -> bool {
        bytes <= self.max_bytes
    }

    /// Appends the line of a record to the first buffer, behind what `head` appends; the second is
    /// for what takes longer to print.
    ///
    /// # Errors
    /// If the values are not what the call site says. Nothing was written then.
    #[inline]
    pub(crate) fn write(
        &self,
        bytes: &[u8],
        encoding: Encoding,
        thread: &ThreadName,
        (out, scratch): (&mut Vec<u8>, &mut String),
        head: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), ValueError> {
        let mut scalars = [Scalar::Bool(false); MAX_SLOTS];
        let mut cursor = Cursor::new(bytes, encoding);
        for (scalar, &ty) in scalars.iter_mut().zip(&self.slots) {
            *scalar = Scalar::read(&mut cursor, ty)?;
        }
        if !cursor.is_empty() {
            return Err(ValueError::Trailing);
        }
        head(out);
        for part in &self.parts {
            out.extend_from_slice(part.literal.as_bytes());
            if let What::Thread = part.what {
                out.extend_from_slice(thread.json.as_bytes());
            } else if let Some(&scalar) = scalars.get(part.slot)
                && !part.what.write_quickly(scalar, out, scratch)
            {
                scratch.clear();
                part.what.write(&scalar.into(), self.format, scratch);
                out.extend_from_slice(scratch.as_bytes());
            }
        }
        out.extend_from_slice(self.tail.as_bytes());
        Ok(())
    }
}

impl What {
    /// Appends integers, most floats and clean strings; `false` if the value is something else.
    #[inline]
    fn write_quickly(&self, scalar: Scalar<'_>, out: &mut Vec<u8>, scratch: &mut String) -> bool {
        match (self, scalar) {
            (_, Scalar::F64(number)) => {
                scratch.clear();
                let is_written = match self {
                    Self::Plain => text::push_shortest(scratch, number, Style::Display),
                    Self::Json => text::push_shortest(scratch, number, Style::Debug),
                    Self::Decimals(digits, _) => text::push_decimals(scratch, number, *digits),
                    _ => false,
                };
                out.extend_from_slice(scratch.as_bytes());
                is_written
            }
            (Self::Plain, Scalar::Str(text) | Scalar::Formatted(text)) if is_clean(text) => {
                out.extend_from_slice(text.as_bytes());
                true
            }
            (Self::Json, Scalar::Str(text) | Scalar::Formatted(text)) if is_clean(text) => {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
                true
            }
            // `Debug` prints integers as `Display` does.
            (Self::Plain | Self::Json | Self::Field(_), _) => push_integer(scalar, out),
            _ => false,
        }
    }

    fn write(&self, value: &Value<'_>, format: LineFormat, out: &mut String) {
        let start = out.len();
        match self {
            Self::Plain => text::write_display(out, value),
            Self::Decimals(_, spec) | Self::Spec(spec) => text::write_value(out, value, spec),
            Self::Field(role) => return write_value(out, value, *role),
            Self::Json => return write_json(out, value),
            Self::Thread => {}
        }
        if !out.get(start..).is_none_or(is_clean) {
            rewrite_from(out, start, |out, text| format.escape(out, text));
        }
    }
}

/// Appends an integer; `false` if the scalar is none.
#[inline]
fn push_integer(scalar: Scalar<'_>, out: &mut Vec<u8>) -> bool {
    let mut digits = itoa::Buffer::new();
    let digits = match scalar {
        Scalar::U8(n) => digits.format(n),
        Scalar::U16(n) => digits.format(n),
        Scalar::U32(n) => digits.format(n),
        Scalar::U64(n) => digits.format(n),
        Scalar::I8(n) => digits.format(n),
        Scalar::I16(n) => digits.format(n),
        Scalar::I32(n) => digits.format(n),
        Scalar::I64(n) => digits.format(n),
        _ => return false,
    };
    out.extend_from_slice(digits.as_bytes());
    true
}
