//! Memory of what was found in groups: the rings of a group come to their parts one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::summary::IntegerRanges;

use super::{Sought, seek};
use crate::dump::{Block, Stored, Unpacker};
use crate::read::plan::ReadPlan;

/// The most memory for records that were found. A ring that finds nothing is read to its end before the others.
const MAX_BYTES: usize = 64 << 20;

/// What counts for a group besides its records.
const GROUP_BYTES: usize = 128;

/// What was found in groups, by dump and offset.
#[derive(Debug, Default)]
pub(crate) struct SoughtGroups {
    found: BTreeMap<(usize, u64), Arc<Sought>>,
    bytes: usize,
}

impl SoughtGroups {
    /// What a search finds in the group of a block; `None` if it is not searched, or malformed.
    pub(in crate::read) fn find(
        &mut self,
        plan: &ReadPlan,
        (dump_index, index): (usize, usize),
        block: &Block,
        stored: &Stored<'_>,
        unpacker: &mut Unpacker,
    ) -> Option<Arc<Sought>> {
        if !plan.seeks || block.is_cut || block.header.encoding != BlockHeader::GROUP {
            return None;
        }
        let place = (dump_index, block.offset);
        if let Some(found) = self.found.get(&place) {
            return Some(Arc::clone(found));
        }
        let (header, bytes) = stored.group()?;
        let summary = plan.dumps.get(dump_index).and_then(|dump| dump.summary(index));
        let ranges = summary.map_or_else(IntegerRanges::default, |summary| summary.ranges());
        let sought = seek(plan, dump_index, (&header, bytes), ranges, unpacker);
        let found = Arc::new(sought.ok()?);
        self.bytes += held_bytes(&found);
        self.found.insert(place, Arc::clone(&found));
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.found.pop_first()
        {
            self.bytes -= held_bytes(&oldest);
        }
        Some(found)
    }

    /// Forgets all: what is wanted may be another.
    pub(in crate::read) fn clear(&mut self) {
        self.found.clear();
        self.bytes = 0;
    }
}

fn held_bytes(found: &Sought) -> usize {
    GROUP_BYTES
        + match found {
            Sought::Nothing => 0,
            Sought::AllBut(tags) => size_of_val(&**tags),
            Sought::Records(found) => found.held_bytes(),
        }
}
