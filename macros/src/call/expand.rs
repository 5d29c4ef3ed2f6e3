//! Model in, tokens out.
//!
//! ```text
//! {
//!     static __STENOLOG_SITE: Site = Site::new(&Meta { .. });
//!     if compiled::INFO && __STENOLOG_SITE.is_enabled() {
//!         match (&(order.id), &(price)) {
//!             (a0, a1) => {
//!                 if false { let _ = format_args!("order {} @ {:.2}", *a0, *a1); }
//!                 emit(&__STENOLOG_SITE, Now, (
//!                     display(&*a0, 0, 0),
//!                     (exact(&*a1, 0, 0, by::Display, |x| Text::new(format_args!("{:.2}", x))), ()),
//!                 ));
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! The `format_args!` never runs; it is there for rustc to judge the format string by. What it
//! says about an argument it says about `*a0`, whose two tokens stand, for rustc, where the first
//! and the last token of the caller's expression stand.
//!
//! Variables are hygienic. Items cannot be, hence the long names of the statics.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use stenolog_format::dictionary::Role;
use stenolog_format::template::Trait;
use syn::spanned::Spanned;

use super::model::{
    Amount, At, CallSite, Capture, Input, Print, Severity, Slot, Text, render_spec,
};
use super::parse::Sigil;
use crate::locate::locate;

/// The expression that a call stands for.
pub(super) fn expand(site: &CallSite<'_>) -> TokenStream {
    let krate = site.krate;
    let private = quote!(#krate::__private);
    let Names { statics, prepare, enabled, site: name } = names(site, &private);
    if let Text::Refused(tokens) = site.message {
        // Should it be no error after all, the constant makes it one.
        return quote!({
            let _ = ::core::format_args!(#tokens);
            const { #private::unreadable_format_string() };
        });
    }
    let check = check(site);
    let time = match &site.at {
        Some(At { value, .. }) => locate(&local("at").into_token_stream(), value.span()),
        None => quote!(#private::Now),
    };
    let args = site.slots.iter().rev().fold(quote!(()), |rest, slot| {
        let value = value(site, slot, &private);
        in_parentheses(quote!(#value, #rest), Span::mixed_site())
    });
    // Of one hygiene with the places of the arguments, or rustc points at the whole call.
    let emit = in_parentheses(quote!(#private::emit), Span::mixed_site());
    let args = in_parentheses(quote!(#name, #time, #args), Span::mixed_site());
    let emit = quote!(#emit #args;);
    let evaluate = evaluate(site, &private, &quote!(#check #emit));
    quote!({
        #statics
        #prepare
        if #enabled {
            #evaluate
        }
    })
}

/// What names the site, which is known now or only when the program runs.
struct Names {
    statics: TokenStream,
    prepare: TokenStream,
    enabled: TokenStream,
    site: TokenStream,
}

fn names(site: &CallSite<'_>, private: &TokenStream) -> Names {
    match site.level {
        Severity::Fixed(level) => {
            let meta = meta(site, &quote!(#private::Level::#level), private);
            let compiled = format_ident!("{}", level.to_string().to_uppercase());
            Names {
                statics: quote! {
                    static __STENOLOG_SITE: #private::Site = #private::Site::new(&#meta);
                },
                prepare: TokenStream::new(),
                enabled: quote!(#private::compiled::#compiled && __STENOLOG_SITE.is_enabled()),
                site: quote!(&__STENOLOG_SITE),
            }
        }
        Severity::Runtime(value) => {
            let meta = meta(site, &quote!(#private::Level::Error), private);
            let level = local("level");
            Names {
                statics: quote! {
                    const __STENOLOG_METAS: [#private::Meta; 5] = #private::metas(&#meta);
                    static __STENOLOG_SITES: [#private::Site; 5] =
                        #private::sites(&__STENOLOG_METAS);
                },
                prepare: quote! {
                    let #level: #private::Level = #value;
                    let site = &__STENOLOG_SITES[#level.index()];
                },
                enabled: quote!(#private::statically_enabled(#level) && site.is_enabled()),
                site: quote!(site),
            }
        }
    }
}

fn meta(site: &CallSite<'_>, level: &TokenStream, private: &TokenStream) -> TokenStream {
    let target = match site.target {
        Some(target) => target.to_token_stream(),
        None => quote!(::core::module_path!()),
    };
    let template = match &site.message {
        Text::Template { text, .. } => quote!(Some(#text)),
        Text::None | Text::Refused(_) => quote!(None),
    };
    let slots = site.slots.iter().map(|Slot { name, role, .. }| {
        let role = match role {
            Role::Argument => quote!(Argument),
            Role::Field => quote!(Field),
            Role::DebugField => quote!(DebugField),
            Role::Count => quote!(Count),
        };
        quote!(#private::SlotMeta { name: #name, role: #private::Role::#role })
    });
    quote!(#private::Meta {
        level: #level,
        target: #target,
        module: ::core::module_path!(),
        file: ::core::file!(),
        line: ::core::line!(),
        column: ::core::column!(),
        template: ::core::option::Option::#template,
        slots: &[#(#slots),*],
    })
}

/// Evaluates all that the caller wrote, once and in order, then does `then`.
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

/// `&(value)`, which for rustc stands where the value stands.
fn borrow(input: &Input<'_>) -> TokenStream {
    let (first, last) = input.spans();
    let value = match input {
        Input::Field(field) => field.value.clone(),
        Input::Argument(arg) => arg.value.to_token_stream(),
        Input::Captured(ident) => ident.to_token_stream(),
    };
    let mut value = Group::new(Delimiter::Parenthesis, value);
    value.set_span(Span::call_site().located_at(last));
    [locate(&quote!(&), first), value.into_token_stream()].into_iter().collect()
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

fn input_name(index: usize) -> Ident {
    format_ident!("a{index}", span = Span::mixed_site())
}

/// The format string as the caller wrote it, in code that never runs, for rustc to judge.
fn check(site: &CallSite<'_>) -> TokenStream {
    let Text::Template { literal, .. } = &site.message else { return TokenStream::new() };
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
    if args.is_empty() {
        return args;
    }
    quote!(if false {
        let _ = ::core::format_args!(#literal #args);
    })
}

/// The value that a slot records.
fn value(site: &CallSite<'_>, slot: &Slot, private: &TokenStream) -> TokenStream {
    let place = Place::of(site, slot.input);
    let value = place.borrowed();
    let (function, questions, rest) = match slot.capture {
        Capture::Count => return place.call(&quote!(#private::pick), "count", &value),
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
            let is_short = matches!(function, "display" | "debug");
            let by = by.map(|by| format_ident!("{by}")).map(|by| quote!(, #private::pick::by::#by));
            let text =
                (!is_short).then(|| text(site, &print, private)).map(|text| quote!(, |x| #text));
            (function, questions, Some(quote!(#by #text)))
        }
    };
    // Literals whose types `pick` settles.
    let open = std::iter::repeat_n(Literal::u8_unsuffixed(0), questions);
    place.call(&quote!(#private::pick), function, &quote!(#value #(, #open)* #rest))
}

// How many questions `pick` asks of an argument, by what it is.
const FIELD: usize = 11;
const DEBUG_FIELD: usize = 4;
const DISPLAY_FIELD: usize = 4;
const EXACT: usize = 2;
const DEBUG: usize = 4;
const POINTER: usize = 1;

/// Where the caller wrote a value. Tokens of ours that stand there are of one hygiene: rustc points at
/// the whole call if an expression ends in another one than it began in.
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

    /// `*a0`, which for rustc stands where the caller's expression stands.
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
        let path = locate(path, self.first);
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

/// Formats `x` at the call as the placeholder says.
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
    quote!(#private::Text::new(::core::format_args!(#literal, x #(#counts)*)))
}
