//! Summaries: what a block holds, in so few bytes that a search need not read the block.
//!
//! ```text
//!   block frame │ summary frame │ block frame │ summary frame │ …
//!                 ├ the block's checksum: which block it is of
//!                 ├ call sites that occur
//!                 └ a filter: a bit for each four bytes in a row, of records that can hold text
//! ```
//!
//! A summary may say too much, never too little: what it does not have, the block has not. Who reads all
//! of a dump needs none, and a writer may leave it out where time is short.

use crate::bytes::Fields;
use crate::dictionary::CallSite;
use crate::types::Type;
use crate::value::put_uint;

/// How many bytes in a row the filter knows. Text that is shorter cannot be looked for.
pub const GRAM_BYTES: usize = 4;

/// The longest filter, in bytes.
pub const MAX_FILTER_BYTES: usize = 1 << 15;

/// The shortest filter that says something.
const MIN_FILTER_BYTES: usize = 64;

/// A writer gives a filter about this part of the records that can hold text, at the most.
const TEXT_BYTES_PER_FILTER_BYTE: usize = 32;

/// What a summary says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The payload checksum of the block's frame.
    pub block_crc: u32,
    /// Whether the text has one of the two characters beyond ASCII that are a `k` or an `s` to who
    /// ignores case: U+212A and U+017F.
    pub has_folds: bool,
    filter: &'a [u8],
    sites: &'a [u8],
}

impl<'a> Summary<'a> {
    /// What stands before the filter.
    const FIXED_BYTES: usize = 16;

    const HAS_FOLDS: u8 = 1;

    /// Reads the payload of a summary frame; `None` if it is too short, or its filter has a length
    /// that no filter has.
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
        Some(Self { block_crc, has_folds: flags & Self::HAS_FOLDS != 0, filter, sites })
    }

    /// The ids of the call sites that occur, in increasing order; `None` stands for the rest of a
    /// list that cannot be read.
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

    fn lacks_list(&self) -> bool {
        take_uint(&mut &*self.sites).is_none()
    }

    /// Whether a record may hold `text`, whose ASCII letters are taken in either case. Text that is
    /// shorter than [`GRAM_BYTES`] always may be there.
    #[must_use]
    pub fn may_hold(&self, text: &[u8]) -> bool {
        self.filter.is_empty()
            || text.windows(GRAM_BYTES).all(|gram| {
                let is_unsure = |byte: &u8| matches!(byte | 0x20, b'k' | b's');
                self.has_folds && gram.iter().any(is_unsure) || {
                    let [a, b, c, d] = *gram else { return true };
                    let bit =
                        bit_of(u32::from_le_bytes([a, b, c, d])) & (self.filter.len() * 8 - 1);
                    self.filter.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
                }
            })
    }
}

/// The bit, in the longest filter, of four bytes in a row.
#[inline]
fn bit_of(gram: u32) -> usize {
    // Upper and lower case are one; a few signs are, too, which does no harm.
    let hash = (gram | 0x2020_2020).wrapping_mul(0x9e37_79b1);
    (hash >> (u32::BITS - MAX_FILTER_BYTES.trailing_zeros() - 3)) as usize
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
    /// Whether values may have text in them, byte for byte as it was logged.
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
    /// Whether its records may have text in them, beside that of the call site.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.slots.iter().any(|slot| slot.ty.has_text())
    }
}

/// Makes the summaries of blocks.
///
/// A builder is meant to be reused: it keeps its memory, 32 KiB and a byte for each call site. A record
/// takes some nanoseconds, and one for each byte if it can hold text.
#[derive(Debug)]
pub struct SummaryBuilder {
    /// A bit for each gram, of the longest filter.
    bits: Box<[u64]>,
    has_folds: bool,
    text_bytes: usize,
    /// There is text that was not taken in.
    lacks_text: bool,
    /// For each id that was met: [`SEEN`](Self::SEEN) and [`TEXT`](Self::TEXT).
    kinds: Vec<u8>,
    seen: Vec<u32>,
    /// There were ids that are too large.
    is_partial: bool,
}

impl Default for SummaryBuilder {
    fn default() -> Self {
        Self {
            bits: vec![0; MAX_FILTER_BYTES / 8].into(),
            has_folds: false,
            text_bytes: 0,
            lacks_text: false,
            kinds: Vec::new(),
            seen: Vec::new(),
            is_partial: false,
        }
    }
}

impl SummaryBuilder {
    /// In the block.
    const SEEN: u8 = 1;
    /// Its records may have text.
    const TEXT: u8 = 2;

    /// Ids above this one, which no logger gives out, are not summed up.
    const MAX_ID: u32 = 1 << 20;

    /// Forgets the block before.
    pub fn begin(&mut self) {
        if self.text_bytes > 0 {
            self.bits.fill(0);
        }
        self.text_bytes = 0;
        self.lacks_text = false;
        self.has_folds = false;
        self.is_partial = false;
        for id in self.seen.drain(..) {
            self.kinds[id as usize] = 0;
        }
    }

    /// Takes in a record: its tag, and its values in any encoding. Loss statements are none.
    ///
    /// `has_text` tells whether records of its call site [may have text](CallSite::has_text), and is
    /// asked once for each.
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

    /// Takes in a call site, but not the text of its records.
    pub(crate) fn note_site(&mut self, tag: u32) {
        self.note(tag, &[], || false);
    }

    /// The summary will say nothing of text.
    pub(crate) const fn leave_text_out(&mut self) {
        self.lacks_text = true;
    }

    /// Whether there is a summary of the records since [`begin`](Self::begin): not if the id of one is
    /// higher than any that a logger gives out.
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

    /// Takes in text of records whose call sites are known.
    pub(crate) fn note_text(&mut self, bytes: &[u8]) {
        const WORDS: usize = MAX_FILTER_BYTES / 8;
        let Ok(bits) = <&mut [u64; WORDS]>::try_from(&mut *self.bits) else { return };
        self.text_bytes += bytes.len();
        for gram in bytes.windows(GRAM_BYTES) {
            let [a, b, c, d] = *gram else { continue };
            let word = u32::from_le_bytes([a, b, c, d]);
            let bit = bit_of(word);
            bits[bit / 64 % WORDS] |= 1 << (bit % 64);
            // Both characters begin with one of few bytes, which text in ASCII never has.
            if a & 0xd8 == 0xc0 {
                self.has_folds |= word & 0xffff == 0xbfc5 || word & 0xff_ffff == 0x00aa_84e2;
            }
        }
        // What the windows do not begin at.
        let tail = bytes.len().saturating_sub(GRAM_BYTES - 1);
        let tail = bytes.get(tail..).unwrap_or_default();
        self.has_folds |= tail.windows(2).any(|two| two == b"\xc5\xbf") || tail == b"\xe2\x84\xaa";
    }

    /// Appends the payload of the frame that sums up the records since [`begin`](Self::begin), which
    /// may be called once. `block_crc` is the payload checksum of the block's frame, which stands
    /// before this one.
    pub fn encode(&mut self, block_crc: u32, out: &mut Vec<u8>) {
        self.seen.sort_unstable();
        // A filter may be cut in half and laid on itself.
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
        while bytes > MIN_FILTER_BYTES && ones(&self.bits[..bytes / 8]) < bytes {
            bytes = 8 * halve(&mut self.bits);
        }
        // With nine bits of ten set it says next to nothing.
        if self.lacks_text || ones(&self.bits[..bytes / 8]) * 10 > bytes * 8 * 9 {
            bytes = 0;
        }
        out.extend_from_slice(&block_crc.to_le_bytes());
        out.extend_from_slice(&(bytes as u32).to_le_bytes());
        out.extend_from_slice(&[if self.has_folds || self.lacks_text {
            Summary::HAS_FOLDS
        } else {
            0
        }]);
        out.extend_from_slice(&[0; 7]);
        self.bits[..bytes / 8].iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        put_uint(out, self.seen.len() as u64);
        let mut last = 0;
        for &id in &self.seen {
            put_uint(out, (id - last).into());
            last = id;
        }
    }
}

#[cfg(test)]
mod tests;
