//! The index and the end of a sealed dump.

use crate::block::BlockHeader;
use crate::bytes::Fields;
use crate::dictionary::{put_postcard, take_postcard};
use crate::frame::FileHeader;

/// A list of frames with their offsets. A long file has several, each with the offset of the previous one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The offset of the previous index; 0 for the first one.
    pub previous: u64,
    /// The offsets of the dictionary, thread, clock, loss, volatile and spans frames since then.
    pub metadata: Vec<u64>,
    /// The blocks since then, with the offsets of their frames.
    pub blocks: Vec<(u64, BlockHeader)>,
    /// The offsets of the context frames since then. Since format 1.5.
    pub contexts: Vec<u64>,
}

impl Index {
    /// Appends the payload of an index frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_postcard(&(self.previous, &self.metadata, &self.blocks), out);
        if !self.contexts.is_empty() {
            put_postcard(&self.contexts, out);
        }
    }

    /// Reads the payload of an index frame.
    ///
    /// # Errors
    /// If the payload holds no index.
    pub fn decode(payload: &[u8]) -> Result<Self, postcard::Error> {
        let ((previous, metadata, blocks), rest) = postcard::take_from_bytes(payload)?;
        // Before format 1.5, and in dumps without spans, nothing follows.
        let contexts = take_postcard(rest).unwrap_or_default();
        Ok(Self { previous, metadata, blocks, contexts })
    }
}

/// The payload of an index frame, read from its beginning to its end: its blocks one by one, because there may be
/// thousands.
///
/// # Examples
/// ```
/// use stenolog_format::block::BlockHeader;
/// use stenolog_format::index::{Index, IndexReader};
///
/// let blocks = vec![(64, BlockHeader { ring: 1, count: 2, ..BlockHeader::default() })];
/// let index = Index { blocks, contexts: vec![32], ..Index::default() };
/// let mut payload = Vec::new();
/// index.encode(&mut payload);
/// let mut reader = IndexReader::new(&payload)?;
/// assert_eq!(reader.next_block()?, index.blocks.first().copied());
/// assert_eq!(reader.next_block()?, None);
/// assert_eq!(reader.contexts(), index.contexts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IndexReader<'a> {
    /// The offset of the previous index; 0 for the first one.
    pub previous: u64,
    /// The offsets of the frames of [`Index::metadata`].
    pub metadata: Vec<u64>,
    rest: &'a [u8],
    /// How many blocks are not read.
    left: u64,
}

impl<'a> IndexReader<'a> {
    /// Reads what comes before the blocks.
    ///
    /// # Errors
    /// If the payload holds no index.
    pub fn new(payload: &'a [u8]) -> Result<Self, postcard::Error> {
        let ((previous, metadata, left), rest) = postcard::take_from_bytes(payload)?;
        Ok(Self { previous, metadata, rest, left })
    }

    /// The next block with the offset of its frame; `None` after the last one.
    ///
    /// # Errors
    /// If the payload ends before, or holds something else.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<(u64, BlockHeader)>, postcard::Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let (block, rest) = postcard::take_from_bytes(self.rest)?;
        (self.rest, self.left) = (rest, left);
        Ok(Some(block))
    }

    /// The offsets of the context frames, once all blocks are read.
    #[must_use]
    pub fn contexts(&self) -> Vec<u64> {
        // Before format 1.5, and in dumps without spans, nothing follows.
        if self.left > 0 { Vec::new() } else { take_postcard(self.rest).unwrap_or_default() }
    }
}

/// A copy of the file's header within the file, and the way from there to the indexes of a file that has no end.
///
/// # Examples
/// ```
/// use stenolog_format::index::HeaderCopy;
/// # use stenolog_format::frame::{FileHeader, VERSION};
/// # let header = FileHeader {
/// #     version: VERSION, session: [1; 16], created_unix_ns: 0, sequence: 0, process_id: 1,
/// #     counter_hz: 1_000_000_000,
/// # };
/// let copy = HeaderCopy { header, index: Some(4096) };
/// let mut payload = Vec::new();
/// copy.encode(&mut payload);
/// assert_eq!(HeaderCopy::index_of(&payload), Some(4096));
/// assert_eq!(HeaderCopy::index_of(&payload[..64]), None); // as before format 1.5
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderCopy {
    /// The header of the file.
    pub header: FileHeader,
    /// The offset of the last index frame before this, if there is one.
    pub index: Option<u64>,
}

impl HeaderCopy {
    /// The length of the payload that this version writes.
    pub const BYTES: usize = FileHeader::BYTES + 8;

    /// Appends the payload of a header frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header.encode());
        out.extend_from_slice(&self.index.unwrap_or_default().to_le_bytes());
    }

    /// The offset of the last index frame before a header frame with this payload, if it states one.
    #[must_use]
    pub fn index_of(payload: &[u8]) -> Option<u64> {
        let index = Fields(payload.get(FileHeader::BYTES..)?).u64()?;
        (index != 0).then_some(index)
    }
}

/// The last frame of a sealed dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The offset of the last index frame; 0 without an index.
    pub index: u64,
    /// The number of records in the file.
    pub records: u64,
    /// The number of records that were lost so far, in all rings.
    pub lost: u64,
    /// Whether the log continues in the file with the next sequence number.
    pub continues: bool,
}

impl End {
    /// The length of the payload that this version writes.
    pub const BYTES: usize = 32;

    /// Appends the payload of the end frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for word in [self.index, self.records, self.lost, u64::from(self.continues)] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Reads the payload of an end frame; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        Some(Self {
            index: fields.u64()?,
            records: fields.u64()?,
            lost: fields.u64()?,
            continues: fields.u64()? & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_survive_with_contexts_and_without() {
        let mut index = Index { previous: 64, metadata: vec![88, 1 << 40], ..Index::default() };
        for contexts in [vec![], vec![120, 4000]] {
            index.contexts = contexts;
            let mut payload = Vec::new();
            index.encode(&mut payload);
            assert_eq!(Index::decode(&payload).unwrap(), index);
            assert!(Index::decode(&payload[..3]).is_err());
        }
    }
}
