//! Places of block summaries in a file, and of other whole frames.

use stenolog_format::frame::FrameHeader;

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
}
