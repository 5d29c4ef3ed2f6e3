//! Stitcher: puts merged losses into the text, in order.
//!
//! An encoder notes the places of losses in its text. The stage that passes the text on, in order, merges
//! and writes them.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::encoder::EntryEncoder;
use crate::model::loss::LossEntry;
use crate::model::origin::RingName;
use crate::read::{Losses, PendingLosses, Statement};
use crate::render::text_buffer::TextBuffer;

/// Text, and the places in it of losses that must be merged.
#[derive(Debug, Default)]
pub(super) struct MarkedText {
    pub(super) text: TextBuffer,
    marks: Vec<(usize, Statement)>,
}

impl MarkedText {
    /// Adds a loss after the text.
    pub(super) fn push(&mut self, loss: &LossEntry<'_>, ring: usize, encoder: &mut EntryEncoder) {
        match encoder.losses() {
            Losses::Inline => encoder.loss(loss, &mut self.text),
            Losses::Merged => self.marks.push((self.text.len(), Statement::new(loss, ring))),
            Losses::None => {}
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.marks.clear();
    }
}

/// Passes text to the sink, with the losses that belong in it.
#[derive(Debug, Default)]
pub(super) struct Stitcher {
    pending: PendingLosses,
    whole: TextBuffer,
}

impl Stitcher {
    /// Continues with losses that were pending.
    pub(super) fn new(pending: PendingLosses) -> Self {
        Self { pending, whole: TextBuffer::default() }
    }

    /// The losses that were not written yet.
    pub(super) fn into_pending(self) -> PendingLosses {
        self.pending
    }

    /// Passes on all of `marked` except the losses at its end, which may be merged with later ones.
    pub(super) fn pass_on(
        &mut self,
        marked: &mut MarkedText,
        (encoder, names): (&mut EntryEncoder, &[Arc<RingName>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let MarkedText { text, marks } = marked;
        if marks.is_empty() && (self.pending.is_empty() || text.is_empty()) {
            return pass_on(text, sink);
        }
        let mut done = 0;
        for (at, statement) in marks.drain(..) {
            self.put(text.text().get(done..at).unwrap_or_default(), encoder, names);
            done = at;
            self.pending.push(&statement);
        }
        self.put(text.text().get(done..).unwrap_or_default(), encoder, names);
        text.clear();
        pass_on(&mut self.whole, sink)
    }

    /// Passes on the rest.
    pub(super) fn finish(
        &mut self,
        (encoder, names): (&mut EntryEncoder, &[Arc<RingName>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.put_pending(encoder, names);
        pass_on(&mut self.whole, sink)
    }

    fn put(&mut self, text: &[u8], encoder: &mut EntryEncoder, names: &[Arc<RingName>]) {
        if text.is_empty() {
            return;
        }
        self.put_pending(encoder, names);
        self.whole.push(text);
    }

    fn put_pending(&mut self, encoder: &mut EntryEncoder, names: &[Arc<RingName>]) {
        for statement in self.pending.take() {
            if let Some(loss) = statement.entry(names) {
                encoder.loss(&loss, &mut self.whole);
            }
        }
    }
}

/// Passes all of `text` to `sink`, if there is any.
fn pass_on(
    text: &mut TextBuffer,
    sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if text.is_empty() {
        return ControlFlow::Continue(());
    }
    let flow = sink(text.text());
    text.clear();
    flow
}
