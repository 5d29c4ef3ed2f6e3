//! Words: varints and planes, many at a time.

use std::ops::Range;

use crate::block::columns::numbers::transpose;
use crate::block::columns::read::{Bytes, Malformed, Read};
use crate::value::split_uint;

/// The bits of eight bytes that say that a varint goes on.
const TOP_BITS: u64 = 0x8080_8080_8080_8080;

/// Checks that the data are `count` varints of 64 bits, and nothing else.
pub(in crate::block) fn check_varints(data: &[u8], count: usize) -> Read<()> {
    let (words, rest) = data.as_chunks::<8>();
    let mut ends = 0;
    // Bytes since the last end.
    let mut run = 0;
    for word in words {
        let end_bits = !u64::from_le_bytes(*word) & TOP_BITS;
        if run + end_bits.trailing_zeros() / 8 >= 9 {
            return check_long_varints(data, count);
        }
        ends += ((end_bits >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize;
        run = if end_bits == 0 { run + 8 } else { end_bits.leading_zeros() / 8 };
    }
    for byte in rest {
        if *byte >= 0x80 {
            run += 1;
        } else {
            ends += 1;
            run = 0;
        }
        if run >= 9 {
            return check_long_varints(data, count);
        }
    }
    if ends == count && run == 0 { Ok(()) } else { Err(Malformed) }
}

/// The same, one by one: the last byte of a long varint counts.
fn check_long_varints(data: &[u8], count: usize) -> Read<()> {
    let mut rest = Bytes(data);
    for _ in 0..count {
        rest.uint()?;
    }
    if rest.0.is_empty() { Ok(()) } else { Err(Malformed) }
}

/// Reads varints that were checked, and returns how many bytes they take.
pub(in crate::block) fn read_varints(data: &[u8], words: &mut [u64]) -> Read<usize> {
    let (mut at, mut done) = (0, 0);
    while done < words.len() {
        let rest = data.get(at..).ok_or(Malformed)?;
        let Some(eight) = rest.first_chunk::<8>() else { break };
        let word = u64::from_le_bytes(*eight);
        if word & TOP_BITS == 0
            && let Some(place) = words.get_mut(done..).and_then(|left| left.first_chunk_mut::<8>())
        {
            *place = eight.map(u64::from);
            (at, done) = (at + 8, done + 8);
        } else if word & 0x8080 != 0x8080 {
            // One byte or two, without a branch that could not be predicted.
            let is_long = word >> 7 & 1;
            words[done] = word & 0x7f | (word >> 1 & 0x3f80) & is_long.wrapping_neg();
            (at, done) = (at + 1 + is_long as usize, done + 1);
        } else {
            let (value, rest) = split_uint(rest).map_err(|_| Malformed)?;
            words[done] = value;
            (at, done) = (data.len() - rest.len(), done + 1);
        }
    }
    for place in words.get_mut(done..).unwrap_or_default() {
        let rest = data.get(at..).ok_or(Malformed)?;
        let (value, rest) = split_uint(rest).map_err(|_| Malformed)?;
        *place = value;
        at = data.len() - rest.len();
    }
    Ok(at)
}

/// Reads values of 1 to 8 bytes from planes of `values` bytes each, beginning with value `at`.
pub(in crate::block) fn read_planes(
    data: &[u8],
    values: usize,
    width: usize,
    at: usize,
    words: &mut [u64],
) -> Read<()> {
    let plane = |n: usize| {
        let start = n * values + at;
        data.get(start..start + words.len()).ok_or(Malformed)
    };
    if width == 4 {
        let planes = [plane(0)?, plane(1)?, plane(2)?, plane(3)?];
        for (n, word) in words.iter_mut().enumerate() {
            *word = u32::from_le_bytes(planes.map(|plane| plane[n])).into();
        }
        return Ok(());
    }
    let mut planes = [&data[..0]; 8];
    for (n, of) in planes.iter_mut().enumerate().take(width) {
        *of = plane(n)?;
    }
    let (eights, rest) = words.as_chunks_mut::<8>();
    let done = eights.len() * 8;
    for (n, eight) in eights.iter_mut().enumerate() {
        let rows = planes.map(|plane| plane.get(8 * n..).and_then(|of| of.first_chunk::<8>()));
        *eight = transpose(rows.map(|row| row.map_or(0, |row| u64::from_le_bytes(*row))));
    }
    for (n, word) in (done..).zip(rest) {
        *word = u64::from_le_bytes(planes.map(|plane| plane.get(n).copied().unwrap_or(0)));
    }
    Ok(())
}

/// Reads addresses, which are in planes of `values` bytes, of the values at `at`: all first words, which hold the
/// first eight bytes, then all second ones.
pub(super) fn read_address(
    data: &[u8],
    values: usize,
    at: Range<usize>,
    words: &mut [u64],
) -> Read<()> {
    let count = at.len();
    for (plane, bytes) in data.chunks_exact(values.max(1)).enumerate() {
        let bytes = bytes.get(at.clone()).ok_or(Malformed)?;
        let places = words.get_mut(plane / 8 * count..).ok_or(Malformed)?;
        let shift = plane % 8 * 8;
        places.iter_mut().zip(bytes).for_each(|(word, byte)| *word |= u64::from(*byte) << shift);
    }
    Ok(())
}
