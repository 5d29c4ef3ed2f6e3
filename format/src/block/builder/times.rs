//! Times of a group's records, as a column that begins again with each part.

use super::{Depth, SIGN, Times};
use crate::block::columns::numbers::{GROUP, Rows, Words, put_differences, zigzag};
use crate::block::raw::RawHeader;
use crate::value::put_uint;

/// The column of times.
#[derive(Debug)]
pub(super) struct TimeColumn {
    depth: Depth,
    /// Times of the part.
    counters: Part,
    unix: Part,
    /// Times of one kind that are not in `zigzags` yet, from the second element on.
    words: Box<Words>,
    waiting: usize,
    are_unix: bool,
    /// Varints.
    zigzags: Vec<u8>,
    /// The same as words, in a thorough group.
    values: Vec<u64>,
}

/// The times of one kind in a part.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    times: Times,
    /// Where the difference of the first one is: a placeholder, as the smallest is known at the end.
    first_at: usize,
}

/// Fewer times are taken one by one.
const FEW: usize = 16;

impl Default for TimeColumn {
    fn default() -> Self {
        Self {
            depth: Depth::Fast,
            counters: Part::default(),
            unix: Part::default(),
            words: Box::new([0; GROUP + 1]),
            waiting: 0,
            are_unix: false,
            zigzags: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl TimeColumn {
    pub(super) fn begin(&mut self, depth: Depth) {
        self.depth = depth;
        (self.counters, self.unix) = (Part::default(), Part::default());
        self.waiting = 0;
        self.zigzags.clear();
        self.values.clear();
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
        if records.len() < FEW * span {
            for record in records.chunks_exact(span) {
                self.push(word_at(record, RawHeader::BYTES), is_unix);
            }
            return;
        }
        self.flush();
        self.are_unix = is_unix;
        for bytes in records.chunks(GROUP * span) {
            let rows = Rows { bytes, stride: span, at: RawHeader::BYTES };
            if self.depth == Depth::Thorough || !self.take_forward(&rows) {
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
        let part = if self.are_unix { &mut self.unix } else { &mut self.counters };
        let start = self.zigzags.len();
        let mut before = if part.times.is_any() { part.times.last() } else { first };
        // After the greatest time comes 0.
        let has_wrapped = before > first || first > last;
        let all = rows.put_bytes(&mut self.zigzags, |word| {
            let time = u64::from_le_bytes(word) ^ flip;
            zigzag(time.wrapping_sub(std::mem::replace(&mut before, time)))
        });
        // Zigzags of negative numbers are odd.
        let is_forward = all < 0x80 && all & 1 == 0 && !has_wrapped;
        if is_forward {
            if !part.times.is_any() {
                part.first_at = start;
            }
            part.times.note_all(&[first, last]);
        } else {
            self.zigzags.truncate(start);
        }
        is_forward
    }

    fn flush(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let waiting = &mut self.words[1..=self.waiting];
        let part = if self.are_unix {
            // In the order of unsigned numbers; the differences are the same.
            waiting.iter_mut().for_each(|word| *word ^= SIGN);
            &mut self.unix
        } else {
            &mut self.counters
        };
        let is_thorough = self.depth == Depth::Thorough;
        if !part.times.is_any() {
            part.first_at = if is_thorough { self.values.len() } else { self.zigzags.len() };
        }
        let mut before = part.times.note_all(waiting);
        if is_thorough {
            self.values.extend(
                waiting
                    .iter()
                    .map(|&word| zigzag(word.wrapping_sub(std::mem::replace(&mut before, word)))),
            );
        } else {
            self.words[0] = before;
            put_differences(&mut self.words, self.waiting, &mut self.zigzags);
        }
        self.waiting = 0;
    }

    /// Ends a part. Returns its counters and its Unix times.
    pub(super) fn end_part(&mut self) -> (Times, Times) {
        self.flush();
        let counters = std::mem::take(&mut self.counters);
        let unix = std::mem::take(&mut self.unix);
        // The later one first, because a longer difference moves what follows.
        if counters.first_at > unix.first_at {
            self.put_first(&counters);
            self.put_first(&unix);
        } else {
            self.put_first(&unix);
            self.put_first(&counters);
        }
        (counters.times, unix.times)
    }

    /// Replaces the placeholder of the first difference.
    fn put_first(&mut self, part: &Part) {
        let first = zigzag(part.times.base().cast_unsigned());
        if first == 0 {
            return;
        }
        if self.depth == Depth::Thorough {
            self.values[part.first_at] = first;
        } else {
            let mut varint = Vec::with_capacity(10);
            put_uint(&mut varint, first);
            self.zigzags.splice(part.first_at..=part.first_at, varint);
        }
    }

    /// The zigzags as varints.
    pub(super) fn varints(&self) -> &[u8] {
        &self.zigzags
    }

    /// The zigzags of a thorough group.
    pub(super) fn values(&self) -> &[u64] {
        &self.values
    }
}

/// The word at an offset of a record.
#[inline]
pub(super) fn word_at(record: &[u8], at: usize) -> u64 {
    let word = record.get(at..).and_then(<[u8]>::first_chunk);
    u64::from_le_bytes(*word.expect("a record has a time"))
}
