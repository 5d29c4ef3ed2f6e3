//! Scan of a file's frames into its tables, which continues when the file has grown.
//!
//! ```text
//!   opened:     frame ─ frame ─ frame ─ ░░░░          a write is under way: torn, for now
//!                                     ╵ checkpoint
//!   refreshed:                          frame ─ frame ─ ░░
//! ```
//!
//! The [`Walk`] finds the frames; the scan reads metadata and notes where blocks are, unread. In practice
//! it touches a page per block.
//!
//! - **C1 (settled).** What the tables got before the checkpoint is what a scan of the longer file would
//!   give them. What they got after it, from a torn tail, is taken back before the scan goes on.
//! - **C2 (rescan).** If whole frames follow a frame that runs past the end of the file, the tables cannot
//!   take them back: there is no checkpoint, and a longer file is scanned from its first frame.

use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::End;
use stenolog_format::loss::LossFrame;
use stenolog_format::span::SpanMark;
use stenolog_format::volatile::VolatileRing;
use stenolog_session::frames::{Frame, Position, Walk, WalkStep};

use super::blocks::BlockEntry;
use super::tables::{Tables, kind_name};
use crate::model::damage::{Damage, DamageCause, MetadataError};

/// A place to continue a scan, and the state of the tables there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    position: Position,
    /// How many bytes of call sites may still be read.
    metadata_left: usize,
    blocks: usize,
    damage: usize,
}

impl Checkpoint {
    pub(super) const fn new(position: Position, metadata_left: usize, tables: &Tables) -> Self {
        let (blocks, damage) = (tables.blocks.len(), tables.damage.len());
        Self { position, metadata_left, blocks, damage }
    }

    /// How many bytes never have to be read again when the file grows.
    pub(super) fn settled_bytes(&self) -> usize {
        usize::try_from(self.position.offset).unwrap_or(usize::MAX)
    }

    /// How many blocks stay as they are, however the file grows.
    pub(super) const fn settled_blocks(&self) -> usize {
        self.blocks
    }

    fn rewind(&self, tables: &mut Tables) {
        tables.blocks.truncate(self.blocks);
        tables.damage.truncate(self.damage);
        tables.torn = None;
    }
}

/// Where a scan ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned {
    /// Everything before it is settled (C1).
    pub(super) checkpoint: Checkpoint,
    /// Whether the scan can continue there (C2).
    pub(super) can_resume: bool,
}

/// Scans the frames from a checkpoint on. Damage is of `file`.
pub(super) fn scan(
    bytes: &[u8],
    from: &Checkpoint,
    file: &Arc<Path>,
    tables: &mut Tables,
) -> Scanned {
    scan_after(&[], bytes, from, file, tables)
}

/// Takes these frames, then scans those from a checkpoint on.
pub(super) fn scan_after(
    metadata: &[Frame],
    bytes: &[u8],
    from: &Checkpoint,
    file: &Arc<Path>,
    tables: &mut Tables,
) -> Scanned {
    from.rewind(tables);
    let metadata_left = from.metadata_left;
    let mut scanner =
        Scanner { bytes, file, tables, metadata_left, unsettled: None, can_resume: true };
    metadata.iter().for_each(|frame| scanner.take_frame(frame));
    let mut walk = Walk::new(bytes, from.position);
    loop {
        let position = walk.position();
        let Ok(step) = walk.step();
        match step {
            Some(WalkStep::Frame(frame)) => scanner.take_frame(&frame),
            Some(step) => {
                if walk.resume() == position {
                    scanner.note_unsettled(position);
                }
                scanner.take_other(step);
            }
            None => break,
        }
    }
    let Scanner { tables, metadata_left, unsettled, can_resume, .. } = scanner;
    let end = || Checkpoint::new(walk.position(), metadata_left, tables);
    Scanned { checkpoint: unsettled.unwrap_or_else(end), can_resume }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    file: &'a Arc<Path>,
    tables: &'a mut Tables,
    metadata_left: usize,
    /// Before the first step that a longer file may change.
    unsettled: Option<Checkpoint>,
    can_resume: bool,
}

impl<'a> Scanner<'a> {
    /// Notes that a longer file may change the step that began at `position`: the walk resumes there.
    fn note_unsettled(&mut self, position: Position) {
        self.unsettled = Some(Checkpoint::new(position, self.metadata_left, self.tables));
    }

    /// Takes anything but a whole frame.
    #[cold]
    fn take_other(&mut self, step: WalkStep) {
        match step {
            WalkStep::Frame(frame) => self.take_frame(&frame),
            WalkStep::Cut { frame, end, is_last } => self.take_cut(&frame, end, is_last),
            WalkStep::Gap { offset, end, is_last } => {
                // What another program appended to a sealed file says nothing about how the log ended.
                if !is_last || self.tables.end.is_some() {
                    self.damage(offset, end - offset, DamageCause::NoFrame);
                } else {
                    self.tables.torn = Some((offset, end - offset));
                }
            }
            WalkStep::OtherDump { offset, end } => {
                self.damage(offset, end - offset, DamageCause::AnotherDump);
            }
        }
    }

    #[inline]
    fn take_frame(&mut self, frame: &Frame) {
        self.can_resume &= self.unsettled.is_none();
        self.check_sequence(frame);
        if self.tables.end.is_some() {
            self.damage(frame.offset, 0, DamageCause::AfterEnd);
        }
        let kind = FrameKind::from_u8(frame.header.kind);
        let payload_end = frame.payload_offset() + u64::from(frame.header.payload_bytes);
        let payload = self.payload(frame, payload_end);
        if kind == Some(FrameKind::Block) {
            // Most frames are blocks.
            self.tables.frames.block += 1;
            return self.take_block(frame, payload);
        }
        self.tables.frames.count(kind);
        match kind {
            // Only `verify` reads it: the scan finds the frames that it lists.
            Some(FrameKind::Index) => {
                self.tables.note_index(frame.offset, payload.len());
            }
            // Read to pass over blocks, and by `verify`.
            Some(FrameKind::Summary) => {
                self.tables.note_summary(frame.offset);
            }
            // Those who read the block after it read it.
            Some(kind @ FrameKind::Context) => {
                self.tables.note_context(frame.offset);
                self.take_metadata(frame, kind, payload);
            }
            None => self.tables.others.push(frame.offset),
            Some(kind) => {
                if kind != FrameKind::End {
                    self.tables.others.push(frame.offset);
                }
                self.take_metadata(frame, kind, payload);
            }
        }
    }

    /// Takes the part that is there of a frame that runs past the end of the file: the file was cut, unless the
    /// writer broke off (a full disk) and went on with another frame.
    fn take_cut(&mut self, frame: &Frame, end: u64, is_last: bool) {
        self.check_sequence(frame);
        let (offset, bytes) = (frame.offset, end - frame.offset);
        if !is_last {
            let stated = frame.header.payload_bytes;
            self.damage(offset, bytes, DamageCause::CutFrame { stated });
        } else if self.tables.end.is_some() {
            self.damage(offset, bytes, DamageCause::AfterEnd);
        } else {
            self.tables.torn = Some((offset, bytes));
        }
        if FrameKind::from_u8(frame.header.kind) == Some(FrameKind::Block) {
            self.take_block(frame, self.payload(frame, end));
        }
    }

    /// The payload of a frame, as far as it is there.
    fn payload(&self, frame: &Frame, end: u64) -> &'a [u8] {
        let start = frame.payload_offset().min(end) as usize;
        self.bytes.get(start..end as usize).unwrap_or_default()
    }

    fn check_sequence(&mut self, frame: &Frame) {
        if let Some(expected) = frame.missed_sequence() {
            let found = frame.header.sequence;
            self.damage(frame.offset, 0, DamageCause::Sequence { expected, found });
        }
    }

    /// Notes the place of a block. Its checksum is left to those who read it.
    fn take_block(&mut self, frame: &Frame, payload: &[u8]) {
        let is_cut = payload.len() < frame.header.payload_bytes as usize;
        let Some(header) = BlockHeader::decode(payload) else {
            if !is_cut {
                let why = MetadataError::Short { bytes: payload.len() };
                let bytes = (FrameHeader::BYTES + payload.len()) as u64;
                self.damage(frame.offset, bytes, DamageCause::Metadata { kind: "block", why });
            }
            return;
        };
        BlockEntry::add(frame.offset, &header, payload, &mut self.tables.blocks);
    }

    fn take_metadata(&mut self, frame: &Frame, kind: FrameKind, payload: &[u8]) {
        let name = kind_name(kind);
        if !frame.header.matches(payload) {
            let cause = DamageCause::Checksum { kind: name };
            return self.damage(frame.offset, frame.header.frame_bytes(), cause);
        }
        if let Err(why) = self.read_metadata(frame.offset, kind, payload) {
            let cause = DamageCause::Metadata { kind: name, why };
            self.damage(frame.offset, frame.header.frame_bytes(), cause);
        }
    }

    fn read_metadata(
        &mut self,
        at: u64,
        kind: FrameKind,
        payload: &[u8],
    ) -> Result<(), MetadataError> {
        let short = || MetadataError::Short { bytes: payload.len() };
        let tables = &mut *self.tables;
        let wrong = match kind {
            FrameKind::Dictionary => return self.read_call_sites(at, payload),
            FrameKind::Thread => {
                tables.add_thread(Thread::decode(payload).map_err(MetadataError::malformed)?)
            }
            FrameKind::Volatile => {
                tables.add_volatile(VolatileRing::decode(payload).ok_or_else(short)?)
            }
            FrameKind::Clock => {
                tables.clock.push(ClockPair::decode(payload).ok_or_else(short)?);
                None
            }
            FrameKind::Loss => {
                tables.losses.push(LossFrame::decode(payload).ok_or_else(short)?);
                None
            }
            FrameKind::End => {
                tables.end = Some(End::decode(payload).ok_or_else(short)?);
                None
            }
            FrameKind::Header => {
                let (header, _) = FileHeader::decode(payload).map_err(|_| short())?;
                tables.restated.get_or_insert(header);
                None
            }
            FrameKind::Spans => {
                let marks = SpanMark::decode_all(payload).map_err(MetadataError::malformed)?;
                tables.marked_from.get_or_insert(at);
                for mark in marks {
                    if let Some(event) = mark.event() {
                        tables.sites.mark(mark.site, event);
                    }
                }
                None
            }
            // Those who read the block after it check it.
            FrameKind::Context => None,
            // Block headers state more exactly what a watermark promises. The other kinds have no metadata.
            FrameKind::Watermark | FrameKind::Block | FrameKind::Index | FrameKind::Summary => None,
        };
        if let Some(cause) = wrong {
            self.damage(at, 0, cause);
        }
        Ok(())
    }

    /// Call sites alone count against the limit: other metadata takes no more memory than a few times its
    /// bytes in the file, and a process may have had threads by the million.
    fn read_call_sites(&mut self, at: u64, payload: &[u8]) -> Result<(), MetadataError> {
        let (bytes, limit) = (payload.len(), self.metadata_left);
        let Some(left) = limit.checked_sub(bytes) else {
            return Err(MetadataError::TooLong { bytes, limit });
        };
        self.metadata_left = left;
        let sites = CallSite::decode_all(payload).map_err(MetadataError::malformed)?;
        for site in sites {
            if let Some(cause) = self.tables.add_call_site(site) {
                self.damage(at, 0, cause);
            }
        }
        Ok(())
    }

    fn damage(&mut self, offset: u64, bytes: u64, cause: DamageCause) {
        let file = Arc::clone(self.file);
        self.tables.damage.push(Damage { file, offset, bytes, cause });
    }
}
