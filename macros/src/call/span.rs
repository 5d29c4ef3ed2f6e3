//! `span!`, its level forms and `record!`: their syntax, and what their expansions have besides those of a logging call.
//!
//! ```text
//! {
//!     static __STENOLOG_SITE: Site = ..;
//!     if compiled::INFO && __STENOLOG_SITE.is_enabled() {
//!         match (&(order_id),) {
//!             (__stenolog_0,) => {
//!                 let __stenolog_span = Beginning::new();
//!                 emit(&__STENOLOG_SITE, Now, (hidden(__stenolog_span.id), .., (field(..), ())));
//!                 Beginning::enter(__stenolog_span)
//!             }
//!         }
//!     } else {
//!         Span::none()
//!     }
//! }
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, Ident, Lit, Token};

use super::expand::local;
use super::model::CallSite;
use super::parse::{
    Call, Field, FieldName, Kind, Level, Message, Piece, Sigil, is_key, parse_comma,
};
use super::slot::Hidden;

/// `$crate span …`, `$crate Info …`: the macro that was called, then its tokens.
pub(super) struct SpanCall(pub(super) Call);

impl Parse for SpanCall {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate = input.call(Ident::parse_any)?;
        let word = input.call(Ident::parse_any)?;
        // The name is not known yet.
        let mut call = Call::new(krate, Kind::Event);
        let mut level = (word != "span").then_some(Level::Fixed(word));
        let is_level_fixed = level.is_some();
        parse_keys(input, &mut call, &mut level)?;
        if !is_level_fixed && level.is_none() && !is_name(input) && !input.is_empty() {
            // As `tracing` has it.
            level = Some(constant(input.parse()?));
            parse_comma(input, "the level")?;
            parse_keys(input, &mut call, &mut None)?;
        }
        if input.is_empty() {
            return Err(input.error("expected the name of the span: `span!(\"name\", …)`"));
        }
        call.kind = Kind::Span(input.parse()?);
        parse_comma(input, "the name of the span")?;
        call.level = level.unwrap_or_else(|| Level::Fixed(Ident::new("Info", Span::call_site())));
        call.parse_rest(input)?;
        call.fields.extend(call.message.take().map(field));
        Ok(Self(call))
    }
}

/// A message as the field that it is in `tracing`.
fn field(message: Message) -> Field {
    let is_plain = match (&*message.text, &message.args) {
        ([Piece::Literal(text)], Some(args)) => {
            args.is_empty() && !text.value().contains(['{', '}'])
        }
        _ => false,
    };
    let tokens = match is_plain {
        true => message.format,
        false => {
            let tokens = message.tokens;
            quote!(::core::format_args!(#tokens))
        }
    };
    let name = FieldName::Is("message".to_owned());
    Field { name, span: message.span, sigil: Sigil::None, value: tokens }
}

/// `$crate …`, then the span and its fields.
pub(super) struct RecordCall(pub(super) Call);

impl Parse for RecordCall {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate = input.call(Ident::parse_any)?;
        let of = input.parse()?;
        parse_comma(input, "the span")?;
        let mut call = Call::new(krate, Kind::Record(of));
        call.level = Level::Fixed(Ident::new("Trace", Span::call_site()));
        call.parse_rest(input)?;
        Ok(Self(call))
    }
}

/// `level:`, `target:`, `parent:` …
fn parse_keys(
    input: ParseStream<'_>,
    call: &mut Call,
    level: &mut Option<Level>,
) -> syn::Result<()> {
    while is_key(input) {
        let ahead = input.fork().call(Ident::parse_any)?;
        if ahead != "level" {
            call.parse_key(input)?;
            continue;
        }
        if level.is_some() {
            return Err(syn::Error::new(ahead.span(), "the level is given twice"));
        }
        input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        *level = Some(constant(input.parse()?));
        parse_comma(input, "the level")?;
    }
    Ok(())
}

/// A literal or a macro: what is not a level.
fn is_name(input: ParseStream<'_>) -> bool {
    matches!(input.fork().parse(), Ok(Expr::Lit(_) | Expr::Macro(_)))
}

/// `Level::Debug` and `Level::DEBUG` are known now, other levels when the program runs.
fn constant(level: Expr) -> Level {
    let path = match &level {
        Expr::Path(path) => &path.path.segments,
        _ => return Level::Runtime(Box::new(level)),
    };
    let mut names = path.iter().rev().map(|segment| segment.ident.to_string());
    let last = names.next().unwrap_or_default();
    let known = ["Error", "Warn", "Info", "Debug", "Trace"];
    let variant = known.into_iter().find(|name| last == *name || last == name.to_uppercase());
    match variant {
        Some(variant) if names.next().is_some_and(|name| name == "Level") => {
            Level::Fixed(Ident::new(variant, Span::call_site()))
        }
        _ => Level::Runtime(Box::new(level)),
    }
}

/// The name as a template: braces stand for themselves. The text of a macro or a constant is known to rustc only.
pub(super) fn name(name: &Expr) -> TokenStream {
    match name {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let doubled = text.value().replace('{', "{{").replace('}', "}}");
            syn::LitStr::new(&doubled, text.span()).into_token_stream()
        }
        Expr::Group(group) => self::name(&group.expr),
        name => name.to_token_stream(),
    }
}

/// What the records of the call site are.
pub(super) fn event(site: &CallSite<'_>, private: &TokenStream) -> TokenStream {
    let event = match site.kind {
        Kind::Span(_) => quote!(NewEntered),
        Kind::Record(_) => quote!(Record),
        Kind::Event if site.parent.is_some() => quote!(Of),
        Kind::Event | Kind::Question => return quote!(None),
    };
    quote!(Some(#private::span::SpanEvent::#event))
}

/// The id of a parent.
pub(super) fn parent(parent: &Expr, private: &TokenStream) -> TokenStream {
    match parent {
        Expr::Path(path) if path.path.is_ident("None") => quote!(#private::span::NO_SPAN),
        parent => quote!(#private::span::parent_of(&(#parent), 0)),
    }
}

/// A hidden word.
pub(super) fn hidden(word: Hidden, private: &TokenStream) -> TokenStream {
    let name = match word {
        Hidden::Id => "id",
        Hidden::Parent => "parent",
        Hidden::Depth => "depth",
    };
    let name = local(name);
    quote!(#private::span::hidden(#name))
}

/// Begins a span, logs that, and enters it.
pub(super) fn begin(site: &CallSite<'_>, emit: &TokenStream, private: &TokenStream) -> TokenStream {
    let [span, id, parent, depth] = ["span", "id", "parent", "depth"].map(local);
    let beginning = match site.parent {
        Some(value) => {
            let value = self::parent(value, private);
            quote!(#private::span::Beginning::child_of(#value))
        }
        None => quote!(#private::span::Beginning::new()),
    };
    quote! {
        let #span = #beginning;
        let (#id, #parent, #depth) = #private::span::Beginning::words(#span);
        #emit;
        #private::span::Beginning::enter(#span)
    }
}

/// The whole of `span!`.
pub(super) fn whole(
    prepare: &TokenStream,
    enabled: &TokenStream,
    then: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    quote!({
        #prepare
        if #enabled { #then } else { #private::span::Span::none() }
    })
}

/// Logs an event of a span where that began. The arguments have been evaluated.
pub(super) fn at_home(emit: &TokenStream, private: &TokenStream) -> TokenStream {
    let id = local("id");
    quote!(#private::span::at_home(#id, || #emit))
}

/// The whole of `record!`.
pub(super) fn record(
    of: &Expr,
    prepare: &TokenStream,
    then: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let id = local("id");
    quote!({
        #prepare
        let #id = #private::span::SpanId::get(#private::span::SpanRef::span_id(&(#of)));
        if #id != #private::span::NO_SPAN {
            #then
        }
    })
}
