//! Sets of records of a kind.

/// A set of numbers below a limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    count: u32,
}

impl Bits {
    /// An empty set of numbers below `limit`.
    pub(super) fn new(limit: u32) -> Self {
        Self { words: vec![0; (limit as usize).div_ceil(64)], count: 0 }
    }

    /// All numbers below `limit`.
    pub(super) fn all(limit: u32) -> Self {
        let mut this = Self::new(limit);
        (0..limit as usize).for_each(|number| this.insert(number));
        this
    }

    #[inline]
    pub(super) fn insert(&mut self, number: usize) {
        if let Some(word) = self.words.get_mut(number / 64) {
            let bit = 1 << (number % 64);
            self.count += u32::from(*word & bit == 0);
            *word |= bit;
        }
    }

    #[inline]
    pub(super) fn has(&self, number: usize) -> bool {
        self.words.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// How many numbers it has.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The numbers of both.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
        self.count = self.words.iter().map(|word| word.count_ones()).sum();
        self
    }
}
