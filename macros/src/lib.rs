//! The procedural macros of Stenolog: a logging call in, its encoder out.
//!
//! Each macro has three stages, in three files: tokens to syntax (`parse`), syntax to a model that
//! has passed every rule (`model`), model to tokens (`expand`). Applications use `stenolog`, whose
//! macros call these.
#![forbid(unsafe_code)]

mod call;
mod derive;
mod locate;

use proc_macro::TokenStream;

/// A logging call: the path of `stenolog`, a level or `event`, and what the caller wrote.
#[doc(hidden)]
#[proc_macro]
pub fn call(tokens: TokenStream) -> TokenStream {
    call::expand(tokens.into()).into()
}

/// Records a struct or an enum as typed values, field by field.
///
/// Every field must be a type that is recorded itself: a number, a string, an `Option`, an array,
/// another type with this derive … The decoder prints the value as `#[derive(Debug)]` would, and as
/// nested JSON.
///
/// `#[record(crate = path)]` says where `stenolog` is, if it is not at `::stenolog`.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(tokens: TokenStream) -> TokenStream {
    derive::expand(tokens.into()).into()
}
