//! Table of distinct texts.

use std::hash::{BuildHasher, RandomState};

/// Numbers texts, equal ones alike.
#[derive(Debug)]
pub(in crate::block::builder) struct Texts {
    /// The number of a text plus 1, by its hash; 0 if free.
    slots: Vec<u32>,
    /// Of each noted text, its number.
    ids: Vec<u32>,
    /// How often each distinct text was noted.
    counts: Vec<u32>,
    /// Random: texts whose hashes are equal cannot be chosen.
    seed: u64,
}

impl Default for Texts {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(0_u64);
        Self { slots: Vec::new(), ids: Vec::new(), counts: Vec::new(), seed }
    }
}

impl Texts {
    /// Forgets all texts. There will be `total` at most, equal ones counted each time.
    pub(super) fn begin(&mut self, total: usize) {
        self.slots.clear();
        self.slots.resize((2 * total).next_power_of_two().max(16), 0);
        self.ids.clear();
        self.counts.clear();
    }

    /// Notes a text. Adds it to `found` if it is new.
    pub(super) fn note<'a>(&mut self, text: &'a [u8], found: &mut Vec<&'a [u8]>) {
        let mask = self.slots.len() - 1;
        let mut at = hash(text, self.seed) as usize & mask;
        let id = loop {
            let slot = &mut self.slots[at];
            if *slot == 0 {
                found.push(text);
                self.counts.push(0);
                *slot = found.len() as u32;
                break *slot - 1;
            }
            let id = *slot - 1;
            if found[id as usize] == text {
                break id;
            }
            at = (at + 1) & mask;
        };
        self.counts[id as usize] += 1;
        self.ids.push(id);
    }

    /// The numbers of some texts, in the order in which they were noted.
    pub(super) fn ids(&self, first: usize, count: usize) -> &[u32] {
        &self.ids[first..first + count]
    }

    /// How often a text was noted.
    pub(super) fn count(&self, id: u32) -> u32 {
        self.counts[id as usize]
    }
}

/// A hash of a text: products of eight bytes each, folded.
fn hash(text: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, rest) = text.as_chunks::<8>();
    let mut hash = fold(seed, text.len() as u64 ^ FACTOR);
    for word in words {
        hash = fold(hash.rotate_left(5), u64::from_le_bytes(*word) ^ seed);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash, u64::from_le_bytes(last) ^ seed)
}
