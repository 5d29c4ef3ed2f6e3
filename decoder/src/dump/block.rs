//! Places of blocks in a file.

use std::ops::Range;

use stenolog_format::block::{BlockError, BlockHeader, Codec, most_rows};
use stenolog_format::frame::FrameHeader;

use crate::model::damage::DamageCause;

/// The place of a block of records in a file.
///
/// # Examples
///
/// ```no_run
/// let dump = stenolog_decoder::Dump::open("app.steno")?;
/// for block in dump.blocks() {
///     println!("{} records of ring {} at byte {}", block.header.count, block.header.ring, block.offset);
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// The offset of the block's frame.
    pub offset: u64,
    /// How many bytes of the frame's payload the file has.
    pub payload_bytes: u32,
    /// The checksum that the payload should have.
    pub payload_crc: u32,
    /// Whether the frame is cut, so its checksum cannot be checked.
    pub is_cut: bool,
    /// The header of the block. It is unchecked until the block is read.
    ///
    /// Of a block of several rings it is that of one part: the header that a block of this ring alone would have.
    pub header: BlockHeader,
    /// The number of the part, of a block of several rings.
    pub(crate) part: u32,
}

impl Block {
    /// The length of the frame with header and padding, in bytes.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        FrameHeader::BYTES as u64 + u64::from(self.payload_bytes).next_multiple_of(8)
    }

    /// A block that an index lists, and that is not in the file.
    pub(super) fn gone(offset: u64, part: u32) -> Self {
        let header = BlockHeader::default();
        // No payload has this checksum and no bytes.
        let payload_crc = u32::MAX;
        Self { offset, payload_bytes: 0, payload_crc, is_cut: false, header, part }
    }

    /// Whether only an index says that it is there: what is wrong with the file is told by a scan.
    pub(crate) const fn is_gone(&self) -> bool {
        self.payload_bytes == 0
    }

    /// Whether the bytes can hold that many records: each takes at least three, or one in columns. A header
    /// with a wrong checksum should not be believed beyond that.
    pub(crate) fn is_plausible(&self) -> bool {
        let stored = (self.payload_bytes as usize).saturating_sub(BlockHeader::BYTES);
        let body = match Codec::from_number(self.header.codec) {
            // Its records may take no bytes, but their rows are limited.
            _ if self.header.encoding == BlockHeader::GROUP => most_rows(stored) as u32,
            Some(codec) if codec.allows(self.header.body_bytes as usize, stored) => {
                self.header.body_bytes
            }
            _ => self.payload_bytes,
        };
        let is_by_column = self.header.encoding == BlockHeader::COLUMNS;
        self.header.count <= if is_by_column { body } else { body / 3 }
    }

    /// The number after the block's last record if it cannot be read from record `from` on: what its header
    /// says where that fits to what is `expected` next, else `expected`.
    pub(crate) fn end_if_unread(&self, from: u64, expected: u64) -> u64 {
        let stated = self.header.first_record.saturating_add(self.header.count.into());
        if from <= expected && self.is_plausible() { stated.max(expected) } else { expected }
    }

    /// Damage of the whole block.
    pub(crate) fn damage(&self, why: BlockError) -> DamageCause {
        DamageCause::Block { ring: self.header.ring, lost: self.header.count, why }
    }

    pub(super) fn payload(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset).ok()?.checked_add(FrameHeader::BYTES)?;
        Some(start..start.checked_add(self.payload_bytes as usize)?)
    }
}
