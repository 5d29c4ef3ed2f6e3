//! One ring: its records and losses in order, from any number of blocks and files.
//!
//! ```text
//!   items:   [block] [block] (loss) [block] …        sorted by their positions in the ring
//!              │
//!   head:   an unopened block ─▶ a batch of its records ─▶ … ─▶ its last batch ─▶ the next item
//! ```
//!
//! An unopened head has the smallest key that its records can have: a block is opened when it can hold
//! the next entry, and no earlier. Keys never fall within a ring. `losses` states what is missing. A ring
//! that continues another one begins when that one has ended, with its last key.

mod first;
mod late;
mod losses;
mod passed;

use std::collections::VecDeque;
use std::sync::Arc;

use stenolog_format::block::{BlockError, BlockHeader};
use stenolog_format::dictionary::Thread;
use stenolog_format::loss::Loss;

use super::batch::{RecordBatch, RecordRun};
use super::block_reader::{BlockClock, BlockReader, BlockStep};
use super::order::{Key, Order};
use super::plan::ReadPlan;
pub(super) use first::first_key;
use first::first_unix_ns;

use super::session::{Item, ItemKind, RingItems};
use super::spans::RingSpans;
use super::state::ReadState;
use crate::model::damage::DamageCause;
use crate::model::loss::{LossCause, LossEntry, LossKind};
use crate::model::origin::{EntryOrigin, RingName};
use crate::model::state::DumpState;

/// A ring that is being read.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(super) session: usize,
    name: Arc<RingName>,
    /// The number of items since the last pause.
    items_since_pause: u32,
    items: VecDeque<Item>,
    /// An item that comes once more, before the next.
    again: Option<Item>,
    open: Option<BlockReader>,
    /// Records that were found in the open block, and the index of the next one.
    batch: Arc<RecordBatch>,
    at: usize,
    /// The step after the records with unknown call sites, which are stated first.
    pending_step: Option<BlockStep>,
    head: RingHead,
    key: Key,
    /// The number after the last record that was read: records before it are repeated.
    delivered: u64,
    /// Repeated records below this number are no duplicates: their block was read before it was whole.
    reread: u64,
    /// All numbers below it are settled, except those of a block that was cut: the record was delivered,
    /// not wanted, or missing.
    settled: u64,
    /// The smallest number that anything is known of.
    began: Option<u64>,
    /// The number that the next block should begin with.
    expected: Option<u64>,
    /// The expected records of a damaged block. The next block shows how many of them are missing.
    broken: Option<Broken>,
    /// The records counted as missing at the end: the first number, how many, and why.
    lost_at_end: Option<(u64, u64, LossKind)>,
    /// Consecutive records with unknown call sites: the first number, and how many.
    unknown_sites: (u64, u64),
    /// The losses that were stated so far, including those that the filter hides.
    stated: Loss,
    /// The index of the last segment of the time map.
    hint: usize,
    spans: RingSpans,
}

/// A block that could not be read, or not to its end.
#[derive(Clone, Copy, Debug)]
struct Broken {
    kind: LossKind,
    /// The number after its last record, by its header.
    end: u64,
    unix_ns: i64,
}

/// The number of blocks and losses to look through for another entry before a pause.
const ITEMS_BETWEEN_PAUSES: u32 = 128;

/// The next item of a ring.
pub(crate) enum Turn<'r> {
    /// A block that must be opened.
    Nothing,
    /// Many blocks had no wanted entries: the output so far should be shown.
    Pause,
    Loss(LossEntry<'r>),
    Records(RecordRun<'r>),
}

/// The head of a ring.
#[derive(Clone, Copy, Debug)]
enum RingHead {
    /// Nothing was read yet, everything was read, or there is a pause.
    None,
    /// An unopened block. Its checksum is right, or cannot be checked.
    Block(Item),
    /// The rest of the batch.
    Records,
    /// A loss at this time.
    Loss { unix_ns: i64, cause: LossCause },
}

impl Ring {
    /// A ring without items. It expects record 0 if its files are the first ones of the session.
    pub(super) fn new(session: usize, name: RingName, is_from_start: bool) -> Self {
        Self {
            session,
            name: Arc::new(name),
            items_since_pause: 0,
            items: VecDeque::new(),
            again: None,
            open: None,
            batch: Arc::default(),
            at: 0,
            pending_step: None,
            head: RingHead::None,
            key: (i64::MIN, 0),
            delivered: 0,
            reread: 0,
            settled: 0,
            began: None,
            expected: is_from_start.then_some(0),
            broken: None,
            lost_at_end: None,
            unknown_sites: (0, 0),
            stated: Loss::default(),
            hint: 0,
            spans: RingSpans::default(),
        }
    }

    /// Sets the thread, if the dumps know it by now.
    pub(super) fn set_thread(&mut self, thread: Option<&Thread>) {
        if thread.is_some() {
            self.name = Arc::new(RingName::new(self.name.ring, self.name.ring_index, thread));
        }
    }

    /// Forgets items of blocks that may have been replaced: those of a dump from an index on.
    pub(super) fn forget_unsettled(&mut self, settled: impl Fn(u32) -> u32) {
        let is_settled =
            |item: &Item| item.kind() != ItemKind::Block || item.index < settled(item.dump());
        self.items.retain(is_settled);
        if matches!(&self.head, RingHead::Block(item) if !is_settled(item)) {
            self.head = RingHead::None;
        }
    }

    /// Adds items. What was missing at the end may be in them.
    pub(super) fn extend(&mut self, more: RingItems, state: &mut ReadState) {
        if self.items.is_empty() {
            // Without a copy: there may be millions.
            let mut items = more.items;
            items.shrink_to_fit();
            self.items = items.into();
        } else {
            self.items.extend(more.items);
        }
        self.items.make_contiguous().sort_unstable();
        self.reread = self.reread.max(more.reread);
        if let Some((first, count, kind)) = self.lost_at_end.take() {
            state.tally.unmiss(kind, count);
            self.expected = Some(first);
        }
    }

    /// Whether a block of this dump is open.
    pub(super) fn reads(&self, dump: usize) -> bool {
        self.open.as_ref().is_some_and(|open| open.dump_index == dump)
    }

    fn origin(&self) -> EntryOrigin<'_> {
        self.name.origin(self.open.as_ref().map_or(0, |open| open.dump_index))
    }

    /// The ring of the same session that this one continues.
    pub(super) fn continues(&self) -> Option<u32> {
        self.name.thread.as_ref().and_then(|thread| thread.continues)
    }

    /// The ring's id and thread.
    pub(super) fn name(&self) -> &Arc<RingName> {
        &self.name
    }

    /// The head. Of records, it has those that come before `next`, the next entry of all other rings, and
    /// at least one. `index` is this ring's place among them.
    #[inline]
    pub(super) fn turn(&self, index: usize, next: Option<(Key, usize)>) -> Turn<'_> {
        match self.head {
            RingHead::None => Turn::Pause,
            RingHead::Block(_) => Turn::Nothing,
            RingHead::Loss { unix_ns, cause } => {
                Turn::Loss(LossEntry::new(self.origin(), unix_ns, cause))
            }
            RingHead::Records => {
                let Some(open) = &self.open else { return Turn::Nothing };
                let keys = self.batch.keys.get(self.at..).unwrap_or_default();
                let count = next.map_or(keys.len(), |next| {
                    1 + keys.iter().skip(1).take_while(|key| (**key, index) < next).count()
                });
                Turn::Records(RecordRun {
                    ring: index,
                    origin: self.origin(),
                    batch: &self.batch,
                    body: &open.body,
                    from: self.at,
                    to: self.at + count,
                })
            }
        }
    }

    /// Passes the head, of records the first `count`, and returns the key of the next head; `None` at
    /// the end.
    #[inline]
    pub(super) fn advance(
        &mut self,
        count: usize,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        // Nearly always the next record of the batch.
        if matches!(self.head, RingHead::Records)
            && let Some(&key) = self.batch.keys.get(self.at + count)
        {
            self.at += count;
            self.key = key;
            return Some(key);
        }
        self.advance_to_another(count, plan, state)
    }

    fn advance_to_another(
        &mut self,
        count: usize,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<Key> {
        match self.head {
            RingHead::Block(item) => {
                if let Some(missing) = self.open_block(item, plan, state) {
                    return Some(self.put(missing, None));
                }
            }
            RingHead::Records => self.at += count,
            RingHead::None | RingHead::Loss { .. } => {}
        }
        loop {
            if self.open.is_some() {
                if let Some(key) = self.next_record(plan, state) {
                    return Some(key);
                }
                self.close(plan, state);
            }
            self.items_since_pause += 1;
            if self.items_since_pause >= ITEMS_BETWEEN_PAUSES {
                self.items_since_pause = 0;
                return Some(self.put(RingHead::None, None));
            }
            let Some(item) = self.again.take().or_else(|| self.items.pop_front()) else {
                self.head = RingHead::None;
                return self.lose_last(plan, state);
            };
            if let Some(key) = self.take_item(item, plan, state) {
                return Some(key);
            }
        }
    }

    fn put(&mut self, head: RingHead, key: Option<Key>) -> Key {
        self.head = head;
        self.key = key.map_or(self.key, |key| self.key.max(key));
        self.key
    }

    fn take_item(&mut self, item: Item, plan: &ReadPlan, state: &mut ReadState) -> Option<Key> {
        let dump_index = item.dump() as usize;
        let dump = plan.dumps.get(dump_index)?;
        let index = item.index as usize;
        if item.kind() != ItemKind::Block {
            let frame = dump.tables().losses.get(index)?;
            return match frame.gone.filter(|_| item.kind() == ItemKind::Gone) {
                Some(gone) => self.take_gone(item, frame, gone, plan, state),
                None => self.take_loss_frame(frame, plan, state),
            };
        }
        let block = &dump.blocks().get(index).filter(|block| !block.is_gone())?;
        let header = &block.header;
        // Records that are missing before it are stated when it is opened.
        let first = header.first_record;
        self.began.get_or_insert(self.expected.map_or(first, |expected| expected.min(first)));
        let map = plan.map(self.session)?;
        // An empty block only states a gap.
        let is_wanted = || {
            plan.filter.wants_block(header, map)
                && (header.flags & BlockHeader::HAS_LOSS != 0 || plan.may_hold(dump_index, index))
        };
        if header.count > 0 && !is_wanted() {
            self.skip(item, block, plan);
            return None;
        }
        let key = match plan.order {
            Order::Time => first_key(header, map, &mut self.hint),
            Order::File => (i64::from(item.dump()), block.offset),
        };
        // The checksum comes first: a damaged header could move the records after it to another time, or
        // look like that of a block whose records were delivered.
        let pools = &mut state.pools;
        match plan.find((dump_index, index), block, &mut pools.unpacker) {
            Some(found) if !found.has_part(block.part as usize) => {
                self.skip(item, block, plan);
                return None;
            }
            // Its checksum is right.
            Some(_) => {}
            None => {
                if let Err(cause) = pools.checked.stored_body(dump, block) {
                    self.breaks(LossKind::BadChecksum, block, header.first_record, plan);
                    let bytes = block.frame_bytes();
                    state.tally.note_damage((item.dump(), dump), block, bytes, cause);
                    return None;
                }
            }
        }
        Some(self.put(RingHead::Block(item), Some(key)))
    }

    /// Opens a block. Returns the loss before it, if records are missing there.
    fn open_block(
        &mut self,
        item: Item,
        plan: &ReadPlan,
        state: &mut ReadState,
    ) -> Option<RingHead> {
        let dump_index = item.dump() as usize;
        let dump = plan.dumps.get(dump_index)?;
        let block = &dump.blocks().get(item.index as usize)?;
        let header = &block.header;
        let end = header.first_record.saturating_add(header.count.into());
        if end <= self.delivered {
            state.tally.duplicates += if end <= self.reread { 0 } else { header.count.into() };
            self.spans.skip(plan.spans.as_ref(), (item.dump(), item.index), block);
            return None;
        }
        // Its checksum was checked when it became the head.
        let stored = dump.stored_unchecked(block);
        let place = (dump_index, item.index);
        match BlockReader::open(place, block, &stored, plan, &mut state.pools) {
            Ok(mut open) => {
                let place = (item.dump(), item.index);
                let of = &mut self.spans;
                open.spans = state.pools.spans.of(plan.spans.as_ref(), place, block, of);
                self.open = Some(open);
            }
            Err(BlockError::Cut) => {
                // A live writer will complete it; otherwise the tail of the dump states the damage.
                if dump.state() != DumpState::Growing {
                    self.breaks(LossKind::TornFrame, block, header.first_record, plan);
                }
                return None;
            }
            Err(why) => {
                self.breaks(LossKind::Unreadable, block, header.first_record, plan);
                let (bytes, cause) = (block.frame_bytes(), block.damage(why));
                state.tally.note_damage((item.dump(), dump), block, bytes, cause);
                return None;
            }
        }
        let expected = self.expected.filter(|&expected| header.first_record > expected);
        self.expected = Some(end.max(self.expected.unwrap_or(0)));
        let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
        let first = expected?;
        self.settled = self.settled.max(header.first_record);
        let unix_ns = first_unix_ns(header, plan.map(self.session)?);
        self.missing((first, header.first_record - first), kind, unix_ns, plan, state)
    }

    /// Moves to the next wanted record or loss of the open block.
    fn next_record(&mut self, plan: &ReadPlan, state: &mut ReadState) -> Option<Key> {
        loop {
            if let Some(&key) = self.batch.keys.get(self.at) {
                self.head = RingHead::Records;
                self.key = key;
                return Some(key);
            }
            let step = match self.pending_step.take() {
                Some(step) => step,
                None => self.find_more(plan, state)?,
            };
            let open = self.open.as_mut()?;
            // Records with unknown call sites are stated first, then this step comes again.
            if self.unknown_sites.1 > 0 && !matches!(step, BlockStep::UnknownCallSite(..)) {
                let header = open.block.header;
                self.pending_step = Some(step).filter(|step| !matches!(step, BlockStep::Records));
                if let Some(key) = self.take_unknown_sites(&header, plan, state) {
                    return Some(key);
                }
                continue;
            }
            match step {
                BlockStep::Records => {}
                BlockStep::Loss(counter, counts) => {
                    let place = open.place_in_files();
                    if let Some(key) = self.take_loss_record((counter, counts), place, plan, state)
                    {
                        return Some(key);
                    }
                }
                BlockStep::UnknownCallSite(tag, number) => {
                    open.note_unknown(tag);
                    if self.unknown_sites.1 == 0 {
                        self.unknown_sites.0 = number;
                    }
                    self.unknown_sites.1 += 1;
                }
                BlockStep::End => {
                    self.end_block(plan, state);
                    return None;
                }
            }
        }
    }

    fn find_more(&mut self, plan: &ReadPlan, state: &mut ReadState) -> Option<BlockStep> {
        let ReadState { tally, pools } = state;
        self.at = 0;
        let batch = pools.renew(&mut self.batch);
        let (map, order, key) = (plan.map(self.session)?, plan.order, self.key);
        let window = map.window(self.hint);
        let mut clock = BlockClock { map, hint: &mut self.hint, window, order, key };
        let delivered = (&mut self.delivered, self.reread);
        Some(self.open.as_mut()?.find_more(&mut clock, delivered, batch, plan, tally))
    }

    /// Notes why the open block ends early, if it does.
    fn end_block(&mut self, plan: &ReadPlan, state: &mut ReadState) {
        let Some(open) = &self.open else { return };
        let Some((lost, why)) = open.ended else { return };
        let Some(dump) = plan.dumps.get(open.dump_index) else { return };
        let (block, number) = (open.block, open.number);
        let (dump_index, bytes) = (open.dump_index as u32, open.bytes_left());
        let cause = DamageCause::Block { ring: self.name.ring, lost, why };
        self.expected = Some(number.max(self.delivered));
        if !block.is_cut {
            self.breaks(LossKind::Unreadable, &block, number, plan);
            state.tally.note_damage((dump_index, dump), &block, bytes, cause);
        } else if dump.state() != DumpState::Growing {
            // The tail of the dump states the damage.
            self.breaks(LossKind::TornFrame, &block, number, plan);
        }
    }

    /// Closes the open block, and reports its records with unknown call sites.
    fn close(&mut self, plan: &ReadPlan, state: &mut ReadState) {
        let Some(open) = self.open.take() else { return };
        let BlockHeader { first_record, count, .. } = open.block.header;
        let end = first_record.saturating_add(count.into());
        if open.block.is_cut && self.expected == Some(end) {
            // The records that were cut off are missing if anything follows.
            self.expected = Some(open.number.max(self.delivered));
        }
        let ring = self.name.ring;
        if let ((records @ 1.., first), Some(dump)) =
            (open.unknown, plan.dumps.get(open.dump_index))
        {
            let cause = DamageCause::UnknownSite { ring, records, first };
            state.tally.note_damage((open.dump_index as u32, dump), &open.block, 0, cause);
        }
        open.close(&mut state.pools);
    }
}
