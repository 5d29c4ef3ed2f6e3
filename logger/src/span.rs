//! Spans at run time: their ids, the stack of each thread, and the records of their events.
//!
//! ```text
//!   span!("request", path)      new + enter: id, parent, depth, path       ┐
//!     info!("…")                an ordinary record                         │ in the ring of the thread
//!     record!(span, status)     record: id, status                         │
//!   drop                        exit + close: id, depth                    ┘
//! ```
//!
//! The events are ordinary records of call sites that are marked in the dictionary. The stack of a thread is in
//! plain cells; an ordinary call does not look at it. `FORMAT.md` (section 16) says what readers make of it.
//!
//! - **N1 (whole).** Only the call site of a span's beginning is filtered. If that is logged, so are all other events of
//!   the span, whatever the filter says then.
//! - **N2 (after).** A span is put on the stack after its event is logged, and removed before: what a value's `Display`
//!   logs meanwhile belongs to the span around.
//! - **N3 (home).** All events of a span go to the logger that it [began in](home).

pub(crate) mod current;
pub(crate) mod events;
mod guard;
pub(crate) mod home;
pub(crate) mod id;
mod within;

pub use self::guard::{Beginning, EnteredSpan, Span, SpanHandle};
pub use self::home::at_home;
pub use self::id::{ParentOf, SpanId, SpanRef, parent_of};
pub use self::within::{Instrument, WithinSpan};
