//! Every rule of the language; makes no tokens.

use std::fmt::Write as _;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use stenolog_format::shape::Role;
use stenolog_format::template::{Align, Argument, Count, Piece, Precision, Sign, Spec, Template};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Member};

use super::parse::{self, Arg, Call, Field, FieldName, KEYS, Key, Level, Message, Sigil};

/// A call that keeps all rules.
pub(super) struct CallSite<'a> {
    pub(super) krate: &'a Ident,
    pub(super) level: Severity<'a>,
    pub(super) target: Option<Target<'a>>,
    pub(super) parent: Option<&'a Expr>,
    pub(super) name: Option<&'a Expr>,
    pub(super) at: Option<At<'a>>,
    /// What is evaluated, in this order.
    pub(super) inputs: Vec<Input<'a>>,
    /// What is recorded, in the order of the inputs.
    pub(super) slots: Vec<Slot>,
    pub(super) message: Text<'a>,
    /// Whether only that is asked: would it be logged?
    pub(super) is_question: bool,
}

/// What the caller says the record belongs to.
pub(super) enum Target<'a> {
    Constant(&'a Expr),
    /// Known when the program runs.
    Runtime(&'a Expr),
}

/// How severe the record is.
pub(super) enum Severity<'a> {
    Fixed(&'a Ident),
    Runtime(&'a Expr),
}

/// The time that the caller gives.
pub(super) struct At<'a> {
    pub(super) value: &'a Expr,
    /// How many inputs are evaluated before it.
    pub(super) inputs_before: usize,
}

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

/// What decides how the value is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Field(Sigil),
    Print(Print),
    Count,
    /// The message as a whole.
    Whole,
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

/// The message of a call.
pub(super) enum Text<'a> {
    None,
    /// A format string in which every placeholder names its slot, in parts.
    Template {
        text: Vec<TextPart>,
        message: &'a Message,
    },
    /// A format string that only rustc can read: the message is formatted at the call.
    Whole(&'a Message),
    /// Something that `format_args!` would refuse, and must.
    Refused(&'a TokenStream),
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum TextPart {
    Is(String),
    /// The index of the piece of the message.
    Opaque(usize),
}

/// The most fields and arguments of a call, counting an argument once for each form it is printed in.
pub(super) const MAX_SLOTS: usize = 256;

impl<'a> CallSite<'a> {
    /// Checks a call by all rules and reports every one that is broken.
    pub(super) fn check(call: &'a Call) -> syn::Result<Self> {
        let mut errors = Errors(None);
        let [target, at, name, parent] = check_keys(&call.keys, &mut errors);
        check_fields(&call.fields, &mut errors);
        let level = match &call.level {
            Level::Fixed(level) => Some(Severity::Fixed(level)),
            Level::Runtime(level) => Some(Severity::Runtime(level)),
            Level::Missing(span) => {
                errors.push(*span, "the level comes first: `event!(level, …)`");
                None
            }
        };
        let Some(level) = errors.none_or(level)? else { unreachable!("its absence is an error") };
        let mut site = Self {
            krate: &call.krate,
            level,
            target: target.map(|key| Target::new(&key.value)),
            parent: parent.map(|key| &key.value),
            name: name.map(|key| &key.value),
            at: at.map(|key| At { value: &key.value, inputs_before: key.fields_before }),
            inputs: Vec::new(),
            slots: Vec::new(),
            message: Text::None,
            is_question: call.is_question,
        };
        for field in &call.fields {
            site.add_field(field);
        }
        if let Some(message) = &call.message {
            site.message = site.add_message(message);
        }
        if site.slots.len() > MAX_SLOTS {
            let found = site.slots.len();
            let text =
                format!("a call takes at most {MAX_SLOTS} fields and arguments, not {found}");
            return Err(syn::Error::new(Span::call_site(), text));
        }
        Ok(site)
    }

    fn add_message(&mut self, message: &'a Message) -> Text<'a> {
        let (inputs, slots) = (self.inputs.len(), self.slots.len());
        if let Some(text) = Printer::new(self).run(message) {
            return Text::Template { text, message };
        }
        self.inputs.truncate(inputs);
        self.slots.truncate(slots);
        match (&*message.text, &message.args) {
            ([parse::Piece::Literal(_)], _) | (_, None) => Text::Refused(&message.tokens),
            (_, Some(args)) => {
                self.inputs.extend(args.iter().map(Input::Argument));
                self.slots.push(Slot {
                    input: inputs,
                    name: FieldName::Is(String::new()),
                    role: Role::Argument,
                    capture: Capture::Whole,
                });
                Text::Whole(message)
            }
        }
    }

    fn add_field(&mut self, field: &'a Field) {
        let role = if field.sigil == Sigil::Debug { Role::DebugField } else { Role::Field };
        let capture = Capture::Field(field.sigil);
        self.slots.push(Slot { input: self.inputs.len(), name: field.name.clone(), role, capture });
        self.inputs.push(Input::Field(field));
    }
}

/// The keys by name, in the order of [`KEYS`].
fn check_keys<'a>(keys: &'a [Key], errors: &mut Errors) -> [Option<&'a Key>; KEYS.len()] {
    let mut known = [None; KEYS.len()];
    for key in keys {
        let Some(place) = KEYS.iter().position(|name| key.name == name) else {
            let text = if key.name == "logger" {
                "`logger:` is not supported: `Logger::enter` says which logger a thread's calls go to"
                    .to_owned()
            } else {
                let name = &key.name;
                format!("unknown key `{name}:`, expected `target:`, `at:`, `name:` or `parent:`")
            };
            errors.push(key.name.span(), text);
            continue;
        };
        if known[place].replace(key).is_some() {
            errors.push(key.name.span(), format!("`{}:` is given twice", key.name));
        }
    }
    known
}

fn check_fields(fields: &[Field], errors: &mut Errors) {
    for (index, field) in fields.iter().enumerate() {
        let FieldName::Is(name) = &field.name else { continue };
        if name.is_empty() {
            errors.push(field.span, "a field needs a name");
        }
        let is_same = |other: &Field| matches!(&other.name, FieldName::Is(it) if it == name);
        if fields[..index].iter().any(is_same) {
            errors.push(field.span, format!("the field `{name}` is given twice"));
        }
    }
}

impl<'a> Target<'a> {
    /// A literal, a macro, and the path of what is written as a constant are constants; so is nothing
    /// that mentions `Self`, or a type, which may be a parameter.
    fn new(value: &'a Expr) -> Self {
        let is_constant = match value {
            Expr::Lit(_) | Expr::Macro(_) => true,
            Expr::Group(group) => return Self::new(&group.expr),
            Expr::Path(ExprPath { qself: None, path, .. }) => {
                let mut names =
                    path.segments.iter().map(|segment| segment.ident.unraw().to_string());
                names.next_back().is_some_and(|name| !name.contains(char::is_lowercase))
                    && names.all(|name| !name.contains(char::is_uppercase))
            }
            _ => false,
        };
        if is_constant { Self::Constant(value) } else { Self::Runtime(value) }
    }
}

/// All that is wrong with a call, so that it is reported at once.
struct Errors(Option<syn::Error>);

impl Errors {
    fn push(&mut self, span: Span, text: impl std::fmt::Display) {
        let error = syn::Error::new(span, text);
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    fn none_or<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}

/// Adds the inputs and slots of a message and writes its template.
struct Printer<'a, 's> {
    site: &'s mut CallSite<'a>,
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

/// What a template is made of.
enum Part<'a> {
    Literal(&'a str),
    /// The index in [`Printer::prints`].
    Print(usize),
}

impl<'a, 's> Printer<'a, 's> {
    fn new(site: &'s mut CallSite<'a>) -> Self {
        let first = site.inputs.len();
        Self {
            site,
            first,
            explicit: 0,
            next: 0,
            used: Vec::new(),
            counts: Vec::new(),
            prints: Vec::new(),
        }
    }

    /// The template, or `None` if `format!` would not take the message, or only rustc can tell.
    fn run(mut self, message: &'a Message) -> Option<Vec<TextPart>> {
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
            // A count that is printed as well is recorded as a number already.
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
            self.site.inputs.push(Input::Argument(arg));
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
        self.site.inputs[self.first..].iter().position(|input| match input {
            Input::Argument(arg) => arg.name.as_ref().is_some_and(|it| it.unraw() == name),
            _ => false,
        })
    }

    fn capture(&mut self, name: &str, message: &Message) -> Option<usize> {
        // A string that a macro made captures nothing.
        let [parse::Piece::Literal(_)] = &*message.text else { return None };
        let span = message.span;
        let ident = match name {
            "self" => Ident::new(name, span),
            // None of these is a variable, and rustc says so.
            "Self" | "super" | "crate" => return None,
            _ if name.starts_with("r#") => return None,
            _ => match syn::parse_str::<Ident>(name) {
                Ok(_) => Ident::new(name, span),
                Err(_) => Ident::new_raw(name, span),
            },
        };
        let known = self.site.inputs[self.first..].iter().position(|input| match input {
            Input::Captured(captured) => captured == &ident,
            _ => false,
        });
        Some(
            self.first
                + known.unwrap_or_else(|| {
                    self.site.inputs.push(Input::Captured(ident));
                    self.site.inputs.len() - 1 - self.first
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

    /// Adds the slots in the order of the inputs; says which slot each print became.
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
            slots[print] = self.site.slots.len();
            self.site.slots.push(Slot { input, name, role, capture });
            last = Some(input);
        }
        slots
    }

    /// The name of an argument: its own, or its place if it has none or another has it.
    fn name(&self, input: usize) -> String {
        let name = match &self.site.inputs[input] {
            Input::Captured(ident) => Some(ident.unraw().to_string()),
            Input::Argument(Arg { name: Some(name), .. }) => Some(name.unraw().to_string()),
            Input::Argument(Arg { name: None, value }) => name_of(value),
            Input::Field(_) => None,
        };
        let is_free = |name: &String| {
            let is_other = |slot: &Slot| !matches!(&slot.name, FieldName::Is(it) if it == name);
            self.site.slots.iter().all(is_other)
        };
        name.filter(is_free).unwrap_or_else(|| (input - self.first).to_string())
    }
}

/// Stands in a format string for text that only rustc knows.
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

/// Takes a template apart where the text of rustc's belongs.
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

/// Writes what stands behind the colon; `argument` writes a count that is an input.
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
    /// Whether nothing is asked for but the trait.
    pub(super) fn is_plain(&self) -> bool {
        let nothing = Spec { format: self.spec.format, ..Spec::default() };
        self.width.is_none() && self.precision.is_none() && self.spec == nothing
    }
}

impl Input<'_> {
    /// Where errors about the value belong: its first and its last token.
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

#[cfg(test)]
mod tests;
