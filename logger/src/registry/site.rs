//! Call sites: their description by the macros, and their state, a word that answers a call's two questions.
//!
//! ```text
//!   state   UNKNOWN                unknown: ask the registry (the cold path)
//!           OFF                    disabled
//!           generation « 32 | id   log with this id, if the thread's ring has this generation
//! ```
//!
//! One relaxed load tells both whether a call is enabled and which id its record has. The generation tells for
//! which logger this holds: a thread whose ring belongs to another logger (or that has no ring yet) takes the
//! cold path, so this needs no separate check.
//!
//! A generic function has one static for all its instances, regardless of the types of the values: `signature`
//! is a hash of the types that `id` belongs to, set once, before `state` first holds an id. A call with other
//! types takes the cold path and gets another id. Relaxed order is enough: a thread that reads the id but not
//! yet the signature takes the cold path too.

use std::sync::atomic::AtomicU64;

use stenolog_format::dictionary::{Level, Role};
use stenolog_format::span::SpanEvent;

use crate::core::Core;

/// The registry was not asked yet, or an entered logger must be asked each time.
pub(crate) const UNKNOWN: u64 = 0;

/// No logger wants records of the call site. Greater values hold a generation: none is 0.
pub(crate) const OFF: u64 = 1;

/// The macro's description of a call site.
#[derive(Debug)]
pub struct Meta {
    /// The level.
    pub level: Level,
    /// The target, by default the module path.
    pub target: &'static str,
    /// The module path.
    pub module: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The message, with slots by index.
    pub template: Option<&'static str>,
    /// The values of a record.
    pub slots: &'static [SlotMeta],
    /// What its records are, if they are events of spans. The first slots are then the hidden words.
    pub event: Option<SpanEvent>,
}

/// The macro's description of a value.
#[derive(Debug)]
pub struct SlotMeta {
    /// The name; empty for a second print of an argument.
    pub name: &'static str,
    /// The role of the value.
    pub role: Role,
}

/// The static of a call site.
#[derive(Debug)]
pub struct Site {
    pub(crate) state: AtomicU64,
    pub(crate) signature: AtomicU64,
    pub(crate) meta: &'static Meta,
}

impl Site {
    /// A call site that was not registered yet.
    #[must_use]
    pub const fn new(meta: &'static Meta) -> Self {
        Self { state: AtomicU64::new(UNKNOWN), signature: AtomicU64::new(0), meta }
    }

    /// Whether the filter of `core` wants records of the call site.
    pub(crate) fn is_allowed_by(&self, core: &Core) -> bool {
        let Meta { level, target, module, .. } = *self.meta;
        self.is_unfiltered() || core.allows(level, target, module)
    }

    /// Whether its records are events of spans. Others may belong to a span that they name.
    pub(crate) fn is_span_event(&self) -> bool {
        self.meta.event.is_some_and(|event| event != SpanEvent::Of)
    }

    /// Whether records are logged whatever the filter says: it has decided on the span when that began.
    pub(crate) fn is_unfiltered(&self) -> bool {
        self.meta.event.is_some_and(|event| !event.begins() && event != SpanEvent::Of)
    }
}
