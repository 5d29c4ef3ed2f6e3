//! The contents of a dump, as far as its rings need them: frame headers, explanations and losses.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use stenolog_format::block::{BlockHeader, Codec, GroupBody, GroupHead};
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::span::SpanMark;

use super::NotRecovered;
use super::judge::end_number;
use crate::codec::Decompressor;
use crate::frames::{Frame, FrameSource, Position, Walk, WalkStep, Window};
use crate::positioned;
use crate::writer::OpenSegment;

/// The greatest length of a payload that must be read: a block has at most one ring, and its header.
const MAX_PAYLOAD_BYTES: u32 = (1 << 30) + (1 << 12);

/// How many bytes the parts of a block usually take at most.
const USUAL_PARTS_BYTES: usize = 1 << 12;

/// The contents of a dump.
#[derive(Debug)]
pub(super) struct DumpContents {
    /// The whole frames.
    pub(super) segment: OpenSegment,
    pub(super) rings: BTreeMap<u32, RingInDump>,
    /// The threads that it explains.
    pub(super) threads: Vec<u32>,
    /// The call sites that it explains.
    pub(super) sites: Vec<CallSite>,
    /// Which of them are events of spans.
    pub(super) marks: Vec<SpanMark>,
    pub(super) has_clock: bool,
    /// There is an end frame, nothing after it, and no other file.
    pub(super) is_sealed: bool,
}

/// The contents of a dump that belong to one ring.
#[derive(Debug, Default)]
pub(super) struct RingInDump {
    /// The number of the next record, and the position where the last block ended.
    pub(super) next: Option<(u64, u64)>,
    /// The greatest number of lost records that it states.
    pub(super) lost: u64,
    /// The blocks whose records the ring may still have, and whether each is intact.
    pub(super) blocks: Vec<(BlockHeader, bool)>,
}

impl DumpContents {
    /// Reads the frames from `begin` on. Up to `written` there must be whole frames, whose headers are
    /// believed. Later frames count if their checksum is right.
    ///
    /// Such frames exist if the process was killed before it had stated them, or an earlier recovery was.
    /// The rings may still have their records, which the numbers tell; but not for sure, because `progress`
    /// may not have been writable for a while. Therefore they are kept.
    ///
    /// `firsts` has the number of the first record that each ring still has.
    pub(super) fn read(
        dump: &File,
        header: FileHeader,
        begin: u64,
        written: u64,
        firsts: &BTreeMap<u32, u64>,
    ) -> Result<Self, NotRecovered> {
        let len = dump.metadata().map_err(NotRecovered::of_dump)?.len();
        if written.max(begin) > len {
            return Err(NotRecovered::Dump { offset: len });
        }
        let window =
            Window::new(len, |buffer: &mut [u8], offset| positioned::read_at(dump, buffer, offset));
        let segment =
            OpenSegment { header, end: begin, frames: 0, records: 0, index: Index::default() };
        let mut reader = ContentsReader {
            walk: Walk::new(window, Position::first(begin)),
            firsts,
            contents: Self {
                segment,
                rings: BTreeMap::new(),
                threads: Vec::new(),
                sites: Vec::new(),
                marks: Vec::new(),
                has_clock: false,
                is_sealed: false,
            },
        };
        while reader.step(written)? {}
        let contents = reader.contents;
        // No logger writes anything after an end.
        if contents.is_sealed && contents.segment.end < len {
            return Err(NotRecovered::Dump { offset: contents.segment.end });
        }
        Ok(contents)
    }
}

/// Whether there is a whole frame after the place `end`, where there is none.
pub(super) fn goes_on_after(dump: &File, end: u64) -> io::Result<bool> {
    let read = |buffer: &mut [u8], offset| positioned::read_at(dump, buffer, offset);
    let window = Window::new(dump.metadata()?.len(), read);
    let mut walk = Walk::new(window, Position::first(end));
    while let Some(step) = walk.step()? {
        if let WalkStep::Frame(frame) = step
            && walk.payload(&frame, MAX_PAYLOAD_BYTES)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

struct ContentsReader<'a, S> {
    walk: Walk<S>,
    firsts: &'a BTreeMap<u32, u64>,
    contents: DumpContents,
}

impl<S: FrameSource<Error = io::Error>> ContentsReader<'_, S> {
    /// Reads a frame; `false` if no whole one follows.
    fn step(&mut self, written: u64) -> Result<bool, NotRecovered> {
        let offset = self.contents.segment.end;
        let odd = || NotRecovered::Dump { offset };
        let is_written = offset < written;
        let limit = if is_written { written } else { self.walk.source_mut().len_bytes() };
        let Some(frame) = self.next(limit)? else {
            return if is_written { Err(odd()) } else { Ok(false) };
        };
        if !is_written && !self.is_whole(&frame)? {
            return Ok(false);
        }
        if self.contents.is_sealed {
            return Err(odd());
        }
        self.take(&frame)?.ok_or_else(odd)?;
        let segment = &mut self.contents.segment;
        segment.end = frame.end();
        segment.frames = segment.frames.checked_add(1).ok_or_else(odd)?;
        Ok(true)
    }

    /// The next frame, if it ends before `limit`; `None` if it is not the next one. Then there are no more
    /// whole frames, and the walk must not search the rest of the file for others.
    fn next(&mut self, limit: u64) -> Result<Option<Frame>, NotRecovered> {
        let offset = self.walk.position().offset;
        let bytes = self.walk.source_mut().bytes_at(offset, FrameHeader::BYTES);
        let header = FrameHeader::decode(bytes.map_err(NotRecovered::of_dump)?);
        let ends_within = |header: FrameHeader| {
            offset.checked_add(header.frame_bytes()).is_some_and(|end| end <= limit)
        };
        if !header.is_some_and(ends_within) {
            return Ok(None);
        }
        match self.walk.step().map_err(NotRecovered::of_dump)? {
            Some(WalkStep::Frame(frame)) if frame.missed_sequence().is_none() => Ok(Some(frame)),
            _ => Ok(None),
        }
    }

    /// Notes a frame; `None` if no logger writes such a frame.
    fn take(&mut self, frame: &Frame) -> Result<Option<()>, NotRecovered> {
        let kind = FrameKind::from_u8(frame.header.kind);
        match kind {
            Some(FrameKind::Block) => return self.take_block(frame),
            Some(FrameKind::End) => {
                let end = self.payload(frame)?.and_then(|payload| End::decode(&payload));
                self.contents.is_sealed = end.is_some_and(|end| !end.continues);
                return Ok(self.contents.is_sealed.then_some(()));
            }
            Some(FrameKind::Index) => {
                let index = Index { previous: frame.offset, ..Index::default() };
                self.contents.segment.index = index;
                return Ok(Some(()));
            }
            Some(FrameKind::Watermark | FrameKind::Summary | FrameKind::Header) => {
                return Ok(Some(()));
            }
            Some(FrameKind::Loss) => {
                let loss = self.payload(frame)?.and_then(|payload| LossFrame::decode(&payload));
                let Some(LossFrame { ring, loss, .. }) = loss else { return Ok(None) };
                let ring = self.contents.rings.entry(ring).or_default();
                ring.lost = ring.lost.max(loss.total());
            }
            Some(FrameKind::Clock) => self.contents.has_clock = true,
            // If one is damaged, a directory has to explain what it explained.
            Some(FrameKind::Dictionary) => {
                let payload = self.payload(frame)?;
                let sites = payload.and_then(|payload| CallSite::decode_all(&payload).ok());
                self.contents.sites.extend(sites.into_iter().flatten());
            }
            Some(FrameKind::Thread) => {
                let payload = self.payload(frame)?;
                let thread = payload.and_then(|payload| Thread::decode(&payload).ok());
                self.contents.threads.extend(thread.map(|thread| thread.ring));
            }
            Some(FrameKind::Context) => {
                self.contents.segment.index.contexts.push(frame.offset);
                return Ok(Some(()));
            }
            Some(FrameKind::Spans) => {
                let payload = self.payload(frame)?;
                let marks = payload.and_then(|payload| SpanMark::decode_all(&payload).ok());
                self.contents.marks.extend(marks.into_iter().flatten());
            }
            Some(FrameKind::Volatile) => {}
            _ => return Ok(None),
        }
        self.contents.segment.index.metadata.push(frame.offset);
        Ok(Some(()))
    }

    fn take_block(&mut self, frame: &Frame) -> Result<Option<()>, NotRecovered> {
        let bytes = self.walk.source_mut().bytes_at(frame.payload_offset(), BlockHeader::BYTES);
        let block = BlockHeader::decode(bytes.map_err(NotRecovered::of_dump)?);
        let Some(block) = block else { return Ok(None) };
        let Some(parts) = self.parts(frame, &block)? else { return Ok(None) };
        let mut lost = vec![0; parts.len()];
        if block.flags & BlockHeader::HAS_LOSS != 0 {
            let payload = self.payload(frame)?;
            match payload.and_then(|payload| lost_by(&block, &payload)) {
                Some(stated) => lost = stated,
                None => return Ok(None),
            }
        }
        for (part, lost) in parts.iter().zip(lost) {
            if self.take_part(frame, part, lost)?.is_none() {
                return Ok(None);
            }
        }
        let segment = &mut self.contents.segment;
        segment.records = segment.records.saturating_add(block.count.into());
        segment.index.blocks.push((frame.offset, block));
        Ok(Some(()))
    }

    /// The headers of the parts of a block: of each ring one. `None` if a later version wrote it.
    fn parts(
        &mut self,
        frame: &Frame,
        block: &BlockHeader,
    ) -> Result<Option<Vec<BlockHeader>>, NotRecovered> {
        let stored = frame.header.payload_bytes.saturating_sub(BlockHeader::BYTES as u32) as usize;
        if block.encoding != BlockHeader::GROUP {
            let is_allowed = |codec: Codec| codec.allows(block.body_bytes as usize, stored);
            let is_known = block.encoding < BlockHeader::GROUP
                && Codec::from_number(block.codec).is_some_and(is_allowed);
            return Ok(is_known.then(|| vec![*block]));
        }
        let start = frame.payload_offset() + BlockHeader::BYTES as u64;
        let mut length = stored.min(USUAL_PARTS_BYTES);
        loop {
            let bytes = self.walk.source_mut().bytes_at(start, length);
            let bytes = bytes.map_err(NotRecovered::of_dump)?;
            let bytes = bytes.get(..length.min(bytes.len())).unwrap_or_default();
            let mut parts = Vec::new();
            if GroupHead::each_part(block, bytes, |part, _| parts.push(part)).is_ok() {
                return Ok(Some(parts));
            }
            if length == stored {
                return Ok(None);
            }
            length = stored.min(length * 8);
        }
    }

    /// Notes the records of one ring.
    fn take_part(
        &mut self,
        frame: &Frame,
        block: &BlockHeader,
        lost: u64,
    ) -> Result<Option<()>, NotRecovered> {
        let Some(end) = block.first_record.checked_add(block.count.into()) else { return Ok(None) };
        let may_be_in_ring = self.firsts.get(&block.ring).is_some_and(|&first| end >= first);
        let is_whole = may_be_in_ring && self.is_whole(frame)?;
        let ring = self.contents.rings.entry(block.ring).or_default();
        let (number, position) = ring.next.unwrap_or((block.first_record, block.position));
        let goes_on = block.first_record >= number
            && block.position >= position
            && block.end_position >= block.position;
        if !goes_on {
            return Ok(None);
        }
        ring.next = Some((end_number(block), block.end_position));
        ring.lost = ring.lost.max(lost);
        if may_be_in_ring {
            ring.blocks.push((*block, is_whole));
        }
        Ok(Some(()))
    }

    /// Whether the checksum of a frame's payload is right.
    fn is_whole(&mut self, frame: &Frame) -> Result<bool, NotRecovered> {
        let payload = self.walk.payload(frame, MAX_PAYLOAD_BYTES);
        Ok(payload.map_err(NotRecovered::of_dump)?.is_some())
    }

    /// The payload of a frame, if its checksum is right.
    fn payload(&mut self, frame: &Frame) -> Result<Option<Vec<u8>>, NotRecovered> {
        let payload = self.walk.payload(frame, MAX_PAYLOAD_BYTES);
        Ok(payload.map_err(NotRecovered::of_dump)?.map(<[u8]>::to_vec))
    }
}

/// The greatest number of lost records that the statements in each part of a block tell; `None` if it cannot be
/// read.
fn lost_by(block: &BlockHeader, payload: &[u8]) -> Option<Vec<u64>> {
    let stored = payload.get(BlockHeader::BYTES..)?;
    let mut decompressor = Decompressor::default();
    let mut rows = Vec::new();
    if block.encoding == BlockHeader::GROUP {
        let mut unpack =
            |codec, from: &[u8], to: &mut [u8]| decompressor.decompress_into(codec, from, to);
        let is_loss = |tag| tag == CallSite::LOSS_ID;
        let mut body = GroupBody::open(block, stored, Vec::new(), &mut unpack).ok()?;
        body.need_rows(stored, is_loss, &mut unpack).ok()?;
        let places = body.rows(&mut rows, is_loss).ok()?;
        let parts = body.head().parts.iter().zip(places);
        return parts
            .map(|(part, place)| {
                let encoding = BlockHeader::PACKED;
                lost_by_records(&BlockHeader { encoding, ..*part }, rows.get(place)?)
            })
            .collect();
    }
    let body = decompressor.decompress(block, stored).ok()?;
    let (block, body) = if block.encoding == BlockHeader::COLUMNS {
        (block.rows(&body, stored.len(), &mut rows).ok()?, rows)
    } else {
        (BlockHeader { codec: Codec::None.number(), ..*block }, body)
    };
    Some(vec![lost_by_records(&block, &body)?])
}

fn lost_by_records(block: &BlockHeader, body: &[u8]) -> Option<u64> {
    let mut lost = 0;
    for record in block.records(body).ok()? {
        let record = record.ok()?;
        if record.tag == CallSite::LOSS_ID {
            // The time is not a part of the values.
            let loss = Loss::decode(&[&[0; 8], record.values].concat())?;
            lost = lost.max(loss.total());
        }
    }
    Some(lost)
}

#[cfg(test)]
mod tests;
