//! The reading end: snapshots, which copy while the producer continues.

use super::Shared;
use crate::batch::Record;
use crate::header::{HEADER_BYTES, Header};
use crate::sync::{Arc, Backoff, Ordering};
use alloc::vec::Vec;
use core::fmt;

/// A reading end of a ring that overwrites its oldest records.
///
/// # Examples
///
/// ```
/// let (mut producer, reader) = stenolog_ringbuf::queue::overwrite::new(64);
/// producer.try_claim(8).expect("it fits").commit();
/// let other = reader.clone();
/// drop(producer);
/// assert!(other.is_disconnected());
/// assert_eq!(other.snapshot().records().count(), 1);
/// ```
#[derive(Clone)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
}

impl Reader {
    /// Copies the newest records, without stopping the producer.
    ///
    /// The copy is repeated if the producer has overwritten all of it meanwhile. This only happens if the ring
    /// is small and the producer is faster than the copy, or if this thread was suspended.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let backoff = Backoff::new();
        let mut copy = Copied { begin: 0, bytes: Vec::new() };
        loop {
            self.copy(&mut copy);
            if let Some(snapshot) = copy.keep(self.shared.oldest()) {
                return snapshot;
            }
            backoff.snooze();
        }
    }

    /// Copies everything from the oldest record to the tail, even if it is overwritten meanwhile.
    fn copy(&self, copy: &mut Copied) {
        let end = self.shared.tail.load(Ordering::Acquire);
        // May be of a later time than the end.
        let begin = self.shared.oldest.position.load(Ordering::Relaxed).min(end);
        copy.begin = begin;
        copy.bytes.clear();
        copy.bytes.reserve((end - begin).min(self.shared.capacity()) as usize);
        let mut position = begin;
        while position < end {
            let word = self.shared.word(position).load(Ordering::Relaxed);
            copy.bytes.extend_from_slice(&word.to_le_bytes());
            position += HEADER_BYTES as u64;
        }
    }

    /// Whether the producer was dropped. No more records are committed then.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        !self.shared.alive.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("capacity", &self.shared.capacity()).finish_non_exhaustive()
    }
}

/// A copy of a ring. Its beginning may have been overwritten meanwhile.
struct Copied {
    begin: u64,
    bytes: Vec<u8>,
}

impl Copied {
    /// The part of the copy after `oldest`, which was read after the copy was made; `lost` records precede it.
    /// `None` if nothing is left although records were copied.
    fn keep(&mut self, (oldest, lost): (u64, u64)) -> Option<Snapshot> {
        let end = self.begin + self.bytes.len() as u64;
        if oldest >= end && oldest != self.begin {
            return None;
        }
        self.bytes.drain(..(oldest - self.begin) as usize);
        Some(Snapshot { bytes: core::mem::take(&mut self.bytes), start: oldest, lost })
    }
}

/// The newest records of a ring, copied.
///
/// # Examples
///
/// ```
/// let (mut producer, reader) = stenolog_ringbuf::queue::overwrite::new(64);
/// for tag in 0..10 {
///     producer.try_claim(8).expect("it fits").commit_tagged(tag);
/// }
/// let snapshot = reader.snapshot();
/// assert_eq!(snapshot.lost() + snapshot.records().count() as u64, 10);
/// ```
#[derive(Clone)]
pub struct Snapshot {
    bytes: Vec<u8>,
    start: u64,
    lost: u64,
}

impl Snapshot {
    /// The records, oldest first, without a gap between them.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.bytes[..];
        core::iter::from_fn(move || {
            loop {
                let position = self.start + (self.bytes.len() - rest.len()) as u64;
                let header = Header::from_word(u64::from_le_bytes(*rest.first_chunk()?).to_le())
                    .expect("all before the tail is committed");
                let record = rest;
                rest = &rest[header.span() as usize..];
                if !header.is_skip() {
                    let payload = &record[HEADER_BYTES..][..header.len()];
                    return Some(Record::new(payload, header.tag(), position));
                }
            }
        })
    }

    /// The number of records that were committed before the first of these and overwritten.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("bytes", &self.bytes.len())
            .field("start", &self.start)
            .field("lost", &self.lost)
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Copied, Snapshot};
    use crate::queue::overwrite::new;
    use alloc::vec::Vec;

    /// The producer goes on while a reader has copied and not looked again.
    #[test]
    fn what_was_overwritten_while_it_was_copied_is_not_kept() {
        let (mut producer, reader) = new(64);
        let mut commit = |tags: core::ops::Range<u32>| {
            for tag in tags {
                producer.try_claim(8).expect("8 bytes fit").commit_tagged(tag);
            }
        };
        let tags = |snapshot: Option<Snapshot>| {
            snapshot.map(|snapshot| snapshot.records().map(|it| it.tag()).collect::<Vec<_>>())
        };
        let mut copy = Copied { begin: 0, bytes: Vec::new() };
        commit(0..3);
        reader.copy(&mut copy);
        assert_eq!(tags(copy.keep(reader.shared.oldest())), Some(alloc::vec![0, 1, 2]));
        // One of three is gone.
        reader.copy(&mut copy);
        commit(3..5);
        assert_eq!(tags(copy.keep(reader.shared.oldest())), Some(alloc::vec![1, 2]));
        // All are, and the ring is further than the copy.
        for more in [4, 9] {
            reader.copy(&mut copy);
            commit(0..more);
            assert_eq!(tags(copy.keep(reader.shared.oldest())), None, "{more}");
        }
        let snapshot = reader.snapshot();
        assert_eq!(tags(Some(snapshot)), Some(alloc::vec![5, 6, 7, 8]));
    }
}
