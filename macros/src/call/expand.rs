//! Expansion of a call: from the model to tokens.
//!
//! ```text
//! {
//!     static __STENOLOG_SITE: Site = Site::new(&Meta { .. });
//!     if compiled::INFO && __STENOLOG_SITE.is_enabled() {
//!         match (&(order.id), &(price)) {
//!             (__stenolog_0, __stenolog_1) => {
//!                 if false { let _ = format_args!("order {} @ {:.2}", *__stenolog_0, *__stenolog_1); }
//!                 emit(&__STENOLOG_SITE, Now, (
//!                     display(&*__stenolog_0, 0, 0),
//!                     (exact(&*__stenolog_1, 0, 0, by::Display, |x| Text::new(format_args!("{:.2}", x))), ()),
//!                 ));
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! The `format_args!` never runs; rustc checks the format string by it. Its errors about an argument are about
//! `*__stenolog_0`, whose two tokens have the spans of the first and the last token of the caller's expression.
//!
//! Variables are hygienic, but a pattern that names an item of the caller means the item, and items cannot be
//! hygienic. Hence the long names. Everything else is named by its path from `$crate`, and there are no method
//! calls, which could resolve to a trait of the caller.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use stenolog_format::shape::Role;
use stenolog_format::template::Trait;
use syn::spanned::Spanned;

use super::message::TextPart;
use super::model::{At, CallSite, Rate, SUPPRESSED, Severity, Target, Text};
use super::parse::{FieldName, Kind, Piece, Sigil};
use super::slot::{Amount, Capture, Input, Print, Slot, render_spec};
use super::span;
use crate::respan::respan;

/// The expression that a call expands to.
pub(super) fn expand(site: &CallSite<'_>) -> TokenStream {
    let krate = site.krate;
    let private = quote!(#krate::__private);
    if let Text::Refused(tokens) = site.message {
        // The constant makes it an error if it is not one already.
        return quote!({
            let _ = #private::format_args!(#tokens);
            const { #private::unreadable_format_string() };
        });
    }
    let Names { prepare, enabled, is_pattern, site: name } = names(site, &private);
    if let Kind::Question = site.kind {
        let answer = if is_pattern { quote!(if #enabled { true } else { false }) } else { enabled };
        return quote!({
            #prepare
            #answer
        });
    }
    let check = check(site, &private);
    let time = match &site.at {
        Some(At { value, .. }) => respan(&local("at").into_token_stream(), value.span()),
        None => quote!(#private::Now),
    };
    let values: Vec<_> = site.slots.iter().map(|slot| value(site, slot, &private)).collect();
    let emit = |values: &[TokenStream]| {
        let args = list(values, &private);
        // With the hygiene of the arguments' spans; otherwise rustc points at the whole call.
        let emit = in_parentheses(quote!(#private::emit), Span::mixed_site());
        let args = in_parentheses(quote!(#name, #time, #args), Span::mixed_site());
        quote!(#emit #args)
    };
    match site.kind {
        Kind::Span(_) => {
            let then = span::begin(site, &emit(&values), &private);
            let then = evaluate(site, &private, &then);
            return span::whole(&prepare, &enabled, &then, &private);
        }
        Kind::Record(of) => {
            let emit = span::at_home(&emit(&values), &private);
            let then = evaluate(site, &private, &quote!(#emit;));
            return span::record(of, &prepare, &then, &private);
        }
        Kind::Event | Kind::Question => {}
    }
    let unused = unused(site, &private);
    let then = match &site.rate {
        Some(rate) => {
            let held_back = local("held_back");
            let with = |value: TokenStream| emit(&[&values[..], &[value]].concat());
            let first = with(quote!(#private::capture::LeftOut));
            let later = with(quote!(#private::capture::Suppressed(#held_back)));
            let emit = quote!(#check if #held_back == 0 { #first } else { #later });
            let then = evaluate(site, &private, &emit);
            limited(rate, &name, &quote!(#unused #then), &private)
        }
        None => {
            let emit = emit(&values);
            let then = evaluate(site, &private, &quote!(#check #emit;));
            quote!(#unused #then)
        }
    };
    quote!({
        #prepare
        if #enabled { #then }
    })
}

/// Does what `then` says if the limit admits the call.
fn limited(
    Rate { key, value }: &Rate<'_>,
    site: &TokenStream,
    then: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let held_back = local("held_back");
    let decide = Ident::new(&key.to_string(), Span::mixed_site());
    quote! {
        static __STENOLOG_RATE: #private::Rate = #private::Rate::new();
        if let #private::Option::Some(#held_back) =
            #private::Rate::#decide(&__STENOLOG_RATE, #site, #value)
        {
            #then
        }
    }
}

/// The id of an explicit parent; and a name, which `tracing` takes: it is evaluated, and checked by rustc.
fn unused(site: &CallSite<'_>, private: &TokenStream) -> TokenStream {
    let id = local("id");
    let parent = site.parent.map(|parent| {
        let parent = span::parent(parent, private);
        quote!(let #id = #parent;)
    });
    let name = site.name.map(|name| quote!(let _ = &(#name);));
    quote!(#parent #name)
}

/// The most values in one nested list. Further ones form lists of their own, so resolving their traits
/// stays within rustc's recursion limit.
const LIST: usize = 16;

/// `(a, (b, ()))`
fn list(values: &[TokenStream], private: &TokenStream) -> TokenStream {
    let (first, rest) = values.split_at(values.len().min(LIST));
    let end = if rest.is_empty() {
        quote!(())
    } else {
        rest.chunks(LIST).rev().fold(quote!(()), |rest, chunk| {
            let chunk = list(chunk, private);
            quote!(#private::capture::Concat(#chunk, #rest))
        })
    };
    first
        .iter()
        .rev()
        .fold(end, |rest, value| in_parentheses(quote!(#value, #rest), Span::mixed_site()))
}

/// Expressions for the site, which is known now or only when the program runs.
struct Names {
    prepare: TokenStream,
    /// The condition on which the call is logged.
    enabled: TokenStream,
    /// Whether the condition is a `let`, which binds the site.
    is_pattern: bool,
    site: TokenStream,
}

fn names(site: &CallSite<'_>, private: &TokenStream) -> Names {
    let (level, name) = (local("level"), local("site"));
    let (meta_level, bind_level, compiled) = match site.level {
        Severity::Fixed(level) => {
            let compiled = format_ident!("{}", level.to_string().to_uppercase());
            (quote!(#private::Level::#level), None, quote!(#private::compiled::#compiled))
        }
        Severity::Runtime(value) => (
            quote!(#private::Level::Error),
            Some(quote!(let #level: #private::Level = #value;)),
            quote!(#private::statically_enabled(#level)),
        ),
    };
    let meta = meta(site, &meta_level, private);
    if let Some(Target::Runtime(target)) = &site.target {
        let level = if bind_level.is_some() { level.into_token_stream() } else { meta_level };
        return Names {
            prepare: quote! {
                static __STENOLOG_SITES: #private::Targets = #private::Targets::new(&#meta);
                #bind_level
            },
            enabled: quote! {
                let #private::Option::Some(#name) = if #compiled {
                    #private::Targets::find(&__STENOLOG_SITES, #level, #target)
                } else {
                    #private::Option::None
                }
            },
            is_pattern: true,
            site: name.into_token_stream(),
        };
    }
    match bind_level {
        None => Names {
            prepare: quote! {
                static __STENOLOG_SITE: #private::Site = #private::Site::new(&#meta);
            },
            enabled: quote!(#compiled && #private::Site::is_enabled(&__STENOLOG_SITE)),
            is_pattern: false,
            site: quote!(&__STENOLOG_SITE),
        },
        Some(bind_level) => Names {
            prepare: quote! {
                const __STENOLOG_METAS: [#private::Meta; 5] = #private::metas(&#meta);
                static __STENOLOG_SITES: [#private::Site; 5] = #private::sites(&__STENOLOG_METAS);
                #bind_level
                let #name = &__STENOLOG_SITES[#private::Level::index(#level)];
            },
            enabled: quote!(#compiled && #private::Site::is_enabled(#name)),
            is_pattern: false,
            site: name.into_token_stream(),
        },
    }
}

fn meta(site: &CallSite<'_>, level: &TokenStream, private: &TokenStream) -> TokenStream {
    let target = match site.target {
        Some(Target::Constant(target)) => target.to_token_stream(),
        Some(Target::Runtime(_)) | None => quote!(#private::module_path!()),
    };
    let template = match &site.message {
        Text::Template { text, message } => {
            let text = template(text, &message.text, private);
            quote!(Some(#text))
        }
        Text::Whole(_) => {
            let at = site.slots.iter().position(|slot| slot.capture == Capture::Whole);
            let text = format!("{{{}}}", at.unwrap_or_default());
            quote!(Some(#text))
        }
        Text::None | Text::Refused(_) => match site.kind {
            Kind::Span(name) => {
                let name = span::name(name);
                quote!(Some(#name))
            }
            _ => quote!(None),
        },
    };
    let event = span::event(site, private);
    let slots = site.slots.iter().map(|Slot { name, role, .. }| {
        let role = match role {
            Role::Argument => quote!(Argument),
            Role::Field => quote!(Field),
            Role::DebugField => quote!(DebugField),
            Role::Count => quote!(Count),
        };
        let name = match name {
            FieldName::Is(name) => name.to_token_stream(),
            FieldName::Constant(name) => name.to_token_stream(),
        };
        quote!(#private::SlotMeta { name: #name, role: #private::Role::#role })
    });
    let suppressed = site
        .rate
        .as_ref()
        .map(|_| quote!(#private::SlotMeta { name: #SUPPRESSED, role: #private::Role::Field }));
    let slots = slots.chain(suppressed);
    quote!(#private::Meta {
        level: #level,
        target: #target,
        module: #private::module_path!(),
        file: #private::file!(),
        line: #private::line!(),
        column: #private::column!(),
        template: #private::Option::#template,
        slots: &[#(#slots),*],
        event: #private::Option::#event,
    })
}

/// The template. Text that only rustc knows is concatenated by rustc.
fn template(text: &[TextPart], pieces: &[Piece], private: &TokenStream) -> TokenStream {
    if let [TextPart::Is(text)] = text {
        return text.to_token_stream();
    }
    let parts = text.iter().map(|part| match part {
        TextPart::Is(text) => text.to_token_stream(),
        TextPart::Opaque(index) => match &pieces[*index] {
            Piece::Literal(literal) => literal.to_token_stream(),
            Piece::Opaque(tokens) => tokens.clone(),
        },
    });
    quote!(#private::concat!(#(#parts),*))
}

/// Evaluates everything that the caller wrote, once and in order, then runs `then`.
fn evaluate(site: &CallSite<'_>, private: &TokenStream, then: &TokenStream) -> TokenStream {
    let mut values = Vec::new();
    let mut names = Vec::new();
    for (index, input) in site.inputs.iter().enumerate() {
        values.push(borrow(input));
        names.push(input_name(index).into_token_stream());
    }
    if let Some(at) = &site.at {
        let value = at.value;
        values.insert(at.inputs_before, quote!(#private::at(#value)));
        names.insert(at.inputs_before, local("at").into_token_stream());
    }
    if values.is_empty() {
        return then.clone();
    }
    quote!(match (#(#values,)*) { (#(#names,)*) => { #then } })
}

/// `&(value)`, with the span of the value.
fn borrow(input: &Input<'_>) -> TokenStream {
    let (first, last) = input.spans();
    let value = match input {
        Input::Field(field) => field.value.clone(),
        Input::Argument(arg) => arg.value.to_token_stream(),
        Input::Captured(ident) => ident.to_token_stream(),
    };
    let mut value = Group::new(Delimiter::Parenthesis, value);
    value.set_span(Span::call_site().located_at(last));
    [respan(&quote!(&), first), value.into_token_stream()].into_iter().collect()
}

/// A variable of the macro. Hygiene keeps it apart from the caller's variables, but not from the caller's
/// items: a pattern that names a constant or a static means that item.
pub(super) fn local(name: &str) -> Ident {
    format_ident!("__stenolog_{name}", span = Span::mixed_site())
}

fn input_name(index: usize) -> Ident {
    local(&index.to_string())
}

/// The format string as the caller wrote it, in code that never runs, for rustc to check.
fn check(site: &CallSite<'_>, private: &TokenStream) -> TokenStream {
    let Text::Template { message, .. } = &site.message else { return TokenStream::new() };
    let args = format_arguments(site);
    if args.is_empty() && matches!(&*message.text, [Piece::Literal(_)]) {
        return args;
    }
    let format = &message.format;
    quote!(if false {
        let _ = #private::format_args!(#format #args);
    })
}

/// The arguments of the format string, evaluated.
fn format_arguments(site: &CallSite<'_>) -> TokenStream {
    let mut args = TokenStream::new();
    for (index, input) in site.inputs.iter().enumerate() {
        let name = match input {
            Input::Field(_) => continue,
            Input::Argument(arg) => arg.name.as_ref(),
            Input::Captured(ident) => Some(ident),
        };
        let name = name.map(|name| quote!(#name =));
        let value = Place::of(site, index).value();
        args.extend(quote!(, #name #value));
    }
    args
}

/// The value that a slot records.
fn value(site: &CallSite<'_>, slot: &Slot, private: &TokenStream) -> TokenStream {
    if let (Capture::Whole, Text::Whole(message)) = (slot.capture, &site.message) {
        let (format, args) = (&message.format, format_arguments(site));
        return quote!(#private::capture::message(#private::Text::new(#private::format_args!(#format #args))));
    }
    if let Capture::Hidden(word) = slot.capture {
        return span::hidden(word, private);
    }
    let place = Place::of(site, slot.input);
    let value = place.borrowed();
    let (function, questions, rest) = match slot.capture {
        Capture::Count | Capture::Whole | Capture::Hidden(_) => {
            return place.call(&quote!(#private::capture), "count", &value);
        }
        Capture::Field(Sigil::None) => ("field", FIELD, None),
        Capture::Field(Sigil::Debug) => ("debug_field", DEBUG_FIELD, None),
        Capture::Field(Sigil::Display) => ("display_field", DISPLAY_FIELD, None),
        Capture::Print(print) => {
            let (function, questions, by) = match print.spec.format {
                Trait::Display if print.is_plain() => ("display", EXACT, None),
                Trait::Debug if print.is_plain() => ("debug", DEBUG, None),
                Trait::Debug | Trait::DebugLowerHex | Trait::DebugUpperHex => {
                    ("debug_with", DEBUG, None)
                }
                Trait::Pointer => ("pointer", POINTER, None),
                Trait::Display => ("exact", EXACT, Some("Display")),
                Trait::LowerHex => ("exact", EXACT, Some("LowerHex")),
                Trait::UpperHex => ("exact", EXACT, Some("UpperHex")),
                Trait::Octal => ("exact", EXACT, Some("Octal")),
                Trait::Binary => ("exact", EXACT, Some("Binary")),
                Trait::LowerExp => ("exact", EXACT, Some("LowerExp")),
                Trait::UpperExp => ("exact", EXACT, Some("UpperExp")),
            };
            let printed = local("printed");
            let is_short = matches!(function, "display" | "debug");
            let by =
                by.map(|by| format_ident!("{by}")).map(|by| quote!(, #private::capture::by::#by));
            let text = (!is_short)
                .then(|| text(site, &print, private))
                .map(|text| quote!(, |#printed| #text));
            (function, questions, Some(quote!(#by #text)))
        }
    };
    // Literals whose types are settled by the dispatch.
    let open = std::iter::repeat_n(Literal::u8_unsuffixed(0), questions);
    place.call(&quote!(#private::capture), function, &quote!(#value #(, #open)* #rest))
}

// How many questions `capture` asks of an argument, by what it is.
const FIELD: usize = 13;
const DEBUG_FIELD: usize = 4;
const DISPLAY_FIELD: usize = 4;
const EXACT: usize = 2;
const DEBUG: usize = 4;
const POINTER: usize = 1;

/// The spans of a value of the caller. Tokens with these spans share a hygiene: rustc points at the whole call
/// if an expression ends in another hygiene than it begins in.
struct Place {
    input: usize,
    first: Span,
    last: Span,
}

impl Place {
    fn of(site: &CallSite<'_>, input: usize) -> Self {
        let (first, last) = site.inputs[input].spans();
        let here = |span: Span| span.resolved_at(Span::mixed_site());
        Self { input, first: here(first), last: here(last) }
    }

    /// `*a0`, with the spans of the caller's expression.
    fn value(&self) -> TokenStream {
        let mut name = input_name(self.input);
        name.set_span(self.last);
        [self.punct('*'), TokenTree::from(name)].into_iter().collect()
    }

    /// `&*a0`, likewise.
    fn borrowed(&self) -> TokenStream {
        [self.punct('&')].into_iter().chain(self.value()).collect()
    }

    fn punct(&self, char: char) -> TokenTree {
        let mut punct = Punct::new(char, Spacing::Alone);
        punct.set_span(self.first);
        punct.into()
    }

    /// `(path::function)(args)`, likewise.
    fn call(&self, path: &TokenStream, function: &str, args: &TokenStream) -> TokenStream {
        let function = Ident::new(function, self.first);
        let path = respan(path, self.first);
        let function = in_parentheses(quote!(#path::#function), self.first);
        let args = in_parentheses(args.clone(), self.last);
        quote!(#function #args)
    }
}

fn in_parentheses(tokens: TokenStream, at: Span) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(at);
    group.into_token_stream()
}

/// Formats `x` at the call as the placeholder requests.
fn text(site: &CallSite<'_>, print: &Print, private: &TokenStream) -> TokenStream {
    let mut counts = Vec::new();
    for amount in [print.width, print.precision].into_iter().flatten() {
        if let Amount::Input(input) = amount
            && !counts.contains(&input)
        {
            counts.push(input);
        }
    }
    let place = |input| counts.iter().position(|it| *it == input).map_or(0, |index| index + 1);
    let spec = render_spec(print, |input| format!("{}$", place(input)));
    let literal = Literal::string(&format!("{{0:{spec}}}"));
    let counts = counts.iter().map(|&input| {
        let value = Place::of(site, input).value();
        quote!(, #value)
    });
    let printed = local("printed");
    quote!(#private::Text::new(#private::format_args!(#literal, #printed #(#counts)*)))
}
