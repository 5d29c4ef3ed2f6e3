//! Places of block summaries in a file, and of other whole frames.

use stenolog_format::frame::FrameHeader;
use stenolog_format::summary::BlockSummary;

use super::Dump;

/// Where the summary of a block is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SummaryPlace {
    /// The block's place among the blocks.
    pub(crate) block: u32,
    /// The offset of the summary's frame.
    pub(crate) offset: u64,
}

impl Dump {
    /// The kind and the payload of a frame, if it is whole.
    pub(crate) fn whole_frame(&self, at: u64) -> Option<(u8, &[u8])> {
        let frame = self.bytes().get(usize::try_from(at).ok()?..)?;
        let header = FrameHeader::decode(frame)?;
        let end = FrameHeader::BYTES.saturating_add(header.payload_bytes as usize);
        let payload = frame.get(FrameHeader::BYTES..end)?;
        header.matches(payload).then_some((header.kind, payload))
    }

    /// The header and the payload of a summary's frame, unchecked.
    pub(crate) fn summary_frame(&self, offset: u64) -> Option<(FrameHeader, &[u8])> {
        let frame = self.bytes().get(usize::try_from(offset).ok()?..)?;
        let header = FrameHeader::decode(frame)?;
        let end = FrameHeader::BYTES.checked_add(header.payload_bytes as usize)?;
        Some((header, frame.get(FrameHeader::BYTES..end)?))
    }

    /// The offsets of all summaries.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = u64> {
        let blocks = self.blocks();
        let last_parts =
            (0..blocks.len()).filter(move |&n| blocks.offset(n) != blocks.offset(n + 1));
        last_parts.filter_map(|block| self.summary_offset(block))
    }

    /// The offset of the summary of a block.
    pub(crate) fn summary_offset(&self, block: usize) -> Option<u64> {
        self.blocks().summary_offset(block).or_else(|| {
            let summaries = &self.tables().summaries;
            let index = u32::try_from(block).ok()?;
            let at = summaries.binary_search_by_key(&index, |place| place.block).ok()?;
            Some(summaries.get(at)?.offset)
        })
    }

    /// The summary of a block, if its checksum is right and it names the checksum of this block.
    pub(crate) fn summary(&self, block: usize) -> Option<BlockSummary<'_>> {
        let (header, payload) = self.summary_frame(self.summary_offset(block)?)?;
        let block = self.blocks().get(block).filter(|block| !block.is_cut)?;
        let summary = BlockSummary::decode(payload).filter(|_| header.matches(payload))?;
        (summary.block_crc == block.payload_crc).then_some(summary)
    }
}
