//! Reading from the end: the blocks that cannot hold the last records are passed over, unread.
//!
//! ```text
//!   ring 1   [▒▒▒▒] [▒▒▒▒] [lead] [ ▒│ read    ] [ read ]
//!   ring 2   [▒▒▒▒▒▒▒▒▒▒] [lead]     │    [ read   ]
//!                                    │
//!                        no block that is passed over has a later key: entries up to here are dropped
//! ```
//!
//! - **E1 (complete).** Behind the key of the [`Cut`] is every entry that a whole read has there, in the same
//!   order: keys never fall within a ring, and what is passed over is the beginning of each ring.
//!   A dump that was opened for its last records has blocks that are passed over without being listed; earlier
//!   files of its session are passed over with them.
//! - **E2 (same statements).** The last intact block that is passed over, the lead, says which number comes next;
//!   blocks after it are read, so what they lack is stated as in a whole read. Losses are totals: the last
//!   statement that is passed over says what was stated, and all losses are counted. What is missing just before the first listed block of a
//!   ring is not stated if blocks before it are not listed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use stenolog_format::block::{BlockHeader, Codec};
use stenolog_format::loss::Loss;

use super::order::{Key, Order};
use super::plan::ReadPlan;
use super::ring::{Ring, Turn, first_key};
use super::session::{Item, ItemKind, RingItems};
use super::state::ReadState;
use super::tally::BlockPlace;
use crate::clock::TimeMap;
use crate::dump::{Block, Dump};
use crate::model::origin::RingName;

/// The items of each ring, by session and ring.
pub(super) type ItemsByRing = BTreeMap<(usize, u32), RingItems>;

/// What was passed over.
#[derive(Debug)]
pub(super) struct Cut {
    /// Nothing that was passed over has a later key.
    pub(super) key: Key,
    leads: BTreeMap<(usize, u32), Lead>,
}

/// The state of a ring after what was passed over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lead {
    /// The number of the next record.
    pub(super) next: u64,
    /// The losses that were stated.
    pub(super) stated: Loss,
    /// The last block.
    pub(super) block: Option<BlockPlace>,
}

impl Cut {
    pub(super) fn lead(&self, session: usize, ring: u32) -> Option<Lead> {
        self.leads.get(&(session, ring)).copied()
    }
}

/// The bounds of an item's keys.
struct Bounds<'p> {
    plan: &'p ReadPlan,
    hint: usize,
}

impl Bounds<'_> {
    fn block(&self, item: &Item) -> Option<Block> {
        let dump = self.plan.dumps.get(item.dump() as usize)?;
        let is_there = |block: &Block| item.kind() == ItemKind::Block && !block.is_gone();
        dump.blocks().get(item.index as usize).filter(is_there)
    }

    /// Whether the item states losses.
    fn has_loss(&self, item: &Item) -> bool {
        let block = self.block(item);
        block.is_none_or(|block| block.header.flags & BlockHeader::HAS_LOSS != 0)
    }

    /// The smallest key of a block.
    fn first(&mut self, session: usize, item: &Item, block: &Block) -> Option<Key> {
        Some(match self.plan.order {
            Order::Time => first_key(&block.header, self.plan.map(session)?, &mut self.hint),
            Order::File => (i64::from(item.dump()), block.offset),
        })
    }

    /// The largest key of an item; the smallest of all if it has no key of its own.
    fn last(&mut self, session: usize, item: &Item) -> Key {
        let (plan, least) = (self.plan, (i64::MIN, 0));
        let Some(map) = plan.map(session) else { return least };
        match (self.block(item), plan.order) {
            (Some(block), Order::Time) => last_key(&block.header, map, &mut self.hint),
            (Some(block), Order::File) => (i64::from(item.dump()), block.offset),
            (None, Order::File) => least,
            (None, Order::Time) => {
                let dump = plan.dumps.get(item.dump() as usize);
                let frame = dump.and_then(|dump| dump.tables().losses.get(item.index as usize));
                frame.map_or(least, |frame| {
                    let counter = frame.loss.counter;
                    (map.at(counter, &mut self.hint).order_ns, counter)
                })
            }
        }
    }
}

/// The largest key that a record of the block can have by its own time.
fn last_key(header: &BlockHeader, map: &TimeMap, hint: &mut usize) -> Key {
    let counter = (header.flags & BlockHeader::HAS_COUNTER != 0)
        .then(|| (map.at(header.counter_last, hint).order_ns, header.counter_last));
    let unix = (header.flags & BlockHeader::HAS_UNIX != 0).then_some((header.unix_last, 0));
    counter.into_iter().chain(unix).max().unwrap_or((i64::MIN, 0))
}

/// Removes the items that the last `records` records do not need. `None` if nothing can be passed over.
pub(super) fn cut(rings: &mut ItemsByRing, plan: &ReadPlan, records: u64) -> Option<Cut> {
    // What is gone depends on everything before it.
    let has_gone = |items: &RingItems| items.items.iter().any(|item| item.kind() == ItemKind::Gone);
    if rings.values().any(has_gone) {
        return None;
    }
    rings.retain(|&(session, ring), _| {
        let thread = plan.sessions.get(session).and_then(|of| of.thread(ring, &plan.dumps));
        plan.filter.wants_thread(&RingName::new(ring, 0, thread).name, thread)
    });
    let mut bounds = Bounds { plan, hint: 0 };
    let mut key = None;
    for dump in 0..plan.dumps.len() as u32 {
        key = pass_over_unlisted(rings, dump, &mut bounds)?.max(key);
    }
    let from = smallest_needed(rings, &mut bounds, records)?;
    let mut leads = BTreeMap::new();
    // Whether a ring has items that are read, by session and ring.
    let mut is_read = BTreeMap::new();
    for (&(session, ring), of_ring) in rings.iter_mut() {
        let items = &mut of_ring.items;
        items.sort_unstable();
        let before = predecessor(plan, session, ring);
        let is_late = before.is_some_and(|before| is_read.get(&(session, before)) == Some(&true));
        let passed = items.iter().position(|item| bounds.last(session, item) >= from);
        let passed = if is_late { 0 } else { passed.unwrap_or(items.len()) };
        let passed = without_overlap(items, passed, &bounds);
        let passed = up_to_known_spans(items, passed, &bounds);
        // The rest of an ended ring is not read, nor is what follows it later than the key.
        is_read.insert((session, ring), passed < items.len());
        key = items[..passed].iter().map(|item| bounds.last(session, item)).chain(key).max();
        let Some(lead) = lead(items, passed, &bounds) else {
            let next = unlisted_before(items, session, &bounds);
            leads.extend(next.map(|next| ((session, ring), Lead { next, ..Lead::default() })));
            continue;
        };
        let next = bounds.block(&items[lead]).map_or(0, |block| record_after(&block.header));
        let stated = stated(items, lead + 1, (session, ring), &bounds);
        let block = Some((items[lead].dump(), items[lead].index));
        leads.insert((session, ring), Lead { next, stated, block });
        items.drain(..=lead);
    }
    Some(Cut { key: key?, leads })
}

/// Removes what is before the unlisted blocks of a dump. Returns a key that nothing before these or among them
/// exceeds, if there are any; `None` if there are losses among them.
fn pass_over_unlisted(
    rings: &mut ItemsByRing,
    dump_index: u32,
    bounds: &mut Bounds<'_>,
) -> Option<Option<Key>> {
    let plan = bounds.plan;
    let dump = plan.dumps.get(dump_index as usize)?;
    let Some(unlisted) = dump.unlisted() else { return Some(None) };
    if unlisted.have_losses {
        return None;
    }
    let header = dump.header();
    let session = plan.session_of(dump)?;
    let map = plan.map(session)?;
    let mut key = match plan.order {
        Order::File => Some((i64::from(dump_index), unlisted.end.saturating_sub(1))),
        Order::Time => {
            let of_counter = |counter| (map.at(counter, &mut bounds.hint).order_ns, counter);
            let counter = unlisted.counter.map(of_counter);
            counter.max(unlisted.unix_ns.map(|unix_ns| (unix_ns, 0)))
        }
    };
    let is_before = |item: &Item| {
        let other = plan.dumps.get(item.dump() as usize).map(Dump::header);
        item.dump() != dump_index && other.is_some_and(|other| other.sequence <= header.sequence)
    };
    for (_, of_ring) in rings.range_mut((session, 0)..=(session, u32::MAX)) {
        for item in of_ring.items.iter().filter(|item| is_before(item)) {
            key = key.max(Some(bounds.last(session, item)));
        }
        of_ring.items.retain(|item| !is_before(item));
    }
    Some(key)
}

/// The number of a ring's first listed record, if there may be others before it.
fn unlisted_before(items: &[Item], session: usize, bounds: &Bounds<'_>) -> Option<u64> {
    let of_session = |dump: &&Dump| bounds.plan.session_of(dump) == Some(session);
    let mut dumps = bounds.plan.dumps.iter().filter(of_session);
    let first = items.iter().find_map(|item| bounds.block(item));
    let is_unlisted = dumps.any(|dump| dump.unlisted().is_some());
    first.filter(|_| is_unlisted).map(|block| block.header.first_record)
}

/// The smallest key of the last blocks that have at least as many records; `None` if all blocks have fewer.
fn smallest_needed(rings: &ItemsByRing, bounds: &mut Bounds<'_>, records: u64) -> Option<Key> {
    // The last blocks, the earliest one first.
    let mut last = BinaryHeap::new();
    let mut found = 0_u64;
    for (&(session, _), of_ring) in rings {
        for item in &of_ring.items {
            let Some(block) = bounds.block(item).filter(|block| block.header.count > 0) else {
                continue;
            };
            let Some(key) = bounds.first(session, item, &block) else { continue };
            if found >= records && last.peek().is_some_and(|Reverse((least, _))| key < *least) {
                continue;
            }
            found += u64::from(block.header.count);
            last.push(Reverse((key, block.header.count)));
            while let Some(Reverse((_, count))) = last.peek().copied()
                && found - u64::from(count) >= records
            {
                found -= u64::from(count);
                last.pop();
            }
        }
    }
    last.pop().filter(|_| found >= records).map(|Reverse((key, _))| key)
}

/// The ring that a ring continues.
fn predecessor(plan: &ReadPlan, session: usize, ring: u32) -> Option<u32> {
    if plan.order != Order::Time {
        return None;
    }
    let thread = plan.sessions.get(session)?.thread(ring, &plan.dumps)?;
    thread.continues.filter(|&before| before < ring)
}

/// How many items can be passed over if no block after them may repeat one of their records.
fn without_overlap(items: &[Item], mut passed: usize, bounds: &Bounds<'_>) -> usize {
    let first_of = |items: &[Item]| {
        let block = items.iter().find_map(|item| bounds.block(item));
        block.map(|block| block.header.first_record)
    };
    while let Some((read, before)) = first_of(&items[passed..])
        .zip(items[..passed].iter().rposition(|item| bounds.block(item).is_some()))
    {
        let end = bounds.block(&items[before]).map(|block| record_after(&block.header));
        if end.is_none_or(|end| end <= read) {
            break;
        }
        passed = before;
    }
    passed
}

/// How many items can be passed over if the spans of the thread are to be known after them. Blocks without a
/// context, in rings and tails, need those before them, back to one that has a context.
fn up_to_known_spans(items: &[Item], passed: usize, bounds: &Bounds<'_>) -> usize {
    let has_context = |item: &Item| {
        let dump = bounds.plan.dumps.get(item.dump() as usize);
        dump.zip(bounds.block(item)).is_some_and(|(dump, block)| {
            dump.has_context(block.offset) || dump.is_before_spans(block.offset)
        })
    };
    match lead(items, passed, bounds) {
        Some(at) if bounds.plan.spans.is_some() && !has_context(&items[at]) => {
            items[..at].iter().rposition(has_context).map_or(0, |known| known + 1)
        }
        _ => passed,
    }
}

/// The last intact block before an item.
fn lead(items: &[Item], passed: usize, bounds: &Bounds<'_>) -> Option<usize> {
    items.get(..passed)?.iter().rposition(|item| {
        let dump = bounds.plan.dumps.get(item.dump() as usize);
        let Some((dump, block)) = dump.zip(bounds.block(item)) else { return false };
        let is_known = Codec::from_number(block.header.codec).is_some()
            && block.header.encoding <= BlockHeader::GROUP;
        block.header.count > 0 && !block.is_cut && is_known && dump.stored_body(&block).is_ok()
    })
}

/// The losses that the items before an index state.
fn stated(items: &[Item], read: usize, ring: (usize, u32), bounds: &Bounds<'_>) -> Loss {
    let has_loss = |item: &Item| bounds.has_loss(item);
    let before = items.get(..read).unwrap_or_default();
    let statements = before.iter().rev().filter(|item| has_loss(item));
    let mut found = statements.map(|item| total(item, ring, bounds.plan));
    found.find(|loss| loss.total() > 0).unwrap_or_default()
}

/// What an item alone states.
fn total(item: &Item, (session, ring): (usize, u32), plan: &ReadPlan) -> Loss {
    let mut state = ReadState::default();
    let mut alone = Ring::new(session, RingName::new(ring, 0, None), false);
    alone.extend(RingItems { items: vec![*item], reread: 0 }, &mut state);
    let mut count = 0;
    while alone.advance(count, plan, &mut state).is_some() {
        count = match alone.turn(0, None) {
            Turn::Records(run) => run.to - run.from,
            Turn::Nothing | Turn::Pause | Turn::Loss(_) => 1,
        };
    }
    alone.stated()
}

fn record_after(header: &BlockHeader) -> u64 {
    header.first_record.saturating_add(header.count.into())
}
