//! Packer: from the records of a ring to a block of the segment.
//!
//! A block is in columns, in packed rows, or raw if a record does not fit its call site's types. Where there is
//! time, all rings are packed into one block, a group. Before it, the segment gets the ring's thread and the
//! call sites that it lacks (S2); after it, a summary if there is time.

mod copy;
mod group;
mod pressure;
mod sites;
mod spans;

use std::io;
use std::sync::Arc;

use stenolog_format::block::{BlockBuilder, BlockHeader, Depth, First, RARE_AFTER_RECORDS};
use stenolog_format::dictionary::{CallSite, Level, Thread, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_format::recovery::MAX_BLOCK_BYTES;
use stenolog_format::summary::SummaryBuilder;
use stenolog_ringbuf::{Consumer, Record, Run};
use stenolog_session::codec::Compressor;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::writer::DumpWriter;

use self::group::Part;
pub(super) use self::group::{GROUP_BYTES, GroupPart};
pub(super) use self::pressure::Pressure;
use self::sites::PackedSites;
use super::effort::Effort;
use super::rings::{DrainRing, DrainRings};
use super::segment::Segment;
use crate::process::memory::has_memory;

/// How many bytes of a ring to pack at once: they stay in the first-level cache.
const PART_BYTES: usize = 1 << 14;

/// A block has at most a quarter of its ring's bytes, but at least this, and never more than
/// [`MAX_BLOCK_BYTES`], unless a single record is longer.
const MIN_BLOCK_BYTES: usize = 1 << 16;

/// The bound where memory is short.
const LEAST_BLOCK_BYTES: usize = 1 << 12;

/// A block of fewer records is packed in rows: the directory of columns would take more than they save.
const LEAST_FOR_COLUMNS: u32 = 16;

/// A block of fewer bytes of its ring gets no summary: it is read as soon as that would be.
const SUMMED_UP_BYTES: usize = 1 << 12;

/// Makes blocks. Its buffers are reused.
pub(super) struct Packer {
    builder: BlockBuilder,
    compressor: Compressor,
    /// For groups of a program that logs little, if this build has Zstandard.
    patient: Option<Compressor>,
    summaries: SummaryBuilder,
    sites: PackedSites,
    /// The last loss statement of the block, or of the last part of a group.
    loss: Option<Loss>,
    /// The runs of headers that are being packed.
    runs: Vec<(u64, u32)>,
    /// The parts of the group.
    parts: Vec<Part>,
    headers: Vec<BlockHeader>,
    /// The size of the largest block that there was memory for.
    affordable_bytes: usize,
    /// There was memory for a group.
    has_group_memory: bool,
}

/// The part of a ring that a block took.
pub(super) struct Taken {
    pub(super) bytes: usize,
    /// Whether the block ends although more records exist.
    pub(super) is_cut: bool,
}

/// How far the records of a ring were packed for a block.
struct Packing {
    end: u64,
    /// How many bytes of the ring the block may have.
    limit: usize,
    /// Whether the block is packed. If not, it must be raw.
    is_packed: bool,
    is_columns: bool,
    is_cut: bool,
}

/// The result of one attempt to pack records.
struct Attempt {
    end: u64,
    /// The records match their call sites.
    is_sound: bool,
    /// The block ends although more records exist: rare errors begin or end there, or the next record is too
    /// long for the block.
    is_cut: bool,
}

impl Packer {
    pub(super) fn new() -> Self {
        Self {
            builder: BlockBuilder::default(),
            compressor: Compressor::new(),
            patient: None,
            summaries: SummaryBuilder::default(),
            sites: PackedSites::default(),
            loss: None,
            runs: Vec::new(),
            parts: Vec::new(),
            headers: Vec::new(),
            affordable_bytes: 0,
            has_group_memory: false,
        }
    }

    /// How many bytes of a ring a block may have. Written parts are freed while the rest is packed.
    pub(super) fn block_limit(&mut self, capacity: usize) -> io::Result<usize> {
        let limit = (capacity / 4).clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES as usize);
        if limit <= self.affordable_bytes {
            return Ok(limit);
        }
        // As rows, as columns, compressed, in the buffer, plus the allocator's space to move them. The drain
        // allocates little else, and keeps it.
        let has_memory_for = |bytes: &usize| has_memory(6 * bytes);
        let smaller = std::iter::successors(Some(limit), |bytes| Some(bytes / 4));
        let least = LEAST_BLOCK_BYTES.min(limit);
        let found = smaller.take_while(|&bytes| bytes >= least).find(has_memory_for);
        let found = found.ok_or(io::ErrorKind::OutOfMemory)?;
        self.affordable_bytes = self.affordable_bytes.max(found);
        Ok(found)
    }

    /// Puts committed records of a ring into the segment, as one block.
    pub(super) fn take(
        &mut self,
        (rings, at): (&mut DrainRings, usize),
        segment: &mut Segment,
        effort: Effort,
        limit: usize,
    ) -> Taken {
        self.sites.has_met_event = false;
        let ring = rings.at(at);
        let start = ring.taken_to;
        self.loss = None;
        let effort = if effort == Effort::Fast { ring.pressure.effort() } else { effort };
        let full = limit;
        let Packing { mut end, limit, is_packed, is_columns, mut is_cut } =
            self.pack(ring, &segment.writer, effort, limit);
        let before = segment.writer.end();
        let mut raw_limit = limit;
        if !is_packed {
            // The block has what is there now, and nothing that comes meanwhile: that has no context yet.
            let batch = ring.consumer.batch_from(start, limit);
            (end, raw_limit) = (batch.end(), batch.len_bytes());
            self.sites.expect_events(raw_limit > 0);
        }
        let has_records = if is_packed { self.builder.count() > 0 } else { raw_limit > 0 };
        if self.sites.knows_events && has_records {
            self.put_context(rings, &[(at, end)], segment);
        }
        let ring = rings.at(at);
        if !is_packed && has_records {
            end = self.put_raw(ring, segment, raw_limit);
        } else if has_records {
            self.put_packed(ring, segment, (effort, is_columns), end);
        }
        ring.taken_to = end;
        let bytes = (end - start) as usize;
        ring.pressure.note(effort, (bytes, full), segment.writer.end() - before);
        if !is_packed && bytes < limit {
            // A record that had no room in the block is long.
            is_cut = ring.consumer.batch_from(end, 1).len_bytes() > limit - bytes;
        }
        Taken { bytes, is_cut }
    }

    /// Packs records into the builder: in columns if that is worthwhile, else in rows.
    fn pack(
        &mut self,
        ring: &mut DrainRing,
        writer: &DumpWriter,
        effort: Effort,
        limit: usize,
    ) -> Packing {
        let start = ring.taken_to;
        let (id, position, first_record) = (ring.id(), ring.stated_to, ring.records);
        let mut packing =
            Packing { end: start, limit, is_packed: false, is_columns: false, is_cut: false };
        if effort > Effort::Rows {
            let is_hasty = effort == Effort::Hasty;
            self.builder.begin_group(if is_hasty { Depth::Hasty } else { Depth::Fast });
            self.builder.begin_part(id, position, first_record);
            let without_error = Some(first_record.saturating_sub(ring.errors_to));
            let columns =
                self.pack_records(&mut ring.consumer, writer, start, limit, without_error);
            packing.end = columns.end;
            packing.is_columns = columns.is_sound
                && columns.end - start <= BlockBuilder::MAX_GROUP_BYTES as u64
                && (self.builder.count() == 0 || self.builder.count() >= LEAST_FOR_COLUMNS);
            packing.is_packed = packing.is_columns;
            if columns.is_sound && columns.is_cut {
                // Rows end there as well.
                packing.is_cut = true;
                packing.limit = (columns.end - start) as usize;
            }
        }
        if !packing.is_packed && effort > Effort::Raw {
            self.builder.begin(id, position, first_record);
            let rows = self.pack_records(&mut ring.consumer, writer, start, packing.limit, None);
            packing.end = rows.end;
            packing.is_packed = rows.is_sound;
            packing.is_cut |= rows.is_cut;
        }
        packing
    }

    /// Packs records of a ring. `without_error` counts the records before them since the last error: a
    /// block in columns ends where a rare error begins, or ends.
    fn pack_records(
        &mut self,
        consumer: &mut Consumer,
        writer: &DumpWriter,
        start: u64,
        limit: usize,
        without_error: Option<u64>,
    ) -> Attempt {
        let Self { builder, sites, loss, runs, .. } = self;
        let mut packed = Attempt { end: start, is_sound: true, is_cut: false };
        let (mut has_error, mut is_alone) = (false, false);
        let mut first_of = |tag, before| {
            let site = sites.get(tag, writer)?;
            let is_error = site.site.level == Level::Error;
            let is_rare =
                without_error.is_some_and(|n| n + u64::from(before) >= RARE_AFTER_RECORDS);
            let ends =
                if is_alone { !is_error } else { is_error && is_rare && !has_error && before > 0 };
            is_alone |= is_error && is_rare && before == 0;
            has_error |= is_error && !ends;
            Some(if ends { First::EndBefore } else { First::Take(Arc::clone(&site.plan)) })
        };
        loop {
            let left = limit - (packed.end - start) as usize;
            runs.clear();
            let note = |run: Run| runs.push((run.header, run.bytes));
            let part = consumer.runs_from(packed.end, left.min(PART_BYTES), note);
            // A record that is longer than a part may be alone in its block, but not follow others.
            let is_too_long = packed.end > start && part.len_bytes() > left.max(PART_BYTES);
            if is_too_long {
                packed.is_cut = true;
                break;
            }
            if part.is_empty() {
                packed.end = part.end();
                break;
            }
            let mut headers = runs.iter().copied();
            for slice in <[_; 2]>::from(part.raw_slices()) {
                match builder.push_runs(slice, &mut headers, &mut first_of) {
                    Ok(taken) => {
                        packed.end += taken as u64;
                        packed.is_cut = taken < slice.len();
                    }
                    Err(_) => packed.is_sound = false,
                }
                if packed.is_cut || !packed.is_sound {
                    break;
                }
            }
            // If not, another program is writing to the ring's file right now.
            packed.is_sound &= packed.is_cut || packed.end == part.end();
            let is_full = (packed.end - start) as usize >= limit;
            if packed.is_cut || !packed.is_sound || is_full {
                break;
            }
        }
        *loss = builder.last_loss().or(*loss);
        packed
    }

    /// Puts the block that was packed up to `end`, and its summary.
    fn put_packed(
        &mut self,
        ring: &mut DrainRing,
        segment: &mut Segment,
        (effort, is_columns): (Effort, bool),
        end: u64,
    ) {
        let start = ring.taken_to;
        self.explain(&ring.slot.thread, segment);
        let Self { builder, compressor, summaries, sites, .. } = self;
        let header = segment.writer.put_block(|out| {
            if is_columns {
                builder.end_part(end);
                builder.finish_group(0, out, |plain, hint, out| {
                    compressor.append_section(effort.codecs(), plain, hint, out)
                })
            } else {
                let codecs = effort.codecs();
                builder.finish_with(end, out, |body, out| compressor.append(codecs, body, out))
            }
        });
        let bytes = (end - start) as usize;
        if bytes >= SUMMED_UP_BYTES {
            // Summarizing text takes as long as building columns.
            let has_time = effort == Effort::Hard;
            if is_columns {
                builder.sum_up_group(has_time, summaries);
            }
            if !is_columns && has_time {
                summaries.begin();
                ring.consumer.scan_from(start, bytes, |record| sites.sum_up(summaries, record));
            }
            if is_columns || has_time {
                segment.writer.put_summary(summaries);
            }
        }
        self.note_block(ring, &header);
    }

    /// Puts a block with the bytes of the ring, and returns where it ends. This keeps records that do not match
    /// the types of their call site.
    fn put_raw(&mut self, ring: &mut DrainRing, segment: &mut Segment, limit: usize) -> u64 {
        self.builder.begin(ring.id(), ring.stated_to, ring.records);
        let Self { builder, sites, loss, runs, .. } = self;
        runs.clear();
        let note = |run: Run| runs.push((run.header, run.bytes));
        let batch = ring.consumer.runs_from(ring.taken_to, limit, note);
        let mut headers = runs.iter().copied();
        for slice in <[_; 2]>::from(batch.raw_slices()) {
            builder.note_runs(slice, &mut headers, |tag| {
                let of = sites.get(tag, &segment.writer).map(|of| (of.site.level, of.site.time));
                // Only a bug can get here without one. The block counts the record anyway.
                of.unwrap_or((Level::Error, TimeSource::Counter))
            });
        }
        *loss = builder.last_loss().or(*loss);
        let end = batch.end();
        if self.builder.count() > 0 {
            self.explain(&ring.slot.thread, segment);
            let (first, second) = batch.raw_slices();
            let builder = &mut self.builder;
            let header =
                segment.writer.put_block(|out| builder.finish_raw(end, &[first, second], out));
            self.note_block(ring, &header);
        }
        end
    }

    /// Notes what the header of a raw block says of a record.
    fn note_record(&mut self, record: Record<'_>, writer: &DumpWriter) {
        let Self { builder, sites, loss, .. } = self;
        let word = record.payload().first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if record.tag() == CallSite::LOSS_ID {
            *loss = Loss::decode(record.payload());
            builder.note_loss(word);
        } else if let Some(site) = sites.get(record.tag(), writer) {
            builder.note(site.site.level, site.site.time, word);
        } else {
            // Only a bug can get here. The block counts the record anyway.
            builder.note(Level::Error, TimeSource::Counter, word);
        }
    }

    /// States everything that the next block needs to be decoded (S2).
    fn explain(&mut self, thread: &Thread, segment: &mut Segment) {
        segment.writer.state_thread(thread);
        self.sites.state(&mut segment.writer);
    }

    /// Notes that a block of the ring is in the segment.
    fn note_block(&self, ring: &mut DrainRing, header: &BlockHeader) {
        ring.records += u64::from(header.count);
        if header.levels & Level::Error.bit() != 0 {
            ring.errors_to = ring.records;
        }
        ring.stated_to = header.end_position;
        // A loss frame may have stated more already.
        if let Some(loss) = self.loss.filter(|loss| loss.total() > ring.stated.total()) {
            ring.stated = loss;
        }
        failpoint::after(Step::Gathered);
    }
}
