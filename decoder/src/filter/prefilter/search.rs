//! Search for required literals in the bytes of values.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;
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

/// A search for one text, ignoring case.
#[derive(Clone, Debug)]
pub(crate) enum TextSearch {
    /// The text is the same in both cases.
    Bytes(Box<memmem::Finder<'static>>),
    Folded(Regex),
}

impl TextSearch {
    /// A search for a folded text; `None` if it cannot be searched for.
    pub(crate) fn new(text: &Vec<u8>) -> Option<Self> {
        if text.iter().any(u8::is_ascii_alphabetic) {
            return search(std::iter::once(text)).map(Self::Folded);
        }
        Some(Self::Bytes(Box::new(memmem::Finder::new(text).into_owned())))
    }

    /// The start and the end of the first place from `at` on.
    #[inline]
    pub(crate) fn find_at(&self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        match self {
            Self::Bytes(finder) => {
                let found = at + finder.find(bytes.get(at..)?)?;
                Some((found, found + finder.needle().len()))
            }
            Self::Folded(regex) => {
                let found = (at <= bytes.len()).then(|| regex.find_at(bytes, at)).flatten()?;
                Some((found.start(), found.end()))
            }
        }
    }
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
