//! Which files belong together: those of one run of a logger, whose rings go on from file to file.

use std::collections::BTreeMap;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;

use super::ring::Ring;
use crate::clock::TimeMap;
use crate::dump::{Dump, RingFacts};
use crate::filter::Filter;
use crate::model::damage::Damage;
use crate::model::entry::ThreadName;

/// One run of a logger.
#[derive(Debug)]
pub(crate) struct Session {
    id: [u8; 16],
    pub(crate) map: TimeMap,
    /// Whether the files are the first ones of the session, without a gap: rings then begin with
    /// record 0.
    is_from_start: bool,
}

/// Something in a ring: where its records or its losses stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) dump: u32,
    /// In the dump's blocks or loss frames.
    pub(super) index: u32,
    pub(super) kind: ItemKind,
}

/// What an item is, in the order of those at one position of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemKind {
    /// Records that were written, and are gone: what a loss frame may say besides.
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
    let files = files.iter().filter(|dump| !dump.is_from_rings());
    let mut sequences: Vec<_> = files.map(|dump| dump.header().sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    !sequences.is_empty() && sequences.iter().zip(0..).all(|(&found, expected)| found == expected)
}

/// What the rings of the dump's session say, if they are among `dumps`.
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
    // The rings say themselves what was there.
    !matches!(damage.cause, crate::DamageCause::Shortened { .. })
        && dumps.iter().find(of_file).is_some_and(is_beyond)
}

/// The map through the clock pairs of all `files`, of which there is one at least.
pub(crate) fn time_map(files: &[&Dump]) -> TimeMap {
    let pairs = files.iter().flat_map(|dump| dump.clock_pairs()).copied().collect();
    let first = files.iter().min_by_key(|dump| dump.header().sequence);
    let counters = files
        .iter()
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

/// Of each ring the place of the one that it continues, if that is there. They are in the order of their
/// ids, which grow along a chain, so that none is a circle.
pub(super) fn predecessors(rings: &[Ring<'_>]) -> Vec<Option<usize>> {
    let before = |ring: &Ring<'_>| {
        let wanted = (ring.session, ring.continues()?);
        rings.binary_search_by_key(&wanted, |ring| (ring.session, ring.ring)).ok()
    };
    rings.iter().map(before).collect()
}

/// The rings of all sessions that the filter wants, each with its items in order.
pub(super) fn rings<'d>(dumps: &'d [Dump], sessions: &[Session], filter: &Filter) -> Vec<Ring<'d>> {
    let mut items: BTreeMap<(usize, u32), Vec<(u64, Item)>> = BTreeMap::new();
    for (dump_index, dump) in dumps.iter().enumerate() {
        let id = dump.header().session;
        let session = sessions.iter().position(|session| session.id == id).unwrap_or(0);
        let of = dump_index as u32;
        // Losses first: they lie before the records from their position on.
        for (index, loss) in dump.tables().losses.iter().enumerate() {
            let of_ring = items.entry((session, loss.ring)).or_default();
            let item = |kind| Item { dump: of, index: index as u32, kind };
            if loss.gone.is_some() {
                of_ring.push((loss.position, item(ItemKind::Gone)));
            }
            of_ring.push((loss.position, item(ItemKind::Loss)));
        }
        let rings = rings_of(dump, dumps);
        for (index, block) in dump.blocks().iter().enumerate() {
            // Its ring has the same records, and nobody has cut them.
            let is_in_ring = |rings: &RingFacts| {
                let start = rings.starts.get(&block.header.ring);
                start.is_some_and(|start| start.position <= block.header.position)
            };
            if block.is_cut && rings.is_some_and(is_in_ring) {
                continue;
            }
            let item = Item { dump: of, index: index as u32, kind: ItemKind::Block };
            let header = &block.header;
            items.entry((session, header.ring)).or_default().push((header.position, item));
        }
    }
    let rings = items.into_iter().filter_map(|((session, ring), mut items)| {
        let Session { id, is_from_start, .. } = *sessions.get(session)?;
        let thread = dumps
            .iter()
            .filter(|dump| dump.header().session == id)
            .find_map(|dump| dump.thread(ring));
        let name = ThreadName::new(ring, thread);
        if !filter.wants_thread(&name.name, thread) {
            return None;
        }
        items.sort_by_key(|&(position, item)| (position, item.kind, item.dump, item.index));
        let items = items.into_iter().map(|(_, item)| item).collect();
        let expected = is_from_start.then_some(0);
        Some(Ring::new(session, ring, thread, name, items, expected))
    });
    rings.collect()
}
