//! Sessions: the files of one run of a logger, whose rings continue from file to file.

use std::collections::BTreeMap;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;

use crate::clock::TimeMap;
use crate::dump::{Dump, RingFacts};
use crate::model::damage::{Damage, DamageCause};

/// One run of a logger.
#[derive(Debug)]
pub(crate) struct Session {
    id: [u8; 16],
    pub(crate) map: TimeMap,
    /// Whether the files are the first ones of the session, without a gap: rings then begin with
    /// record 0.
    pub(super) is_from_start: bool,
}

/// An item of a ring: the place of records or losses. Items are ordered by their position in the ring.
///
/// There may be ten million, so it is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// The position in the ring.
    position: u64,
    /// The kind in the upper bits, and the dump.
    of: u32,
    /// The index among the dump's blocks or loss frames.
    pub(super) index: u32,
}

const _: () = assert!(size_of::<Item>() == 16);

/// The bits of the dump of an item.
const DUMP_BITS: u32 = 30;

impl Item {
    const fn new(position: u64, kind: ItemKind, dump: u32, index: u32) -> Self {
        Self { position, of: (kind as u32) << DUMP_BITS | dump, index }
    }

    pub(super) const fn kind(self) -> ItemKind {
        match self.of >> DUMP_BITS {
            0 => ItemKind::Gone,
            1 => ItemKind::Loss,
            _ => ItemKind::Block,
        }
    }

    /// The index of the dump.
    pub(super) const fn dump(self) -> u32 {
        self.of & ((1 << DUMP_BITS) - 1)
    }
}

/// The kind of an item, in the order of items at one position of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemKind {
    /// Records that were written and are gone, which a loss frame may state besides.
    Gone,
    Loss,
    Block,
}

pub(super) fn sessions(dumps: &[Dump]) -> Vec<Session> {
    let mut files: Vec<([u8; 16], Vec<&Dump>)> = Vec::new();
    for dump in dumps {
        let id = dump.header().session;
        match files.iter_mut().find(|(known, _)| *known == id) {
            Some((_, of_session)) => of_session.push(dump),
            None => files.push((id, vec![dump])),
        }
    }
    let session = |(id, files): ([u8; 16], Vec<&Dump>)| Session {
        id,
        map: time_map(&files),
        is_from_start: is_from_start(&files),
    };
    files.into_iter().map(session).collect()
}

fn is_from_start(files: &[&Dump]) -> bool {
    let files = files.iter().filter(|dump| !dump.is_from_rings() && !dump.is_tail());
    let mut sequences: Vec<_> = files.map(|dump| dump.header().sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    !sequences.is_empty() && sequences.iter().zip(0..).all(|(&found, expected)| found == expected)
}

/// The facts of the rings of the dump's session, if they are among `dumps`.
fn rings_of<'d>(dump: &Dump, dumps: &'d [Dump]) -> Option<&'d RingFacts> {
    let of_session = dumps.iter().filter(|other| other.header().session == dump.header().session);
    of_session.filter_map(Dump::rings).next()
}

/// Whether rings have what the writer of `dump` had not written when it died.
pub(super) fn is_completed(dump: &Dump, dumps: &[Dump]) -> bool {
    rings_of(dump, dumps).is_some_and(|rings| rings.completes(dump.header().sequence, dump.tail()))
}

/// Whether the damage is in a part of a file that rings have instead: a write that was cut.
pub(super) fn is_replaced(damage: &Damage, dumps: &[Dump]) -> bool {
    let of_file = |dump: &&Dump| !dump.is_from_rings() && *dump.file() == damage.file;
    let is_beyond = |dump: &Dump| {
        rings_of(dump, dumps)
            .is_some_and(|rings| damage.offset >= rings.written_to(dump.header().sequence))
    };
    // The rings themselves state what was there.
    !matches!(damage.cause, DamageCause::Shortened { .. })
        && dumps.iter().find(of_file).is_some_and(is_beyond)
}

/// The map through the clock pairs of all `files`, which are not empty.
pub(crate) fn time_map(files: &[&Dump]) -> TimeMap {
    let pairs = files.iter().flat_map(|dump| dump.clock_pairs()).copied().collect();
    let first = files.iter().min_by_key(|dump| dump.header().sequence);
    // Only a file without any pair needs it, and there may be many blocks.
    let pairs: Vec<ClockPair> = pairs;
    let counters = files
        .iter()
        .filter(|_| pairs.is_empty())
        .flat_map(|dump| dump.blocks())
        .filter(|block| block.header.flags & BlockHeader::HAS_COUNTER != 0)
        .map(|block| block.header.counter_first);
    let fallback = ClockPair {
        counter: counters.min().unwrap_or(0),
        unix_ns: first.map_or(0, |dump| dump.header().created_unix_ns),
        uncertainty_ticks: 0,
    };
    TimeMap::new(pairs, first.map_or(0, |dump| dump.header().counter_hz), fallback)
}

/// Items of one ring.
#[derive(Debug, Default)]
pub(super) struct RingItems {
    pub(super) items: Vec<Item>,
    /// The number after the last record of a block that comes again. Records before it may come twice.
    pub(super) reread: u64,
}

/// How much of each dump's tables was turned into items.
#[derive(Clone, Debug, Default)]
pub(super) struct ItemsSeen(Vec<DumpSeen>);

#[derive(Clone, Copy, Debug, Default)]
struct DumpSeen {
    losses: usize,
    blocks: usize,
    /// How many of the blocks stay as they are when the file grows. The others come again.
    settled_blocks: usize,
}

impl ItemsSeen {
    /// How many blocks of a dump are the same as when its items were made.
    pub(super) fn settled_blocks(&self, dump: u32) -> u32 {
        self.0.get(dump as usize).map_or(0, |seen| seen.settled_blocks as u32)
    }
}

/// The items that are not among `seen`, by session and ring, and again those of blocks that were not
/// settled.
pub(super) fn new_items(
    dumps: &[Dump],
    sessions: &[Session],
    seen: &mut ItemsSeen,
) -> BTreeMap<(usize, u32), RingItems> {
    let mut rings = BTreeMap::<_, RingItems>::new();
    seen.0.resize(dumps.len(), DumpSeen::default());
    for ((dump_index, dump), seen) in dumps.iter().enumerate().zip(&mut seen.0) {
        let id = dump.header().session;
        let session = sessions.iter().position(|session| session.id == id).unwrap_or(0);
        let of = dump_index as u32;
        let losses = &dump.tables().losses;
        for (index, loss) in losses.iter().enumerate().skip(seen.losses) {
            let of_ring = rings.entry((session, loss.ring)).or_default();
            let (position, index) = (loss.position, index as u32);
            let item = |kind| Item::new(position, kind, of, index);
            if loss.gone.is_some() {
                of_ring.items.push(item(ItemKind::Gone));
            }
            of_ring.items.push(item(ItemKind::Loss));
        }
        let facts = rings_of(dump, dumps);
        let blocks = dump.blocks();
        for (index, header, is_cut) in dump.block_headers(seen.settled_blocks) {
            // Its ring has the same records, uncut.
            let is_in_ring = |rings: &RingFacts| {
                let start = rings.starts.get(&header.ring);
                start.is_some_and(|start| start.position <= header.position)
            };
            if is_cut && facts.is_some_and(is_in_ring) {
                continue;
            }
            let BlockHeader { ring, position, first_record, count, .. } = header;
            let of_ring = rings.entry((session, ring)).or_default();
            // The dump has the records of a tail later.
            if index < seen.blocks || dump.is_tail() {
                of_ring.reread = of_ring.reread.max(first_record.saturating_add(count.into()));
            }
            let (kind, index) = (ItemKind::Block, index as u32);
            of_ring.items.push(Item::new(position, kind, of, index));
        }
        let settled = if dump.is_tail() { 0 } else { dump.settled_blocks() };
        let settled_blocks = settled.min(blocks.len());
        *seen = DumpSeen { losses: losses.len(), blocks: blocks.len(), settled_blocks };
    }
    rings
}

impl Session {
    /// Whether a dump is of this session.
    pub(super) fn is_of(&self, dump: &Dump) -> bool {
        dump.header().session == self.id
    }

    /// The thread of a ring, according to the dumps of the session.
    pub(super) fn thread<'d>(&self, ring: u32, dumps: &'d [Dump]) -> Option<&'d Thread> {
        let mut of_session = dumps.iter().filter(|dump| dump.header().session == self.id);
        of_session.find_map(|dump| dump.thread(ring))
    }
}
