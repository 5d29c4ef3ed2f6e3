//! Syntax of `#[instrument]`: its options, and the function.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Expr, FnArg, Ident, Lit, LitStr, Pat, Path, Signature, Token, Visibility, braced,
    parenthesized, token,
};

use crate::errors::Errors;

/// How a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Debug,
    Display,
}

/// `err`, `ret`: the form and the level, if they are stated.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) form: Option<Form>,
    pub(super) level: Option<Expr>,
}

/// The options, as far as they are given.
#[derive(Default)]
pub(super) struct Options {
    pub(super) krate: Option<Path>,
    pub(super) name: Option<Expr>,
    pub(super) level: Option<Expr>,
    pub(super) target: Option<Expr>,
    pub(super) parent: Option<Expr>,
    pub(super) follows_from: Option<Expr>,
    pub(super) skip: Vec<Ident>,
    pub(super) skip_all: bool,
    /// As `span!` takes them.
    pub(super) fields: TokenStream,
    pub(super) err: Option<Outcome>,
    pub(super) ret: Option<Outcome>,
}

const KNOWN: &str = "`name = \"…\"`, `level = …`, `target = …`, `skip(…)`, `skip_all`, `fields(…)`, `err`, `ret`, \
                     `parent = …`, `follows_from = …` or `crate = path`";

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        let mut errors = Errors::default();
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            if input.peek(LitStr) {
                // As `tracing` has it: the name alone.
                let name: LitStr = input.parse()?;
                if options
                    .name
                    .replace(Expr::Lit(syn::ExprLit {
                        attrs: Vec::new(),
                        lit: Lit::Str(name.clone()),
                    }))
                    .is_some()
                {
                    errors.push(name.span(), "the name is given twice");
                }
            } else {
                let option = input.call(Ident::parse_any)?;
                let name = option.to_string();
                if seen.contains(&name) {
                    errors.push(option.span(), format!("`{name}` is given twice"));
                }
                if let Err(error) = options.take(&option, input) {
                    errors.add(error);
                    // What follows cannot be told apart.
                    input.parse::<TokenStream>()?;
                    break;
                }
                seen.push(name);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        errors.none_or(options)
    }
}

impl Options {
    fn take(&mut self, option: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        let value = |input: ParseStream<'_>| -> syn::Result<Expr> {
            input.parse::<Token![=]>()?;
            input.parse()
        };
        match option.to_string().as_str() {
            "name" => self.name = Some(value(input)?),
            "level" => self.level = Some(level(value(input)?)?),
            "target" => self.target = Some(value(input)?),
            "parent" => self.parent = Some(value(input)?),
            "follows_from" => self.follows_from = Some(value(input)?),
            "skip_all" => self.skip_all = true,
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            "skip" => {
                let names;
                parenthesized!(names in input);
                let names = names.parse_terminated(Ident::parse_any, Token![,])?;
                self.skip = names.into_iter().collect();
            }
            "fields" => {
                let fields;
                parenthesized!(fields in input);
                self.fields = fields.parse()?;
            }
            "err" => self.err = Some(outcome(input)?),
            "ret" => self.ret = Some(outcome(input)?),
            _ => {
                let text = format!("unknown option `{option}`, expected {KNOWN}");
                return Err(syn::Error::new(option.span(), text));
            }
        }
        Ok(())
    }
}

/// `(Debug)`, `(Display)`, `(level = "warn")`, or nothing.
fn outcome(input: ParseStream<'_>) -> syn::Result<Outcome> {
    let mut outcome = Outcome::default();
    if !input.peek(token::Paren) {
        return Ok(outcome);
    }
    let inner;
    parenthesized!(inner in input);
    while !inner.is_empty() {
        let word = inner.call(Ident::parse_any)?;
        match word.to_string().as_str() {
            "Debug" => outcome.form = Some(Form::Debug),
            "Display" => outcome.form = Some(Form::Display),
            "level" => {
                inner.parse::<Token![=]>()?;
                outcome.level = Some(level(inner.parse()?)?);
            }
            _ => {
                let text = "expected `Debug`, `Display` or `level = …`";
                return Err(syn::Error::new(word.span(), text));
            }
        }
        if !inner.is_empty() {
            inner.parse::<Token![,]>()?;
        }
    }
    Ok(outcome)
}

/// A level as a path, from `"debug"`, `Level::DEBUG`, or `1` (trace) to `5` (error), as `tracing` counts.
fn level(value: Expr) -> syn::Result<Expr> {
    let Expr::Lit(literal) = &value else { return Ok(value) };
    let span = syn::spanned::Spanned::span(&value);
    let name = match &literal.lit {
        Lit::Str(text) => {
            let text = text.value();
            let known = ["Error", "Warn", "Info", "Debug", "Trace"];
            known.into_iter().find(|name| name.eq_ignore_ascii_case(&text))
        }
        Lit::Int(number) => match number.base10_parse()? {
            1_u8 => Some("Trace"),
            2 => Some("Debug"),
            3 => Some("Info"),
            4 => Some("Warn"),
            5 => Some("Error"),
            _ => None,
        },
        _ => None,
    };
    let Some(name) = name else {
        let text = "unknown level, expected \"trace\", \"debug\", \"info\", \"warn\" or \"error\"";
        return Err(syn::Error::new(span, text));
    };
    let name = Ident::new(name, span);
    Ok(syn::parse_quote!(Level::#name))
}

/// A function, whose body is left as it is.
pub(super) struct Function {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
    pub(super) body: TokenStream,
    /// The end of the body.
    pub(super) end: Span,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        // `default fn`, of specialization, is left to rustc.
        let signature: Signature = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                "`#[instrument]` is for functions and methods with a body",
            )
        })?;
        if input.peek(Token![;]) {
            return Err(input.error("`#[instrument]` is for functions and methods with a body"));
        }
        let content;
        let braces = braced!(content in input);
        let body = content.parse()?;
        Ok(Self { attributes, visibility, signature, body, end: braces.span.close() })
    }
}

impl Function {
    /// The names of its parameters.
    pub(super) fn parameters(&self) -> Vec<Ident> {
        let mut names = Vec::new();
        for input in &self.signature.inputs {
            match input {
                FnArg::Receiver(receiver) => names.push(receiver.self_token.into()),
                FnArg::Typed(typed) => collect(&typed.pat, &mut names),
            }
        }
        names
    }
}

/// The variables that a pattern binds.
fn collect(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(name) => {
            names.push(name.ident.clone());
            if let Some((_, inner)) = &name.subpat {
                collect(inner, names);
            }
        }
        Pat::Reference(inner) => collect(&inner.pat, names),
        Pat::Paren(inner) => collect(&inner.pat, names),
        Pat::Type(inner) => collect(&inner.pat, names),
        Pat::Tuple(inner) => inner.elems.iter().for_each(|pattern| collect(pattern, names)),
        Pat::TupleStruct(inner) => inner.elems.iter().for_each(|pattern| collect(pattern, names)),
        Pat::Slice(inner) => inner.elems.iter().for_each(|pattern| collect(pattern, names)),
        Pat::Struct(inner) => inner.fields.iter().for_each(|field| collect(&field.pat, names)),
        _ => {}
    }
}

/// The names of the fields that are stated, to leave out parameters of the same name.
pub(super) fn stated_names(fields: &TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_start = true;
    let mut name = String::new();
    for token in fields.clone() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                names.push(std::mem::take(&mut name));
                is_start = true;
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), '?' | '%') => {}
            TokenTree::Ident(ident) if is_start => name.push_str(&ident.unraw().to_string()),
            TokenTree::Punct(punct) if is_start && punct.as_char() == '.' => name.push('.'),
            TokenTree::Literal(literal) if is_start && name.is_empty() => {
                name.push_str(literal.to_string().trim_matches('"'));
            }
            _ => is_start = false,
        }
    }
    names.push(name);
    names
}
