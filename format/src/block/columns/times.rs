//! Times of a block's records, as a column.

use super::numbers::{GROUP, Rows, Words, put_differences, zigzag};
use crate::block::builder::{SIGN, Times};
use crate::block::raw::RawHeader;

/// The column of times.
#[derive(Debug)]
pub(super) struct TimeColumn {
    counters: Times,
    unix: Times,
    /// Times of one kind that are not in `zigzags` yet, from the second element on.
    words: Box<Words>,
    waiting: usize,
    are_unix: bool,
    zigzags: Vec<u8>,
}

impl Default for TimeColumn {
    fn default() -> Self {
        Self {
            counters: Times::default(),
            unix: Times::default(),
            words: Box::new([0; GROUP + 1]),
            waiting: 0,
            are_unix: false,
            zigzags: Vec::new(),
        }
    }
}

impl TimeColumn {
    pub(super) fn clear(&mut self) {
        (self.counters, self.unix) = (Times::default(), Times::default());
        self.waiting = 0;
        self.zigzags.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, word: u64, is_unix: bool) {
        if self.waiting == GROUP || self.are_unix != is_unix {
            self.flush();
            self.are_unix = is_unix;
        }
        self.waiting += 1;
        self.words[self.waiting] = word;
    }

    /// Takes the times of records in raw layout, of `span` bytes each.
    pub(super) fn extend(&mut self, records: &[u8], span: usize, is_unix: bool) {
        self.flush();
        self.are_unix = is_unix;
        for bytes in records.chunks(GROUP * span) {
            let rows = Rows { bytes, stride: span, at: RawHeader::BYTES };
            if !self.take_forward(&rows) {
                rows.read(&mut self.words, u64::from_le_bytes);
                self.waiting = rows.count();
                self.flush();
            }
        }
    }

    /// Takes times that never go back or far ahead; `false` if they do.
    fn take_forward(&mut self, rows: &Rows<'_>) -> bool {
        let flip = if self.are_unix { SIGN } else { 0 };
        let of = |bytes: &[u8]| word_at(bytes, rows.at) ^ flip;
        let Some(last) = rows.bytes.len().checked_sub(rows.stride) else { return true };
        let (first, last) = (of(rows.bytes), of(&rows.bytes[last..]));
        let times = if self.are_unix { &mut self.unix } else { &mut self.counters };
        let mut before = if times.is_any() { times.last() } else { first };
        // After the greatest time comes 0.
        let has_wrapped = before > first || first > last;
        let start = self.zigzags.len();
        let all = rows.put_bytes(&mut self.zigzags, |word| {
            let time = u64::from_le_bytes(word) ^ flip;
            zigzag(time.wrapping_sub(std::mem::replace(&mut before, time)))
        });
        // Zigzags of negative numbers are odd.
        let is_forward = all < 0x80 && all & 1 == 0 && !has_wrapped;
        if is_forward {
            times.note_all(&[first, last]);
        } else {
            self.zigzags.truncate(start);
        }
        is_forward
    }

    fn flush(&mut self) {
        let Some(waiting) = self.words[1..].get_mut(..self.waiting) else { return };
        let times = if self.are_unix {
            // In the order of unsigned numbers; the differences are the same.
            waiting.iter_mut().for_each(|word| *word ^= SIGN);
            &mut self.unix
        } else {
            &mut self.counters
        };
        self.words[0] = times.note_all(waiting);
        put_differences(&mut self.words, self.waiting, &mut self.zigzags);
        self.waiting = 0;
    }

    /// The zigzags, and the ranges of counters and of Unix times.
    pub(super) fn finish(&mut self) -> (&[u8], Times, Times) {
        self.flush();
        (&self.zigzags, self.counters, self.unix)
    }
}

/// The word at an offset of a record.
#[inline]
pub(super) fn word_at(record: &[u8], at: usize) -> u64 {
    let word = record.get(at..).and_then(<[u8]>::first_chunk);
    u64::from_le_bytes(*word.expect("a record has a time"))
}
