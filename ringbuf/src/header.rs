//! The header word of a record: its length, its tag and whether it is committed, in eight bytes.
//!
//! ```text
//!   bit  0..31   payload bytes that follow (without padding); 0: nothing is committed
//!   bit  31      skip: the bytes that follow are dead
//!   bit 32..64   the caller's tag; if not committed, the number of claimed bytes, or 0
//! ```
//!
//! The word is stored little-endian, so its first four bytes are the length on every machine. No record is
//! empty, so these four bytes alone tell whether a record is committed. A claim may be *marked* in the other
//! four: the mark lets others step over a claim whose owner died. It costs a reader nothing, because the reader
//! looks at the length anyway.

/// Bytes of a header, and the alignment of every record.
pub(crate) const HEADER_BYTES: usize = 8;

/// The largest capacity of a ring: a length never reaches the skip bit, and an offset plus a span fits a 32-bit
/// `usize`.
pub(crate) const MAX_CAPACITY_BYTES: usize = 1 << 30;

const SKIP: u64 = 1 << 31;
const LEN_MASK: u64 = SKIP - 1;

/// A header that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header(u64);

impl Header {
    /// A record of `len` payload bytes.
    #[inline]
    pub(crate) fn record(len: usize, tag: u32) -> Self {
        debug_assert!(len != 0 && len < MAX_CAPACITY_BYTES, "no record has {len} bytes");
        Self((u64::from(tag) << 32) | len as u64)
    }

    /// Dead space of `span` bytes, this header included.
    #[inline]
    pub(crate) fn skip(span: usize) -> Self {
        debug_assert!(
            (HEADER_BYTES..=MAX_CAPACITY_BYTES).contains(&span) && span.is_multiple_of(8),
            "no skip has {span} bytes"
        );
        Self(SKIP | (span - HEADER_BYTES) as u64)
    }

    /// Reads a word of the ring; `None` if nothing was committed there.
    #[inline]
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let word = u64::from_le(word);
        (word as u32 != 0).then_some(Self(word))
    }

    /// The word as a number.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The word to store.
    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        self.0.to_le()
    }

    #[inline]
    pub(crate) fn is_skip(self) -> bool {
        self.0 & SKIP != 0
    }

    #[inline]
    pub(crate) fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Payload bytes, without padding.
    #[inline]
    pub(crate) fn len(self) -> usize {
        (self.0 & LEN_MASK) as usize
    }

    /// Bytes from this header to the next.
    #[inline]
    pub(crate) fn span(self) -> u64 {
        ((self.0 & LEN_MASK) + 15) & !7
    }
}

/// The word that marks `len` payload bytes as claimed and not committed.
#[inline]
pub(crate) fn mark(len: usize) -> u64 {
    debug_assert!(len != 0 && len < MAX_CAPACITY_BYTES, "no claim has {len} bytes");
    ((len as u64) << 32).to_le()
}

/// Reads a mark: the payload bytes claimed. `None` if the word is a header, or zero.
#[inline]
pub(crate) fn marked_len(word: u64) -> Option<usize> {
    let word = u64::from_le(word);
    (word as u32 == 0 && word != 0).then_some((word >> 32) as usize)
}

/// Bytes that a record of `len` payload bytes takes in a ring.
///
/// For lengths that no ring accepts (0, and all above the largest capacity), the result is larger than every
/// ring and small enough to be added to an offset. One comparison with the free space therefore refuses them
/// too.
#[inline]
pub(crate) fn span(len: usize) -> usize {
    // Zero wraps to the largest value. The rest is `len` rounded up to 8, plus 8.
    (len.wrapping_sub(1).min(MAX_CAPACITY_BYTES) & !7) + 2 * HEADER_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_is_header_and_padded_payload() {
        #[track_caller]
        fn check(len: usize, expected: usize) {
            assert_eq!(span(len), expected);
            assert_eq!(Header::record(len, 7).span(), expected as u64);
        }
        check(1, 16);
        check(7, 16);
        check(8, 16);
        check(9, 24);
        check(16, 24);
        check(4088, 4096);
    }

    #[test]
    fn lengths_no_ring_accepts_span_more_than_any_ring() {
        for len in [0, MAX_CAPACITY_BYTES + 1, u32::MAX as usize, usize::MAX - 7, usize::MAX] {
            assert!(span(len) > MAX_CAPACITY_BYTES, "{len}");
            assert!(span(len).checked_add(MAX_CAPACITY_BYTES).is_some(), "{len}");
        }
    }

    #[test]
    fn a_word_reads_back() {
        let record = Header::from_word(Header::record(5, u32::MAX).to_word()).unwrap();
        assert_eq!((record.is_skip(), record.len(), record.tag()), (false, 5, u32::MAX));
        let skip = Header::from_word(Header::skip(8).to_word()).unwrap();
        assert_eq!((skip.is_skip(), skip.span()), (true, 8));
        let skip = Header::from_word(Header::skip(MAX_CAPACITY_BYTES).to_word()).unwrap();
        assert_eq!((skip.is_skip(), skip.span()), (true, MAX_CAPACITY_BYTES as u64));
        assert_eq!(Header::from_word(0), None);
    }

    #[test]
    fn a_mark_is_no_header_and_a_header_no_mark() {
        for len in [1, 8, MAX_CAPACITY_BYTES - 8] {
            assert_eq!(Header::from_word(mark(len)), None);
            assert_eq!(marked_len(mark(len)), Some(len));
            assert_eq!(marked_len(Header::record(len, 1).to_word()), None);
        }
        assert_eq!(marked_len(Header::skip(8).to_word()), None);
        assert_eq!(marked_len(0), None);
    }

    #[test]
    fn the_word_is_little_endian_in_memory() {
        let word = Header::record(0x01_02_03, 0xaabb_ccdd).to_word();
        // `to_word` is already in memory order: undo it for the value, then lay it out.
        assert_eq!(u64::from_le(word).to_le_bytes(), [3, 2, 1, 0, 0xdd, 0xcc, 0xbb, 0xaa]);
    }
}
