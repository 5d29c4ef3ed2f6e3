//! Packer: merges the blocks of a window into groups, and compresses them.
//!
//! Blocks of a ring are merged where each continues the one before. A block that cannot be taken apart, because
//! this version cannot decode one of its records, is copied unchanged, in its place.
//!
//! ```text
//!   ring 1   a─▶b─▶c      e─▶f          group of a b c, x y z
//!   ring 2   x─▶y─▶z  ?                 ? unchanged
//!                   gap                 group of e f
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io;

use stenolog_format::block::{
    BlockBuilder, BlockHeader, Codec, Depth, RawRecord, RecordTime, SectionHint, SitePlan,
};
use stenolog_format::dictionary::{CallSite, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::value::{Encoding, ValueError};
use stenolog_session::codec::Compressor;

use super::proof::Proof;
use super::steps::Window;
use crate::dump::{Block, Body, CheckedFrames, Dump, Unpacker};
use crate::write::contexts::PartEvents;

/// A part of the output of a window.
pub(super) enum Packed {
    /// This block of the dump, unchanged.
    Copied(u32),
    /// A new block.
    New(Box<NewBlock>),
    /// A block that is damaged, and left out.
    LeftOut,
}

/// A new block.
pub(super) struct NewBlock {
    pub(super) header: BlockHeader,
    pub(super) payload: Vec<u8>,
    pub(super) summary: SummaryBuilder,
    /// How many blocks of the dump it replaces.
    pub(super) merged: u64,
    /// What its context needs, if the dump has spans.
    pub(super) spans: Option<BlockSpans>,
}

/// What the context of a new block needs.
#[derive(Debug, Default)]
pub(super) struct BlockSpans {
    pub(super) parts: Vec<PartEvents>,
    /// The blocks of the dump that it replaces.
    pub(super) sources: Vec<u32>,
}

/// Merges and compresses.
pub(super) struct Packer<'d> {
    dump: &'d Dump,
    compressor: Compressor,
    unpacker: Unpacker,
    proof: Proof,
    checked: CheckedFrames,
    builder: BlockBuilder,
    plans: BTreeMap<u32, SitePlan>,
    /// A buffer for a record.
    payload: Vec<u8>,
    /// The bytes that the records of the group take in rings.
    group_bytes: usize,
    /// The blocks that are in the group.
    merged: u64,
    /// The span events of the group, if the dump has any.
    spans: Option<BlockSpans>,
}

impl BlockSpans {
    /// Takes the next block of the part, or the first one of the next.
    fn take(&mut self, index: u32, header: &BlockHeader, is_first: bool) {
        self.sources.push(index);
        let of_block = PartEvents::new(header);
        match self.parts.last_mut().filter(|_| !is_first) {
            Some(part) => part.extend_to(&of_block),
            None => self.parts.push(of_block),
        }
    }
}

/// Blocks of one ring.
enum Segment {
    /// Each continues the one before.
    Merged(Vec<u32>),
    /// It cannot be merged.
    Copied(u32),
    /// It is damaged.
    LeftOut,
}

/// Why blocks were not merged: one of them cannot be taken apart, or their group does not read as they do.
struct Refused;

/// What a record takes in a ring besides its values.
const RECORD_BYTES: usize = 16;

impl<'d> Packer<'d> {
    pub(super) fn new(dump: &'d Dump, level: i32) -> io::Result<Self> {
        Ok(Self {
            dump,
            compressor: Compressor::with_level(level)?,
            unpacker: Unpacker::default(),
            proof: Proof::default(),
            checked: CheckedFrames::default(),
            builder: BlockBuilder::default(),
            plans: BTreeMap::new(),
            payload: Vec::new(),
            group_bytes: 0,
            merged: 0,
            spans: None,
        })
    }

    /// Merges the blocks of a window.
    pub(super) fn pack(&mut self, window: &Window) -> io::Result<Vec<Packed>> {
        if let Ok(packed) = self.try_pack(window, |_, _| true) {
            return Ok(packed);
        }
        // Rare: each block is tried by itself.
        if let Ok(packed) = self.try_pack(window, Self::can_take) {
            return Ok(packed);
        }
        // A group did not read as its blocks: these stay.
        let packed = self.try_pack(window, |_, _| false);
        packed.map_err(|Refused| io::Error::other("a block changed while it was read"))
    }

    /// Merges the blocks of a window that may be merged.
    fn try_pack(
        &mut self,
        window: &Window,
        mut may_merge: impl FnMut(&mut Self, &Block) -> bool,
    ) -> Result<Vec<Packed>, Refused> {
        let mut rings = BTreeMap::<u32, RingSegments>::new();
        for &index in &window.blocks {
            let Some(block) = &self.dump.blocks().get(index as usize) else { continue };
            let is_whole = self.checked.stored_body(self.dump, block).is_ok();
            let is_large = ring_bytes(&block.header) > BlockBuilder::MAX_GROUP_BYTES;
            let is_merged = is_whole && !is_large && may_merge(self, block);
            let of_ring = rings.entry(block.header.ring).or_default();
            of_ring.push(index, &block.header, is_whole, is_merged);
        }
        let mut rings: Vec<_> = rings.into_values().map(|ring| ring.segments).collect();
        let mut packed = Vec::new();
        // The parts of a group are of different rings, so each ring has its next segment in the next group.
        while rings.iter().any(|segments| !segments.is_empty()) {
            self.begin();
            for segments in &mut rings {
                if let Some(Segment::Merged(_)) = segments.front()
                    && let Some(Segment::Merged(blocks)) = segments.pop_front()
                {
                    self.merge(&blocks, &mut packed)?;
                }
            }
            self.finish(&mut packed)?;
            for segments in &mut rings {
                while let Some(segment) = segments.front() {
                    packed.push(match *segment {
                        Segment::Merged(_) => break,
                        Segment::Copied(index) => Packed::Copied(index),
                        Segment::LeftOut => Packed::LeftOut,
                    });
                    segments.pop_front();
                }
            }
        }
        Ok(packed)
    }

    /// Whether each record of a block can be merged with others.
    fn can_take(&mut self, block: &Block) -> bool {
        self.builder.begin(0, 0, 0);
        let taken = self.with_records(block, |packer, record| packer.push(record));
        taken.is_ok()
    }

    /// Calls `take` with each record of a block.
    fn with_records(
        &mut self,
        block: &Block,
        mut take: impl FnMut(&mut Self, &RawRecord<'_>) -> Result<(), ValueError>,
    ) -> Result<(), Refused> {
        let stored = self.dump.stored_unchecked(block);
        let body = self.unpacker.unpack(&stored).map_err(|_| Refused)?;
        let taken = self.take_all(&block.header, &body, &mut take);
        self.unpacker.take_back(body);
        taken
    }

    fn take_all(
        &mut self,
        header: &BlockHeader,
        body: &Body<'_>,
        take: &mut impl FnMut(&mut Self, &RawRecord<'_>) -> Result<(), ValueError>,
    ) -> Result<(), Refused> {
        let (mut count, mut bytes) = (0, 0_usize);
        let mut records = body.records(header).map_err(|_| Refused)?;
        for record in &mut records {
            let record = record.map_err(|_| Refused)?;
            take(self, &record).map_err(|_| Refused)?;
            count += 1;
            bytes += RECORD_BYTES + record.values.len();
        }
        // Dead space may follow raw records.
        let is_all = header.encoding == 0 || records.rest().is_empty();
        // A header that says too little would make a group too long.
        let is_true = bytes / 2 <= ring_bytes(header);
        if count > 0 && count == header.count && is_all && is_true { Ok(()) } else { Err(Refused) }
    }

    fn push(&mut self, record: &RawRecord<'_>) -> Result<(), ValueError> {
        let Self { dump, builder, plans, payload, spans, .. } = self;
        payload.clear();
        if record.tag == CallSite::LOSS_ID {
            let (RecordTime::Word(word) | RecordTime::Counter(word)) = record.time else {
                return Err(ValueError::Trailing);
            };
            // Both encodings have the same bytes for a loss statement.
            if record.values.len() != Loss::BYTES - size_of_val(&word) {
                return Err(ValueError::Trailing);
            }
            payload.extend_from_slice(&word.to_le_bytes());
            payload.extend_from_slice(record.values);
            return builder.push_loss(payload);
        }
        let site = dump.site(record.tag).ok_or(ValueError::Trailing)?.call_site();
        let word = match (record.time, site.time) {
            (RecordTime::Word(word), _) => word,
            (RecordTime::Counter(counter), TimeSource::Counter) => counter,
            (RecordTime::UnixNanos(unix_ns), TimeSource::UnixNanos) => unix_ns as u64,
            _ => return Err(ValueError::Trailing),
        };
        if let Some(part) = spans.as_mut().and_then(|spans| spans.parts.last_mut()) {
            part.take(dump, record);
        }
        let plan = plans.entry(record.tag).or_insert_with(|| SitePlan::new(site));
        if record.encoding == Encoding::Raw {
            payload.extend_from_slice(&word.to_le_bytes());
            payload.extend_from_slice(record.values);
            return builder.push_planned(plan, payload);
        }
        builder.push_packed(plan, word, record.values)
    }

    fn begin(&mut self) {
        self.builder.begin_group(Depth::Thorough);
        self.proof.begin();
        (self.group_bytes, self.merged) = (0, 0);
        self.spans = self.dump.has_spans().then(BlockSpans::default);
    }

    /// Adds blocks of one ring, of which each continues the one before, to the group. Begins another one when
    /// it is full.
    fn merge(&mut self, blocks: &[u32], packed: &mut Vec<Packed>) -> Result<(), Refused> {
        let mut end = None;
        for &index in blocks {
            let block = &self.dump.blocks().get(index as usize).ok_or(Refused)?;
            let BlockHeader { ring, position, end_position, first_record, .. } = block.header;
            let bytes = ring_bytes(&block.header);
            let is_full = self.group_bytes.saturating_add(bytes) > BlockBuilder::MAX_GROUP_BYTES
                || self.builder.parts().len() >= BlockBuilder::MAX_PARTS;
            if is_full && self.merged > 0 {
                if let Some(end) = end.take() {
                    self.builder.end_part(end);
                }
                self.finish(packed)?;
                self.begin();
            }
            if end.is_none() {
                self.builder.begin_part(ring, position, first_record);
            }
            if let Some(spans) = &mut self.spans {
                spans.take(index, &block.header, end.is_none());
            }
            end = Some(end_position);
            self.with_records(block, |packer, record| {
                packer.proof.note(record);
                packer.push(record)
            })?;
            self.group_bytes += bytes;
            self.merged += u64::from(block.part == 0);
        }
        if let Some(end) = end {
            self.builder.end_part(end);
        }
        Ok(())
    }

    /// Writes the group, if it has records, and reads it back.
    fn finish(&mut self, packed: &mut Vec<Packed>) -> Result<(), Refused> {
        let mut spans = self.spans.take();
        if let Some(spans) = &mut spans {
            // Nor has the group a part without records.
            spans.parts.retain(|part| !part.is_empty());
        }
        let Self { dump, builder, compressor, unpacker, proof, merged, .. } = self;
        if builder.parts().is_empty() {
            return Ok(());
        }
        let mut payload = Vec::new();
        let header = builder.finish_group(0, &mut payload, |plain, hint, out| {
            compress(compressor, plain, hint, out)
        });
        if !proof.holds(dump, &payload, builder.parts(), unpacker) {
            return Err(Refused);
        }
        let mut summary = SummaryBuilder::default();
        builder.sum_up_group(true, &mut summary);
        let block = NewBlock { header, payload, summary, merged: *merged, spans };
        packed.push(Packed::New(Box::new(block)));
        Ok(())
    }
}

#[cfg(feature = "zstd")]
fn compress(
    compressor: &mut Compressor,
    plain: &[u8],
    hint: SectionHint,
    out: &mut Vec<u8>,
) -> Codec {
    compressor.append_small_section(plain, hint, out)
}

/// Without Zstandard there is no [`Packer`].
#[cfg(not(feature = "zstd"))]
fn compress(_: &mut Compressor, plain: &[u8], _: SectionHint, out: &mut Vec<u8>) -> Codec {
    out.extend_from_slice(plain);
    Codec::None
}

/// The bytes that the records of a block took in their ring, as far as its header tells.
pub(super) fn ring_bytes(header: &BlockHeader) -> usize {
    let bytes = header.end_position.saturating_sub(header.position);
    let least = RECORD_BYTES.saturating_mul(header.count as usize);
    usize::try_from(bytes).unwrap_or(usize::MAX).max(least)
}

/// The blocks of a ring in a window.
#[derive(Default)]
struct RingSegments {
    segments: VecDeque<Segment>,
    /// The header of the last block, if another one may continue it.
    last: Option<BlockHeader>,
}

impl RingSegments {
    fn push(&mut self, index: u32, header: &BlockHeader, is_whole: bool, is_merged: bool) {
        if !is_merged {
            self.last = None;
            let segment = if is_whole { Segment::Copied(index) } else { Segment::LeftOut };
            return self.segments.push_back(segment);
        }
        let continues = self.last.is_some_and(|last| {
            last.end_position == header.position
                && last.first_record.checked_add(last.count.into()) == Some(header.first_record)
        });
        match self.segments.back_mut() {
            Some(Segment::Merged(blocks)) if continues => blocks.push(index),
            _ => self.segments.push_back(Segment::Merged(vec![index])),
        }
        self.last = Some(*header);
    }
}
