//! Inputs and slots of a call: what it evaluates, and what it records.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use stenolog_format::shape::Role;
use stenolog_format::template::{Align, Sign, Spec};
use syn::spanned::Spanned;

use super::parse::{Arg, Field, FieldName, Sigil};

/// An expression of the caller, evaluated once and borrowed.
pub(super) enum Input<'a> {
    Field(&'a Field),
    Argument(&'a Arg),
    /// A variable that the format string names.
    Captured(Ident),
}

/// A value of the record.
pub(super) struct Slot {
    /// The index of the input.
    pub(super) input: usize,
    pub(super) name: FieldName,
    pub(super) role: Role,
    pub(super) capture: Capture,
}

/// How a value is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Field(Sigil),
    Print(Print),
    Count,
    /// The message as a whole.
    Whole,
    /// A hidden word of a span event.
    Hidden(Hidden),
}

/// A hidden word of a span event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    Id,
    Parent,
    Depth,
}

/// How a placeholder prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// The spec without its counts, which follow.
    pub(super) spec: Spec<'static>,
    pub(super) width: Option<Amount>,
    pub(super) precision: Option<Amount>,
}

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Is(usize),
    /// An input, by its index.
    Input(usize),
}

/// Writes the part after the colon; `argument` writes a count that is an input.
pub(super) fn render_spec(print: &Print, argument: impl Fn(usize) -> String) -> String {
    let spec = &print.spec;
    let amount = |amount: Amount| match amount {
        Amount::Is(number) => number.to_string(),
        Amount::Input(input) => argument(input),
    };
    let mut out = String::new();
    out.extend(spec.fill);
    out.push_str(match spec.align {
        None => "",
        Some(Align::Left) => "<",
        Some(Align::Center) => "^",
        Some(Align::Right) => ">",
    });
    out.push_str(match spec.sign {
        None => "",
        Some(Sign::Plus) => "+",
        Some(Sign::Minus) => "-",
    });
    if spec.alternate {
        out.push('#');
    }
    if spec.zero {
        out.push('0');
    }
    out.extend(print.width.map(amount));
    if let Some(precision) = print.precision {
        out.push('.');
        out.push_str(&amount(precision));
    }
    out.push_str(spec.format.letters());
    out
}

impl Print {
    /// Whether only the trait is requested.
    pub(super) fn is_plain(&self) -> bool {
        let nothing = Spec { format: self.spec.format, ..Spec::default() };
        self.width.is_none() && self.precision.is_none() && self.spec == nothing
    }
}

impl Input<'_> {
    /// The spans of its first and its last token, for errors about the value.
    pub(super) fn spans(&self) -> (Span, Span) {
        let tokens = match self {
            Self::Field(field) => field.value.clone(),
            Self::Argument(arg) => arg.value.to_token_stream(),
            Self::Captured(ident) => return (ident.span(), ident.span()),
        };
        let first = tokens.span();
        let last = tokens.into_iter().last().map_or(first, |token| token.span());
        (first, last)
    }
}
