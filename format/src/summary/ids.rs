//! Filter of long ids: which 32 consecutive digits, as in trace ids and UUIDs, the texts of a block have.
//!
//! ```text
//!   text:     … 4bf92f3577b34da6a3ce929d0e0e4736 …
//!   window:     └──────── 32 bytes ────────────┘    each of a text's: hexadecimal digits and `-` alone
//!   grams:      └── 16 ────────┘ … └── 16 ─────┘    17 in a window
//!   key:        the smallest hash of these          the bits of each key are set
//! ```
//!
//! A window that is found in a text has its key, wherever it begins: runs of digits need no borders. An id of 32
//! digits has one key, which takes ten bits.

use crate::value::put_uint;

/// The length of a window. Shorter text cannot be looked up.
pub const ID_BYTES: usize = 32;

/// The length of what is hashed.
const HASHED_BYTES: usize = 16;

/// The bits that a key sets, and the bits of the filter for each key.
const PROBES: u32 = 6;
const BITS_PER_KEY: usize = 10;

/// The most bytes of a filter.
const MAX_BYTES: usize = 1 << 20;

/// The number of windows that are remembered, a power of two: most ids come again soon.
const RECENT: usize = 512;

/// A filter of long ids.
#[derive(Clone, Copy, Debug)]
pub struct IdFilter<'a>(&'a [u8]);

impl<'a> IdFilter<'a> {
    /// Reads the filter, which begins with its length; `None` if it is cut.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let length = super::ranges::take_uint(&mut bytes)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BYTES)?;
        bytes.get(..length).map(Self)
    }

    /// Whether a text may hold `text`, with letters in either case. Always `true` for text without
    /// [`ID_BYTES`] digits in a row.
    #[must_use]
    pub fn may_hold(&self, text: &[u8]) -> bool {
        let mut has_all = true;
        each_key(text, |key| has_all = has_all && self.has(key));
        has_all
    }

    fn has(&self, key: u64) -> bool {
        places(key, self.0.len())
            .all(|place| self.0.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 != 0))
    }
}

/// The bits of a key in a filter of `bytes` bytes.
fn places(key: u64, bytes: usize) -> impl Iterator<Item = usize> {
    // Of the smallest of several hashes, the lower half is as random as that of any.
    let (first, step) = (key as u32, (mixed(key) >> 32) as u32);
    let bits = 8 * bytes as u64;
    (0..PROBES).map(move |n| {
        let place = first.wrapping_add(step.wrapping_mul(n));
        ((u64::from(place) * bits) >> 32) as usize
    })
}

#[inline]
fn mixed(word: u64) -> u64 {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The hash of bytes, with letters in either case.
#[inline]
fn hash(bytes: &[u8; HASHED_BYTES]) -> u64 {
    const FOLD: u128 = u128::from_le_bytes([0x20; HASHED_BYTES]);
    let folded = u128::from_le_bytes(*bytes) | FOLD;
    let sum = mixed(folded as u64).rotate_left(32) ^ (folded >> 64) as u64;
    let hash = mixed(sum);
    hash ^ (hash >> 32)
}

/// Whether ids have the byte.
#[inline]
const fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}

/// Calls `found` with each run of digits that has a window.
fn each_run<'t>(text: &'t [u8], mut found: impl FnMut(&'t [u8])) {
    // Each window has one of the bytes at these places.
    let mut at = ID_BYTES - 1;
    while let Some(&byte) = text.get(at) {
        if is_of_id(byte) {
            let before = text[..at].iter().rev().take_while(|byte| is_of_id(**byte)).count();
            let after = text[at..].iter().take_while(|byte| is_of_id(**byte)).count();
            if before + after >= ID_BYTES {
                found(&text[at - before..at + after]);
            }
            at += after;
        }
        at += ID_BYTES;
    }
}

/// Calls `found` with the key of each window of a text; most repeated ones once.
fn each_key(text: &[u8], mut found: impl FnMut(u64)) {
    each_run(text, |run| each_key_of(run, &mut found));
}

/// Calls `found` with the key of each window of a run.
fn each_key_of(run: &[u8], found: &mut impl FnMut(u64)) {
    const GRAMS: usize = ID_BYTES - HASHED_BYTES + 1;
    let mut hashes = [u64::MAX; GRAMS];
    let mut last = None;
    let grams = run.windows(HASHED_BYTES).filter_map(|gram| gram.first_chunk());
    for (at, gram) in grams.enumerate() {
        hashes[at % GRAMS] = hash(gram);
        if at + 1 >= GRAMS {
            let key = hashes.iter().copied().min();
            if key != last {
                key.into_iter().for_each(&mut *found);
                last = key;
            }
        }
    }
}

/// The long ids of a block that is being summarized.
#[derive(Debug, Default)]
pub(super) struct NotedIds {
    keys: Vec<u64>,
    /// Windows that were met, by their last bytes.
    recent: Vec<[u8; ID_BYTES]>,
}

impl NotedIds {
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.recent.clear();
    }

    /// Adds the ids of a text.
    #[inline]
    pub(super) fn note(&mut self, text: &[u8]) {
        if text.len() >= ID_BYTES {
            each_run(text, |run| self.note_run(run));
        }
    }

    fn note_run(&mut self, run: &[u8]) {
        if let Ok(run) = <&[u8; ID_BYTES]>::try_from(run) {
            if self.recent.is_empty() {
                self.recent.resize(RECENT, [0; ID_BYTES]);
            }
            let place = hash_place(run);
            if self.recent[place] == *run {
                return;
            }
            self.recent[place] = *run;
        }
        each_key_of(run, &mut |key| self.keys.push(key));
    }

    /// Appends the filter with its length.
    pub(super) fn put(&mut self, out: &mut Vec<u8>) {
        self.keys.sort_unstable();
        self.keys.dedup();
        let bytes = (self.keys.len() * BITS_PER_KEY).div_ceil(8).min(MAX_BYTES);
        put_uint(out, bytes as u64);
        let start = out.len();
        out.resize(start + bytes, 0);
        for place in self.keys.iter().flat_map(|key| places(*key, bytes)) {
            out[start + place / 8] |= 1 << (place % 8);
        }
    }
}

/// The place of a window among those that are remembered.
#[inline]
fn hash_place(window: &[u8; ID_BYTES]) -> usize {
    let last = window.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    (mixed(last) >> 32) as usize % RECENT
}
