//! Spans: which call sites are events of spans, and what a reader that begins at a block must know of spans.
//!
//! ```text
//!   dictionary │ spans │ … │ context │ block │ context │ block │ …
//!                ├ call site 20 is `new`, hidden slots: id, parent
//!                ├ call site 21 is `enter`, hidden slots: id, depth
//!                            ├ the stack of each ring of the block, when the block begins
//!                            └ the spans that its records need and that begin before it
//! ```
//!
//! An event of a span is an ordinary record. Readers before 1.5 show it as one, and skip the two frames.
//!
//! - **S1 (hidden).** The first slots of a marked call site are the event's [hidden words](SpanEvent::hidden), one
//!   `u64` each. A mark that does not [fit](SpanEvent::fits) its call site says nothing.
//! - **S2 (healed).** The record of an enter or exit states how deep the stack is afterwards, so a lost event
//!   misplaces no record after the next one that is not lost.
//! - **S3 (alone).** With its context a block needs no other block.

mod context;
mod stack;

pub use context::{
    ContextBuilder, MAX_CONTEXT_BYTES, SpanContext, SpanDefinition, SpanRecord, SpanRecords,
};
pub use stack::{MAX_STACK, SpanStack};

use crate::dictionary::{CallSite, Role};
use crate::types::Type;
use crate::value::{Cursor, ValueError, put_uint};

/// The id of no span: the parent of a root, the span of a record that belongs to none.
pub const NO_SPAN: u64 = 0;

/// The target of the call sites of enter, exit, close and follows, which all spans share.
pub const EVENT_TARGET: &str = "stenolog::span";

/// A word at the beginning of a span event's record, which is not shown as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HiddenWord {
    /// The id of the span.
    Id,
    /// The id of its parent, or of the span that it follows from.
    Other,
    /// The depth of the thread's stack after the event.
    Depth,
}

/// What the records of a marked call site are.
///
/// # Examples
/// ```
/// use stenolog_format::span::{HiddenWord, SpanEvent};
///
/// let began = SpanEvent::NewEntered;
/// assert!(began.begins() && began.enters() && !began.ends());
/// assert_eq!(began.hidden(), [HiddenWord::Id, HiddenWord::Other, HiddenWord::Depth]);
/// assert_eq!(SpanEvent::from_bits(began.bits()), Some(began));
/// assert_eq!(SpanEvent::from_bits(1 << 40), None); // of a later version
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanEvent {
    /// The span begins to exist: the call site is the span's, with its name as the template.
    New,
    /// The same, and the thread enters it at once.
    NewEntered,
    /// The thread enters the span.
    Enter,
    /// The thread leaves the span.
    Exit,
    /// The thread leaves the span, and the span ends.
    ExitClose,
    /// The span ends.
    Close,
    /// Fields are given values: the slots after the hidden ones.
    Record,
    /// The span follows from another one.
    Follows,
    /// An ordinary record that belongs to the span, not to the thread's current one.
    Of,
}

impl SpanEvent {
    /// All events.
    pub const ALL: [Self; 9] = [
        Self::New,
        Self::NewEntered,
        Self::Enter,
        Self::Exit,
        Self::ExitClose,
        Self::Close,
        Self::Record,
        Self::Follows,
        Self::Of,
    ];

    const NEW: u64 = 1;
    const ENTER: u64 = 1 << 1;
    const EXIT: u64 = 1 << 2;
    const CLOSE: u64 = 1 << 3;
    const RECORD: u64 = 1 << 4;
    const FOLLOWS: u64 = 1 << 5;
    const OF: u64 = 1 << 6;

    /// The flags of the event in a [`SpanMark`].
    #[must_use]
    pub const fn bits(self) -> u64 {
        match self {
            Self::New => Self::NEW,
            Self::NewEntered => Self::NEW | Self::ENTER,
            Self::Enter => Self::ENTER,
            Self::Exit => Self::EXIT,
            Self::ExitClose => Self::EXIT | Self::CLOSE,
            Self::Close => Self::CLOSE,
            Self::Record => Self::RECORD,
            Self::Follows => Self::FOLLOWS,
            Self::Of => Self::OF,
        }
    }

    /// The event with these flags, if this version knows one.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.bits() == bits)
    }

    /// The words at the beginning of its records, in order.
    #[must_use]
    pub const fn hidden(self) -> &'static [HiddenWord] {
        use HiddenWord::{Depth, Id, Other};
        match self {
            Self::New | Self::Follows => &[Id, Other],
            Self::NewEntered => &[Id, Other, Depth],
            Self::Enter | Self::Exit | Self::ExitClose => &[Id, Depth],
            Self::Close | Self::Record | Self::Of => &[Id],
        }
    }

    /// Whether the span begins with it.
    #[must_use]
    pub const fn begins(self) -> bool {
        self.bits() & Self::NEW != 0
    }

    /// Whether the thread enters the span with it.
    #[must_use]
    pub const fn enters(self) -> bool {
        self.bits() & Self::ENTER != 0
    }

    /// Whether the thread leaves the span with it.
    #[must_use]
    pub const fn exits(self) -> bool {
        self.bits() & Self::EXIT != 0
    }

    /// Whether the span ends with it.
    #[must_use]
    pub const fn ends(self) -> bool {
        self.bits() & Self::CLOSE != 0
    }

    /// Whether the call site has the hidden slots of the event (S1).
    #[must_use]
    pub fn fits(self, site: &CallSite) -> bool {
        let hidden = self.hidden().len();
        site.slots.get(..hidden).is_some_and(|slots| {
            slots.iter().all(|slot| {
                slot.ty == Type::U64 && slot.role == Role::Count && slot.name.is_empty()
            })
        })
    }

    /// Reads the hidden words at the beginning of a record's values, in either encoding.
    ///
    /// # Errors
    /// If the values end before, or are no integers.
    pub fn read(self, values: &mut Cursor<'_>) -> Result<SpanWords, ValueError> {
        let mut words = SpanWords::default();
        for word in self.hidden() {
            let value = values.u64()?;
            match word {
                HiddenWord::Id => words.id = value,
                HiddenWord::Other => words.other = value,
                HiddenWord::Depth => words.depth = value,
            }
        }
        Ok(words)
    }
}

/// The hidden words of a record; 0 for those that its event does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanWords {
    /// The span.
    pub id: u64,
    /// Its parent, or the span that it follows from.
    pub other: u64,
    /// The depth of the thread's stack after the event.
    pub depth: u64,
}

/// A call site whose records are events of spans, as a spans frame states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanMark {
    /// The id of the call site.
    pub site: u32,
    /// The flags of a [`SpanEvent`], or of one that only a later version knows.
    pub bits: u64,
}

impl SpanMark {
    /// A mark of this version.
    #[must_use]
    pub const fn new(site: u32, event: SpanEvent) -> Self {
        Self { site, bits: event.bits() }
    }

    /// The event, if this version knows it.
    #[must_use]
    pub fn event(self) -> Option<SpanEvent> {
        SpanEvent::from_bits(self.bits)
    }

    /// Appends the payload of a spans frame.
    pub fn encode_all(marks: impl ExactSizeIterator<Item = Self>, out: &mut Vec<u8>) {
        put_uint(out, marks.len() as u64);
        for Self { site, bits } in marks {
            put_uint(out, site.into());
            put_uint(out, bits);
        }
    }

    /// Reads the payload of a spans frame.
    ///
    /// # Errors
    /// If it is cut, or has no list of marks.
    pub fn decode_all(payload: &[u8]) -> Result<Vec<Self>, SpanError> {
        let mut rest = Cursor::new(payload, crate::value::Encoding::Packed);
        let count = rest.uint()?;
        let mut marks = Vec::new();
        // A list grows as it is read: its count is only a claim.
        for _ in 0..count {
            let site = take_u32(&mut rest)?;
            marks.push(Self { site, bits: rest.uint()? });
        }
        Ok(marks)
    }
}

/// Why a frame of spans cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// An integer or bytes that are not there.
    #[error("a list of spans is malformed: {0}")]
    Malformed(#[from] ValueError),
    /// A number that no call site and no ring has.
    #[error("{found} is more than 32 bits: it is no call site and no ring")]
    Number {
        /// The number.
        found: u64,
    },
    /// A stack that is deeper than any that a writer states.
    #[error("a stack of {found} spans, more than {MAX_STACK}")]
    Deep {
        /// The stated depth.
        found: u64,
    },
}

fn take_u32(rest: &mut Cursor<'_>) -> Result<u32, SpanError> {
    let found = rest.uint()?;
    u32::try_from(found).map_err(|_| SpanError::Number { found })
}

#[cfg(test)]
mod tests;
