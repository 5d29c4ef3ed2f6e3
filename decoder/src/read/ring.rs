//! One ring's records, in its order, from however many blocks and files.
//!
//! ```text
//!   items:   [block] [block] (loss) [block] …        sorted by the ring's position
//!              │
//!   head:   a block not opened yet ─▶ a stretch of its records ─▶ … ─▶ its last ─▶ the next item
//! ```
//!
//! A head that is not opened yet has the smallest key that its records can have, so that a block
//! is opened when it can hold the next entry, and no earlier. Keys never fall within a ring. What is
//! told of records that are missing is in `losses`. A ring that continues another one begins when that one
//! has ended, with its last key.

mod losses;

use std::sync::Arc;

use stenolog_format::block::{BlockError, BlockHeader};
use stenolog_format::dictionary::Thread;
use stenolog_format::loss::Loss;

use super::context::{Context, Order};
use super::open::{Clock, Found, OpenBlock};
use super::parallel::RingName;
use super::session::{Item, ItemKind};
use super::stretch::{Run, Stretch};
use crate::clock::TimeMap;
use crate::dump::{Block, Stored};
use crate::model::damage::DamageCause;
use crate::model::entry::{LossCause, LossEntry, LossKind, Origin, ThreadName};
use crate::model::state::DumpState;
use losses::Broken;

/// The place of an entry among those of all rings: time first, then the counter, which is finer.
pub(super) type Key = (i64, u64);

/// A ring that is being read.
#[derive(Debug)]
pub(super) struct Ring<'d> {
    pub(super) session: usize,
    pub(super) ring: u32,
    thread: Option<&'d Thread>,
    thread_name: Arc<ThreadName>,
    /// How many items were taken since the last pause.
    taken: u32,
    items: std::vec::IntoIter<Item>,
    /// An item whose turn comes again, before the next.
    again: Option<Item>,
    open: Option<OpenBlock<'d>>,
    /// Records that were found in the open block, and how many of them were shown.
    stretch: Arc<Stretch<'d>>,
    at: usize,
    /// What was found behind the records without a call site, which are shown first.
    found: Option<Found>,
    head: Head<'d>,
    key: Key,
    /// The number behind the last record that was read: records before it came already.
    delivered: u64,
    /// Of the numbers below it has been settled what became of their records, but for those of a
    /// block that was cut: delivered, not wanted, or missing.
    settled: u64,
    /// The smallest number that something is known of.
    began: Option<u64>,
    /// The number that the next block should begin with.
    expected: Option<u64>,
    /// What a damaged block should have had. What of it is missing shows when the next one comes.
    broken: Option<Broken>,
    /// Records without a call site, that came one behind the other: the first, and how many.
    strangers: (u64, u64),
    /// The losses that were shown, or whose showing the filter forbade.
    stated: Loss,
    /// Where the time map found the last counter.
    hint: usize,
}

/// How many blocks and losses to look through for another entry before pausing.
const ITEMS_BETWEEN_PAUSES: u32 = 128;

/// What is at the head of a ring.
pub(super) enum Turn<'r, 'd> {
    /// The turn has come of a block that is to be opened.
    Nothing,
    /// Many blocks had nothing that is wanted: what is at hand should be shown.
    Pause,
    Loss(LossEntry<'r>),
    Records(Run<'r, 'd>),
}

/// What comes next in a ring.
#[derive(Clone, Copy, Debug)]
enum Head<'d> {
    /// Nothing has been looked at yet, or all has been read, or there is a pause.
    None,
    /// A block that is not opened yet. Its checksum is right, or cannot be checked.
    Block { item: Item, block: &'d Block, stored: Stored<'d> },
    /// Those of the stretch that were not shown yet.
    Records,
    /// A loss, at this time.
    Loss { unix_ns: i64, cause: LossCause },
}

impl<'d> Ring<'d> {
    pub(super) fn new(
        session: usize,
        ring: u32,
        thread: Option<&'d Thread>,
        thread_name: ThreadName,
        items: Vec<Item>,
        expected: Option<u64>,
    ) -> Self {
        Self {
            session,
            ring,
            thread,
            thread_name: Arc::new(thread_name),
            taken: 0,
            items: items.into_iter(),
            again: None,
            open: None,
            stretch: Arc::default(),
            at: 0,
            found: None,
            head: Head::None,
            key: (i64::MIN, 0),
            delivered: 0,
            settled: 0,
            began: None,
            expected,
            broken: None,
            strangers: (0, 0),
            stated: Loss::default(),
            hint: 0,
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            ring: self.ring,
            thread: self.thread,
            thread_name: &self.thread_name,
            dump: self.open.as_ref().map_or(0, |open| open.dump_index),
        }
    }

    /// The ring of the same session that this one goes on behind.
    pub(super) fn continues(&self) -> Option<u32> {
        self.thread.and_then(|thread| thread.continues)
    }

    /// Has the ring go on where another one has ended, as if both were one: its keys do not fall below
    /// the last of that one.
    pub(super) fn go_on_behind(&mut self, before: Key) {
        self.key = self.key.max(before);
    }

    /// The key of the entry that was come to last.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// The thread's names, to be kept by others.
    pub(super) fn name(&self) -> RingName<'d> {
        let Self { ring, thread, ref thread_name, .. } = *self;
        RingName { ring, thread, name: Arc::clone(thread_name) }
    }

    /// What is at the head: of records as many as come before `next`, the next entry of all other
    /// rings, but one at least. `index` is this ring's place among them.
    #[inline]
    pub(super) fn turn(&self, index: usize, next: Option<(Key, usize)>) -> Turn<'_, 'd> {
        match self.head {
            Head::None => Turn::Pause,
            Head::Block { .. } => Turn::Nothing,
            Head::Loss { unix_ns, cause } => {
                Turn::Loss(LossEntry::new(self.origin(), unix_ns, cause))
            }
            Head::Records => {
                let Some(open) = &self.open else { return Turn::Nothing };
                let keys = self.stretch.keys.get(self.at..).unwrap_or_default();
                let count = next.map_or(keys.len(), |next| {
                    1 + keys.iter().skip(1).take_while(|key| (**key, index) < next).count()
                });
                Turn::Records(Run {
                    ring: index,
                    origin: self.origin(),
                    stretch: &self.stretch,
                    body: &open.body,
                    from: self.at,
                    to: self.at + count,
                })
            }
        }
    }

    /// Goes to the entry behind the next so many; `None` if there is none. The key says when its turn
    /// is. Of records there may be several, of all else there is one.
    pub(super) fn advance(&mut self, count: usize, context: &mut Context<'d>) -> Option<Key> {
        match self.head {
            Head::Block { item, block, stored } => {
                if let Some(missing) = self.open_block(item, block, &stored, context) {
                    return Some(self.put(missing, None));
                }
            }
            Head::Records => self.at += count,
            Head::None | Head::Loss { .. } => {}
        }
        loop {
            if self.open.is_some() {
                if let Some(key) = self.next_record(context) {
                    return Some(key);
                }
                self.close(context);
            }
            self.taken += 1;
            if self.taken >= ITEMS_BETWEEN_PAUSES {
                self.taken = 0;
                return Some(self.put(Head::None, None));
            }
            let Some(item) = self.again.take().or_else(|| self.items.next()) else {
                self.head = Head::None;
                return self.lose_last(context);
            };
            if let Some(key) = self.take_item(item, context) {
                return Some(key);
            }
        }
    }

    fn put(&mut self, head: Head<'d>, key: Option<Key>) -> Key {
        self.head = head;
        self.key = key.map_or(self.key, |key| self.key.max(key));
        self.key
    }

    fn take_item(&mut self, item: Item, context: &mut Context<'d>) -> Option<Key> {
        let dump_index = item.dump as usize;
        let dump = context.wants.dumps.get(dump_index)?;
        let index = item.index as usize;
        if item.kind != ItemKind::Block {
            let frame = dump.tables().losses.get(index)?;
            return match frame.gone.filter(|_| item.kind == ItemKind::Gone) {
                Some(gone) => self.take_gone(item, frame, gone, context),
                None => self.take_loss_frame(frame, context),
            };
        }
        let block = dump.blocks().get(index)?;
        let header = &block.header;
        // What is missing before it is told with it.
        let first = header.first_record;
        self.began.get_or_insert(self.expected.map_or(first, |expected| expected.min(first)));
        let map = context.map(self.session)?;
        // An empty block only tells of a gap.
        let is_wanted = || {
            context.wants.filter.wants_block(header, map)
                && (header.flags & BlockHeader::HAS_LOSS != 0
                    || context.wants.may_hold(dump_index, dump, index))
        };
        if header.count > 0 && !is_wanted() {
            // Unread, so that nothing is known to be there or missing for sure.
            let behind = header.first_record.saturating_add(header.count.into());
            self.expected = Some(behind.max(self.expected.unwrap_or(0)));
            self.broken = None;
            self.settled = self.settled.max(behind);
            return None;
        }
        let key = match context.wants.order {
            Order::Time => first_key(header, map, &mut self.hint),
            Order::File => (i64::from(item.dump), block.offset),
        };
        // Before anything goes by what the header says: a damaged one could put the records behind
        // it to another time, or pass for one whose records came already.
        let stored = match dump.stored_body(block) {
            Ok(stored) => stored,
            Err(cause) => {
                self.breaks(LossKind::BadChecksum, block, header.first_record, context);
                context.damage(dump_index, block, block.frame_bytes(), cause);
                return None;
            }
        };
        Some(self.put(Head::Block { item, block, stored }, Some(key)))
    }

    /// Opens a block whose turn it is. Gives what is missing before it, if something is.
    fn open_block(
        &mut self,
        item: Item,
        block: &'d Block,
        stored: &Stored<'d>,
        context: &mut Context<'d>,
    ) -> Option<Head<'d>> {
        let header = &block.header;
        let behind = header.first_record.saturating_add(header.count.into());
        if behind <= self.delivered {
            context.tally.duplicates += u64::from(header.count);
            return None;
        }
        let dump_index = item.dump as usize;
        let dump = context.wants.dumps.get(dump_index)?;
        let opened = OpenBlock::open((dump_index, dump), (item.index, block), stored, context);
        match opened {
            Ok(open) => self.open = Some(open),
            Err(BlockError::Cut) => {
                // It ends early by nature: the tail says so.
                if dump.state() != DumpState::Growing {
                    self.breaks(LossKind::TornFrame, block, header.first_record, context);
                }
                return None;
            }
            Err(why) => {
                self.breaks(LossKind::Unreadable, block, header.first_record, context);
                context.damage(dump_index, block, block.frame_bytes(), block.damage(why));
                return None;
            }
        }
        let expected = self.expected.filter(|&expected| header.first_record > expected);
        self.expected = Some(behind.max(self.expected.unwrap_or(0)));
        let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
        let first = expected?;
        self.settled = self.settled.max(header.first_record);
        let unix_ns = first_unix_ns(header, context.map(self.session)?);
        self.missing(first, header.first_record - first, kind, unix_ns, context)
    }

    /// Goes to the open block's next record that is wanted, or its next loss.
    fn next_record(&mut self, context: &mut Context<'d>) -> Option<Key> {
        loop {
            if let Some(&key) = self.stretch.keys.get(self.at) {
                self.head = Head::Records;
                self.key = key;
                return Some(key);
            }
            let open = self.open.as_mut()?;
            let found = match self.found.take() {
                Some(found) => found,
                None => {
                    let Context { wants, tally, pools } = &mut *context;
                    self.at = 0;
                    let stretch = pools.renew(&mut self.stretch);
                    let (map, order, key) = (wants.map(self.session)?, wants.order, self.key);
                    let window = map.window(self.hint);
                    let mut clock = Clock { map, hint: &mut self.hint, window, order, key };
                    open.find_more(&mut clock, &mut self.delivered, stretch, wants, tally)
                }
            };
            // Those without a call site come first, and this again.
            if self.strangers.1 > 0 && !matches!(found, Found::Stranger(..)) {
                let block = open.block;
                self.found = Some(found).filter(|found| !matches!(found, Found::Records));
                if let Some(key) = self.take_strangers(block, context) {
                    return Some(key);
                }
                continue;
            }
            match found {
                Found::Records => {}
                Found::Loss(counter, counts) => {
                    let place = open.place_in_files();
                    if let Some(key) = self.take_loss_record(counter, counts, place, context) {
                        return Some(key);
                    }
                }
                Found::Stranger(tag, number) => {
                    open.note_unknown(tag);
                    if self.strangers.1 == 0 {
                        self.strangers.0 = number;
                    }
                    self.strangers.1 += 1;
                }
                Found::End => {
                    self.end_block(context);
                    return None;
                }
            }
        }
    }

    /// Says why the open block's records end early, if they do.
    fn end_block(&mut self, context: &mut Context<'d>) {
        let Some(open) = &self.open else { return };
        let Some((lost, why)) = open.ended else { return };
        let (dump, block, number) = (open.dump, open.block, open.number);
        let (dump_index, bytes) = (open.dump_index, open.bytes_left());
        let cause = DamageCause::Block { ring: self.ring, lost, why };
        self.expected = Some(number.max(self.delivered));
        if !block.is_cut {
            self.breaks(LossKind::Unreadable, block, number, context);
            context.damage(dump_index, block, bytes, cause);
        } else if dump.state() != DumpState::Growing {
            // It ends early by nature: the tail says so.
            self.breaks(LossKind::TornFrame, block, number, context);
        }
    }

    /// Reports what was wrong in the open block.
    fn close(&mut self, context: &mut Context<'d>) {
        let Some(open) = self.open.take() else { return };
        let BlockHeader { first_record, count, .. } = open.block.header;
        let behind = first_record.saturating_add(count.into());
        if open.block.is_cut && self.expected == Some(behind) {
            // What was cut off is missing if anything follows.
            self.expected = Some(open.number.max(self.delivered));
        }
        let ring = self.ring;
        if let (records @ 1.., first) = open.unknown {
            let cause = DamageCause::UnknownSite { ring, records, first };
            context.damage(open.dump_index, open.block, 0, cause);
        }
        open.close(&mut context.pools);
    }
}

/// The smallest key that a record of the block can have.
fn first_key(header: &BlockHeader, map: &TimeMap, hint: &mut usize) -> Key {
    let counter = (header.flags & BlockHeader::HAS_COUNTER != 0)
        .then(|| (map.at(header.counter_first, hint).order_ns, header.counter_first));
    let unix = (header.flags & BlockHeader::HAS_UNIX != 0).then_some((header.unix_first, 0));
    counter.into_iter().chain(unix).min().unwrap_or((i64::MIN, 0))
}

fn first_unix_ns(header: &BlockHeader, map: &TimeMap) -> i64 {
    let counter = (header.flags & BlockHeader::HAS_COUNTER != 0)
        .then(|| map.at(header.counter_first, &mut 0).unix_ns);
    let unix = (header.flags & BlockHeader::HAS_UNIX != 0).then_some(header.unix_first);
    counter.into_iter().chain(unix).min().unwrap_or_default()
}
