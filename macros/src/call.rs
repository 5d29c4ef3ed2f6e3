//! Logging calls: `info!` and the like.

mod expand;
mod message;
mod model;
mod parse;
mod slot;

use proc_macro2::TokenStream;
use quote::quote;

/// Expands a call to its encoder.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let checked = |call: &parse::Call| Ok(expand::expand(&model::CallSite::check(call)?));
    syn::parse2(tokens).and_then(|call| checked(&call)).unwrap_or_else(|error| {
        let errors = error.into_compile_error();
        // A block makes one expression of several errors, with the type of a call.
        quote!({ #errors })
    })
}
