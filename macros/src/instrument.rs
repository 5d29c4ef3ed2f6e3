//! `#[instrument]`: a function, or the future that it makes, that runs in a span of its own.

mod expand;
mod future;
mod parse;

use proc_macro2::TokenStream;

/// Expands an attribute of a function to a function whose body runs in a span.
pub(crate) fn expand(options: TokenStream, function: TokenStream) -> TokenStream {
    let original = function.clone();
    let expanded = syn::parse2(options).and_then(|options: parse::Options| {
        let function: parse::Function = syn::parse2(function)?;
        expand::expand(&options, &function)
    });
    expanded.unwrap_or_else(|error| {
        // With the function, so that its callers have no errors of their own.
        let error = error.into_compile_error();
        quote::quote!(#error #original)
    })
}
