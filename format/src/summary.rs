//! Summaries of blocks, with which a search can skip a block without reading it.
//!
//! ```text
//!   block frame │ summary frame │ block frame │ summary frame │ …
//!                 ├ the block's checksum, which identifies it
//!                 ├ call sites that occur
//!                 ├ a filter: bits for all four consecutive bytes of records that can hold text
//!                 ├ ranges of the integers of each call site, in groups
//!                 └ a filter of long ids, in groups
//! ```
//!
//! A summary may list too much, never too little: what it lacks, the block lacks. Reading a whole dump needs
//! no summaries, and a writer may leave them out when it is short of time.

mod ids;
mod ranges;

use crate::bytes::Fields;
use crate::dictionary::CallSite;
use crate::types::Type;
use crate::value::put_uint;
use ids::NotedIds;
pub use ids::{ID_BYTES, IdFilter};
use ranges::NotedRange;
pub use ranges::{IntegerRange, IntegerRanges};

/// The number of consecutive bytes in a gram of the filter. Shorter text cannot be looked up.
pub const GRAM_BYTES: usize = 4;

/// The longest filter, in bytes.
pub const MAX_FILTER_BYTES: usize = 1 << 15;

/// The shortest useful filter.
const MIN_FILTER_BYTES: usize = 64;

/// The most bits of a filter that a writer sets, as a fraction.
const TEXT_BYTES_PER_FILTER_BYTE: usize = 32;

/// The fewest bits of a byte of a filter that a writer sets, on average: a longer filter would rule out hardly more.
const MIN_ONES: usize = 2;

/// A summary of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSummary<'a> {
    /// The payload checksum of the block's frame.
    pub block_crc: u32,
    /// Whether the text has one of the two characters beyond ASCII that match `k` or `s` without case: U+212A
    /// and U+017F.
    pub has_folds: bool,
    /// Whether four hexadecimal digits in a row are left out of the filter.
    lacks_digits: bool,
    filter: &'a [u8],
    sites: &'a [u8],
}

/// The former name of [`BlockSummary`].
#[deprecated(note = "renamed to `BlockSummary`")]
pub type Summary<'a> = BlockSummary<'a>;

impl<'a> BlockSummary<'a> {
    /// The length of what precedes the filter.
    const FIXED_BYTES: usize = 16;

    const HAS_FOLDS: u8 = 1;
    const LACKS_DIGITS: u8 = 2;

    /// Reads the payload of a summary frame; `None` if it is too short, or the length of its filter is invalid.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        let block_crc = fields.u32()?;
        let filter_bytes = fields.u32()? as usize;
        let flags = fields.u8()?;
        let is_length = filter_bytes == 0
            || filter_bytes.is_power_of_two()
                && (MIN_FILTER_BYTES..=MAX_FILTER_BYTES).contains(&filter_bytes);
        let (filter, sites) = payload
            .get(Self::FIXED_BYTES..)?
            .split_at_checked(filter_bytes)
            .filter(|_| is_length)?;
        let (has_folds, lacks_digits) =
            (flags & Self::HAS_FOLDS != 0, flags & Self::LACKS_DIGITS != 0);
        Some(Self { block_crc, has_folds, lacks_digits, filter, sites })
    }

    /// The ids of the call sites that occur, in increasing order. A `None` replaces the rest of a list that
    /// cannot be read.
    pub fn sites(&self) -> impl Iterator<Item = Option<u32>> + use<'a> {
        let mut rest = self.sites;
        let mut left = take_uint(&mut rest);
        let mut last = 0_u32;
        std::iter::from_fn(move || {
            let count = left?;
            left = count.checked_sub(1);
            left?;
            let next = take_uint(&mut rest).and_then(|more| last.checked_add(more));
            match next {
                Some(id) => last = id,
                None => left = None,
            }
            Some(next)
        })
        .chain(self.lacks_list().then_some(None))
    }

    /// The ranges of the integers in columns, which follow the list of call sites.
    #[must_use]
    pub fn ranges(&self) -> IntegerRanges {
        self.ranges_and_rest().0
    }

    /// The ranges, and the filter of long ids, which follows them; `None` if there is none: any id may be there.
    #[must_use]
    pub fn ranges_and_ids(&self) -> (IntegerRanges, Option<IdFilter<'a>>) {
        let (ranges, rest) = self.ranges_and_rest();
        (ranges, rest.and_then(IdFilter::read))
    }

    fn ranges_and_rest(&self) -> (IntegerRanges, Option<&'a [u8]>) {
        let mut ids = Vec::new();
        for id in self.sites() {
            match id {
                Some(id) => ids.push(id),
                None => return (IntegerRanges::default(), None),
            }
        }
        let mut rest = self.sites;
        for _ in 0..=ids.len() {
            take_uint(&mut rest);
        }
        IntegerRanges::read(&ids, rest)
    }

    fn lacks_list(&self) -> bool {
        take_uint(&mut &*self.sites).is_none()
    }

    /// Whether a record may hold `text`, with ASCII letters in either case. Always `true` for text shorter than
    /// [`GRAM_BYTES`].
    #[must_use]
    pub fn may_hold(&self, text: &[u8]) -> bool {
        self.filter.is_empty()
            || text.windows(GRAM_BYTES).all(|gram| {
                let is_unsure = |byte: &u8| matches!(byte | 0x20, b'k' | b's');
                let is_left_out = self.lacks_digits && gram.iter().all(u8::is_ascii_hexdigit);
                is_left_out || self.has_folds && gram.iter().any(is_unsure) || {
                    let [a, b, c, d] = *gram else { return true };
                    let bit =
                        bit_of(u32::from_le_bytes([a, b, c, d])) & (self.filter.len() * 8 - 1);
                    self.filter.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
                }
            })
    }
}

/// The bit of four consecutive bytes, in the longest filter.
#[inline]
fn bit_of(gram: u32) -> usize {
    // Upper and lower case share a bit. So do a few signs, which does no harm.
    let hash = (gram | 0x2020_2020).wrapping_mul(0x9e37_79b1);
    (hash >> (u32::BITS - MAX_FILTER_BYTES.trailing_zeros() - 3)) as usize
}

/// Whether four bytes are hexadecimal digits.
#[inline]
fn are_digits(gram: u32) -> bool {
    // Of each byte in which this is not zero, the letter or the digit is in range: bytes do not carry into others.
    const HIGH: u32 = 0x8080_8080;
    let at_least = |word: u32, byte: u32| (word | HIGH).wrapping_sub(byte * 0x0101_0101) & HIGH;
    let folded = gram | 0x2020_2020;
    let is_digit = at_least(gram & !HIGH, 0x30) & !at_least(gram & !HIGH, 0x3a);
    let is_letter = at_least(folded & !HIGH, 0x61) & !at_least(folded & !HIGH, 0x67);
    (is_digit | is_letter) & !gram & HIGH == HIGH
}

fn take_uint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return u32::try_from(value).ok();
        }
    }
    None
}

impl Type {
    /// Whether values may contain text, byte for byte as it was logged.
    #[must_use]
    pub fn has_text(&self) -> bool {
        match self {
            Self::Str | Self::Formatted => true,
            Self::Option(of) | Self::Array(of, _) | Self::Slice(of) | Self::Serde(of) => {
                of.has_text()
            }
            Self::Map(key, value) => key.has_text() || value.has_text(),
            Self::Tuple(of) => of.iter().any(Self::has_text),
            Self::Struct(of) => of.fields.iter().any(|(_, ty)| ty.has_text()),
            Self::Enum(of) => {
                of.variants.iter().flat_map(|of| &of.fields).any(|(_, ty)| ty.has_text())
            }
            _ => false,
        }
    }
}

impl CallSite {
    /// Whether its records may contain text, besides that of the call site.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.slots.iter().any(|slot| slot.ty.has_text())
    }
}

/// Builds the summaries of blocks.
///
/// Reuse a builder: it keeps 32 KiB and a byte per call site. A record takes some nanoseconds, plus one per
/// byte if it can hold text.
#[derive(Debug)]
pub struct SummaryBuilder {
    /// A bit for each gram, of the longest filter.
    bits: Box<[u64]>,
    has_folds: bool,
    text_bytes: usize,
    /// Whether text was left out, and whether digits in a row are.
    lacks_text: bool,
    lacks_digits: bool,
    /// [`SEEN`](Self::SEEN) and [`TEXT`](Self::TEXT), by id.
    kinds: Vec<u8>,
    seen: Vec<u32>,
    ranges: Vec<NotedRange>,
    ids: NotedIds,
    /// Whether an id was too large.
    is_partial: bool,
}

impl Default for SummaryBuilder {
    fn default() -> Self {
        Self {
            bits: vec![0; MAX_FILTER_BYTES / 8].into(),
            has_folds: false,
            text_bytes: 0,
            lacks_text: false,
            lacks_digits: false,
            kinds: Vec::new(),
            seen: Vec::new(),
            ranges: Vec::new(),
            ids: NotedIds::default(),
            is_partial: false,
        }
    }
}

impl SummaryBuilder {
    /// The block has the call site.
    const SEEN: u8 = 1;
    /// Records of the call site may have text.
    const TEXT: u8 = 2;

    /// The greatest id that is summarized. Loggers assign smaller ones.
    const MAX_ID: u32 = 1 << 20;

    /// Begins the summary of another block.
    pub fn begin(&mut self) {
        if self.text_bytes > 0 {
            self.bits.fill(0);
        }
        self.text_bytes = 0;
        self.lacks_text = false;
        self.lacks_digits = false;
        self.has_folds = false;
        self.is_partial = false;
        self.ranges.clear();
        self.ids.clear();
        for id in self.seen.drain(..) {
            self.kinds[id as usize] = 0;
        }
    }

    /// Adds a record: its tag, and its values in any encoding. Do not add loss statements.
    ///
    /// `has_text` returns whether records of its call site [may have text](CallSite::has_text). It is called
    /// once per call site.
    #[inline]
    pub fn note(&mut self, tag: u32, values: &[u8], has_text: impl FnOnce() -> bool) {
        let kind = match self.kinds.get(tag as usize) {
            Some(&kind) if kind != 0 => kind,
            _ => self.meet(tag, has_text),
        };
        if kind & Self::TEXT != 0 {
            self.note_text(values);
        }
    }

    /// Adds a call site, but not the text of its records.
    pub(crate) fn note_site(&mut self, tag: u32) {
        self.note(tag, &[], || false);
    }

    /// Leaves out the filter: text was not added.
    pub(crate) const fn leave_text_out(&mut self) {
        self.lacks_text = true;
    }

    /// Adds the integers of a column of a call site, in the form that they have in a row: all of them.
    pub(crate) fn note_integers(
        &mut self,
        tag: u32,
        column: usize,
        are_signed: bool,
        rows: &[u64],
    ) {
        self.ranges.extend(NotedRange::of(tag, column, are_signed, rows));
    }

    /// Whether all records since [`begin`](Self::begin) can be summarized: not if one has an id that is greater
    /// than any that loggers assign.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        !self.is_partial
    }

    #[cold]
    fn meet(&mut self, id: u32, has_text: impl FnOnce() -> bool) -> u8 {
        if id > Self::MAX_ID {
            self.is_partial = true;
            return 0;
        }
        let kind = if has_text() { Self::SEEN | Self::TEXT } else { Self::SEEN };
        if self.kinds.len() <= id as usize {
            self.kinds.resize(id as usize + 1, 0);
        }
        self.kinds[id as usize] = kind;
        self.seen.push(id);
        kind
    }

    /// Leaves four hexadecimal digits in a row out of the filter, which has long ids instead. In ids, all of them occur, so that a filter with
    /// them is long and tells nothing. Readers before 1.4 do not know that, but they cannot read groups.
    pub(crate) const fn leave_digits_out(&mut self) {
        self.lacks_digits = true;
    }

    /// Adds the long ids of a text, or of values with texts.
    pub(crate) fn note_ids(&mut self, text: &[u8]) {
        self.ids.note(text);
    }

    /// Adds text of records whose call sites were added.
    pub(crate) fn note_text(&mut self, bytes: &[u8]) {
        if self.lacks_digits {
            self.note_grams(bytes, |word| !are_digits(word));
        } else {
            self.note_grams(bytes, |_| true);
        }
    }

    #[inline]
    fn note_grams(&mut self, bytes: &[u8], is_noted: impl Fn(u32) -> bool) {
        const WORDS: usize = MAX_FILTER_BYTES / 8;
        let Ok(bits) = <&mut [u64; WORDS]>::try_from(&mut *self.bits) else { return };
        self.text_bytes += bytes.len();
        for gram in bytes.windows(GRAM_BYTES) {
            let [a, b, c, d] = *gram else { continue };
            let word = u32::from_le_bytes([a, b, c, d]);
            let bit = bit_of(word);
            bits[bit / 64 % WORDS] |= u64::from(is_noted(word)) << (bit % 64);
            // Both characters begin with a byte that ASCII text never has.
            if a & 0xd8 == 0xc0 {
                self.has_folds |= word & 0xffff == 0xbfc5 || word & 0xff_ffff == 0x00aa_84e2;
            }
        }
        // The last bytes, at which no window begins.
        let tail = bytes.len().saturating_sub(GRAM_BYTES - 1);
        let tail = bytes.get(tail..).unwrap_or_default();
        self.has_folds |= tail.windows(2).any(|two| two == b"\xc5\xbf") || tail == b"\xe2\x84\xaa";
    }

    /// Appends the payload of the frame that summarizes the records since [`begin`](Self::begin). Call it once.
    /// `block_crc` is the payload checksum of the block's frame, which precedes this one.
    pub fn encode(&mut self, block_crc: u32, out: &mut Vec<u8>) {
        self.seen.sort_unstable();
        // A filter can be folded: the OR of its halves is a filter of half the length.
        let mut words = self.bits.len();
        let mut halve = |bits: &mut [u64]| {
            words /= 2;
            let (low, high) = bits.split_at_mut(words);
            low.iter_mut().zip(high).for_each(|(low, high)| *low |= *high);
            words
        };
        let mut bytes = MAX_FILTER_BYTES;
        let most = (self.text_bytes / TEXT_BYTES_PER_FILTER_BYTE).next_power_of_two();
        while bytes > most.max(MIN_FILTER_BYTES) {
            bytes = 8 * halve(&mut self.bits);
        }
        let ones = |bits: &[u64]| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        while bytes > MIN_FILTER_BYTES && ones(&self.bits[..bytes / 8]) < MIN_ONES * bytes {
            bytes = 8 * halve(&mut self.bits);
        }
        // With nine of ten bits set it is useless.
        if self.lacks_text || ones(&self.bits[..bytes / 8]) * 10 > bytes * 8 * 9 {
            bytes = 0;
        }
        out.extend_from_slice(&block_crc.to_le_bytes());
        out.extend_from_slice(&(bytes as u32).to_le_bytes());
        let has_folds = self.has_folds || self.lacks_text;
        out.push(
            u8::from(has_folds) * BlockSummary::HAS_FOLDS
                + u8::from(self.lacks_digits) * BlockSummary::LACKS_DIGITS,
        );
        out.extend_from_slice(&[0; 7]);
        self.bits[..bytes / 8].iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        put_uint(out, self.seen.len() as u64);
        let mut last = 0;
        for &id in &self.seen {
            put_uint(out, (id - last).into());
            last = id;
        }
        let has_ids = self.lacks_digits && !self.lacks_text;
        if has_ids || !self.ranges.is_empty() {
            NotedRange::put_all(&self.seen, &mut self.ranges, out);
        }
        if has_ids {
            self.ids.put(out);
        }
    }
}

#[cfg(test)]
mod tests;
