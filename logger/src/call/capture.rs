//! Capture: how a call site chooses what to record for an argument whose type it does not know.
//!
//! This is specialization on stable Rust, by way of type inference. An expansion hands each argument over
//! with open integer literals: `field(x, 0, 0, 0, 0)`. A *tier* is a trait with two implementations, which
//! differ in the type that such a literal gets:
//!
//! ```text
//! impl<T: Value>              FieldValue<'a, (Chosen, R)> for T    Chosen is i32, the default of a literal
//! impl<T: FieldRecord<'a, R>> FieldValue<'a, (Next,   R)> for T    Next is i64
//! ```
//!
//! If the type is not a [`Value`](crate::value::Value), only the second can hold, the literal becomes an `i64`,
//! and the next tier is asked. If it is one, both can hold: the literal stays open until the end of the
//! function, where it defaults to `i32`. As long as the argument's type is not known, neither is chosen, and
//! the compiler waits, as it does for `format!`, until code after the call says more. Nothing in an expansion
//! may therefore ask for a method or a field of what is captured. Capturing is left to
//! [`emit`](crate::call::emit::emit), for which the compiler keeps one open question an argument in mind.
//!
//! ```text
//! {} {:>5} {:x} …   ExactDisplay ─▶ as text by Display, LowerHex … ─▶ (unprintable)
//! %field            ExactDisplay ─▶ errors ─▶ as text by Display
//! {:?}              ByValue ─▶ Value by reference ─▶ records ─▶ as text by Debug ─▶ (unprintable)
//! ?field            ByValue ─▶ Value by reference ─▶ records ─▶ Option ─▶ as text by Debug
//! field             ByValue ─▶ Value by reference ─▶ AsRecord ─▶ serde ─▶ errors
//!                     ─▶ Option of an error ─▶ Option of what is Display ─▶ as text by Display
//!                     ─▶ Option ─▶ as text by Debug
//! {:p}              as text by Pointer ─▶ (unprintable)
//! width             usize
//! ```
//!
//! Errors are three tiers: an error, a type that derefs to one (`Box<dyn Error>`, `anyhow::Error`), and a type
//! that derefs to such a type; options of errors are three tiers as well. Records are derived types that have
//! to be put together at the call: their own `Debug` might show what is redacted.
//!
//! Each arrow is one tier and one literal. To add a tier, write a trait between its neighbours, and add one
//! more parameter to the function that the expansion calls, in `argument` and in the constants of
//! `call/expand.rs` in `macros`.
//!
//! An unprintable value is not an error here: the expansion has the user's format string and arguments in a
//! `format_args!` that never runs, and rustc reports the error there. In a generic function only the bounds
//! that the function states count: the tier is chosen before the type is known.

mod argument;
mod exact;
mod field;
mod placeholder;
mod tier;

pub(crate) use self::argument::{CaptureList, recorded};
pub use self::argument::{
    LeftOut, Suppressed, count, debug, debug_field, debug_with, display, display_field, exact,
    field, hidden, message, pointer,
};
pub use self::tier::by;
pub(crate) use self::tier::{Chosen, Next};
