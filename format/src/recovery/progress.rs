//! The file `progress` of a ring directory: how far the dump is, and where each ring is.
//!
//! ```text
//!   0        16                    128             128 + 8 n
//!   | dump   | what is not listed  | a place for each ring that a thread has |
//! ```
//!
//! Its space is reserved when the directory is created, so that a ring without a file can be stated there
//! however full the file system is. A writer changes eight bytes at a time.

use crate::bytes::Fields;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the dump are whole frames.
    pub written: u64,
    /// The sequence of that dump.
    pub sequence: u32,
    /// What it says of the rings; `None` before version 1.3.
    pub rings: Option<Rings>,
}

/// Where the rings of a session are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// Rings in memory for which the list had no room.
    pub unlisted: u64,
    /// How many directories of the session were made before this one.
    pub directory: u64,
    /// Records of calls that got no ring for want of memory, by level.
    pub ringless: [u64; 5],
    /// The rings that threads have, and where each is. A place that only a later version knows is not in
    /// a file that this one does: it counts as memory.
    pub listed: Vec<(u32, Place)>,
}

/// Where a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Place {
    /// In a file of one of the session's directories.
    File = 1,
    /// In the writer's memory.
    Memory = 2,
    /// In a file that was deleted while the writer used it.
    Unlinked = 3,
}

impl Place {
    /// The word that stands for a ring in the list; 0 stands for none.
    #[must_use]
    pub const fn word(self, ring: u32) -> u64 {
        (self as u64) << 32 | ring as u64
    }

    fn from_word(word: u64) -> Option<(u32, Self)> {
        let place = match word >> 32 {
            1 => Self::File,
            3 => Self::Unlinked,
            _ => Self::Memory,
        };
        (word != 0).then_some((word as u32, place))
    }
}

impl Progress {
    /// The length of the file.
    pub const BYTES: usize = 8192;
    /// How many rings are listed at the most.
    pub const MOST_RINGS: usize = (Self::BYTES - Self::LIST_AT) / 8;
    /// Where the list begins.
    pub const LIST_AT: usize = 128;
    /// Where the number of bytes of the dump stands.
    pub const WRITTEN_AT: usize = 0;
    /// Where the sequence of the dump stands, as a word of eight bytes.
    pub const SEQUENCE_AT: usize = 8;
    /// Where it says that it has a list, by a word that is [`HAS_LIST`](Self::HAS_LIST).
    pub const HAS_LIST_AT: usize = 16;
    /// The list of rings is there.
    pub const HAS_LIST: u64 = 1;
    /// Where [`Rings::unlisted`] stands.
    pub const UNLISTED_AT: usize = 24;
    /// Where [`Rings::directory`] stands.
    pub const DIRECTORY_AT: usize = 32;
    /// Where [`Rings::ringless`] begins.
    pub const RINGLESS_AT: usize = 40;

    /// Reads the file; `None` if it is too short.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let written = fields.u64()?;
        let sequence = fields.u32()?;
        Some(Self { written, sequence, rings: Self::rings(bytes) })
    }

    fn rings(bytes: &[u8]) -> Option<Rings> {
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
            word.map(|word| u64::from_le_bytes(*word))
        };
        if word(Self::HAS_LIST_AT)? != Self::HAS_LIST {
            return None;
        }
        let list = bytes.get(Self::LIST_AT..Self::BYTES)?;
        let words = list.chunks_exact(8).filter_map(|word| word.first_chunk());
        Some(Rings {
            unlisted: word(Self::UNLISTED_AT)?,
            directory: word(Self::DIRECTORY_AT)?,
            ringless: std::array::from_fn(|level| word(Self::RINGLESS_AT + 8 * level).unwrap_or(0)),
            listed: words.filter_map(|word| Place::from_word(u64::from_le_bytes(*word))).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let mut bytes = vec![0; Progress::BYTES];
        let mut put = |at: usize, word: u64| bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        put(Progress::WRITTEN_AT, 4096);
        put(Progress::SEQUENCE_AT, 2);
        put(Progress::HAS_LIST_AT, Progress::HAS_LIST);
        put(Progress::UNLISTED_AT, 5);
        put(Progress::RINGLESS_AT + 16, 7);
        put(Progress::LIST_AT, Place::File.word(1));
        put(Progress::LIST_AT + 16, Place::Memory.word(u32::MAX));
        put(Progress::BYTES - 8, 9 << 32 | 3);
        let listed = vec![(1, Place::File), (u32::MAX, Place::Memory), (3, Place::Memory)];
        let rings = Rings { unlisted: 5, directory: 0, ringless: [0, 0, 7, 0, 0], listed };
        let read = Progress::decode(&bytes);
        assert_eq!(read, Some(Progress { written: 4096, sequence: 2, rings: Some(rings) }));
    }

    #[test]
    fn one_of_an_earlier_version_has_no_list() {
        assert_eq!(Progress::decode(&[0; 15][..11]), None);
        assert_eq!(Progress::decode(&[0; 16]), Some(Progress::default()));
        assert_eq!(Progress::decode(&[0; Progress::BYTES]), Some(Progress::default()));
    }
}
