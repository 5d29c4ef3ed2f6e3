//! Required literals: bytes that the values of a record must contain to meet a condition.

use stenolog_format::summary::{BlockSummary, GRAM_BYTES};
use stenolog_format::types::Type;
use stenolog_format::value::put_uint;

use super::fold::{fold, minimal};

/// With more pieces than this, searching for any of them does not pay.
pub(super) const MAX_PIECES: usize = 64;

/// The text that the values of a record must contain to meet a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequiredLiteral {
    /// No record can meet the condition.
    Never,
    /// Any record may meet it: its values have to be read.
    Unknown,
    /// Only a record whose values contain one of these texts, ignoring case, can meet it.
    OneOf(Vec<Vec<u8>>),
    /// As `OneOf`, but bytes that are no text, which block summaries do not cover.
    Encoded(Vec<Vec<u8>>),
}

impl RequiredLiteral {
    /// The requirement if one of several conditions must be met.
    pub(super) fn any(all: impl Iterator<Item = Self>) -> Self {
        let mut pieces = Vec::new();
        let mut are_texts = true;
        for required in all {
            match required {
                Self::Never => {}
                Self::Unknown => return Self::Unknown,
                Self::OneOf(more) => pieces.extend(more),
                Self::Encoded(more) => {
                    pieces.extend(more);
                    are_texts = false;
                }
            }
        }
        pieces.sort_unstable();
        pieces.dedup();
        match (pieces.is_empty(), are_texts) {
            (true, _) => Self::Never,
            _ if pieces.len() > MAX_PIECES => Self::Unknown,
            (false, true) => Self::OneOf(minimal(pieces)),
            (false, false) => Self::Encoded(minimal(pieces)),
        }
    }

    /// The text that a record must contain to have this value in a slot of one of `types`.
    pub(in crate::filter) fn of_value<'t>(
        text: &str,
        integer: Option<i128>,
        types: impl Iterator<Item = &'t Type>,
    ) -> Self {
        let folded = fold(text);
        let required = |mut ty: &Type| {
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
                Type::Str | Type::Formatted if folded.len() >= GRAM_BYTES => {
                    Self::OneOf(vec![folded.clone()])
                }
                _ => integer.map_or(Self::Unknown, |integer| Self::of_integer(integer, ty)),
            }
        };
        Self::any(types.map(required))
    }

    /// The bytes that a record must contain to have this integer in a slot of this type: its bytes, raw or
    /// packed, if there are several.
    fn of_integer(integer: i128, ty: &Type) -> Self {
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
        match raw {
            Err(_) => Self::Never,
            Ok(_) if packed < 0x80 => Self::Unknown,
            Ok(width) => {
                let mut varint = Vec::new();
                put_uint(&mut varint, packed);
                Self::Encoded(vec![bytes[..width].to_vec(), varint])
            }
        }
    }

    /// How selective it is: the length of its shortest text.
    pub(crate) fn strength(&self) -> usize {
        self.pieces().iter().map(Vec::len).min().unwrap_or(0)
    }

    /// The texts, one of which must be there.
    pub(crate) fn pieces(&self) -> &[Vec<u8>] {
        match self {
            Self::OneOf(pieces) | Self::Encoded(pieces) => pieces,
            Self::Never | Self::Unknown => &[],
        }
    }

    /// Whether a block with this summary may hold such a record.
    pub(crate) fn may_be_met(&self, summary: &BlockSummary<'_>) -> bool {
        match self {
            Self::Never => false,
            Self::Unknown | Self::Encoded(_) => true,
            Self::OneOf(pieces) => pieces.iter().any(|piece| summary.may_hold(piece)),
        }
    }
}

fn zigzag(integer: i128) -> u64 {
    (integer << 1 ^ integer >> 127) as u64
}
