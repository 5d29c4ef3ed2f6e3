//! The list of a dump's blocks. It takes 16 bytes a block: their headers stay in the file.

use std::fmt;
use std::ops::Range;

use stenolog_format::block::{BlockHeader, GroupHead};
use stenolog_format::frame::{FrameHeader, FrameKind};

use super::block::Block;
use super::last::{frame_at, is};

/// The blocks of a dump, in the order of the file. A block of several rings is listed once for each of them.
///
/// It is cheap to copy. Each block is read from the file when it is asked for.
///
/// ```
/// # let dump = stenolog_decoder::Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let blocks = dump.blocks();
/// assert_eq!(blocks.iter().map(|block| block.header.count).sum::<u32>(), 4);
/// assert_eq!(blocks.get(1), blocks.last());
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Blocks<'d> {
    bytes: &'d [u8],
    entries: &'d [BlockEntry],
    /// How many of them indexes list, unscanned.
    listed: usize,
}

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    /// The offset of the frame, and [`HAS_SUMMARY`].
    offset: u64,
    /// Or [`LISTED`].
    payload_bytes: u32,
    /// The number of the part of its block, and its place after the block's header.
    part: u32,
}

const _: () = assert!(size_of::<BlockEntry>() == 16);

/// The frame after the block is its summary.
const HAS_SUMMARY: u64 = 1 << 63;

/// Instead of a length: an index lists the block, and its frame tells the length.
const LISTED: u32 = u32::MAX;

/// The bits of a part's number: a block has no more parts. The parts of one are within 2^20 bytes.
const PART_BITS: u32 = 12;

impl BlockEntry {
    /// The entries of the block in a frame: one for each of its parts. `payload` is what the file has of it.
    pub(super) fn add(offset: u64, header: &BlockHeader, payload: &[u8], to: &mut Vec<Self>) {
        let payload_bytes = payload.len() as u32;
        let entry = |part| Self { offset, payload_bytes, part };
        let before = to.len();
        if header.encoding == BlockHeader::GROUP {
            let stored = payload.get(BlockHeader::BYTES..).unwrap_or_default();
            let mut number = 0;
            let read = GroupHead::each_part(header, stored, |_, at| {
                to.push(entry((at as u32) << PART_BITS | number));
                number += 1;
            });
            if read.is_ok() {
                return;
            }
            // A reader of the block finds out why.
            to.truncate(before);
        }
        to.push(entry(0));
    }

    /// The entries of a block that an index lists. A block of several rings is read for its parts; there is no
    /// entry if that is not possible.
    pub(super) fn list(offset: u64, header: &BlockHeader, bytes: &[u8], to: &mut Vec<Self>) {
        if header.ring != BlockHeader::SEVERAL_RINGS {
            return to.push(Self { offset, payload_bytes: LISTED, part: 0 });
        }
        let Some((_, payload)) = frame_at(bytes, offset).filter(|(of, _)| is(of, FrameKind::Block))
        else {
            return;
        };
        if let Some(header) = BlockHeader::decode(payload) {
            Self::add(offset, &header, payload, to);
        }
    }

    const fn is_listed(self) -> bool {
        self.payload_bytes == LISTED
    }

    const fn offset(self) -> u64 {
        self.offset & !HAS_SUMMARY
    }

    const fn part(self) -> u32 {
        self.part & ((1 << PART_BITS) - 1)
    }

    const fn part_at(self) -> usize {
        (self.part >> PART_BITS) as usize
    }

    /// The offset after the frame.
    const fn end(self) -> u64 {
        let padded = (self.payload_bytes as u64).next_multiple_of(8);
        self.offset().saturating_add(FrameHeader::BYTES as u64 + padded)
    }

    /// Notes that a summary of the last block is at an offset. `false` if that is not right after it.
    pub(super) fn note_summary(entries: &mut [Self], offset: u64) -> bool {
        let Some(&last) = entries.last() else { return false };
        if last.is_listed() || last.end() != offset || last.offset & HAS_SUMMARY != 0 {
            return false;
        }
        let of_block = entries.iter_mut().rev().take_while(|entry| entry.offset == last.offset);
        of_block.for_each(|entry| entry.offset |= HAS_SUMMARY);
        true
    }
}

impl<'d> Blocks<'d> {
    pub(super) const fn new(bytes: &'d [u8], entries: &'d [BlockEntry], listed: usize) -> Self {
        Self { bytes, entries, listed }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no block.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The block at an index. Costs the reading of its header.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Block> {
        self.entries.get(index).map(|entry| self.read(*entry))
    }

    /// The last block.
    #[must_use]
    pub fn last(&self) -> Option<Block> {
        self.entries.last().map(|entry| self.read(*entry))
    }

    /// All blocks.
    #[must_use]
    pub fn iter(&self) -> BlockIter<'d> {
        BlockIter { blocks: *self, range: 0..self.len() }
    }

    /// The frame's offset of the block at an index.
    pub(crate) fn offset(&self, index: usize) -> Option<u64> {
        self.entries.get(index).map(|entry| entry.offset())
    }

    /// The offset of the summary that follows the block at an index.
    pub(crate) fn summary_offset(&self, index: usize) -> Option<u64> {
        let entry = self.entries.get(index)?;
        if entry.offset & HAS_SUMMARY != 0 {
            return Some(entry.end());
        }
        // The scan did not come there. Of several parts, the first one was read and the frame is whole.
        let (of_block, _) = frame_at(self.bytes, entry.offset()).filter(|_| index < self.listed)?;
        let end = entry.offset().checked_add(of_block.frame_bytes())?;
        let (of_next, _) = frame_at(self.bytes, end)?;
        is(&of_next, FrameKind::Summary).then_some(end)
    }

    /// The index of the first part of the block whose frame is at an offset.
    pub(crate) fn index_of(&self, offset: u64) -> Option<usize> {
        let at = self.entries.partition_point(|entry| entry.offset() < offset);
        self.entries.get(at).filter(|entry| entry.offset() == offset).map(|_| at)
    }

    /// How many frames they are in.
    pub(crate) fn frames(&self) -> usize {
        self.entries.iter().filter(|entry| entry.part() == 0).count()
    }

    #[inline]
    fn read(&self, entry: BlockEntry) -> Block {
        let offset = entry.offset();
        let frame = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at..));
        let frame = frame.unwrap_or_default();
        let payload = frame.get(FrameHeader::BYTES..).unwrap_or_default();
        let payload_bytes = match FrameHeader::decode(frame).filter(|_| entry.is_listed()) {
            None if entry.is_listed() => return Block::gone(offset, entry.part()),
            Some(of)
                if !is(&of, FrameKind::Block)
                    || (of.payload_bytes as usize).max(BlockHeader::BYTES) > payload.len() =>
            {
                return Block::gone(offset, entry.part());
            }
            of => of.map_or(entry.payload_bytes, |of| of.payload_bytes),
        };
        let payload = payload.get(..payload_bytes as usize).unwrap_or_default();
        let header = BlockHeader::decode(payload).unwrap_or_default();
        let stored = payload.get(BlockHeader::BYTES..).unwrap_or_default();
        // The scan has read all of this: it fails only if another program changes the file. The checksum is
        // wrong then.
        let of_frame = FrameHeader::decode(frame);
        let of_part = GroupHead::part_at(&header, stored, entry.part_at()).unwrap_or(header);
        Block {
            offset,
            payload_bytes,
            payload_crc: of_frame.map_or(0, |frame| frame.payload_crc),
            is_cut: of_frame.is_some_and(|frame| payload_bytes < frame.payload_bytes),
            header: of_part,
            part: entry.part(),
        }
    }
}

impl fmt::Debug for Blocks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'d> IntoIterator for Blocks<'d> {
    type Item = Block;
    type IntoIter = BlockIter<'d>;

    fn into_iter(self) -> BlockIter<'d> {
        self.iter()
    }
}

/// An iterator over [`Blocks`].
#[derive(Clone, Debug)]
pub struct BlockIter<'d> {
    blocks: Blocks<'d>,
    range: Range<usize>,
}

impl Iterator for BlockIter<'_> {
    type Item = Block;

    #[inline]
    fn next(&mut self) -> Option<Block> {
        self.range.next().and_then(|index| self.blocks.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Block> {
        self.range.nth(n).and_then(|index| self.blocks.get(index))
    }
}

impl DoubleEndedIterator for BlockIter<'_> {
    fn next_back(&mut self) -> Option<Block> {
        self.range.next_back().and_then(|index| self.blocks.get(index))
    }
}

impl ExactSizeIterator for BlockIter<'_> {}
