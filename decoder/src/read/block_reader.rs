//! Reader of one block, in rows or in columns: finds its wanted records.

use std::sync::Arc;

use stenolog_format::block::{
    BlockError, ColumnRecord, ColumnValues, RawRecord, RecordTime, Records, RecordsPlace, Wish,
};
use stenolog_format::dictionary::{CallSite, TimeSource};
use stenolog_format::loss::Loss;

use super::batch::{BATCH_RECORDS, BatchRecord, BatchValues, RecordBatch};
use super::block_body::BlockBody;
use super::columns::OpenColumns;
use super::found_walk::FoundWalk;
use super::group_walk::GroupWalk;
use super::order::{Key, Order};
use super::plan::ReadPlan;
use super::pools::Pools;
use super::seek::Sought;
use super::tally::{BlockPlace, Tally};
use crate::clock::{Moment, TimeMap, Window};
use crate::dump::{Block, Body, Stored};
use crate::filter::{Hits, Requirements, SitePredicate};

/// A block whose records are being read.
#[derive(Debug)]
pub(super) struct BlockReader {
    pub(super) dump_index: usize,
    /// The index among the dump's blocks.
    pub(super) index: u32,
    pub(super) block: Block,
    pub(super) is_from_rings: bool,
    pub(super) body: Arc<BlockBody>,
    walk: BlockWalk,
    /// What a search found in it.
    sought: Option<Arc<Sought>>,
    /// How many records the walk could not find, and why.
    pub(super) ended: Option<(u32, BlockError)>,
    /// The number of the next record.
    pub(super) number: u64,
    /// The number of records whose call sites the dictionary lacks, and the id of the first.
    pub(super) unknown: (u32, u32),
}

/// The position of the walk over a block's records.
#[derive(Debug)]
enum BlockWalk {
    Rows(RecordsPlace, Hits),
    Columns(OpenColumns),
    Group(GroupWalk),
    Found(FoundWalk),
}

/// The times of a ring's records, and their merge keys.
pub(super) struct BlockClock<'m> {
    pub(super) map: &'m TimeMap,
    pub(super) hint: &'m mut usize,
    pub(super) window: Window,
    pub(super) order: Order,
    /// The key of the previous entry: keys never fall.
    pub(super) key: Key,
}

/// The next item of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockStep {
    /// Records. The wanted ones, if any, are in the batch.
    Records,
    /// A loss statement: its counter, and its counts if they can be read.
    Loss(u64, Option<[u8; Loss::BYTES - 8]>),
    /// A record with an unknown call site: its tag and number.
    UnknownCallSite(u32, u64),
    /// The end of the block.
    End,
}

impl BlockClock<'_> {
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
    pub(super) fn moment(&mut self, time: RecordTime, source: TimeSource) -> (Moment, u64) {
        match (time, source) {
            (RecordTime::Counter(counter), _)
            | (RecordTime::Word(counter), TimeSource::Counter) => self.at(counter),
            (RecordTime::UnixNanos(ns), _) => (Moment::given(ns), 0),
            (RecordTime::Word(word), TimeSource::UnixNanos) => (Moment::given(word as i64), 0),
        }
    }

    /// The time of a record of a packed block.
    #[inline]
    pub(super) fn moment_of(&mut self, time: RecordTime) -> (Moment, u64) {
        self.moment(time, TimeSource::Counter)
    }

    /// The key of the next record.
    #[inline]
    pub(super) fn key(&mut self, own: Key) -> Key {
        if self.order == Order::Time {
            self.key = self.key.max(own);
        }
        self.key
    }
}

impl BlockReader {
    /// Opens a block of a dump.
    ///
    /// # Errors
    /// If nothing of it can be read.
    pub(super) fn open(
        (dump_index, index): (usize, u32),
        block: &Block,
        stored: &Stored<'_>,
        plan: &ReadPlan,
        pools: &mut Pools,
    ) -> Result<Self, BlockError> {
        let sought = plan.find((dump_index, index as usize), block, &mut pools.unpacker);
        if let Some(found) = sought.as_ref().filter(|of| matches!(***of, Sought::Records(_))) {
            return Self::of_found((dump_index, index), block, found, plan);
        }
        let mut columns = pools.columns.pop().unwrap_or_default();
        let select = |tag| plan.select(dump_index, tag).filter(|_| tag != CallSite::LOSS_ID);
        let is_sought = |of: &Requirements| of.in_rows.is_some();
        let selection = |tag| {
            let (site, predicate) = select(tag)?;
            Some((site, matches!(predicate, SitePredicate::Requires(of) if is_sought(of))))
        };
        let is_ruled_out = |tag| sought.as_ref().is_some_and(|of| of.rules_out(tag));
        let mut may_hold = None;
        let opened =
            pools.unpacker.open(stored, &mut columns.walk, |tag, body| match select(tag) {
                // Records with an unknown call site are reported.
                None => Wish::Alone,
                Some((_, SitePredicate::Never)) => Wish::Nothing,
                Some(_) if is_ruled_out(tag) => Wish::Nothing,
                // The search goes over all columns first, then over each record.
                Some((_, SitePredicate::Requires(of))) if of.in_rows.is_some() => {
                    let look = |body| *may_hold.get_or_insert_with(|| plan.may_contain(body));
                    if body.is_none_or(look) { Wish::Packed } else { Wish::Nothing }
                }
                Some((site, SitePredicate::Requires(_) | SitePredicate::Always)) => {
                    let words = plan.sites.get(site).and_then(|site| site.words());
                    words.map_or(Wish::Packed, Wish::Words)
                }
            });
        let walk = opened.and_then(|(body, is_in_columns)| {
            if is_in_columns {
                return Ok((body, None));
            }
            let walk = walk_of(&body, block, &selection)?;
            Ok((body, Some(walk)))
        });
        let (body, walk) = match walk {
            Ok((body, None)) => {
                let OpenColumns { walk, selections } = &mut columns;
                selections.clear();
                selections.extend(walk.kinds().iter().map(|kind| selection(kind.tag)));
                (body, BlockWalk::Columns(columns))
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
        let dump = plan.dumps.get(dump_index).ok_or(BlockError::Cut)?;
        let body = BlockBody::new(body, dump, block);
        let reader = Self::new((dump_index, index), block, (body, walk), plan)?;
        Ok(Self { sought, ..reader })
    }

    /// A reader of the records that were found in a group.
    fn of_found(
        place: (usize, u32),
        block: &Block,
        found: &Arc<Sought>,
        plan: &ReadPlan,
    ) -> Result<Self, BlockError> {
        let (found, part) = (Arc::clone(found), block.part as usize);
        let body = BlockBody::Found(Arc::clone(&found));
        let walk = BlockWalk::Found(FoundWalk::new(found, part));
        Self::new(place, block, (body, walk), plan)
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
            ended: None,
            number: block.header.first_record,
            unknown: (0, 0),
        })
    }

    #[inline]
    pub(super) fn place_in_files(&self) -> BlockPlace {
        (self.dump_index as u32, self.index)
    }

    /// The number of bytes of the body that were not read.
    pub(super) fn bytes_left(&self) -> u64 {
        match &self.walk {
            BlockWalk::Rows(place, _) => self.body.len().saturating_sub(place.offset()) as u64,
            BlockWalk::Columns(_) | BlockWalk::Group(_) | BlockWalk::Found(_) => 0,
        }
    }

    pub(super) fn note_unknown(&mut self, id: u32) {
        if self.unknown.0 == 0 {
            self.unknown.1 = id;
        }
        self.unknown.0 += 1;
    }

    /// Returns the buffers to the pools.
    pub(super) fn close(self, pools: &mut Pools) {
        pools.take_back(self.body);
        if let BlockWalk::Columns(columns) = self.walk {
            pools.columns.push(columns);
        }
    }

    /// Reads up to the next record that is not read together with others. The batch, which is empty,
    /// then holds the wanted records that were found. `delivered` is the number after the last record
    /// that was delivered; repeated records below `reread` are not counted as duplicates.
    pub(super) fn find_more(
        &mut self,
        clock: &mut BlockClock<'_>,
        (delivered, reread): (&mut u64, u64),
        batch: &mut RecordBatch,
        plan: &ReadPlan,
        tally: &mut Tally,
    ) -> BlockStep {
        batch.place = self.place_in_files();
        batch.first_record = self.block.header.first_record;
        let most = BATCH_RECORDS.min(self.block.header.count as usize);
        batch.records.reserve(most);
        batch.keys.reserve(most);
        if self.ended.is_some() {
            return BlockStep::End;
        }
        let before = self.number;
        let mut finder = Finder { clock, delivered: *delivered, batch, plan };
        let (found, walked) = match &mut self.walk {
            BlockWalk::Rows(..) => self.find_in_rows(&mut finder),
            BlockWalk::Columns(..) => self.find_in_columns(&mut finder),
            BlockWalk::Group(walk) => walk.find(&mut finder, &self.block),
            BlockWalk::Found(walk) => walk.find(&mut finder, &self.block),
        };
        finder.batch.shrink();
        // Numbers saturate.
        self.number = before.saturating_add(walked);
        let duplicates = delivered.saturating_sub(before).min(walked);
        *delivered = self.number.max(*delivered);
        tally.duplicates += duplicates - reread.saturating_sub(before).min(duplicates);
        let is_alone = matches!(found, BlockStep::Loss(..) | BlockStep::UnknownCallSite(..));
        // A repeated one is not reported again.
        if is_alone && duplicates > 0 {
            return BlockStep::Records;
        }
        // Neither statements nor records with an unknown call site count as records.
        let records = walked - duplicates - u64::from(is_alone);
        tally.records += records;
        tally.recovered += records * u64::from(self.is_from_rings);
        found
    }

    /// The next step, and the number of records that the walk passed.
    fn find_in_columns(&mut self, finder: &mut Finder<'_, '_>) -> (BlockStep, u64) {
        let BlockWalk::Columns(columns) = &mut self.walk else { return (BlockStep::End, 0) };
        let OpenColumns { walk, selections } = columns;
        let first = self.block.header.first_record;
        let Finder { clock, delivered, batch, plan } = finder;
        let RecordBatch { records, keys, words, bytes, .. } = &mut **batch;
        let mut alone = None;
        let mut are_sought = false;
        let passed = walk.next(&self.body, BATCH_RECORDS, words, bytes, |record| {
            let Some(&Some((site_index, is_sought))) = selections.get(usize::from(record.kind))
            else {
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
            if !plan.filter.wants_time(moment.unix_ns) {
                return;
            }
            are_sought |= is_sought;
            let values = match record.values {
                ColumnValues::Packed { start, length } if is_sought => {
                    BatchValues::Sought(start, length)
                }
                values => BatchValues::InBatch(values),
            };
            keys.push((moment.order_ns, tie));
            let (unix_ns, index) = (moment.unix_ns, record.index);
            records.push(BatchRecord { unix_ns, site_index, index, values });
        });
        let walked = passed.into();
        if let Some(record) = alone {
            return (self.alone(&record, &finder.batch.bytes), walked);
        }
        if passed == 0 {
            return (BlockStep::End, walked);
        }
        if let Some(search) = plan.search.as_ref().filter(|_| are_sought) {
            // One search goes over the bytes of all records.
            let mut hits = Hits::default();
            let mut kept = 0;
            for at in 0..records.len() {
                let is_wanted = match records[at].values {
                    BatchValues::Sought(start, length) => {
                        let start = start as usize;
                        hits.has(search, bytes, start..start + length as usize)
                    }
                    _ => true,
                };
                if is_wanted {
                    (records[kept], keys[kept]) = (records[at], keys[at]);
                    kept += 1;
                }
            }
            records.truncate(kept);
            keys.truncate(kept);
        }
        // Unwanted records do not raise the keys of wanted ones.
        keys.iter_mut().for_each(|key| *key = clock.key(*key));
        (BlockStep::Records, walked)
    }

    /// The step of a record that is not read together with others.
    fn alone(&self, record: &ColumnRecord, bytes: &[u8]) -> BlockStep {
        let BlockWalk::Columns(columns) = &self.walk else { return BlockStep::End };
        let kind = columns.walk.kinds().get(usize::from(record.kind));
        let tag = kind.map_or(0, |kind| kind.tag);
        if tag != CallSite::LOSS_ID {
            return BlockStep::UnknownCallSite(tag, self.number);
        }
        let ColumnValues::Packed { start, length } = record.values else { return BlockStep::End };
        let values = bytes.get(start as usize..).and_then(|of| of.get(..length as usize));
        statement(record.time, values.unwrap_or_default())
    }

    /// As [`find_in_columns`](Self::find_in_columns).
    fn find_in_rows(&mut self, finder: &mut Finder<'_, '_>) -> (BlockStep, u64) {
        let BlockWalk::Rows(place, hits) = &mut self.walk else { return (BlockStep::End, 0) };
        let body = &**self.body;
        let Finder { clock, delivered, batch, plan } = finder;
        let is_ruled_out = |tag| self.sought.as_ref().is_some_and(|of| of.rules_out(tag));
        let mut records = Records::resume(body, *place);
        let first = self.number;
        let mut walked = 0;
        let mut found = BlockStep::End;
        while batch.records.len() < BATCH_RECORDS {
            if plan.selection.is_selective && first.saturating_add(walked) >= *delivered {
                let passed = records.pass_over(|tag, values| {
                    let selected = plan.select(self.dump_index, tag);
                    let predicate = selected.filter(|_| tag != CallSite::LOSS_ID);
                    plan.may_want(predicate.map(|(_, of)| of), values, hits, body)
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
            let selected = plan.select(self.dump_index, record.tag);
            if record.tag == CallSite::LOSS_ID || selected.is_none() {
                if walked > 0 {
                    // The records before it come first.
                    records = Records::resume(body, here);
                    break;
                }
                found = match record.tag {
                    CallSite::LOSS_ID => statement(record.time, record.values),
                    tag => BlockStep::UnknownCallSite(tag, first),
                };
                walked = 1;
                break;
            }
            let number = first.saturating_add(walked);
            walked += 1;
            let is_never = |of: &SitePredicate| matches!(of, SitePredicate::Never);
            let wanted = selected.filter(|(_, of)| !is_never(of) && !is_ruled_out(record.tag));
            let Some((site_index, _)) = wanted.filter(|_| number >= *delivered) else { continue };
            let site = plan.sites.get(site_index);
            let source = site.map_or(TimeSource::Counter, |site| site.call_site().time);
            let (moment, tie) = clock.moment(record.time, source);
            if !plan.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let RawRecord { values, encoding, .. } = record;
            batch.encoding = encoding;
            let start = (values.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
            let values = BatchValues::InBody(start as u32, values.len() as u32);
            batch.keys.push(clock.key((moment.order_ns, tie)));
            let (unix_ns, index) = (moment.unix_ns, self.block.header.count - left);
            batch.records.push(BatchRecord { unix_ns, site_index, index, values });
        }
        *place = records.place();
        // Records before the end come first.
        if walked > 0 && found == BlockStep::End {
            (BlockStep::Records, walked)
        } else {
            (found, walked)
        }
    }
}

/// The walk over a body that is not in columns of its own.
fn walk_of(
    body: &Body<'_>,
    block: &Block,
    selection: impl FnMut(u32) -> Option<(u32, bool)>,
) -> Result<BlockWalk, BlockError> {
    let of_group = body.group();
    let walk = of_group.and_then(|of| GroupWalk::new(of, block.part as usize, selection));
    Ok(match walk {
        Some(walk) => BlockWalk::Group(walk),
        None => BlockWalk::Rows(body.records(&block.header)?.place(), Hits::default()),
    })
}

/// The parameters of a search for records.
pub(super) struct Finder<'f, 'm> {
    pub(super) clock: &'f mut BlockClock<'m>,
    pub(super) delivered: u64,
    pub(super) batch: &'f mut RecordBatch,
    pub(super) plan: &'f ReadPlan,
}

pub(super) fn statement(time: RecordTime, values: &[u8]) -> BlockStep {
    let counter = match time {
        RecordTime::Counter(counter) | RecordTime::Word(counter) => counter,
        RecordTime::UnixNanos(_) => 0,
    };
    BlockStep::Loss(counter, values.first_chunk().copied())
}
