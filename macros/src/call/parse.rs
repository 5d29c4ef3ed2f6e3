//! Tokens in, syntax with spans out.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Ident, LitStr, Token};

/// A whole call, as it was written.
pub(super) struct Call {
    /// The path of the `stenolog` crate: the `$crate` of the macro that was called.
    pub(super) krate: Ident,
    pub(super) level: Level,
    /// `target:` and `at:`, in the order in which they stand.
    pub(super) keys: Vec<Key>,
    pub(super) fields: Vec<Field>,
    pub(super) message: Option<Message>,
    /// Where the call as a whole is at fault.
    pub(super) span: Span,
}

/// How severe the record is.
pub(super) enum Level {
    /// By the macro that was called: the name of a variant of `Level`.
    Fixed(Ident),
    /// By the first argument of `event!`.
    Runtime(Box<Expr>),
    /// `event!` without one; something else stands there.
    Missing(Span),
}

/// `target: value` or `at: value`.
pub(super) struct Key {
    pub(super) name: Ident,
    pub(super) value: Expr,
    /// How many fields stand before it, for the order of evaluation.
    pub(super) fields_before: usize,
}

/// `name`, `?name`, `name = value`, `name = %value` …
pub(super) struct Field {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) sigil: Sigil,
    pub(super) value: TokenStream,
}

/// How a field asks to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sigil {
    /// By its type.
    None,
    /// `?`
    Debug,
    /// `%`
    Display,
}

/// The message and its arguments.
pub(super) struct Message {
    pub(super) literal: LitStr,
    /// `None` if they are nothing that can be read.
    pub(super) args: Option<Vec<Arg>>,
    /// All of the message as it was written, for rustc to judge.
    pub(super) tokens: TokenStream,
}

/// An argument of the format string.
pub(super) struct Arg {
    pub(super) name: Option<Ident>,
    pub(super) value: Expr,
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate = input.call(Ident::parse_any)?;
        let level = input.call(Ident::parse_any)?;
        let mut call = Self {
            krate,
            level: Level::Missing(Span::call_site()),
            keys: Vec::new(),
            fields: Vec::new(),
            message: None,
            span: Span::call_site(),
        };
        if level == "event" {
            call.parse_keys(input)?;
            call.level = parse_runtime_level(input)?;
        } else {
            call.level = Level::Fixed(level);
        }
        while !input.is_empty() {
            if is_key(input) {
                call.parse_key(input)?;
            } else if is_message(input) {
                call.message = Some(parse_message(input)?);
            } else {
                call.fields.push(input.parse()?);
                parse_comma(input, "a field")?;
            }
        }
        Ok(call)
    }
}

impl Call {
    fn parse_keys(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while is_key(input) {
            self.parse_key(input)?;
        }
        Ok(())
    }

    fn parse_key(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let value = input.parse()?;
        self.keys.push(Key { name, value, fields_before: self.fields.len() });
        parse_comma(input, "this")
    }
}

/// A name and a single colon.
fn is_key(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

/// A string that is not the name of a field.
fn is_message(input: ParseStream<'_>) -> bool {
    input.peek(LitStr) && !is_named(input)
}

/// Whether what comes first is a name: a single `=` follows.
fn is_named(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

fn parse_comma(input: ParseStream<'_>, after: &str) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    let comma: Result<Token![,], _> = input.parse();
    comma
        .map(drop)
        .map_err(|error| syn::Error::new(error.span(), format!("expected `,` after {after}")))
}

/// The level of `event!`, unless what stands there is plainly something else.
fn parse_runtime_level(input: ParseStream<'_>) -> syn::Result<Level> {
    let missing = Level::Missing(input.span());
    let fork = input.fork();
    match fork.parse::<Expr>() {
        Ok(Expr::Assign(_)) | Err(_) => Ok(missing),
        Ok(Expr::Lit(literal)) if matches!(literal.lit, syn::Lit::Str(_)) => Ok(missing),
        Ok(level) => {
            input.advance_to(&fork);
            parse_comma(input, "the level")?;
            Ok(Level::Runtime(Box::new(level)))
        }
    }
}

fn parse_message(input: ParseStream<'_>) -> syn::Result<Message> {
    let tokens = input.fork().parse()?;
    let literal = input.parse()?;
    let mut args = Some(Vec::new());
    while let Some(parsed) = &mut args
        && !input.is_empty()
    {
        check_is_argument(&input.fork())?;
        // Whatever is wrong with it, rustc has words for that.
        match parse_arg(input) {
            Ok(arg) => parsed.extend(arg),
            Err(_) => args = None,
        }
    }
    input.parse::<TokenStream>()?;
    Ok(Message { literal, args, tokens })
}

/// A comma, and the argument behind it unless the comma was the last.
fn parse_arg(input: ParseStream<'_>) -> syn::Result<Option<Arg>> {
    input.parse::<Token![,]>()?;
    if input.is_empty() {
        return Ok(None);
    }
    let name = if input.peek(Ident::peek_any) && is_named(input) {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    Ok(Some(Arg { name, value: input.parse()? }))
}

/// Says so if what follows would be right before the message.
fn check_is_argument(ahead: ParseStream<'_>) -> syn::Result<()> {
    ahead.parse::<Option<Token![,]>>()?;
    if is_key(ahead) {
        let name = ahead.call(Ident::parse_any)?;
        return Err(syn::Error::new(name.span(), format!("`{name}:` stands before the message")));
    }
    if ahead.peek(Token![?]) || ahead.peek(Token![%]) {
        return Err(ahead.error("fields stand before the message"));
    }
    Ok(())
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let sigil = parse_sigil(input)?;
        let Name { name, span, value } = input.parse()?;
        if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
            let Some(value) = value else {
                return Err(input.error("expected `=` and the value of the field"));
            };
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error(
                    "expected `,` or `=`: a value that is not just a variable or a field of one \
                     needs a name: `name = value`",
                ));
            }
            return Ok(Self { name, span, sigil, value });
        }
        if sigil != Sigil::None {
            return Err(input.error(
                "the `?` or `%` of a field with a name stands before its value: `name = ?value`",
            ));
        }
        input.parse::<Token![=]>()?;
        let sigil = parse_sigil(input)?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(input.error("expected the value of the field"));
        }
        let value: Expr = input.parse()?;
        Ok(Self { name, span, sigil, value: value.into_token_stream() })
    }
}

fn parse_sigil(input: ParseStream<'_>) -> syn::Result<Sigil> {
    if input.peek(Token![?]) {
        input.parse::<Token![?]>()?;
        Ok(Sigil::Debug)
    } else if input.peek(Token![%]) {
        input.parse::<Token![%]>()?;
        Ok(Sigil::Display)
    } else {
        Ok(Sigil::None)
    }
}

/// The name of a field, and the value if the name is one.
struct Name {
    name: String,
    span: Span,
    value: Option<TokenStream>,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self { name: literal.value(), span: literal.span(), value: None });
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(
                "expected a field (`name`, `?name`, `%name`, `name = value`) or the message, a \
                 string literal",
            ));
        }
        let first = input.call(Ident::parse_any)?;
        let mut name = first.unraw().to_string();
        let span = first.span();
        let mut value = first.into_token_stream();
        while input.peek(Token![.]) && !input.peek(Token![..]) {
            input.parse::<Token![.]>()?.to_tokens(&mut value);
            name.push('.');
            if input.peek(Ident::peek_any) {
                let part = input.call(Ident::parse_any)?;
                name.push_str(&part.unraw().to_string());
                part.to_tokens(&mut value);
            } else {
                // `pair.0`, and `pair.0.1`, which the compiler takes for a number with a point.
                let index: syn::Lit = input.parse()?;
                let digits = index.to_token_stream().to_string();
                if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                    return Err(syn::Error::new(index.span(), "expected the name of a field"));
                }
                name.push_str(&digits);
                index.to_tokens(&mut value);
            }
        }
        Ok(Self { name, span, value: Some(value) })
    }
}
