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
//!                     &arg(a0).steno_display(),
//!                     (&arg(a1).steno_display_with(|x| Text::new(format_args!("{:.2}", x))), ()),
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
use quote::{ToTokens, format_ident, quote, quote_spanned};
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
        quote!((&#value, #rest))
    });
    let emit = quote!(#private::emit(#name, #time, #args););
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
        let value = borrow(input);
        values.push(match input {
            Input::Field(_) => quote!(#private::arg(#value)),
            Input::Argument(_) | Input::Captured(_) => value,
        });
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
        let value = place(input, index);
        args.extend(quote!(, #name #value));
    }
    if args.is_empty() {
        return args;
    }
    quote!(if false {
        let _ = ::core::format_args!(#literal #args);
    })
}

/// `*a0`, which for rustc stands where the caller's expression stands.
fn place(input: &Input<'_>, index: usize) -> TokenStream {
    let (first, last) = input.spans();
    let mut star = Punct::new('*', Spacing::Alone);
    star.set_span(first.resolved_at(Span::mixed_site()));
    let mut name = input_name(index);
    name.set_span(last.resolved_at(Span::mixed_site()));
    [TokenTree::from(star), TokenTree::from(name)].into_iter().collect()
}

/// The value that a slot records.
fn value(site: &CallSite<'_>, slot: &Slot, private: &TokenStream) -> TokenStream {
    let name = input_name(slot.input);
    let method = match slot.capture {
        Capture::Count => quote!(steno_count()),
        Capture::Field(sigil) => {
            let method = local(match sigil {
                Sigil::None => "steno_field",
                Sigil::Debug => "steno_debug_field",
                Sigil::Display => "steno_display_field",
            });
            // An error about the value's type is an error about these tokens. All must be of one
            // hygiene, or rustc points at the whole call.
            let (first, last) = site.inputs[slot.input].spans();
            let method = quote_spanned!(Span::mixed_site()=> .#method());
            return [locate(&name.into_token_stream(), first), locate(&method, last)]
                .into_iter()
                .collect();
        }
        Capture::Print(print) => match print.spec.format {
            Trait::Display if print.is_plain() => quote!(steno_display()),
            Trait::Debug if print.is_plain() => quote!(steno_debug()),
            format => {
                let method = format_ident!("steno_{}_with", method_of(format));
                let text = text(&print, private);
                quote!(#method(|x| #text))
            }
        },
    };
    quote!(#private::arg(#name).#method)
}

const fn method_of(format: Trait) -> &'static str {
    match format {
        Trait::Display => "display",
        Trait::Debug | Trait::DebugLowerHex | Trait::DebugUpperHex => "debug",
        Trait::LowerHex => "lower_hex",
        Trait::UpperHex => "upper_hex",
        Trait::Octal => "octal",
        Trait::Binary => "binary",
        Trait::LowerExp => "lower_exp",
        Trait::UpperExp => "upper_exp",
        Trait::Pointer => "pointer",
    }
}

/// Formats `x` at the call as the placeholder says.
fn text(print: &Print, private: &TokenStream) -> TokenStream {
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
        let name = input_name(input);
        quote!(, #private::arg(#name).steno_count())
    });
    quote!(#private::Text::new(::core::format_args!(#literal, x #(#counts)*)))
}
