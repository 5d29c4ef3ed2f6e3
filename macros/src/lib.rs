//! Procedural macros of Stenolog, which expand logging calls and derive `Record`.
//!
//! Each macro has three stages: `parse` turns tokens into syntax, `model` checks every rule, and `expand` makes
//! tokens. Applications use `stenolog`, whose macros call these.
#![forbid(unsafe_code)]

mod call;
mod derive;
mod errors;
mod instrument;
mod respan;
mod test;

use proc_macro::TokenStream;

/// A logging call: the path of `stenolog`, a level or `event`, and the caller's tokens.
#[doc(hidden)]
#[proc_macro]
pub fn call(tokens: TokenStream) -> TokenStream {
    call::expand(tokens.into()).into()
}

/// A span: the path of `stenolog`, a level or `span`, and the caller's tokens.
#[doc(hidden)]
#[proc_macro]
pub fn span(tokens: TokenStream) -> TokenStream {
    call::expand_span(tokens.into()).into()
}

/// Values that a span is given: the path of `stenolog`, and the caller's tokens.
#[doc(hidden)]
#[proc_macro]
pub fn record_span(tokens: TokenStream) -> TokenStream {
    call::expand_record(tokens.into()).into()
}

/// Runs a function in a span of its own: a `span!` with the function's name and its parameters as fields.
///
/// It takes synchronous and `async` functions, methods, and generic ones. A parameter is recorded as a field of its
/// type is; one that cannot be recorded has to be skipped.
///
/// A function that is not `async` may end with a future: `async move { … }`, `Box::pin(async move { … })` as
/// `async_trait` writes it, or `async move { … }.boxed()`. Then it is as if it were `async`: the span begins with the
/// first poll and covers all of them, `err` and `ret` see what the future yields, and the future holds the parameters
/// that are fields. Statements before the future are not in the span. Of a function that ends with another expression,
/// such as a call that returns a future, the span covers the call only: write `async move { call().await }`.
///
/// | option | |
/// |---|---|
/// | `skip(a, b)`, `skip_all` | parameters that are no fields |
/// | `fields(path = %url, status = stenolog::Empty)` | further fields, as `span!` takes them; they replace parameters of the same name |
/// | `level = "debug"`, `level = Level::Debug` | of the span; `"info"` otherwise |
/// | `target = "net"`, `name = "serve"` | otherwise the module path and the function's name |
/// | `parent = &span`, `follows_from = causes` | as in `span!`; `causes` is iterated over |
/// | `err`, `err(Debug)`, `err(level = "warn")` | logs an error that the function returns, at level ERROR |
/// | `ret`, `ret(Display)`, `ret(level = "debug")` | logs what it returns, with `err` only an `Ok` |
/// | `crate = path` | the path of `stenolog`, if that is not `::stenolog` |
///
/// Anything else is a compile error.
///
/// ```ignore
/// #[stenolog::instrument(skip(body), fields(bytes = body.len()), err)]
/// async fn serve(path: &str, body: Vec<u8>) -> io::Result<()> { Ok(()) }
/// ```
#[proc_macro_attribute]
pub fn instrument(options: TokenStream, function: TokenStream) -> TokenStream {
    instrument::expand(options.into(), function.into()).into()
}

/// Makes a function a test that is given what it logs, a `stenolog::testing::Captured`.
///
/// The records of all threads and tasks are captured, because the test has the global logger; such tests run one
/// after the other. If the test fails, by a panic or by returning an error, what it logged is printed.
/// `crate = path` names the path of `stenolog`, if that is not `::stenolog`. Other attributes of tests, such as
/// `#[should_panic]`, go below it.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(arguments.into(), item.into()).into()
}

/// Records a struct or an enum as typed values, field by field.
///
/// The type of every field must be recordable itself: a number, a string, an `Option`, an array, another type
/// with this derive, one with `stenolog::AsRecord` … The decoder prints the value as `#[derive(Debug)]` would,
/// and as nested JSON.
///
/// # Attributes
///
/// `#[record(crate = path)]` on the type names the path of `stenolog`, if that is not `::stenolog`. Each field
/// takes at most one of these, and optionally `rename`:
///
/// | attribute | the field is |
/// |---|---|
/// | `skip` | left out; it may have any type |
/// | `redact` | shown as `[redacted]` in text and JSON; the value is never read, and neither its bytes nor its length are in the dump; it may have any type |
/// | `display`, `debug` | its text with `{}` or `{:?}`, formatted at the call |
/// | `hex` | text: an integer as with `{:#x}`, bytes as two digits each |
/// | `ascii` | text: bytes, with `\x..` for those that are not printable ASCII |
/// | `recursive` | recorded with its own description, because its type contains the type of the field; not needed where the field names that type |
/// | `with = path` | the result of the function at `path`, called with a reference to the field; the result's type must be recordable |
/// | `rename = "name"` | shown under this name in text and JSON; not in tuples |
///
/// An unknown, repeated or contradictory attribute is a compile error. Messages print the recorded value, even
/// with `{:?}`: a redacted field is redacted there, and a renamed one has its new name. (`{}` uses the type's
/// own `Display`.)
///
/// A type may contain itself (`Option<Box<Node>>`, `Vec<Self>`). Such a field costs more than others, as it is
/// described with each record, and is recorded up to 24 levels deep.
///
/// A type with `display`, `debug`, `hex`, `ascii`, `with` or `recursive`, or with a field that is recorded through
/// `AsRecord`, is assembled in a buffer at the call, which is on the stack up to 192 bytes. All others are
/// written without a copy.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(tokens: TokenStream) -> TokenStream {
    derive::expand(tokens.into()).into()
}
