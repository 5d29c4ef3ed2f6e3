//! Loss statements on their way to the output: each by itself, or merged with adjacent ones.
//!
//! ```text
//!   record  loss 1  loss 2  loss 1  loss 1  record     as they come, of two rings
//!   record  loss 2  loss 1 (3 times)        record     merged
//! ```
//!
//! Statements are adjacent if no record is shown between them. The renderer notes where in the text a loss
//! is; the stage that hands the text on, in order, merges and shows it. Meanwhile it holds one statement for
//! each ring and kind of loss.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use super::hand_on;
use super::paint::Painter;
use super::parallel::RingName;
use crate::model::entry::{LossCause, LossEntry, LossKind, Merged};
use crate::render::Page;

/// How loss statements are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Losses {
    /// Adjacent ones of one ring and one kind, with no shown record between them, as one.
    Merged,
    /// Each by itself, where it is.
    #[default]
    Inline,
    /// Not at all. They are still counted.
    None,
}

/// A statement of a loss, with the place of its ring among all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) ring: usize,
    unix_ns: i64,
    cause: LossCause,
    merged: Merged,
}

impl Statement {
    pub(super) fn new(loss: &LossEntry<'_>, ring: usize) -> Self {
        let LossEntry { unix_ns, cause, merged, .. } = *loss;
        Self { ring, unix_ns, cause, merged }
    }

    /// `None` never: each is of one of the rings.
    pub(super) fn entry<'n>(&self, names: &'n [RingName<'_>]) -> Option<LossEntry<'n>> {
        let origin = names.get(self.ring)?.origin(0);
        let Self { unix_ns, cause, merged, .. } = *self;
        Some(LossEntry { origin, unix_ns, cause, merged })
    }

    /// Those of one ring and this kind can be one.
    fn key(&self) -> (usize, Option<LossKind>, u8) {
        match self.cause {
            LossCause::Unrecorded { .. } => (self.ring, None, 0),
            LossCause::Missing { kind, .. } => (self.ring, Some(kind), 0),
            LossCause::Gone { why, .. } => {
                (self.ring, Some(LossKind::Gone), why.map_or(0, |why| why as u8))
            }
        }
    }

    /// Takes in another one of the same key, which comes later.
    fn add(&mut self, more: &Self) {
        let sum = |sums: &mut [u64; 5], counts: [u64; 5]| {
            sums.iter_mut().zip(counts).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        };
        match (&mut self.cause, more.cause) {
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
            // Keys tell them apart.
            _ => {}
        }
        self.unix_ns = self.unix_ns.max(more.unix_ns);
        self.merged.add(&more.merged);
    }
}

/// Statements after which no record has been shown yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    by_key: BTreeMap<(usize, Option<LossKind>, u8), Statement>,
    /// Those that are shown now, which nothing is added to.
    ready: VecDeque<Statement>,
}

impl Pending {
    pub(super) fn push(&mut self, statement: &Statement) {
        self.by_key
            .entry(statement.key())
            .and_modify(|known| known.add(statement))
            .or_insert(*statement);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.ready.is_empty()
    }

    /// Takes out the one that is shown next.
    pub(super) fn pop(&mut self) -> Option<Statement> {
        if self.ready.is_empty() && !self.by_key.is_empty() {
            self.ready = self.take().into();
        }
        self.ready.pop_front()
    }

    /// Takes all, in their order.
    pub(super) fn take(&mut self) -> Vec<Statement> {
        let mut all: Vec<_> = std::mem::take(&mut self.by_key).into_values().collect();
        all.sort_by_key(|of| of.unix_ns);
        all
    }
}

/// Text, and the places of losses in it that are to be merged.
#[derive(Debug, Default)]
pub(super) struct Marked {
    pub(super) text: Page,
    marks: Vec<(usize, Statement)>,
}

impl Marked {
    /// Puts a loss behind the text.
    pub(super) fn push(&mut self, loss: &LossEntry<'_>, ring: usize, painter: &mut Painter) {
        match painter.losses() {
            Losses::Inline => painter.loss(loss, &mut self.text),
            Losses::Merged => self.marks.push((self.text.len(), Statement::new(loss, ring))),
            Losses::None => {}
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.marks.clear();
    }
}

/// Hands text on, with the losses that belong into it.
#[derive(Debug, Default)]
pub(super) struct Stitcher {
    pending: Pending,
    whole: Page,
}

impl Stitcher {
    /// Hands on all of `marked` but the losses at its end, which may go on.
    pub(super) fn hand_on(
        &mut self,
        marked: &mut Marked,
        (painter, names): (&mut Painter, &[RingName<'_>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Marked { text, marks } = marked;
        if marks.is_empty() && (self.pending.is_empty() || text.is_empty()) {
            return hand_on(text, sink);
        }
        let mut done = 0;
        for (at, statement) in marks.drain(..) {
            self.put(text.text().get(done..at).unwrap_or_default(), painter, names);
            done = at;
            self.pending.push(&statement);
        }
        self.put(text.text().get(done..).unwrap_or_default(), painter, names);
        text.clear();
        hand_on(&mut self.whole, sink)
    }

    /// Hands on what is left.
    pub(super) fn finish(
        &mut self,
        (painter, names): (&mut Painter, &[RingName<'_>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.put_pending(painter, names);
        hand_on(&mut self.whole, sink)
    }

    fn put(&mut self, text: &[u8], painter: &mut Painter, names: &[RingName<'_>]) {
        if text.is_empty() {
            return;
        }
        self.put_pending(painter, names);
        self.whole.push(text);
    }

    fn put_pending(&mut self, painter: &mut Painter, names: &[RingName<'_>]) {
        for statement in self.pending.take() {
            if let Some(loss) = statement.entry(names) {
                painter.loss(&loss, &mut self.whole);
            }
        }
    }
}
