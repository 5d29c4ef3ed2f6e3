//! Recompression of a dump: merges the blocks of a ring, lays them out in columns and compresses them harder.
//!
//! Other frames are copied as they are, except those that index or summarize: indexes, summaries and the end
//! are rebuilt, and watermarks are left out. A block that cannot be merged, because this version cannot decode
//! one of its records, is copied too.

use std::collections::BTreeMap;
use std::io::{self, Write};

use stenolog_format::block::{
    BlockBuilder, BlockHeader, Codec, RARE_AFTER_RECORDS, RawRecord, RecordTime, SitePlan,
};
use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::frame::{FileHeader, FrameKind, VERSION};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::value::{Encoding, ValueError};
use stenolog_session::codec::Compressor;

use crate::dump::{Block, Dump, Unpacker};
use crate::model::state::Tail;
use crate::write::recover::FrameCopier;

/// A merged block ends when its packed rows exceed this: a reader opens one block of each ring at a time.
const ROWS_BYTES: usize = 2 << 20;

/// A block with more than this in rows stays in rows: a reader limits what it takes out of columns.
const COLUMNS_BYTES: usize = 8 << 20;

/// A block with more records than this is copied unchanged.
const LARGE_COUNT: u32 = 1 << 18;

/// The result of rewriting a dump.
///
/// See [`repack`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepackReport {
    /// How many records were written, loss statements included.
    pub records: u64,
    /// How many bytes the dump had.
    pub bytes_before: u64,
    /// How many bytes were written.
    pub bytes: u64,
    /// How many blocks of the dump were read for these.
    pub blocks_before: u64,
    /// How many blocks were written.
    pub blocks: u64,
}

/// Rewrites a dump in fewer bytes. Records, numbers, positions, losses, call sites, threads and clock stay the
/// same; index and summaries are new. The result is sealed if the dump is.
///
/// Small blocks of a ring become large ones, in columns that Zstandard compresses at `level` (1 to 22, fastest
/// to smallest; see the `zstd` crate). This takes the memory of one large block per ring. Damaged parts are
/// left out, except for the records before a cut: call [`verify`](crate::verify) first if you do not want that.
///
/// # Errors
/// If writing to `out` fails.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let header = stenolog_decoder::format::frame::FileHeader {
/// #     version: stenolog_decoder::format::frame::VERSION, session: [1; 16], created_unix_ns: 0,
/// #     sequence: 0, process_id: 1, counter_hz: 1,
/// # };
/// # let dump = stenolog_decoder::Dump::from_bytes("app.steno", header.encode().to_vec()).unwrap();
/// let mut smaller = Vec::new();
/// let repacked = stenolog_decoder::repack(&dump, 19, &mut smaller)?;
/// assert_eq!(repacked.bytes, smaller.len() as u64);
/// # Ok(())
/// # }
/// ```
pub fn repack(dump: &Dump, level: i32, out: &mut impl Write) -> io::Result<RepackReport> {
    let header = dump.header();
    // New frames are of this version, copied ones of the dump's.
    let version = header.version.max(VERSION);
    let copy = FrameCopier::new(FileHeader { version, ..*header }, out);
    let mut compactor = Compactor {
        dump,
        copy,
        compressor: Compressor::with_level(level)?,
        unpacker: Unpacker::default(),
        plans: BTreeMap::new(),
        pending: BTreeMap::new(),
        without_error: BTreeMap::new(),
        summaries: SummaryBuilder::default(),
        is_copied: false,
        blocks_before: 0,
        blocks: 0,
        is_whole: dump.damage().is_empty(),
    };
    compactor.frames()?;
    let Compactor { mut copy, blocks_before, blocks, is_whole, .. } = compactor;
    // An end frame would deny what was left out.
    if is_whole
        && dump.tail() == Tail::Sealed
        && let Some(end) = dump.end()
    {
        copy.put_end(end.lost, end.continues);
    }
    let (records, bytes) = copy.finish()?;
    Ok(RepackReport { records, bytes_before: dump.len_bytes(), bytes, blocks_before, blocks })
}

struct Compactor<'d, 'o, W> {
    dump: &'d Dump,
    copy: FrameCopier<'o, W>,
    compressor: Compressor,
    unpacker: Unpacker,
    plans: BTreeMap<u32, SitePlan>,
    /// The records of each ring that will make one block.
    pending: BTreeMap<u32, Pending>,
    /// How many records each ring had since its last error.
    without_error: BTreeMap<u32, u64>,
    summaries: SummaryBuilder,
    /// The last block was copied unchanged, so its summary stays true.
    is_copied: bool,
    blocks_before: u64,
    blocks: u64,
    /// Nothing was left out.
    is_whole: bool,
}

/// Records that will make one block.
#[derive(Default)]
struct Pending {
    records: Vec<BlockRecord>,
    /// The length of their rows.
    bytes: usize,
    /// The header of the first block, with the position at which the last one ends.
    header: Option<BlockHeader>,
    /// They are rare errors.
    is_alone: bool,
}

/// A record that was taken out of its block.
struct BlockRecord {
    tag: u32,
    word: u64,
    values: Vec<u8>,
    encoding: Encoding,
}

impl<W: Write> Compactor<'_, '_, W> {
    fn frames(&mut self) -> io::Result<()> {
        let dump = self.dump;
        let mut others = dump.tables().others.iter().copied().peekable();
        for (index, block) in dump.blocks().iter().enumerate() {
            while let Some(at) = others.next_if(|&at| at < block.offset) {
                self.other(at)?;
            }
            self.block(&block)?;
            // Of a copied block it stays true.
            if let Some(at) = dump.blocks().summary_offset(index).filter(|_| self.is_copied) {
                self.copy.other(dump, at)?;
            }
        }
        for at in others {
            self.other(at)?;
        }
        let rings: Vec<u32> = self.pending.keys().copied().collect();
        rings.into_iter().try_for_each(|ring| self.put_pending(ring))
    }

    fn other(&mut self, at: u64) -> io::Result<()> {
        let frame = FrameCopier::<W>::whole_frame(self.dump, at);
        match frame.map(|(kind, payload)| (FrameKind::from_u8(kind), payload)) {
            // Losses stay between the blocks of their ring where they happened.
            Some((Some(FrameKind::Loss), payload)) => {
                if let Some(frame) = LossFrame::decode(payload) {
                    self.put_pending(frame.ring)?;
                }
            }
            // Blocks have moved, so it may be false.
            Some((Some(FrameKind::Watermark), _)) => return Ok(()),
            Some((Some(FrameKind::Summary), _)) if !self.is_copied => return Ok(()),
            _ => {}
        }
        self.copy.other(self.dump, at)
    }

    fn block(&mut self, block: &Block) -> io::Result<()> {
        let header = &block.header;
        self.is_copied = false;
        if self.dump.stored_body(block).is_err() {
            self.is_whole = false;
            return Ok(());
        }
        self.blocks_before += 1;
        if block.is_cut {
            self.is_whole = false;
            self.put_pending(header.ring)?;
            self.blocks += 1;
            return self.copy.block(self.dump, block, None);
        }
        // Merging does not make large blocks smaller.
        let is_large = header.count > LARGE_COUNT
            || header.encoding != BlockHeader::GROUP && header.body_bytes as usize > ROWS_BYTES;
        let Some(records) = (!is_large).then(|| self.records(block)).flatten() else {
            self.put_pending(header.ring)?;
            if header.encoding == BlockHeader::GROUP {
                return self.copy_part(block);
            }
            self.blocks += 1;
            self.is_copied = true;
            let payload = self.dump.block_payload(block).unwrap_or_default();
            return self.copy.put_block(header, payload);
        };
        let without_error = self.without_error.entry(header.ring).or_default();
        let is_alone = header.levels == Level::Error.bit() && *without_error >= RARE_AFTER_RECORDS;
        let has_error = header.levels & Level::Error.bit() != 0;
        *without_error = if has_error { 0 } else { *without_error + u64::from(header.count) };
        let continues = self.pending.get(&header.ring).is_some_and(|pending| {
            pending.header.is_some_and(|before| {
                let next = before.first_record.checked_add(before.count.into());
                next == Some(header.first_record) && before.end_position == header.position
            }) && pending.bytes < ROWS_BYTES
                && !pending.is_alone
                && !is_alone
        });
        if !continues {
            self.put_pending(header.ring)?;
        }
        let pending = self.pending.entry(header.ring).or_default();
        pending.is_alone = is_alone;
        let first = *pending.header.get_or_insert(BlockHeader { count: 0, ..*header });
        pending.header = Some(BlockHeader {
            count: first.count.saturating_add(header.count),
            end_position: header.end_position,
            ..first
        });
        pending.bytes += records.iter().map(|record| record.values.len() + 12).sum::<usize>();
        pending.records.extend(records);
        Ok(())
    }

    /// Copies a part of a block of several rings, as a block of its ring.
    fn copy_part(&mut self, block: &Block) -> io::Result<()> {
        if self.copy.put_rows(self.dump, block, &mut self.unpacker)? {
            self.blocks += 1;
        } else if block.part == 0 {
            // A codec of a later version is for a later reader. All parts are copied at once.
            let rings: Vec<u32> = self.pending.keys().copied().collect();
            rings.into_iter().try_for_each(|ring| self.put_pending(ring))?;
            self.blocks += 1;
            self.is_copied = true;
            let payload = self.dump.block_payload(block).unwrap_or_default();
            if let Some(header) = BlockHeader::decode(payload) {
                self.copy.put_block(&header, payload)?;
            }
        }
        Ok(())
    }

    /// The records of a block. `None` if one of them cannot be taken apart.
    fn records(&mut self, block: &Block) -> Option<Vec<BlockRecord>> {
        let stored = self.dump.stored_body(block).ok()?;
        let body = self.unpacker.unpack(&stored).ok()?;
        let taken = self.take(&block.header, &body);
        self.unpacker.take_back(body);
        taken
    }

    fn take(
        &mut self,
        header: &BlockHeader,
        body: &crate::dump::Body<'_>,
    ) -> Option<Vec<BlockRecord>> {
        let mut taken = Vec::new();
        let mut check = BlockBuilder::default();
        check.begin(0, 0, 0);
        let mut records = body.records(header).ok()?;
        for record in &mut records {
            let record = record.ok()?;
            let word = self.word(&record)?;
            let values = record.values.to_vec();
            let record = BlockRecord { tag: record.tag, word, values, encoding: record.encoding };
            self.push(&mut check, &record).ok()?;
            taken.push(record);
        }
        let rest = records.rest();
        let is_all = taken.len() == header.count as usize && !taken.is_empty();
        // Dead space may follow raw records.
        (is_all && (header.encoding == 0 || rest.is_empty())).then_some(taken)
    }

    /// A record's time word. `None` if it does not match the call site.
    fn word(&mut self, record: &RawRecord<'_>) -> Option<u64> {
        let source = if record.tag == CallSite::LOSS_ID {
            TimeSource::Counter
        } else {
            let site = self.dump.site(record.tag)?.call_site();
            self.plans.entry(record.tag).or_insert_with(|| SitePlan::new(site));
            site.time
        };
        match (record.time, source) {
            (RecordTime::Word(word), _) => Some(word),
            (RecordTime::Counter(counter), TimeSource::Counter) => Some(counter),
            (RecordTime::UnixNanos(unix_ns), TimeSource::UnixNanos) => Some(unix_ns as u64),
            _ => None,
        }
    }

    fn push(&self, builder: &mut BlockBuilder, record: &BlockRecord) -> Result<(), ValueError> {
        let time = record.word.to_le_bytes();
        if record.tag == CallSite::LOSS_ID {
            // Both encodings have the same bytes for a loss statement.
            if record.values.len() != Loss::BYTES - time.len() {
                return Err(ValueError::Trailing);
            }
            return builder.push_loss(&[&time[..], &record.values].concat());
        }
        let plan = self.plans.get(&record.tag).ok_or(ValueError::Trailing)?;
        match record.encoding {
            Encoding::Raw => builder.push_planned(plan, &[&time[..], &record.values].concat()),
            Encoding::Packed => builder.push_packed(plan, record.word, &record.values),
        }
    }

    /// Writes the pending records of a ring, as one block.
    fn put_pending(&mut self, ring: u32) -> io::Result<()> {
        let Some(Pending { records, header: Some(header), bytes, .. }) = self.pending.remove(&ring)
        else {
            return Ok(());
        };
        let mut builder = BlockBuilder::default();
        let begin =
            if bytes > COLUMNS_BYTES { BlockBuilder::begin } else { BlockBuilder::begin_columns };
        begin(&mut builder, ring, header.position, header.first_record);
        let push = |builder: &mut BlockBuilder| {
            // `take` has pushed each of them.
            records.iter().try_for_each(|record| self.push(builder, record))
        };
        let changed = |error: ValueError| io::Error::new(io::ErrorKind::InvalidData, error);
        push(&mut builder).map_err(changed)?;
        if bytes <= COLUMNS_BYTES && !builder.are_columns_worthwhile() {
            builder.begin(ring, header.position, header.first_record);
            push(&mut builder).map_err(changed)?;
        }
        self.summaries.begin();
        for record in records.iter().filter(|record| record.tag != CallSite::LOSS_ID) {
            let site = || self.dump.site(record.tag);
            self.summaries.note(record.tag, &record.values, || {
                site().is_none_or(|site| site.call_site().has_text())
            });
        }
        let mut payload = Vec::new();
        let compressor = &mut self.compressor;
        let header = builder.finish_with(header.end_position, &mut payload, |body, out| {
            compressor.append(&[Codec::Zstd, Codec::Lz4], body, out)
        });
        self.blocks += 1;
        self.is_copied = false;
        self.copy.put_summed_block(&header, &payload, &mut self.summaries)
    }
}

#[cfg(test)]
mod tests;
