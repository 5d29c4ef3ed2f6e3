//! Opening of a dump for its last records: from its end, by its indexes.
//!
//! ```text
//!   header │ ▒▒▒ │ index ◀──── ▒▒▒ │ index ◀──── frames … │ index ◀── end
//!                  └ metadata, block headers       └ scanned
//! ```
//!
//! Only the frames that explain blocks are read of the part before: the indexes tell where they are, and which
//! times the blocks there have. If anything is not as a writer leaves it, the dump is opened as always. What is
//! damaged in the part that is not scanned is not noticed.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::frame::{FrameHeader, FrameKind};
use stenolog_format::index::{End, Index, IndexReader};
use stenolog_session::frames::{Frame, Position};

use super::Dump;
use super::contents::Contents;
use super::header;
use super::scan::{Checkpoint, scan_after};
use super::source::Source;
use super::tables::Tables;
use crate::error::OpenError;
use crate::limits::Limits;

/// At least this many blocks are scanned: a filter may want few of their records.
const LEAST_BLOCKS: usize = 256;

/// The blocks that are not listed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnlistedBlocks {
    /// The latest raw counter.
    pub(crate) counter: Option<u64>,
    /// The latest time that a caller gave.
    pub(crate) unix_ns: Option<i64>,
    /// Whether there are loss statements among their records.
    pub(crate) have_losses: bool,
    /// Where the listed blocks begin in the file.
    pub(crate) end: u64,
}

impl UnlistedBlocks {
    fn add(&mut self, header: &BlockHeader) {
        if header.flags & BlockHeader::HAS_COUNTER != 0 {
            self.counter = self.counter.max(Some(header.counter_last));
        }
        if header.flags & BlockHeader::HAS_UNIX != 0 {
            self.unix_ns = self.unix_ns.max(Some(header.unix_last));
        }
        self.have_losses |= header.flags & BlockHeader::HAS_LOSS != 0;
    }
}

impl Dump {
    /// Opens a file for [`Decoder::render_last`](crate::Decoder::render_last) of about as many records, or fewer.
    ///
    /// Of a sealed dump with whole indexes only the end is scanned, so this takes the same time whatever its
    /// length. What needs the rest opens it then: a [`Decoder`](crate::Decoder), [`verify`](crate::verify),
    /// [`info`](crate::info) and others read the same of it as of any other dump. [`blocks`](Self::blocks),
    /// [`frames`](Self::frames) and [`damage`](Self::damage) tell only of the part that was scanned.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Examples
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// # std::fs::write(&path, stenolog_testkit::sample())?;
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, Format, Limits, RenderOptions};
    ///
    /// let dump = Dump::open_last(&path, &Limits::default(), 10)?;
    /// let _ = Decoder::new(dump).render_last(10, Format::Short, &RenderOptions::default(), |text| {
    ///     ControlFlow::Continue(())
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_last(
        path: impl AsRef<Path>,
        limits: &Limits,
        records: u64,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (source, writer_is_alive) = Source::open(path, limits)?;
        let file: Arc<Path> = path.into();
        let scanned = (records, LEAST_BLOCKS);
        let Some(contents) = Contents::read_last(&file, &source, limits, scanned) else {
            return Self::open_by_index(path, limits);
        };
        // A sealed dump has no tail.
        Ok(Self::of(file, source, writer_is_alive, contents))
    }

    /// The blocks that were passed over when the dump was opened, if some were.
    pub(crate) fn unlisted(&self) -> Option<&UnlistedBlocks> {
        self.contents.unlisted.as_ref()
    }

    /// What [`open_last`](Self::open_last) would open, with at least as many blocks listed.
    #[cfg(test)]
    pub(crate) fn with_last(&self, records: u64, blocks: usize) -> Self {
        let limits = &self.contents.limits;
        match Contents::read_last(&self.name, &self.source, limits, (records, blocks)) {
            Some(contents) => Self { contents: Arc::new(contents), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The dump with all of its blocks.
    pub(crate) fn whole(&self) -> Cow<'_, Self> {
        if self.unlisted().is_none() && self.contents.listed.is_none() {
            return Cow::Borrowed(self);
        }
        let limits = &self.contents.limits;
        match Contents::read(&self.name, &self.source, limits) {
            Ok(contents) => Cow::Owned(Self { contents: Arc::new(contents), ..self.clone() }),
            // Unless the file changed meanwhile, this cannot be: it was a dump before.
            Err(_) => Cow::Borrowed(self),
        }
    }
}

impl Contents {
    /// Reads the metadata of a sealed dump, and scans its last blocks: at least as many, with at least as many
    /// records. `None` if that is not possible, or saves nothing.
    pub(super) fn read_last(
        file: &Arc<Path>,
        bytes: &[u8],
        limits: &Limits,
        (records, blocks): (u64, usize),
    ) -> Option<Self> {
        let (header, length, error) = header::read(file, bytes).ok()?;
        let indexes = indexes(bytes, limits)?;
        let all = || indexes.iter().flat_map(|index| &index.blocks);
        let count = all().count();
        let (mut listed, mut found) = (0, 0_u64);
        for (_, header) in indexes.iter().rev().flat_map(|index| index.blocks.iter().rev()) {
            if listed >= blocks && found >= records {
                break;
            }
            listed += 1;
            found = found.saturating_add(header.count.into());
        }
        let (from, _) = *all().nth(count - listed)?;
        let mut unlisted = UnlistedBlocks { end: from, ..UnlistedBlocks::default() };
        let passed_over = all().take(count - listed);
        passed_over.clone().for_each(|(_, header)| unlisted.add(header));
        if listed == count || error.is_some() || passed_over.clone().any(|(at, _)| *at >= from) {
            return None;
        }
        let mut metadata = Vec::new();
        for &at in indexes.iter().flat_map(|index| &index.metadata).filter(|&&at| at < from) {
            let (header, _) = frame_at(bytes, at)?;
            metadata.push(Frame { offset: at, header, expected: None });
        }
        // The context of the first block, which is directly before it.
        let contexts = indexes.iter().flat_map(|index| &index.contexts);
        if let Some(&at) = contexts.filter(|&&at| at < from).max() {
            let (header, _) = frame_at(bytes, at)?;
            metadata.push(Frame { offset: at, header, expected: None });
        }
        let (first, _) =
            frame_at(bytes, from).filter(|(header, _)| is(header, FrameKind::Block))?;
        let mut tables = Tables::default();
        let position = Position { offset: from, sequence: Some(first.sequence) };
        let start = Checkpoint::new(position, limits.metadata_bytes, &tables);
        debug_assert!(length as u64 <= from, "blocks come after the header");
        let scanned = scan_after(&metadata, bytes, &start, file, &mut tables);
        Some(Self {
            header,
            is_header_damaged: false,
            is_session_known: true,
            tables,
            scanned,
            limits: *limits,
            rings: None,
            unlisted: Some(unlisted),
            listed: None,
        })
    }
}

/// The indexes of a sealed dump, in the order of the file; `None` if one is not whole.
fn indexes(bytes: &[u8], limits: &Limits) -> Option<Vec<Index>> {
    let chain = index_chain(bytes, limits, end(bytes)?.index)?;
    chain.iter().map(|(_, payload)| Index::decode(payload).ok()).collect()
}

/// What the end of a sealed dump states.
pub(super) fn end(bytes: &[u8]) -> Option<End> {
    let end_at = bytes.len().checked_sub(FrameHeader::BYTES + End::BYTES)?;
    let (header, payload) = frame_at(bytes, end_at as u64)?;
    let is_end = is(&header, FrameKind::End) && header.matches(payload);
    End::decode(payload).filter(|_| is_end)
}

/// An index with its offset, and those before it to which it leads, in the order of the file, with their payloads.
/// None if `at` is 0; `None` if one is not whole.
pub(super) fn index_chain<'d>(
    bytes: &'d [u8],
    limits: &Limits,
    mut at: u64,
) -> Option<Vec<(u64, &'d [u8])>> {
    let mut before = bytes.len() as u64;
    let mut chain = Vec::new();
    while at != 0 {
        let (header, payload) = frame_at(bytes, at).filter(|_| at < before)?;
        let is_index = is(&header, FrameKind::Index) && payload.len() <= limits.metadata_bytes;
        if !is_index || !header.matches(payload) {
            return None;
        }
        chain.push((at, payload));
        (before, at) = (at, IndexReader::new(payload).ok()?.previous);
    }
    chain.reverse();
    Some(chain)
}

pub(super) fn is(header: &FrameHeader, kind: FrameKind) -> bool {
    header.kind == kind as u8
}

/// A frame with an intact header, and its whole payload, unchecked.
pub(super) fn frame_at(bytes: &[u8], at: u64) -> Option<(FrameHeader, &[u8])> {
    let frame = bytes.get(usize::try_from(at).ok()?..)?;
    let header = FrameHeader::decode(frame)?;
    let end = FrameHeader::BYTES.saturating_add(header.payload_bytes as usize);
    Some((header, frame.get(FrameHeader::BYTES..end)?))
}
