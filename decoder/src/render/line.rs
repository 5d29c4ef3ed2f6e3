//! Lines of call sites: compiled once, then written from undecoded values.
//!
//! ```text
//!   "n {0} of {1:?}"  ──▶  "INFO main app: n " ▭ " of " ▭ ", " ▭ "\n"     literal text, escaped
//!                                               │        │      │
//!   record's bytes, or columns ──▶ words ───────┴────────┴──────┘        values
//! ```
//!
//! The text is byte for byte what [`Renderer`](crate::Renderer) writes of the same record (tests compare
//! them), without a [`Value`](stenolog_format::value::Value) tree and without a message that has to be
//! escaped. Values without a quick way are printed [slowly](slow), each by itself. The renderer does the rest:
//! other formats, colours, counts from other values, and messages that may be so long that they are cut.

mod build;
mod part;
mod slow;

use std::sync::Arc;

use stenolog_format::dictionary::Level;
use stenolog_format::value::{Encoding, Value, ValueError, WordPlan, Words};

use super::site_text::SiteText;
use super::text_buffer::{CHUNK, Spare, TextBuffer, put_chunk, put_i64, put_padded, put_u64};
use super::thread_label::ThreadLabel;
use super::values::{put_duration, put_ipv4};
use crate::escape::{Dirt, is_free_of, push_escaped};
use crate::json::push_json_text;
use crate::model::raw_values::RawValues;
use crate::model::site::CompiledSite;
use build::LineBuilder;
use part::{
    Literal, NotPrinted, Part, Print, has_simple_escapes, put_bool, put_decimals, put_literal,
    put_shortest, put_text,
};
use slow::{Failure, Placement, Slow};

/// The most that the literal text and the padding of a message may take.
const MAX_FIXED_BYTES: usize = 512 << 10;

/// Longer lines are left to the renderer, so no message that must be cut is written here.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The formats that have lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// [`Format::Short`](crate::Format::Short) without colours, from the target on.
    Short,
    /// The same from the message on, without the line end: what searches look at.
    Body,
    /// [`Format::Json`](crate::Format::Json), from the end of the time on.
    Json,
}

/// The line of a call site in one format.
#[derive(Clone, Debug)]
pub(super) struct Line {
    format: LineFormat,
    level: Level,
    site: Arc<CompiledSite>,
    parts: Box<[Part]>,
    /// All literal text, and a chunk of other bytes.
    literals: Box<[u8]>,
    /// The names of variants.
    variants: Box<[Literal]>,
    /// How the parts print slowly.
    slow: Box<[(Slow, Placement)]>,
    /// The words of texts that are not printed, but checked.
    unprinted: Box<[u32]>,
    /// The length of a line without long texts, roughly.
    fixed_bytes: usize,
    /// The length of the target with what follows it, before the message.
    target_bytes: usize,
}

/// Buffers for what is not written to the output directly.
#[derive(Debug, Default)]
pub(super) struct LineScratch {
    texts: [String; 2],
    words: Vec<u64>,
}

/// The length of a head, roughly.
const HEAD_BYTES: usize = 128;

/// The most that a number takes that is printed quickly, in whole chunks.
const QUICK_BYTES: usize = 64;

impl LineFormat {
    /// Appends a piece of the message.
    fn escape(self, out: &mut String, text: &str) {
        match self {
            Self::Short | Self::Body => push_escaped(out, text),
            Self::Json => push_json_text(out, text),
        }
    }
}

impl Line {
    /// The line of a call site; `None` if its records need the renderer.
    pub(super) fn new(site: &Arc<CompiledSite>, format: LineFormat) -> Option<Self> {
        // Events of spans are shown with their spans, not by their messages.
        let plan = site.words().filter(|_| !site.is_span_event())?;
        let (pieces, tail) = site.pieces()?;
        let fixed = pieces.iter().fold(tail.len(), |sum, piece| {
            let counts = usize::from(piece.spec.width) * piece.spec.fill.len_utf8()
                + usize::from(piece.spec.precision.unwrap_or(0));
            sum.saturating_add(piece.literal.len()).saturating_add(counts)
        });
        if fixed > MAX_FIXED_BYTES {
            return None;
        }
        let (text, call_site) = (SiteText::new(site), site.call_site());
        let types = call_site.slots.iter().map(|slot| &slot.ty).collect();
        let mut builder = LineBuilder::new(format, plan, types);
        match format {
            LineFormat::Short | LineFormat::Body => builder.short(&text, &pieces, tail),
            LineFormat::Json => builder.json(&text, call_site.level, &pieces, tail),
        }
        let LineBuilder { parts, literals, slow, variants, is_printed, .. } = builder;
        if literals.len() > MAX_LINE_BYTES {
            return None;
        }
        let unprinted = plan.slots().iter().zip(is_printed).filter(|(_, printed)| !printed);
        let unprinted = unprinted.flat_map(|(slot, _)| plan.texts_of(slot)).collect();
        let fixed_bytes = HEAD_BYTES + literals.len() + QUICK_BYTES * parts.len();
        Some(Self {
            format,
            level: call_site.level,
            site: Arc::clone(site),
            parts: parts.into(),
            literals: [literals.as_bytes(), &[0; CHUNK]].concat().into(),
            variants: variants.into(),
            slow: slow.into(),
            unprinted,
            fixed_bytes,
            target_bytes: text.target.len() + ": ".len(),
        })
    }

    pub(super) const fn format(&self) -> LineFormat {
        self.format
    }

    /// The length of the target with what follows it, before the message.
    pub(super) const fn target_bytes(&self) -> usize {
        self.target_bytes
    }

    /// The literal text that is in all lines, in pieces.
    pub(super) fn literals(&self) -> impl Iterator<Item = &[u8]> {
        let mut conditional = 0;
        self.parts.iter().filter_map(move |part| {
            if conditional > 0 {
                conditional -= 1;
                return None;
            }
            if let Print::Option { parts, .. } = part.print {
                conditional = parts;
            }
            let Literal { start, bytes } = part.literal;
            self.literals.get(start as usize..)?.get(..bytes as usize)
        })
    }

    /// The severity of the records.
    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// Appends the line of a record, after what `head` writes. Says `false` if the renderer must write it.
    ///
    /// # Errors
    /// If the values are not what the call site says. Nothing was written then.
    #[inline]
    pub(super) fn write(
        &self,
        values: &RawValues<'_>,
        thread: &ThreadLabel,
        out: (&mut TextBuffer, &mut LineScratch),
        head: impl FnMut(Spare<'_>) -> Spare<'_>,
    ) -> Result<bool, ValueError> {
        match values {
            RawValues::Words(words) => self.write_words(words, thread, out, head),
            RawValues::Bytes(bytes, encoding) => {
                self.write_row((bytes, *encoding), thread, out, head)
            }
        }
    }

    #[inline(never)]
    fn write_row(
        &self,
        (body, encoding): (&[u8], Encoding),
        thread: &ThreadLabel,
        (buffer, scratch): (&mut TextBuffer, &mut LineScratch),
        head: impl FnMut(Spare<'_>) -> Spare<'_>,
    ) -> Result<bool, ValueError> {
        // A line is of a call site with a plan.
        let Some(plan) = self.site.words() else { return Ok(false) };
        let mut buffered = std::mem::take(&mut scratch.words);
        buffered.clear();
        let mut written = plan.read(body, encoding, &mut buffered).map(|()| false);
        if written.is_ok() {
            let words = Words { words: &buffered, stride: 1, body, restored: &[], encoding };
            written = self.write_words(&words, thread, (buffer, scratch), head);
        }
        scratch.words = buffered;
        written
    }

    #[inline]
    fn write_words(
        &self,
        words: &Words<'_>,
        thread: &ThreadLabel,
        (buffer, scratch): (&mut TextBuffer, &mut LineScratch),
        mut head: impl FnMut(Spare<'_>) -> Spare<'_>,
    ) -> Result<bool, ValueError> {
        let Some(plan) = self.site.words() else { return Ok(false) };
        for &word in &self.unprinted {
            let text = words.bytes(word as usize);
            if !is_free_of(text, Dirt::Unsafe) {
                std::str::from_utf8(text).map_err(|_| ValueError::Utf8)?;
            }
        }
        let mut failure = None;
        let bytes = self.fixed_bytes + thread.json_padded.len();
        let is_written = buffer.write_up_to(MAX_LINE_BYTES, bytes, |spare| {
            match self.put(head(spare), plan, words, thread, &mut scratch.texts) {
                Ok(spare) => Some(spare),
                Err(why) => {
                    failure = Some(why);
                    None
                }
            }
        });
        match failure {
            Some(Failure::Invalid(why)) => Err(why),
            Some(Failure::Long) | None => Ok(is_written),
        }
    }

    #[inline]
    fn put<'b>(
        &self,
        mut spare: Spare<'b>,
        plan: &WordPlan,
        words: &Words<'_>,
        thread: &ThreadLabel,
        texts: &mut [String; 2],
    ) -> Result<Spare<'b>, Failure> {
        let mut message_at = 0;
        let mut parts = self.parts.iter();
        while let Some(part) = parts.next() {
            spare = put_literal(spare, &self.literals, part.literal);
            let word = part.word as usize;
            let slowly = |NotPrinted(spare): NotPrinted<'b>| {
                self.put_slowly(spare, part, plan, &{ *words }, texts)
            };
            spare = match part.print {
                Print::Nothing => spare,
                Print::Option { none, parts: within } if words.word(word) == 0 => {
                    if let Some(last) = within.checked_sub(1) {
                        parts.nth(last.into());
                    }
                    put_literal(spare, &self.literals, none)
                }
                Print::Option { .. } => spare,
                Print::Thread => put_padded(spare, &thread.json_padded),
                Print::MessageStart => {
                    message_at = spare.len();
                    spare
                }
                Print::MessageEnd => {
                    let is_empty = spare.len() == message_at;
                    put_chunk(spare, b" ", usize::from(!is_empty))
                }
                Print::Variant(first) => {
                    let index = (words.word(word) as usize).saturating_add(first as usize);
                    let name = self.variants.get(index).copied().unwrap_or_default();
                    put_literal(spare, &self.literals, name)
                }
                // The most frequent ones are here: another jump would be hard to predict.
                Print::Unsigned => put_u64(spare, words.word(word)),
                Print::Signed => put_i64(spare, words.word(word) as i64),
                Print::Bool => put_bool(spare, words.word(word) != 0),
                Print::Ipv4 => put_ipv4(spare, words.word(word)),
                Print::Duration => {
                    put_duration(spare, words.word(word), words.word(word + 1) as u32)
                }
                Print::Text(dirt) => put_text(spare, words, word, dirt).or_else(slowly)?,
                Print::Decimals(digits) => {
                    put_decimals(spare, words.word(word), digits).or_else(slowly)?
                }
                Print::Shortest(style) => {
                    put_shortest(spare, words.word(word), style).or_else(slowly)?
                }
                // A copy, so the address of `words` does not escape and they stay in registers.
                ref rare => {
                    rare.put_rare(spare, &{ *words }, word, &self.literals).or_else(slowly)?
                }
            };
        }
        Ok(spare)
    }

    /// Writes a value that has no quick way.
    #[inline(never)]
    fn put_slowly<'b>(
        &self,
        mut spare: Spare<'b>,
        part: &Part,
        plan: &WordPlan,
        words: &Words<'_>,
        texts: &mut [String; 2],
    ) -> Result<Spare<'b>, Failure> {
        let Some((what, placement)) = self.slow.get(part.slow as usize) else { return Ok(spare) };
        let at = part.word as usize;
        let word = words.word(at);
        if let Print::Text(_) = part.print {
            let text = words.bytes(at);
            if has_simple_escapes(text) {
                match placement.put_text(spare, text, self.format) {
                    Ok(spare) => return Ok(spare),
                    Err(left) => spare = left,
                }
            }
        }
        let text = || std::str::from_utf8(words.bytes(at)).map_err(|_| ValueError::Utf8);
        let value = match *what {
            Slow::Slot(slot) => {
                let slots = &self.site.call_site().slots;
                let ty = slots.get(slot as usize).map(|slot| &slot.ty);
                ty.ok_or(ValueError::End).and_then(|ty| plan.value(slot as usize, ty, words))
            }
            Slow::Float => Ok(Value::F64(f64::from_bits(word))),
            Slow::FloatF32 => Ok(Value::F32(f32::from_bits(word as u32))),
            Slow::Text => text().map(Value::Str),
            Slow::Formatted => text().map(Value::Formatted),
            Slow::Char => char::from_u32(word as u32).map(Value::Char).ok_or(ValueError::Char),
            Slow::Duration => Ok(duration(word, words.word(at + 1))),
            Slow::Time => Ok(Value::SystemTime(word as i64, words.word(at + 1) as u32)),
        };
        let value = value.map_err(Failure::Invalid)?;
        placement.put(spare, &value, self.format, texts)
    }
}

fn duration(seconds: u64, nanos: u64) -> Value<'static> {
    // Fewer than a second, so the sum does not overflow.
    Value::Duration(std::time::Duration::new(seconds, (nanos as u32).min(999_999_999)))
}
