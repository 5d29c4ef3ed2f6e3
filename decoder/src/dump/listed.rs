//! Opening of a dump by its indexes: its frames are not walked.
//!
//! ```text
//!   header │ ▒▒▒ │ index ◀──── ▒▒▒ │ index ◀───── frames … │ end, or a copy of the header
//!             └ metadata, places of blocks          └ scanned
//! ```
//!
//! A walk touches the page of each frame, and the records of most blocks are not wanted soon, or never. Indexes say
//! in a few pages where all blocks are, which rings they are of, and when.
//!
//! - **L1 (checked).** An index is used if its checksum is right and it lists frames between the index before it and
//!   itself. If one index is not as a writer leaves it, the dump is opened by a walk. A listed block is read only
//!   if a block's frame is there.
//! - **L2 (found late).** What is wrong between the frames that were read is found by the walk for which a
//!   reader asks when it has [read everything](Dump::whole).

use std::path::Path;
use std::sync::Arc;

use memchr::memmem;
use stenolog_format::block::BlockHeader;
use stenolog_format::frame::{FrameKind, SYNC};
use stenolog_format::index::{HeaderCopy, IndexReader};
use stenolog_session::frames::{Frame, Position};

use super::Dump;
use super::blocks::BlockEntry;
use super::contents::Contents;
use super::header;
use super::last::{end, frame_at, index_chain, is};
use super::scan::{Checkpoint, scan_after};
use super::source::Source;
use super::tables::Tables;
use super::tail;
use crate::error::OpenError;
use crate::limits::Limits;

/// A walk over fewer blocks is quick, and finds what is wrong.
const LEAST_BLOCKS: usize = 512;

/// How many bytes before the end of a file to search for a copy of its header. Writers put one each mebibyte.
const SEARCHED_BYTES: usize = 4 << 20;

/// The blocks that indexes list.
#[derive(Clone, Debug)]
pub(crate) struct ListedBlocks {
    /// The offsets of the indexes, in the order of the file.
    indexes: Arc<[u64]>,
    /// How many entries the blocks have.
    entries: usize,
}

impl ListedBlocks {
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }
}

impl Dump {
    /// Opens a file for a [`Decoder`](crate::Decoder) that soon delivers its first entries.
    ///
    /// This takes about as long as reading the indexes of the dump, which are a thousandth of it. What is wrong
    /// between its frames is in the [summary](crate::Decoder::summary) of a decoder that has read
    /// everything; [`frames`](Self::frames) and [`damage`](Self::damage) tell only of what was read of the file.
    /// [`verify`](crate::verify), [`info`](crate::info) and others read the same of it as of any other dump.
    /// A dump that is short or has no whole indexes is [opened](Self::open_within) as always.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Examples
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// # std::fs::write(&path, stenolog_testkit::sample())?;
    /// use stenolog_decoder::{Decoder, Dump, Limits};
    ///
    /// let mut decoder = Decoder::new(Dump::open_by_index(&path, &Limits::default())?);
    /// assert!(decoder.records().next().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_by_index(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, OpenError> {
        let path = path.as_ref();
        // Before the file: what is no longer in the tail then is in the file.
        let tail = tail::read_before(path);
        let (source, writer_is_alive) = Source::open(path, limits)?;
        let file: Arc<Path> = path.into();
        let contents = match Contents::read_by_index(&file, &source, limits, LEAST_BLOCKS) {
            Some(contents) => contents,
            None => Contents::read(&file, &source, limits)?,
        };
        let mut dump = Self::of(file, source, writer_is_alive, contents);
        dump.take_tail(tail.as_ref());
        Ok(dump)
    }

    /// What [`open_by_index`](Self::open_by_index) would open, even if there are few blocks.
    #[cfg(test)]
    pub(crate) fn by_index(&self) -> Option<Self> {
        let limits = &self.contents.limits;
        let contents = Contents::read_by_index(&self.name, &self.source, limits, 1)?;
        Some(Self { contents: Arc::new(contents), ..self.clone() })
    }

    /// Whether indexes list blocks that no scan has come to.
    pub(crate) fn is_by_index(&self) -> bool {
        self.contents.listed.is_some()
    }

    /// The headers of the blocks from an index on, each with its index and whether the block is cut. Those of blocks
    /// that indexes list are what these state: no page of these blocks is touched.
    pub(crate) fn block_headers(
        &self,
        from: usize,
    ) -> impl Iterator<Item = (usize, BlockHeader, bool)> {
        let blocks = self.blocks();
        let listed = self.contents.listed.as_ref().filter(|listed| from < listed.entries);
        let mut stated = listed.map(|listed| self.stated_blocks(listed).peekable());
        (from..blocks.len()).filter_map(move |index| {
            let offset = blocks.offset(index)?;
            if let Some(stated) = &mut stated {
                while stated.next_if(|(at, _)| *at < offset).is_some() {}
                let is_of = |(at, header): &&(u64, BlockHeader)| {
                    *at == offset && header.ring != BlockHeader::SEVERAL_RINGS
                };
                if let Some((_, header)) = stated.peek().filter(is_of) {
                    return Some((index, *header, false));
                }
            }
            blocks.get(index).map(|block| (index, block.header, block.is_cut))
        })
    }

    fn stated_blocks(&self, listed: &ListedBlocks) -> impl Iterator<Item = (u64, BlockHeader)> {
        let readers = listed.indexes.iter().filter_map(|&at| {
            let (_, payload) = frame_at(self.bytes(), at)?;
            IndexReader::new(payload).ok()
        });
        readers.flat_map(|mut index| {
            std::iter::from_fn(move || index.next_block().unwrap_or_default())
        })
    }
}

impl Contents {
    /// Reads the metadata of a dump and the places of its blocks by its indexes, and scans what follows these. `None`
    /// if that is not possible, or if they list fewer than `least` blocks.
    pub(super) fn read_by_index(
        file: &Arc<Path>,
        bytes: &[u8],
        limits: &Limits,
        least: usize,
    ) -> Option<Self> {
        let (header, _, None) = header::read(file, bytes).ok()? else { return None };
        let indexes = index_chain(bytes, limits, last_index(bytes)?)?;
        let mut tables = Tables::default();
        let mut metadata = Vec::new();
        let mut before = 0;
        for &(at, payload) in &indexes {
            let mut index = IndexReader::new(payload).ok()?;
            while let Some((offset, header)) = index.next_block().ok()? {
                if offset <= before || offset >= at {
                    return None;
                }
                before = offset;
                BlockEntry::list(offset, &header, bytes, &mut tables.blocks);
            }
            for &offset in index.metadata.iter().filter(|&&offset| offset < at) {
                let (header, _) = frame_at(bytes, offset)?;
                metadata.push(Frame { offset, header, expected: None });
            }
            tables.contexts.extend(index.contexts());
            tables.note_index(at, payload.len());
            before = before.max(at);
        }
        if tables.blocks.len() < least || !tables.contexts.is_sorted() {
            return None;
        }
        let (last, _) = *indexes.last()?;
        let (of_last, _) = frame_at(bytes, last)?;
        let position = Position {
            offset: last.checked_add(of_last.frame_bytes())?,
            sequence: Some(of_last.sequence.wrapping_add(1)),
        };
        let start = Checkpoint::new(position, limits.metadata_bytes, &tables);
        let entries = tables.blocks.len();
        let scanned = scan_after(&metadata, bytes, &start, file, &mut tables);
        tables.blocks.shrink_to_fit();
        Some(Self {
            header,
            is_header_damaged: false,
            is_session_known: true,
            tables,
            scanned,
            limits: *limits,
            rings: None,
            unlisted: None,
            listed: Some(ListedBlocks {
                indexes: indexes.iter().map(|(at, _)| *at).collect(),
                entries,
            }),
        })
    }
}

/// The offset of the last index, as the end of a dump states it, or the last copy of the header in one without end.
fn last_index(bytes: &[u8]) -> Option<u64> {
    if let Some(end) = end(bytes) {
        return Some(end.index).filter(|&at| at != 0);
    }
    let searched = &bytes[bytes.len().saturating_sub(SEARCHED_BYTES)..];
    let first = bytes.len() - searched.len();
    memmem::rfind_iter(searched, &SYNC).find_map(|at| {
        let (header, payload) = frame_at(bytes, (first + at) as u64)?;
        let is_copy = is(&header, FrameKind::Header) && header.matches(payload);
        HeaderCopy::index_of(payload).filter(|_| is_copy)
    })
}
