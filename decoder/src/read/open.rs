//! A block whose records are being read, in rows or in columns.

use std::sync::Arc;

use stenolog_format::block::{
    BlockError, ColumnRecord, ColumnValues, ColumnWalk, RawRecord, RecordTime, Records,
    RecordsPlace, Wish,
};
use stenolog_format::dictionary::{CallSite, TimeSource};
use stenolog_format::loss::Loss;

use super::context::{Ask, BlockPlace, Context, Hits, Order, Pools, Tally, Wants};
use super::ring::Key;
use super::stretch::{STRETCH_RECORDS, Stretch, Taken, TakenValues};
use crate::clock::{Moment, TimeMap, Window};
use crate::dump::{Block, Body, Dump, Stored};
use crate::filter::Wanted;
use crate::model::site::Site;

/// A block whose records are being read.
#[derive(Debug)]
pub(super) struct OpenBlock<'d> {
    pub(super) dump: &'d Dump,
    pub(super) dump_index: usize,
    /// In the dump's blocks.
    pub(super) index: u32,
    pub(super) block: &'d Block,
    pub(super) body: Arc<Body<'d>>,
    walk: Walk<'d>,
    /// How many records the walk could not find, and why.
    pub(super) ended: Option<(u32, BlockError)>,
    /// The number of the next record.
    pub(super) number: u64,
    /// How many records have call sites that the dictionary lacks, and the first of these.
    pub(super) unknown: (u32, u32),
}

/// Where the walk over a block's records stands.
#[derive(Debug)]
enum Walk<'d> {
    Rows(RecordsPlace, Hits),
    Columns(OpenColumns<'d>),
}

/// A block in columns that is being read. Kept for the next one.
#[derive(Debug, Default)]
pub(super) struct OpenColumns<'d> {
    walk: ColumnWalk,
    /// The call sites of the kinds of records, and whether something is sought in their values.
    asks: Vec<Option<(&'d Site, bool)>>,
}

/// The times of a ring's records, and the order that these make.
pub(super) struct Clock<'m> {
    pub(super) map: &'m TimeMap,
    pub(super) hint: &'m mut usize,
    pub(super) window: Window,
    pub(super) order: Order,
    /// That of the entry before, which no key is smaller than.
    pub(super) key: Key,
}

/// What was found of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Records, of which those that are wanted are in the stretch: there may be none.
    Records,
    /// A loss statement: its counter, and its counts, if they can be read.
    Loss(u64, Option<[u8; Loss::BYTES - 8]>),
    /// A record without a call site: its tag and number.
    Stranger(u32, u64),
    /// Nothing more.
    End,
}

impl Clock<'_> {
    #[inline]
    fn at(&mut self, counter: u64) -> (Moment, u64) {
        let moment = match self.window.at(counter) {
            Some(moment) => moment,
            None => self.at_another(counter),
        };
        (moment, counter)
    }

    #[cold]
    fn at_another(&mut self, counter: u64) -> Moment {
        let moment = self.map.at(counter, self.hint);
        self.window = self.map.window(*self.hint);
        moment
    }

    #[inline]
    fn moment(&mut self, time: RecordTime, source: TimeSource) -> (Moment, u64) {
        match (time, source) {
            (RecordTime::Counter(counter), _)
            | (RecordTime::Word(counter), TimeSource::Counter) => self.at(counter),
            (RecordTime::UnixNanos(ns), _) => (Moment::given(ns), 0),
            (RecordTime::Word(word), TimeSource::UnixNanos) => (Moment::given(word as i64), 0),
        }
    }

    /// The key of the next record.
    #[inline]
    fn key(&mut self, own: Key) -> Key {
        if self.order == Order::Time {
            self.key = self.key.max(own);
        }
        self.key
    }
}

impl<'d> OpenBlock<'d> {
    /// Opens a block of a dump, both of which are told by their place too.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub(super) fn open(
        (dump_index, dump): (usize, &'d Dump),
        (index, block): (u32, &'d Block),
        stored: &Stored<'d>,
        context: &mut Context<'d>,
    ) -> Result<Self, BlockError> {
        let Context { wants, pools, .. } = context;
        let mut columns = pools.columns.pop().unwrap_or_default();
        let ask = |tag| wants.ask(dump_index, tag).filter(|_| tag != CallSite::LOSS_ID);
        let mut may_hold = None;
        let opened = pools.unpacker.open(stored, &mut columns.walk, |tag, body| match ask(tag) {
            // Those without a call site are told of.
            None => Wish::Alone,
            Some(Ask { wanted: Wanted::No, .. }) => Wish::Nothing,
            // What it needs is looked for in the bytes: of all columns, then of each record.
            Some(Ask { wanted: Wanted::With(_), .. }) => {
                let look = |body| *may_hold.get_or_insert_with(|| wants.may_have_text(body));
                if body.is_none_or(look) { Wish::Packed } else { Wish::Nothing }
            }
            Some(Ask { site, .. }) => site.scalars().map_or(Wish::Packed, Wish::Words),
        });
        let walk = opened.and_then(|(body, is_in_columns)| {
            if is_in_columns {
                return Ok((body, None));
            }
            let place = body.records(&block.header)?.place();
            Ok((body, Some(Walk::Rows(place, Hits::default()))))
        });
        let (body, walk) = match walk {
            Ok((body, None)) => {
                let OpenColumns { walk, asks } = &mut columns;
                asks.clear();
                asks.extend(walk.kinds().iter().map(|kind| {
                    let Ask { site, wanted } = ask(kind.tag)?;
                    Some((*site, matches!(wanted, Wanted::With(_))))
                }));
                (body, Walk::Columns(columns))
            }
            Ok((body, Some(rows))) => {
                pools.columns.push(columns);
                (body, rows)
            }
            Err(why) => {
                pools.columns.push(columns);
                return Err(why);
            }
        };
        let number = block.header.first_record;
        let body = Arc::new(body);
        Ok(Self {
            dump,
            dump_index,
            index,
            block,
            body,
            walk,
            ended: None,
            number,
            unknown: (0, 0),
        })
    }

    #[inline]
    pub(super) fn place_in_files(&self) -> BlockPlace {
        (self.dump_index as u32, self.index)
    }

    /// How many bytes of the body were not read.
    pub(super) fn bytes_left(&self) -> u64 {
        match &self.walk {
            Walk::Rows(place, _) => self.body.len().saturating_sub(place.offset()) as u64,
            Walk::Columns(_) => 0,
        }
    }

    pub(super) fn note_unknown(&mut self, id: u32) {
        if self.unknown.0 == 0 {
            self.unknown.1 = id;
        }
        self.unknown.0 += 1;
    }

    /// Gives back what other blocks can use.
    pub(super) fn close(self, pools: &mut Pools<'d>) {
        pools.take_back(self.body);
        if let Walk::Columns(columns) = self.walk {
            pools.columns.push(columns);
        }
    }

    /// Reads on: up to the next record that is not to be taken together with others. The stretch, which
    /// is empty, then has the records that were found and are wanted; `before` is the key of the last
    /// entry, and `delivered` the number behind the last record that came.
    pub(super) fn find_more(
        &mut self,
        clock: &mut Clock<'_>,
        delivered: &mut u64,
        stretch: &mut Stretch<'d>,
        wants: &Wants<'d>,
        tally: &mut Tally,
    ) -> Found {
        stretch.place = self.place_in_files();
        stretch.first_record = self.block.header.first_record;
        let most = STRETCH_RECORDS.min(self.block.header.count as usize);
        stretch.records.reserve(most);
        stretch.keys.reserve(most);
        if self.ended.is_some() {
            return Found::End;
        }
        let before = self.number;
        let mut finder = Finder { clock, delivered: *delivered, stretch, wants };
        let (found, walked) = match &mut self.walk {
            Walk::Rows(..) => self.find_in_rows(&mut finder),
            Walk::Columns(..) => self.find_in_columns(&mut finder),
        };
        finder.stretch.shrink();
        // Numbers stay at the greatest one, which is counted as often as it comes.
        self.number = before.saturating_add(walked);
        let duplicates = delivered.saturating_sub(before).min(walked);
        *delivered = self.number.max(*delivered);
        tally.duplicates += duplicates;
        // One that came already says nothing new.
        let is_alone = matches!(found, Found::Loss(..) | Found::Stranger(..));
        if is_alone && duplicates > 0 {
            return Found::Records;
        }
        // Neither statements nor records without a call site can be read as records.
        let records = walked - duplicates - u64::from(is_alone);
        tally.records += records;
        tally.recovered += records * u64::from(self.dump.is_from_rings());
        found
    }

    /// What was found, and over how many records the walk went for it.
    fn find_in_columns(&mut self, finder: &mut Finder<'_, '_, 'd>) -> (Found, u64) {
        let Walk::Columns(columns) = &mut self.walk else { return (Found::End, 0) };
        let OpenColumns { walk, asks } = columns;
        let first = self.block.header.first_record;
        let Finder { clock, delivered, stretch, wants } = finder;
        let Stretch { records, keys, words, bytes, .. } = &mut **stretch;
        let mut alone = None;
        let mut are_sought = false;
        let passed = walk.next(&self.body, STRETCH_RECORDS, words, bytes, |record| {
            let Some(&Some((site, is_sought))) = asks.get(usize::from(record.kind)) else {
                alone = Some(record);
                return;
            };
            let number = first.saturating_add(record.index.into());
            if number < *delivered {
                return;
            }
            let (moment, tie) = match record.time {
                RecordTime::Counter(counter) | RecordTime::Word(counter) => clock.at(counter),
                RecordTime::UnixNanos(ns) => (Moment::given(ns), 0),
            };
            if !wants.filter.wants_time(moment.unix_ns) {
                return;
            }
            are_sought |= is_sought;
            let values = match record.values {
                ColumnValues::Packed { start, length } if is_sought => {
                    TakenValues::Sought(start, length)
                }
                values => TakenValues::InStretch(values),
            };
            keys.push((moment.order_ns, tie));
            let (unix_ns, index) = (moment.unix_ns, record.index);
            records.push(Taken { unix_ns, site, index, values });
        });
        let walked = passed.into();
        if let Some(record) = alone {
            return (self.alone(&record, &finder.stretch.bytes), walked);
        }
        if passed == 0 {
            return (Found::End, walked);
        }
        if let Some(regex) = wants.finder.as_ref().filter(|_| are_sought) {
            // In all bytes at once, and in their order.
            let mut hits = Hits::default();
            let mut kept = 0;
            for at in 0..records.len() {
                let is_wanted = match records[at].values {
                    TakenValues::Sought(start, length) => {
                        let start = start as usize;
                        hits.has(regex, bytes, start..start + length as usize)
                    }
                    TakenValues::InBody(..) | TakenValues::InStretch(_) => true,
                };
                if is_wanted {
                    (records[kept], keys[kept]) = (records[at], keys[at]);
                    kept += 1;
                }
            }
            records.truncate(kept);
            keys.truncate(kept);
        }
        // What is not wanted keeps nothing waiting.
        keys.iter_mut().for_each(|key| *key = clock.key(*key));
        (Found::Records, walked)
    }

    /// A record that stands for itself.
    fn alone(&self, record: &ColumnRecord, bytes: &[u8]) -> Found {
        let Walk::Columns(columns) = &self.walk else { return Found::End };
        let kind = columns.walk.kinds().get(usize::from(record.kind));
        let tag = kind.map_or(0, |kind| kind.tag);
        if tag != CallSite::LOSS_ID {
            return Found::Stranger(tag, self.number);
        }
        let ColumnValues::Packed { start, length } = record.values else { return Found::End };
        let values = bytes.get(start as usize..).and_then(|of| of.get(..length as usize));
        statement(record.time, values.unwrap_or_default())
    }

    /// As [`find_in_columns`](Self::find_in_columns).
    fn find_in_rows(&mut self, finder: &mut Finder<'_, '_, 'd>) -> (Found, u64) {
        let Walk::Rows(place, hits) = &mut self.walk else { return (Found::End, 0) };
        let body = &**self.body;
        let Finder { clock, delivered, stretch, wants } = finder;
        let mut records = Records::resume(body, *place);
        let first = self.number;
        let mut walked = 0;
        let mut found = Found::End;
        while stretch.records.len() < STRETCH_RECORDS {
            if wants.is_selective && first.saturating_add(walked) >= *delivered {
                let passed = records.pass_over(|tag, values| {
                    let ask = wants.ask(self.dump_index, tag).filter(|_| tag != CallSite::LOSS_ID);
                    wants.may_want(ask, values, hits, body)
                });
                walked += u64::from(passed);
            }
            let (here, left) = (records.place(), records.left());
            let record = match records.next() {
                None => break,
                Some(Ok(record)) => record,
                Some(Err(why)) => {
                    self.ended = Some((left, why));
                    break;
                }
            };
            let ask = wants.ask(self.dump_index, record.tag);
            if record.tag == CallSite::LOSS_ID || ask.is_none() {
                if walked > 0 {
                    // Not together with those before it.
                    records = Records::resume(body, here);
                    break;
                }
                found = match record.tag {
                    CallSite::LOSS_ID => statement(record.time, record.values),
                    tag => Found::Stranger(tag, first),
                };
                walked = 1;
                break;
            }
            let number = first.saturating_add(walked);
            walked += 1;
            let Some(&Ask { site, wanted: Wanted::All | Wanted::With(_) }) = ask else { continue };
            if number < *delivered {
                continue;
            }
            let (moment, tie) = clock.moment(record.time, site.call_site().time);
            if !wants.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let RawRecord { values, encoding, .. } = record;
            stretch.encoding = encoding;
            let start = (values.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
            let values = TakenValues::InBody(start as u32, values.len() as u32);
            stretch.keys.push(clock.key((moment.order_ns, tie)));
            let (unix_ns, index) = (moment.unix_ns, self.block.header.count - left);
            stretch.records.push(Taken { unix_ns, site, index, values });
        }
        *place = records.place();
        // What was found before the end comes before it.
        if walked > 0 && found == Found::End { (Found::Records, walked) } else { (found, walked) }
    }
}

/// What is needed to find records.
struct Finder<'f, 'm, 'd> {
    clock: &'f mut Clock<'m>,
    delivered: u64,
    stretch: &'f mut Stretch<'d>,
    wants: &'f Wants<'d>,
}

fn statement(time: RecordTime, values: &[u8]) -> Found {
    let counter = match time {
        RecordTime::Counter(counter) | RecordTime::Word(counter) => counter,
        RecordTime::UnixNanos(_) => 0,
    };
    Found::Loss(counter, values.first_chunk().copied())
}
