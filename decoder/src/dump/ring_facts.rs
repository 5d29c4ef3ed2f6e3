//! Facts that the rings of a dead writer state about the dump files of their session.

use std::collections::BTreeMap;

use super::block::Block;
use crate::model::state::Tail;

/// Facts about the dump files of a session, from its rings.
#[derive(Clone, Debug, Default)]
pub(crate) struct RingFacts {
    /// The sequence number of the file that was being written, and how many of its bytes are whole frames.
    /// The rings have the records of everything after them.
    pub(crate) written: Option<(u32, u64)>,
    /// The records that each ring has.
    pub(crate) starts: BTreeMap<u32, RingStart>,
}

/// Which records a ring of a dead writer has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingStart {
    /// From this position on, the ring has everything that was committed, whether or not the dump has it
    /// too.
    pub(crate) position: u64,
    /// The number of the first record that is taken from the ring.
    pub(crate) first_record: u64,
    /// The number of records that are taken from it.
    pub(crate) records: u64,
}

impl RingStart {
    /// Whether to read the block's records from the ring: it has all of them, or the block is cut.
    pub(crate) const fn replaces(&self, block: &Block) -> bool {
        let first = block.header.first_record;
        let end = first.saturating_add(block.header.count as u64);
        let ring_end = self.first_record.saturating_add(self.records);
        first >= self.first_record && end <= ring_end
            || block.is_cut && self.position <= block.header.position
    }
}

impl RingFacts {
    /// The length up to which a file of the session was written; `u64::MAX` if that is unknown.
    pub(crate) fn written_to(&self, sequence: u32) -> u64 {
        match self.written {
            Some((last, bytes)) if sequence == last => bytes,
            Some((last, _)) if sequence > last => 0,
            _ => u64::MAX,
        }
    }

    /// Whether the rings have everything that the writer had not written to the file with this number and
    /// tail.
    pub(crate) fn completes(&self, sequence: u32, tail: Tail) -> bool {
        let is_last = self.written.is_none_or(|(last, _)| sequence >= last);
        is_last
            && match tail {
                Tail::Sealed | Tail::Unfinished => true,
                // What is torn must not have been whole before.
                Tail::Torn { offset, .. } => {
                    self.written.is_none() || offset >= self.written_to(sequence)
                }
            }
    }
}
