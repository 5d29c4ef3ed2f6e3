//! Search in the pools of a group: in distinct texts instead of records.

use stenolog_format::block::{BlockError, Pattern, PatternPiece, Pool, PoolClass};

use super::Seeker;
use super::texts::{Texts, may_be_escaped};
use crate::filter::TextSearch;

/// Any entry of a longer pattern may have a piece. Writers make no such patterns.
const MAX_PATTERN: usize = 512;

/// With more alignments than this, the bytes of all entries are searched instead of each entry.
const MAX_ALIGNMENTS: usize = 4;

impl Seeker<'_> {
    /// Finds the entries of the pools that have a piece.
    pub(super) fn find_in_pools(&mut self, piece: &[u8]) -> Result<(), BlockError> {
        if self.entries.contains_key(piece) {
            return Ok(());
        }
        let Some(search) = self.selection.text_search(piece) else { return Ok(()) };
        let mut entries = Vec::new();
        for at in 0..self.body.pools().len() {
            let pool = self.body.pools()[at].clone();
            let start = entries.len();
            entries.resize(start + pool.count as usize, false);
            let entries = &mut entries[start..];
            match &pool.class {
                PoolClass::Digits(pattern) => {
                    let alignments = alignments(pattern, piece);
                    if !alignments.is_empty() {
                        find_digits(self.pool(&pool)?, pattern, &alignments, entries)?;
                    }
                }
                // All others are texts as they are.
                _ => find_texts(self.pool(&pool)?, search, entries)?,
            }
        }
        self.entries.insert(piece.to_vec(), entries);
        Ok(())
    }

    /// Finds the entries of the pools that have something to escape.
    pub(super) fn find_escaped_entries(&mut self, in_digits: bool) -> Result<(), BlockError> {
        if self.escaped[usize::from(in_digits)].is_some() {
            return Ok(());
        }
        let mut entries = Vec::new();
        for at in 0..self.body.pools().len() {
            let pool = self.body.pools()[at].clone();
            let start = entries.len();
            match &pool.class {
                PoolClass::Digits(pattern) => {
                    let is_escaped = |piece: &PatternPiece| matches!(piece, PatternPiece::Text(of) if may_be_escaped(of, in_digits));
                    let is = pattern.pieces().iter().any(is_escaped);
                    entries.resize(start + pool.count as usize, is);
                }
                _ => {
                    entries.resize(start + pool.count as usize, false);
                    let entries = &mut entries[start..];
                    let texts = Texts::new(self.pool(&pool)?)?;
                    texts.find_escaped(in_digits, |at| set(entries, at))?;
                }
            }
        }
        self.escaped[usize::from(in_digits)] = Some(entries);
        Ok(())
    }

    /// The plain bytes of a pool.
    fn pool(&mut self, pool: &Pool) -> Result<&[u8], BlockError> {
        self.need_section(pool.section)?;
        self.body.bytes().get(pool.bytes.clone()).ok_or(BlockError::Columns)
    }
}

/// Whether folding may change the length of the text: it may have a byte of `K` (Kelvin) or `ſ`, which fold to
/// ASCII letters.
fn changes_length(piece: &PatternPiece) -> bool {
    let is_special = |byte: &u8| matches!(byte, 0xc5 | 0xe2);
    matches!(piece, PatternPiece::Text(text) if text.iter().any(is_special))
}

fn set(entries: &mut [bool], index: usize) {
    if let Some(entry) = entries.get_mut(index) {
        *entry = true;
    }
}

fn find_texts(data: &[u8], search: &TextSearch, entries: &mut [bool]) -> Result<(), BlockError> {
    Texts::new(data)?.find(search, |index| set(entries, index))
}

/// A place in a pattern where a piece fits: the digits of an entry, four bits each, must then be these.
#[derive(Debug, PartialEq, Eq)]
struct Alignment {
    /// The number of the first digit.
    first: usize,
    digits: Vec<u8>,
}

/// All places in a pattern where a folded piece fits.
fn alignments(pattern: &Pattern, piece: &[u8]) -> Vec<Alignment> {
    let is_long = pattern.text_bytes() > MAX_PATTERN || pattern.pieces().len() > MAX_PATTERN;
    if is_long || pattern.pieces().iter().any(changes_length) {
        return vec![Alignment { first: 0, digits: Vec::new() }];
    }
    let mut all = Vec::new();
    let last = pattern.text_bytes().checked_sub(piece.len());
    for start in 0..last.map_or(0, |last| last + 1) {
        let (mut at, mut digit) = (0, 0);
        let (mut fits, mut first, mut digits) = (true, 0, Vec::new());
        for of in pattern.pieces() {
            let length = match of {
                PatternPiece::Digits(n) => *n,
                PatternPiece::Text(text) => text.len(),
                _ => return vec![Alignment { first: 0, digits: Vec::new() }],
            };
            let overlap = at.max(start)..(at + length).min(start + piece.len());
            for place in overlap {
                let byte = piece[place - start];
                match of {
                    PatternPiece::Text(text) => {
                        fits &= text[place - at].eq_ignore_ascii_case(&byte)
                    }
                    _ => match char::from(byte).to_digit(16) {
                        Some(value) => {
                            if digits.is_empty() {
                                first = digit + place - at;
                            }
                            digits.push(value as u8);
                        }
                        None => fits = false,
                    },
                }
            }
            if matches!(of, PatternPiece::Digits(_)) {
                digit += length;
            }
            at += length;
        }
        if fits {
            all.push(Alignment { first, digits });
        }
    }
    all
}

/// Finds the entries that have the digits of any alignment.
fn find_digits(
    data: &[u8],
    pattern: &Pattern,
    alignments: &[Alignment],
    entries: &mut [bool],
) -> Result<(), BlockError> {
    let width = pattern.packed_bytes();
    if entries.len().checked_mul(width) != Some(data.len()) {
        return Err(BlockError::Columns);
    }
    // Text of the pattern alone.
    if alignments.iter().any(|of| of.digits.is_empty()) {
        entries.fill(true);
        return Ok(());
    }
    for parity in 0..2 {
        let of_parity = alignments.iter().filter(|of| of.first % 2 == parity);
        let of_parity: Vec<_> = of_parity.collect();
        let Some(first) = of_parity.first() else { continue };
        // If the digits are the same at each place, all entries are searched at once.
        let whole = whole_bytes(parity, &first.digits);
        let are_same = of_parity.iter().all(|of| of.digits == first.digits);
        if of_parity.len() > MAX_ALIGNMENTS && are_same && whole.len() >= 2 {
            let finder = memchr::memmem::Finder::new(&whole);
            let mut from = 0;
            while let Some(at) = data.get(from..).and_then(|rest| finder.find(rest)) {
                check_near(data, width, from + at, &of_parity, entries);
                from += at + 1;
            }
            continue;
        }
        for of in of_parity {
            find_at(data, width, of, entries);
        }
    }
    Ok(())
}

/// The bytes that the digits fill if they begin in the upper (0) or the lower (1) half of one.
fn whole_bytes(parity: usize, digits: &[u8]) -> Vec<u8> {
    digits.get(parity..).unwrap_or_default().chunks_exact(2).map(|of| of[0] << 4 | of[1]).collect()
}

/// Checks the entries at a hit.
fn check_near(data: &[u8], width: usize, at: usize, all: &[&Alignment], entries: &mut [bool]) {
    let index = at / width;
    let entry = data.get(index * width..(index + 1) * width).unwrap_or_default();
    if all.iter().any(|of| has_digits(entry, of)) {
        set(entries, index);
    }
}

fn has_digits(entry: &[u8], of: &Alignment) -> bool {
    of.digits.iter().enumerate().all(|(n, digit)| {
        let place = of.first + n;
        let byte = entry.get(place / 2).copied().unwrap_or_default();
        digit == &(if place.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
    })
}

/// Finds the entries with these digits at this place.
fn find_at(data: &[u8], width: usize, of: &Alignment, entries: &mut [bool]) {
    // A byte that the digits fill decides about most entries.
    let whole = whole_bytes(of.first % 2, &of.digits);
    let at = of.first.div_ceil(2);
    match *whole {
        [a, b, c, d, ..] if at + 4 <= width => {
            let wanted = [a, b, c, d];
            for (index, entry) in data.chunks_exact(width).enumerate() {
                if entry[at..at + 4] == wanted && has_digits(entry, of) {
                    set(entries, index);
                }
            }
        }
        _ => {
            for (index, entry) in data.chunks_exact(width).enumerate() {
                if has_digits(entry, of) {
                    set(entries, index);
                }
            }
        }
    }
}
