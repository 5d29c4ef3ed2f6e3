//! The future that a function makes in its last expression, without being `async` itself.
//!
//! ```text
//!   async move { … }                what `impl Future` is made of
//!   Box::pin(async move { … })      a boxed one, as `async_trait` writes it
//!   async move { … }.boxed()        as `futures` writes it
//! ```
//!
//! It is found in the tokens: to parse every body would cost compile time.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{ReturnType, Type};

use super::expand::has_name;

/// A body whose last expression is an `async` block.
pub(super) struct Made {
    /// The statements before that expression, and the expression up to the block.
    before: TokenStream,
    /// What is in the block.
    pub(super) content: TokenStream,
    /// The end of the block.
    pub(super) end: Span,
    around: Around,
}

/// What is around the block, at its end.
enum Around {
    Nothing,
    /// The arguments of `Box::pin`.
    Arguments(Group),
    /// `.boxed()`
    Method(TokenStream),
}

impl Made {
    /// The future that a body makes, if it ends with one.
    pub(super) fn find(body: &TokenStream) -> Option<Self> {
        let tokens: Vec<_> = body.clone().into_iter().collect();
        match tokens.as_slice() {
            [before @ .., TokenTree::Group(group)]
                if group.delimiter() == Delimiter::Parenthesis && is_box_pin(before) =>
            {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let inner = match inner.as_slice() {
                    [inner @ .., TokenTree::Punct(comma)] if comma.as_char() == ',' => inner,
                    inner => inner,
                };
                let block = block(inner).filter(|(before, _)| is_start(before))?;
                Some(Self::new(before, block, Around::Arguments(group.clone())))
            }
            [before @ .., TokenTree::Punct(dot), TokenTree::Ident(name), arguments]
                if dot.as_char() == '.' && (name == "boxed" || name == "boxed_local") =>
            {
                let method = quote!(#dot #name #arguments);
                let block = block(before).filter(|(before, _)| is_start(before))?;
                Some(Self::new(block.0, block, Around::Method(method)))
            }
            tokens => {
                let block = block(tokens).filter(|(before, _)| is_start(before))?;
                Some(Self::new(block.0, block, Around::Nothing))
            }
        }
    }

    fn new(before: &[TokenTree], (_, block): (&[TokenTree], &Group), around: Around) -> Self {
        let before = before.iter().cloned().collect();
        Self { before, content: block.stream(), end: block.span_close(), around }
    }

    /// The body with another content of the block, which owns what it uses: it outlives the call.
    pub(super) fn with(&self, content: &TokenStream) -> TokenStream {
        let before = &self.before;
        match &self.around {
            Around::Nothing => quote!(#before async move { #content }),
            Around::Arguments(group) => {
                let mut arguments =
                    Group::new(Delimiter::Parenthesis, quote!(async move { #content }));
                arguments.set_span(group.span());
                quote!(#before #arguments)
            }
            Around::Method(method) => quote!(#before async move { #content } #method),
        }
    }
}

/// The `async` block at the end of tokens, and what is before it.
fn block(tokens: &[TokenTree]) -> Option<(&[TokenTree], &Group)> {
    let (TokenTree::Group(block), before) = tokens.split_last()? else { return None };
    let before = match before.split_last()? {
        (TokenTree::Ident(word), before) if word == "move" => before,
        _ => before,
    };
    let (word, before) = before.split_last()?;
    let is_async = matches!(word, TokenTree::Ident(word) if word == "async");
    (is_async && block.delimiter() == Delimiter::Brace).then_some((before, block))
}

/// Whether an expression begins after these tokens, and with it the last statement.
fn is_start(before: &[TokenTree]) -> bool {
    match before.last() {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Ident(word)) => word == "return",
        // The end of a block, of a macro call in braces, or of an attribute.
        Some(TokenTree::Group(group)) => {
            group.delimiter() == Delimiter::Brace || group.delimiter() == Delimiter::Bracket
        }
        Some(TokenTree::Literal(_)) => false,
    }
}

/// Whether tokens end with `Box::pin`, and the last statement begins with that path.
fn is_box_pin(tokens: &[TokenTree]) -> bool {
    let is_colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    let [before @ .., TokenTree::Ident(of), a, b, TokenTree::Ident(function)] = tokens else {
        return false;
    };
    if of != "Box" || function != "pin" || !is_colon(a) || !is_colon(b) {
        return false;
    }
    // `std::boxed::Box`, `::std::boxed::Box`
    let mut before = before;
    while let [rest @ .., a, b] = before
        && is_colon(a)
        && is_colon(b)
    {
        before = match rest {
            [rest @ .., TokenTree::Ident(word)] if word != "return" => rest,
            rest => rest,
        };
    }
    is_start(before)
}

/// What the future yields, by the type that the function returns: `Output = T`, `BoxFuture<'_, T>`.
pub(super) fn output(of: &ReturnType) -> Option<Type> {
    let ReturnType::Type(_, ty) = of else { return None };
    let ty = after_output(&ty.to_token_stream().into_iter().collect::<Vec<_>>())?;
    syn::parse2(ty).ok().filter(has_name)
}

fn after_output(tokens: &[TokenTree]) -> Option<TokenStream> {
    let is = |token: &TokenTree, char: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == char);
    for (at, token) in tokens.iter().enumerate() {
        let found = match token {
            TokenTree::Group(group) => {
                after_output(&group.stream().into_iter().collect::<Vec<_>>())
            }
            TokenTree::Ident(word) if word == "Output" => match &tokens[at + 1..] {
                [equals, rest @ ..] if is(equals, '=') => Some(argument(rest)),
                _ => None,
            },
            TokenTree::Ident(word) if word == "BoxFuture" || word == "LocalBoxFuture" => {
                match &tokens[at + 1..] {
                    [open, tick, _, comma, rest @ ..]
                        if is(open, '<') && is(tick, '\'') && is(comma, ',') =>
                    {
                        Some(argument(rest))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The argument of a generic type at the beginning of tokens.
fn argument(tokens: &[TokenTree]) -> TokenStream {
    let mut depth = 0;
    let mut before = ' ';
    let mut goes_on = |token: &&TokenTree| {
        let TokenTree::Punct(punct) = token else {
            before = ' ';
            return true;
        };
        let char = punct.as_char();
        match char {
            '<' => depth += 1,
            // Not that of `->`.
            '>' if before != '-' => depth -= 1,
            ',' if depth == 0 => depth = -1,
            _ => {}
        }
        before = char;
        depth >= 0
    };
    tokens.iter().take_while(|token| goes_on(token)).cloned().collect()
}

#[cfg(test)]
mod tests;
