//! Entries of a group's pools.

use super::{Pattern, PatternPiece, Pool, PoolClass};
use crate::block::columns::read::{Bytes, Malformed, Read};
use crate::value::{MAX_LENGTH, mark_texts, text_marks};

/// What an entry counts besides its length: the memory for its place.
const ENTRY_BYTES: usize = 8;

/// The places of the entries of all pools, in order, with the marks that hold for them if they are texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    places: Vec<u64>,
}

impl Entries {
    /// Finds the entries of the pools in `bytes`. Those that are stored as digits are appended to it as text.
    /// All of them may take `limit` bytes, and [`ENTRY_BYTES`] each.
    pub(super) fn open(pools: &[Pool], bytes: &mut Vec<u8>, limit: usize) -> Read<Self> {
        let mut this = Self::default();
        let mut left = limit;
        for pool in pools {
            match &pool.class {
                PoolClass::Plain => this.add_plain(pool, bytes, &mut left)?,
                PoolClass::Digits(pattern) => this.add_digits(pool, pattern, bytes, &mut left)?,
            }
        }
        Ok(this)
    }

    fn add_plain(&mut self, pool: &Pool, bytes: &[u8], left: &mut usize) -> Read<()> {
        let mut data = Bytes(bytes.get(pool.bytes.clone()).ok_or(Malformed)?);
        let lengths = data.length()?;
        let mut lengths = Bytes(data.take(lengths)?);
        let mut at = pool.bytes.end - data.0.len();
        let (first, texts) = (self.places.len(), data.0);
        for _ in 0..pool.count {
            let length = lengths.length()?;
            data.take(length)?;
            *left = left.checked_sub(length + ENTRY_BYTES).ok_or(Malformed)?;
            self.places.push(place(at, length)?);
            at += length;
        }
        mark_texts(texts, self.places.get_mut(first..).unwrap_or_default(), 1);
        if lengths.0.is_empty() && data.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn add_digits(
        &mut self,
        pool: &Pool,
        pattern: &Pattern,
        bytes: &mut Vec<u8>,
        left: &mut usize,
    ) -> Read<()> {
        let (count, packed, length) =
            (pool.count as usize, pattern.packed_bytes(), pattern.text_bytes());
        let is_right = count.checked_mul(packed) == Some(pool.bytes.len());
        let texts = count.checked_mul(length).filter(|_| is_right).ok_or(Malformed)?;
        *left = left.checked_sub(texts + count * ENTRY_BYTES).ok_or(Malformed)?;
        let start = bytes.len();
        bytes.resize(start + texts, 0);
        let (stored, texts) = bytes.split_at_mut(start);
        let stored = stored.get(pool.bytes.clone()).ok_or(Malformed)?;
        for (packed, text) in stored.chunks_exact(packed).zip(texts.chunks_exact_mut(length)) {
            expand(packed, pattern, text);
        }
        // All have the same text between their digits.
        let marks = text_marks(bytes.get(start..start + length).unwrap_or_default());
        for at in (start..).step_by(length).take(count) {
            self.places.push(place(at, length)? | marks);
        }
        Ok(())
    }

    /// How many entries there are.
    pub(super) const fn count(&self) -> usize {
        self.places.len()
    }

    /// The place of an entry: offset and length.
    #[inline]
    pub(super) fn place(&self, index: u64) -> Option<(usize, usize)> {
        let place = self.word(index)?;
        Some(((place >> 32) as usize, (place & MAX_LENGTH) as usize))
    }

    /// The place of an entry as a word, with marks for texts.
    #[inline]
    pub(super) fn word(&self, index: u64) -> Option<u64> {
        self.places.get(usize::try_from(index).ok()?).copied()
    }
}

/// A place in the plain bytes as a word.
fn place(at: usize, length: usize) -> Read<u64> {
    let (at, length) = (u32::try_from(at).map_err(|_| Malformed)?, length as u64);
    if length > MAX_LENGTH || at > u32::MAX >> 1 {
        return Err(Malformed);
    }
    Ok(u64::from(at) << 32 | length)
}

/// The two digits of each byte.
const DIGITS: [[u8; 2]; 256] = {
    let of = b"0123456789abcdef";
    let mut digits = [[0; 2]; 256];
    let mut byte = 0;
    while byte < digits.len() {
        digits[byte] = [of[byte >> 4], of[byte & 15]];
        byte += 1;
    }
    digits
};

/// Writes the text of an entry, which has the length of the pattern.
fn expand(packed: &[u8], pattern: &Pattern, mut text: &mut [u8]) {
    let mut nibble = 0;
    for piece in pattern.pieces() {
        let length = match piece {
            PatternPiece::Digits(n) => *n,
            PatternPiece::Text(text) => text.len(),
        };
        let Some((now, rest)) = text.split_at_mut_checked(length) else { return };
        match piece {
            PatternPiece::Digits(_) => {
                put_digits(packed, nibble, now);
                nibble += length;
            }
            PatternPiece::Text(of) => now.copy_from_slice(of),
        }
        text = rest;
    }
}

/// Writes the digits from a nibble on.
fn put_digits(packed: &[u8], nibble: usize, mut text: &mut [u8]) {
    let mut bytes = packed.get(nibble / 2..).unwrap_or_default().iter();
    let digits = |byte: &u8| DIGITS[usize::from(*byte)];
    if nibble % 2 == 1
        && let Some((first, rest)) = std::mem::take(&mut text).split_first_mut()
    {
        *first = bytes.next().map_or(b'0', |byte| digits(byte)[1]);
        text = rest;
    }
    let (pairs, last) = text.as_chunks_mut::<2>();
    pairs.iter_mut().zip(&mut bytes).for_each(|(pair, byte)| *pair = digits(byte));
    last.iter_mut().zip(bytes).for_each(|(place, byte)| *place = digits(byte)[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{HAS_SPACE, IS_CLEAN, IS_WORD};

    #[test]
    fn digits_begin_in_any_half_of_a_byte() {
        let packed = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let digits = "0123456789abcdef";
        for first in 0..=4 {
            for second in 1..=4 {
                let pieces = [
                    PatternPiece::Digits(first),
                    PatternPiece::Text(b"--".to_vec()),
                    PatternPiece::Digits(second),
                ];
                let pieces = pieces.into_iter().filter(|piece| *piece != PatternPiece::Digits(0));
                let pattern = Pattern::new(pieces.collect()).unwrap();
                let mut text = vec![b'?'; first + second + 2];
                expand(&packed, &pattern, &mut text);
                let (before, after) = digits[..first + second].split_at(first);
                assert_eq!(text, format!("{before}--{after}").as_bytes());
            }
        }
    }

    #[test]
    fn marks_say_what_a_text_has() {
        let texts = ["word", "", "two words", "a=b", "\"quoted\"", "größe", "back\\slash"];
        let all = texts.concat();
        for run in [1, 2, 8] {
            let lengths = texts.map(|text| text.len() as u64);
            let mut places = lengths;
            mark_texts(all.as_bytes(), &mut places, run);
            for (text, (place, length)) in texts.iter().zip(places.iter().zip(lengths)) {
                let is_clean = text
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~' if !b"\"\\".contains(&byte)));
                let has_space = text.contains([' ', '=']);
                assert_eq!(place & MAX_LENGTH, length, "{text}");
                let marked = |mark: u64| place & mark != 0;
                assert!(!marked(IS_CLEAN) || is_clean, "{text}");
                assert!(!marked(IS_WORD) || (is_clean && !has_space && !text.is_empty()), "{text}");
                assert!(!marked(HAS_SPACE) || (is_clean && has_space), "{text}");
                assert!(run > 1 || marked(IS_CLEAN) == is_clean, "{text}");
            }
        }
    }
}
