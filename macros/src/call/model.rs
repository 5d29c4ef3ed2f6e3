//! Model of a call that keeps every rule of the language. Makes no tokens.

use proc_macro2::{Ident, Span, TokenStream};
use stenolog_format::shape::Role;
use syn::ext::IdentExt;
use syn::{Expr, ExprPath};

use super::message::{Printer, TextPart};
use super::parse::{self, Call, Field, FieldName, KEYS, Key, Kind, Level, Message, Sigil};
use super::slot::{Capture, Hidden, Input, Slot};
use crate::errors::Errors;

/// A call that keeps every rule.
pub(super) struct CallSite<'a> {
    pub(super) krate: &'a Ident,
    pub(super) level: Severity<'a>,
    pub(super) target: Option<Target<'a>>,
    pub(super) parent: Option<&'a Expr>,
    pub(super) name: Option<&'a Expr>,
    pub(super) at: Option<At<'a>>,
    pub(super) rate: Option<Rate<'a>>,
    /// The expressions to evaluate, in order.
    pub(super) inputs: Vec<Input<'a>>,
    /// The values to record, in the order of the inputs.
    pub(super) slots: Vec<Slot>,
    pub(super) message: Text<'a>,
    pub(super) kind: &'a Kind,
}

/// The target that the caller states.
pub(super) enum Target<'a> {
    Constant(&'a Expr),
    /// Known when the program runs.
    Runtime(&'a Expr),
}

/// The severity of the record.
pub(super) enum Severity<'a> {
    Fixed(&'a Ident),
    Runtime(&'a Expr),
}

/// The time that the caller states.
pub(super) struct At<'a> {
    pub(super) value: &'a Expr,
    /// The number of inputs that are evaluated before it.
    pub(super) inputs_before: usize,
}

/// How often the call is logged at most.
pub(super) struct Rate<'a> {
    /// The name of the key, which is that of the function that decides.
    pub(super) key: &'a Ident,
    pub(super) value: &'a Expr,
}

/// The field that states how many calls were held back.
pub(super) const SUPPRESSED: &str = "suppressed";

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
    /// Something that `format_args!` refuses, with a better error than ours.
    Refused(&'a TokenStream),
}

/// The most fields and arguments of a call, counting an argument once for each form it is printed in.
pub(super) const MAX_SLOTS: usize = 256;

impl<'a> CallSite<'a> {
    /// Checks a call, and reports every rule that it breaks.
    pub(super) fn check(call: &'a Call) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let [target, at, name, parent, rates @ ..] = check_keys(&call.keys, &mut errors);
        let rate = check_rates(call, rates, &mut errors);
        check_fields(&call.fields, &mut errors);
        check_span(call, name, [target, parent], &mut errors);
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
            rate,
            inputs: Vec::new(),
            slots: Vec::new(),
            message: Text::None,
            kind: &call.kind,
        };
        for &word in site.hidden() {
            let name = FieldName::Is(String::new());
            let capture = Capture::Hidden(word);
            site.slots.push(Slot { input: usize::MAX, name, role: Role::Count, capture });
        }
        let hidden = site.slots.len();
        for field in &call.fields {
            site.add_field(field);
        }
        if let Some(message) = &call.message {
            site.message = site.add_message(message);
        }
        if site.slots.len() - hidden > MAX_SLOTS {
            let found = site.slots.len() - hidden;
            let text =
                format!("a call takes at most {MAX_SLOTS} fields and arguments, not {found}");
            return Err(syn::Error::new(Span::call_site(), text));
        }
        Ok(site)
    }

    /// The hidden words at the beginning of its records.
    const fn hidden(&self) -> &'static [Hidden] {
        match self.kind {
            Kind::Span(_) => &[Hidden::Id, Hidden::Parent, Hidden::Depth],
            Kind::Record(_) => &[Hidden::Id],
            Kind::Event if self.parent.is_some() => &[Hidden::Id],
            Kind::Event | Kind::Question => &[],
        }
    }

    fn add_message(&mut self, message: &'a Message) -> Text<'a> {
        let (inputs, slots) = (self.inputs.len(), self.slots.len());
        if let Some(text) = Printer::new(&mut self.inputs, &mut self.slots).run(message) {
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
                format!(
                    "unknown key `{name}:`, expected `target:`, `at:`, `every_n:`, `per_second:`, `once:`, `name:` or `parent:`"
                )
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

/// The one limit that a call may have.
fn check_rates<'a>(
    call: &Call,
    rates: [Option<&'a Key>; 3],
    errors: &mut Errors,
) -> Option<Rate<'a>> {
    let mut rates = rates.into_iter().flatten();
    let key = rates.next()?;
    for other in rates {
        let text = format!("a call has one limit: `{}:` or `{}:`", key.name, other.name);
        errors.push(other.name.span(), text);
    }
    let of_others = match call.kind {
        Kind::Event => None,
        Kind::Question => Some("a question has no limit"),
        Kind::Span(_) | Kind::Record(_) => Some("a span has no limit"),
    };
    if let Some(text) = of_others {
        errors.push(key.name.span(), format!("{text}: `{}:` belongs to the call", key.name));
    }
    for field in &call.fields {
        if matches!(&field.name, FieldName::Is(name) if name == SUPPRESSED) {
            let text = format!("`{}:` adds a field `{SUPPRESSED}` of its own", key.name);
            errors.push(field.span, text);
        }
    }
    Some(Rate { key: &key.name, value: &key.value })
}

/// What only other calls have.
fn check_span(call: &Call, name: Option<&Key>, keys: [Option<&Key>; 2], errors: &mut Errors) {
    let what = match call.kind {
        Kind::Event | Kind::Question => return,
        Kind::Span(_) => "a span",
        Kind::Record(_) => "`record!`",
    };
    if let Some(message) = &call.message {
        let text =
            "`record!` gives fields values, and takes no message: `record!(span, name = value)`";
        errors.push(message.span, text);
    }
    if let Some(name) = name {
        errors.push(
            name.name.span(),
            "the name of a span is its first argument: `span!(\"name\", …)`",
        );
    }
    for key in keys.into_iter().flatten().filter(|_| matches!(call.kind, Kind::Record(_))) {
        errors.push(key.name.span(), format!("{what} has no `{}:`, the span has", key.name));
    }
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
    /// Literals, macros and paths in upper case are constants. Paths that mention `Self` or a type are not:
    /// it may be a parameter.
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

#[cfg(test)]
mod tests;
