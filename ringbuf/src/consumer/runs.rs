//! Runs of records with equal headers, for consumers that read many without a second look at their headers.

use super::Consumer;
use crate::batch::Batch;

/// Consecutive records, or pieces of dead space, with equal headers: see [`Consumer::runs_from`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The header of each: the length in the low 31 bits, then the skip bit, then 32 bits of tag.
    pub header: u64,
    /// The bytes that all of them take in the ring, headers and padding included. No run wraps.
    pub bytes: u32,
}

impl Consumer {
    /// Collects records as [`batch_from`](Self::batch_from) does, and passes their runs to `each`: these lie one
    /// after the other in the batch's [`raw_slices`](Batch::raw_slices).
    ///
    /// So each header is read once. A record that differs from its neighbours is a run of its own.
    ///
    /// # Panics
    ///
    /// If `position` is before the head, past the committed records, or inside a record.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut producer, mut consumer) = stenolog_ringbuf::queue::spsc::new(256);
    /// for tag in [7, 7, 9] {
    ///     producer.try_claim(8)?.commit_tagged(tag);
    /// }
    /// let mut runs = Vec::new();
    /// let position = consumer.position();
    /// let batch = consumer.runs_from(position, usize::MAX, |run| runs.push(run));
    /// assert_eq!(batch.raw_slices().0.len(), 48);
    /// let tags: Vec<_> = runs.iter().map(|run| (run.header >> 32, run.bytes)).collect();
    /// assert_eq!(tags, [(7, 32), (9, 16)]);
    /// # Ok::<(), stenolog_ringbuf::TryClaimError>(())
    /// ```
    pub fn runs_from(
        &mut self,
        position: u64,
        max_bytes: usize,
        mut each: impl FnMut(Run),
    ) -> Batch<'_> {
        self.measure(position, max_bytes, |header, bytes| {
            // A ring has at most 2^30 bytes.
            each(Run { header: header.bits(), bytes: bytes as u32 });
        })
    }
}
