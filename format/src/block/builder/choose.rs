//! Choice of layouts for numbers of a thorough group, by estimates of their length after compression.

use crate::block::columns::numbers::{GROUP, differences, put_planes, width_of, zigzag};
use crate::block::layout::{Integers, Layout};
use crate::value::put_uint;

/// Buffers for the choice.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    differences: Vec<u64>,
    integers: Vec<u64>,
    planes: [Vec<u8>; 8],
    varints: Vec<u8>,
}

/// How many values to look at, from several places of a column.
const SAMPLED: usize = 1 << 14;

/// The bytes that a compressor takes for the statistics of a plane.
const TABLE_BYTES: f64 = 24.0;

/// Appends integers in the layout that compresses best.
pub(super) fn put_integers(
    values: &[u64],
    may_repeat: bool,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Integers {
    let Some(&first) = values.first() else { return Integers::Varints };
    if may_repeat && values.iter().all(|value| *value == first) {
        put_uint(out, first);
        return Integers::Constant;
    }
    let Scratch { differences, planes, varints, .. } = scratch;
    differences.clear();
    let mut before = 0_u64;
    differences
        .extend(values.iter().map(|&v| zigzag(v.wrapping_sub(std::mem::replace(&mut before, v)))));
    let sample = |of: &[u64]| of[..of.len().min(SAMPLED)].to_vec();
    let (some, some_differences) = (sample(values), sample(differences));
    let costs = [
        (varint_bytes(&some, varints), false, false),
        (varint_bytes(&some_differences, varints), true, false),
        (plane_bytes(&some), false, true),
        (plane_bytes(&some_differences), true, true),
    ];
    let best = costs.iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are four");
    let of = if best.1 { &differences[..] } else { values };
    if best.2 {
        let width = put_all_planes(of, planes, out);
        if best.1 { Integers::DifferencePlanes(width) } else { Integers::Planes(width) }
    } else {
        of.iter().for_each(|value| put_uint(out, *value));
        if best.1 { Integers::Differences } else { Integers::Varints }
    }
}

/// Appends all values in planes; returns how many.
fn put_all_planes(values: &[u64], planes: &mut [Vec<u8>; 8], out: &mut Vec<u8>) -> u8 {
    let width = width_of(values.iter().fold(0, |all, value| all | value)).max(1);
    put_width(values, width, planes, out);
    width as u8
}

fn put_width(values: &[u64], width: usize, planes: &mut [Vec<u8>; 8], out: &mut Vec<u8>) {
    planes.iter_mut().for_each(Vec::clear);
    for group in values.chunks(GROUP) {
        put_planes(group, &mut planes[..width]);
    }
    planes[..width].iter().for_each(|plane| out.extend_from_slice(plane));
}

/// The estimated length of varints after compression.
fn varint_bytes(values: &[u64], buffer: &mut Vec<u8>) -> f64 {
    buffer.clear();
    values.iter().for_each(|value| put_uint(buffer, *value));
    let mut counts = [0; 256];
    buffer.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    entropy_bytes(&counts, buffer.len())
}

/// The estimated length of planes after compression.
fn plane_bytes(values: &[u64]) -> f64 {
    let mut counts = [[0_u32; 256]; 8];
    for value in values {
        for (counts, byte) in counts.iter_mut().zip(value.to_le_bytes()) {
            counts[usize::from(byte)] += 1;
        }
    }
    counts.iter().map(|counts| entropy_bytes(counts, values.len())).sum()
}

/// The length of bytes with these counts, by their entropy.
fn entropy_bytes(counts: &[u32; 256], total: usize) -> f64 {
    let all = total as f64;
    let mut bits = 0.0;
    let mut distinct = 0;
    for &count in counts.iter().filter(|count| **count > 0) {
        bits += f64::from(count) * (all / f64::from(count)).log2();
        distinct += 1;
    }
    // A plane of one value takes nothing.
    if distinct <= 1 { 0.0 } else { (bits / 8.0 + TABLE_BYTES).min(all) }
}

/// Appends the bits of floats in the layout that compresses best.
pub(super) fn put_floats(
    words: &[u64],
    width: usize,
    may_repeat: bool,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Layout {
    let Some(&first) = words.first() else { return Layout::Planes(width) };
    if may_repeat && words.iter().all(|word| *word == first) {
        out.extend_from_slice(&first.to_le_bytes()[..width]);
        return Layout::Constant;
    }
    let mut integers = std::mem::take(&mut scratch.integers);
    let digits = if width == 8 { decimals(words, &mut integers) } else { None };
    if let Some(digits) = digits {
        let layout = put_integers(&integers, may_repeat, scratch, out);
        scratch.integers = integers;
        return Layout::Decimals(digits, layout);
    }
    integers.clear();
    integers.push(0);
    integers.extend_from_slice(words);
    differences(&mut integers, width);
    let some = |of: &[u64]| plane_bytes(&of[..of.len().min(SAMPLED)]);
    let is_steady = some(&integers[1..]) < some(words);
    let of = if is_steady { &integers[1..] } else { words };
    put_width(of, width, &mut scratch.planes, out);
    scratch.integers = integers;
    if is_steady { Layout::DifferencePlanes(width) } else { Layout::Planes(width) }
}

/// The most digits to look for. Each one more makes a chance match less telling.
const MAX_DIGITS: u8 = 9;

/// How many values decide how many digits to try.
const TRIED_FLOATS: usize = 64;

/// Finds the number of decimal digits that all floats have at most, and what they are as integers: as
/// zigzags.
fn decimals(words: &[u64], integers: &mut Vec<u64>) -> Option<u8> {
    let mut digits = 0;
    for &word in words.iter().take(TRIED_FLOATS) {
        while integer_of(word, digits).is_none() {
            digits += 1;
            if digits > MAX_DIGITS {
                return None;
            }
        }
    }
    integers.clear();
    for &word in words {
        integers.push(integer_of(word, digits)?);
    }
    Some(digits)
}

/// The zigzag of n if the float is n / 10^digits, bit for bit.
#[inline]
fn integer_of(word: u64, digits: u8) -> Option<u64> {
    const MOST: f64 = (1_u64 << 53) as f64;
    let power = POWERS[usize::from(digits)];
    let float = f64::from_bits(word);
    let n = (float * power).round();
    let is_exact = n.abs() < MOST && (n / power).to_bits() == word;
    is_exact.then(|| zigzag((n as i64).cast_unsigned()))
}

const POWERS: [f64; MAX_DIGITS as usize + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
