//! What must stand in a record for a regular expression to match what is shown of it.
//!
//! ```text
//!   (?i)write .* failed ─▶ each match has one of: "write ", " failed"        `literals`
//!                              │
//!   call site "write to {0} failed: {1}" ─▶ automaton of all its lines       `line`
//!                              │
//!                              ▼
//!   which call sites can have the literal: none of their lines, any of them (it stands in the
//!   template, or digits may be it), or only those with certain bytes in a string
//! ```
//!
//! All of it errs on one side: a record that matches is never taken for one that cannot
//! (`needle/tests.rs` compares with the lines themselves). Letters are compared without case, also
//! where the expression tells them apart.

mod line;
mod literals;

use std::collections::BTreeSet;

use regex::bytes::{Regex, RegexBuilder};
use stenolog_format::summary::{GRAM_BYTES, Summary};
use stenolog_format::types::Type;
use stenolog_format::value::put_uint;

use super::budget::Budget;
pub(super) use line::Line;

/// Of more pieces than these it is not worth the while to look for any.
const MAX_PIECES: usize = 64;

/// What it takes to compare two pieces, in steps.
const PIECE_STEPS: usize = 16;

/// As [`MAX_PIECES`], of those of all call sites.
const MAX_FINDER_PIECES: usize = 1024;

/// Literals of which each match of an expression has at least one, without case.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    literals: Vec<Vec<u8>>,
}

/// What a condition asks of the records of a call site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// None can meet it.
    Never,
    /// Each may meet it: its values have to be looked at.
    Nothing,
    /// It is met only if one of these stands in the values, whatever the case of its letters.
    OneOf(Vec<Vec<u8>>),
    /// The same of bytes that are no text, about which summaries say nothing.
    Encoded(Vec<Vec<u8>>),
}

impl Needle {
    /// The needle of a pattern; `None` if there is no text that each match has, or the pattern is
    /// none.
    pub(super) fn new(pattern: &str, ignore_case: bool) -> Option<Self> {
        literals::of_pattern(pattern, ignore_case).map(|literals| Self { literals })
    }

    /// What a match asks of the records of the call site with these lines.
    pub(super) fn need(&self, line: &Line, budget: &mut Budget) -> Need {
        let needs =
            self.literals.iter().map(|literal| line.need(literal, budget)).collect::<Vec<_>>();
        let pieces = needs.iter().map(|need| need.pieces().len()).sum::<usize>();
        budget.spend(pieces * pieces.min(MAX_PIECES) * PIECE_STEPS);
        Need::any(needs.into_iter())
    }
}

impl Need {
    /// What is asked for if one of several conditions must be met.
    fn any(needs: impl Iterator<Item = Self>) -> Self {
        let mut pieces = Vec::new();
        let mut are_texts = true;
        for need in needs {
            match need {
                Self::Never => {}
                Self::Nothing => return Self::Nothing,
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
            _ if pieces.len() > MAX_PIECES => Self::Nothing,
            (false, true) => Self::OneOf(minimal(pieces)),
            (false, false) => Self::Encoded(minimal(pieces)),
        }
    }

    /// What a value asks of the records that have it in a slot of one of `types`.
    pub(super) fn of_value<'t>(
        text: &str,
        integer: Option<i128>,
        types: impl Iterator<Item = &'t Type>,
    ) -> Self {
        let folded = fold(text);
        let need = |mut ty: &Type| {
            // `None` is compared as it is shown, and is no text.
            while let Type::Option(of) = ty
                && !matches!(text, "None" | "null")
                && !text.starts_with("Some(")
            {
                ty = of;
            }
            match ty {
                // What stands in quotes may have escapes.
                Type::Str | Type::Formatted if text.starts_with('"') => Self::Nothing,
                Type::Str | Type::Formatted if folded.len() >= GRAM_BYTES => {
                    Self::OneOf(vec![folded.clone()])
                }
                _ => integer.map_or(Self::Nothing, |integer| Self::of_integer(integer, ty)),
            }
        };
        Self::any(types.map(need))
    }

    /// What an integer asks of the records that have it in a slot of this type: its bytes, raw or
    /// packed, if these are more than one.
    fn of_integer(integer: i128, ty: &Type) -> Self {
        let bytes = integer.to_le_bytes();
        let (raw, packed) = match ty {
            Type::U16 => (u16::try_from(integer).map(|_| 2), integer as u64),
            Type::U32 => (u32::try_from(integer).map(|_| 4), integer as u64),
            Type::U64 => (u64::try_from(integer).map(|_| 8), integer as u64),
            Type::I16 => (i16::try_from(integer).map(|_| 2), zigzag(integer)),
            Type::I32 => (i32::try_from(integer).map(|_| 4), zigzag(integer)),
            Type::I64 => (i64::try_from(integer).map(|_| 8), zigzag(integer)),
            _ => return Self::Nothing,
        };
        match raw {
            Err(_) => Self::Never,
            Ok(_) if packed < 0x80 => Self::Nothing,
            Ok(width) => {
                let mut varint = Vec::new();
                put_uint(&mut varint, packed);
                Self::Encoded(vec![bytes[..width].to_vec(), varint])
            }
        }
    }

    /// How much it says: the length of its shortest text.
    pub(crate) fn strength(&self) -> usize {
        self.pieces().iter().map(Vec::len).min().unwrap_or(0)
    }

    /// Of which texts one must be there.
    pub(crate) fn pieces(&self) -> &[Vec<u8>] {
        match self {
            Self::OneOf(pieces) | Self::Encoded(pieces) => pieces,
            Self::Never | Self::Nothing => &[],
        }
    }

    /// Whether a record of a block with this summary may meet it.
    pub(crate) fn may_be_met(&self, summary: &Summary<'_>) -> bool {
        match self {
            Self::Never => false,
            Self::Nothing | Self::Encoded(_) => true,
            Self::OneOf(pieces) => pieces.iter().any(|piece| summary.may_hold(piece)),
        }
    }
}

/// A search for any of `pieces` in the bytes of values, whatever the case of their letters; `None`
/// if there are too many of them.
pub(crate) fn finder<'p>(pieces: impl Iterator<Item = &'p Vec<u8>>) -> Option<Regex> {
    // Many call sites need the same.
    let mut different = BTreeSet::new();
    for piece in pieces {
        if different.insert(piece) && different.len() > MAX_FINDER_PIECES {
            return None;
        }
    }
    let pieces = different.into_iter().cloned().collect();
    let mut pattern = String::from("(?-u)");
    for (index, piece) in minimal(pieces).iter().enumerate() {
        if index > 0 {
            pattern.push('|');
        }
        for &byte in piece {
            match byte {
                b'k' => pattern.push_str(r"(?:[kK]|\xE2\x84\xAA)"),
                b's' => pattern.push_str(r"(?:[sS]|\xC5\xBF)"),
                b'a'..=b'z' => {
                    pattern.push('[');
                    pattern.push(char::from(byte));
                    pattern.push(char::from(byte.to_ascii_uppercase()));
                    pattern.push(']');
                }
                _ => pattern.push_str(&format!(r"\x{byte:02X}")),
            }
        }
    }
    RegexBuilder::new(&pattern).unicode(false).size_limit(1 << 22).build().ok()
}

fn zigzag(integer: i128) -> u64 {
    (integer << 1 ^ integer >> 127) as u64
}

/// Without those that have another one within.
fn minimal(mut pieces: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    pieces.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for piece in pieces {
        let holds = |inner: &Vec<u8>| piece.windows(inner.len()).any(|part| part == *inner);
        if !kept.iter().any(holds) {
            kept.push(piece);
        }
    }
    kept
}

/// Text without case: ASCII letters as small ones, and so the two letters beyond ASCII that are
/// taken for one of them.
fn fold(text: &str) -> Vec<u8> {
    let mut folded = String::with_capacity(text.len());
    folded.extend(text.chars().map(fold_char));
    folded.into_bytes()
}

fn fold_char(char: char) -> char {
    match char {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        _ => char.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
