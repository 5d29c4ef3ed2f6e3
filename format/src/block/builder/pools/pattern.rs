//! Pattern of texts that differ in hexadecimal digits only.

use crate::block::group::{Pattern, PatternPiece};

/// How many texts to derive a pattern from.
const SAMPLED: usize = 64;

/// Texts with fewer digits, or longer ones, have no pattern.
const MIN_DIGITS: usize = 6;
const MAX_BYTES: usize = 256;

/// Finds the pattern of texts by the first ones, if they have one and differ.
pub(super) fn find<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> Option<Pattern> {
    let first = texts.next().filter(|first| first.len() <= MAX_BYTES)?;
    let mut is_digit: Vec<bool> = first.iter().map(|byte| value_of(*byte).is_some()).collect();
    let mut is_constant = vec![true; first.len()];
    // Whether a letter was seen where texts differ.
    let mut has_letters = false;
    for text in texts.take(SAMPLED - 1) {
        if text.len() != first.len() {
            return None;
        }
        for (at, (byte, of_first)) in text.iter().zip(first).enumerate() {
            is_digit[at] &= value_of(*byte).is_some();
            if byte != of_first {
                is_constant[at] = false;
                has_letters |= byte.is_ascii_alphabetic() || of_first.is_ascii_alphabetic();
            }
        }
    }
    let is_any = (0..first.len()).all(|at| is_digit[at] || is_constant[at]);
    if !is_any || is_constant.iter().all(|is_constant| *is_constant) {
        return None;
    }
    // A letter that is always there is a word's, if what differs is decimal.
    let is_literal = |at: usize| {
        !is_digit[at] || is_constant[at] && first[at].is_ascii_alphabetic() && !has_letters
    };
    let mut pieces = Vec::new();
    for (at, &byte) in first.iter().enumerate() {
        match (pieces.last_mut(), is_literal(at)) {
            (Some(PatternPiece::Text(text)), true) => text.push(byte),
            (_, true) => pieces.push(PatternPiece::Text(vec![byte])),
            (Some(PatternPiece::Digits(n)), false) => *n += 1,
            (_, false) => pieces.push(PatternPiece::Digits(1)),
        }
    }
    Pattern::new(pieces).filter(|pattern| pattern.digits() >= MIN_DIGITS)
}

/// Whether a text matches.
pub(super) fn fits(pattern: &Pattern, text: &[u8]) -> bool {
    if text.len() != pattern.text_bytes() {
        return false;
    }
    let mut rest = text;
    pattern.pieces().iter().all(|piece| match piece {
        PatternPiece::Text(literal) => {
            let (of_text, after) = rest.split_at(literal.len());
            rest = after;
            of_text == literal
        }
        PatternPiece::Digits(n) => {
            let (of_text, after) = rest.split_at(*n);
            rest = after;
            of_text.iter().all(|byte| value_of(*byte).is_some())
        }
    })
}

/// Appends the digits of a text that [fits](Self::fits).
pub(super) fn put_digits(pattern: &Pattern, text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    let mut half = None;
    for piece in pattern.pieces() {
        let length = match piece {
            PatternPiece::Text(literal) => literal.len(),
            PatternPiece::Digits(n) => *n,
        };
        let (of_text, after) = rest.split_at(length);
        rest = after;
        if matches!(piece, PatternPiece::Text(_)) {
            continue;
        }
        for digit in of_text.iter().map(|byte| value_of(*byte).unwrap_or(0)) {
            match half.take() {
                None => half = Some(digit << 4),
                Some(upper) => out.push(upper | digit),
            }
        }
    }
    out.extend(half);
}

/// The value of a digit as patterns have it.
const fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
