//! `DumpWriter`: the frames of a dump, from the file header to the end frame.
//!
//! ```text
//!   begin_segment                                                            finish_segment
//!   │ file header │ clock │ thread │ call sites │ block │ summary │ … │ header │ index │ end │
//!                 └─────────┬───────────────────┘   │                              │
//!                           └───────────────────────┴──── are in the index ◀───────┘
//! ```
//!
//! A segment is one file of a session. The writer encodes it into a buffer and does no I/O: its owner
//! writes [`pending`](DumpWriter::pending) bytes to wherever they go, and reports how many with
//! [`advance`](DumpWriter::advance). So a logger can resume a write that stopped half-way, and a program
//! that rewrites a dump needs no more memory than for one block.
//!
//! - **W1 (numbered).** Frames are numbered from 0 in each segment, so a reader notices a missing one.
//! - **W2 (explained).** `state_*` puts an explanation and remembers it. A new segment has stated nothing.
//! - **W3 (indexed).** The next index names each block and each frame that explains blocks.

use std::collections::BTreeSet;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::{ClockPair, Watermark};
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter};
use stenolog_format::index::{End, HeaderCopy, Index};
use stenolog_format::loss::LossFrame;
use stenolog_format::span::{ContextBuilder, SpanMark};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::volatile::VolatileRing;

/// An index is due when this many blocks are in no index.
pub const INDEX_EVERY_BLOCKS: usize = 4096;

/// The number of pending bytes that makes a write worthwhile.
pub const WRITE_AT_BYTES: usize = 1 << 18;

/// The file header is restated when the segment has grown by this many bytes.
const HEADER_EVERY_BYTES: u64 = 1 << 20;

/// How many call sites [`DumpWriter::state_all_sites`] puts into one frame.
const SITES_A_FRAME: usize = 256;

/// Ids of call sites below this are remembered as stated. No logger hands out others.
const MAX_NOTED_SITE: u32 = 1 << 20;

/// Writes the segments of a dump.
///
/// # Examples
/// ```
/// use stenolog_format::dictionary::Thread;
/// use stenolog_format::frame::{FileHeader, VERSION};
/// use stenolog_session::writer::DumpWriter;
///
/// # let header = FileHeader {
/// #     version: VERSION, session: [1; 16], created_unix_ns: 0, sequence: 0, process_id: 1,
/// #     counter_hz: 1_000_000_000,
/// # };
/// let mut writer = DumpWriter::begin_segment(header);
/// let main = Thread { ring: 1, os_id: 1234, name: "main".into(), continues: None };
/// writer.state_thread(&main);
/// writer.state_thread(&main); // is in the segment already
/// writer.finish_segment(0, false);
///
/// let mut file = Vec::new();
/// file.extend_from_slice(writer.pending());
/// writer.advance(file.len());
/// assert_eq!(writer.written_bytes(), file.len() as u64);
/// assert_eq!(FileHeader::decode(&file).unwrap().0, header);
/// ```
#[derive(Debug)]
pub struct DumpWriter {
    header: FileHeader,
    /// Where the segment states its header last.
    header_at: u64,
    frames: FrameWriter,
    index: Index,
    records: u64,
    /// Those in groups of several rings.
    records_in_groups: u64,
    stated: Stated,
    is_finished: bool,
    /// The first `taken` bytes of the buffer have been written.
    buffer: Vec<u8>,
    taken: usize,
    written_bytes: u64,
    /// Where the last block begins in the buffer, until that is cleared.
    block_at: Option<usize>,
}

/// A segment that another writer began, up to the end of its last whole frame.
#[derive(Clone, Debug)]
pub struct OpenSegment {
    /// Its file header.
    pub header: FileHeader,
    /// Where its last whole frame ends.
    pub end: u64,
    /// How many frames it has.
    pub frames: u32,
    /// How many records its blocks have.
    pub records: u64,
    /// The frames that the next index must name.
    pub index: Index,
}

/// The explanations that a segment has.
#[derive(Debug, Default)]
struct Stated {
    threads: BTreeSet<u32>,
    /// A bit for each id: ids are dense.
    sites: Vec<u64>,
}

impl DumpWriter {
    /// Begins a segment with its file header.
    #[must_use]
    pub fn begin_segment(header: FileHeader) -> Self {
        let open = OpenSegment { header, end: 0, frames: 0, records: 0, index: Index::default() };
        let mut writer = Self::resume_segment(open);
        writer.buffer.extend_from_slice(&header.encode());
        writer
    }

    /// Continues a segment after its last whole frame.
    #[must_use]
    pub fn resume_segment(segment: OpenSegment) -> Self {
        let OpenSegment { header, end, frames, records, index } = segment;
        // Those that are in an index already do not count: what a reader of 1.3 says of them is a little off.
        let groups =
            index.blocks.iter().filter(|(_, block)| block.ring == BlockHeader::SEVERAL_RINGS);
        let after = groups.map(|(_, block)| block.first_record.saturating_add(block.count.into()));
        let records_in_groups = after.max().unwrap_or_default();
        Self {
            header,
            header_at: end,
            frames: FrameWriter::behind(frames),
            index,
            records,
            records_in_groups,
            stated: Stated::default(),
            is_finished: false,
            buffer: Vec::new(),
            taken: 0,
            written_bytes: end,
            block_at: None,
        }
    }

    /// Writes the index of what is in none, and the end of the segment. `lost` counts the records that the
    /// session lost up to here; `continues` says that the session has another segment.
    pub fn finish_segment(&mut self, lost: u64, continues: bool) {
        self.put_index();
        self.put_end(lost, continues);
    }

    /// Ends a segment that stays in memory, where no reader searches for frames and so needs an index.
    pub fn finish_without_index(&mut self, lost: u64) {
        self.put_end(lost, false);
    }

    fn put_end(&mut self, lost: u64, continues: bool) {
        let end = End { index: self.index.previous, records: self.records, lost, continues };
        self.frames.frame(&mut self.buffer, FrameKind::End, |out| end.encode(out));
        self.is_finished = true;
    }

    /// Whether the segment has its end.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// The file header of the segment.
    #[must_use]
    pub const fn header(&self) -> &FileHeader {
        &self.header
    }

    /// How many records the segment's blocks have.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// How many records the segment has in groups of several rings: the number that the next group states.
    #[must_use]
    pub const fn records_in_groups(&self) -> u64 {
        self.records_in_groups
    }

    /// The bytes to be written next, at [`written_bytes`](Self::written_bytes) in the file.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    /// The bytes of a segment that is kept in memory and was not written anywhere.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        debug_assert_eq!(self.taken, 0, "all bytes are pending");
        self.buffer
    }

    /// How many bytes of the segment have been written.
    #[must_use]
    pub const fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// The length of the segment once all pending bytes are written.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.written_bytes + (self.buffer.len() - self.taken) as u64
    }

    /// Notes that the first `bytes` of the pending ones have been written.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn advance(&mut self, bytes: usize) {
        assert!(bytes <= self.pending().len(), "more bytes were written than were pending");
        self.taken += bytes;
        self.written_bytes += bytes as u64;
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
            self.block_at = None;
        }
    }

    /// Puts a pair of clock readings.
    pub fn put_clock(&mut self, pair: &ClockPair) {
        self.put_indexed(FrameKind::Clock as u8, |out| pair.encode(out));
    }

    /// Whether the segment has the thread of a ring.
    #[must_use]
    pub fn has_thread(&self, ring: u32) -> bool {
        self.stated.threads.contains(&ring)
    }

    /// Notes that the segment has the thread of a ring: in what another writer, or a copied frame, put.
    pub fn note_thread(&mut self, ring: u32) {
        self.stated.threads.insert(ring);
    }

    /// Forgets whether the segment has the thread of a ring that gets no more frames.
    pub fn forget_thread(&mut self, ring: u32) {
        self.stated.threads.remove(&ring);
    }

    /// Puts the thread of a ring, unless the segment has it.
    pub fn state_thread(&mut self, thread: &Thread) {
        if self.stated.threads.insert(thread.ring) {
            self.put_indexed(FrameKind::Thread as u8, |out| thread.encode(out));
        }
    }

    /// Whether the segment has the call site with this id, as far as that is remembered.
    #[inline]
    #[must_use]
    pub fn has_site(&self, id: u32) -> bool {
        let word = self.stated.sites.get((id / u64::BITS) as usize);
        word.is_some_and(|word| word >> (id % u64::BITS) & 1 != 0)
    }

    /// Puts call sites as one frame, whether or not the segment has them. Puts nothing if the list is empty.
    pub fn state_sites<'s>(&mut self, sites: impl Iterator<Item = &'s CallSite> + Clone) {
        if sites.clone().next().is_none() {
            return;
        }
        for site in sites.clone().filter(|site| site.id < MAX_NOTED_SITE) {
            let word = (site.id / u64::BITS) as usize;
            if self.stated.sites.len() <= word {
                self.stated.sites.resize(word + 1, 0);
            }
            self.stated.sites[word] |= 1 << (site.id % u64::BITS);
        }
        self.put_indexed(FrameKind::Dictionary as u8, |out| CallSite::encode_all(sites, out));
    }

    /// Puts call sites in frames of a limited length.
    pub fn state_all_sites(&mut self, sites: &[&CallSite]) {
        for sites in sites.chunks(SITES_A_FRAME) {
            self.state_sites(sites.iter().copied());
        }
    }

    /// Puts the marks of call sites that are events of spans. Puts nothing if the list is empty.
    pub fn state_marks(&mut self, marks: &[SpanMark]) {
        if !marks.is_empty() {
            self.put_indexed(FrameKind::Spans as u8, |out| {
                SpanMark::encode_all(marks.iter().copied(), out);
            });
        }
    }

    /// Puts the context of the block that is put next.
    pub fn put_context(&mut self, context: &ContextBuilder) {
        self.index.contexts.push(self.end());
        self.frames.frame(&mut self.buffer, FrameKind::Context, |out| context.finish(out));
    }

    /// Puts a block whose payload `fill` appends.
    pub fn put_block(&mut self, fill: impl FnOnce(&mut Vec<u8>) -> BlockHeader) -> BlockHeader {
        let offset = self.end();
        self.block_at = Some(self.buffer.len());
        let header = self.frames.frame(&mut self.buffer, FrameKind::Block, fill);
        self.records = self.records.saturating_add(header.count.into());
        if header.ring == BlockHeader::SEVERAL_RINGS {
            self.records_in_groups += u64::from(header.count);
        }
        self.index.blocks.push((offset, header));
        header
    }

    /// Puts the summary of the last block, unless that has been written or its summary is incomplete.
    pub fn put_summary(&mut self, summary: &mut SummaryBuilder) {
        let block = self.block_at.and_then(|at| self.buffer.get(at..));
        if let Some(FrameHeader { payload_crc, .. }) = block.and_then(FrameHeader::decode)
            && summary.is_whole()
        {
            self.frames.frame(&mut self.buffer, FrameKind::Summary, |out| {
                summary.encode(payload_crc, out);
            });
        }
    }

    /// Puts a statement of lost records.
    pub fn put_loss(&mut self, loss: &LossFrame) {
        self.put_indexed(FrameKind::Loss as u8, |out| loss.encode(out));
    }

    /// Puts a statement of a ring that does not survive its process.
    pub fn put_volatile(&mut self, ring: &VolatileRing) {
        self.put_indexed(FrameKind::Volatile as u8, |out| ring.encode(out));
    }

    /// Puts a watermark.
    pub fn put_watermark(&mut self, watermark: Watermark) {
        self.frames.frame(&mut self.buffer, FrameKind::Watermark, |out| watermark.encode(out));
    }

    /// Puts a frame that was read from another dump, of any kind but those of blocks and their index.
    pub fn copy_frame(&mut self, kind: u8, payload: &[u8]) {
        let put = |out: &mut Vec<u8>| out.extend_from_slice(payload);
        match FrameKind::from_u8(kind) {
            Some(
                FrameKind::Dictionary
                | FrameKind::Thread
                | FrameKind::Clock
                | FrameKind::Loss
                | FrameKind::Volatile
                | FrameKind::Spans,
            ) => self.put_indexed(kind, put),
            Some(FrameKind::Context) => {
                self.index.contexts.push(self.end());
                self.frames.frame(&mut self.buffer, FrameKind::Context, put);
            }
            _ => self.frames.frame_of_kind(&mut self.buffer, kind, put),
        }
    }

    /// Restates the file header, for a file that loses its beginning, and says where the last index is, for one that
    /// has no end.
    pub fn put_header(&mut self) {
        self.header_at = self.end();
        let index = Some(self.index.previous).filter(|&at| at != 0);
        let copy = HeaderCopy { header: self.header, index };
        self.frames.frame(&mut self.buffer, FrameKind::Header, |out| copy.encode(out));
    }

    /// Restates the file header if the segment has grown long since the last time.
    pub fn put_header_if_due(&mut self) {
        if self.end() - self.header_at >= HEADER_EVERY_BYTES {
            self.put_header();
        }
    }

    /// Puts an index if many blocks are in none.
    pub fn put_index_if_due(&mut self) {
        if self.index.blocks.len() >= INDEX_EVERY_BLOCKS {
            self.put_index();
        }
    }

    fn put_index(&mut self) {
        let offset = self.end();
        let index = std::mem::take(&mut self.index);
        self.frames.frame(&mut self.buffer, FrameKind::Index, |out| index.encode(out));
        self.index.previous = offset;
    }

    /// Puts a frame that the index names, so a reader finds it without a search (W3).
    fn put_indexed(&mut self, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
        self.index.metadata.push(self.end());
        self.frames.frame_of_kind(&mut self.buffer, kind, fill);
    }
}

#[cfg(test)]
mod tests;
