//! Claims: the right to write one record, and the right to read one.

use crate::consumer::Consumer;
use crate::header::{HEADER_BYTES, Header, span};
use crate::sync::{Ordering, Words};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

/// Space in a ring that only this value may write.
///
/// Dereferences to exactly the requested bytes. Their initial contents are unspecified: zero, or bytes of older
/// records.
///
/// [`commit`](Self::commit) hands the record to the consumer with a single store. Dropping the
/// claim instead marks the space dead, so an unwinding producer never stalls the ring.
///
/// A leaked claim (`mem::forget`) stalls the ring: the consumer waits at that record, and claims fail once the
/// ring is full. Records committed before it are not lost, and nothing is unsound. With many producers, the
/// records that others committed after it can still be reached: see [`Consumer::unblock`].
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(1024);
/// let mut claim = producer.try_claim(5)?;
/// claim.copy_from_slice(b"hello");
/// claim.commit_tagged(7);
///
/// let record = consumer.try_claim().unwrap();
/// assert_eq!((&*record, record.tag()), (&b"hello"[..], 7));
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
#[must_use = "a claim that is dropped commits nothing"]
pub struct WriteClaim<'ring> {
    words: Words,
    // Of the header; a raw view, not `&mut [u8]`: `commit(self)` gives the bytes away while
    // `self` still lives.
    offset: usize,
    len: usize,
    tag: u32,
    ring: PhantomData<&'ring mut [u8]>,
}

impl<'ring> WriteClaim<'ring> {
    /// # Safety
    ///
    /// The caller is a producer of the ring, holds the ring for `'ring`, and gives up `span(len)`
    /// bytes from `offset`, which were its own (R1), are contiguous (R2) and begin with a word
    /// that is no header (R3).
    #[inline]
    pub(crate) unsafe fn new(words: Words, offset: usize, len: usize) -> Self {
        words.begin_write(offset + HEADER_BYTES, len);
        Self { words, offset, len, tag: 0, ring: PhantomData }
    }

    /// Sets the tag of the record. The default is 0.
    #[inline]
    pub fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }

    /// The address of the first claimed byte, which is 8-aligned. As many bytes as requested may be written
    /// through it until the claim is committed, dropped or leaked: a leaked claim may be [stepped
    /// over](Consumer::unblock) and its bytes reused.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.payload()
    }

    /// Hands the record to the consumer: one release store.
    #[inline]
    pub fn commit(self) {
        let claim = ManuallyDrop::new(self);
        claim.words.note_write(claim.offset + HEADER_BYTES, claim.len);
        claim.publish(Header::record(claim.len, claim.tag));
    }

    /// Hands the record to the consumer under `tag`.
    #[inline]
    pub fn commit_tagged(mut self, tag: u32) {
        self.tag = tag;
        self.commit();
    }

    /// Hands the first `len` bytes to the consumer as the record. The rest becomes dead space. If `len` is 0,
    /// the whole claim does, because no record is empty.
    ///
    /// # Panics
    ///
    /// If `len` is larger than the claim, which is then aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// let mut claim = producer.try_claim(100)?;
    /// claim[..5].copy_from_slice(b"short");
    /// claim.commit_truncated(5);
    /// assert_eq!(&*consumer.try_claim().unwrap(), b"short");
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    #[inline]
    pub fn commit_truncated(mut self, len: usize) {
        assert!(len <= self.len, "{len} bytes committed of a claim of {}", self.len);
        if len == 0 {
            return;
        }
        let rest = span(self.len) - span(len);
        if rest != 0 {
            // SAFETY: the claim covers this word (R1), and with it a whole number of words (R2).
            let header = unsafe { self.words.header(self.offset + span(len)) };
            // Relaxed: the commit that follows is what the consumer sees first.
            header.store(Header::skip(rest).to_word(), Ordering::Relaxed);
        }
        self.len = len;
        self.commit();
    }

    #[inline]
    fn payload(&self) -> *mut u8 {
        // SAFETY: a record's payload is inside the ring (R2).
        unsafe { self.words.as_ptr(self.offset + HEADER_BYTES) }
    }

    /// Gives the whole claim to the consumer.
    #[inline]
    fn publish(&self, header: Header) {
        // SAFETY: the header word is the claim's (R1), 8-aligned (R2), and the ring alive (R4).
        let word = unsafe { self.words.header(self.offset) };
        word.store(header.to_word(), Ordering::Release);
    }
}

impl Deref for WriteClaim<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the bytes are the claim's alone (R1), contiguous (R2), alive (R4) and
        // initialised, as ring memory starts zeroed.
        unsafe { core::slice::from_raw_parts(self.payload(), self.len) }
    }
}

impl DerefMut for WriteClaim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes the reference the only one.
        unsafe { core::slice::from_raw_parts_mut(self.payload(), self.len) }
    }
}

impl Drop for WriteClaim<'_> {
    #[inline]
    fn drop(&mut self) {
        self.publish(Header::skip(span(self.len)));
    }
}

impl fmt::Debug for WriteClaim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteClaim").field("len", &self.len).field("tag", &self.tag).finish()
    }
}

/// The oldest record of a ring. Dereferences to its payload.
///
/// Dropping it frees the record. A leaked claim frees nothing: the next
/// [`try_claim`](Consumer::try_claim) yields the same record again.
///
/// # Examples
///
/// ```
/// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(64);
/// producer.try_claim(3)?.commit_tagged(4);
///
/// let record = consumer.try_claim().expect("one is committed");
/// assert_eq!((record.len(), record.tag()), (3, 4));
/// drop(record); // frees it
/// assert!(consumer.is_empty());
/// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
/// ```
#[must_use = "a record that is dropped is gone"]
pub struct ReadClaim<'ring> {
    consumer: &'ring mut Consumer,
    header: Header,
}

impl<'ring> ReadClaim<'ring> {
    /// `header` is that of a record, received at the consumer's head.
    #[inline]
    pub(crate) fn new(consumer: &'ring mut Consumer, header: Header) -> Self {
        Self { consumer, header }
    }

    /// The tag under which the record was committed.
    #[inline]
    pub fn tag(&self) -> u32 {
        self.header.tag()
    }
}

impl Deref for ReadClaim<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.consumer.payload_at_head(self.header)
    }
}

impl Drop for ReadClaim<'_> {
    #[inline]
    fn drop(&mut self) {
        self.consumer.free_at_head(self.header);
    }
}

impl fmt::Debug for ReadClaim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadClaim").field("payload", &&**self).field("tag", &self.tag()).finish()
    }
}
