//! `#[derive(Record)]`.

mod attributes;
mod expand;
mod model;

use proc_macro2::TokenStream;

/// From the tokens of a type to the tokens that implement `Value` for it.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let checked = |input: &syn::DeriveInput| Ok(expand::expand(&model::Record::check(input)?));
    syn::parse2(tokens)
        .and_then(|input| checked(&input))
        .unwrap_or_else(syn::Error::into_compile_error)
}
