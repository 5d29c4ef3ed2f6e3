//! Requirements of a filter on the values of a call site's records.

use std::ops::Range;

use stenolog_format::block::SitePlan;
use stenolog_format::dictionary::CallSite;
use stenolog_format::summary::{BlockSummary, IdFilter, IntegerRange, IntegerRanges};
use stenolog_format::types::Type;

use super::prefilter::RequiredLiteral;

/// What the values of a record must hold, all of it.
#[derive(Clone, Debug)]
pub(crate) struct Requirements {
    pub(crate) all: Box<[RequiredLiteral]>,
    /// The bytes to search for in the values: the most selective ones that all records must contain one of.
    pub(crate) in_rows: Option<Box<[Vec<u8>]>>,
    /// Whether these bytes are text.
    pub(crate) is_text: bool,
    /// The slots of the call site, and where groups have their values.
    pub(crate) slots: Box<[SlotColumns]>,
    /// How many columns they have.
    pub(crate) columns: usize,
}

/// The columns of a slot.
#[derive(Clone, Debug)]
pub(crate) struct SlotColumns {
    pub(crate) ty: Type,
    /// Their places among those of the call site.
    pub(crate) columns: Range<usize>,
    /// Whether each of them can hold text.
    pub(crate) has_text: Vec<bool>,
}

impl Requirements {
    /// The range of the integers of a slot.
    pub(crate) fn range(
        &self,
        slot: usize,
        site: u32,
        ranges: &IntegerRanges,
    ) -> Option<IntegerRange> {
        let columns = &self.slots.get(slot).filter(|slot| slot.columns.len() == 1)?.columns;
        ranges.get(site, columns.start)
    }

    /// Whether a block with this summary may hold such a record of the call site.
    pub(crate) fn may_be_met(
        &self,
        site: u32,
        (summary, ids): (&BlockSummary<'_>, Option<&IdFilter<'_>>),
        ranges: &IntegerRanges,
    ) -> bool {
        let range = |slot| self.range(slot, site, ranges);
        self.all.iter().all(|one| one.may_be_met((summary, ids), range))
    }

    pub(super) fn new(all: Vec<RequiredLiteral>, site: &CallSite) -> Self {
        let searched = all.iter().filter_map(|one| Some((one.in_rows()?, one.is_text())));
        let shortest = |(pieces, _): &(Vec<Vec<u8>>, bool)| pieces.iter().map(Vec::len).min();
        let (in_rows, is_text) = searched.max_by_key(shortest).unzip();
        let mut columns = 0;
        let of_slots = site.slots.iter().zip(SitePlan::columns_of_slots(site));
        let slots = of_slots.map(|(slot, has_text)| {
            let start = columns;
            columns += has_text.len();
            SlotColumns { ty: slot.ty.clone(), columns: start..columns, has_text }
        });
        Self {
            slots: slots.collect(),
            columns,
            all: all.into(),
            in_rows: in_rows.map(Vec::into_boxed_slice),
            is_text: is_text.unwrap_or(true),
        }
    }
}
