//! Search for required literals in the bytes of values.

use std::collections::BTreeSet;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::fold::minimal;

/// With more pieces of all call sites than this, searching does not pay.
const MAX_SEARCH_PIECES: usize = 1024;

/// A search for any of `pieces` in the bytes of values, ignoring case; `None` if there are too many
/// pieces.
pub(crate) fn search<'p>(pieces: impl Iterator<Item = &'p Vec<u8>>) -> Option<Regex> {
    // Many call sites require the same.
    let mut different = BTreeSet::new();
    for piece in pieces {
        if different.insert(piece) && different.len() > MAX_SEARCH_PIECES {
            return None;
        }
    }
    let pieces = different.into_iter().cloned().collect();
    let mut pattern = String::from("(?-u)");
    for (index, piece) in minimal(pieces).iter().enumerate() {
        if index > 0 {
            pattern.push('|');
        }
        for &byte in piece {
            match byte {
                b'k' => pattern.push_str(r"(?:[kK]|\xE2\x84\xAA)"),
                b's' => pattern.push_str(r"(?:[sS]|\xC5\xBF)"),
                b'a'..=b'z' => {
                    pattern.push('[');
                    pattern.push(char::from(byte));
                    pattern.push(char::from(byte.to_ascii_uppercase()));
                    pattern.push(']');
                }
                _ => pattern.push_str(&format!(r"\x{byte:02X}")),
            }
        }
    }
    RegexBuilder::new(&pattern).unicode(false).size_limit(1 << 22).build().ok()
}

/// The next hit of a search in a body, so far as it was searched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hits {
    /// There is no hit from `from` to `to`.
    from: usize,
    to: usize,
}

impl Hits {
    /// Whether a hit begins in `range`. If ranges come in order, each byte is searched once.
    #[inline]
    pub(crate) fn has(&mut self, search: &Regex, body: &[u8], range: Range<usize>) -> bool {
        if !(self.from..self.to).contains(&range.start) {
            let found = (range.start <= body.len()).then(|| search.find_at(body, range.start));
            let next = found.flatten().map_or(usize::MAX, |found| found.start());
            *self = Self { from: range.start, to: next };
        }
        self.to < range.end
    }
}
