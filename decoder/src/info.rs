//! Summary of a dump, without reading its records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::frame::Version;
use stenolog_format::loss::Loss;

use crate::dump::{Block, CheckedFrames, Dump, FrameCounts, RingFacts, Unpacker};
use crate::model::damage::Damage;
use crate::model::loss::LossKind;
use crate::model::state::{DumpState, Tail};
use crate::read::time_map;
use crate::verify::damage_log::DamageLog;
use crate::verify::ring_state::{RingState, begins_session, stated_loss};
use crate::verify::{gone, index, spans, summary, verify};

/// A summary of a dump.
///
/// It serializes to the JSON that `steno info --json` prints.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Info, info};
///
/// let info: Info = info(&Dump::open("app.steno")?);
/// println!("{}", serde_json::to_string_pretty(&info)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// The file.
    pub file: Arc<Path>,
    /// The length of the file when it was opened.
    pub bytes: u64,
    /// The version of the format.
    pub version: Version,
    /// The run of the logger that wrote the file.
    pub session: [u8; 16],
    /// The number of the file in its session, from 0.
    pub sequence: u32,
    /// When the file was created, in nanoseconds since the Unix epoch.
    pub created_unix_ns: i64,
    /// The id of the process that wrote the file.
    pub process_id: u32,
    /// The nominal frequency of the raw counter, in Hz.
    pub counter_hz: u64,
    /// How the file ends.
    pub tail: Tail,
    /// Whether its logger is still writing; `None` if that is unknown.
    pub writer_is_alive: Option<bool>,
    /// Whether the log continues in another file; `None` if this one was not closed.
    pub continues: Option<bool>,
    /// Intact frames by kind.
    pub frames: FrameCounts,
    /// The number of call sites that have logged, including those that only the rings know.
    pub call_sites: u64,
    /// How many of these call sites format values at the call, which is slow.
    pub formatting_call_sites: u64,
    /// The threads, by ring, including those that only the rings know.
    pub threads: Vec<Thread>,
    /// The number of rings with records.
    pub rings: u64,
    /// The number of pairs that relate the raw counter to UTC.
    pub clock_pairs: u64,
    /// The number of records in all blocks, including loss records, as the block headers state it, without events of
    /// spans.
    pub records: u64,
    /// The number of events of spans in all blocks.
    pub spans: u64,
    /// The length of all block frames in bytes.
    pub block_bytes: u64,
    /// The number of raw blocks, and of packed ones (in rows or columns, of one ring or several).
    pub blocks_by_encoding: [u64; 2],
    /// The times of the first and the last record, including those in the rings, in nanoseconds since the Unix
    /// epoch; `None` without records.
    pub unix_ns: Option<(i64, i64)>,
    /// The levels of all records, including those in the rings, most severe first.
    pub levels: Vec<Level>,
    /// The number of records that the logger states it could not record.
    pub lost: u64,
    /// The number of records that were in a ring but are not in the file: their numbers are skipped, or their
    /// blocks have wrong checksums.
    pub missing: u64,
    /// The number of records that were lost with an earlier file of the log, as this one states.
    pub gone: u64,
    /// The number of records that are only in the rings of the dead writer, without events of spans.
    pub recovered: u64,
    /// The number of events of spans that are only in these rings.
    pub recovered_spans: u64,
    /// How many of these cannot be read.
    pub unreadable: u64,
    /// Whether the rings hold everything that the writer had not written.
    pub is_completed: bool,
    /// All damage of frames, blocks and rings, by offset.
    pub damage: Vec<Damage>,
}

impl Info {
    /// The length of the file divided by its records and span events; `None` without any.
    #[must_use]
    pub fn bytes_per_record(&self) -> Option<f64> {
        let all = self.records + self.spans;
        (all > 0).then(|| self.bytes as f64 / all as f64)
    }

    /// Whether the file is finished or may still grow.
    #[must_use]
    pub fn state(&self) -> DumpState {
        DumpState::new(self.tail, self.writer_is_alive)
    }

    /// The [session](Self::session) in hexadecimal digits.
    #[must_use]
    pub fn session_hex(&self) -> String {
        self.session.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether nothing is missing or damaged, as far as can be told without reading the records.
    /// [`verify`](crate::verify()) reads them.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let ends = self.state() != DumpState::Unfinished || self.is_completed;
        let absent = [self.lost, self.missing, self.gone, self.unreadable];
        ends && self.damage.is_empty() && absent == [0; 4]
    }
}

/// Summarizes a dump without reading its records.
///
/// Reads metadata, the headers of blocks, and all checksums, so it takes about as long as reading the file. Blocks with
/// events of spans are decompressed, to count these.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, info};
///
/// let info = info(&Dump::open("app.steno")?);
/// println!("{} records of {} threads", info.records, info.threads.len());
/// if !info.is_complete() {
///     eprintln!("{} records lost, {} missing", info.lost, info.missing);
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[must_use]
pub fn info(dump: &Dump) -> Info {
    info_with(dump, None)
}

/// Like [`info`], for a dump together with the [rings](crate::Recovery) of its writer.
///
/// Their records count in [`recovered`](Info::recovered) only.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Limits, RingDir, info_with};
///
/// let dump = Dump::open("app.steno")?;
/// let rings = match RingDir::find(&dump, &[]).found {
///     Some(rings) => Some(rings.read(Some(&dump), &Limits::default())?.dump),
///     None => None,
/// };
/// let info = info_with(&dump, rings.as_ref());
/// println!("{} records, and {} in the rings", info.records, info.recovered);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn info_with(dump: &Dump, rings: Option<&Dump>) -> Info {
    let dump = &*dump.whole();
    let header = dump.header();
    let blocks = || dump.blocks().iter().map(|block| block.header);
    let mut ring_ids: Vec<u32> = blocks().map(|block| block.ring).collect();
    ring_ids.sort_unstable();
    ring_ids.dedup();
    let all = || [dump].into_iter().chain(rings);
    let levels = all().flat_map(Dump::blocks).map(|block| block.header);
    let levels = levels.fold(0, |levels, block| levels | block.levels);
    let facts = rings.and_then(Dump::rings);
    let mut check = CompletenessCheck::new(dump, facts);
    let of_dump = check.records;
    let mut unreadable = 0;
    if let Some(rings) = rings {
        check.damage.go_on_with(rings);
        check.blocks(rings, None);
        // Rings hold few records, so reading them is cheap.
        let causes = verify(rings).by_cause;
        let of = |kind| causes.get(&kind).copied().unwrap_or(0);
        unreadable = of(LossKind::Unreadable).saturating_add(of(LossKind::UnknownCallSite));
    }
    let spans = spans::count_events(dump, |_| true);
    let spans_of_rings = rings.map_or(0, |rings| spans::count_events(rings, |_| true));
    let sites: BTreeMap<u32, &CallSite> =
        all().flat_map(Dump::sites).map(|site| (site.call_site().id, site.call_site())).collect();
    let formats = |site: &CallSite| site.slots.iter().any(|slot| slot.ty.is_formatted());
    // A block of several rings is one.
    let whole = || dump.blocks().iter().filter(|block| block.part == 0);
    let raw = whole().filter(|block| block.header.encoding == BlockHeader::RAW).count() as u64;
    let is_packed =
        |block: &Block| (BlockHeader::PACKED..=BlockHeader::GROUP).contains(&block.header.encoding);
    Info {
        file: Arc::clone(dump.file()),
        bytes: dump.len_bytes(),
        version: header.version,
        session: header.session,
        sequence: header.sequence,
        created_unix_ns: header.created_unix_ns,
        process_id: header.process_id,
        counter_hz: header.counter_hz,
        tail: dump.tail(),
        writer_is_alive: dump.writer_is_alive(),
        continues: dump.end().map(|end| end.continues),
        frames: *dump.frames(),
        call_sites: sites.len() as u64,
        formatting_call_sites: sites.values().filter(|site| formats(site)).count() as u64,
        threads: threads(all()),
        rings: ring_ids.len() as u64,
        clock_pairs: dump.clock_pairs().len() as u64,
        records: blocks().map(|block| u64::from(block.count)).sum::<u64>().saturating_sub(spans),
        spans,
        block_bytes: whole().map(|block| block.frame_bytes()).sum(),
        blocks_by_encoding: [raw, whole().filter(is_packed).count() as u64],
        unix_ns: time_range(&all().collect::<Vec<_>>()),
        levels: Level::ALL.into_iter().filter(|level| levels & level.bit() != 0).collect(),
        lost: dump.end().map_or(0, |end| end.lost).max(check.lost()),
        missing: check.missing(),
        gone: gone(dump),
        recovered: (check.records - of_dump).saturating_sub(spans_of_rings),
        recovered_spans: spans_of_rings,
        unreadable,
        is_completed: facts
            .is_some_and(|rings| rings.completes(dump.header().sequence, dump.tail())),
        damage: check.damage.finish(None),
    }
}

fn threads<'d>(dumps: impl Iterator<Item = &'d Dump>) -> Vec<Thread> {
    let mut threads = BTreeMap::new();
    for thread in dumps.flat_map(Dump::threads) {
        threads.entry(thread.ring).or_insert_with(|| thread.clone());
    }
    threads.into_values().collect()
}

fn time_range(dumps: &[&Dump]) -> Option<(i64, i64)> {
    let map = time_map(dumps);
    let ranges = dumps.iter().flat_map(|dump| dump.blocks()).flat_map(|block| {
        let header = &block.header;
        let has = |flag| header.flags & flag != 0;
        let counter = has(BlockHeader::HAS_COUNTER)
            .then(|| map.unix_range(header.counter_first, header.counter_last));
        let unix = has(BlockHeader::HAS_UNIX).then_some((header.unix_first, header.unix_last));
        counter.into_iter().chain(unix)
    });
    ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Facts about records and damage from headers and checksums.
struct CompletenessCheck {
    damage: DamageLog,
    rings: BTreeMap<u32, RingState>,
    /// Records in blocks that are intact.
    records: u64,
}

impl CompletenessCheck {
    /// Looks at a dump, except at the blocks that the rings of its writer replace.
    fn new(dump: &Dump, facts: Option<&RingFacts>) -> Self {
        let damage = DamageLog::of_scan(dump, facts);
        let mut check = Self { damage, rings: BTreeMap::new(), records: 0 };
        check.blocks(dump, facts);
        summary::check(dump, &mut check.damage);
        index::check(dump, &mut check.damage);
        index::check_end(dump, check.records, check.lost(), &mut check.damage);
        check
    }

    fn blocks(&mut self, dump: &Dump, facts: Option<&RingFacts>) {
        let begins_session = begins_session(dump);
        let mut stating: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut checked = CheckedFrames::default();
        for (index, block) in dump.blocks().iter().enumerate() {
            let block = &block;
            let ring = block.header.ring;
            let start = facts.and_then(|rings| rings.starts.get(&ring));
            if start.is_some_and(|start| start.replaces(block)) {
                continue;
            }
            let state = self.rings.entry(ring).or_default();
            if let Err(cause) = checked.stored_body(dump, block) {
                if self.damage.counts(block.offset) {
                    state.skip(block);
                    if block.part == 0 {
                        self.damage.report(block.offset, block.frame_bytes(), cause);
                    }
                }
                continue;
            }
            self.records += u64::from(block.header.count);
            state.advance(&block.header, begins_session);
            if block.header.flags & BlockHeader::HAS_LOSS != 0 {
                stating.entry(ring).or_default().push(index);
            }
        }
        self.statements(dump, stating);
    }

    /// Notes the totals that were stated: in frames, and in the last block of each ring that has any.
    fn statements(&mut self, dump: &Dump, stating: BTreeMap<u32, Vec<usize>>) {
        for frame in &dump.tables().losses {
            self.rings.entry(frame.ring).or_default().state(&frame.loss);
        }
        let mut unpacker = Unpacker::default();
        for (ring, blocks) in stating {
            let blocks = blocks.iter().rev().filter_map(|&block| dump.blocks().get(block));
            let last =
                blocks.filter_map(|block| last_statement(dump, &block, &mut unpacker)).next();
            if let Some(loss) = last {
                self.rings.entry(ring).or_default().state(&loss);
            }
        }
    }

    fn lost(&self) -> u64 {
        self.rings.values().fold(0, |sum, ring| sum.saturating_add(ring.lost()))
    }

    /// Adds what the last blocks of the rings should have held, and returns all that is missing.
    fn missing(&mut self) -> u64 {
        self.rings.values_mut().fold(0, |sum, ring| {
            ring.close();
            sum.saturating_add(ring.missing())
        })
    }
}

/// The last statement of losses in a block.
fn last_statement(dump: &Dump, block: &Block, unpacker: &mut Unpacker) -> Option<Loss> {
    let body = unpacker.unpack(&dump.stored_body(block).ok()?).ok()?;
    let mut last = None;
    let mut records = body.records(&block.header).ok()?;
    while let Some(Ok(record)) = records.next() {
        if record.tag == CallSite::LOSS_ID {
            last = stated_loss(record.values).or(last);
        }
    }
    unpacker.take_back(body);
    last
}

#[cfg(test)]
mod tests;
