//! Printed values of a column, one after the other: they are searched all at once.

use memchr::memmem::Finder;

use super::bits::Bits;
use super::numbers::Shown;
use crate::filter::fold;

/// How many bytes are searched at a time: they stay in the nearest cache.
const SEARCHED_BYTES: usize = 16 << 10;

/// Texts of consecutive values.
pub(super) struct Printed<'s> {
    shown: &'s Shown<'s>,
    finder: Finder<'s>,
    text: String,
    /// The index of each value, and where its text ends.
    ends: Vec<(u32, u32)>,
}

impl<'s> Printed<'s> {
    pub(super) fn new(shown: &'s Shown<'s>) -> Self {
        let finder = Finder::new(shown.piece);
        // Nearly all values are short: both are grown once.
        let text = String::with_capacity(SEARCHED_BYTES + 256);
        let ends = Vec::with_capacity(SEARCHED_BYTES / 8);
        Self { shown, finder, text, ends }
    }

    /// Adds the value at an index, which `print` prints, and whatever is found to `found`.
    #[inline]
    pub(super) fn push(&mut self, index: usize, found: &mut Bits, print: impl FnOnce(&mut String)) {
        print(&mut self.text);
        self.ends.push((index as u32, self.text.len() as u32));
        if self.text.len() >= SEARCHED_BYTES {
            self.search(found);
        }
    }

    /// Adds the values in the buffer that have the piece.
    #[cold]
    pub(super) fn search(&mut self, found: &mut Bits) {
        if self.text.is_ascii() {
            self.text.make_ascii_lowercase();
            self.search_folded(found);
        } else {
            let mut start = 0;
            for &(index, end) in &self.ends {
                let end = end as usize;
                let text = self.text.get(start..end).unwrap_or_default();
                if self.shown.is_in(&fold(text)) {
                    found.insert(index as usize);
                }
                start = end;
            }
        }
        self.ends.clear();
        self.text.clear();
    }

    fn search_folded(&self, found: &mut Bits) {
        let Shown { piece, starts, ends, .. } = *self.shown;
        let text = self.text.as_bytes();
        // The text of the value that is the next one in the list begins at `start`.
        let (mut at, mut start, mut values) = (0, 0, self.ends.iter().peekable());
        while let Some(hit) = text.get(at..).and_then(|rest| self.finder.find(rest)) {
            let hit = at + hit;
            while let Some((_, end)) = values.next_if(|(_, end)| *end as usize <= hit) {
                start = *end as usize;
            }
            let Some(&&(index, end)) = values.peek() else { return };
            let (after, end) = (hit + piece.len(), end as usize);
            // What begins in one text and ends in another is in neither.
            if after <= end && (!starts || hit == start) && (!ends || after == end) {
                found.insert(index as usize);
                at = end;
            } else {
                at = hit + 1;
            }
        }
    }
}
