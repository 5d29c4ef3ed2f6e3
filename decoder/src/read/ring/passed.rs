//! Passing of blocks and rings: what the next ones need of those that are not read, or have ended.

use super::{Key, Ring};
use crate::dump::Block;
use crate::read::plan::ReadPlan;
use crate::read::session::Item;
use crate::read::spans::RingSpans;

impl Ring {
    /// Continues where another ring has ended, as if both were one: keys do not fall below the last key
    /// of that one.
    pub(in crate::read) fn continue_after(&mut self, (before, spans): (Key, &RingSpans)) {
        self.key = self.key.max(before);
        self.spans.continue_after(spans);
    }

    /// What a ring that continues this one needs of it.
    pub(in crate::read) fn end(&self) -> (Key, RingSpans) {
        (self.key, self.spans.clone())
    }

    /// Passes a block that has no wanted records. It is not read, so nothing in it is known to be there or to be
    /// missing.
    pub(super) fn skip(&mut self, item: Item, block: &Block, plan: &ReadPlan) {
        let header = &block.header;
        self.spans.skip(plan.spans.as_ref(), (item.dump(), item.index), block);
        let end = header.first_record.saturating_add(header.count.into());
        self.expected = Some(end.max(self.expected.unwrap_or(0)));
        self.broken = None;
        self.settled = self.settled.max(end);
    }
}
