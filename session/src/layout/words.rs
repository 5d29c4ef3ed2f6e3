//! The user words of a ring: what a reader must know about a ring in addition to its records.

use stenolog_format::loss::Loss;
use stenolog_ringbuf::file::USER_WORDS;

/// The indices of the user words.
pub mod word {
    /// The two halves of the session.
    pub const SESSION: [usize; 2] = [0, 1];
    /// The ring id; 0 if the ring waits for a thread.
    pub const RING: usize = 2;
    /// Two pairs of a position and the number of the record there.
    pub const NUMBERS: [usize; 2] = [4, 6];
    /// Lost records by level: those lost because the ring was full, and those that were too large.
    pub const LOST: [usize; 2] = [8, 13];
    /// The raw counter of the latest loss.
    pub const LOST_AT: usize = 18;
}

/// The user words of a ring, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingWords {
    /// The session.
    pub session: [u8; 16],
    /// The ring id, which is a `u32` in every ring that a logger has written; 0 if the ring waits for a
    /// thread.
    pub ring: u64,
    /// Two pairs of a position and the number of the record there.
    pub numbers: [(u64, u64); 2],
    /// The records that the ring's thread lost since the beginning of the ring id.
    pub loss: Loss,
}

impl RingWords {
    /// Decodes the words.
    #[must_use]
    pub fn decode(words: &[u64; USER_WORDS]) -> Self {
        let mut session = [0; 16];
        for (half, index) in session.chunks_exact_mut(8).zip(word::SESSION) {
            half.copy_from_slice(&words[index].to_le_bytes());
        }
        let lost = |cause: usize| std::array::from_fn(|level| words[word::LOST[cause] + level]);
        Self {
            session,
            ring: words[word::RING],
            numbers: word::NUMBERS.map(|pair| (words[pair], words[pair + 1])),
            loss: Loss { counter: words[word::LOST_AT], full: lost(0), too_large: lost(1) },
        }
    }

    /// The words of a new ring that waits for a thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use stenolog_session::layout::RingWords;
    ///
    /// let words = RingWords::decode(&RingWords::of_session(&[7; 16]));
    /// assert_eq!((words.session, words.ring), ([7; 16], 0));
    /// ```
    #[must_use]
    pub fn of_session(session: &[u8; 16]) -> [u64; USER_WORDS] {
        let mut words = [0; USER_WORDS];
        for (half, index) in session.chunks_exact(8).zip(word::SESSION) {
            words[index] = half.first_chunk().map_or(0, |half| u64::from_le_bytes(*half));
        }
        words
    }

    /// The number of the record at `position`; `None` if no pair has that position, or if both have and
    /// contradict each other.
    #[must_use]
    pub fn number_at(&self, position: u64) -> Option<u64> {
        let mut numbers = self.numbers.iter().filter(|pair| pair.0 == position).map(|pair| pair.1);
        let number = numbers.next()?;
        numbers.all(|other| other == number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_stated_by_one_pair_or_by_two_that_agree() {
        let mut words = RingWords::of_session(&[1; 16]);
        let mut pairs = |first: [u64; 2], second: [u64; 2]| {
            words[word::NUMBERS[0]..][..2].copy_from_slice(&first);
            words[word::NUMBERS[1]..][..2].copy_from_slice(&second);
            RingWords::decode(&words).number_at(48)
        };
        assert_eq!(pairs([48, 2], [24, 1]), Some(2));
        assert_eq!(pairs([24, 1], [48, 2]), Some(2));
        assert_eq!(pairs([48, 2], [48, 2]), Some(2));
        assert_eq!(pairs([48, 2], [48, 3]), None);
        assert_eq!(pairs([24, 1], [0, 0]), None);
    }

    #[test]
    fn losses_are_by_level_and_cause() {
        let mut words = RingWords::of_session(&[1; 16]);
        words[word::LOST[0]] = 2;
        words[word::LOST[1] + 4] = 3;
        words[word::LOST_AT] = 99;
        let expected = Loss { counter: 99, full: [2, 0, 0, 0, 0], too_large: [0, 0, 0, 0, 3] };
        assert_eq!(RingWords::decode(&words).loss, expected);
    }
}
