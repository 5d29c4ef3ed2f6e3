//! Automaton of a call site: it accepts every line that a record of the call site can be shown as.
//!
//! ```text
//!   "{0} of {1:>6}" ─▶ ((text)) ─o─▶ ○ ─f─▶ … ─▶ ((digits, blanks)) ─▶ end
//!                       └ any byte, copied from the values
//! ```
//!
//! It accepts a superset of what `text` prints: numbers are any sequence of their digits, composites are any
//! sequence of the names, signs and values in them. Escaped text may also appear as it was logged. A
//! search looks for a part of a line, so the automaton may begin and end anywhere.
//!
//! A [leaf](Leaf) is a value that is printed in one piece: a string, a number, an address. For each walk, the
//! automaton tells which bytes come from which leaf, and the leaf tells whether it can print them.
//!
//! A dictionary is not trusted. The size of an automaton is bounded, each question takes time in
//! proportion to it, and the steps are counted against a [`Budget`].

mod graph;
mod leaf;
mod walk;

use std::mem::{Discriminant, discriminant};

use stenolog_format::dictionary::{CallSite, Role};
use stenolog_format::template::{
    Argument, Count, Piece, Placeholder, Precision, Sign, Spec, Template, Trait,
};
use stenolog_format::types::{Fields, Type};
use stenolog_format::value::{NOT_AS_ITS_SCHEMA, NOT_SERIALISED};

use super::fold::fold;
use super::required::RequiredLiteral;
use crate::escape::push_escaped;
use crate::filter::budget::{Budget, is_within};
use crate::model::site::unique_names;
use crate::text::{CUT, ResolvedSpec};
pub(in crate::filter) use graph::LineAutomaton;
use graph::{ByteSet, Node};
pub(crate) use leaf::{Leaf, LeafKind};
use walk::AutomatonWalk;

/// Types with more parts and bytes of names than this may print any text.
const MAX_TYPE_BYTES: usize = 1024;

/// A call site whose template and names are longer, that has more slots, or for which more states are
/// needed may print anything.
const MAX_SITE_BYTES: usize = 1024;
const MAX_SITE_SLOTS: usize = 64;
const MAX_STATES: usize = 4096;

/// The cost of adding a state, in steps.
const NODE_STEPS: usize = 32;

/// How a placeholder or a field prints its value.
#[derive(Clone, Debug)]
struct Printing {
    slot: usize,
    /// Nothing but `{}` or `{:?}`.
    is_plain: bool,
    fill: Vec<u8>,
    /// The spec without padding and sign, and all of it unless other values decide.
    spec: ResolvedSpec,
    whole: Option<ResolvedSpec>,
    /// The most digits after the point that are asked for.
    precision: Option<usize>,
    /// Whether the value is a part of the slot's value.
    is_part: bool,
}

impl Printing {
    fn plain(slot: usize, format: Trait) -> Self {
        let spec = ResolvedSpec::new(format);
        let (fill, whole) = (Vec::new(), Some(spec));
        Self { slot, is_plain: true, fill, spec, whole, precision: None, is_part: false }
    }

    fn new(slot: usize, spec: &Spec<'_>) -> Self {
        let has_width = match spec.width {
            None | Some(Count::Is(0)) => spec.zero,
            Some(_) => true,
        };
        let is_plain = !has_width
            && !spec.alternate
            && spec.sign.is_none()
            && spec.precision.is_none()
            && matches!(spec.format, Trait::Display | Trait::Debug);
        let mut fill = Vec::new();
        if has_width {
            let char = spec.fill.unwrap_or(' ');
            let mut bytes = [0; 4];
            let char = &*char.encode_utf8(&mut bytes);
            fill = escaped(char);
            fill.extend(fold(char));
            fill.extend_from_slice(b" 0");
        }
        let precision = spec.precision.map(|precision| match precision {
            Precision::Count(Count::Is(digits)) => digits,
            _ => usize::MAX,
        });
        let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let plain = ResolvedSpec::new(spec.format);
        let width = match spec.width {
            None => Some(0),
            Some(Count::Is(width)) => Some(number(width)),
            Some(Count::Argument(_)) => None,
        };
        let whole = width.filter(|_| precision != Some(usize::MAX)).map(|width| ResolvedSpec {
            fill: spec.fill.unwrap_or(plain.fill),
            align: spec.align,
            plus: spec.sign == Some(Sign::Plus),
            alternate: spec.alternate,
            zero: spec.zero,
            width,
            precision: precision.map(number),
            format: spec.format,
        });
        let spec = ResolvedSpec { precision: precision.map(number), ..plain };
        Self { slot, is_plain, fill, spec, whole, precision, is_part: false }
    }

    /// The same for the parts of the value, which are printed by `Debug`.
    fn of_parts(&self) -> Self {
        let mut of_parts = Self { is_part: true, ..self.clone() };
        let debug = [Trait::DebugLowerHex, Trait::DebugUpperHex];
        if !debug.contains(&self.spec.format) {
            of_parts.spec.format = Trait::Debug;
        }
        of_parts
    }
}

/// Text as it is shown, folded.
fn escaped(text: &str) -> Vec<u8> {
    let mut shown = String::new();
    push_escaped(&mut shown, text);
    fold(&shown)
}

impl LineAutomaton {
    /// The automaton of `site`. An invalid template is shown verbatim.
    pub(in crate::filter) fn new(
        site: &CallSite,
        has_readable_template: bool,
        budget: &mut Budget,
    ) -> Self {
        let names = site.slots.iter().map(|slot| slot.name.len()).sum::<usize>();
        let bytes = site.template.as_ref().map_or(0, |template| template.len()) + names;
        if bytes > MAX_SITE_BYTES || site.slots.len() > MAX_SITE_SLOTS || budget.is_spent() {
            return Self::default();
        }
        let mut line = Self { nodes: vec![Node::default()], ..Self::default() };
        line.build(site, has_readable_template);
        budget.spend(NODE_STEPS * line.nodes.len());
        if line.is_too_large() {
            line.nodes.clear();
            return line;
        }
        line.from = vec![Vec::new(); line.nodes.len()];
        for (index, node) in line.nodes.iter().enumerate() {
            node.free.iter().for_each(|&next| line.from[next].push(index));
            line.size += 1 + node.free.len() + node.steps.len();
        }
        line
    }

    fn build(&mut self, site: &CallSite, has_readable_template: bool) {
        let mut at = 0;
        if let Some(template) = &site.template {
            match Template::parse(template) {
                Ok(parsed) if has_readable_template => at = self.message(site, &parsed),
                _ => at = self.shown(at, template),
            }
        }
        let mut is_first = true;
        for field in unique_names(site).iter().filter(|field| field.is_shown()) {
            let Some(slot) = site.slots.get(field.slot) else { continue };
            let mut name = self.literal(at, b" ");
            // Nothing precedes the first one if there is no message.
            if std::mem::take(&mut is_first) {
                name = self.join(&[at, name]);
            }
            let end = self.literal(name, &escaped(&field.name));
            let end = self.literal(end, b"=");
            let is_debug = slot.role == Role::DebugField;
            let format = if is_debug { Trait::Debug } else { Trait::Display };
            at = self.value(end, &slot.ty, &Printing::plain(field.slot, format));
        }
    }

    fn message(&mut self, site: &CallSite, template: &Template<'_>) -> usize {
        let mut at = 0;
        for piece in &template.pieces {
            if self.is_too_large() {
                return at;
            }
            at = match piece {
                Piece::Literal(text) => self.shown(at, text),
                Piece::Placeholder(Placeholder {
                    argument: Argument::Index(index), spec, ..
                }) => match site.slots.get(*index) {
                    Some(slot) => self.value(at, &slot.ty, &Printing::new(*index, spec)),
                    None => at,
                },
                Piece::Placeholder(_) => at,
            };
        }
        // A message that is too long is cut anywhere, and a note follows.
        let nodes = self.nodes.len();
        let cut = self.node();
        (0..nodes).for_each(|node| self.nodes[node].free.push(cut));
        let cut = self.literal(cut, CUT.as_bytes());
        self.join(&[at, cut])
    }

    fn is_too_large(&self) -> bool {
        self.nodes.len() > MAX_STATES
    }

    fn node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// A state that is reached from all of `from`.
    fn join(&mut self, from: &[usize]) -> usize {
        let node = self.node();
        from.iter().for_each(|&from| self.nodes[from].free.push(node));
        node
    }

    fn literal(&mut self, from: usize, text: &[u8]) -> usize {
        if self.is_too_large() {
            return from;
        }
        text.iter().fold(from, |from, &byte| {
            let node = self.node();
            self.nodes[from].steps.push((ByteSet::of(&[byte]), node));
            node
        })
    }

    /// Text as it is shown, or as it was logged.
    fn shown(&mut self, from: usize, text: &str) -> usize {
        let (shown, raw) = (escaped(text), fold(text));
        if shown == raw {
            return self.literal(from, &raw);
        }
        text.chars().fold(from, |from, char| {
            let mut bytes = [0; 4];
            let char = &*char.encode_utf8(&mut bytes);
            let (shown, raw) = (escaped(char), fold(char));
            if shown == raw || self.is_too_large() {
                return self.literal(from, &raw);
            }
            let ends = [self.literal(from, &shown), self.literal(from, &raw)];
            let end = self.join(&ends);
            // Pretty printing indents what follows a line feed.
            self.any_of(end, b" ")
        })
    }

    /// Any number of these bytes.
    fn any_of(&mut self, from: usize, bytes: &[u8]) -> usize {
        let node = self.join(&[from]);
        self.nodes[node].steps.push((ByteSet::of(bytes), node));
        node
    }

    /// One of these texts.
    fn one_of(&mut self, from: usize, texts: &[&str]) -> usize {
        let ends: Vec<_> = texts.iter().map(|text| self.literal(from, &escaped(text))).collect();
        self.join(&ends)
    }

    /// `from`, or the state after `"`.
    fn maybe_quote(&mut self, from: usize) -> usize {
        let quote = self.literal(from, b"\"");
        self.join(&[from, quote])
    }

    /// What an escape may be: `\n`, `\u{1b}` and the like.
    fn escape(&mut self, from: usize, how: &Printing) -> usize {
        let slash = self.literal(from, b"\\");
        let simple = self.leaf(slash, LeafKind::Escape, ByteSet::of(b"0trn\\'\""), how);
        let long = self.literal(slash, b"u{");
        let digits = ByteSet::of(b"0123456789abcdef");
        let long = self.leaf(long, LeafKind::Escape, digits, how);
        let long = self.literal(long, b"}");
        let end = self.join(&[simple, long]);
        // Pretty printing indents what follows a line feed.
        self.any_of(end, b" ")
    }

    /// A logged string: its bytes, with some characters escaped.
    fn text(&mut self, from: usize, how: &Printing) -> usize {
        let from = self.maybe_quote(from);
        let text = self.leaf(from, LeafKind::Text, ByteSet::ALL, how);
        let escape = self.escape(text, how);
        self.nodes[escape].free.push(text);
        // A line feed may be followed by blanks that are not part of the string.
        self.nodes[text].steps.push((ByteSet::of(b"\n"), escape));
        self.maybe_quote(text)
    }

    /// A value that is printed in one piece of these bytes.
    fn leaf(&mut self, from: usize, kind: LeafKind, bytes: ByteSet, how: &Printing) -> usize {
        let node = self.join(&[from]);
        self.nodes[node].within = Some((bytes, self.leaves.len()));
        let Printing { slot, is_plain, spec, whole, is_part, precision, .. } = *how;
        let spec =
            if is_part { whole } else { Some(spec).filter(|_| precision != Some(usize::MAX)) };
        let is_text = matches!(kind, LeafKind::Text | LeafKind::Char | LeafKind::Escape);
        let is_whole = is_plain && !is_text && !is_part;
        self.leaves.push(Leaf { slot, kind, spec, is_whole });
        node
    }

    fn value(&mut self, from: usize, ty: &Type, how: &Printing) -> usize {
        if !is_within(ty, MAX_TYPE_BYTES) {
            return self.anything(from);
        }
        let from = self.any_of(from, &how.fill);
        let end = self.unpadded(from, ty, how);
        self.any_of(end, &how.fill)
    }

    /// Any text that does not come from a leaf.
    fn anything(&mut self, from: usize) -> usize {
        let node = self.join(&[from]);
        self.nodes[node].steps.push((ByteSet::ALL, node));
        node
    }

    /// A value without what pads it.
    fn unpadded(&mut self, from: usize, ty: &Type, how: &Printing) -> usize {
        if let Some((kind, mut bytes)) = LeafKind::of(ty, how.spec.format, how.precision) {
            let is_signed = matches!(ty, Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::I128);
            if how.is_plain && is_signed {
                bytes = bytes.with(b'-');
            }
            // The sign, the prefix of the radix, zeros.
            let from = if how.is_plain { from } else { self.any_of(from, b"+-0xob") };
            let mut ends = vec![self.leaf(from, kind, bytes, how)];
            if kind == LeafKind::Float {
                let sign = self.any_of(from, b"+-");
                ends.push(self.one_of(sign, &["inf", "nan"]));
            }
            return self.join(&ends);
        }
        match ty {
            Type::Str | Type::Formatted => self.text(from, how),
            Type::Char => {
                let quoted = self.any_of(from, b"\"'");
                let escape = self.escape(quoted, how);
                let char = self.leaf(quoted, LeafKind::Char, ByteSet::ALL, how);
                let end = self.join(&[char, escape]);
                self.any_of(end, b"\"'")
            }
            Type::Unit => self.any_of(from, b"()"),
            // It prints in its own way.
            _ if ty.is_reserved() => self.anything(from),
            Type::SystemTime
            | Type::Option(_)
            | Type::Array(..)
            | Type::Slice(_)
            | Type::Tuple(_)
            | Type::Struct(_)
            | Type::Enum(_)
            | Type::Map(..)
            | Type::Serde(_) => self.composite(from, ty, &how.of_parts()),
            // Of a later version.
            _ => self.anything(from),
        }
    }

    /// Any sequence of what such a value prints.
    fn composite(&mut self, from: usize, ty: &Type, how: &Printing) -> usize {
        const SIGNS: &[u8] = b" ,:(){}[]\n";
        let hub = self.any_of(from, SIGNS);
        self.nodes[hub].steps.push((ByteSet::of(&how.fill), hub));
        let mut parts = Parts { hub, ends: Vec::new(), has: Vec::new() };
        self.parts(ty, how, &mut parts);
        let end = self.join(&parts.ends);
        let end = self.any_of(end, &how.fill);
        // Two strings never touch. Pretty printing has line feeds, which are escaped in turn.
        self.nodes[end].steps.push((ByteSet::of(SIGNS), hub));
        let line_feed = self.literal(end, b"\\n");
        self.nodes[line_feed].free.push(hub);
        let line_feed = self.literal(hub, b"\\n");
        self.nodes[line_feed].free.push(hub);
        self.join(&[hub, end])
    }

    /// The names and the values in a composite.
    fn parts(&mut self, ty: &Type, how: &Printing, parts: &mut Parts) {
        let hub = parts.hub;
        let fields = |line: &mut Self, of: &Fields, parts: &mut Parts| {
            parts.ends.push(line.shown(hub, &of.name));
            for (name, ty) in &of.fields {
                parts.ends.push(line.shown(hub, name));
                line.parts(ty, how, parts);
            }
        };
        let is_known = parts.has.contains(&discriminant(ty));
        if !is_known {
            parts.has.push(discriminant(ty));
        }
        match ty {
            Type::SystemTime if is_known => {}
            Type::SystemTime => {
                parts.ends.push(self.one_of(hub, &["SystemTime", "tv_sec", "tv_nsec"]));
                parts.ends.push(self.unpadded(hub, &Type::I64, how));
            }
            Type::Option(of) => {
                if !is_known {
                    parts.ends.push(self.one_of(hub, &["Some", "None"]));
                }
                self.parts(of, how, parts);
            }
            Type::Array(of, _) | Type::Slice(of) => self.parts(of, how, parts),
            Type::Tuple(of) => of.iter().for_each(|ty| self.parts(ty, how, parts)),
            Type::Map(key, value) => {
                self.parts(key, how, parts);
                self.parts(value, how, parts);
            }
            _ if ty.is_reserved() => parts.ends.push(self.anything(hub)),
            Type::Struct(of) => fields(self, of, parts),
            Type::Enum(of) => of.variants.iter().for_each(|of| fields(self, of, parts)),
            Type::Serde(of) => {
                if !is_known {
                    parts.ends.push(self.one_of(hub, &[NOT_SERIALISED, NOT_AS_ITS_SCHEMA]));
                }
                self.parts(of, how, parts);
            }
            // One leaf of a kind covers all others.
            _ if is_known => {}
            leaf => parts.ends.push(self.unpadded(hub, leaf, how)),
        }
    }

    /// What the values of a record of the call site must print if its line contains `literal`.
    pub(super) fn required(&self, literal: &[u8], budget: &mut Budget) -> RequiredLiteral {
        if self.nodes.is_empty() || budget.is_spent() {
            return RequiredLiteral::Unknown;
        }
        let (required, steps) = AutomatonWalk::answer(self, literal);
        budget.spend(steps);
        required
    }
}

/// The parts of a composite that were added so far.
struct Parts {
    /// Where each part begins.
    hub: usize,
    ends: Vec<usize>,
    /// The kinds of types that have parts.
    has: Vec<Discriminant<Type>>,
}
