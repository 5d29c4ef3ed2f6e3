//! What a dump says of itself, without reading its records.

use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::frame::Version;

use crate::damage::{Damage, Tail};
use crate::decoder::time_map;
use crate::dump::{Dump, FrameCounts};

/// What the frames' headers and metadata of a dump say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// The file.
    pub file: Arc<Path>,
    /// Its length.
    pub bytes: u64,
    /// The version of the format.
    pub version: Version,
    /// The run of the logger that wrote it.
    pub session: [u8; 16],
    /// The place of the file among those of its session.
    pub sequence: u32,
    /// When it was begun.
    pub created_unix_ns: i64,
    /// The process that wrote it.
    pub process_id: u32,
    /// The nominal frequency of the raw counter.
    pub counter_hz: u64,
    /// How the file ends.
    pub tail: Tail,
    /// Whether its logger still writes, if that can be told.
    pub writer_is_alive: Option<bool>,
    /// Whether the log goes on in another file; `None` if this one was not closed.
    pub continues: Option<bool>,
    /// Frames by kind.
    pub frames: FrameCounts,
    /// How many call sites have logged.
    pub call_sites: u64,
    /// Of these, how many have values that are formatted at the call, which makes them slow.
    pub formatting_call_sites: u64,
    /// The threads, by ring.
    pub threads: Vec<Thread>,
    /// How many rings have records.
    pub rings: u64,
    /// How many pairs relate the raw counter to UTC.
    pub clock_pairs: u64,
    /// How many records the blocks say they hold, statements of losses included.
    pub records: u64,
    /// The bytes of all blocks.
    pub block_bytes: u64,
    /// How many blocks are raw, and how many packed, be it in rows or in columns.
    pub blocks_by_encoding: [u64; 2],
    /// The earliest and the latest record; `None` if there is none.
    pub unix_ns: Option<(i64, i64)>,
    /// The levels that occur, most severe first.
    pub levels: Vec<Level>,
    /// How many records were lost, as the file's end and its loss frames say. Losses that only the
    /// rings state are counted by a [`Decoder`](crate::Decoder).
    pub lost: u64,
    /// What is wrong with the frames.
    pub damage: Vec<Damage>,
}

impl Info {
    /// The length of the file divided by its records; `None` if it has none.
    #[must_use]
    pub fn bytes_per_record(&self) -> Option<f64> {
        (self.records > 0).then(|| self.bytes as f64 / self.records as f64)
    }
}

/// Gathers what is known of a dump without reading its records.
#[must_use]
pub fn info(dump: &Dump) -> Info {
    let header = dump.header();
    let blocks = || dump.blocks().iter().map(|block| &block.header);
    let mut rings: Vec<u32> = blocks().map(|block| block.ring).collect();
    rings.sort_unstable();
    rings.dedup();
    let levels = blocks().fold(0, |levels, block| levels | block.levels);
    let with_encoding = |encoding| blocks().filter(|block| block.encoding == encoding).count();
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
        call_sites: dump.sites().count() as u64,
        formatting_call_sites: dump
            .sites()
            .filter(|site| site.call_site().slots.iter().any(|slot| slot.ty.is_formatted()))
            .count() as u64,
        threads: dump.threads().cloned().collect(),
        rings: rings.len() as u64,
        clock_pairs: dump.clock_pairs().len() as u64,
        records: blocks().map(|block| u64::from(block.count)).sum(),
        block_bytes: dump.blocks().iter().map(|block| block.frame_bytes()).sum(),
        blocks_by_encoding: [with_encoding(0) as u64, (with_encoding(1) + with_encoding(2)) as u64],
        unix_ns: time_range(dump),
        levels: Level::ALL.into_iter().filter(|level| levels & level.bit() != 0).collect(),
        lost: stated_losses(dump),
        damage: dump.damage().to_vec(),
    }
}

fn time_range(dump: &Dump) -> Option<(i64, i64)> {
    let map = time_map(&[dump]);
    let ranges = dump.blocks().iter().flat_map(|block| {
        let header = &block.header;
        let has = |flag| header.flags & flag != 0;
        let counter = has(BlockHeader::HAS_COUNTER)
            .then(|| map.unix_range(header.counter_first, header.counter_last));
        let unix = has(BlockHeader::HAS_UNIX).then_some((header.unix_first, header.unix_last));
        counter.into_iter().chain(unix)
    });
    ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Totals are stated again and again: the last word of each ring counts.
fn stated_losses(dump: &Dump) -> u64 {
    let mut by_ring = std::collections::BTreeMap::new();
    for frame in &dump.tables().losses {
        let total = by_ring.entry(frame.ring).or_insert(0);
        *total = frame.loss.total().max(*total);
    }
    let frames = by_ring.values().fold(0_u64, |sum, &total| sum.saturating_add(total));
    dump.end().map_or(0, |end| end.lost).max(frames)
}
