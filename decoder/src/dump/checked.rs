//! Checksums of blocks that were checked before: a block of several rings is read once for each of them.

use std::collections::VecDeque;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;

use super::Dump;
use super::block::Block;
use super::stored::Stored;
use crate::model::damage::DamageCause;

/// How many blocks to remember. Their parts are read at about the same time.
const REMEMBERED: usize = 64;

/// The blocks that were checked last.
#[derive(Debug, Default)]
pub(crate) struct CheckedFrames {
    /// The address of the source, the offset of the frame, and whether its checksum is right.
    recent: VecDeque<(usize, u64, bool)>,
}

impl CheckedFrames {
    /// As [`Dump::stored_body`], which it calls once for the parts of a block.
    pub(crate) fn stored_body<'d>(
        &mut self,
        dump: &'d Dump,
        block: &Block,
    ) -> Result<Stored<'d>, DamageCause> {
        if block.header.encoding != BlockHeader::GROUP || block.is_cut {
            return dump.stored_body(block);
        }
        let of = (Arc::as_ptr(dump.source()).addr(), block.offset);
        let known = self.recent.iter().find(|(source, offset, _)| (*source, *offset) == of);
        match known {
            Some((.., true)) => Ok(dump.stored_unchecked(block)),
            Some((.., false)) => Err(DamageCause::Checksum { kind: "block" }),
            None => {
                let stored = dump.stored_body(block);
                self.recent.truncate(REMEMBERED - 1);
                self.recent.push_front((of.0, of.1, stored.is_ok()));
                stored
            }
        }
    }

    /// Forgets all: the sources may be others.
    pub(crate) fn clear(&mut self) {
        self.recent.clear();
    }
}
