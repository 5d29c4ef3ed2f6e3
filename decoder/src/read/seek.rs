//! Search in a group: which of its records may be wanted, found in columns and pools.
//!
//! ```text
//!   conditions of a call site ─▶ columns of their slots ─▶ sections of these columns, decompressed
//!                                  │ texts:   the bytes of all, or the entries of pools
//!                                  │ numbers: one by one
//!                                  ▼
//!                                the records that meet all ─▶ the rows of these alone
//! ```
//!
//! It errs on one side only, as the prefilter does: the filter decides about the rows. A column that is not
//! laid out as writers lay out values of its type may hold anything.

mod bits;
mod digits;
mod found;
mod memory;
mod numbers;
mod pools;
mod printed;
mod texts;

use std::collections::BTreeMap;

use stenolog_format::block::{BlockError, BlockHeader, GroupBody, GroupColumn, GroupKind, Layout};
use stenolog_format::dictionary::CallSite;
use stenolog_format::summary::{BlockSummary, IdFilter, IntegerRanges};
use stenolog_format::types::Type;

use super::selection::Selection;
use crate::dump::{Dump, Unpacker};
use crate::filter::{Condition, Requirements, SitePredicate, Wanted, may_hold_text};
use bits::Bits;
pub(crate) use found::{FoundRecord, FoundRecords};
pub(crate) use memory::SoughtGroups;

/// If a greater part of the records is found, the group is read as if nothing had been searched for.
const SPARSE: u32 = 8;

/// What a search found in a group.
#[derive(Debug)]
pub(crate) enum Sought {
    /// No record is wanted.
    Nothing,
    /// Any records may be wanted, but those with these tags. There are many, or some that must be reported.
    AllBut(Vec<u32>),
    /// These records may be wanted.
    Records(FoundRecords),
}

impl Sought {
    /// Whether a part of the group may have wanted records.
    pub(super) fn has_part(&self, part: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::AllBut(_) => true,
            Self::Records(_) => !self.records(part).is_empty(),
        }
    }

    /// The records of a part that were found.
    pub(super) fn records(&self, part: usize) -> &[FoundRecord] {
        match self {
            Self::Records(found) => found.part(part),
            Self::Nothing | Self::AllBut(_) => &[],
        }
    }

    /// The values of the records that were found.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Records(found) => &found.bytes,
            Self::Nothing | Self::AllBut(_) => &[],
        }
    }

    /// Whether no record with this tag is wanted.
    pub(super) fn rules_out(&self, tag: u32) -> bool {
        matches!(self, Self::AllBut(tags) if tags.contains(&tag))
    }
}

/// The records of a kind that may be wanted.
enum OfKind {
    Nothing,
    All,
    Some(Bits),
}

/// A search in one group.
struct Seeker<'s> {
    dumps: &'s [Dump],
    selection: &'s Selection,
    stored: &'s [u8],
    /// What the summary states.
    summary: Option<BlockSummary<'s>>,
    ranges: IntegerRanges,
    ids: Option<IdFilter<'s>>,
    unpacker: &'s mut Unpacker,
    body: GroupBody,
    /// The entries of the pools that have a piece.
    entries: BTreeMap<Vec<u8>, Vec<bool>>,
    /// The entries of the pools that have something to escape, of any kind and in digits, once that was asked.
    escaped: [Option<Vec<bool>>; 2],
    integers: Vec<u64>,
}

/// Searches a group of a dump. `header` is that of the group, `stored` is what follows it.
///
/// # Errors
/// If the group is malformed.
fn seek(
    (dumps, selection): (&[Dump], &Selection),
    dump_index: usize,
    (header, stored): (&BlockHeader, &[u8]),
    summary: Option<BlockSummary<'_>>,
    unpacker: &mut Unpacker,
) -> Result<Sought, BlockError> {
    let (ranges, ids) = summary.as_ref().map(BlockSummary::ranges_and_ids).unwrap_or_default();
    let buffer = unpacker.spare();
    let body = GroupBody::open(header, stored, buffer, &mut |codec, from, to| {
        unpacker.decompress_into(codec, from, to)
    })?;
    let (entries, escaped, integers) = Default::default();
    let mut seeker = Seeker {
        dumps,
        selection,
        stored,
        summary,
        ranges,
        ids,
        unpacker,
        body,
        entries,
        escaped,
        integers,
    };
    let sought = seeker.run(dump_index);
    let Seeker { body, unpacker, .. } = seeker;
    unpacker.take_back_buffer(body.into_buffer());
    sought
}

impl Seeker<'_> {
    fn run(&mut self, dump_index: usize) -> Result<Sought, BlockError> {
        let kinds = self.body.kinds().to_vec();
        let mut found = Vec::with_capacity(kinds.len());
        let (mut is_sparse, mut count) = (true, 0);
        for kind in &kinds {
            let selected = self.selection.select(self.dumps, dump_index, kind.tag);
            let of_kind = match selected.filter(|_| kind.tag != CallSite::LOSS_ID) {
                Some((_, SitePredicate::Never)) => OfKind::Nothing,
                Some((_, SitePredicate::Always)) => OfKind::All,
                // Statements of losses and records with an unknown call site are reported by all means.
                None => {
                    is_sparse = false;
                    OfKind::All
                }
                Some((_, SitePredicate::Requires(of))) => self.of_kind(kind, of)?,
            };
            count += match &of_kind {
                OfKind::Nothing => 0,
                OfKind::All => kind.count,
                OfKind::Some(bits) => bits.count(),
            };
            found.push(of_kind);
        }
        if found.iter().all(|of| matches!(of, OfKind::Nothing)) {
            return Ok(Sought::Nothing);
        }
        let records: u32 = kinds.iter().map(|kind| kind.count).sum();
        if !is_sparse || count > records / SPARSE {
            let of_kinds = kinds.iter().zip(&found);
            let unwanted = of_kinds.filter(|(_, of)| matches!(of, OfKind::Nothing));
            return Ok(Sought::AllBut(unwanted.map(|(kind, _)| kind.tag).collect()));
        }
        let bits = found.into_iter().zip(&kinds).map(|(of, kind)| match of {
            OfKind::Some(bits) => bits,
            OfKind::Nothing => Bits::default(),
            OfKind::All => Bits::all(kind.count),
        });
        let bits: Vec<_> = bits.collect();
        self.records(dump_index, &kinds, &bits).map(Sought::Records)
    }

    /// The records of a kind that meet all conditions.
    fn of_kind(&mut self, kind: &GroupKind, of: &Requirements) -> Result<OfKind, BlockError> {
        if let Some(summary) = &self.summary
            && !of.may_be_met(kind.tag, (summary, self.ids.as_ref()), &self.ranges)
        {
            return Ok(OfKind::Nothing);
        }
        let columns = self.body.columns_of(kind).to_vec();
        if columns.len() != of.columns {
            return Ok(OfKind::All);
        }
        let mut all: Option<Bits> = None;
        for required in &of.all {
            let mut any = Bits::new(kind.count);
            let mut is_all = false;
            for condition in required.conditions() {
                if !self.find(kind, &columns, condition, of, &mut any)? {
                    is_all = true;
                    break;
                }
            }
            if is_all {
                continue;
            }
            let both = match all.take() {
                Some(before) => before.and(&any),
                None => any,
            };
            if both.count() == 0 {
                return Ok(OfKind::Nothing);
            }
            all = Some(both);
        }
        Ok(all.map_or(OfKind::All, OfKind::Some))
    }

    /// Adds the records that meet a condition; `false` if all may.
    fn find(
        &mut self,
        kind: &GroupKind,
        columns: &[GroupColumn],
        condition: &Condition,
        of: &Requirements,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let Some(slot) = of.slots.get(condition.slot) else { return Ok(false) };
        let range = of.range(condition.slot, kind.tag, &self.ranges);
        if range.is_some_and(|range| !condition.wanted.may_be_in(range)) {
            return Ok(true);
        }
        if let (Wanted::Text(piece), Some(summary)) = (&condition.wanted, &self.summary)
            && !may_hold_text((summary, self.ids.as_ref()), piece)
        {
            return Ok(true);
        }
        let of_slot = columns.get(slot.columns.clone()).unwrap_or_default();
        match &condition.wanted {
            Wanted::Text(piece) => {
                for (column, _) in of_slot.iter().zip(&slot.has_text).filter(|(_, has)| **has) {
                    if !self.find_text(kind, column, piece, found)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Wanted::Escaped { in_digits } => {
                if !is_of_strings(&slot.ty, of_slot.len()) {
                    return Ok(false);
                }
                for (column, _) in of_slot.iter().zip(&slot.has_text).filter(|(_, has)| **has) {
                    if !self.find_escaped(kind, column, *in_digits, found)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Wanted::Shown { leaf, piece, starts, ends } => {
                let shown = numbers::Shown { leaf, piece, starts: *starts, ends: *ends };
                self.find_shown(kind, of_slot, &slot.ty, &shown, found)
            }
            Wanted::Integer(wanted, _) => match of_slot {
                [column] => self.find_integer(kind, column, &slot.ty, *wanted, found),
                _ => Ok(false),
            },
        }
    }

    /// Decompresses a column.
    fn need(&mut self, column: &GroupColumn) -> Result<(), BlockError> {
        self.need_section(column.section)
    }

    /// Decompresses a section.
    fn need_section(&mut self, section: usize) -> Result<(), BlockError> {
        let Self { unpacker, body, stored, .. } = self;
        body.need(section, stored, &mut |codec, from, to| unpacker.decompress_into(codec, from, to))
    }

    /// Decompresses columns, and the pools that they refer to.
    fn need_columns(&mut self, columns: &[GroupColumn]) -> Result<(), BlockError> {
        let Self { unpacker, body, stored, .. } = self;
        columns.iter().try_for_each(|column| {
            body.need_column(column, stored, &mut |codec, from, to| {
                unpacker.decompress_into(codec, from, to)
            })
        })
    }

    /// The plain bytes of a column.
    fn plain(&mut self, column: &GroupColumn) -> Result<&[u8], BlockError> {
        self.need(column)?;
        self.body.bytes().get(column.bytes.clone()).ok_or(BlockError::Columns)
    }

    /// Reads the integers of a column into the buffer.
    fn read_integers(&mut self, kind: &GroupKind, column: &GroupColumn) -> Result<(), BlockError> {
        self.need(column)?;
        self.integers.clear();
        self.body.integers(column, kind.count, &mut self.integers)
    }
}

/// Whether each column of such a value that holds text holds nothing but a string, and no other column a character.
fn is_of_strings(ty: &Type, columns: usize) -> bool {
    let mut parts = Vec::new();
    matches!(ty, Type::Str | Type::Formatted)
        || digits::add_parts(ty, columns, &mut parts) && parts.len() == columns
}

/// Whether a column has texts, not other values.
const fn is_of_texts(layout: Layout) -> bool {
    matches!(layout, Layout::Texts | Layout::Pieces)
}
