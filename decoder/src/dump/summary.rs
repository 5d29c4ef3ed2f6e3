//! Summaries: what blocks hold, told without reading them.

use stenolog_format::frame::FrameHeader;
use stenolog_format::summary::Summary;

use super::Dump;

/// Where the summary of a block stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SummaryPlace {
    /// The block's place among the blocks.
    pub(crate) block: u32,
    /// The offset of the summary's frame.
    pub(crate) offset: u64,
}

impl Dump {
    /// The header and the payload of a summary's frame, unchecked.
    pub(crate) fn summary_frame(&self, place: SummaryPlace) -> Option<(FrameHeader, &[u8])> {
        let frame = self.bytes().get(usize::try_from(place.offset).ok()?..)?;
        let header = FrameHeader::decode(frame)?;
        let end = FrameHeader::BYTES.checked_add(header.payload_bytes as usize)?;
        Some((header, frame.get(FrameHeader::BYTES..end)?))
    }

    /// The summary of a block, if it has one that can be believed as far as checksums go: it is whole,
    /// and it is of a block with this checksum.
    pub(crate) fn summary(&self, block: usize) -> Option<Summary<'_>> {
        let summaries = &self.tables().summaries;
        let index = u32::try_from(block).ok()?;
        let at = summaries.binary_search_by_key(&index, |place| place.block).ok()?;
        let (header, payload) = self.summary_frame(*summaries.get(at)?)?;
        let block = self.blocks().get(block).filter(|block| !block.is_cut)?;
        let summary = Summary::decode(payload).filter(|_| header.matches(payload))?;
        (summary.block_crc == block.payload_crc).then_some(summary)
    }
}
