//! Loss statements on their way to the output: each one alone, or merged with adjacent ones.
//!
//! ```text
//!   record  loss 1  loss 2  loss 1  loss 1  record     as they come, of two rings
//!   record  loss 2  loss 1 (3 times)        record     merged
//! ```
//!
//! Statements are adjacent if no record is shown between them. There is one pending statement for each ring
//! and kind of loss.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::model::entry::Entry;
use crate::model::loss::{LossCause, LossEntry, LossFacts, LossKind};
use crate::model::origin::RingName;

/// How loss statements are shown.
///
/// ```
/// use stenolog_decoder::{Decoder, Dump, Losses};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let decoder = Decoder::new(dump).with_losses(Losses::Merged);
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Losses {
    /// Adjacent statements of one ring and one kind, with no shown record between them, as one.
    Merged,
    /// Each statement alone, in its place.
    #[default]
    Inline,
    /// No statements. Losses are still counted.
    None,
}

/// A statement of a loss, with the index of its ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) ring: usize,
    pub(crate) facts: LossFacts,
}

impl Statement {
    pub(crate) const fn new(loss: &LossEntry<'_>, ring: usize) -> Self {
        Self { ring, facts: loss.facts }
    }

    /// The statement as an entry. It is never `None`: the ring is one of `names`.
    pub(crate) fn entry<'n>(&self, names: &'n [Arc<RingName>]) -> Option<LossEntry<'n>> {
        Some(LossEntry::of(names.get(self.ring)?.origin(0), self.facts))
    }

    /// Statements with equal keys can be merged.
    fn key(&self) -> (usize, Option<LossKind>, u8) {
        match self.facts.cause {
            LossCause::Unrecorded { .. } => (self.ring, None, 0),
            LossCause::Missing { kind, .. } => (self.ring, Some(kind), 0),
            LossCause::Gone { why, .. } => {
                (self.ring, Some(LossKind::Gone), why.map_or(0, |why| why as u8))
            }
        }
    }

    /// Merges a later statement with the same key into this one.
    fn add(&mut self, more: &Self) {
        let sum = |sums: &mut [u64; 5], counts: [u64; 5]| {
            sums.iter_mut().zip(counts).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        };
        match (&mut self.facts.cause, more.facts.cause) {
            (
                LossCause::Unrecorded { full, too_large },
                LossCause::Unrecorded { full: more_full, too_large: more_too_large },
            ) => {
                sum(full, more_full);
                sum(too_large, more_too_large);
            }
            (
                LossCause::Missing { first, count, .. } | LossCause::Gone { first, count, .. },
                LossCause::Missing { first: begin, count: more, .. }
                | LossCause::Gone { first: begin, count: more, .. },
            ) => {
                *first = begin.min(*first);
                *count = count.saturating_add(more);
            }
            // Statements with equal keys have causes of one kind.
            _ => {}
        }
        self.facts.unix_ns = self.facts.unix_ns.max(more.facts.unix_ns);
        self.facts.merged.add(&more.facts.merged);
    }
}

/// Statements since the last shown record.
#[derive(Debug, Default)]
pub(crate) struct PendingLosses {
    by_key: BTreeMap<(usize, Option<LossKind>, u8), Statement>,
    /// Statements that are being shown: nothing is merged into them.
    ready: VecDeque<Statement>,
}

impl PendingLosses {
    pub(crate) fn push(&mut self, statement: &Statement) {
        self.by_key
            .entry(statement.key())
            .and_modify(|known| known.add(statement))
            .or_insert(*statement);
    }

    /// Passes the statements to `visit`, in their order, until it breaks.
    pub(crate) fn show(
        &mut self,
        names: &[Arc<RingName>],
        visit: &mut impl FnMut(&Entry<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.is_empty() {
            return ControlFlow::Continue(());
        }
        while let Some(statement) = self.pop() {
            if let Some(loss) = statement.entry(names) {
                visit(&Entry::Loss(loss))?;
            }
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.ready.is_empty()
    }

    /// Removes the next statement to show.
    pub(crate) fn pop(&mut self) -> Option<Statement> {
        if self.ready.is_empty() && !self.by_key.is_empty() {
            self.ready = self.take().into();
        }
        self.ready.pop_front()
    }

    /// Removes all statements, in their order.
    pub(crate) fn take(&mut self) -> Vec<Statement> {
        let mut all: Vec<_> = std::mem::take(&mut self.by_key).into_values().collect();
        all.sort_by_key(|of| of.facts.unix_ns);
        all
    }
}
