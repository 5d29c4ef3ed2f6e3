//! Numbers of a column, a group at a time: differences and varints.

/// How many values to process together, so the results stay in the first cache.
pub(in crate::block) const GROUP: usize = 256;

/// Values of a group in a row, and the value before them in front.
pub(in crate::block) type Words = [u64; GROUP + 1];

/// How many pairs of neighbours to sample to choose between values and differences.
const SAMPLES: usize = 32;

/// How many bits some values take, and their differences.
#[derive(Default)]
pub(in crate::block) struct Sample {
    pub(in crate::block) pairs: u32,
    pub(in crate::block) of_values: u32,
    pub(in crate::block) of_differences: u32,
    /// How many bytes they take as varints.
    pub(in crate::block) varints: u32,
    pub(in crate::block) difference_varints: u32,
}

impl Sample {
    pub(in crate::block) fn of(words: &[u64]) -> Self {
        let bits = |word: u64| u64::BITS - word.leading_zeros();
        let bytes = |bits: u32| bits.div_ceil(7).max(1);
        let mut sample = Self::default();
        for at in (1..words.len()).step_by((words.len() / SAMPLES).max(1)) {
            let value = bits(words[at]);
            let difference = bits(zigzag(words[at].wrapping_sub(words[at - 1])));
            sample.pairs += 1;
            sample.of_values += value;
            sample.of_differences += difference;
            sample.varints += bytes(value);
            sample.difference_varints += bytes(difference);
        }
        sample
    }
}

/// How many bytes a word takes without its leading zeros.
#[inline]
pub(in crate::block) const fn width_of(word: u64) -> usize {
    (u64::BITS - word.leading_zeros()).div_ceil(8) as usize
}

/// The bits of a difference as a signed number.
#[inline]
pub(in crate::block) const fn zigzag(difference: u64) -> u64 {
    difference << 1 ^ (difference.cast_signed() >> 63).cast_unsigned()
}

/// A value of each record of up to a group.
pub(in crate::block) struct Rows<'a> {
    pub(in crate::block) bytes: &'a [u8],
    pub(in crate::block) stride: usize,
    /// Its offset in a row.
    pub(in crate::block) at: usize,
}

impl Rows<'_> {
    pub(in crate::block) fn count(&self) -> usize {
        self.bytes.len() / self.stride
    }

    /// The values.
    #[inline(always)]
    pub(in crate::block) fn iter<const N: usize>(
        &self,
        of: impl Fn([u8; N]) -> u64,
    ) -> impl Iterator<Item = u64> {
        self.bytes
            .chunks_exact(self.stride)
            .map(move |row| of(*row[self.at..].first_chunk().expect(IN_ROW)))
    }

    /// Reads the values to `words`, from the second one on.
    #[inline(always)]
    pub(in crate::block) fn read<const N: usize>(
        &self,
        words: &mut Words,
        of: impl Fn([u8; N]) -> u64,
    ) {
        let rows = self.bytes.chunks_exact(self.stride);
        for (word, row) in words[1..].iter_mut().zip(rows) {
            *word = of(*row[self.at..].first_chunk().expect(IN_ROW));
        }
    }

    /// Appends the varints that `next` makes of the values if each takes one byte, otherwise nothing. Returns
    /// the bitwise OR of all of them.
    // Usually in one pass, with only registers between a value and its byte.
    #[inline(always)]
    pub(in crate::block) fn put_bytes<const N: usize>(
        &self,
        out: &mut Vec<u8>,
        mut next: impl FnMut([u8; N]) -> u64,
    ) -> u64 {
        let mut bytes = [0; GROUP];
        let mut all = 0;
        for (byte, row) in bytes.iter_mut().zip(self.bytes.chunks_exact(self.stride)) {
            let word = next(*row[self.at..].first_chunk().expect(IN_ROW));
            all |= word;
            *byte = word as u8;
        }
        if all < 0x80 {
            out.extend_from_slice(&bytes[..self.count()]);
        }
        all
    }
}

const IN_ROW: &str = "a row has all values of fixed length";

/// Replaces each word but the first by the zigzag of its difference from the one before, as integers of four
/// or eight bytes.
pub(in crate::block) fn differences(words: &mut [u64], width: usize) {
    // Four bytes wrap at 2^32.
    let unused = u64::BITS - 8 * width as u32;
    let mut before = words.first().copied().unwrap_or(0);
    for word in words.iter_mut().skip(1) {
        let difference = (word.wrapping_sub(before) << unused).cast_signed() >> unused;
        before = std::mem::replace(word, zigzag(difference.cast_unsigned()));
    }
}

/// Appends the zigzag of each word's difference from the one before as a varint, from the second word on.
pub(in crate::block) fn put_differences(words: &mut Words, count: usize, out: &mut Vec<u8>) {
    differences(&mut words[..=count], 8);
    put_varints(&words[1..=count], out);
}

/// Appends the first byte of each word to the first plane, the second to the second, and so on.
pub(in crate::block) fn put_planes(words: &[u64], planes: &mut [Vec<u8>]) {
    if planes.len() <= 3 {
        for (at, plane) in planes.iter_mut().enumerate() {
            plane.extend(words.iter().map(|word| (word >> (8 * at)) as u8));
        }
        return;
    }
    let (eights, rest) = words.as_chunks::<8>();
    if planes.len() == 4 {
        let mut turned = [[[0; 8]; GROUP / 8]; 4];
        for (at, eight) in eights.iter().enumerate() {
            for (plane, bytes) in turned.iter_mut().zip(transpose_halves(eight)) {
                plane[at] = bytes.to_le_bytes();
            }
        }
        for (at, (plane, turned)) in planes.iter_mut().zip(&turned).enumerate() {
            plane.extend_from_slice(turned[..eights.len()].as_flattened());
            plane.extend(rest.iter().map(|word| (word >> (8 * at)) as u8));
        }
        return;
    }
    let mut turned = [[0; GROUP]; 8];
    for (at, eight) in eights.iter().enumerate() {
        for (plane, bytes) in turned.iter_mut().zip(transpose(*eight)) {
            plane[8 * at..][..8].copy_from_slice(&bytes.to_le_bytes());
        }
    }
    for (at, (plane, turned)) in planes.iter_mut().zip(&turned).enumerate() {
        plane.extend_from_slice(&turned[..8 * eights.len()]);
        plane.extend(rest.iter().map(|word| (word >> (8 * at)) as u8));
    }
}

/// Transposes 8 by 8 bytes: byte i of word j becomes byte j of word i.
#[inline]
pub(in crate::block) fn transpose(mut words: [u64; 8]) -> [u64; 8] {
    // Swaps blocks of four by four bytes, within these those of two by two, then single bytes.
    let mut swap = |distance: usize, bits: u32, mask: u64| {
        for at in (0..8).filter(|at| at & distance == 0) {
            let moved = (words[at] >> bits ^ words[at + distance]) & mask;
            words[at + distance] ^= moved;
            words[at] ^= moved << bits;
        }
    };
    swap(4, 32, 0x0000_0000_ffff_ffff);
    swap(2, 16, 0x0000_ffff_0000_ffff);
    swap(1, 8, 0x00ff_00ff_00ff_00ff);
    words
}

/// Transposes 8 by 4 bytes, the lower halves of words: byte i of word j becomes byte j of word i.
#[inline]
fn transpose_halves(words: &[u64; 8]) -> [u64; 4] {
    let mut pairs: [u64; 4] =
        std::array::from_fn(|at| words[at] & 0xffff_ffff | words[at + 4] << 32);
    let mut swap = |a: usize, b: usize, bits: u32, mask: u64| {
        let moved = (pairs[a] >> bits ^ pairs[b]) & mask;
        pairs[b] ^= moved;
        pairs[a] ^= moved << bits;
    };
    swap(0, 2, 16, 0x0000_ffff_0000_ffff);
    swap(1, 3, 16, 0x0000_ffff_0000_ffff);
    swap(0, 1, 8, 0x00ff_00ff_00ff_00ff);
    swap(2, 3, 8, 0x00ff_00ff_00ff_00ff);
    pairs
}

/// Appends varints of up to a group of words. Most take one byte, which is one test for eight of them.
pub(in crate::block) fn put_varints(words: &[u64], out: &mut Vec<u8>) {
    let all = words.iter().fold(0, |all, word| all | word);
    if (0x80..1 << 14).contains(&all) {
        put_pairs(words, out);
        return;
    }
    let (eights, rest) = words.as_chunks::<8>();
    for eight in eights {
        if eight.iter().fold(0, |all, word| all | word) < 0x80 {
            out.extend_from_slice(&eight.map(|word| word as u8));
        } else {
            put_long(eight, out);
        }
    }
    put_long(rest, out);
}

/// Appends varints of up to a group of words, of one or two bytes each.
// Without a branch on the length, which may be unpredictable.
fn put_pairs(words: &[u64], out: &mut Vec<u8>) {
    let mut buffer = [0; 2 * GROUP];
    let mut at = 0;
    for &word in words {
        let has_second = word >= 0x80;
        let pair = word & 0x7f | u64::from(has_second) << 7 | word >> 7 << 8;
        buffer[at..][..2].copy_from_slice(&(pair as u16).to_le_bytes());
        at += 1 + usize::from(has_second);
    }
    out.extend_from_slice(&buffer[..at]);
}

/// Appends up to eight varints, through a small buffer.
fn put_long(words: &[u64], out: &mut Vec<u8>) {
    let mut buffer = [0; 80];
    let mut at = 0;
    for &word in words {
        let mut word = word;
        while word >= 0x80 {
            buffer[at] = word as u8 | 0x80;
            word >>= 7;
            at += 1;
        }
        buffer[at] = word as u8;
        at += 1;
    }
    out.extend_from_slice(&buffer[..at]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_transposed() {
        let rows = std::array::from_fn(|row| {
            u64::from_le_bytes(std::array::from_fn(|at| (16 * row + at) as u8))
        });
        let turned = std::array::from_fn(|row| {
            u64::from_le_bytes(std::array::from_fn(|at| (16 * at + row) as u8))
        });
        assert_eq!(transpose(rows), turned);
        // What is above the halves does not matter.
        assert_eq!(transpose_halves(&rows)[..], turned[..4]);
    }
}
