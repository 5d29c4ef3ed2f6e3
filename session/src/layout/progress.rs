//! The file `progress` of a ring directory: how long the dump is, and where each ring is.
//!
//! ```text
//!   0        16                    128             128 + 8 n
//!   | dump   | totals              | a word for each ring that a thread has |
//! ```
//!
//! Its space is reserved when the directory is created, so a ring without a file can be stated even if the file
//! system is full. The writer maps the file and changes eight bytes at a time.

use stenolog_format::loss::Loss;
use stenolog_format::volatile::VolatileState;

/// The decoded file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the dump are whole frames.
    pub written: u64,
    /// The sequence of that dump.
    pub sequence: u32,
    /// The list of rings; `None` before version 1.3.
    pub rings: Option<RingList>,
}

/// The rings of a session, and where each is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RingList {
    /// Rings in memory for which the list had no room.
    pub unlisted: u64,
    /// How many directories of the session were made before this one.
    pub directory: u64,
    /// Records of calls that got no ring because memory was short, by level.
    pub ringless: [u64; 5],
    /// The rings that threads have. A place that only a later version knows counts as memory.
    pub listed: Vec<(u32, RingPlace)>,
}

/// The place of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum RingPlace {
    /// In a file of one of the session's directories.
    File = 1,
    /// In the writer's memory.
    Memory = 2,
    /// In a file that was deleted while the writer used it.
    Unlinked = 3,
}

impl RingPlace {
    /// The word of a ring in the list; 0 is a free word.
    ///
    /// # Examples
    ///
    /// ```
    /// use stenolog_session::layout::RingPlace;
    ///
    /// assert_eq!(RingPlace::Memory.word(7), 2 << 32 | 7);
    /// ```
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

impl RingPlace {
    /// How a dump states that a ring was lost with its process. For a ring in a file, this means that its file
    /// is missing.
    #[must_use]
    pub const fn lost_state(self) -> VolatileState {
        match self {
            Self::Memory => VolatileState::MemoryLost,
            Self::File | Self::Unlinked => VolatileState::UnlinkedLost,
        }
    }
}

impl RingList {
    /// The listed rings that cannot be read: those in memory, and those whose file was deleted or is not
    /// among the rings that `is_read`.
    pub fn missing(&self, is_read: impl Fn(u32) -> bool) -> impl Iterator<Item = (u32, RingPlace)> {
        let is_there = move |ring, place| place == RingPlace::File && is_read(ring);
        self.listed.iter().copied().filter(move |&(ring, place)| !is_there(ring, place))
    }

    /// The records of calls that got no ring.
    #[must_use]
    pub const fn ringless_loss(&self, counter: u64) -> Loss {
        Loss { counter, full: self.ringless, too_large: [0; 5] }
    }
}

impl Progress {
    /// Whether the file is that of the session's first directory. Only that one is valid.
    #[must_use]
    pub fn is_of_first_directory(&self) -> bool {
        self.rings.as_ref().is_none_or(|rings| rings.directory == 0)
    }

    /// The length of the file.
    pub const BYTES: usize = 8192;
    /// The greatest number of rings in the list.
    pub const MAX_RINGS: usize = (Self::BYTES - Self::LIST_AT) / 8;
    /// The offset of the list.
    pub const LIST_AT: usize = 128;
    /// The offset of [`written`](Self::written).
    pub const WRITTEN_AT: usize = 0;
    /// The offset of [`sequence`](Self::sequence), which the writer stores as a word of eight bytes.
    pub const SEQUENCE_AT: usize = 8;
    /// The offset of a word that is [`HAS_LIST`](Self::HAS_LIST) if there is a list.
    pub const HAS_LIST_AT: usize = 16;
    /// There is a list of rings.
    pub const HAS_LIST: u64 = 1;
    /// The offset of [`RingList::unlisted`].
    pub const UNLISTED_AT: usize = 24;
    /// The offset of [`RingList::directory`].
    pub const DIRECTORY_AT: usize = 32;
    /// The offset of [`RingList::ringless`].
    pub const RINGLESS_AT: usize = 40;

    /// Decodes the file; `None` if it is too short.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Self::word(bytes, at);
        // The upper half of the second word is reserved.
        let (written, sequence) = (word(Self::WRITTEN_AT)?, word(Self::SEQUENCE_AT)? as u32);
        Some(Self { written, sequence, rings: Self::list(bytes) })
    }

    fn word(bytes: &[u8], at: usize) -> Option<u64> {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map(|word| u64::from_le_bytes(*word))
    }

    fn list(bytes: &[u8]) -> Option<RingList> {
        let word = |at: usize| Self::word(bytes, at);
        if word(Self::HAS_LIST_AT)? != Self::HAS_LIST {
            return None;
        }
        let list = bytes.get(Self::LIST_AT..Self::BYTES)?;
        let words = list.chunks_exact(8).filter_map(|word| Self::word(word, 0));
        Some(RingList {
            unlisted: word(Self::UNLISTED_AT)?,
            directory: word(Self::DIRECTORY_AT)?,
            ringless: std::array::from_fn(|level| word(Self::RINGLESS_AT + 8 * level).unwrap_or(0)),
            listed: words.filter_map(RingPlace::from_word).collect(),
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
        put(Progress::LIST_AT, RingPlace::File.word(1));
        put(Progress::LIST_AT + 16, RingPlace::Memory.word(u32::MAX));
        put(Progress::BYTES - 8, 9 << 32 | 3);
        let listed =
            vec![(1, RingPlace::File), (u32::MAX, RingPlace::Memory), (3, RingPlace::Memory)];
        let rings = RingList { unlisted: 5, directory: 0, ringless: [0, 0, 7, 0, 0], listed };
        let read = Progress::decode(&bytes);
        assert_eq!(read, Some(Progress { written: 4096, sequence: 2, rings: Some(rings) }));
    }

    #[test]
    fn rings_in_memory_and_without_their_file_are_missing() {
        use RingPlace::{File, Memory, Unlinked};

        let listed = vec![(1, File), (2, File), (3, Memory), (4, Unlinked)];
        let list = RingList { listed, ..RingList::default() };
        let missing: Vec<_> = list.missing(|ring| ring != 2).collect();
        assert_eq!(missing, [(2, File), (3, Memory), (4, Unlinked)]);
        let states = missing.iter().map(|(_, place)| place.lost_state());
        assert!(states.eq([
            VolatileState::UnlinkedLost,
            VolatileState::MemoryLost,
            VolatileState::UnlinkedLost
        ]));
    }

    #[test]
    fn one_of_an_earlier_version_has_no_list() {
        assert_eq!(Progress::decode(&[0; 15]), None);
        assert_eq!(Progress::decode(&[0; 16]), Some(Progress::default()));
        assert_eq!(Progress::decode(&[0; Progress::BYTES]), Some(Progress::default()));
    }
}
