//! Prefilter of regular expressions: literals that a matching record must contain.
//!
//! ```text
//!   (?i)write .* failed ─▶ each match has one of: "write ", " failed"        `literals`
//!                              │
//!   call site "write to {0} failed: {1}" ─▶ automaton of all its lines       `automaton`
//!                              │
//!                              ▼
//!   the call sites whose lines can contain the literal: none of their lines, any of them (the
//!   template has it, or digits may be it), or only those with certain bytes in a string
//! ```
//!
//! The prefilter errs on one side only: it never rejects a record that matches
//! (`prefilter/tests.rs` compares with the lines themselves). Case of letters is ignored, even if the
//! expression is case-sensitive.

mod automaton;
mod fold;
mod literals;
mod required;
mod search;

pub(super) use automaton::LineAutomaton;
pub(crate) use automaton::{Leaf, LeafKind};
pub(crate) use fold::fold;
pub(crate) use required::{Condition, RequiredLiteral, Wanted, may_hold_text};
pub(crate) use search::{Hits, TextSearch, search};

use super::budget::Budget;

/// The cost of comparing two pieces, in steps.
const PIECE_STEPS: usize = 16;

/// Literals, folded, at least one of which every match of an expression contains.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    literals: Vec<Vec<u8>>,
}

impl Prefilter {
    /// The prefilter of a pattern; `None` if no literal is part of every match, or if the pattern is
    /// invalid.
    pub(super) fn new(pattern: &str, ignore_case: bool) -> Option<Self> {
        literals::of_pattern(pattern, ignore_case).map(|literals| Self { literals })
    }

    /// What the values of a matching record of the call site with these lines must hold.
    pub(super) fn required(&self, lines: &LineAutomaton, budget: &mut Budget) -> RequiredLiteral {
        let required = self.literals.iter().map(|literal| lines.required(literal, budget));
        let required = required.collect::<Vec<_>>();
        let pieces = required.iter().map(|of| of.conditions().len()).sum::<usize>();
        budget.spend(pieces * pieces.min(required::MAX_PIECES) * PIECE_STEPS);
        RequiredLiteral::any(required.into_iter())
    }
}

#[cfg(test)]
mod tests;
