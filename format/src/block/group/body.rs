//! Body of a group: its directory, and the sections that were asked for.

use std::ops::Range;

use super::directory::Directory;
use super::integers::IntegerCursor;
use super::pool::Entries;
use super::{GroupColumn, GroupHead, GroupKind, Pool};
use crate::block::columns::read::{Malformed, Read};
use crate::block::{BlockError, BlockHeader, Codec, most_rows};

/// Decompresses the stored bytes of a section into the given slice, whose length is the plain one.
pub type Unpack<'u> = &'u mut dyn FnMut(Codec, &[u8], &mut [u8]) -> Result<(), BlockError>;

/// The body of a group. Sections are decompressed when they are asked for.
///
/// All plain bytes are in [one buffer](Self::bytes): the sections one after the other, then the entries of pools
/// that are stored in another form. Its length is limited by that of the stored bytes.
///
/// ```
/// use stenolog_format::block::{BlockError, BlockHeader, Codec, GroupBody};
///
/// fn texts(header: &BlockHeader, stored: &[u8]) -> Result<Vec<Vec<u8>>, BlockError> {
///     // A real reader has a decompressor here.
///     let mut unpack = |codec: Codec, from: &[u8], to: &mut [u8]| match codec {
///         Codec::None => Ok(to.copy_from_slice(from)),
///         codec => Err(BlockError::Codec { codec: codec.number() }),
///     };
///     let mut body = GroupBody::open(header, stored, Vec::new(), &mut unpack)?;
///     body.need_pools(stored, &mut unpack)?;
///     Ok((0..body.entries() as u64).filter_map(|n| body.entry(n)).map(<[u8]>::to_vec).collect())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct GroupBody {
    head: GroupHead,
    directory: Directory,
    times: GroupColumn,
    bytes: Vec<u8>,
    /// Which sections were decompressed.
    are_open: Vec<bool>,
    entries: Option<Entries>,
    most_rows: usize,
}

impl GroupBody {
    /// Opens a group: decompresses section 0 and reads the directory. `stored` is the payload after the header;
    /// `buffer` is reused, whatever it holds.
    ///
    /// # Errors
    /// If the head or the directory is malformed, or if `unpack` fails.
    pub fn open(
        header: &BlockHeader,
        stored: &[u8],
        buffer: Vec<u8>,
        unpack: Unpack<'_>,
    ) -> Result<Self, BlockError> {
        let head = GroupHead::parse(header, stored)?;
        let of_sections = head.sections.iter().map(|section| section.stored.len()).sum();
        let mut bytes = buffer;
        bytes.resize(header.body_bytes as usize, 0);
        let mut are_open = vec![false; head.sections.len()];
        open_section(&head, 0, stored, &mut bytes, &mut are_open, unpack)?;
        let first = head.sections.first().map(|section| section.plain.clone());
        let first = first.and_then(|first| bytes.get(first)).unwrap_or_default();
        let most_rows = most_rows(of_sections);
        let read = || {
            let mut directory = Directory::read(first, &head.sections, header.count)?;
            let times = directory.times.take().ok_or(Malformed)?;
            if row_bytes(&directory).is_some_and(|bytes| bytes <= most_rows) {
                Ok((directory, times))
            } else {
                Err(Malformed)
            }
        };
        let (directory, times) = read().map_err(|Malformed| BlockError::Columns)?;
        Ok(Self { head, directory, times, bytes, are_open, entries: None, most_rows })
    }

    /// Its parts and sections.
    #[must_use]
    pub const fn head(&self) -> &GroupHead {
        &self.head
    }

    /// The kinds of records in all parts.
    #[must_use]
    pub fn kinds(&self) -> &[GroupKind] {
        &self.directory.kinds
    }

    /// The columns of a kind.
    #[must_use]
    pub fn columns_of(&self, kind: &GroupKind) -> &[GroupColumn] {
        self.directory.columns.get(kind.columns.clone()).unwrap_or_default()
    }

    /// The column with the kind of each record, in the order of the parts; `None` if there is one kind.
    #[must_use]
    pub const fn which(&self) -> Option<&GroupColumn> {
        self.directory.which.as_ref()
    }

    /// The column with the zigzag of the time of each record, minus the time before it.
    #[must_use]
    pub const fn times(&self) -> &GroupColumn {
        &self.times
    }

    /// The pools.
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.directory.pools
    }

    /// The plain bytes. Those of sections that were not asked for are meaningless.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The buffer, to be reused.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The most bytes that the rows of all parts may take.
    #[must_use]
    pub const fn most_rows(&self) -> usize {
        self.most_rows
    }

    /// Decompresses a section, unless that was done. `stored` is what the group was opened with.
    ///
    /// # Errors
    /// If there is no such section, or if `unpack` fails.
    pub fn need(
        &mut self,
        section: usize,
        stored: &[u8],
        unpack: Unpack<'_>,
    ) -> Result<(), BlockError> {
        let Self { head, bytes, are_open, .. } = self;
        open_section(head, section, stored, bytes, are_open, unpack)
    }

    /// Decompresses the sections of a column, and those of the pools if it refers to them.
    ///
    /// # Errors
    /// As [`need`](Self::need), or if the pools are malformed.
    pub fn need_column(
        &mut self,
        column: &GroupColumn,
        stored: &[u8],
        unpack: Unpack<'_>,
    ) -> Result<(), BlockError> {
        self.need(column.section, stored, unpack)?;
        if column.layout.is_pooled() { self.need_pools(stored, unpack) } else { Ok(()) }
    }

    /// Decompresses the sections with the kinds and the times of records.
    ///
    /// # Errors
    /// As [`need`](Self::need).
    pub fn need_order(&mut self, stored: &[u8], unpack: Unpack<'_>) -> Result<(), BlockError> {
        self.need(self.times.section, stored, unpack)?;
        match self.which().map(|which| which.section) {
            Some(section) => self.need(section, stored, unpack),
            None => Ok(()),
        }
    }

    /// Decompresses the sections of the pools, and finds their entries.
    ///
    /// # Errors
    /// As [`need`](Self::need), or if the pools are malformed.
    pub fn need_pools(&mut self, stored: &[u8], unpack: Unpack<'_>) -> Result<(), BlockError> {
        if self.entries.is_some() {
            return Ok(());
        }
        for pool in 0..self.pools().len() {
            self.need(self.pools()[pool].section, stored, unpack)?;
        }
        let entries = Entries::open(&self.directory.pools, &mut self.bytes, self.most_rows);
        self.entries = Some(entries.map_err(|Malformed| BlockError::Columns)?);
        Ok(())
    }

    /// How many entries all pools have; 0 before [`need_pools`](Self::need_pools).
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.as_ref().map_or(0, Entries::count)
    }

    /// An entry of the pools, by its index; `None` if there is no such entry.
    #[inline]
    #[must_use]
    pub fn entry(&self, index: u64) -> Option<&[u8]> {
        let (at, length) = self.entry_place(index)?;
        self.bytes.get(at..at + length)
    }

    /// The place of an entry in the [bytes](Self::bytes), and its length.
    #[inline]
    #[must_use]
    pub fn entry_place(&self, index: u64) -> Option<(usize, usize)> {
        self.entries.as_ref()?.place(index)
    }

    /// The entries, after [`need_pools`](Self::need_pools).
    pub(super) const fn pool_entries(&self) -> Option<&Entries> {
        self.entries.as_ref()
    }

    /// Appends the integers of a column of `count` values: see [`Layout::integers`](super::super::Layout).
    ///
    /// # Errors
    /// If it has none, if there are more or fewer, or if its section was not asked for.
    pub fn integers(
        &self,
        column: &GroupColumn,
        count: u32,
        out: &mut Vec<u64>,
    ) -> Result<(), BlockError> {
        let mut read = || {
            let mut integers = self.integers_of(column)?;
            for _ in 0..count {
                out.push(integers.next()?);
            }
            if integers.is_read() { Ok(()) } else { Err(Malformed) }
        };
        read().map_err(|Malformed| BlockError::Columns)
    }

    /// Appends the records of all parts as packed rows to `out`, for
    /// [`BlockHeader::records`], and returns where those of each part are. Records with unwanted tags lack their
    /// values. All sections of the others must have been [asked for](Self::need_rows).
    ///
    /// # Errors
    /// If the columns are malformed. `out` may then hold some of the rows.
    pub fn rows(
        &self,
        out: &mut Vec<u8>,
        is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Vec<Range<usize>>, BlockError> {
        self.put_rows(out, is_wanted).map_err(|Malformed| BlockError::Columns)
    }

    /// Decompresses what the rows of records with wanted tags need.
    ///
    /// # Errors
    /// As [`need_column`](Self::need_column).
    pub fn need_rows(
        &mut self,
        stored: &[u8],
        mut is_wanted: impl FnMut(u32) -> bool,
        unpack: Unpack<'_>,
    ) -> Result<(), BlockError> {
        self.need_order(stored, unpack)?;
        for kind in 0..self.kinds().len() {
            let GroupKind { tag, columns, .. } = self.kinds()[kind].clone();
            for column in columns.filter(|_| is_wanted(tag)) {
                let column = self.directory.columns[column].clone();
                self.need_column(&column, stored, unpack)?;
            }
        }
        Ok(())
    }

    pub(super) fn integers_of(&self, column: &GroupColumn) -> Read<IntegerCursor<'_>> {
        let layout = column.layout.integers().ok_or(Malformed)?;
        IntegerCursor::new(layout, self.plain(column.section, &column.bytes)?)
    }

    /// Bytes of a section that was asked for.
    pub(super) fn plain(&self, section: usize, bytes: &Range<usize>) -> Read<&[u8]> {
        let is_open = self.are_open.get(section).is_some_and(|is_open| *is_open);
        self.bytes.get(bytes.clone()).filter(|_| is_open).ok_or(Malformed)
    }
}

/// Decompresses a section to its place in `bytes`.
fn open_section(
    head: &GroupHead,
    section: usize,
    stored: &[u8],
    bytes: &mut [u8],
    are_open: &mut [bool],
    unpack: Unpack<'_>,
) -> Result<(), BlockError> {
    let of = head.sections.get(section).ok_or(BlockError::Columns)?;
    if are_open[section] {
        return Ok(());
    }
    let from = stored.get(of.stored.clone()).ok_or(BlockError::Columns)?;
    let to = bytes.get_mut(of.plain.clone()).ok_or(BlockError::Columns)?;
    unpack(of.codec, from, to)?;
    are_open[section] = true;
    Ok(())
}

/// The fewest bytes that the rows take. Values that take none count as one, so that constants of no bytes take
/// no time without end.
fn row_bytes(directory: &Directory) -> Option<usize> {
    directory.kinds.iter().try_fold(0_usize, |sum, kind| {
        let row = 3 + kind.columns.len();
        sum.checked_add(row.checked_mul(kind.count as usize)?)
    })
}
