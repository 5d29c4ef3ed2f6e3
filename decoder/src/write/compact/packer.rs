//! Packer: merges the blocks of a window, and compresses the result.
//!
//! Blocks of a ring are merged where each continues the one before. A block that cannot be taken apart, because
//! this version cannot decode one of its records, is copied unchanged, in its place.

use std::collections::BTreeMap;
use std::io;

use stenolog_format::block::{
    BlockBuilder, BlockHeader, Codec, RARE_AFTER_RECORDS, RawRecord, RecordTime, SitePlan,
};
use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::value::{Encoding, ValueError};
use stenolog_session::codec::Compressor;

use super::steps::Window;
use crate::dump::{Block, Body, CheckedFrames, Dump, Unpacker};

/// A merged block ends when its packed rows exceed this: a reader opens one block of each ring at a time.
const ROWS_BYTES: usize = 2 << 20;

/// A block with more than this in rows stays in rows: a reader limits what it takes out of columns.
const COLUMNS_BYTES: usize = 8 << 20;

/// A part of the output of a window.
pub(super) enum Packed {
    /// This block of the dump, unchanged.
    Copied(u32),
    /// A new block.
    New {
        header: BlockHeader,
        payload: Vec<u8>,
        summary: SummaryBuilder,
        /// How many blocks of the dump it replaces.
        merged: u64,
    },
    /// A block that is damaged, and left out.
    LeftOut,
}

/// Merges and compresses.
pub(super) struct Packer<'d> {
    dump: &'d Dump,
    compressor: Compressor,
    unpacker: Unpacker,
    checked: CheckedFrames,
    builder: BlockBuilder,
    plans: BTreeMap<u32, SitePlan>,
    summary: SummaryBuilder,
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

/// Why blocks were not merged: one of them cannot be taken apart.
struct Refused;

impl<'d> Packer<'d> {
    pub(super) fn new(dump: &'d Dump, level: i32) -> io::Result<Self> {
        Ok(Self {
            dump,
            compressor: Compressor::with_level(level)?,
            unpacker: Unpacker::default(),
            checked: CheckedFrames::default(),
            builder: BlockBuilder::default(),
            plans: BTreeMap::new(),
            summary: SummaryBuilder::default(),
        })
    }

    /// Merges the blocks of a window.
    pub(super) fn pack(&mut self, window: &Window) -> io::Result<Vec<Packed>> {
        if let Ok(packed) = self.try_pack(window, |_, _| true) {
            return Ok(packed);
        }
        // Rare: each block is tried by itself.
        let packed = self.try_pack(window, Self::can_take);
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
            let is_merged = is_whole && may_merge(self, block);
            let of_ring = rings.entry(block.header.ring).or_default();
            of_ring.push(index, &block.header, is_whole, is_merged);
        }
        let mut packed = Vec::new();
        for segment in rings.into_values().flat_map(|ring| ring.segments) {
            match segment {
                Segment::Copied(index) => packed.push(Packed::Copied(index)),
                Segment::LeftOut => packed.push(Packed::LeftOut),
                Segment::Merged(blocks) => self.merge(&blocks, &mut packed)?,
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
    ) -> Result<usize, Refused> {
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
    ) -> Result<usize, Refused> {
        let (mut count, mut bytes) = (0, 0);
        let mut records = body.records(header).map_err(|_| Refused)?;
        for record in &mut records {
            let record = record.map_err(|_| Refused)?;
            take(self, &record).map_err(|_| Refused)?;
            count += 1;
            bytes += record.values.len() + 12;
        }
        // Dead space may follow raw records.
        let is_all = header.encoding == 0 || records.rest().is_empty();
        if count > 0 && count == header.count && is_all { Ok(bytes) } else { Err(Refused) }
    }

    /// The plan of a record's call site, and its time word. `None` if the time does not match the call site.
    fn plan(&mut self, record: &RawRecord<'_>) -> Option<(&SitePlan, u64)> {
        let site = self.dump.site(record.tag)?.call_site();
        let word = match (record.time, site.time) {
            (RecordTime::Word(word), _) => word,
            (RecordTime::Counter(counter), TimeSource::Counter) => counter,
            (RecordTime::UnixNanos(unix_ns), TimeSource::UnixNanos) => unix_ns as u64,
            _ => return None,
        };
        Some((self.plans.entry(record.tag).or_insert_with(|| SitePlan::new(site)), word))
    }

    fn push(&mut self, record: &RawRecord<'_>) -> Result<(), ValueError> {
        if record.tag == CallSite::LOSS_ID {
            let (RecordTime::Word(word) | RecordTime::Counter(word)) = record.time else {
                return Err(ValueError::Trailing);
            };
            // Both encodings have the same bytes for a loss statement.
            if record.values.len() != Loss::BYTES - size_of_val(&word) {
                return Err(ValueError::Trailing);
            }
            return self.builder.push_loss(&[&word.to_le_bytes()[..], record.values].concat());
        }
        let mut builder = std::mem::take(&mut self.builder);
        let pushed = match self.plan(record) {
            None => Err(ValueError::Trailing),
            Some((plan, word)) if record.encoding == Encoding::Raw => {
                builder.push_planned(plan, &[&word.to_le_bytes()[..], record.values].concat())
            }
            Some((plan, word)) => builder.push_packed(plan, word, record.values),
        };
        self.builder = builder;
        pushed
    }

    /// Merges blocks of one ring, of which each continues the one before.
    fn merge(&mut self, blocks: &[u32], packed: &mut Vec<Packed>) -> Result<(), Refused> {
        let mut rest = blocks;
        while !rest.is_empty() {
            let (taken, are_columns) = match self.fill(rest, BlockBuilder::begin_columns)? {
                (taken, bytes) if bytes > COLUMNS_BYTES => (taken, false),
                (taken, _) => (taken, self.builder.are_columns_worthwhile()),
            };
            let (taken, later) = rest.split_at(taken);
            if !are_columns {
                self.fill(taken, BlockBuilder::begin)?;
            }
            packed.push(self.finish(taken));
            rest = later;
        }
        Ok(())
    }

    /// Fills the builder with the first of these blocks. Returns how many it took, and the length of the rows.
    fn fill(
        &mut self,
        blocks: &[u32],
        begin: fn(&mut BlockBuilder, u32, u64, u64),
    ) -> Result<(usize, usize), Refused> {
        let (mut taken, mut bytes) = (0, 0);
        self.summary.begin();
        for &index in blocks {
            let block = &self.dump.blocks().get(index as usize).ok_or(Refused)?;
            let header = &block.header;
            if taken == 0 {
                begin(&mut self.builder, header.ring, header.position, header.first_record);
            }
            bytes += self.with_records(block, |packer, record| {
                if record.tag != CallSite::LOSS_ID {
                    let site = packer.dump.site(record.tag);
                    packer.summary.note(record.tag, record.values, || {
                        site.is_none_or(|site| site.call_site().has_text())
                    });
                }
                packer.push(record)
            })?;
            taken += 1;
            if bytes > ROWS_BYTES {
                break;
            }
        }
        Ok((taken, bytes))
    }

    fn finish(&mut self, blocks: &[u32]) -> Packed {
        let Self { dump, builder, compressor, .. } = self;
        let last = blocks.last().and_then(|&index| dump.blocks().get(index as usize));
        let end_position = last.map_or(0, |block| block.header.end_position);
        let mut payload = Vec::new();
        let header = builder.finish_with(end_position, &mut payload, |body, out| {
            compressor.append(&[Codec::Zstd, Codec::Lz4], body, out)
        });
        let summary = std::mem::take(&mut self.summary);
        Packed::New { header, payload, summary, merged: blocks.len() as u64 }
    }
}

/// The blocks of a ring in a window.
#[derive(Default)]
struct RingSegments {
    segments: Vec<Segment>,
    /// The header of the last block, if another one may continue it.
    last: Option<BlockHeader>,
    /// How many records there were since the last error.
    without_error: u64,
}

impl RingSegments {
    fn push(&mut self, index: u32, header: &BlockHeader, is_whole: bool, is_merged: bool) {
        if !is_merged {
            self.last = None;
            let segment = if is_whole { Segment::Copied(index) } else { Segment::LeftOut };
            return self.segments.push(segment);
        }
        // A search for errors reads little else if rare ones are alone.
        let is_rare =
            header.levels == Level::Error.bit() && self.without_error >= RARE_AFTER_RECORDS;
        let has_error = header.levels & Level::Error.bit() != 0;
        self.without_error =
            if has_error { 0 } else { self.without_error + u64::from(header.count) };
        let continues = self.last.is_some_and(|last| {
            last.end_position == header.position
                && last.first_record.checked_add(last.count.into()) == Some(header.first_record)
        });
        match self.segments.last_mut() {
            Some(Segment::Merged(blocks)) if continues && !is_rare => blocks.push(index),
            _ => self.segments.push(Segment::Merged(vec![index])),
        }
        self.last = Some(*header).filter(|_| !is_rare);
    }
}
