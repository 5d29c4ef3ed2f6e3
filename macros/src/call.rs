//! Logging calls: `info!` and the like.

mod expand;
mod message;
mod model;
mod parse;
mod slot;
mod span;

use proc_macro2::TokenStream;
use quote::quote;

/// Expands a call to its encoder.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    syn::parse2(tokens).and_then(|call| checked(&call)).unwrap_or_else(|error| {
        let errors = error.into_compile_error();
        // A block makes one expression of several errors, with the type of a call.
        quote!({ #errors })
    })
}

/// Expands `span!` and its level forms.
pub(crate) fn expand_span(tokens: TokenStream) -> TokenStream {
    let call = syn::parse2(tokens);
    call.and_then(|span::SpanCall(call)| checked(&call)).unwrap_or_else(|error| {
        let errors = error.into_compile_error();
        quote!({ #errors })
    })
}

/// Expands `record!`.
pub(crate) fn expand_record(tokens: TokenStream) -> TokenStream {
    let call = syn::parse2(tokens);
    call.and_then(|span::RecordCall(call)| checked(&call)).unwrap_or_else(|error| {
        let errors = error.into_compile_error();
        quote!({ #errors })
    })
}

fn checked(call: &parse::Call) -> syn::Result<TokenStream> {
    Ok(expand::expand(&model::CallSite::check(call)?))
}
