//! Late beginning of a ring, after blocks that were passed over.

use stenolog_format::loss::Loss;

use super::{Ring, RingHead};
use crate::read::ending::Lead;
use crate::read::order::Key;
use crate::read::tally::Tally;

impl Ring {
    /// Begins after what was passed over, which has no later key. Counts the losses that were stated there.
    pub(in crate::read) fn begin_after(&mut self, key: Key, lead: Option<Lead>, tally: &mut Tally) {
        self.key = key;
        if let Some(Lead { next, stated, block }) = lead {
            if let Some(block) = block {
                self.spans.begin_after(block);
            }
            self.expected = Some(next);
            (self.delivered, self.settled) = (next, next);
            self.stated = stated;
            tally.lose_unrecorded(&stated);
        }
    }

    /// The losses that were stated so far.
    pub(in crate::read) const fn stated(&self) -> Loss {
        self.stated
    }

    /// How many entries of the head have no later key.
    pub(in crate::read) fn entries_up_to(&self, key: Key) -> usize {
        match self.head {
            RingHead::Records => {
                let keys = self.batch.keys.get(self.at..).unwrap_or_default();
                keys.iter().take_while(|of| **of <= key).count()
            }
            _ => usize::from(self.key <= key),
        }
    }
}
