//! Reader of one block, in rows, in columns or in a group: finds its wanted records.

mod opening;

use std::sync::Arc;

use stenolog_format::block::{
    BlockError, ColumnRecord, ColumnValues, RawRecord, RecordTime, Records, RecordsPlace,
};
use stenolog_format::dictionary::{CallSite, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_format::value::Encoding;

use super::batch::{BATCH_RECORDS, BatchRecord, BatchValues, GROUP_BATCH_RECORDS, RecordBatch};
use super::block_body::BlockBody;
use super::columns::OpenColumns;
use super::group_walk::GroupWalk;
use super::order::{Key, Order};
use super::plan::ReadPlan;
use super::pools::Pools;
use super::seek::{FoundRecord, Sought};
use super::spans::BlockSpans;
use super::tally::{BlockPlace, Tally};
use crate::clock::{Moment, TimeMap, Window};
use crate::dump::Block;
use crate::filter::{Hits, SitePredicate};

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
    /// The spans of its records, if the dumps have spans.
    pub(super) spans: Option<Arc<BlockSpans>>,
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

/// The position of the walk over records that were found in a group.
#[derive(Debug)]
struct FoundWalk {
    found: Arc<Sought>,
    part: usize,
    /// How many of them were passed, and how many records of the part.
    next: usize,
    passed: u32,
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
    fn moment(&mut self, time: RecordTime, source: TimeSource) -> (Moment, u64) {
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
        batch.spans = self.spans.as_ref().map(|spans| (Arc::clone(spans), self.block.part));
        let most = match self.walk {
            BlockWalk::Group(_) => GROUP_BATCH_RECORDS,
            _ => BATCH_RECORDS,
        };
        let most = most.min(self.block.header.count as usize);
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
            BlockWalk::Found(..) => self.find_in_found(&mut finder),
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

    /// As [`find_in_columns`](Self::find_in_columns).
    fn find_in_found(&mut self, finder: &mut Finder<'_, '_>) -> (BlockStep, u64) {
        let BlockWalk::Found(FoundWalk { found, part, next, passed }) = &mut self.walk else {
            return (BlockStep::End, 0);
        };
        let Finder { clock, delivered, batch, plan } = finder;
        batch.encoding = Encoding::Packed;
        let (header, before) = (&self.block.header, *passed);
        let rest = found.records(*part).get(*next..).unwrap_or_default();
        *passed = rest.get(BATCH_RECORDS).map_or(header.count, |record| record.index);
        for record in rest.iter().take(BATCH_RECORDS) {
            *next += 1;
            let FoundRecord { index, site_index, time, start, length } = *record;
            if header.first_record.saturating_add(index.into()) < *delivered {
                continue;
            }
            let (moment, tie) = clock.moment(time, TimeSource::Counter);
            if !plan.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let unix_ns = moment.unix_ns;
            let values = BatchValues::InBody(start, length);
            batch.keys.push(clock.key((moment.order_ns, tie)));
            batch.records.push(BatchRecord { unix_ns, site_index, index, values });
        }
        let walked = passed.saturating_sub(before);
        let step = if walked == 0 { BlockStep::End } else { BlockStep::Records };
        (step, walked.into())
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
