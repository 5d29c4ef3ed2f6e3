//! Records that are read in place: one, or many that are freed together.

use crate::consumer::Consumer;
use core::fmt;

/// One committed record, still in the ring.
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(64);
/// let mut claim = producer.try_claim(2)?;
/// claim.copy_from_slice(b"ok");
/// claim.commit_tagged(9);
/// consumer.drain(usize::MAX, |record| {
///     assert_eq!((record.payload(), record.tag(), record.position()), (&b"ok"[..], 9, 0));
/// });
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Record<'ring> {
    payload: &'ring [u8],
    tag: u32,
    position: u64,
}

impl<'ring> Record<'ring> {
    #[inline]
    pub(crate) fn new(payload: &'ring [u8], tag: u32, position: u64) -> Self {
        Self { payload, tag, position }
    }

    /// The bytes, without header and padding. They are 8-aligned in a ring, but not necessarily in a snapshot
    /// or a recovered ring.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &'ring [u8] {
        self.payload
    }

    /// The tag under which the record was committed.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> u32 {
        self.tag
    }

    /// The position of the record, in bytes since the ring was created.
    #[inline]
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// Records that can be read, and freed once that is safe: see [`Consumer::batch`].
///
/// Records that are committed later are not part of it.
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
/// producer.try_claim(8)?.commit();
/// producer.try_claim(8)?.commit();
///
/// let batch = consumer.batch(usize::MAX);
/// assert_eq!((batch.record_count(), batch.len_bytes()), (2, 32));
/// batch.release();
/// assert!(consumer.is_empty());
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
#[must_use = "a batch that is dropped frees nothing"]
pub struct Batch<'ring> {
    consumer: &'ring mut Consumer,
    start: u64,
    end: u64,
    records: usize,
}

impl<'ring> Batch<'ring> {
    /// `start..end` lies between records, holds `records` of them, and was received.
    pub(crate) fn new(consumer: &'ring mut Consumer, start: u64, end: u64, records: usize) -> Self {
        Self { consumer, start, end, records }
    }

    /// The position of the first byte.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The position after the last byte: an argument for [`Consumer::release_to`] and
    /// [`Consumer::batch_from`].
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes from start to end, headers, padding and dead space included.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// How many records there are.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.records
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records {
            consumer: self.consumer,
            position: self.start,
            end: self.end,
            records: self.records,
        }
    }

    /// The raw bytes of the ring from start to end, including headers, padding and dead space: the part up to
    /// the wrap, and the part after it (usually empty). No record is split between the two.
    ///
    /// Each record or skip begins with a little-endian `u64` at a multiple of 8: the length in the low 31 bits,
    /// then the skip bit, then 32 bits of tag. The next one follows after the length rounded up to 8. The
    /// contents of padding and skips are unspecified.
    #[must_use]
    pub fn raw_slices(&self) -> (&[u8], &[u8]) {
        self.consumer.bytes(self.start, self.end)
    }

    /// Frees the records, and those of earlier batches if any are not released yet.
    pub fn release(self) {
        self.consumer.free_to(self.end);
    }
}

impl<'a> IntoIterator for &'a Batch<'_> {
    type Item = Record<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.records()
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("start", &self.start)
            .field("end", &self.end)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

/// The records of a [`Batch`], oldest first.
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
/// for tag in [3, 5] {
///     producer.try_claim(8)?.commit_tagged(tag);
/// }
/// let batch = consumer.batch(usize::MAX);
/// assert!(batch.records().map(|record| record.tag()).eq([3, 5]));
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Records<'a> {
    consumer: &'a Consumer,
    position: u64,
    end: u64,
    records: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        while self.position < self.end {
            let position = self.position;
            let header = self.consumer.receive(position)?;
            self.position += header.span();
            if !header.is_skip() {
                // Of a ring in a file, which others have written to, there may be more by now (R6).
                self.records = self.records.saturating_sub(1);
                return Some(self.consumer.record(position, header));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.records, Some(self.records))
    }
}

impl ExactSizeIterator for Records<'_> {}
impl core::iter::FusedIterator for Records<'_> {}
