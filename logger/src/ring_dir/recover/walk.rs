//! From frame header to frame header through a dump: what it has, and where it ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use stenolog_format::block::{BlockHeader, Codec};
use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::{FrameHeader, FrameKind};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_session::codec::Decompressor;

use super::of_dump;
use crate::ring_dir::NotRecovered;

/// Headers are read through a window of this size: small frames lie side by side in it.
const WINDOW_BYTES: usize = 4096;

/// No payload that must be read is longer: a block has at most one ring, and its header.
const MAX_PAYLOAD_BYTES: u32 = (1 << 30) + (1 << 12);

/// What a dump has.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Behind the last frame that is whole.
    pub(super) end: u64,
    pub(super) frames: u32,
    /// Since the last index.
    pub(super) index: Index,
    pub(super) records: u64,
    pub(super) rings: BTreeMap<u32, RingState>,
    /// The call sites that it explains.
    pub(super) sites: Vec<CallSite>,
    pub(super) has_clock: bool,
    /// There is an end frame, nothing behind it, and no other file.
    pub(super) is_sealed: bool,
}

/// What a dump has of a ring.
#[derive(Debug, Default)]
pub(super) struct RingState {
    /// The number of the next record, and where the last block ended.
    pub(super) next: Option<(u64, u64)>,
    /// How many lost records it states.
    pub(super) lost: u64,
}

/// Walks from `begin`. Up to `written` there must be whole frames, of which the headers are
/// believed; of what lies behind, frames count whose checksum is right, too.
///
/// There are such frames if the process was killed before it had stated them, or an earlier recovery
/// was. The rings may have their records still, whose numbers tell; but not for sure, should `progress`
/// not have been writable for a while. So they are kept.
pub(super) fn walk(dump: &File, begin: u64, written: u64) -> Result<Walked, NotRecovered> {
    let len = dump.metadata().map_err(of_dump)?.len();
    if written.max(begin) > len {
        return Err(NotRecovered::Dump { offset: len });
    }
    let mut walk = Walk {
        file: Window { file: dump, at: 0, bytes: Vec::new() },
        walked: Walked { end: begin, ..Walked::default() },
    };
    loop {
        let offset = walk.walked.end;
        let odd = || NotRecovered::Dump { offset };
        let is_written = offset < written;
        let limit = if is_written { written } else { len };
        let header = FrameHeader::decode(walk.file.read(offset, FrameHeader::BYTES)?);
        let header = header.filter(|header| {
            let fits = offset.checked_add(header.frame_bytes()).is_some_and(|end| end <= limit);
            fits && header.sequence == walk.walked.frames
        });
        let Some(header) = header else {
            if is_written {
                return Err(odd());
            }
            break;
        };
        if !is_written && walk.payload(&header)?.is_none() {
            break;
        }
        if walk.walked.is_sealed {
            return Err(odd());
        }
        walk.frame(&header)?.ok_or_else(odd)?;
        walk.walked.end += header.frame_bytes();
        walk.walked.frames = walk.walked.frames.checked_add(1).ok_or_else(odd)?;
    }
    let walked = walk.walked;
    // What is behind an end is nothing that a logger has written.
    if walked.is_sealed && walked.end < len {
        return Err(NotRecovered::Dump { offset: walked.end });
    }
    Ok(walked)
}

struct Walk<'d> {
    file: Window<'d>,
    walked: Walked,
}

impl Walk<'_> {
    /// Notes the frame at the end of what was walked; `None` if it is not as a logger writes it.
    fn frame(&mut self, header: &FrameHeader) -> Result<Option<()>, NotRecovered> {
        let offset = self.walked.end;
        match FrameKind::from_u8(header.kind) {
            Some(FrameKind::Block) => return self.block(header),
            Some(FrameKind::Loss) => {
                let payload = self.payload(header)?;
                let frame = payload.as_deref().and_then(LossFrame::decode);
                let Some(frame) = frame else { return Ok(None) };
                let ring = self.walked.rings.entry(frame.ring).or_default();
                ring.lost = ring.lost.max(frame.loss.total());
                self.walked.index.metadata.push(offset);
            }
            Some(FrameKind::Clock) => {
                self.walked.has_clock = true;
                self.walked.index.metadata.push(offset);
            }
            Some(FrameKind::Dictionary) => {
                // If it is damaged, what it explains has to stand in a directory.
                let sites = self.payload(header)?.and_then(|said| CallSite::decode_all(&said).ok());
                self.walked.sites.extend(sites.into_iter().flatten());
                self.walked.index.metadata.push(offset);
            }
            Some(FrameKind::Thread | FrameKind::Volatile) => {
                self.walked.index.metadata.push(offset);
            }
            Some(FrameKind::Index) => {
                self.walked.index = Index { previous: offset, ..Index::default() };
            }
            Some(FrameKind::End) => {
                let payload = self.payload(header)?;
                let end = payload.as_deref().and_then(End::decode);
                let is_last = end.is_some_and(|end| !end.continues);
                self.walked.is_sealed = is_last;
                return Ok(is_last.then_some(()));
            }
            Some(FrameKind::Watermark | FrameKind::Summary | FrameKind::Header) => {}
            None => return Ok(None),
        }
        Ok(Some(()))
    }

    fn block(&mut self, header: &FrameHeader) -> Result<Option<()>, NotRecovered> {
        let offset = self.walked.end;
        let bytes = self.file.read(offset + FrameHeader::BYTES as u64, BlockHeader::BYTES)?;
        let Some(block) = BlockHeader::decode(bytes) else { return Ok(None) };
        let stored = header.payload_bytes.checked_sub(BlockHeader::BYTES as u32);
        let is_allowed = |codec: Codec| {
            stored.is_some_and(|stored| codec.allows(block.body_bytes as usize, stored as usize))
        };
        // Of a later version, or none.
        if block.encoding > 2 || !Codec::from_number(block.codec).is_some_and(is_allowed) {
            return Ok(None);
        }
        let lost = if block.flags & BlockHeader::HAS_LOSS == 0 {
            0
        } else {
            let payload = self.payload(header)?;
            let Some(lost) = payload.as_deref().and_then(|payload| lost_by(&block, payload)) else {
                return Ok(None);
            };
            lost
        };
        let ring = self.walked.rings.entry(block.ring).or_default();
        let (number, position) = ring.next.unwrap_or((block.first_record, block.position));
        let behind = block.first_record.checked_add(block.count.into());
        let goes_on = block.first_record >= number
            && block.position >= position
            && block.end_position >= block.position;
        let Some(behind) = behind.filter(|_| goes_on) else { return Ok(None) };
        ring.next = Some((behind, block.end_position));
        ring.lost = ring.lost.max(lost);
        self.walked.records = self.walked.records.saturating_add(block.count.into());
        self.walked.index.blocks.push((offset, block));
        Ok(Some(()))
    }

    /// The payload of the frame at the end of what was walked, if its checksum is right.
    fn payload(&self, header: &FrameHeader) -> Result<Option<Vec<u8>>, NotRecovered> {
        // It has been seen to be in the file.
        if header.payload_bytes > MAX_PAYLOAD_BYTES {
            return Ok(None);
        }
        let mut payload = vec![0; header.payload_bytes as usize];
        let at = self.walked.end + FrameHeader::BYTES as u64;
        self.file.file.read_exact_at(&mut payload, at).map_err(of_dump)?;
        Ok(header.matches(&payload).then_some(payload))
    }
}

/// How many lost records the statements in a block tell, at the most; `None` if it cannot be read.
fn lost_by(block: &BlockHeader, payload: &[u8]) -> Option<u64> {
    let mut lost = 0;
    let stored = payload.get(BlockHeader::BYTES..)?;
    let body = Decompressor::default().decompress(block, stored).ok()?;
    let mut rows = Vec::new();
    let (block, body) = if block.encoding == 2 {
        (block.rows(&body, stored.len(), &mut rows).ok()?, rows)
    } else {
        (BlockHeader { codec: Codec::None.number(), ..*block }, body)
    };
    for record in block.records(&body).ok()? {
        let record = record.ok()?;
        if record.tag == CallSite::LOSS_ID {
            // Without its time.
            let loss = Loss::decode(&[&[0; 8], record.values].concat())?;
            lost = lost.max(loss.total());
        }
    }
    Some(lost)
}

/// A part of the file.
struct Window<'d> {
    file: &'d File,
    at: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The bytes at `offset`; fewer at the end of the file.
    fn read(&mut self, offset: u64, bytes: usize) -> Result<&[u8], NotRecovered> {
        let has = |window: &Self| {
            let from = usize::try_from(offset.checked_sub(window.at)?).ok()?;
            (from.checked_add(bytes)? <= window.bytes.len()).then_some(from)
        };
        if has(self).is_none() {
            self.bytes.resize(WINDOW_BYTES, 0);
            let mut filled = 0;
            while filled < WINDOW_BYTES {
                match self.file.read_at(&mut self.bytes[filled..], offset + filled as u64) {
                    Ok(0) => break,
                    Ok(more) => filled += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(of_dump(error)),
                }
            }
            self.bytes.truncate(filled);
            self.at = offset;
        }
        let from = has(self).unwrap_or(0);
        Ok(&self.bytes[from..self.bytes.len().min(from + bytes)])
    }
}

#[cfg(test)]
mod tests;
