//! One ring's records, in its order, from however many blocks and files.
//!
//! ```text
//!   items:   [block] [block] (loss) [block] …        sorted by the ring's position
//!              │
//!   head:   a block not opened yet ─▶ its first record ─▶ … ─▶ its last ─▶ the next item
//! ```
//!
//! A head that is not opened yet has the smallest key that its records can have, so that a block
//! is opened when it can hold the next entry, and no earlier. Keys never fall within a ring.

use std::sync::Arc;

use stenolog_format::block::{
    BlockError, BlockHeader, RawRecord, RecordTime, Records, RecordsPlace,
};
use stenolog_format::dictionary::{CallSite, Thread, TimeSource};
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::value::{Encoding, ValueError};

use super::context::{BlockPlace, Context, Order};
use super::paint::RawEntry;
use super::parallel::RingName;
use super::session::{Item, ItemKind};
use crate::clock::{Moment, TimeMap};
use crate::damage::DamageCause;
use crate::dump::{Block, Body, Dump, Stored};
use crate::entry::{LossCause, LossEntry, LossKind, Origin, ThreadName};
use crate::site::Site;

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
    /// A buffer for the next block.
    found: Vec<Found>,
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

/// How many records of an open block are found at once.
const RECORDS_AT_ONCE: usize = 64;

/// So many blocks and losses are looked at for another entry before there is a pause.
const ITEMS_BETWEEN_PAUSES: u32 = 128;

/// The entry at the head of a ring.
pub(super) enum Next<'r> {
    /// The turn has come of a block that is to be opened.
    Nothing,
    /// Many blocks had nothing that is wanted: what is at hand should be shown.
    Pause,
    Loss(LossEntry<'r>),
    Record(RawEntry<'r>, BlockPlace),
}

/// What comes next in a ring.
#[derive(Clone, Copy, Debug)]
enum Head<'d> {
    /// Nothing has been looked at yet, or all has been read, or there is a pause.
    None,
    /// A block that is not opened yet. Its checksum is right, or cannot be checked.
    Block { item: Item, block: &'d Block, stored: Stored<'d> },
    /// A record whose call site is wanted.
    Record(RecordHead<'d>),
    /// A loss, at this time.
    Loss { unix_ns: i64, cause: LossCause },
}

/// A record that is next in its ring.
#[derive(Clone, Copy, Debug)]
struct RecordHead<'d> {
    site: &'d Site,
    unix_ns: i64,
    number: u64,
    encoding: Encoding,
    /// Where the values stand in the open block, and how long they are.
    values: (u32, u32),
}

/// A block that could not be read, or not to its end.
#[derive(Clone, Copy, Debug)]
struct Broken {
    kind: LossKind,
    /// The number behind its last record, by its header.
    behind: u64,
    unix_ns: i64,
}

/// A block whose records are being read.
#[derive(Debug)]
pub(super) struct OpenBlock<'d> {
    dump: &'d Dump,
    dump_index: usize,
    /// In the dump's blocks.
    index: u32,
    block: &'d Block,
    body: Body<'d>,
    /// Records that the walk is ahead: those from `next` on.
    found: Vec<Found>,
    next: usize,
    /// Where the walk stands.
    place: RecordsPlace,
    /// How many records the walk could not find, and why.
    ended: Option<(u32, BlockError)>,
    /// The number of the next record.
    number: u64,
    /// How many records have call sites that the dictionary lacks, and the first of these.
    unknown: (u32, u32),
}

/// A record as it stands in an open block.
#[derive(Clone, Copy, Debug)]
struct Found {
    tag: u32,
    time: RecordTime,
    /// Where its values stand in the body, and how long they are.
    values: (u32, u32),
    encoding: Encoding,
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
            found: Vec::new(),
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

    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            ring: self.ring,
            thread: self.thread,
            thread_name: &self.thread_name,
            dump: self.open.as_ref().map_or(0, |open| open.dump_index),
        }
    }

    /// The thread's names, to be kept by others.
    pub(super) fn name(&self) -> RingName<'d> {
        let Self { ring, thread, ref thread_name, .. } = *self;
        RingName { ring, thread, name: Arc::clone(thread_name) }
    }

    /// The call site of the record at the head.
    #[inline]
    pub(super) fn site(&self) -> Option<&'d Site> {
        match &self.head {
            Head::Record(head) => Some(head.site),
            _ => None,
        }
    }

    /// The entry at the head.
    #[inline]
    pub(super) fn entry(&self) -> Next<'_> {
        match self.head {
            Head::None => Next::Pause,
            Head::Block { .. } => Next::Nothing,
            Head::Loss { unix_ns, cause } => {
                Next::Loss(LossEntry { origin: self.origin(), unix_ns, cause })
            }
            Head::Record(RecordHead { site, unix_ns, number, encoding, values }) => {
                let Some(open) = &self.open else { return Next::Nothing };
                let origin = Origin {
                    ring: self.ring,
                    thread: self.thread,
                    thread_name: &self.thread_name,
                    dump: open.dump_index,
                };
                let values = open.values(values);
                let raw = RawEntry { site, origin, unix_ns, number, encoding, values };
                Next::Record(raw, open.place_in_files())
            }
        }
    }

    /// Goes to the next entry; `None` if there is none. The key says when its turn is.
    pub(super) fn advance(&mut self, context: &mut Context<'d>) -> Option<Key> {
        if let Head::Block { item, block, stored } = self.head
            && let Some(missing) = self.open_block(item, block, &stored, context)
        {
            return Some(self.put(missing, None));
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
        let dump = context.dumps.get(dump_index)?;
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
        self.began.get_or_insert(header.first_record);
        let map = context.map(self.session)?;
        // An empty block only tells of a gap.
        if header.count > 0 && !context.filter.wants_block(header, map) {
            // Unread, so that nothing is known to be there or missing for sure.
            let behind = header.first_record.saturating_add(header.count.into());
            self.expected = Some(behind.max(self.expected.unwrap_or(0)));
            self.broken = None;
            self.settled = self.settled.max(behind);
            return None;
        }
        let key = match context.order {
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

    fn take_loss_frame(&mut self, frame: &LossFrame, context: &mut Context<'d>) -> Option<Key> {
        let moment = context.map(self.session)?.at(frame.loss.counter, &mut self.hint);
        self.take_loss(&frame.loss, moment, context)
    }

    /// Shows which of the records that are stated to be gone were not found all the same.
    fn take_gone(
        &mut self,
        item: Item,
        frame: &LossFrame,
        gone: Gone,
        context: &mut Context<'d>,
    ) -> Option<Key> {
        let settled = self.delivered.max(self.settled);
        let why = GoneCause::from_u8(gone.cause);
        let began = *self.began.get_or_insert(gone.first);
        let cause = match self.expected {
            _ if gone.first < began => {
                // Before all that is there. What is gone of the rest comes after it.
                self.again = Some(item);
                self.began = Some(gone.first);
                let count = gone.count.min(began - gone.first);
                LossCause::Gone { first: gone.first, count, why }
            }
            Some(expected) if expected < gone.first => {
                // They stood in yet another file. What is stated to be gone comes after them.
                self.again = Some(item);
                self.expected = Some(gone.first);
                self.settled = gone.first;
                let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
                LossCause::Missing { first: expected, count: gone.first - expected, kind }
            }
            expected => {
                let first = gone.first.max(settled);
                let behind = gone.first.saturating_add(gone.count);
                self.settled = settled.max(behind);
                self.expected = Some(behind.max(expected.unwrap_or(0)));
                let count = behind.saturating_sub(first);
                if count == 0 {
                    return None;
                }
                LossCause::Gone { first, count, why }
            }
        };
        let (count, kind) = match cause {
            LossCause::Missing { count, kind, .. } => (count, kind),
            LossCause::Gone { count, .. } => (count, LossKind::Gone),
            LossCause::Unrecorded { .. } => (0, LossKind::RingFull),
        };
        context.tally.missing = context.tally.missing.saturating_add(count);
        context.tally.lose(kind, count);
        let counter = frame.loss.counter;
        let moment = context.map(self.session)?.at(counter, &mut self.hint);
        if !context.filter.wants_time(moment.unix_ns) {
            return None;
        }
        let key = (context.order == Order::Time).then_some((moment.order_ns, counter));
        Some(self.put(Head::Loss { unix_ns: moment.unix_ns, cause }, key))
    }

    /// Shows what a statement adds to those before it.
    fn take_loss(&mut self, loss: &Loss, moment: Moment, context: &mut Context<'d>) -> Option<Key> {
        let Loss { full, too_large, .. } = loss.since(&self.stated);
        let more = Loss { counter: 0, full, too_large };
        if more.total() == 0 {
            return None;
        }
        for (stated, more) in self.stated.full.iter_mut().zip(full) {
            *stated = stated.saturating_add(more);
        }
        for (stated, more) in self.stated.too_large.iter_mut().zip(too_large) {
            *stated = stated.saturating_add(more);
        }
        context.tally.lost = context.tally.lost.saturating_add(more.total());
        for (kind, counts) in [(LossKind::RingFull, full), (LossKind::TooLarge, too_large)] {
            let count = counts.iter().fold(0, |sum: u64, &count| sum.saturating_add(count));
            if count > 0 {
                context.tally.lose(kind, count);
            }
        }
        if !context.filter.wants_time(moment.unix_ns) {
            return None;
        }
        let key = (context.order == Order::Time).then_some((moment.order_ns, loss.counter));
        let cause = LossCause::Unrecorded { full, too_large };
        Some(self.put(Head::Loss { unix_ns: moment.unix_ns, cause }, key))
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
        let dump = context.dumps.get(dump_index)?;
        let opened = context.unpacker.unpack(stored).and_then(|body| {
            let place = body.records(header)?.place();
            Ok((body, place))
        });
        let (body, place) = match opened {
            Ok(opened) => opened,
            Err(BlockError::Cut) => {
                // It ends early by nature: the tail says so.
                if dump.writer_is_alive() != Some(true) {
                    self.breaks(LossKind::TornFrame, block, header.first_record, context);
                }
                return None;
            }
            Err(why) => {
                self.breaks(LossKind::Unreadable, block, header.first_record, context);
                context.damage(dump_index, block, block.frame_bytes(), block.damage(why));
                return None;
            }
        };
        let expected = self.expected.filter(|&expected| header.first_record > expected);
        self.expected = Some(behind.max(self.expected.unwrap_or(0)));
        self.open = Some(OpenBlock {
            dump,
            dump_index,
            index: item.index,
            block,
            body,
            found: std::mem::take(&mut self.found),
            next: 0,
            place,
            ended: None,
            number: header.first_record,
            unknown: (0, 0),
        });
        let kind = self.broken.take().map_or(LossKind::Missing, |broken| broken.kind);
        let first = expected?;
        self.settled = self.settled.max(header.first_record);
        let unix_ns = first_unix_ns(header, context.map(self.session)?);
        self.missing(first, header.first_record - first, kind, unix_ns, context)
    }

    /// A block cannot be read from the record `from` on. If the number fits, its header tells how
    /// many records it should have had.
    fn breaks(&mut self, kind: LossKind, block: &Block, from: u64, context: &Context<'d>) {
        let header = &block.header;
        let expected = self.expected.unwrap_or(self.delivered);
        let stated = header.first_record.saturating_add(header.count.into());
        let behind = if from <= expected && block.is_plausible() { stated } else { expected };
        let unix_ns = context.map(self.session).map(|map| first_unix_ns(header, map));
        self.broken = Some(Broken { kind, behind, unix_ns: unix_ns.unwrap_or_default() });
    }

    /// What the ring's last block should have had and nothing else has.
    fn lose_last(&mut self, context: &mut Context<'d>) -> Option<Key> {
        let Broken { kind, behind, unix_ns } = self.broken.take()?;
        let first = self.expected.unwrap_or(self.delivered);
        let count = behind.checked_sub(first).filter(|&count| count > 0)?;
        self.expected = Some(behind);
        let head = self.missing(first, count, kind, unix_ns, context)?;
        Some(self.put(head, None))
    }

    /// Counts records that the files have not, and shows that, unless the filter forbids it.
    fn missing(
        &mut self,
        first: u64,
        count: u64,
        kind: LossKind,
        unix_ns: i64,
        context: &mut Context<'d>,
    ) -> Option<Head<'d>> {
        context.tally.missing = context.tally.missing.saturating_add(count);
        context.tally.lose(kind, count);
        let wanted = context.filter.wants_time(unix_ns);
        wanted.then_some(Head::Loss { unix_ns, cause: LossCause::Missing { first, count, kind } })
    }

    /// Shows the records without a call site that came last.
    fn take_strangers(&mut self, block: &Block, context: &mut Context<'d>) -> Option<Key> {
        let (first, count) = std::mem::take(&mut self.strangers);
        let unix_ns = first_unix_ns(&block.header, context.map(self.session)?);
        let kind = LossKind::UnknownCallSite;
        context.tally.lose(kind, count);
        let cause = LossCause::Missing { first, count, kind };
        let wanted = context.filter.wants_time(unix_ns);
        wanted.then(|| self.put(Head::Loss { unix_ns, cause }, None))
    }

    /// Goes to the open block's next record that is wanted, or its next loss.
    fn next_record(&mut self, context: &mut Context<'d>) -> Option<Key> {
        loop {
            let open = self.open.as_mut()?;
            let next = open.next();
            // Those without a call site come first, and this one again.
            let is_stranger = |record: &Found| {
                record.tag != CallSite::LOSS_ID
                    && open.dump.tables().sites.index(record.tag).is_none()
            };
            if self.strangers.1 > 0 && !matches!(&next, Some(record) if is_stranger(record)) {
                let block = open.block;
                if let Some(key) = self.take_strangers(block, context) {
                    return Some(key);
                }
                continue;
            }
            let Some(record) = next else {
                let (lost, why) = open.ended?;
                let (dump, block, number) = (open.dump, open.block, open.number);
                let dump_index = open.dump_index;
                let cause = DamageCause::Block { ring: self.ring, lost, why };
                self.expected = Some(number.max(self.delivered));
                if !block.is_cut {
                    let bytes = open.body.len().saturating_sub(open.place.offset()) as u64;
                    self.breaks(LossKind::Unreadable, block, number, context);
                    context.damage(dump_index, block, bytes, cause);
                } else if dump.writer_is_alive() != Some(true) {
                    // It ends early by nature: the tail says so.
                    self.breaks(LossKind::TornFrame, block, number, context);
                }
                return None;
            };
            open.next += 1;
            let number = open.number;
            open.number = number.saturating_add(1);
            if number < self.delivered {
                context.tally.duplicates += 1;
                continue;
            }
            self.delivered = open.number;
            if record.tag == CallSite::LOSS_ID {
                if let Some(key) = self.take_loss_record(&record, context) {
                    return Some(key);
                }
                continue;
            }
            context.tally.records += 1;
            context.tally.recovered += u64::from(open.dump.is_from_rings());
            let tables = open.dump.tables();
            let Some(index) = tables.sites.index(record.tag) else {
                open.note_unknown(record.tag);
                if self.strangers.1 == 0 {
                    self.strangers.0 = number;
                }
                self.strangers.1 += 1;
                continue;
            };
            let Some(site) = context.wanted_site(open.dump_index, index) else { continue };
            let values = record.values;
            let (moment, tie) = self.moment(&record, site.call_site().time, context)?;
            if !context.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let head = RecordHead {
                site,
                unix_ns: moment.unix_ns,
                number,
                encoding: record.encoding,
                values,
            };
            let key = (context.order == Order::Time).then_some((moment.order_ns, tie));
            return Some(self.put(Head::Record(head), key));
        }
    }

    #[inline]
    fn moment(
        &mut self,
        record: &Found,
        source: TimeSource,
        context: &Context<'d>,
    ) -> Option<(Moment, u64)> {
        let counter = match (record.time, source) {
            (RecordTime::Counter(counter), _) => counter,
            (RecordTime::Word(word), TimeSource::Counter) => word,
            (RecordTime::UnixNanos(ns), _) => return Some((Moment::given(ns), 0)),
            (RecordTime::Word(word), TimeSource::UnixNanos) => {
                return Some((Moment::given(word as i64), 0));
            }
        };
        Some((context.map(self.session)?.at(counter, &mut self.hint), counter))
    }

    fn take_loss_record(&mut self, record: &Found, context: &mut Context<'d>) -> Option<Key> {
        let counter = match record.time {
            RecordTime::Counter(counter) | RecordTime::Word(counter) => counter,
            RecordTime::UnixNanos(_) => 0,
        };
        let mut bytes = [0; Loss::BYTES];
        let (time, counts) = bytes.split_first_chunk_mut()?;
        *time = counter.to_le_bytes();
        let values = self.open.as_ref().map(|open| open.values(record.values));
        let Some(stated) = values.and_then(|values| values.get(..counts.len())) else {
            let place = self.open.as_ref()?.place_in_files();
            context.tally.unreadable(place, 1, ValueError::End);
            return None;
        };
        counts.copy_from_slice(stated);
        let loss = Loss::decode(&bytes)?;
        let moment = context.map(self.session)?.at(counter, &mut self.hint);
        self.take_loss(&loss, moment, context)
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
        context.unpacker.take_back(open.body);
        self.found = open.found;
        self.found.clear();
    }
}

impl OpenBlock<'_> {
    #[inline]
    fn values(&self, (start, length): (u32, u32)) -> &[u8] {
        let behind = self.body.get(start as usize..).unwrap_or_default();
        behind.get(..length as usize).unwrap_or_default()
    }

    #[inline]
    fn place_in_files(&self) -> BlockPlace {
        (self.dump_index as u32, self.index)
    }

    fn note_unknown(&mut self, id: u32) {
        if self.unknown.0 == 0 {
            self.unknown.1 = id;
        }
        self.unknown.0 += 1;
    }

    /// The next record, if there is one.
    #[inline]
    fn next(&mut self) -> Option<Found> {
        if self.next >= self.found.len() {
            self.find_more();
        }
        self.found.get(self.next).copied()
    }

    /// Walks over some records at once, which costs less than to begin anew for each.
    fn find_more(&mut self) {
        self.found.clear();
        self.next = 0;
        if self.ended.is_some() {
            return;
        }
        let body = &*self.body;
        let mut records = Records::resume(body, self.place);
        while self.found.len() < RECORDS_AT_ONCE {
            let left = records.left();
            match records.next() {
                None => break,
                Some(Ok(RawRecord { tag, time, values, encoding })) => {
                    let start = (values.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
                    let values = (start as u32, values.len() as u32);
                    self.found.push(Found { tag, time, values, encoding });
                }
                Some(Err(why)) => {
                    self.ended = Some((left, why));
                    break;
                }
            }
        }
        self.place = records.place();
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
