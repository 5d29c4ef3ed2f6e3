//! Groups: one block for the records of several rings.

use super::assemble::Assembly;
use super::gather::{Columns, PartEnd};
use super::{BlockBuilder, First};
use crate::block::group::MAX_PARTS;
use crate::block::{BlockHeader, Codec, GroupHead};
use crate::summary::SummaryBuilder;
use crate::value::ValueError;

/// How much work a group may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// As [`Fast`](Self::Fast), but only what becomes half as long is compressed: for a writer that its threads
    /// wait for.
    Hasty,
    /// Columns on the way, no pools, nothing tried: for a writer that must keep up with its threads.
    Fast,
    /// Pools of texts, and for each column the layout that is expected to compress best: for a writer that
    /// has time.
    Thorough,
}

/// What [`BlockBuilder::finish_group`] knows of a section that it passes to a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionHint {
    /// Any codec will do.
    Any,
    /// Any codec made the section too short for its rows: use only one that shortens by a bounded factor, such
    /// as [`Codec::Lz4`].
    Bounded,
}

/// A group that is being built.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) columns: Columns,
    assembly: Assembly,
    /// The parts that have ended, as headers of blocks of their own.
    parts: Vec<BlockHeader>,
    pub(super) is_open: bool,
}

impl BlockBuilder {
    /// Begins a group, and forgets the previous block. Then, for each ring: [`begin_part`](Self::begin_part),
    /// records as for any block, [`end_part`](Self::end_part). At the end: [`finish_group`](Self::finish_group).
    ///
    /// A group keeps its records in columns until it is finished. It takes about as much memory as the records
    /// have in their rings, a thorough one up to three times as much. Do not put more than
    /// [`MAX_GROUP_BYTES`](Self::MAX_GROUP_BYTES) of rings into one.
    ///
    /// # Examples
    /// ```
    /// use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, Depth};
    /// use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
    /// use stenolog_format::types::Type;
    ///
    /// # let site = CallSite {
    /// #     id: 16, level: Level::Info, time: TimeSource::Counter, target: String::new(),
    /// #     module: String::new(), file: String::new(), line: 1, column: 1, template: None,
    /// #     slots: vec![Slot { name: String::new(), role: Role::Field, ty: Type::U64 }],
    /// # };
    /// let mut builder = BlockBuilder::default();
    /// builder.begin_group(Depth::Thorough);
    /// for ring in 1..=2 {
    ///     builder.begin_part(ring, 0, 0);
    ///     for n in 0..1000_u64 {
    ///         builder.push(&site, &[n.to_le_bytes(), 7_u64.to_le_bytes()].concat()).unwrap();
    ///     }
    ///     builder.end_part(24 * 1000);
    /// }
    /// let mut payload = Vec::new();
    /// let header = builder.finish_group(0, &mut payload, |plain, _, out| {
    ///     out.extend_from_slice(plain);
    ///     Codec::None
    /// });
    /// assert_eq!((header.encoding, header.count, builder.parts().len()), (3, 2000, 2));
    /// assert_eq!(BlockHeader::decode(&payload), Some(header));
    /// ```
    pub fn begin_group(&mut self, depth: Depth) {
        self.header = None;
        #[cfg(any(test, feature = "__columns"))]
        {
            self.has_columns = false;
        }
        self.group.columns.begin(depth);
        self.group.parts.clear();
        self.group.is_open = true;
    }

    /// The most bytes of rings, headers and padding included, that a group may have records of. Their rows are
    /// then within what readers accept.
    pub const MAX_GROUP_BYTES: usize = 8 << 20;

    /// The most parts with records in a group.
    pub const MAX_PARTS: usize = MAX_PARTS;

    /// Begins the part of a ring that the group does not have yet, at `position` of the ring.
    ///
    /// # Panics
    /// If no group was begun.
    pub fn begin_part(&mut self, ring: u32, position: u64, first_record: u64) {
        assert!(self.group.is_open, "{BEGIN_GROUP}");
        self.group.columns.begin_part();
        self.header = Some(super::empty_header(ring, position, first_record));
    }

    /// Takes records in the form that they have in a ring, as [`push_raw`](Self::push_raw) does, with the runs of
    /// their headers: so no header is read twice. A run is a header as a number, and the bytes that it and the
    /// equal ones after it take, dead space included. Takes as many runs as the records have.
    ///
    /// # Errors
    /// As [`push_raw`](Self::push_raw), or if the runs are not those of the records.
    ///
    /// # Panics
    /// If no part was begun.
    pub fn push_runs(
        &mut self,
        records: &[u8],
        runs: impl Iterator<Item = (u64, u32)>,
        mut first_of: impl FnMut(u32, u32) -> Option<First>,
    ) -> Result<usize, ValueError> {
        if !self.group.is_open {
            // Rows have no use for runs, but the caller goes on with those that are left.
            let mut bytes = records.len() as u64;
            let mut runs = runs;
            while bytes > 0
                && let Some((_, run)) = runs.next()
            {
                bytes = bytes.saturating_sub(run.into());
            }
            return self.push_raw(records, first_of);
        }
        assert!(self.header.is_some(), "{BEGIN_PART}");
        self.group.columns.take_runs(records, runs, &mut first_of)
    }

    /// Ends the part. The ring's next block begins at `end_position`. A part without records is left out.
    /// Returns the header that a block of the part would have, with the encoding of groups.
    ///
    /// # Panics
    /// If no part was begun.
    pub fn end_part(&mut self, end_position: u64) -> BlockHeader {
        let mut header = self.header.take().expect(BEGIN_PART);
        let PartEnd { count, levels, has_loss, counters, unix } = self.group.columns.end_part();
        (header.encoding, header.end_position) = (BlockHeader::GROUP, end_position);
        (header.count, header.levels) = (count, levels);
        header.flags = if has_loss { BlockHeader::HAS_LOSS } else { 0 };
        header.note_times(&counters, &unix);
        if count > 0 {
            self.group.parts.push(header);
        }
        header
    }

    /// The parts of the group, as headers of blocks of their own.
    #[must_use]
    pub fn parts(&self) -> &[BlockHeader] {
        &self.group.parts
    }

    /// The number of records in the group.
    #[must_use]
    pub fn group_count(&self) -> u32 {
        self.group.columns.count()
    }

    /// Appends the payload of the group's frame to `out`. `records_before` counts the records that the file has
    /// in groups of several rings; it does not matter if there is one part.
    ///
    /// `compress` is called once for each section that may shrink: it appends the section to the buffer that it
    /// gets, and returns how. What a reader would refuse is stored plain instead. It may be called again for
    /// a group that is too short for its rows.
    ///
    /// # Panics
    /// If no group was begun, if a part has not ended, if no part has records, or if more than
    /// [`MAX_PARTS`](Self::MAX_PARTS) have.
    pub fn finish_group(
        &mut self,
        records_before: u64,
        out: &mut Vec<u8>,
        mut compress: impl FnMut(&[u8], SectionHint, &mut Vec<u8>) -> Codec,
    ) -> BlockHeader {
        assert!(self.group.is_open && self.header.is_none(), "{BEGIN_GROUP}");
        self.group.is_open = false;
        let Group { columns, assembly, parts, .. } = &mut self.group;
        assert!(parts.len() <= MAX_PARTS, "a group of {} parts", parts.len());
        let mut header = GroupHead::sum_up(parts, records_before).expect("a group has records");
        let start = out.len();
        out.resize(start + BlockHeader::BYTES, 0);
        GroupHead::put_parts(&header, parts, out);
        columns.flush();
        let plain = assembly.put(columns, out, &mut compress);
        header.body_bytes = plain as u32;
        out[start..start + BlockHeader::BYTES].copy_from_slice(&header.encode());
        header
    }

    /// Summarizes the group after it was [finished](Self::finish_group): its call sites, and their text if
    /// `has_text`, which takes about a nanosecond per byte.
    pub fn sum_up_group(&self, has_text: bool, summary: &mut SummaryBuilder) {
        summary.begin();
        summary.leave_digits_out();
        self.group.columns.sum_up(has_text, summary);
    }
}

const BEGIN_GROUP: &str =
    "`begin_group` comes before all else, and `end_part` after each `begin_part`";
const BEGIN_PART: &str = "`begin_part` comes before `end_part`";
