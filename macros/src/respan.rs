//! Spans: the macros' own tokens at places of the caller's, where rustc then points.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Moves tokens to a place of the caller's. They resolve as before.
pub(crate) fn respan(tokens: &TokenStream, at: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), respan(&group.stream(), at)).into();
        }
        token.set_span(token.span().located_at(at));
        token
    });
    tokens.collect()
}
