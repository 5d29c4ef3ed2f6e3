//! Opening of a block: which of its records are wanted, and in which form.

use std::sync::Arc;

use stenolog_format::block::{BlockError, Wish};
use stenolog_format::dictionary::CallSite;

use super::{BlockReader, BlockWalk, FoundWalk};
use crate::dump::{Block, Body, Stored};
use crate::filter::{Hits, Requirements, SitePredicate};
use crate::read::block_body::BlockBody;
use crate::read::columns::OpenColumns;
use crate::read::group_walk::GroupWalk;
use crate::read::plan::ReadPlan;
use crate::read::pools::Pools;
use crate::read::seek::Sought;

/// What is wanted of a block.
struct Selection<'p> {
    plan: &'p ReadPlan,
    dump_index: usize,
    /// What a search found in it.
    sought: Option<&'p Sought>,
}

impl<'p> Selection<'p> {
    /// The index of the call site of a record, and its predicate; `None` for those that are reported.
    fn site(&self, tag: u32) -> Option<(u32, &'p SitePredicate)> {
        self.plan.select(self.dump_index, tag).filter(|_| tag != CallSite::LOSS_ID)
    }

    /// The index of the call site, and whether a literal is searched for in the values of its records.
    fn kind(&self, tag: u32) -> Option<(u32, bool)> {
        let is_sought = |of: &Requirements| of.in_rows.is_some();
        let (site, predicate) = self.site(tag)?;
        Some((site, matches!(predicate, SitePredicate::Requires(of) if is_sought(of))))
    }

    /// How to read the records with a tag. `may_hold` says whether the block has what is searched for.
    fn wish(&self, tag: u32, may_hold: impl FnOnce() -> bool) -> Wish<'p> {
        match self.site(tag) {
            // Records with an unknown call site are reported.
            None => Wish::Alone,
            Some((_, SitePredicate::Never)) => Wish::Nothing,
            Some(_) if self.sought.is_some_and(|of| of.rules_out(tag)) => Wish::Nothing,
            // The search goes over all columns first, then over each record.
            Some((_, SitePredicate::Requires(of))) if of.in_rows.is_some() => {
                if may_hold() {
                    Wish::Packed
                } else {
                    Wish::Nothing
                }
            }
            Some((site, SitePredicate::Requires(_) | SitePredicate::Always)) => {
                let words = self.plan.sites.get(site).and_then(|site| site.words());
                words.map_or(Wish::Packed, Wish::Words)
            }
        }
    }
}

impl BlockReader {
    /// Opens a block of a dump.
    ///
    /// # Errors
    /// If nothing of it can be read.
    pub(in crate::read) fn open(
        (dump_index, index): (usize, u32),
        block: &Block,
        stored: &Stored<'_>,
        plan: &ReadPlan,
        pools: &mut Pools,
    ) -> Result<Self, BlockError> {
        let sought = plan.find((dump_index, index as usize), block, &mut pools.unpacker);
        if let Some(found) = sought.as_ref().filter(|of| matches!(***of, Sought::Records(_))) {
            let (found, part) = (Arc::clone(found), block.part as usize);
            let body = BlockBody::Found(Arc::clone(&found));
            let walk = BlockWalk::Found(FoundWalk { found, part, next: 0, passed: 0 });
            return Self::new((dump_index, index), block, (body, walk), plan);
        }
        let mut columns = pools.columns.pop().unwrap_or_default();
        let selection = Selection { plan, dump_index, sought: sought.as_deref() };
        let mut may_hold = None;
        let opened = pools.unpacker.open(stored, &mut columns.walk, |tag, body| {
            let look = |body| *may_hold.get_or_insert_with(|| plan.may_contain(body));
            selection.wish(tag, || body.is_none_or(look))
        });
        let opened = opened.and_then(|(body, is_in_columns)| {
            let walk = if is_in_columns { None } else { Some(walk(&body, block, &selection)?) };
            Ok((body, walk))
        });
        let (body, walk) = match opened {
            Ok((body, None)) => {
                let OpenColumns { walk, selections } = &mut columns;
                selections.clear();
                selections.extend(walk.kinds().iter().map(|kind| selection.kind(kind.tag)));
                (body, BlockWalk::Columns(columns))
            }
            Ok((body, Some(walk))) => {
                pools.columns.push(columns);
                (body, walk)
            }
            Err(why) => {
                pools.columns.push(columns);
                return Err(why);
            }
        };
        let dump = plan.dumps.get(dump_index).ok_or(BlockError::Cut)?;
        let body = BlockBody::new(body, dump, block);
        let reader = Self::new((dump_index, index), block, (body, walk), plan)?;
        Ok(Self { sought, ..reader })
    }

    fn new(
        (dump_index, index): (usize, u32),
        block: &Block,
        (body, walk): (BlockBody, BlockWalk),
        plan: &ReadPlan,
    ) -> Result<Self, BlockError> {
        let dump = plan.dumps.get(dump_index).ok_or(BlockError::Cut)?;
        Ok(Self {
            dump_index,
            index,
            block: *block,
            is_from_rings: dump.is_from_rings(),
            body: Arc::new(body),
            walk,
            sought: None,
            spans: None,
            ended: None,
            number: block.header.first_record,
            unknown: (0, 0),
        })
    }
}

/// The walk over a body that is not in columns.
fn walk(
    body: &Body<'_>,
    block: &Block,
    selection: &Selection<'_>,
) -> Result<BlockWalk, BlockError> {
    let group = body.group();
    let of_group = group
        .and_then(|group| GroupWalk::new(group, block.part as usize, |tag| selection.kind(tag)));
    match of_group {
        Some(walk) => Ok(BlockWalk::Group(walk)),
        None => Ok(BlockWalk::Rows(body.records(&block.header)?.place(), Hits::default())),
    }
}
