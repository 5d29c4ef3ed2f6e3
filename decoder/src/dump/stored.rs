//! Blocks and their summaries as a file stores them.

use std::sync::Arc;

use stenolog_format::block::BlockHeader;

use super::Dump;
use super::block::Block;
use super::source::Source;
use crate::model::damage::DamageCause;

/// A block's body as it is stored in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'d> {
    /// The header of the block, or of a part of it.
    pub(super) header: BlockHeader,
    pub(super) bytes: &'d [u8],
    pub(super) is_cut: bool,
    /// With the header of the whole block.
    pub(super) payload: &'d [u8],
    pub(super) source: &'d Arc<Source>,
    /// The offset of the block's frame.
    pub(super) offset: u64,
    /// The number of the part.
    pub(super) part: usize,
}

impl<'d> Stored<'d> {
    /// The header of a block of several rings, and what follows it.
    pub(crate) fn group(&self) -> Option<(BlockHeader, &'d [u8])> {
        BlockHeader::decode(self.payload).map(|header| (header, self.bytes))
    }
}

impl Dump {
    /// A block's header and body, unchecked.
    pub(crate) fn block_payload(&self, block: &Block) -> Option<&[u8]> {
        self.bytes().get(block.payload()?)
    }

    /// The stored body of a block, after its checksum was checked. A cut block has no checksum to check.
    ///
    /// [`CheckedFrames`] spares doing it again for each part of a block.
    pub(crate) fn stored_body(&self, block: &Block) -> Result<Stored<'_>, DamageCause> {
        let payload = self.block_payload(block).unwrap_or(&[]);
        if !block.is_cut && crc32fast::hash(payload) != block.payload_crc {
            return Err(DamageCause::Checksum { kind: "block" });
        }
        Ok(self.stored_unchecked(block))
    }

    /// As [`stored_body`](Self::stored_body), of a block whose checksum was checked before.
    pub(crate) fn stored_unchecked(&self, block: &Block) -> Stored<'_> {
        let payload = self.block_payload(block).unwrap_or(&[]);
        let bytes = payload.get(BlockHeader::BYTES..).unwrap_or(&[]);
        let Block { header, is_cut, offset, part, .. } = *block;
        Stored { header, bytes, is_cut, payload, source: &self.source, offset, part: part as usize }
    }
}
