//! The layout that creating and recovering agree on: see the [table](super).

use crate::header::{HEADER_BYTES, MAX_CAPACITY_BYTES};
use crate::positions::{ConsumerPositions, Kind, Positions, USER_WORDS};
use core::mem::offset_of;

pub(super) const MAGIC: [u8; 8] = *b"\x93RING\r\n\x1a";
pub(super) const VERSION: u32 = 1;

const VERSION_AT: usize = 8;
const KIND_AT: usize = 12;
const CAPACITY_AT: usize = 16;
const DATA_OFFSET_AT: usize = 24;
const PROCESS_ID_AT: usize = 32;
const THREAD_ID_AT: usize = 40;
const RING_ID_AT: usize = 48;
const CHECKSUM_AT: usize = 56;

pub(super) const POSITIONS_AT: usize = 128;
const HEAD_AT: usize =
    POSITIONS_AT + offset_of!(Positions, consumer) + offset_of!(ConsumerPositions, head);
const CONSUMED_AT: usize =
    POSITIONS_AT + offset_of!(Positions, consumer) + offset_of!(ConsumerPositions, consumed);
const TAIL_AT: usize = POSITIONS_AT + offset_of!(Positions, tail);
const USER_WORDS_AT: usize = POSITIONS_AT + offset_of!(Positions, user_words);

/// Where the records begin: at a page.
pub(super) const DATA_AT: usize = 4096;

// The table in the documentation.
const _: () = assert!(
    HEAD_AT == 128 && CONSUMED_AT == 136 && TAIL_AT == 256 && USER_WORDS_AT == 384,
    "the layout of ring files is fixed"
);

/// The fixed part of a ring file's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) kind: Kind,
    pub(super) capacity: usize,
    pub(super) process_id: u64,
    pub(super) thread_id: u64,
    pub(super) ring_id: u64,
}

/// Why bytes are no header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    Short,
    Magic([u8; 8]),
    Version(u32),
    Checksum,
    Field(&'static str, u64),
}

impl Fixed {
    #[cfg(any(feature = "mmap", test))]
    pub(super) fn to_bytes(&self) -> [u8; CHECKSUM_AT + 8] {
        let mut bytes = [0; CHECKSUM_AT + 8];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[VERSION_AT..KIND_AT].copy_from_slice(&VERSION.to_le_bytes());
        bytes[KIND_AT..CAPACITY_AT].copy_from_slice(&(self.kind as u32).to_le_bytes());
        for (at, value) in [
            (CAPACITY_AT, self.capacity as u64),
            (DATA_OFFSET_AT, DATA_AT as u64),
            (PROCESS_ID_AT, self.process_id),
            (THREAD_ID_AT, self.thread_id),
            (RING_ID_AT, self.ring_id),
        ] {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let checksum = checksum(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, BadHeader> {
        // First what it is, so another file is called that, and not a damaged ring.
        let magic = *bytes.first_chunk().ok_or(BadHeader::Short)?;
        if magic != MAGIC {
            return Err(BadHeader::Magic(magic));
        }
        let field = |at| word(bytes, at).ok_or(BadHeader::Short);
        // The lower half; the upper one is the kind.
        let version = field(VERSION_AT)? as u32;
        if version != VERSION {
            return Err(BadHeader::Version(version));
        }
        if field(CHECKSUM_AT)? != checksum(&bytes[..CHECKSUM_AT]) {
            return Err(BadHeader::Checksum);
        }
        // Again the lower half.
        let kind = match field(KIND_AT)? & u64::from(u32::MAX) {
            0 => Kind::OneProducer,
            1 => Kind::ManyProducers,
            other => return Err(BadHeader::Field("kind", other)),
        };
        let capacity = field(CAPACITY_AT)?;
        if !capacity.is_power_of_two()
            || !(2 * HEADER_BYTES as u64..=MAX_CAPACITY_BYTES as u64).contains(&capacity)
        {
            return Err(BadHeader::Field("capacity", capacity));
        }
        let data_offset = field(DATA_OFFSET_AT)?;
        if data_offset != DATA_AT as u64 {
            return Err(BadHeader::Field("offset of the records", data_offset));
        }
        Ok(Self {
            kind,
            capacity: capacity as usize,
            process_id: field(PROCESS_ID_AT)?,
            thread_id: field(THREAD_ID_AT)?,
            ring_id: field(RING_ID_AT)?,
        })
    }
}

/// The part of a ring file's header that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changing {
    pub(super) head: u64,
    pub(super) consumed: u64,
    pub(super) tail: u64,
    pub(super) user_words: [u64; USER_WORDS],
}

impl Changing {
    /// `None` if the bytes are too few.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut user_words = [0; USER_WORDS];
        for (index, value) in user_words.iter_mut().enumerate() {
            *value = word(bytes, USER_WORDS_AT + 8 * index)?;
        }
        Some(Self {
            head: word(bytes, HEAD_AT)?,
            consumed: word(bytes, CONSUMED_AT)?,
            tail: word(bytes, TAIL_AT)?,
            user_words,
        })
    }
}

/// The little-endian word at an offset, if the bytes go that far.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// FNV-1a: a few bytes, once a file.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_no_change_goes_unnoticed() {
        let fixed = Fixed {
            kind: Kind::ManyProducers,
            capacity: 4096,
            process_id: 1,
            thread_id: u64::MAX,
            ring_id: 3,
        };
        let bytes = fixed.to_bytes();
        assert_eq!(Fixed::from_bytes(&bytes), Ok(fixed));
        for at in 0..bytes.len() {
            for flip in 1..=255 {
                let mut bytes = bytes;
                bytes[at] ^= flip;
                assert!(Fixed::from_bytes(&bytes).is_err(), "byte {at} ^ {flip}");
            }
            assert_eq!(Fixed::from_bytes(&bytes[..at]), Err(BadHeader::Short), "{at} bytes");
        }
    }
}
