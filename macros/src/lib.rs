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
/// another type with this derive, one with `stenolog::AsRecord` … The decoder prints the value as
/// `#[derive(Debug)]` would, and as nested JSON.
///
/// # Attributes
///
/// `#[record(crate = path)]` on the type says where `stenolog` is, if it is not at `::stenolog`. Fields take,
/// each at most one of these, and `rename` beside it:
///
/// | attribute | the field is |
/// |---|---|
/// | `skip` | left out; its type may be any |
/// | `redact` | shown as `[redacted]` in text and JSON; the value is not looked at, and neither its bytes nor its length get into the dump; its type may be any |
/// | `display`, `debug` | the text that `{}` or `{:?}` makes of it, formatted at the call |
/// | `hex` | text: an integer as `{:#x}` has it, bytes as two digits each |
/// | `ascii` | text: bytes, with `\x..` for those that are not printable ASCII |
/// | `with = path` | what the function at `path` makes of a reference to it, which must be recorded itself |
/// | `rename = "name"` | called so, in text and JSON; not in tuples |
///
/// What is unknown, said twice or contradictory is a compile error. Messages print a value with such
/// attributes as it is recorded, by `{:?}` too: a field that is redacted is redacted there, one that is renamed
/// has its new name. (`{}` is the type's own `Display`.)
///
/// A type with `display`, `debug`, `hex`, `ascii` or `with`, or with a field that is recorded by `AsRecord`, is put together in
/// a buffer at the call, on the stack up to 192 bytes; all others are written straight from where they lie.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(tokens: TokenStream) -> TokenStream {
    derive::expand(tokens.into()).into()
}
