//! Contexts of blocks: the frames directly before them.

use stenolog_format::frame::{FrameHeader, FrameKind};
use stenolog_format::span::SpanMark;

use super::Dump;

impl Dump {
    /// Whether call sites are marked as events of spans.
    pub(crate) fn has_spans(&self) -> bool {
        self.tables().sites.have_marks()
    }

    /// The marks of call sites that this version knows.
    pub(crate) fn span_marks(&self) -> impl Iterator<Item = SpanMark> {
        self.tables().sites.marks()
    }

    /// Whether no event of a span comes before a block: it is before the first marks in the file.
    pub(crate) fn is_before_spans(&self, block: u64) -> bool {
        self.tables().marked_from.is_none_or(|from| block < from)
    }

    /// The payload of the context of the block whose frame is at an offset, if it is whole.
    pub(crate) fn context_of(&self, block: u64) -> Option<&[u8]> {
        let (header, payload) = self.context_frame(block)?;
        header.matches(payload).then_some(payload)
    }

    /// Whether there is a whole context before the block whose frame is at an offset.
    pub(crate) fn has_context(&self, block: u64) -> bool {
        self.context_of(block).is_some()
    }

    /// The number of the last context before an offset, among those of the dump.
    pub(crate) fn context_before(&self, offset: u64) -> Option<usize> {
        self.tables().contexts.partition_point(|&at| at < offset).checked_sub(1)
    }

    /// Whether the frame at an offset ends where another one begins.
    pub(crate) fn is_directly_before(&self, frame: u64, next: u64) -> bool {
        let end = self.frame_header(frame).and_then(|of| frame.checked_add(of.frame_bytes()));
        end == Some(next)
    }

    fn context_frame(&self, block: u64) -> Option<(FrameHeader, &[u8])> {
        let offset = *self.tables().contexts.get(self.context_before(block)?)?;
        let (header, payload) = self.frame(offset)?;
        let is_before = offset.checked_add(header.frame_bytes()) == Some(block);
        let of_block = self.frame_header(block)?;
        let is_next = header.sequence.checked_add(1) == Some(of_block.sequence);
        let is_context = header.kind == FrameKind::Context as u8;
        (is_before && is_next && is_context).then_some((header, payload))
    }

    fn frame_header(&self, offset: u64) -> Option<FrameHeader> {
        FrameHeader::decode(self.bytes().get(usize::try_from(offset).ok()?..)?)
    }

    /// The header and the payload of a frame, unchecked.
    fn frame(&self, offset: u64) -> Option<(FrameHeader, &[u8])> {
        self.summary_frame(offset)
    }
}
