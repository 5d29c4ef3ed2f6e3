//! Tokens of ours in places of the caller's, so that rustc points there.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Moves tokens to where the caller wrote something; what they mean stays as it is.
pub(crate) fn locate(tokens: &TokenStream, at: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), locate(&group.stream(), at)).into();
        }
        token.set_span(token.span().located_at(at));
        token
    });
    tokens.collect()
}
