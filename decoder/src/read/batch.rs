//! Record batches: consecutive wanted records of a block, undecoded. They are the unit in which records
//! are found, merged and passed to a renderer.

use std::sync::Arc;

use stenolog_format::block::ColumnValues;
use stenolog_format::value::{Encoding, Words};

use super::block_body::BlockBody;
use super::order::Key;
use super::spans::BlockSpans;
use super::tally::BlockPlace;
use crate::model::loss::{LossCause, LossEntry, LossKind};
use crate::model::origin::EntryOrigin;
use crate::model::raw_values::RawValues;
use crate::model::span::SpanChain;

/// The records of a block that are found at once: enough to amortize the start, few enough for the
/// nearest cache.
pub(super) const BATCH_RECORDS: usize = 512;

/// As many records of a group: those of all its rings are merged from the nearest caches, and one by one they cost
/// nothing to find.
pub(super) const GROUP_BATCH_RECORDS: usize = 128;

/// The capacity for values that a reused batch keeps.
const KEPT_BYTES: usize = 1 << 18;

/// The memory of the spans of a record.
const SPANS_BYTES: usize = 256;

/// A batch that uses less than this part of its capacity is shrunk.
const SPARSE_PART: usize = 8;

/// Records that are wanted, so far as can be told without their values. Batches are shared with other
/// threads; texts stay in the block's body.
#[derive(Clone, Debug)]
pub(crate) struct RecordBatch {
    pub(super) records: Vec<BatchRecord>,
    /// The merge key of each record. Renderers do not need it.
    pub(super) keys: Vec<Key>,
    /// The number of the block's first record.
    pub(super) first_record: u64,
    /// Values that were read from columns.
    pub(super) words: Vec<u64>,
    /// Packed values that were assembled from columns.
    pub(super) bytes: Vec<u8>,
    /// The encoding of values in the body.
    pub(super) encoding: Encoding,
    /// The block.
    pub(crate) place: BlockPlace,
    /// The spans of its records, and the part of the block; `None` if the dumps have no spans.
    pub(crate) spans: Option<(Arc<BlockSpans>, u32)>,
}

/// A record of a batch. It is small, as one core passes it to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchRecord {
    pub(super) unix_ns: i64,
    /// The index of the call site among all of the decoder's.
    pub(super) site_index: u32,
    /// The index of the record in the block.
    pub(super) index: u32,
    pub(super) values: BatchValues,
}

const _: () = assert!(size_of::<BatchRecord>() <= 32);

/// The place of a record's values.
#[derive(Clone, Copy, Debug)]
pub(super) enum BatchValues {
    /// In the body (start, length).
    InBody(u32, u32),
    /// In the batch.
    InBatch(ColumnValues),
    /// Packed values (start, length) that still have to pass the prefilter.
    Sought(u32, u32),
    /// Words of a group (the first one, the distance to the next).
    InGroup(u32, u32),
    /// Packed values of a group (start, length).
    PackedInGroup(u32, u32),
}

impl Default for RecordBatch {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            keys: Vec::new(),
            first_record: 0,
            words: Vec::new(),
            bytes: Vec::new(),
            encoding: Encoding::Packed,
            place: (0, 0),
            spans: None,
        }
    }
}

impl RecordBatch {
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.keys.clear();
        self.words.clear();
        self.bytes.clear();
        self.spans = None;
        // Long texts of one block must not take memory for ever.
        self.words.shrink_to(KEPT_BYTES / size_of::<u64>());
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// Frees unused capacity if few of the records that were examined are wanted.
    pub(crate) fn shrink(&mut self) {
        let sparse = self.records.capacity() / SPARSE_PART;
        if !self.records.is_empty() && self.records.len() < sparse {
            self.records.shrink_to_fit();
            self.keys.shrink_to_fit();
        }
    }

    /// The memory that it takes, used or not.
    pub(crate) fn size_bytes(&self) -> usize {
        let records = size_of::<BatchRecord>() * self.records.capacity();
        let keys = size_of::<Key>() * self.keys.capacity();
        // What is known of the spans of a record, roughly.
        let spans = if self.spans.is_some() { SPANS_BYTES * self.records.len() } else { 0 };
        records + keys + spans + size_of::<u64>() * self.words.capacity() + self.bytes.capacity()
    }

    #[inline]
    fn undecoded<'a>(
        &'a self,
        record: &BatchRecord,
        body: &'a BlockBody,
        origin: EntryOrigin<'a>,
    ) -> UndecodedRecord<'a> {
        let BatchRecord { unix_ns, site_index, index, values } = *record;
        let number = self.first_record.saturating_add(index.into());
        let slice = |bytes: &'a [u8], start: u32, length: u32| {
            let rest = bytes.get(start as usize..).unwrap_or_default();
            rest.get(..length as usize).unwrap_or_default()
        };
        let values = match values {
            BatchValues::InBody(start, length) => {
                RawValues::Bytes(slice(body, start, length), self.encoding)
            }
            BatchValues::InBatch(ColumnValues::Packed { start, length })
            | BatchValues::Sought(start, length) => {
                RawValues::Bytes(slice(&self.bytes, start, length), Encoding::Packed)
            }
            BatchValues::InGroup(first, stride) => {
                let (words, restored, body) = match body.words() {
                    Some((of, bytes)) => (of.words.get(first as usize..), &*of.restored, bytes),
                    None => Default::default(),
                };
                let words = words.unwrap_or_default();
                let (stride, encoding) = (stride as usize, Encoding::Packed);
                RawValues::Words(Words { words, stride, body, restored, encoding })
            }
            BatchValues::PackedInGroup(start, length) => {
                let restored = body.words().map_or(&[][..], |(of, _)| &of.restored);
                RawValues::Bytes(slice(restored, start, length), Encoding::Packed)
            }
            BatchValues::InBatch(ColumnValues::Words { first, stride }) => {
                let words = self.words.get(first as usize..).unwrap_or_default();
                let (stride, restored) = (stride as usize, &*self.bytes);
                let encoding = Encoding::Packed;
                RawValues::Words(Words { words, stride, body, restored, encoding })
            }
        };
        UndecodedRecord { site_index, origin, unix_ns, number, values, spans: None }
    }
}

/// A record of a wanted call site whose values are not decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UndecodedRecord<'a> {
    /// The index of the call site among all of the decoder's.
    pub(crate) site_index: u32,
    pub(crate) origin: EntryOrigin<'a>,
    pub(crate) unix_ns: i64,
    pub(crate) number: u64,
    pub(crate) values: RawValues<'a>,
    /// The spans that it is in.
    pub(crate) spans: Option<&'a Arc<SpanChain>>,
}

impl<'a> UndecodedRecord<'a> {
    /// The loss that is shown in its place if its values cannot be read.
    pub(crate) fn loss(&self) -> LossEntry<'a> {
        let cause = LossCause::Missing { first: self.number, count: 1, kind: LossKind::Unreadable };
        LossEntry::new(self.origin, self.unix_ns, cause)
    }
}

/// Records of one batch that come before the next entry of any other ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordRun<'r> {
    /// The index of the ring among all.
    pub(crate) ring: usize,
    pub(crate) origin: EntryOrigin<'r>,
    pub(crate) batch: &'r Arc<RecordBatch>,
    pub(crate) body: &'r Arc<BlockBody>,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl<'r> RecordRun<'r> {
    pub(crate) fn place(&self) -> BlockPlace {
        self.batch.place
    }

    /// The records in order.
    #[inline]
    pub(crate) fn records(&self) -> impl Iterator<Item = UndecodedRecord<'r>> + use<'r> {
        let Self { origin, batch, body, .. } = *self;
        let (batch, body): (&RecordBatch, &BlockBody) = (batch, body);
        let records = batch.records.get(self.from..self.to).unwrap_or_default();
        let spans = batch.spans.as_ref();
        records.iter().map(move |record| {
            let mut raw = batch.undecoded(record, body, origin);
            if let Some((spans, part)) = spans {
                raw.spans = spans.at(*part, record.index);
            }
            raw
        })
    }
}
