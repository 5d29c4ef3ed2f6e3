//! Upper bounds on what a reader needs for the values of a type.
//!
//! Readers limit a record (`FORMAT.md`, section 11): how deep its types nest, and how many values, names
//! and elements without bytes it may have for its length. The compiler knows which types can exceed these
//! limits. Hardly any can, and the others cost nothing here.
//!
//! - A type whose every value exceeds a limit is recorded as a word that says so: see [`Bound::refusal`].
//! - If only some values of a type exceed a limit, its records are checked one by one: see
//!   [`Bound::is_always_readable`].

use stenolog_format::types::MAX_TYPE_DEPTH;
use stenolog_format::value::{
    FREE_NAME_BYTES, MAX_UNSIZED_ELEMENTS, MAX_UNSIZED_LIST, NAME_BYTES_PER_BYTE, VALUES_PER_BYTE,
};

/// Upper bounds for the values of a type. Sums are signed: bytes earn an allowance.
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
    /// How many types a reader finds without bytes when it looks whether values take any: once for each
    /// list of them, and these count as values.
    looked_at: i64,
}

/// Larger than any limit.
const UNBOUNDED: i64 = i64::MAX / 4;

/// The most types that one value's description has, and the most bytes of names: a dictionary frame of
/// readers' 64 MiB holds it with 255 others.
const MAX_NODES: i64 = 1 << 16;
const MAX_DESCRIBED: i64 = 1 << 18;

impl Bound {
    /// Values without parts, of this many bytes each.
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
                looked_at: 1,
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
                looked_at: 0,
            },
        }
    }

    /// A byte, or a length in front of what may follow.
    const LEAF: Self = Self::leaf(None);

    /// A list of nothing yet.
    const EMPTY: Self = Self { depth: 0, nodes: 0, values: 0, looked_at: 0, ..Self::leaf(Some(0)) };

    /// Both, one after the other.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            depth: max(self.depth, other.depth),
            nodes: self.nodes.saturating_add(other.nodes),
            described: self.described.saturating_add(other.described),
            values: self.values.saturating_add(other.values),
            names: self.names.saturating_add(other.names),
            unsized_elements: self.unsized_elements.saturating_add(other.unsized_elements),
            is_empty: self.is_empty && other.is_empty,
            looked_at: self.looked_at.saturating_add(other.looked_at),
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
            looked_at: 0,
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
        Self {
            values: elements.values.saturating_add(1).saturating_add(of.looked_at),
            looked_at: (if n == 0 { 0 } else { of.looked_at }) + elements.is_empty as i64,
            ..elements
        }
        .within()
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
            values: elements.values.saturating_add(Self::LEAF.values).saturating_add(of.looked_at),
            names: elements.names.saturating_add(Self::LEAF.names),
            is_empty: false,
            looked_at: 0,
            ..elements
        }
        .within()
    }

    /// Entries of a key and a value each.
    pub(super) const fn map(key: Self, value: Self) -> Self {
        Self::list(key.and(value))
    }

    /// A map of its elements to nothing at all.
    pub(super) const fn set(of: Self) -> Self {
        Self::map(of, Self::product("", &[], &[]))
    }

    /// Parts whose names, including that of their type, have this many bytes together.
    pub(super) const fn named(parts: Self, name_bytes: usize) -> Self {
        let name_bytes = name_bytes as i64;
        Self {
            described: parts.described.saturating_add(name_bytes),
            values: parts.values.saturating_add(1),
            names: parts.names.saturating_add(name_bytes),
            looked_at: parts.looked_at.saturating_add(parts.is_empty as i64),
            ..parts
        }
        .within()
    }

    /// A struct, a variant, or a tuple.
    pub(super) const fn product(name: &str, names: &[&str], fields: &[Self]) -> Self {
        let mut sum = Self::EMPTY;
        let mut at = 0;
        while at < fields.len() {
            sum = sum.and(fields[at]);
            at += 1;
        }
        let mut name_bytes = name.len();
        at = 0;
        while at < names.len() {
            name_bytes += names[at].len();
            at += 1;
        }
        Self::named(sum, name_bytes)
    }

    /// An enum without variants yet.
    pub(super) const fn no_variant(name: &str) -> Self {
        Self { described: name.len() as i64, ..Self::LEAF }
    }

    /// An enum with one variant more, which is a product.
    pub(super) const fn or(self, variant: Self) -> Self {
        Self {
            values: max(self.values, variant.values.saturating_add(Self::LEAF.values)),
            names: max(self.names, variant.names.saturating_add(Self::LEAF.names)),
            unsized_elements: max(self.unsized_elements, variant.unsized_elements),
            is_empty: false,
            // The variant itself is no type.
            nodes: self.nodes.saturating_add(variant.nodes - 1),
            looked_at: 0,
            ..self.and(variant)
        }
    }

    /// One of some products.
    pub(super) const fn of_enum(name: &str, variants: &[Self]) -> Self {
        let mut bound = Self::no_variant(name);
        let mut at = 0;
        while at < variants.len() {
            bound = bound.or(variants[at]);
            at += 1;
        }
        bound
    }

    /// A list that serde writes, however long: unbounded if its elements take no bytes.
    #[cfg(feature = "serde")]
    pub(super) const fn serde_list(of: Self) -> Self {
        let unsized_elements = if of.is_empty || of.unsized_elements > 0 { UNBOUNDED } else { 0 };
        Self { unsized_elements, ..Self::list(of) }
    }

    /// A serde value: a length, then the value.
    #[cfg(feature = "serde")]
    pub(super) const fn serde(of: Self) -> Self {
        Self {
            values: of.values.saturating_add(Self::LEAF.values).saturating_add(of.looked_at),
            names: of.names.saturating_add(Self::LEAF.names),
            is_empty: false,
            looked_at: 0,
            ..of
        }
        .within()
    }

    /// The nothing that a record's list of values begins with.
    pub(super) const fn nothing() -> Self {
        Self::EMPTY
    }

    /// The text that is recorded instead, if no reader accepts these values.
    pub(super) const fn refusal(self) -> Option<&'static str> {
        if self.depth > MAX_TYPE_DEPTH as i64 {
            Some("<not recorded: a type nested deeper than 64 levels>")
        } else if self.nodes > MAX_NODES || self.described > MAX_DESCRIBED {
            Some("<not recorded: a type whose description is too long>")
        } else if self.is_empty && !self.is_always_readable() {
            Some("<not recorded: too many elements without bytes>")
        } else {
            None
        }
    }

    /// Whether readers accept every record of such values.
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
