//! Proves a dump complete, or says what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::{BlockError, BlockHeader};
use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::FrameHeader;
use stenolog_format::index::Index;
use stenolog_format::loss::Loss;
use stenolog_format::summary::Summary;
use stenolog_format::value::{Cursor, NOT_AS_ITS_SCHEMA, NOT_SERIALISED, Value};

use crate::dump::{Block, Dump, Unpacker};
use crate::model::damage::{Damage, DamageCause, MetadataError};
use crate::model::entry::LossKind;
use crate::model::state::{DumpState, Tail};
use crate::read::{read_values, recycle};

/// What a complete reading of a dump found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The file.
    pub file: Arc<Path>,
    /// How the file ends.
    pub tail: Tail,
    /// Whether its logger still writes, if that can be told.
    pub writer_is_alive: Option<bool>,
    /// Frames that were found whole.
    pub frames: u64,
    /// Blocks whose records were all read.
    pub blocks: u64,
    /// Records that were read.
    pub records: u64,
    /// Records that the logger says it could not record.
    pub lost: u64,
    /// Records that the rings had held and the file has not, by gaps in their numbers.
    pub missing: u64,
    /// All records that are not there, by cause, those of `lost` and `missing` among them.
    pub by_cause: BTreeMap<LossKind, u64>,
    /// Records that the file says were taken away with an earlier file of the log, or with a part of
    /// it. They were never in this one.
    pub gone: u64,
    /// Records that came from the rings of a writer that died.
    pub recovered: u64,
    /// Whether those rings have all that the writer had not written yet.
    pub is_completed: bool,
    /// Each ring by itself, in the order of their ids.
    pub rings: Vec<RingVerification>,
    /// All that is wrong, by offset.
    pub damage: Vec<Damage>,
}

/// What was found of one ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingVerification {
    /// The ring's id.
    pub ring: u32,
    /// Records that were read.
    pub records: u64,
    /// The number of the first record that is there.
    pub first_record: u64,
    /// The number behind the last one.
    pub next_record: u64,
    /// Where the first block begins, in bytes since the ring's beginning.
    pub position: u64,
    /// Where the last block ends.
    pub end_position: u64,
    /// Records that its thread could not record.
    pub lost: u64,
    /// Records that the ring had held and that are not there.
    pub missing: u64,
    /// Whether numbers and positions go on without a gap and all records could be read.
    pub is_whole: bool,
}

impl RingVerification {
    /// Whether each record that the thread logged is there.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_whole && self.missing == 0 && self.lost == 0
    }
}

impl Verification {
    /// Whether the file holds all that was written to it, as it was written, up to its end.
    ///
    /// Records that were [lost](Self::lost) before they could be written do not count, nor do those
    /// that are [gone](Self::gone) with another file.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let state = DumpState::new(self.tail, self.writer_is_alive);
        let ends = state != DumpState::Unfinished || self.is_completed;
        self.damage.is_empty() && self.missing == 0 && ends
    }
}

/// Reads all of a dump: each checksum, each record with its values, the order of each ring, and
/// what the indexes and the end say.
#[must_use]
pub fn verify(dump: &Dump) -> Verification {
    verify_with(dump, None)
}

/// As [`verify`], of a dump together with the [rings](crate::Recovery) of its writer.
#[must_use]
pub fn verify_with(dump: &Dump, rings: Option<&Dump>) -> Verification {
    let facts = rings.and_then(Dump::rings);
    let mut verifier = Verifier {
        dump,
        // What was cut off behind the last whole write is in the rings.
        written_to: facts.map_or(u64::MAX, |rings| rings.written_to(dump.header().sequence)),
        damage: Vec::new(),
        rings: BTreeMap::new(),
        blocks: 0,
        records: 0,
        missing: 0,
        by_cause: BTreeMap::new(),
        unpacker: Unpacker::default(),
    };
    let of_scan = dump.damage().iter().filter(|damage| damage.offset < verifier.written_to);
    verifier.damage.extend(of_scan.cloned());
    verifier.summaries();
    for (index, block) in dump.blocks().iter().enumerate() {
        let start = facts.and_then(|rings| rings.starts.get(&block.header.ring));
        if !start.is_some_and(|start| start.replaces(block)) {
            verifier.block(index, block);
        }
    }
    let gone = dump.tables().losses.iter().filter_map(|frame| frame.gone.as_ref());
    let gone = gone.fold(0_u64, |sum, gone| sum.saturating_add(gone.count));
    verifier.lose(LossKind::Gone, gone);
    verifier.losses();
    verifier.indexes();
    let lost = verifier.lost();
    verifier.end(lost);
    let of_dump = verifier.records;
    if let Some(rings) = rings {
        verifier.damage.extend_from_slice(rings.damage());
        verifier.dump = rings;
        verifier.written_to = u64::MAX;
        let blocks = rings.blocks().iter().enumerate();
        blocks.for_each(|(index, block)| verifier.block(index, block));
        verifier.losses();
    }
    let lost = verifier.lost();
    verifier.sum_up();
    let Verifier { mut damage, blocks, records, missing, by_cause, rings: states, .. } = verifier;
    damage.extend(dump.shrinking());
    damage.sort_by_key(|damage| damage.offset);
    Verification {
        file: Arc::clone(dump.file()),
        tail: dump.tail(),
        writer_is_alive: dump.writer_is_alive(),
        frames: dump.frames().total(),
        blocks,
        records,
        lost,
        missing,
        by_cause,
        gone,
        recovered: records - of_dump,
        is_completed: facts
            .is_some_and(|rings| rings.completes(dump.header().sequence, dump.tail())),
        rings: states.into_iter().map(|(ring, state)| state.finish(ring)).collect(),
        damage,
    }
}

struct Verifier<'d> {
    dump: &'d Dump,
    /// What is wrong from here on is no damage.
    written_to: u64,
    damage: Vec<Damage>,
    rings: BTreeMap<u32, RingState>,
    blocks: u64,
    records: u64,
    missing: u64,
    by_cause: BTreeMap<LossKind, u64>,
    unpacker: Unpacker,
}

/// How far a ring was read.
#[derive(Default)]
struct RingState {
    /// Where the next block should begin: its record's number and its position.
    next: Option<(u64, u64)>,
    /// The first record that is there, and where the first block begins.
    first: Option<(u64, u64)>,
    records: u64,
    /// The greatest totals that were stated.
    lost: Loss,
    missing: u64,
    /// The number behind the last record of a block that could not be read.
    broken: Option<u64>,
    is_damaged: bool,
}

impl RingState {
    fn state(&mut self, loss: &Loss) {
        for (known, stated) in self.lost.full.iter_mut().zip(loss.full) {
            *known = stated.max(*known);
        }
        for (known, stated) in self.lost.too_large.iter_mut().zip(loss.too_large) {
            *known = stated.max(*known);
        }
    }

    fn finish(self, ring: u32) -> RingVerification {
        let (first_record, position) = self.first.unwrap_or_default();
        let (next_record, end_position) = self.next.unwrap_or_default();
        RingVerification {
            ring,
            records: self.records,
            first_record,
            next_record,
            position,
            end_position,
            lost: self.lost.total(),
            missing: self.missing,
            is_whole: !self.is_damaged,
        }
    }
}

impl Verifier<'_> {
    fn losses(&mut self) {
        for frame in &self.dump.tables().losses {
            self.rings.entry(frame.ring).or_default().state(&frame.loss);
        }
    }

    fn lost(&self) -> u64 {
        self.rings.values().fold(0, |sum: u64, ring| sum.saturating_add(ring.lost.total()))
    }

    fn lose(&mut self, kind: LossKind, records: u64) {
        if records > 0 {
            let count = self.by_cause.entry(kind).or_default();
            *count = count.saturating_add(records);
        }
    }

    /// What the rings' last blocks should have had, and what was stated.
    fn sum_up(&mut self) {
        let mut sums =
            [(LossKind::BadChecksum, 0_u64), (LossKind::RingFull, 0), (LossKind::TooLarge, 0)];
        let total = |counts: [u64; 5]| counts.iter().fold(0, |sum: u64, &n| sum.saturating_add(n));
        for state in self.rings.values_mut() {
            let next = state.next.map_or(0, |(number, _)| number);
            let broken = state.broken.map_or(0, |behind| behind.saturating_sub(next));
            state.missing = state.missing.saturating_add(broken);
            let counts = [broken, total(state.lost.full), total(state.lost.too_large)];
            for ((_, sum), count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(count);
            }
        }
        self.missing = self.missing.saturating_add(sums[0].1);
        sums.into_iter().for_each(|(kind, sum)| self.lose(kind, sum));
    }

    /// Reports what is wrong with a block.
    fn report_block(&mut self, block: &Block, bytes: u64, cause: DamageCause) {
        if block.offset < self.written_to {
            self.rings.entry(block.header.ring).or_default().is_damaged = true;
        }
        self.report(block.offset, bytes, cause);
    }

    fn report(&mut self, offset: u64, bytes: u64, cause: DamageCause) {
        if offset >= self.written_to {
            return;
        }
        self.damage.push(Damage { file: Arc::clone(self.dump.file()), offset, bytes, cause });
    }

    fn block(&mut self, index: usize, block: &Block) {
        let stored = match self.dump.stored_body(block) {
            Ok(stored) => stored,
            Err(cause) => {
                let header = &block.header;
                let state = self.rings.entry(header.ring).or_default();
                let next = state.next.map_or(0, |(number, _)| number);
                let behind = header.first_record.saturating_add(header.count.into());
                // If the number fits, the rest of the header may too.
                if block.offset < self.written_to {
                    let is_next = header.first_record == next && block.is_plausible();
                    state.broken = Some(if is_next { behind } else { next });
                }
                return self.report_block(block, block.frame_bytes(), cause);
            }
        };
        self.check_place(block);
        let header = &block.header;
        let ring = header.ring;
        let body = match self.unpacker.unpack(&stored) {
            Ok(body) => body,
            Err(why) => return self.block_is_unreadable(block, why),
        };
        let mut records = match body.records(header) {
            Ok(records) => records,
            Err(why) => return self.block_is_unreadable(block, why),
        };
        let mut found = Found::default();
        let mut values = Vec::new();
        let summary = SummaryCheck::of(self.dump, index);
        let mut unsummed = 0_u32;
        loop {
            let left = records.left();
            let record = match records.next() {
                None => break,
                Some(Ok(record)) => record,
                // A cut block ends early by nature: the tail says so.
                Some(Err(_)) if block.is_cut => {
                    if self.dump.state() != DumpState::Growing {
                        self.lose(LossKind::TornFrame, left.into());
                    }
                    break;
                }
                Some(Err(why)) => {
                    self.lose(LossKind::Unreadable, left.into());
                    let cause = DamageCause::Block { ring, lost: left, why };
                    let bytes = records.rest().len() as u64;
                    self.report_block(block, bytes, cause);
                    break;
                }
            };
            let before = found.unread();
            if record.tag == CallSite::LOSS_ID {
                match statement(record.values) {
                    Some(loss) => self.rings.entry(ring).or_default().state(&loss),
                    None => found.unreadable(stenolog_format::value::ValueError::End),
                }
            } else if let Some(site) = self.dump.site(record.tag) {
                let mut read = recycle(values);
                let cursor = Cursor::new(record.values, record.encoding);
                if let Err(why) = read_values(cursor, site, &mut read) {
                    found.unreadable(why);
                }
                let is_summed =
                    summary.as_ref().is_none_or(|summary| summary.has(record.tag, &read));
                unsummed += u32::from(!is_summed);
                values = recycle(read);
            } else {
                found.unknown(record.tag);
            }
            if found.unread() == before {
                self.records += 1;
                self.rings.entry(ring).or_default().records += 1;
            }
        }
        // Raw bodies may end in the dead space and padding of their ring.
        if !block.is_cut && header.encoding == 1 && records.left() == 0 && found.is_clean() {
            let rest = records.rest().len() as u64;
            if rest > 0 {
                self.report_block(block, rest, DamageCause::Trailing { ring });
            }
        }
        if unsummed > 0 {
            self.report_block(block, 0, DamageCause::Summary { ring, records: unsummed });
        }
        self.blocks += u64::from(!block.is_cut);
        self.unpacker.take_back(body);
        self.report_found(block, found);
    }

    /// None of a block's records can be read.
    fn block_is_unreadable(&mut self, block: &Block, why: BlockError) {
        let lost = block.header.count.into();
        if why != BlockError::Cut {
            self.lose(LossKind::Unreadable, lost);
            self.report_block(block, block.frame_bytes(), block.damage(why));
        } else if self.dump.state() != DumpState::Growing {
            // It ends early by nature: the tail says so.
            self.lose(LossKind::TornFrame, lost);
        }
    }

    fn report_found(&mut self, block: &Block, found: Found) {
        let ring = block.header.ring;
        self.lose(LossKind::UnknownCallSite, found.unknown.0.into());
        self.lose(LossKind::Unreadable, found.unreadable.0.into());
        if let (records @ 1.., first) = found.unknown {
            let cause = DamageCause::UnknownSite { ring, records, first };
            self.report_block(block, 0, cause);
        }
        if let (records, Some(first)) = found.unreadable {
            self.report_block(block, 0, DamageCause::Values { ring, records, first });
        }
    }

    /// Each block must begin where the one before it in its ring ended.
    fn check_place(&mut self, block: &Block) {
        let BlockHeader { ring, position, end_position, first_record, count, .. } = block.header;
        // Readers sort blocks by position: this one would come at the wrong place.
        if end_position < position {
            let cause = DamageCause::Backwards { ring, begin: position, end: end_position };
            self.report(block.offset, 0, cause);
        }
        let behind = (first_record.saturating_add(count.into()), end_position);
        let begins_session = self.dump.header().sequence == 0 || self.dump.is_from_rings();
        let state = self.rings.entry(ring).or_default();
        state.first.get_or_insert((first_record, position));
        let broken = state.broken.take();
        let next = state.next.replace(behind);
        // A file that begins its session has each ring from its beginning.
        let Some((expected, expected_position)) = next.or(begins_session.then_some((0, position)))
        else {
            return;
        };
        if first_record != expected {
            let missing = first_record.saturating_sub(expected);
            state.missing = state.missing.saturating_add(missing);
            self.missing = self.missing.saturating_add(missing);
            let kind = broken.map_or(LossKind::Missing, |_| LossKind::BadChecksum);
            self.lose(kind, missing);
            let cause = DamageCause::RecordGap { ring, expected, found: first_record };
            self.report_block(block, 0, cause);
        } else if position != expected_position {
            let cause =
                DamageCause::PositionGap { ring, expected: expected_position, found: position };
            self.report_block(block, 0, cause);
        }
    }

    /// Nobody notices a wrong summary before it is needed.
    fn summaries(&mut self) {
        for &place in &self.dump.tables().summaries {
            let Some((header, payload)) = self.dump.summary_frame(place) else { continue };
            let bytes = header.frame_bytes();
            if !header.matches(payload) {
                self.report(place.offset, bytes, DamageCause::Checksum { kind: "summary" });
            } else if Summary::decode(payload).is_none_or(|s| s.sites().any(|id| id.is_none())) {
                let why = MetadataError::Short { bytes: payload.len() };
                self.report(place.offset, bytes, DamageCause::Metadata { kind: "summary", why });
            }
        }
    }

    fn indexes(&mut self) {
        let mut indexed = 0;
        for &(start, length) in &self.dump.tables().indexes {
            let offset = (start - FrameHeader::BYTES.min(start)) as u64;
            let bytes = (FrameHeader::BYTES + length) as u64;
            let payload = self.dump.bytes().get(start..start + length).unwrap_or_default();
            let header = self.dump.bytes().get(offset as usize..).and_then(FrameHeader::decode);
            if header.is_none_or(|header| !header.matches(payload)) {
                self.report(offset, bytes, DamageCause::Checksum { kind: "index" });
                continue;
            }
            let limit = self.dump.metadata_limit();
            let index = if length > limit {
                Err(MetadataError::TooLong { bytes: length, limit })
            } else {
                postcard::take_from_bytes::<Index>(payload).map_err(MetadataError::Postcard)
            };
            match index {
                Ok((index, _)) => indexed += self.index(offset, &index),
                Err(why) => {
                    self.report(offset, bytes, DamageCause::Metadata { kind: "index", why });
                }
            }
        }
        let sealed = self.dump.tail() == Tail::Sealed;
        let has_index = self.dump.end().is_some_and(|end| end.index != 0);
        let blocks = self.dump.blocks().len() as u64;
        if sealed && has_index && indexed != blocks && self.damage.is_empty() {
            let offset = self.dump.len_bytes();
            let what = "the index";
            self.report(offset, 0, DamageCause::Disagrees { what, stated: indexed, found: blocks });
        }
    }

    /// Counts the blocks that the index has right.
    fn index(&mut self, at: u64, index: &Index) -> u64 {
        let blocks = self.dump.blocks();
        let is_there = |(offset, header): &&(u64, BlockHeader)| {
            let found = blocks.binary_search_by_key(offset, |block| block.offset);
            found.is_ok_and(|found| blocks.get(found).is_some_and(|block| block.header == *header))
        };
        let right = index.blocks.iter().filter(is_there).count() as u64;
        let stated = index.blocks.len() as u64;
        if right != stated {
            let what = "an index of blocks";
            self.report(at, 0, DamageCause::Disagrees { what, stated, found: right });
        }
        stated
    }

    /// Only where nothing else explains why the sums differ.
    fn end(&mut self, lost: u64) {
        let Some(end) = self.dump.end().filter(|_| self.damage.is_empty()) else { return };
        let offset = self.dump.len_bytes();
        if end.records != self.records {
            let what = "the end's count of records";
            let (stated, found) = (end.records, self.records);
            self.report(offset, 0, DamageCause::Disagrees { what, stated, found });
        }
        // The end speaks of the whole session, of which earlier files may have stated a part.
        if lost > end.lost || lost < end.lost && self.dump.header().sequence == 0 {
            let what = "the end's count of losses";
            let (stated, found) = (end.lost, lost);
            self.report(offset, 0, DamageCause::Disagrees { what, stated, found });
        }
    }
}

/// Whether a block's summary has what its records have.
struct SummaryCheck<'d> {
    summary: Summary<'d>,
    sites: BTreeSet<u32>,
}

impl<'d> SummaryCheck<'d> {
    fn of(dump: &'d Dump, block: usize) -> Option<Self> {
        let summary = dump.summary(block)?;
        let sites = summary.sites().flatten().collect();
        Some(Self { summary, sites })
    }

    fn has(&self, site: u32, values: &[Value<'_>]) -> bool {
        self.sites.contains(&site) && values.iter().all(|value| self.has_text_of(value))
    }

    fn has_text_of(&self, value: &Value<'_>) -> bool {
        match value {
            // Nobody logged it.
            Value::Formatted(NOT_SERIALISED | NOT_AS_ITS_SCHEMA) => true,
            Value::Str(text) | Value::Formatted(text) => {
                let folds = || !text.contains(['\u{212a}', '\u{17f}']);
                self.summary.may_hold(text.as_bytes()) && (self.summary.has_folds || folds())
            }
            Value::Some(inner) => self.has_text_of(inner),
            Value::List(of) | Value::Tuple(of) | Value::Set(of) => {
                of.iter().all(|value| self.has_text_of(value))
            }
            Value::Map(entries) => {
                entries.iter().all(|(key, value)| self.has_text_of(key) && self.has_text_of(value))
            }
            Value::Struct(of) | Value::Variant(of) => {
                of.fields.iter().all(|(_, value)| self.has_text_of(value))
            }
            _ => true,
        }
    }
}

/// What was wrong with the records of a block.
#[derive(Default)]
struct Found {
    unknown: (u32, u32),
    unreadable: (u32, Option<stenolog_format::value::ValueError>),
}

impl Found {
    fn unknown(&mut self, id: u32) {
        if self.unknown.0 == 0 {
            self.unknown.1 = id;
        }
        self.unknown.0 += 1;
    }

    fn unreadable(&mut self, why: stenolog_format::value::ValueError) {
        self.unreadable.0 += 1;
        self.unreadable.1.get_or_insert(why);
    }

    /// How many records could not be read.
    fn unread(&self) -> u32 {
        self.unknown.0 + self.unreadable.0
    }

    fn is_clean(&self) -> bool {
        self.unknown.0 == 0 && self.unreadable.0 == 0
    }
}

/// A statement of losses in a ring, apart from its time.
fn statement(values: &[u8]) -> Option<Loss> {
    Loss::decode(&[&[0; 8], values].concat())
}

#[cfg(test)]
mod tests;
