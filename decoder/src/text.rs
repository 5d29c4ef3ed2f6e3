//! Printing of recorded values, byte for byte as `std::format!` would have printed them.
//!
//! ```text
//!   template ──▶ CompiledTemplate ──▶ plain:     `{}` of a number or a string   itoa, copies
//!   (once a call site)  │        ├──▶ decimals:  `{:.2}` of a float            64-bit arithmetic
//!                       │        └──▶ all others: std itself, see `std_print`
//!                    values (each record)
//! ```
//!
//! The reference is the standard library that the *decoder* was built with: a change of formatting in a
//! release of Rust also changes the text of old dumps.
//!
//! Nothing here panics, or recurses deeper than the value is nested, for any dump. A combination that `format!`
//! would not compile, such as `{:x}` of a string, is printed with `Display`, or with `Debug` if Rust has no
//! `Display` for the type. Wide padding can make a small record long: a message is cut at [`MAX_MESSAGE_BYTES`]
//! and then ends in `… <cut: too long>`.

mod float;
mod limit;
mod reserved;
mod spec;
mod std_print;
mod template;
mod write;

pub(crate) use float::{Style, decimals, shortest, shortest_f32};
pub use limit::MAX_MESSAGE_BYTES;
pub(crate) use limit::{CUT, may_be_long};
pub(crate) use reserved::{Decimal, Json, Reserved, is_uuid};
pub use spec::ResolvedSpec;
pub(crate) use template::Piece;
pub use template::{CompileError, CompiledTemplate};
pub use write::{write_debug, write_display, write_value};

#[cfg(test)]
mod tests;
