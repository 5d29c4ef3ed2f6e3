//! What a reader needs for the values of a type, at the most.
//!
//! Readers bound what a record may be (`FORMAT.md`, section 11): how deep its types nest, and how many
//! values, names and elements without bytes it may have for its length. Which types can exceed that is
//! known when the program is compiled. Nearly none can, and cost nothing here.
//!
//! - A type that no reader takes, whatever its value, is recorded as a word that says so: see
//!   [`Bound::refusal`].
//! - Records of types of which only some values are too much are looked at, one by one: see
//!   [`Bound::is_always_readable`].

use stenolog_format::types::MAX_TYPE_DEPTH;
use stenolog_format::value::{
    FREE_NAME_BYTES, MAX_UNSIZED_ELEMENTS, MAX_UNSIZED_LIST, NAME_BYTES_PER_BYTE, VALUES_PER_BYTE,
};

/// Upper bounds for the values of a type. Sums are signed: what takes bytes earns an allowance by them.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// How many levels of types there are.
    depth: i64,
    /// How many types there are.
    nodes: i64,
    /// How long the names are that the dictionary has of it.
    described: i64,
    /// How many values there are beyond those that the bytes allow.
    values: i64,
    /// How many bytes of names there are beyond those that the bytes allow.
    names: i64,
    /// How many elements without bytes there are, in the way of readers to count them.
    unsized_elements: i64,
    /// Whether values take no bytes.
    is_empty: bool,
}

/// More than any number of things that is bounded.
const UNBOUNDED: i64 = i64::MAX / 4;

/// The most types that one value's description has, and the most bytes of names: a dictionary frame of
/// readers' 64 MiB holds it with 255 others.
const MAX_NODES: i64 = 1 << 16;
const MAX_DESCRIBED: i64 = 1 << 17;

impl Bound {
    /// Values without parts, all of so many bytes.
    pub(super) const fn leaf(fixed_size: Option<usize>) -> Self {
        match fixed_size {
            Some(0) => Self {
                depth: 1,
                nodes: 1,
                described: 0,
                values: 1,
                names: 0,
                unsized_elements: 0,
                is_empty: true,
            },
            // At least a byte, which may be all that is left of them when they are packed.
            _ => Self {
                depth: 1,
                nodes: 1,
                described: 0,
                values: 1 - VALUES_PER_BYTE as i64,
                names: -(NAME_BYTES_PER_BYTE as i64),
                unsized_elements: 0,
                is_empty: false,
            },
        }
    }

    /// A byte, or a length in front of what may follow.
    const LEAF: Self = Self::leaf(None);

    /// A list of nothing yet.
    const EMPTY: Self = Self { depth: 0, nodes: 0, values: 0, ..Self::leaf(Some(0)) };

    /// Both, one after the other.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            depth: max(self.depth, other.depth),
            nodes: self.nodes.saturating_add(other.nodes),
            described: self.described.saturating_add(other.described),
            values: self.values.saturating_add(other.values),
            names: self.names.saturating_add(other.names),
            unsized_elements: self.unsized_elements.saturating_add(other.unsized_elements),
            is_empty: self.is_empty && other.is_empty,
        }
    }

    /// Types in a type: one level and one type more.
    const fn within(self) -> Self {
        Self { depth: self.depth.saturating_add(1), nodes: self.nodes.saturating_add(1), ..self }
    }

    /// `Option`
    pub(super) const fn option(of: Self) -> Self {
        Self {
            values: max(of.values, 0) + Self::LEAF.values,
            names: max(of.names, 0) + Self::LEAF.names,
            is_empty: false,
            ..of
        }
        .within()
    }

    /// `n` of them.
    const fn times(self, n: i64) -> Self {
        let unsized_elements = if self.is_empty { self.nodes } else { 0 };
        Self {
            values: self.values.saturating_mul(n),
            names: self.names.saturating_mul(n),
            unsized_elements: self
                .unsized_elements
                .saturating_add(unsized_elements)
                .saturating_mul(n),
            is_empty: self.is_empty || n == 0,
            ..self
        }
    }

    /// `[T; N]`
    pub(super) const fn array(of: Self, n: usize) -> Self {
        let n = if n as u64 > UNBOUNDED as u64 { UNBOUNDED } else { n as i64 };
        let elements = of.times(n);
        Self { values: elements.values.saturating_add(1), ..elements }.within()
    }

    /// As many as fit.
    pub(super) const fn list(of: Self) -> Self {
        // Elements without bytes are bounded by the writer, others by what they earn.
        let elements = if of.is_empty {
            of.times(MAX_UNSIZED_LIST as i64)
        } else {
            Self {
                values: if of.values > 0 { UNBOUNDED } else { 0 },
                names: if of.names > 0 { UNBOUNDED } else { 0 },
                unsized_elements: if of.unsized_elements > 0 { UNBOUNDED } else { 0 },
                ..of
            }
        };
        Self {
            values: elements.values.saturating_add(Self::LEAF.values),
            names: elements.names.saturating_add(Self::LEAF.names),
            is_empty: false,
            ..elements
        }
        .within()
    }

    /// Entries of a key and a value each.
    pub(super) const fn map(key: Self, value: Self) -> Self {
        Self::list(key.and(value))
    }

    /// `(A, B)`, or what has other names.
    pub(super) const fn product(name: &str, names: &[&str], fields: &[Self]) -> Self {
        let mut sum = Self::EMPTY;
        let mut length = name.len() as i64;
        let mut at = 0;
        while at < fields.len() {
            sum = sum.and(fields[at]);
            length += if at < names.len() { names[at].len() as i64 } else { 0 };
            at += 1;
        }
        Self {
            described: sum.described.saturating_add(length),
            values: sum.values.saturating_add(1),
            names: sum.names.saturating_add(length),
            ..sum
        }
        .within()
    }

    /// One of some products.
    pub(super) const fn of_enum(name: &str, variants: &[Self]) -> Self {
        let mut bound = Self { described: name.len() as i64, ..Self::EMPTY };
        let (mut values, mut names, mut unsized_elements) = (0, 0, 0);
        let mut at = 0;
        while at < variants.len() {
            bound = bound.and(variants[at]);
            values = max(values, variants[at].values);
            names = max(names, variants[at].names);
            unsized_elements = max(unsized_elements, variants[at].unsized_elements);
            at += 1;
        }
        Self {
            values: values.saturating_add(Self::LEAF.values),
            names: names.saturating_add(Self::LEAF.names),
            unsized_elements,
            is_empty: false,
            ..bound
        }
        .within()
    }

    /// The nothing that a record's list of values begins with.
    pub(super) const fn nothing() -> Self {
        Self::EMPTY
    }

    /// What is recorded instead of values that no reader takes, if these are such.
    pub(super) const fn refusal(self) -> Option<&'static str> {
        if self.depth > MAX_TYPE_DEPTH as i64 {
            Some("<not recorded: a type nested deeper than 64 levels>")
        } else if self.nodes > MAX_NODES || self.described > MAX_DESCRIBED {
            Some("<not recorded: a type whose description is too long>")
        } else if self.is_empty && !self.is_always_readable() {
            Some("<not recorded: more than 65536 elements without bytes>")
        } else {
            None
        }
    }

    /// Whether readers take every record of such values.
    pub(crate) const fn is_always_readable(self) -> bool {
        self.values <= MAX_UNSIZED_ELEMENTS as i64
            && self.names <= FREE_NAME_BYTES as i64
            && self.unsized_elements <= MAX_UNSIZED_ELEMENTS as i64
    }

    /// Whether values take no bytes.
    pub(super) const fn is_empty(self) -> bool {
        self.is_empty
    }
}

const fn max(a: i64, b: i64) -> i64 {
    if a > b { a } else { b }
}
