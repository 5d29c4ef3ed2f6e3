//! Expansion of `#[instrument]`.
//!
//! ```text
//! fn f(a: A) -> R {                             async fn f(a: A) -> R {
//!     let __stenolog_span = span!("f", a);          let __stenolog_span = span!("f", a);
//!     body                                          Span::within(__stenolog_span, async move { body }).await
//! }                                             }
//! ```
//!
//! A function that is not `async` but makes a future in its last expression has the second form in the block of that
//! expression, for each poll to be in the span.
//!
//! With `err` or `ret` the body is in a closure, or in the future, and its result is looked at afterwards, in the span.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, ReturnType, Type};

use super::future::{self, Made};
use super::parse::{Form, Function, Options, Outcome, stated_names};
use crate::errors::Errors;

pub(super) fn expand(options: &Options, function: &Function) -> syn::Result<TokenStream> {
    check(options, function)?;
    let Function { attributes, visibility, signature, body, end } = function;
    let krate = match &options.krate {
        Some(path) => path.to_token_stream(),
        None => quote!(::stenolog),
    };
    let name = Ident::new("__stenolog_span", Span::mixed_site());
    let span = span(options, function, &krate);
    let follows = options.follows_from.as_ref().map(|causes| {
        quote! {
            for cause in #causes {
                #krate::Span::follows_from(&#name, cause);
            }
        }
    });
    let begin = quote!(let #name = #span; #follows);
    let told = outcome(options, &krate);
    let made = signature.asyncness.is_none().then(|| Made::find(body)).flatten();
    let body = match (&made, &signature.output) {
        (Some(made), output) => {
            let typed = future::output(output).map(|ty| typed(&ty, made.end));
            let inside = within(&made.content, typed.as_ref(), told, &name, &krate);
            made.with(&quote!(#begin #inside))
        }
        (None, output) if signature.asyncness.is_some() => {
            let typed = result(output).map(|ty| typed(&ty, *end));
            let inside = within(body, typed.as_ref(), told, &name, &krate);
            quote!(#begin #inside)
        }
        (None, output) => match told {
            None => quote!(#begin #body),
            Some(told) => {
                let output = result(output).map(|ty| quote!(-> #ty));
                quote! {
                    #begin
                    #[allow(clippy::redundant_closure_call, reason = "`return` and `?` end the closure")]
                    let __stenolog_result = (move || #output { #body })();
                    #told
                }
            }
        },
    };
    Ok(quote! {
        #(#attributes)*
        #visibility #signature {
            #body
        }
    })
}

/// The type of the result, if it can be written in a body.
fn result(output: &ReturnType) -> Option<TokenStream> {
    match output {
        ReturnType::Default => Some(quote!(())),
        ReturnType::Type(_, ty) => has_name(ty).then(|| ty.to_token_stream()),
    }
}

/// States the type of the result, for `return` and `?` in the body. rustc points at the end of a body that lacks a
/// value.
fn typed(ty: &impl ToTokens, end: Span) -> TokenStream {
    quote_spanned! {end=>
        #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop, clippy::let_unit_value, clippy::unreachable, clippy::needless_return, reason = "it only states a type")]
        if false {
            let __stenolog_never: #ty = loop {};
            return __stenolog_never;
        }
    }
}

/// Runs a body as a future in the span.
fn within(
    body: &TokenStream,
    typed: Option<&TokenStream>,
    told: Option<TokenStream>,
    span: &Ident,
    krate: &TokenStream,
) -> TokenStream {
    let inner = match told {
        None => quote!(#typed #body),
        Some(told) => quote! {
            let __stenolog_result = (async move { #typed #body }).await;
            #told
        },
    };
    quote!(#krate::Span::within(#span, async move { #inner }).await)
}

fn check(options: &Options, function: &Function) -> syn::Result<()> {
    let mut errors = Errors::default();
    if let Some(token) = &function.signature.constness {
        errors.push(token.span, "a `const fn` cannot log");
    }
    let parameters = function.parameters();
    for name in &options.skip {
        if !parameters.contains(name) {
            errors.push(name.span(), format!("the function has no parameter `{name}`"));
        }
    }
    if matches!(function.signature.output, ReturnType::Default) && options.err.is_some() {
        let span = function.signature.ident.span();
        errors.push(span, "`err` is for functions that return a `Result`");
    }
    errors.none_or(())
}

/// `span!(..)`
fn span(options: &Options, function: &Function, krate: &TokenStream) -> TokenStream {
    let level = match &options.level {
        Some(level) => {
            let level = self::level(level, krate);
            quote!(level: #level,)
        }
        // Stated: a constant that follows is the name.
        None => quote!(level: #krate::Level::Info,),
    };
    let target = options.target.as_ref().map(|target| quote!(target: #target,));
    let parent = options.parent.as_ref().map(|parent| quote!(parent: #parent,));
    let name = match &options.name {
        Some(name) => name.to_token_stream(),
        None => {
            let name = function.signature.ident.unraw().to_string();
            syn::LitStr::new(&name, function.signature.ident.span()).into_token_stream()
        }
    };
    let stated = stated_names(&options.fields);
    let is_field = |name: &Ident| {
        !options.skip_all
            && !options.skip.contains(name)
            && !stated.contains(&name.unraw().to_string())
    };
    let parameters = function.parameters().into_iter().filter(is_field).map(|name| {
        let text = syn::LitStr::new(&name.unraw().to_string(), name.span());
        quote!(#text = #name,)
    });
    let fields = with_empty_ones(&options.fields, krate);
    quote!(#krate::span!(#level #target #parent #name, #(#parameters)* #fields))
}

/// The fields, of which a name alone is one that is given a value later, as in `tracing`.
fn with_empty_ones(fields: &TokenStream, krate: &TokenStream) -> TokenStream {
    let is_punct = |token: &TokenTree, char: char| matches!(token, TokenTree::Punct(it) if it.as_char() == char);
    let tokens: Vec<_> = fields.clone().into_iter().collect();
    let chunks = tokens.split(|token| is_punct(token, ',')).filter(|chunk| !chunk.is_empty());
    let fields = chunks.map(|chunk| {
        let is_name = |token: &TokenTree| {
            is_punct(token, '.') || matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_))
        };
        let value = chunk.iter().all(is_name).then(|| quote!(= #krate::Empty));
        quote!(#(#chunk)* #value,)
    });
    fields.collect()
}

/// A level that the options wrote as a word is one of the crate.
fn level(level: &Expr, krate: &TokenStream) -> TokenStream {
    match level {
        Expr::Path(path)
            if path.path.segments.len() == 2 && path.path.segments[0].ident == "Level" =>
        {
            let variant = &path.path.segments[1];
            quote!(#krate::Level::#variant)
        }
        level => level.to_token_stream(),
    }
}

/// Logs `__stenolog_result` as `err` and `ret` say, and yields it.
fn outcome(options: &Options, krate: &TokenStream) -> Option<TokenStream> {
    let event = |of: &Outcome, default: &TokenStream, form: Form, field: &str, value: &Ident| {
        let level = of.level.as_ref().map(|level| self::level(level, krate));
        let level = level.unwrap_or_else(|| default.clone());
        let target = options.target.as_ref().map(|target| quote!(target: #target,));
        let value = match of.form.unwrap_or(form) {
            Form::Debug => quote!(?#value),
            Form::Display => quote!(%#value),
        };
        quote!(#krate::event!(#target #level, #field = #value))
    };
    let own = match &options.level {
        Some(level) => self::level(level, krate),
        None => quote!(#krate::Level::Info),
    };
    let value = Ident::new("__stenolog_value", Span::mixed_site());
    let ret = options.ret.as_ref().map(|ret| event(ret, &own, Form::Debug, "return", &value));
    let Some(err) = &options.err else {
        let ret = ret?;
        return Some(quote! {
            {
                let #value = &__stenolog_result;
                #ret;
            }
            __stenolog_result
        });
    };
    let err = event(err, &quote!(#krate::Level::Error), Form::Display, "error", &value);
    let ok = ret.map(|ret| quote!(::core::result::Result::Ok(#value) => { #ret; }));
    let ok = ok.unwrap_or_else(|| quote!(::core::result::Result::Ok(_) => {}));
    Some(quote! {
        match &__stenolog_result {
            #ok
            ::core::result::Result::Err(#value) => { #err; }
        }
        __stenolog_result
    })
}

/// Whether a type can be written in a `let`.
pub(super) fn has_name(ty: &Type) -> bool {
    !ty.to_token_stream().into_iter().any(|token| has_impl(&token))
}

fn has_impl(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => group.stream().into_iter().any(|token| has_impl(&token)),
        _ => false,
    }
}
