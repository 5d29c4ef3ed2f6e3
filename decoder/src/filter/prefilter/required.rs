//! Required literals: what the values of a record must hold to meet a condition.

use stenolog_format::summary::{BlockSummary, GRAM_BYTES, IdFilter, IntegerRange};
use stenolog_format::template::Trait;
use stenolog_format::types::Type;
use stenolog_format::value::put_uint;

use super::automaton::{Leaf, LeafKind};
use super::fold::{fold, minimal};

/// With more pieces than this, searching for any of them does not pay.
pub(super) const MAX_PIECES: usize = 64;

/// A call site has at most this many values that a search may begin at.
const MAX_CONDITIONS: usize = 256;

/// What the values of a record must hold to meet a condition of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequiredLiteral {
    /// No record can meet the condition.
    Never,
    /// Any record may meet it: its values have to be read.
    Unknown,
    /// Only a record whose values meet one of these can.
    OneOf(Vec<Condition>),
}

/// A condition on one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The slot that has the value, or the value of which it is a part.
    pub(crate) slot: usize,
    pub(crate) wanted: Wanted,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A string that contains this, ignoring case.
    Text(Vec<u8>),
    /// A string with a character that is escaped.
    Escaped {
        /// Whether it is printed in digits, as `\u{7f}`.
        in_digits: bool,
    },
    /// A value that is printed with this in it, ignoring case.
    Shown {
        leaf: Leaf,
        piece: Vec<u8>,
        /// Whether its text begins with the piece.
        starts: bool,
        /// Whether its text ends with the piece.
        ends: bool,
    },
    /// This integer. Its bytes in a record are one of these.
    Integer(i128, [Vec<u8>; 2]),
}

impl Condition {
    /// The condition that a leaf prints a piece.
    pub(super) fn shown(leaf: &Leaf, piece: &[u8], (starts, ends): (bool, bool)) -> Self {
        let (leaf, piece) = (*leaf, piece.to_vec());
        let wanted = match leaf.kind {
            LeafKind::Text => Wanted::Text(piece),
            LeafKind::Escape => {
                // `\0` is the only short escape with a digit.
                let in_digits = piece.iter().all(u8::is_ascii_hexdigit) && piece != b"0";
                Wanted::Escaped { in_digits }
            }
            _ => Wanted::Shown { leaf, piece, starts, ends },
        };
        Self { slot: leaf.slot, wanted }
    }

    /// The bytes that the values of a record must contain, one of them; none if other bytes may do.
    fn in_rows(&self) -> &[Vec<u8>] {
        match &self.wanted {
            Wanted::Text(piece) if piece.len() >= GRAM_BYTES => std::slice::from_ref(piece),
            Wanted::Integer(_, bytes) => bytes,
            Wanted::Text(_) | Wanted::Escaped { .. } | Wanted::Shown { .. } => &[],
        }
    }
}

impl RequiredLiteral {
    /// One of these conditions must be met.
    pub(super) fn one_of(mut conditions: Vec<Condition>) -> Self {
        let mut kept: Vec<Condition> = Vec::new();
        for condition in conditions.drain(..) {
            if !kept.contains(&condition) {
                kept.push(condition);
            }
            if kept.len() > MAX_CONDITIONS {
                return Self::Unknown;
            }
        }
        if kept.is_empty() { Self::Never } else { Self::OneOf(kept) }
    }

    /// The requirement if one of several conditions must be met.
    pub(super) fn any(all: impl Iterator<Item = Self>) -> Self {
        let mut conditions = Vec::new();
        for required in all {
            match required {
                Self::Never => {}
                Self::Unknown => return Self::Unknown,
                Self::OneOf(more) => conditions.extend(more),
            }
        }
        Self::one_of(conditions)
    }

    /// What a record must hold to have this value in one of these slots.
    pub(in crate::filter) fn of_value<'t>(
        text: &str,
        integer: Option<i128>,
        slots: impl Iterator<Item = (usize, &'t Type)>,
    ) -> Self {
        let folded = fold(text);
        let required = |(slot, mut ty): (usize, &Type)| {
            // `None` is compared as it is shown.
            while let Type::Option(of) = ty
                && !matches!(text, "None" | "null")
                && !text.starts_with("Some(")
            {
                ty = of;
            }
            match ty {
                // Quoted text may contain escapes.
                Type::Str | Type::Formatted if text.starts_with('"') => Self::Unknown,
                Type::Str | Type::Formatted if !folded.is_empty() => {
                    let wanted = Wanted::Text(folded.clone());
                    Self::OneOf(vec![Condition { slot, wanted }])
                }
                _ => integer.map_or(Self::Unknown, |integer| Self::of_integer(integer, slot, ty)),
            }
        };
        Self::any(slots.map(required))
    }

    /// The value must be this integer.
    fn of_integer(integer: i128, slot: usize, ty: &Type) -> Self {
        let bytes = integer.to_le_bytes();
        let (raw, packed) = match ty {
            Type::U16 => (u16::try_from(integer).map(|_| 2), integer as u64),
            Type::U32 => (u32::try_from(integer).map(|_| 4), integer as u64),
            Type::U64 => (u64::try_from(integer).map(|_| 8), integer as u64),
            Type::I16 => (i16::try_from(integer).map(|_| 2), zigzag(integer)),
            Type::I32 => (i32::try_from(integer).map(|_| 4), zigzag(integer)),
            Type::I64 => (i64::try_from(integer).map(|_| 8), zigzag(integer)),
            _ => return Self::Unknown,
        };
        let Ok(width) = raw else { return Self::Never };
        let mut varint = Vec::new();
        put_uint(&mut varint, packed);
        let wanted = Wanted::Integer(integer, [bytes[..width].to_vec(), varint]);
        Self::OneOf(vec![Condition { slot, wanted }])
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        match self {
            Self::OneOf(conditions) => conditions,
            Self::Never | Self::Unknown => &[],
        }
    }

    /// The bytes that the values of a record must contain, one of them; `None` if other bytes may do, or if
    /// there are too many.
    pub(crate) fn in_rows(&self) -> Option<Vec<Vec<u8>>> {
        let mut pieces = Vec::new();
        for condition in self.conditions() {
            let of = condition.in_rows();
            // A byte is found everywhere.
            if of.is_empty() || of.iter().any(|piece| piece.len() < 2) {
                return None;
            }
            pieces.extend_from_slice(of);
        }
        pieces.sort_unstable();
        pieces.dedup();
        (!pieces.is_empty() && pieces.len() <= MAX_PIECES).then(|| minimal(pieces))
    }

    /// Whether the bytes of [`in_rows`](Self::in_rows) are all text.
    pub(crate) fn is_text(&self) -> bool {
        self.conditions().iter().all(|one| matches!(one.wanted, Wanted::Text(_)))
    }

    /// Whether a block with this summary, of which `ids` is a part, may hold such a record. `range` gives the range of
    /// a slot's integers.
    pub(crate) fn may_be_met(
        &self,
        (summary, ids): (&BlockSummary<'_>, Option<&IdFilter<'_>>),
        range: impl Fn(usize) -> Option<IntegerRange>,
    ) -> bool {
        match self {
            Self::Never => false,
            Self::Unknown => true,
            Self::OneOf(conditions) => conditions.iter().any(|condition| match &condition.wanted {
                Wanted::Text(piece) => may_hold_text((summary, ids), piece),
                wanted => range(condition.slot).is_none_or(|range| wanted.may_be_in(range)),
            }),
        }
    }
}

/// Whether a text of a block with this summary may hold a piece.
pub(crate) fn may_hold_text(
    (summary, ids): (&BlockSummary<'_>, Option<&IdFilter<'_>>),
    piece: &[u8],
) -> bool {
    summary.may_hold(piece) && ids.is_none_or(|ids| ids.may_hold(piece))
}

impl Wanted {
    /// Whether an integer of a range may be wanted.
    pub(crate) fn may_be_in(&self, IntegerRange { least, most }: IntegerRange) -> bool {
        match self {
            Self::Integer(integer, _) => (least..=most).contains(integer),
            Self::Shown { leaf, piece, starts, ends } => {
                let is_decimal = leaf
                    .spec
                    .is_some_and(|spec| matches!(spec.format, Trait::Display | Trait::Debug));
                if !is_decimal || !matches!(leaf.kind, LeafKind::Integer(_)) {
                    return true;
                }
                let text = std::str::from_utf8(piece).unwrap_or_default();
                if *starts && *ends {
                    // The sign may precede what is printed.
                    let is_in = |integer: i128| (least..=most).contains(&integer);
                    return text.parse().is_ok_and(|integer: i128| {
                        is_in(integer) || is_in(integer.wrapping_neg())
                    });
                }
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let longest = least.unsigned_abs().max(most.unsigned_abs());
                let smallest = u32::try_from(digits)
                    .ok()
                    .and_then(|digits| 10_u128.checked_pow(digits.saturating_sub(1)));
                smallest.is_some_and(|smallest| longest >= smallest || digits <= 1)
            }
            Self::Text(_) | Self::Escaped { .. } => true,
        }
    }
}

fn zigzag(integer: i128) -> u64 {
    (integer << 1 ^ integer >> 127) as u64
}
