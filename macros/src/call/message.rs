//! Template of a call's message, in which every placeholder names its slot.

use std::fmt::Write as _;

use proc_macro2::Ident;
use stenolog_format::shape::Role;
use stenolog_format::template::{Argument, Count, Piece, Precision, Spec, Template};
use syn::ext::IdentExt;
use syn::{Expr, Member};

use super::parse::{self, Arg, FieldName, Message};
use super::slot::{Amount, Capture, Input, Print, Slot, render_spec};

/// A part of a template.
#[derive(Debug)]
pub(super) enum TextPart {
    Is(String),
    /// The index of the piece of the message.
    Opaque(usize),
}

/// Adds the inputs and slots of a message and writes its template.
pub(super) struct Printer<'a, 's> {
    inputs: &'s mut Vec<Input<'a>>,
    slots: &'s mut Vec<Slot>,
    /// The index of the input that is the first argument.
    first: usize,
    explicit: usize,
    next: usize,
    used: Vec<bool>,
    /// The counts of the placeholders that were read so far, as inputs.
    counts: Vec<usize>,
    /// The slots of the arguments, before they are put in the order of the inputs.
    prints: Vec<(usize, Capture)>,
}

/// A part of a template.
enum Part<'a> {
    Literal(&'a str),
    /// The index in [`Printer::prints`].
    Print(usize),
}

impl<'a, 's> Printer<'a, 's> {
    pub(super) fn new(inputs: &'s mut Vec<Input<'a>>, slots: &'s mut Vec<Slot>) -> Self {
        let first = inputs.len();
        Self {
            inputs,
            slots,
            first,
            explicit: 0,
            next: 0,
            used: Vec::new(),
            counts: Vec::new(),
            prints: Vec::new(),
        }
    }

    /// The template, or `None` if `format!` would not take the message, or only rustc can tell.
    pub(super) fn run(mut self, message: &'a Message) -> Option<Vec<TextPart>> {
        let text = joined(&message.text)?;
        self.add_arguments(message.args.as_ref()?)?;
        let template = Template::parse(&text).ok()?;
        let mut parts = Vec::new();
        for piece in template.pieces {
            parts.push(match piece {
                Piece::Literal(text) => Part::Literal(text),
                Piece::Placeholder(placeholder) => {
                    // `.*` takes the next argument before the placeholder itself does.
                    let star = match placeholder.spec.precision {
                        Some(Precision::Star) => Some(self.resolve(Argument::Next, message)?),
                        _ => None,
                    };
                    let input = self.resolve(placeholder.argument, message)?;
                    let width = match placeholder.spec.width {
                        Some(count) => Some(self.amount(count, message)?),
                        None => None,
                    };
                    let precision = match placeholder.spec.precision {
                        Some(Precision::Count(count)) => Some(self.amount(count, message)?),
                        Some(Precision::Star) | None => star.map(|input| self.count(input)),
                    };
                    let spec = without_counts(&placeholder.spec);
                    Part::Print(self.print(input, Capture::Print(Print { spec, width, precision })))
                }
            });
        }
        if !self.used.iter().all(|used| *used) {
            return None;
        }
        for input in std::mem::take(&mut self.counts) {
            // A count that is also printed is recorded as a number already.
            if !self.prints.iter().any(|(printed, _)| *printed == input) {
                self.prints.push((input, Capture::Count));
            }
        }
        let slots = self.add_slots();
        parted(&render(&parts, &self.prints, &slots), &message.text)
    }

    fn add_arguments(&mut self, args: &'a [Arg]) -> Option<()> {
        let mut named = false;
        for (index, arg) in args.iter().enumerate() {
            match &arg.name {
                Some(name)
                    if args[..index].iter().any(|other| other.name.as_ref() == Some(name)) =>
                {
                    return None;
                }
                Some(_) => named = true,
                None if named => return None,
                None => {}
            }
            self.inputs.push(Input::Argument(arg));
        }
        self.explicit = args.len();
        self.used = vec![false; args.len()];
        Some(())
    }

    /// The input that an argument names.
    fn resolve(&mut self, argument: Argument<'_>, message: &Message) -> Option<usize> {
        let index = match argument {
            Argument::Next => {
                self.next += 1;
                self.next - 1
            }
            Argument::Index(index) => index,
            Argument::Name(name) => match self.find_named(name) {
                Some(index) => index,
                None => return self.capture(name, message),
            },
        };
        *self.used.get_mut(index)? = true;
        Some(self.first + index)
    }

    fn find_named(&self, name: &str) -> Option<usize> {
        self.inputs[self.first..].iter().position(|input| match input {
            Input::Argument(arg) => arg.name.as_ref().is_some_and(|it| it.unraw() == name),
            _ => false,
        })
    }

    fn capture(&mut self, name: &str, message: &Message) -> Option<usize> {
        // A string from a macro captures no variables.
        let [parse::Piece::Literal(_)] = &*message.text else { return None };
        let span = message.span;
        let ident = match name {
            "self" => Ident::new(name, span),
            // These are not variables: rustc reports them.
            "Self" | "super" | "crate" => return None,
            _ if name.starts_with("r#") => return None,
            _ => match syn::parse_str::<Ident>(name) {
                Ok(_) => Ident::new(name, span),
                Err(_) => Ident::new_raw(name, span),
            },
        };
        let known = self.inputs[self.first..].iter().position(|input| match input {
            Input::Captured(captured) => captured == &ident,
            _ => false,
        });
        Some(
            self.first
                + known.unwrap_or_else(|| {
                    self.inputs.push(Input::Captured(ident));
                    self.inputs.len() - 1 - self.first
                }),
        )
    }

    fn amount(&mut self, count: Count<'_>, message: &Message) -> Option<Amount> {
        Some(match count {
            Count::Is(number) => Amount::Is(number),
            Count::Argument(argument) => {
                let input = self.resolve(argument, message)?;
                self.count(input)
            }
        })
    }

    fn count(&mut self, input: usize) -> Amount {
        if !self.counts.contains(&input) {
            self.counts.push(input);
        }
        Amount::Input(input)
    }

    /// One slot for each way in which an argument is printed: text formatted at the call differs
    /// by the spec.
    fn print(&mut self, input: usize, capture: Capture) -> usize {
        let known = self.prints.iter().position(|it| *it == (input, capture));
        known.unwrap_or_else(|| {
            self.prints.push((input, capture));
            self.prints.len() - 1
        })
    }

    /// Adds the slots in the order of the inputs; returns the slot of each print.
    fn add_slots(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.prints.len()).collect();
        order.sort_by_key(|&print| self.prints[print].0);
        let mut slots = vec![0; order.len()];
        let mut last = None;
        for print in order {
            let (input, capture) = self.prints[print];
            let name = if last == Some(input) { String::new() } else { self.name(input) };
            let name = FieldName::Is(name);
            let role = if capture == Capture::Count { Role::Count } else { Role::Argument };
            slots[print] = self.slots.len();
            self.slots.push(Slot { input, name, role, capture });
            last = Some(input);
        }
        slots
    }

    /// The name of an argument: its own, or its index if it has no name or the name is taken.
    fn name(&self, input: usize) -> String {
        let name = match &self.inputs[input] {
            Input::Captured(ident) => Some(ident.unraw().to_string()),
            Input::Argument(Arg { name: Some(name), .. }) => Some(name.unraw().to_string()),
            Input::Argument(Arg { name: None, value }) => name_of(value),
            Input::Field(_) => None,
        };
        let is_free = |name: &String| {
            let is_other = |slot: &Slot| !matches!(&slot.name, FieldName::Is(it) if it == name);
            self.slots.iter().all(is_other)
        };
        name.filter(is_free).unwrap_or_else(|| (input - self.first).to_string())
    }
}

/// Marks text that only rustc knows, in a format string.
const OPAQUE: char = '\u{F8FF}';

/// The format string, or `None` if it cannot be read.
fn joined(pieces: &[parse::Piece]) -> Option<String> {
    let mut text = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            parse::Piece::Literal(literal) if !literal.suffix().is_empty() => return None,
            parse::Piece::Literal(literal)
                if pieces.len() > 1 && literal.value().contains(OPAQUE) =>
            {
                return None;
            }
            parse::Piece::Literal(literal) => text.push_str(&literal.value()),
            parse::Piece::Opaque(_) => {
                write!(text, "{OPAQUE}{index}{OPAQUE}").expect("a string takes it all")
            }
        }
    }
    Some(text)
}

/// Splits a template where text that only rustc knows belongs.
fn parted(text: &str, pieces: &[parse::Piece]) -> Option<Vec<TextPart>> {
    if let [parse::Piece::Literal(_)] = pieces {
        return Some(vec![TextPart::Is(text.to_owned())]);
    }
    let part = |(index, text): (usize, &str)| match index % 2 {
        0 => Some(TextPart::Is(text.to_owned())),
        _ => text.parse().ok().map(TextPart::Opaque),
    };
    text.split(OPAQUE).enumerate().map(part).collect()
}

const fn without_counts(spec: &Spec<'_>) -> Spec<'static> {
    let Spec { fill, align, sign, alternate, zero, width: _, precision: _, format } = *spec;
    Spec { fill, align, sign, alternate, zero, width: None, precision: None, format }
}

/// The name that a plain variable or a field of one suggests.
fn name_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Path(path) if path.qself.is_none() => {
            path.path.get_ident().map(|ident| ident.unraw().to_string())
        }
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.unraw().to_string()),
            Member::Unnamed(_) => None,
        },
        Expr::Group(group) => name_of(&group.expr),
        Expr::Paren(paren) => name_of(&paren.expr),
        Expr::Reference(reference) => name_of(&reference.expr),
        _ => None,
    }
}

/// Writes the format string in which every placeholder names its slot.
fn render(parts: &[Part<'_>], prints: &[(usize, Capture)], slots: &[usize]) -> String {
    let mut out = String::new();
    for part in parts {
        match *part {
            Part::Literal(text) => out.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Print(print) => {
                let Capture::Print(how) = prints[print].1 else {
                    unreachable!("only prints are parts")
                };
                let slot_of = |input| {
                    let print = prints.iter().position(|(printed, _)| *printed == input);
                    slots[print.expect("every count has a slot")]
                };
                let spec = render_spec(&how, |input| format!("{}$", slot_of(input)));
                let colon = if spec.is_empty() { "" } else { ":" };
                write!(out, "{{{}{colon}{spec}}}", slots[print]).expect("a string takes it all");
            }
        }
    }
    out
}
