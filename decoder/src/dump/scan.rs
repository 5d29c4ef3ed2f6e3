//! Scans a file frame by frame and resynchronizes after damage.
//!
//! ```text
//!   frame ─▶ frame ─▶ ▒▒▒▒▒▒▒▒▒▒▒▒▒ ─▶ frame ─▶ frame ─▶ ░░░░░ end of file
//!                     no frame: search            its payload is cut: torn tail
//!                     for SYNC with a header      (a cut block's whole records
//!                     whose checksum holds        are kept)
//! ```
//!
//! Every step moves on by at least a frame header, and the searches never go back, so that the scan
//! is linear in the file and in practice touches a page a frame: blocks are passed over unread.

use std::path::Path;
use std::sync::Arc;

use memchr::memmem;
use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FileHeaderError, FrameHeader, FrameKind, MAGIC, SYNC};
use stenolog_format::index::End;
use stenolog_format::loss::LossFrame;
use stenolog_format::volatile::{VolatileRing, VolatileState};

use super::block::Block;
use super::summary::SummaryPlace;
use super::tables::Tables;
use crate::model::damage::{Damage, DamageCause, MetadataError};
use crate::model::site::Site;

/// Reads the frames of one file into [`Tables`].
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    file: Arc<Path>,
    at: usize,
    /// The number that the next frame should have; unknown behind damage.
    expected: Option<u32>,
    sync: memmem::Finder<'static>,
    /// How many bytes of call sites may still be read.
    metadata_left: usize,
    tables: Tables,
}

/// A frame whose header is intact.
struct Frame<'a> {
    at: usize,
    header: FrameHeader,
    /// As much of the payload as there is.
    payload: &'a [u8],
}

impl Frame<'_> {
    fn is_cut(&self) -> bool {
        self.payload.len() < self.header.payload_bytes as usize
    }
}

impl<'a> Scanner<'a> {
    /// A scanner of the frames behind the first `start` bytes.
    pub(super) fn new(
        bytes: &'a [u8],
        start: usize,
        file: Arc<Path>,
        metadata_left: usize,
    ) -> Self {
        let sync = memmem::Finder::new(&SYNC);
        let tables = Tables::default();
        Self { bytes, file, at: start, expected: Some(0), sync, metadata_left, tables }
    }

    pub(super) fn header_is_damaged(&mut self, error: FileHeaderError) {
        self.damage(0, 0, DamageCause::FileHeader(error));
    }

    pub(super) fn run(mut self) -> Tables {
        while self.at < self.bytes.len() {
            match self.frame_at(self.at) {
                Some(frame) => self.take(&frame),
                None if !self.skip_to_next() => break,
                None => {}
            }
        }
        self.tables
    }

    fn frame_at(&self, at: usize) -> Option<Frame<'a>> {
        let rest = self.bytes.get(at..)?;
        let header = FrameHeader::decode(rest)?;
        let behind = &rest[FrameHeader::BYTES..];
        let payload = &behind[..behind.len().min(header.payload_bytes as usize)];
        Some(Frame { at, header, payload })
    }

    /// Moves over bytes that are no frame; `false` if none follows.
    fn skip_to_next(&mut self) -> bool {
        let start = self.at;
        if self.bytes[start..].starts_with(&MAGIC) {
            self.damage(start, self.bytes.len() - start, DamageCause::AnotherDump);
            self.at = self.bytes.len();
            return false;
        }
        let next = self.find_frame(start, |_| true);
        self.at = next.unwrap_or(self.bytes.len());
        self.expected = None;
        let skipped = self.at - start;
        // What another program put behind the end says nothing of how the log ended.
        if next.is_some() || self.tables.end.is_some() {
            self.damage(start, skipped, DamageCause::NoFrame);
        } else {
            self.tables.torn = Some((start as u64, skipped as u64));
        }
        next.is_some()
    }

    /// The next place behind `start` where a frame's header is intact, and `wanted`. Byte by byte:
    /// what was lost need not be a multiple of the alignment.
    fn find_frame(&self, start: usize, wanted: impl Fn(&FrameHeader) -> bool) -> Option<usize> {
        let behind = self.bytes.get(start + 1..)?;
        self.sync
            .find_iter(behind)
            .map(|place| start + 1 + place)
            .find(|&at| FrameHeader::decode(&self.bytes[at..]).is_some_and(|found| wanted(&found)))
    }

    fn take(&mut self, frame: &Frame<'a>) {
        self.check_sequence(frame);
        if frame.is_cut() {
            return self.take_cut(frame);
        }
        if self.tables.end.is_some() {
            self.damage(frame.at, 0, DamageCause::AfterEnd);
        }
        self.take_whole(frame);
        let bytes = usize::try_from(frame.header.frame_bytes()).unwrap_or(usize::MAX);
        self.at = frame.at.saturating_add(bytes).min(self.bytes.len());
    }

    fn check_sequence(&mut self, frame: &Frame<'_>) {
        let found = frame.header.sequence;
        if let Some(expected) = self.expected.filter(|&expected| expected != found) {
            self.damage(frame.at, 0, DamageCause::Sequence { expected, found });
        }
        self.expected = Some(found.wrapping_add(1));
    }

    /// The frame goes on behind the end of the file: the file is cut there, unless the logger
    /// itself was cut short (a full disk) and went on with another frame.
    fn take_cut(&mut self, frame: &Frame<'a>) {
        let number = frame.header.sequence;
        // Text that was logged may look like a frame: only the right number makes it one.
        let follows = |header: &FrameHeader| header.sequence.wrapping_sub(number) <= 1;
        let next = self.find_frame(frame.at + FrameHeader::BYTES - 1, follows);
        let end = next.unwrap_or(self.bytes.len());
        let payload = &self.bytes[(frame.at + FrameHeader::BYTES).min(end)..end];
        let stated = frame.header.payload_bytes;
        let lost = end - frame.at;
        if next.is_some() {
            self.damage(frame.at, lost, DamageCause::CutFrame { stated });
            self.expected = None;
        } else if self.tables.end.is_some() {
            self.damage(frame.at, lost, DamageCause::AfterEnd);
        } else {
            self.tables.torn = Some((frame.at as u64, lost as u64));
        }
        if FrameKind::from_u8(frame.header.kind) == Some(FrameKind::Block) {
            self.take_block(&Frame { payload, ..*frame });
        }
        self.at = end;
    }

    fn take_whole(&mut self, frame: &Frame<'a>) {
        let frames = &mut self.tables.frames;
        let (count, kind) = match FrameKind::from_u8(frame.header.kind) {
            Some(FrameKind::Block) => {
                frames.block += 1;
                return self.take_block(frame);
            }
            // Read by `verify` only: the scan finds what it says.
            Some(FrameKind::Index) => {
                frames.index += 1;
                let payload = (frame.at + FrameHeader::BYTES, frame.payload.len());
                return self.tables.indexes.push(payload);
            }
            // Read when a block may be passed over because of it, and by `verify`.
            Some(FrameKind::Summary) => {
                frames.summary += 1;
                self.tables.others.push(frame.at as u64);
                return self.take_summary(frame.at);
            }
            None => {
                frames.unknown += 1;
                self.tables.others.push(frame.at as u64);
                return;
            }
            Some(FrameKind::Dictionary) => (&mut frames.dictionary, "dictionary"),
            Some(FrameKind::Thread) => (&mut frames.thread, "thread"),
            Some(FrameKind::Clock) => (&mut frames.clock, "clock"),
            Some(FrameKind::Loss) => (&mut frames.loss, "loss"),
            Some(FrameKind::Watermark) => (&mut frames.watermark, "watermark"),
            Some(FrameKind::Volatile) => (&mut frames.volatile, "volatile"),
            Some(FrameKind::Header) => (&mut frames.header, "header"),
            Some(FrameKind::End) => (&mut frames.end, "end"),
        };
        *count += 1;
        if kind != "end" {
            self.tables.others.push(frame.at as u64);
        }
        if !frame.header.matches(frame.payload) {
            let bytes = frame.header.frame_bytes() as usize;
            return self.damage(frame.at, bytes, DamageCause::Checksum { kind });
        }
        if let Err(why) = self.take_metadata(frame) {
            let bytes = frame.header.frame_bytes() as usize;
            self.damage(frame.at, bytes, DamageCause::Metadata { kind, why });
        }
    }

    /// Only notes where the block stands. Its checksum is for whoever reads it.
    fn take_block(&mut self, frame: &Frame<'_>) {
        let Some(header) = BlockHeader::decode(frame.payload) else {
            if !frame.is_cut() {
                let why = MetadataError::Short { bytes: frame.payload.len() };
                let cause = DamageCause::Metadata { kind: "block", why };
                self.damage(frame.at, frame.payload.len() + FrameHeader::BYTES, cause);
            }
            return;
        };
        self.tables.blocks.push(Block {
            offset: frame.at as u64,
            payload_bytes: frame.payload.len() as u32,
            payload_crc: frame.header.payload_crc,
            is_cut: frame.is_cut(),
            header,
        });
    }

    /// Only notes where it stands, and which block it should be of: the last one before it.
    fn take_summary(&mut self, at: usize) {
        let tables = &mut self.tables;
        let Some(block) = tables.blocks.len().checked_sub(1) else { return };
        let place = SummaryPlace { block: block as u32, offset: at as u64 };
        if tables.summaries.last().is_none_or(|last| last.block != place.block) {
            tables.summaries.push(place);
        }
    }

    fn take_metadata(&mut self, frame: &Frame<'_>) -> Result<(), MetadataError> {
        let payload = frame.payload;
        let bytes = payload.len();
        let short = MetadataError::Short { bytes };
        let kind = FrameKind::from_u8(frame.header.kind);
        // The others take no more memory than a few times their bytes in the file: a process may have
        // had threads by the million.
        if kind == Some(FrameKind::Dictionary) {
            let limit = self.metadata_left;
            let Some(left) = limit.checked_sub(bytes) else {
                return Err(MetadataError::TooLong { bytes, limit });
            };
            self.metadata_left = left;
        }
        let tables = &mut self.tables;
        match kind {
            // A later minor version may add fields at the end: what follows is passed over.
            Some(FrameKind::Dictionary) => {
                let (sites, _) = postcard::take_from_bytes::<Vec<CallSite>>(payload)
                    .map_err(MetadataError::Postcard)?;
                sites.into_iter().for_each(|site| self.define(frame.at, site));
            }
            Some(FrameKind::Thread) => {
                let thread = Thread::decode(payload).map_err(MetadataError::Postcard)?;
                self.name_thread(frame.at, thread);
            }
            Some(FrameKind::Clock) => tables.clock.push(ClockPair::decode(payload).ok_or(short)?),
            Some(FrameKind::Loss) => tables.losses.push(LossFrame::decode(payload).ok_or(short)?),
            Some(FrameKind::Volatile) => {
                self.take_volatile(frame.at, VolatileRing::decode(payload).ok_or(short)?);
            }
            Some(FrameKind::End) => tables.end = Some(End::decode(payload).ok_or(short)?),
            Some(FrameKind::Header) => {
                let (header, _) = FileHeader::decode(payload).map_err(|_| short)?;
                tables.restated.get_or_insert(header);
            }
            // Block headers say more exactly what a watermark promises.
            _ => {}
        }
        Ok(())
    }

    fn define(&mut self, at: usize, call_site: CallSite) {
        let id = call_site.id;
        if id < CallSite::FIRST_ID {
            return self.damage(at, 0, DamageCause::ReservedId { id });
        }
        match self.tables.sites.get(id) {
            Some(site) if *site.call_site() == call_site => {}
            Some(_) => self.damage(at, 0, DamageCause::Redefined { id }),
            None => {
                let (site, error) = Site::new(call_site);
                self.tables.sites.insert(site);
                if let Some(why) = error {
                    self.damage(at, 0, DamageCause::Template { id, why });
                }
            }
        }
    }

    fn name_thread(&mut self, at: usize, thread: Thread) {
        let ring = thread.ring;
        let known = self.tables.threads.entry(ring).or_insert_with(|| thread.clone());
        if *known != thread {
            self.damage(at, 0, DamageCause::RedefinedThread { ring });
        }
    }

    fn take_volatile(&mut self, at: usize, stated: VolatileRing) {
        let ring = stated.ring;
        let state = VolatileState::from_u8(stated.state);
        if let Some(VolatileState::MemoryLost | VolatileState::UnlinkedLost) = state {
            let thread = self.tables.threads.get(&ring).map(|thread| thread.name.as_str().into());
            let (thread, number) = (thread.unwrap_or_default(), stated.number);
            let is_unlinked = state == Some(VolatileState::UnlinkedLost);
            self.damage(at, 0, DamageCause::RingLost { ring, thread, number, is_unlinked });
        }
        self.tables.volatile.push(stated);
    }

    fn damage(&mut self, at: usize, bytes: usize, cause: DamageCause) {
        let file = Arc::clone(&self.file);
        self.tables.damage.push(Damage { file, offset: at as u64, bytes: bytes as u64, cause });
    }
}
