//! Templates of messages, compiled once a call site and written for each record.

use stenolog_format::template::{
    Argument, Count, Piece as Parsed, Placeholder, Precision, Sign, Spec, Template, TemplateError,
    Trait,
};
use stenolog_format::value::Value;

use super::spec::ResolvedSpec;
use super::{limit, write};

/// The message of a call site, ready to be printed for each record.
///
/// ```
/// use stenolog_decoder::text::CompiledTemplate;
/// use stenolog_format::value::Value;
///
/// let template = CompiledTemplate::new("order {0} @ {1:>8.2}", 2)?;
/// let mut out = String::new();
/// template.write(&mut out, &[Value::U32(7), Value::F64(101.256)]);
/// assert_eq!(out, "order 7 @   101.26");
/// # Ok::<(), stenolog_decoder::text::CompileError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CompiledTemplate {
    /// All literal text, in order.
    text: Box<str>,
    parts: Box<[TemplatePart]>,
    slots: usize,
}

/// Some literal text, then a placeholder that depends on its value alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) literal: &'t str,
    pub(crate) slot: usize,
    pub(crate) spec: ResolvedSpec,
}

/// Some literal text, then a placeholder.
#[derive(Clone, Debug)]
struct TemplatePart {
    /// The end of the literal text before the placeholder.
    text_end: usize,
    slot: usize,
    printing: Printing,
}

#[derive(Clone, Debug)]
enum Printing {
    /// `{}`
    Plain,
    /// The template has the whole spec.
    Fixed(ResolvedSpec),
    /// Width or precision come from other slots.
    Counted(Box<Counted>),
}

#[derive(Clone, Debug)]
struct Counted {
    spec: ResolvedSpec,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Why a template cannot be compiled.
///
/// ```
/// use stenolog_decoder::text::{CompileError, CompiledTemplate};
///
/// let error = CompiledTemplate::new("{1}", 1).unwrap_err();
/// assert_eq!(error, CompileError::NoSlot { offset: 0, slot: 1, slots: 1 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The template is no format string.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A placeholder does not name its argument by the index of a slot.
    #[error("the placeholder at byte {offset} names no slot by its index")]
    NotIndexed {
        /// The offset of the placeholder.
        offset: usize,
    },
    /// A placeholder names a slot that the call site lacks.
    #[error("the placeholder at byte {offset} names slot {slot} of {slots}")]
    NoSlot {
        /// The offset of the placeholder.
        offset: usize,
        /// The slot it names.
        slot: usize,
        /// The number of slots.
        slots: usize,
    },
}

impl CompiledTemplate {
    /// Compiles a normalised template, whose placeholders name slots by index, for `slots` values.
    ///
    /// # Errors
    /// If `template` is no format string, or a placeholder names something that is not a slot.
    pub fn new(template: &str, slots: usize) -> Result<Self, CompileError> {
        let mut text = String::new();
        let mut parts = Vec::new();
        for piece in Template::parse(template)?.pieces {
            match piece {
                Parsed::Literal(literal) => text.push_str(literal),
                Parsed::Placeholder(placeholder) => {
                    parts.push(TemplatePart::new(&placeholder, slots, text.len())?);
                }
            }
        }
        Ok(Self { text: text.into(), parts: parts.into(), slots })
    }

    /// The number of values that [`write`](Self::write) takes.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The text, if it is the same for each record.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        self.parts.is_empty().then_some(&*self.text)
    }

    /// Pairs of literal text and a placeholder, and the text after the last one; `None` if a width or
    /// a precision is another value.
    pub(crate) fn pieces(&self) -> Option<(Vec<Piece<'_>>, &str)> {
        let mut at = 0;
        let piece = |part: &TemplatePart| {
            let spec = match &part.printing {
                Printing::Plain => ResolvedSpec::new(Trait::Display),
                Printing::Fixed(spec) => *spec,
                Printing::Counted(_) => return None,
            };
            let literal = &self.text[at..part.text_end];
            at = part.text_end;
            Some(Piece { literal, slot: part.slot, spec })
        };
        let pieces = self.parts.iter().map(piece).collect::<Option<_>>()?;
        Some((pieces, &self.text[at..]))
    }

    /// Appends the message of a record.
    ///
    /// `values` are those of all slots; an argument without a value prints nothing.
    pub fn write(&self, out: &mut String, values: &[Value<'_>]) {
        limit::within(out, values, |out, limit| self.write_up_to(out, values, limit));
    }

    /// Returns `false` if the message became too long.
    #[must_use]
    fn write_up_to(&self, out: &mut String, values: &[Value<'_>], limit: usize) -> bool {
        let mut at = 0;
        for part in &self.parts {
            out.push_str(&self.text[at..part.text_end]);
            at = part.text_end;
            let Some(value) = values.get(part.slot) else { continue };
            if out.len() > limit || !part.write(out, value, values, limit) {
                return false;
            }
        }
        out.push_str(&self.text[at..]);
        true
    }
}

impl TemplatePart {
    fn new(
        placeholder: &Placeholder<'_>,
        slots: usize,
        text_end: usize,
    ) -> Result<Self, CompileError> {
        let offset = placeholder.span.start;
        let slot_of = |argument| match argument {
            Argument::Index(slot) if slot < slots => Ok(slot),
            Argument::Index(slot) => Err(CompileError::NoSlot { offset, slot, slots }),
            Argument::Next | Argument::Name(_) => Err(CompileError::NotIndexed { offset }),
        };
        let slot = slot_of(placeholder.argument)?;
        let from = placeholder.spec;
        let mut spec = resolve_flags(&from);
        let width = match from.width {
            None => None,
            Some(Count::Is(width)) => {
                spec.width = clamp(width);
                None
            }
            Some(Count::Argument(argument)) => Some(slot_of(argument)?),
        };
        let precision = match from.precision {
            None => None,
            Some(Precision::Count(Count::Is(precision))) => {
                spec.precision = Some(clamp(precision));
                None
            }
            Some(Precision::Count(Count::Argument(argument))) => Some(slot_of(argument)?),
            Some(Precision::Star) => return Err(CompileError::NotIndexed { offset }),
        };
        let printing = if width.is_some() || precision.is_some() {
            Printing::Counted(Box::new(Counted { spec, width, precision }))
        } else if spec == ResolvedSpec::new(Trait::Display) {
            Printing::Plain
        } else {
            Printing::Fixed(spec)
        };
        Ok(Self { text_end, slot, printing })
    }

    /// Returns `false` if the message became too long.
    #[must_use]
    fn write(&self, out: &mut String, value: &Value<'_>, all: &[Value<'_>], limit: usize) -> bool {
        match &self.printing {
            Printing::Plain => write::display(out, value, limit),
            Printing::Fixed(spec) => write::value(out, value, spec, limit),
            Printing::Counted(counted) => {
                let mut spec = counted.spec;
                if let Some(slot) = counted.width {
                    spec.width = all.get(slot).and_then(count).unwrap_or(0);
                }
                if let Some(slot) = counted.precision {
                    spec.precision = all.get(slot).and_then(count);
                }
                write::value(out, value, &spec, limit)
            }
        }
    }
}

/// A spec without its counts.
fn resolve_flags(from: &Spec<'_>) -> ResolvedSpec {
    ResolvedSpec {
        fill: from.fill.unwrap_or(' '),
        align: from.align,
        plus: from.sign == Some(Sign::Plus),
        alternate: from.alternate,
        zero: from.zero,
        width: 0,
        precision: None,
        format: from.format,
    }
}

/// `format!` takes no count above `u16::MAX`, so only a hostile dump has one.
fn clamp(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The count that an integer value means.
fn count(value: &Value<'_>) -> Option<u16> {
    let wide = match *value {
        Value::U8(n) => u64::from(n),
        Value::U16(n) => u64::from(n),
        Value::U32(n) => u64::from(n),
        Value::U64(n) => n,
        _ => return None,
    };
    Some(u16::try_from(wide).unwrap_or(u16::MAX))
}
