//! Blocks of several rings that are open: decompressed once for all their readers.
//!
//! ```text
//!   ring 1 ─▶ part 0 ─┐
//!   ring 2 ─▶ part 1 ─┼─▶ OpenGroup, shared     kept: the last few, and those that are being read
//!   ring 3 ─▶ part 2 ─┘
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Weak};

use stenolog_format::block::{BlockError, BlockHeader, GroupBody, GroupWords, Wish};
use stenolog_session::codec::Decompressor;

use super::source::Source;
use super::stored::Stored;

/// How many groups to keep between readers: rings come to their parts one after the other.
const MAX_KEPT: usize = 4;

/// How many groups to remember that may still be read.
const MAX_WATCHED: usize = 64;

/// The records of a group.
pub(crate) struct OpenGroup {
    /// The plain bytes of the group, or its rows.
    bytes: Vec<u8>,
    records: GroupRecords,
}

enum GroupRecords {
    /// Words that were read out of the columns.
    Words(Box<GroupWords>),
    /// Where the rows of each part are.
    Rows(Vec<Range<usize>>),
}

impl OpenGroup {
    /// The rows of a part, or the bytes that words refer to.
    #[inline]
    pub(crate) fn part(&self, part: usize) -> &[u8] {
        match &self.records {
            GroupRecords::Words(_) => &self.bytes,
            GroupRecords::Rows(parts) => {
                let part = parts.get(part).and_then(|part| self.bytes.get(part.clone()));
                part.unwrap_or_default()
            }
        }
    }

    /// The words, if it is not in rows.
    #[inline]
    pub(crate) fn words(&self) -> Option<&GroupWords> {
        match &self.records {
            GroupRecords::Words(words) => Some(words),
            GroupRecords::Rows(_) => None,
        }
    }

    /// The words and the bytes that they refer to, if it is not in rows.
    #[inline]
    pub(crate) fn words_and_bytes(&self) -> Option<(&GroupWords, &[u8])> {
        self.words().map(|words| (words, &*self.bytes))
    }

    /// The memory that it takes, divided by its parts.
    pub(crate) fn held_bytes(&self) -> usize {
        let (of_words, parts) = match &self.records {
            GroupRecords::Words(words) => (
                words.words.capacity() * size_of::<u64>() + words.restored.capacity(),
                words.parts(),
            ),
            GroupRecords::Rows(parts) => (0, parts.len()),
        };
        (self.bytes.capacity() + of_words) / parts.max(1)
    }
}

impl fmt::Debug for OpenGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenGroup").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The groups that were opened last.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The last one first.
    kept: Vec<Kept>,
    watched: Vec<(Arc<Source>, u64, Weak<OpenGroup>)>,
}

#[derive(Debug)]
struct Kept {
    source: Arc<Source>,
    offset: u64,
    found: Result<Arc<OpenGroup>, BlockError>,
}

impl Groups {
    /// The group that was opened for a part of it.
    pub(super) fn find(
        &mut self,
        stored: &Stored<'_>,
    ) -> Option<Result<Arc<OpenGroup>, BlockError>> {
        let is_it = |source: &Arc<Source>, offset| {
            offset == stored.offset && Arc::ptr_eq(source, stored.source)
        };
        if let Some(at) = self.kept.iter().position(|kept| is_it(&kept.source, kept.offset)) {
            // It is the last one again.
            self.kept[..=at].rotate_right(1);
            return self.kept.first().map(|kept| kept.found.clone());
        }
        let mut watched = self.watched.iter();
        let (.., group) = watched.find(|(source, offset, _)| is_it(source, *offset))?;
        group.upgrade().map(Ok)
    }

    /// Keeps a group that was opened. Returns the buffer of one that is not kept any longer.
    pub(super) fn keep(
        &mut self,
        stored: &Stored<'_>,
        found: Result<Arc<OpenGroup>, BlockError>,
    ) -> Option<Vec<u8>> {
        self.watched.retain(|(.., group)| group.strong_count() > 0);
        let source = Arc::clone(stored.source);
        self.kept.insert(0, Kept { source, offset: stored.offset, found });
        let Kept { source, offset, found } =
            self.kept.drain(MAX_KEPT.min(self.kept.len())..).next()?;
        match Arc::try_unwrap(found.ok()?) {
            Ok(group) => Some(group.bytes),
            Err(group) => {
                if self.watched.len() < MAX_WATCHED {
                    self.watched.push((source, offset, Arc::downgrade(&group)));
                }
                None
            }
        }
    }

    /// Forgets all groups: what is wanted of them may be another.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.watched.clear();
    }
}

/// How to open a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupForm {
    /// As rows.
    Rows,
    /// As words, if they take no more memory than is good.
    Words,
}

/// Opens a group. `buffers` are reused; what is left in the first one can be reused again.
pub(super) fn open<'t>(
    stored: &Stored<'_>,
    decompressor: &mut Decompressor,
    form: GroupForm,
    buffers: &mut [Vec<u8>; 2],
    mut wish: impl FnMut(u32) -> Wish<'t>,
) -> Result<OpenGroup, BlockError> {
    if stored.is_cut {
        return Err(BlockError::Cut);
    }
    let header = BlockHeader::decode(stored.payload).ok_or(BlockError::Columns)?;
    let mut unpack =
        |codec, from: &[u8], to: &mut [u8]| decompressor.decompress_into(codec, from, to);
    let [plain, rows] = buffers;
    let mut body = GroupBody::open(&header, stored.bytes, std::mem::take(plain), &mut unpack)?;
    let mut is_wanted = |tag| !matches!(wish(tag), Wish::Nothing);
    body.need_rows(stored.bytes, &mut is_wanted, &mut unpack)?;
    if form == GroupForm::Words
        && let Some(words) = GroupWords::read(&body, &mut wish)?
    {
        let records = GroupRecords::Words(Box::new(words));
        return Ok(OpenGroup { bytes: body.into_buffer(), records });
    }
    let mut rows = std::mem::take(rows);
    rows.clear();
    let parts = body.rows(&mut rows, |tag| !matches!(wish(tag), Wish::Nothing));
    *plain = body.into_buffer();
    Ok(OpenGroup { bytes: rows, records: GroupRecords::Rows(parts?) })
}
