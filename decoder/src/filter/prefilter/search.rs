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
    /// A part of the text is.
    Around(Box<Around>),
    Folded(Regex),
}

/// A search for a text by a part without letters: of an id, a regular expression makes little.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    text: Vec<u8>,
    /// Where the part begins.
    from: usize,
    part: memmem::Finder<'static>,
}

/// A shorter part is found too often.
const LEAST_PART: usize = 3;

impl Around {
    /// `None` if no part is long enough, or if the text may have another length in other cases.
    fn new(text: &[u8]) -> Option<Self> {
        if text.iter().any(|byte| matches!(byte, b'k' | b's')) {
            return None;
        }
        let parts = text.split(u8::is_ascii_alphabetic);
        let part = parts.max_by_key(|part| part.len()).filter(|part| part.len() >= LEAST_PART)?;
        let from = memmem::find(text, part)?;
        let part = memmem::Finder::new(part).into_owned();
        Some(Self { text: text.to_vec(), from, part })
    }

    fn find_at(&self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        let mut part_at = at.checked_add(self.from)?;
        loop {
            let start = part_at + self.part.find(bytes.get(part_at..)?)? - self.from;
            let end = start + self.text.len();
            if bytes.get(start..end)?.eq_ignore_ascii_case(&self.text) {
                return Some((start, end));
            }
            part_at = start + self.from + 1;
        }
    }
}

impl TextSearch {
    /// A search for a folded text; `None` if it cannot be searched for.
    pub(crate) fn new(text: &Vec<u8>) -> Option<Self> {
        if text.iter().any(u8::is_ascii_alphabetic) {
            return match Around::new(text) {
                Some(around) => Some(Self::Around(Box::new(around))),
                None => search(std::iter::once(text)).map(Self::Folded),
            };
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
            Self::Around(around) => around.find_at(bytes, at),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_a_part_as_by_a_regular_expression() {
        let texts =
            ["723f2b62", "ab-12-34", "cafe0123", "9a8", "b123", "123b", "12ab123", "A.b.1234.c"];
        let bytes = b"x723F2B62723f2b6 ab-12-34AB-12-3ab-12-34cafe01cafe0123CAFE0123b123b123B12ab12ab123a.B.1234.C";
        for text in texts.map(str::to_ascii_lowercase).map(String::into_bytes) {
            let regex = search(std::iter::once(&text)).unwrap();
            let found = TextSearch::new(&text).unwrap();
            for at in 0..=bytes.len() + 1 {
                let expected = (at <= bytes.len()).then(|| regex.find_at(bytes, at)).flatten();
                let expected = expected.map(|of| (of.start(), of.end()));
                assert_eq!(found.find_at(bytes, at), expected, "{text:?} from {at}");
            }
        }
        assert!(matches!(TextSearch::new(&b"723f2b6".to_vec()), Some(TextSearch::Around(_))));
        assert!(matches!(TextSearch::new(&b"723f2k6".to_vec()), Some(TextSearch::Folded(_))));
    }
}
