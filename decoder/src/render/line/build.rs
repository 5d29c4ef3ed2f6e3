//! Builder of lines: from a call site to literal text and parts.

use stenolog_format::dictionary::{Level, Role};
use stenolog_format::template::{Align, Trait};
use stenolog_format::types::{Fields, Shape, Type};
use stenolog_format::value::{Product, Value, WordPlan, leaves, words_of};

use super::LineFormat;
use super::part::{Literal, Part, Print};
use super::slow::{Placement, Slow};
use crate::escape::{Dirt, push_escaped};
use crate::json::{write_json, write_json_string};
use crate::render::site_text::SiteText;
use crate::text::{Piece, ResolvedSpec, Style};

/// A line that is being built. Literal text is collected until a part follows it.
pub(super) struct LineBuilder<'s> {
    pub(super) format: LineFormat,
    plan: &'s WordPlan,
    types: Vec<&'s Type>,
    pub(super) parts: Vec<Part>,
    pub(super) literals: String,
    /// The start of the literal text that no part has yet.
    literal_at: usize,
    pub(super) slow: Vec<(Slow, Placement)>,
    pub(super) variants: Vec<Literal>,
    /// Whether each slot is printed.
    pub(super) is_printed: Vec<bool>,
    /// The word of the next value.
    word: u32,
}

/// Where a value is printed whose type decides how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Message,
    Field,
    Json,
}

const DEBUG: ResolvedSpec = ResolvedSpec::new(Trait::Debug);

impl<'s> LineBuilder<'s> {
    pub(super) fn new(format: LineFormat, plan: &'s WordPlan, types: Vec<&'s Type>) -> Self {
        let is_printed = vec![false; types.len()];
        let (parts, slow, variants) = (Vec::new(), Vec::new(), Vec::new());
        let literals = String::new();
        let (literal_at, word) = (0, 0);
        Self { format, plan, types, parts, literals, literal_at, slow, variants, is_printed, word }
    }

    /// The line of [`Format::Short`](crate::Format::Short), from the target on, or its [body](LineFormat::Body).
    pub(super) fn short(&mut self, text: &SiteText, pieces: &[Piece<'_>], tail: &str) {
        let is_body = self.format == LineFormat::Body;
        if !is_body {
            self.literals.push_str(&text.target);
            self.literals.push_str(": ");
        }
        let has_text = !tail.is_empty() || pieces.iter().any(|piece| !piece.literal.is_empty());
        let is_open = !has_text && !pieces.is_empty() && text.shown_fields().next().is_some();
        if is_open {
            self.put(Print::MessageStart);
        }
        self.message(pieces, tail);
        if is_open {
            self.put(Print::MessageEnd);
        }
        let mut separator = if has_text { " " } else { "" };
        for field in text.shown_fields() {
            self.literals.push_str(separator);
            separator = " ";
            self.literals.push_str(&field.text);
            self.field(field.slot, field.role);
        }
        self.literals.push_str(if is_body { "" } else { "\n" });
        self.put(Print::Nothing);
    }

    /// The line of [`Format::Json`](crate::Format::Json), from the end of the time on.
    pub(super) fn json(&mut self, text: &SiteText, level: Level, pieces: &[Piece<'_>], tail: &str) {
        self.literals.push_str("\",\"level\":\"");
        self.literals.push_str(level.as_str());
        self.literals.push_str("\",");
        self.literals.push_str(&text.json_target);
        self.literals.push('"');
        self.message(pieces, tail);
        self.literals.push('"');
        self.put(Print::Thread);
        self.literals.push_str(&text.json_place);
        let mut separator = "{";
        for field in &text.fields {
            self.literals.push_str(separator);
            separator = ",";
            self.literals.push_str(&field.json);
            self.slot(field.slot, Placement::Json, |line, ty| line.value(ty, Place::Json));
        }
        self.literals.push_str(if separator == "{" { "{}" } else { "}" });
        self.literals.push_str("}\n");
        self.put(Print::Nothing);
    }

    fn message(&mut self, pieces: &[Piece<'_>], tail: &str) {
        for piece in pieces {
            self.format.escape(&mut self.literals, piece.literal);
            let spec = piece.spec;
            self.slot(piece.slot, Placement::Message(spec), |line, ty| line.placeholder(ty, spec));
        }
        self.format.escape(&mut self.literals, tail);
    }

    fn field(&mut self, slot: usize, role: Role) {
        self.slot(slot, Placement::Field(role), |line, ty| {
            let is_debug = role == Role::DebugField;
            let print = match ty {
                Type::Formatted if is_debug => Print::Text(Dirt::Unsafe),
                Type::Str | Type::Formatted if !is_debug => Print::Text(Dirt::NotAWord),
                Type::Char if !is_debug => Print::Char,
                Type::F64 if !is_debug => Print::Shortest(Style::Display),
                Type::F32 if !is_debug => Print::ShortestF32(Style::Display),
                _ => return line.value(ty, Place::Field),
            };
            line.leaf(print, 1, ty, Placement::Field(role));
            true
        });
    }

    /// A slot, by `build` or, if that says `false`, slowly.
    fn slot(
        &mut self,
        slot: usize,
        placement: Placement,
        build: impl FnOnce(&mut Self, &Type) -> bool,
    ) {
        let (Some(&ty), Some(words)) = (self.types.get(slot), self.plan.slots().get(slot)) else {
            return;
        };
        if let Some(printed) = self.is_printed.get_mut(slot) {
            *printed = true;
        }
        self.word = words.first as u32;
        let before = (self.parts.len(), self.literals.len(), self.literal_at);
        if words.piece.is_some() || !is_flat(ty) || !build(self, ty) {
            self.parts.truncate(before.0);
            self.literals.truncate(before.1);
            self.literal_at = before.2;
            self.put_value(Print::Slow, 0, Slow::Slot(slot as u32), placement);
        }
    }

    /// A placeholder of the message.
    fn placeholder(&mut self, ty: &Type, spec: ResolvedSpec) -> bool {
        let is_json = self.format == LineFormat::Json;
        let text = if is_json { Dirt::Quoted } else { Dirt::Unsafe };
        let is_debug = spec == DEBUG;
        let is_plain = spec == ResolvedSpec::new(Trait::Display);
        let is_rounded = spec.has_only_precision()
            && matches!(spec.format, Trait::Display | Trait::Debug)
            && spec.precision.is_some();
        let digits = spec.precision.unwrap_or(0);
        let print = match ty {
            // It is printed unchanged.
            Type::Formatted => Print::Text(text),
            Type::Str if is_plain => Print::Text(text),
            Type::Char if is_plain => Print::Char,
            Type::F64 if is_plain => Print::Shortest(Style::Display),
            Type::F32 if is_plain => Print::ShortestF32(Style::Display),
            Type::F64 if is_rounded => Print::Decimals(digits),
            Type::F32 if is_rounded => Print::DecimalsF32(digits),
            Type::Duration if is_rounded && digits <= 9 => Print::RoundedDuration(digits as u8),
            _ if is_plain || is_debug => return self.value(ty, Place::Message),
            _ => match padded(ty, &spec) {
                Some(print) => print,
                None => return false,
            },
        };
        self.leaf(print, 1, ty, Placement::Message(spec));
        true
    }

    /// A value as its type says. Says whether it can be printed by parts.
    fn value(&mut self, ty: &Type, place: Place) -> bool {
        if place == Place::Json { self.json_value(ty) } else { self.debug_value(ty, place) }
    }

    fn debug_value(&mut self, ty: &Type, place: Place) -> bool {
        let slow = |in_quotes| match (place, in_quotes) {
            (Place::Message, false) => Placement::Message(DEBUG),
            (Place::Message, true) => Placement::MessageInQuotes(DEBUG),
            (_, false) => Placement::Field(Role::DebugField),
            (_, true) => Placement::FieldInQuotes,
        };
        match ty {
            Type::Unit => self.literal("()", place),
            Type::Str => {
                self.literal("\"", place);
                self.leaf(Print::Text(Dirt::Quoted), 1, ty, slow(true));
                self.literal("\"", place);
            }
            Type::Char => {
                self.literal("'", place);
                self.leaf(Print::Char, 1, ty, slow(true));
                self.literal("'", place);
            }
            Type::Formatted => {
                let is_json = self.format == LineFormat::Json;
                let dirt = if is_json { Dirt::Quoted } else { Dirt::Unsafe };
                self.leaf(Print::Text(dirt), 1, ty, slow(false));
            }
            Type::Duration => self.leaf(Print::Duration, 2, ty, slow(false)),
            Type::SystemTime => {
                self.literal("SystemTime { tv_sec: ", place);
                self.leaf(Print::Signed, 1, ty, slow(false));
                self.literal(", tv_nsec: ", place);
                self.leaf(Print::Unsigned, 1, ty, slow(false));
                self.literal(" }", place);
            }
            Type::Array(of, _) if matches!(**of, Type::U8) => {
                self.literal("[", place);
                self.bytes(", ");
                self.literal("]", place);
            }
            Type::Option(of) => return self.option(of, place, "None", ("Some(", ")")),
            Type::Array(of, n) => {
                return self.sequence((0..*n).map(|_| &**of), place, ("[", ", ", "]"));
            }
            Type::Tuple(of) if of.is_empty() => {}
            Type::Tuple(of) => {
                let end = if of.len() == 1 { ",)" } else { ")" };
                return self.sequence(of.iter(), place, ("(", ", ", end));
            }
            Type::Struct(of) => return self.debug_struct(of, place),
            Type::Enum(of) => self.variant(of.variants.iter().map(|variant| &*variant.name), place),
            _ => return self.simple(ty, &slow(false)),
        }
        true
    }

    fn debug_struct(&mut self, of: &Fields, place: Place) -> bool {
        self.literal(&of.name, place);
        if of.shape == Shape::Unit || of.fields.is_empty() {
            return true;
        }
        if of.shape == Shape::Tuple {
            let is_lone = of.name.is_empty() && of.fields.len() == 1;
            let end = if is_lone { ",)" } else { ")" };
            return self.sequence(of.fields.iter().map(|(_, ty)| ty), place, ("(", ", ", end));
        }
        let mut separator = " { ";
        for (name, ty) in &of.fields {
            self.literal(separator, place);
            separator = ", ";
            self.literal(name, place);
            self.literal(": ", place);
            if !self.value(ty, place) {
                return false;
            }
        }
        self.literal(" }", place);
        true
    }

    fn json_value(&mut self, ty: &Type) -> bool {
        let place = Place::Json;
        match ty {
            Type::Unit => self.literals.push_str("null"),
            Type::Str | Type::Formatted => self.quoted(Print::Text(Dirt::Quoted), 1, ty),
            Type::Char => self.quoted(Print::Char, 1, ty),
            Type::U128 => self.quoted(Print::Wide, 2, ty),
            Type::I128 => self.quoted(Print::SignedWide, 2, ty),
            Type::SystemTime => self.quoted(Print::Moment, 2, ty),
            Type::Duration => self.leaf(Print::Seconds, 2, ty, Placement::Json),
            Type::Ipv4 | Type::Ipv6 | Type::Ip | Type::SocketV4 | Type::SocketV6 | Type::Socket => {
                self.literals.push('"');
                self.simple(ty, &Placement::JsonInQuotes);
                self.literals.push('"');
            }
            Type::Array(of, _) if matches!(**of, Type::U8) => {
                self.literals.push('[');
                self.bytes(",");
                self.literals.push(']');
            }
            Type::Option(of) => return self.option(of, place, "null", ("", "")),
            Type::Array(of, n) => {
                return self.sequence((0..*n).map(|_| &**of), place, ("[", ",", "]"));
            }
            Type::Tuple(of) => return self.sequence(of.iter(), place, ("[", ",", "]")),
            Type::Struct(of) => return self.json_struct(of),
            Type::Enum(of) => {
                let names = of.variants.iter().map(|of| {
                    let (name, shape, fields) = (&*of.name, of.shape, Vec::new());
                    let mut variant = String::new();
                    write_json(&mut variant, &Value::Variant(Product { name, shape, fields }));
                    variant
                });
                let names: Vec<_> = names.collect();
                self.variant(names.iter().map(|name| &**name), place);
            }
            _ => return self.simple(ty, &Placement::Json),
        }
        true
    }

    fn json_struct(&mut self, of: &Fields) -> bool {
        match (of.shape, &*of.fields) {
            (Shape::Unit, _) => self.literals.push_str("null"),
            (Shape::Tuple, [(_, inner)]) => return self.json_value(inner),
            (Shape::Tuple, fields) => {
                let types = fields.iter().map(|(_, ty)| ty);
                return self.sequence(types, Place::Json, ("[", ",", "]"));
            }
            (Shape::Struct, fields) => {
                self.literals.push('{');
                for (at, (name, ty)) in fields.iter().enumerate() {
                    self.literals.push_str(if at > 0 { "," } else { "" });
                    write_json_string(&mut self.literals, name);
                    self.literals.push(':');
                    if !self.json_value(ty) {
                        return false;
                    }
                }
                self.literals.push('}');
            }
        }
        true
    }

    /// What is printed alike everywhere: numbers, truth values, addresses.
    fn simple(&mut self, ty: &Type, slow: &Placement) -> bool {
        let (print, words) = match ty {
            Type::Bool => (Print::Bool, 1),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => (Print::Unsigned, 1),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => (Print::Signed, 1),
            Type::U128 => (Print::Wide, 2),
            Type::I128 => (Print::SignedWide, 2),
            Type::F32 => (Print::ShortestF32(Style::Debug), 1),
            Type::F64 => (Print::Shortest(Style::Debug), 1),
            Type::Ipv4 => (Print::Ipv4, 1),
            Type::Ipv6 => (Print::Ipv6, 2),
            Type::Ip => (Print::Ip, 3),
            Type::SocketV4 => (Print::SocketV4, 1),
            Type::SocketV6 => (Print::SocketV6, 4),
            Type::Socket => (Print::Socket, 5),
            _ => return false,
        };
        self.leaf(print, words, ty, slow.clone());
        true
    }

    fn quoted(&mut self, print: Print, words: u32, ty: &Type) {
        self.literals.push('"');
        self.leaf(print, words, ty, Placement::JsonInQuotes);
        self.literals.push('"');
    }

    fn bytes(&mut self, separator: &str) {
        self.put(Print::Nothing);
        let start = self.literals.len();
        self.literals.push_str(separator);
        let between = self.literal_from(start);
        self.put_value(Print::Bytes(between), 1, Slow::Text, Placement::Json);
    }

    fn option(
        &mut self,
        of: &Type,
        place: Place,
        none: &str,
        (before, after): (&str, &str),
    ) -> bool {
        let at = self.parts.len();
        self.put_value(Print::Nothing, 1, Slow::Text, Placement::Json);
        let start = self.literals.len();
        self.literal(none, place);
        let none = self.literal_from(start);
        self.literal(before, place);
        if !self.value(of, place) {
            return false;
        }
        self.literal(after, place);
        self.put(Print::Nothing);
        let parts = (self.parts.len() - at - 1) as u16;
        if let Some(part) = self.parts.get_mut(at) {
            part.print = Print::Option { none, parts };
        }
        true
    }

    fn variant<'n>(&mut self, names: impl Iterator<Item = &'n str>, place: Place) {
        let first = self.variants.len() as u32;
        self.put_value(Print::Variant(first), 1, Slow::Text, Placement::Json);
        for name in names {
            let start = self.literals.len();
            self.literal(name, place);
            let name = self.literal_from(start);
            self.variants.push(name);
        }
    }

    fn sequence<'t>(
        &mut self,
        types: impl Iterator<Item = &'t Type>,
        place: Place,
        (before, between, after): (&str, &str, &str),
    ) -> bool {
        self.literal(before, place);
        for (at, ty) in types.enumerate() {
            self.literal(if at > 0 { between } else { "" }, place);
            if !self.value(ty, place) {
                return false;
            }
        }
        self.literal(after, place);
        true
    }

    fn literal(&mut self, text: &str, place: Place) {
        match place {
            Place::Message => self.format.escape(&mut self.literals, text),
            Place::Field => push_escaped(&mut self.literals, text),
            Place::Json => self.literals.push_str(text),
        }
    }

    /// The literal text from `start` on, which does not precede the next part.
    fn literal_from(&mut self, start: usize) -> Literal {
        self.literal_at = self.literals.len();
        Literal { start: start as u32, bytes: (self.literals.len() - start) as u32 }
    }

    /// A part of a value that is a leaf, or the half of one.
    fn leaf(&mut self, print: Print, words: u32, ty: &Type, slow: Placement) {
        let what = match ty {
            Type::F32 => Slow::FloatF32,
            Type::F64 => Slow::Float,
            Type::Formatted => Slow::Formatted,
            Type::Char => Slow::Char,
            Type::Duration => Slow::Duration,
            Type::SystemTime => Slow::Time,
            _ => Slow::Text,
        };
        self.put_value(print, words, what, slow);
    }

    fn put(&mut self, print: Print) {
        let literal = self.literal_from(self.literal_at);
        self.parts.push(Part { literal, word: self.word, print, slow: 0 });
    }

    fn put_value(&mut self, print: Print, words: u32, what: Slow, placement: Placement) {
        self.put(print);
        if let Some(part) = self.parts.last_mut() {
            part.slow = self.slow.len() as u32;
        }
        self.slow.push((what, placement));
        self.word += words;
    }
}

/// Whether the words of a type are printed one by one. A serde value is printed as a whole; errors, which
/// have no name, and types of other packages are printed in their own way.
fn is_flat(ty: &Type) -> bool {
    match ty {
        Type::Serde(_) => false,
        Type::Option(of) | Type::Array(of, _) => is_flat(of),
        Type::Tuple(of) => of.iter().all(is_flat),
        Type::Struct(of) => {
            let is_named = !of.name.is_empty() || of.shape != Shape::Struct;
            is_named && !ty.is_reserved() && of.fields.iter().all(|(_, ty)| is_flat(ty))
        }
        _ => words_of(&leaves(ty)) > 0 || *ty == Type::Unit,
    }
}

/// Numbers with a width, and hexadecimal ones, if they are short.
fn padded(ty: &Type, spec: &ResolvedSpec) -> Option<Print> {
    const MAX_WIDTH: u16 = 32;
    let ResolvedSpec { fill, align, plus, alternate, zero, width, .. } = *spec;
    let is_signed = matches!(ty, Type::I8 | Type::I16 | Type::I32 | Type::I64);
    let is_unsigned = matches!(ty, Type::U8 | Type::U16 | Type::U32 | Type::U64);
    let is_usual = fill == ' ' && matches!(align, None | Some(Align::Right));
    if plus || alternate || width > MAX_WIDTH || !is_usual || !(is_signed || is_unsigned) {
        return None;
    }
    match spec.format {
        Trait::Display | Trait::Debug => {
            Some(Print::Padded { width: width as u8, is_signed, is_zero: zero })
        }
        Trait::LowerHex if is_unsigned && width <= 16 && (zero || width < 2) => {
            Some(Print::Hex(width.max(1) as u8))
        }
        _ => None,
    }
}
