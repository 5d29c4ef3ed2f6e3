//! The derive macro `Record`.

mod attributes;
mod expand;
mod model;

use proc_macro2::TokenStream;

/// Expands a type to its implementations.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let checked = |input: &syn::DeriveInput| Ok(expand::expand(&model::Record::check(input)?));
    syn::parse2(tokens)
        .and_then(|input| checked(&input))
        .unwrap_or_else(syn::Error::into_compile_error)
}
