//! Syntax of a call, with spans, parsed from its tokens.

use proc_macro2::{Group, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Brace;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token, braced};

/// A whole call, as it was written.
pub(super) struct Call {
    /// The path of the `stenolog` crate: the `$crate` of the macro that was called.
    pub(super) krate: Ident,
    pub(super) level: Level,
    /// `target:`, `at:` and others, in order.
    pub(super) keys: Vec<Key>,
    pub(super) fields: Vec<Field>,
    pub(super) message: Option<Message>,
    pub(super) kind: Kind,
}

/// What a call does.
pub(super) enum Kind {
    /// It logs a record.
    Event,
    /// It only asks if that would be logged: `enabled!`.
    Question,
    /// It begins and enters a span with this name.
    Span(Box<Expr>),
    /// It gives this span values.
    Record(Box<Expr>),
}

/// The severity of the record.
pub(super) enum Level {
    /// By the macro that was called: the name of a variant of `Level`.
    Fixed(Ident),
    /// By the first argument of `event!`.
    Runtime(Box<Expr>),
    /// `event!` with something else in its place.
    Missing(Span),
}

/// `target: value`, `at: value` and others.
pub(super) struct Key {
    pub(super) name: Ident,
    pub(super) value: Expr,
    /// The number of fields before it, for the order of evaluation.
    pub(super) fields_before: usize,
}

/// `name`, `?name`, `name = value`, `name = %value` …
pub(super) struct Field {
    pub(super) name: FieldName,
    pub(super) span: Span,
    pub(super) sigil: Sigil,
    pub(super) value: TokenStream,
}

/// The name of a field.
#[derive(Clone)]
pub(super) enum FieldName {
    Is(String),
    /// `{ KEY }`: a constant, whose value only rustc knows.
    Constant(Box<Expr>),
}

/// How to record a field.
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
    /// The format string as it was written.
    pub(super) format: TokenStream,
    pub(super) span: Span,
    pub(super) text: Vec<Piece>,
    /// `None` if they cannot be parsed.
    pub(super) args: Option<Vec<Arg>>,
    /// The whole message as it was written, for rustc to check.
    pub(super) tokens: TokenStream,
}

/// A part of a format string.
pub(super) enum Piece {
    Literal(LitStr),
    /// A macro, or a literal that is not a string: only rustc knows its text.
    Opaque(TokenStream),
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
        let is_question = level == "enabled";
        let kind = if is_question { Kind::Question } else { Kind::Event };
        let mut call = Self::new(krate, kind);
        if level == "event" || is_question {
            while is_key(input) {
                call.parse_key(input)?;
            }
            call.level = parse_runtime_level(input)?;
        } else {
            call.level = Level::Fixed(level);
        }
        if is_question {
            // `tracing` takes fields here, for its filters.
            input.parse::<TokenStream>()?;
        }
        call.parse_rest(input)?;
        Ok(call)
    }
}

impl Call {
    /// A call without anything.
    pub(super) fn new(krate: Ident, kind: Kind) -> Self {
        let level = Level::Missing(Span::call_site());
        Self { krate, level, keys: Vec::new(), fields: Vec::new(), message: None, kind }
    }

    /// Keys, fields and the message.
    pub(super) fn parse_rest(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while !input.is_empty() {
            if is_key(input) {
                self.parse_key(input)?;
            } else if is_message(input) {
                self.message = Some(parse_message(input)?);
            } else if input.peek(Brace) && !is_constant_name(input) {
                let fields;
                braced!(fields in input);
                while !fields.is_empty() {
                    self.fields.push(fields.parse()?);
                    parse_comma(&fields, "a field")?;
                }
                parse_comma(input, "the fields")?;
            } else {
                self.fields.push(input.parse()?);
                if input.peek(Token![;]) {
                    // `log` separates its key-values from the message so.
                    input.parse::<Token![;]>()?;
                    if !is_message(input) {
                        return Err(input.error("expected the message after `;`"));
                    }
                } else {
                    parse_comma(input, "a field")?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn parse_key(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let value = input.parse()?;
        self.keys.push(Key { name, value, fields_before: self.fields.len() });
        parse_comma(input, "this")
    }
}

/// A name and a single colon, unless it is a field as `log` has them: `name:?`, `name:err = value`.
pub(super) fn is_key(input: ParseStream<'_>) -> bool {
    let is_name = input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::]);
    is_name && (!is_capture(input) || is_known_key(input))
}

/// Whether the next name is a key of a call.
fn is_known_key(input: ParseStream<'_>) -> bool {
    input.fork().call(Ident::parse_any).is_ok_and(|name| KEYS.iter().any(|key| name == key))
}

/// The keys of a call.
pub(super) const KEYS: [&str; 7] =
    ["target", "at", "name", "parent", "every_n", "per_second", "once"];

/// Whether a name and `:?`, `:%`, `:debug` or another capture of `log` follow.
fn is_capture(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let is_name = ahead.call(Ident::parse_any).is_ok() || ahead.parse::<LitStr>().is_ok();
    is_name && ahead.peek(Token![:]) && parse_capture(&ahead).is_ok()
}

/// `:?` and the like.
fn parse_capture(input: ParseStream<'_>) -> syn::Result<Sigil> {
    input.parse::<Token![:]>()?;
    let sigil = match parse_sigil(input)? {
        Sigil::None => {
            let word = input.call(Ident::parse_any)?;
            match word.to_string().as_str() {
                "debug" => Sigil::Debug,
                "display" | "err" | "error" => Sigil::Display,
                "serde" | "sval" | "value" => Sigil::None,
                _ => return Err(syn::Error::new(word.span(), "unknown kind of value")),
            }
        }
        sigil => sigil,
    };
    if input.is_empty() || input.peek(Token![=]) || input.peek(Token![,]) || input.peek(Token![;]) {
        Ok(sigil)
    } else {
        Err(input.error("expected `=` or the next field"))
    }
}

/// A string that is not the name of a field, or a macro that yields one.
fn is_message(input: ParseStream<'_>) -> bool {
    if input.peek(LitStr) {
        return !is_named(input) && !is_capture(input);
    }
    let ahead = input.fork();
    let is_macro = ahead.call(Path::parse_mod_style).is_ok()
        && ahead.peek(Token![!])
        && !ahead.peek(Token![!=])
        && ahead.parse::<Token![!]>().is_ok()
        && ahead.parse::<Group>().is_ok();
    is_macro && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![;]))
}

/// `{ KEY } =`
fn is_constant_name(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

/// Whether a name and a single `=` follow.
fn is_named(input: ParseStream<'_>) -> bool {
    input.peek2(Token![=]) && !input.peek2(Token![==])
}

pub(super) fn parse_comma(input: ParseStream<'_>, after: &str) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    let comma: Result<Token![,], _> = input.parse();
    comma
        .map(drop)
        .map_err(|error| syn::Error::new(error.span(), format!("expected `,` after {after}")))
}

/// The level of `event!`, unless it is plainly something else.
fn parse_runtime_level(input: ParseStream<'_>) -> syn::Result<Level> {
    let missing = Level::Missing(input.span());
    let fork = input.fork();
    match fork.parse::<Expr>() {
        Ok(Expr::Assign(_)) | Err(_) => Ok(missing),
        Ok(Expr::Lit(literal)) if matches!(literal.lit, Lit::Str(_)) => Ok(missing),
        Ok(level) => {
            input.advance_to(&fork);
            parse_comma(input, "the level")?;
            Ok(Level::Runtime(Box::new(level)))
        }
    }
}

fn parse_message(input: ParseStream<'_>) -> syn::Result<Message> {
    let tokens = input.fork().parse()?;
    let format: Expr = input.parse()?;
    let text = pieces(&format);
    let mut args = Some(Vec::new());
    while let Some(parsed) = &mut args
        && !input.is_empty()
    {
        check_is_argument(&input.fork())?;
        // rustc reports what is wrong with it.
        match parse_arg(input) {
            Ok(arg) => parsed.extend(arg),
            Err(_) => args = None,
        }
    }
    input.parse::<TokenStream>()?;
    // The literal's own span: variables that it captures resolve there.
    let span = match &*text {
        [Piece::Literal(literal)] => literal.span(),
        _ => format.span(),
    };
    Ok(Message { format: format.into_token_stream(), span, text, args, tokens })
}

/// The parts of a format string.
fn pieces(format: &Expr) -> Vec<Piece> {
    match format {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => vec![Piece::Literal(literal.clone())],
        Expr::Group(group) => pieces(&group.expr),
        Expr::Macro(call)
            if call.mac.path.segments.last().is_some_and(|it| it.ident == "concat") =>
        {
            let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
            match call.mac.parse_body_with(parse) {
                Ok(parts) => parts.iter().flat_map(pieces).collect(),
                Err(_) => vec![Piece::Opaque(format.to_token_stream())],
            }
        }
        _ => vec![Piece::Opaque(format.to_token_stream())],
    }
}

/// A comma, and the argument after it unless it is a trailing comma.
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

/// Reports a key or a field after the message.
fn check_is_argument(ahead: ParseStream<'_>) -> syn::Result<()> {
    ahead.parse::<Option<Token![,]>>()?;
    if is_key(ahead) {
        let name = ahead.call(Ident::parse_any)?;
        return Err(syn::Error::new(name.span(), format!("`{name}:` comes before the message")));
    }
    if ahead.peek(Token![?]) || ahead.peek(Token![%]) {
        return Err(ahead.error("fields stand before the message"));
    }
    Ok(())
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let before = parse_sigil(input)?;
        let Name { name, span, value } = input.parse()?;
        let capture = if before == Sigil::None && input.peek(Token![:]) {
            Some(parse_capture(input)?)
        } else {
            None
        };
        if !input.peek(Token![=]) || input.peek(Token![==]) || input.peek(Token![=>]) {
            let Some(value) = value else {
                return Err(input.error("expected `=` and the value of the field"));
            };
            if !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![;]) {
                return Err(input.error(
                    "expected `,` or `=`: a value that is not just a variable or a field of one \
                     needs a name: `name = value`",
                ));
            }
            return Ok(Self { name, span, sigil: capture.unwrap_or(before), value });
        }
        if before != Sigil::None {
            return Err(input.error(
                "the `?` or `%` of a field with a name comes before its value: `name = ?value`",
            ));
        }
        input.parse::<Token![=]>()?;
        let sigil = match capture {
            Some(sigil) => sigil,
            None => parse_sigil(input)?,
        };
        if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
            return Err(input.error("expected the value of the field"));
        }
        let (sigil, value) = helped(sigil, input.parse()?);
        Ok(Self { name, span, sigil, value })
    }
}

/// `display(value)` and `debug(value)`, which `tracing` brings into scope in its macros.
fn helped(sigil: Sigil, value: Expr) -> (Sigil, TokenStream) {
    if sigil == Sigil::None
        && let Expr::Call(call) = &value
        && let Expr::Path(path) = &*call.func
        && let (Some(name), [argument]) = (path.path.get_ident(), slice(&call.args).as_slice())
    {
        if name == "display" {
            return (Sigil::Display, argument.to_token_stream());
        } else if name == "debug" {
            return (Sigil::Debug, argument.to_token_stream());
        }
    }
    (sigil, value.into_token_stream())
}

fn slice(args: &Punctuated<Expr, Token![,]>) -> Vec<&Expr> {
    args.iter().collect()
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
    name: FieldName,
    span: Span,
    value: Option<TokenStream>,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            let name = FieldName::Is(literal.value());
            return Ok(Self { name, span: literal.span(), value: None });
        }
        if input.peek(Brace) {
            let key;
            let brace = braced!(key in input);
            let name = FieldName::Constant(Box::new(key.parse()?));
            return Ok(Self { name, span: brace.span.join(), value: None });
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
                let index: Lit = input.parse()?;
                let digits = index.to_token_stream().to_string();
                if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                    return Err(syn::Error::new(index.span(), "expected the name of a field"));
                }
                name.push_str(&digits);
                index.to_tokens(&mut value);
            }
        }
        Ok(Self { name: FieldName::Is(name), span, value: Some(value) })
    }
}
