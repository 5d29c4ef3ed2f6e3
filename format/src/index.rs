//! The index and the end of a sealed dump.

use serde::{Deserialize, Serialize};

use crate::block::BlockHeader;
use crate::bytes::Fields;

/// A list of frames with their offsets. A long file has several, each with the offset of the previous one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The offset of the previous index; 0 for the first one.
    pub previous: u64,
    /// The offsets of the dictionary, thread, clock and loss frames since then.
    pub metadata: Vec<u64>,
    /// The blocks since then, with the offsets of their frames.
    pub blocks: Vec<(u64, BlockHeader)>,
}

impl Index {
    /// Appends the payload of an index frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        crate::dictionary::put_postcard(self, out);
    }

    /// Reads the payload of an index frame.
    ///
    /// # Errors
    /// If the payload holds no index.
    pub fn decode(payload: &[u8]) -> Result<Self, postcard::Error> {
        crate::dictionary::take_postcard(payload)
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
