//! The index and the end of a sealed dump.

use crate::block::BlockHeader;
use crate::bytes::Fields;
use crate::dictionary::{put_postcard, take_postcard};

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
