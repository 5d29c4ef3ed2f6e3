//! Memory of what was found in groups, which several threads fill.
//!
//! ```text
//!   groups, in order:   found  found  ·  being searched  ·  ·  ·
//!                         ▲              ▲                  ▲
//!   the rings, as they come to them      another thread     the next one to be searched
//! ```
//!
//! The rings of a group come to their parts one after the other. A ring in which nothing is found goes through
//! all groups before the next ring begins.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use stenolog_format::block::BlockHeader;

use super::{Sought, seek};
use crate::dump::{Block, Dump, Unpacker};
use crate::read::selection::Selection;

/// The most memory for records that were found.
const MAX_BYTES: usize = 64 << 20;

/// What was found in the groups of all dumps.
#[derive(Debug)]
pub(crate) struct SoughtGroups {
    dumps: Arc<[Dump]>,
    selection: Selection,
    state: Mutex<State>,
    /// A group was searched.
    searched: Condvar,
}

/// A group: the index of its dump, and its offset.
type GroupPlace = (usize, u64);

#[derive(Debug)]
struct State {
    slots: BTreeMap<GroupPlace, Slot>,
    /// For each dump, the first block that no group was claimed from, and that was not read before.
    next: Vec<usize>,
    /// The memory of all records.
    bytes: usize,
    is_over: bool,
}

#[derive(Clone, Debug)]
enum Slot {
    Busy,
    /// `None` if the group is malformed or its checksum is wrong.
    Done(Option<Arc<Sought>>),
}

impl SoughtGroups {
    /// The groups of dumps; `None` if nothing is searched for in them. For each dump, `read` is how many blocks
    /// were read before.
    pub(in crate::read) fn new(
        dumps: &Arc<[Dump]>,
        selection: &Selection,
        mut read: Vec<usize>,
    ) -> Option<Self> {
        if !selection.seeks {
            return None;
        }
        read.resize(dumps.len(), 0);
        let state = State { slots: BTreeMap::new(), next: read, bytes: 0, is_over: false };
        Some(Self {
            dumps: Arc::clone(dumps),
            selection: selection.clone(),
            state: Mutex::new(state),
            searched: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panics holds no lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a search finds in the group of a block; `None` if it must be read as if nothing had been searched
    /// for. Searches it, unless that was done.
    pub(in crate::read) fn find(
        &self,
        (dump_index, index): (usize, usize),
        block: &Block,
        unpacker: &mut Unpacker,
    ) -> Option<Arc<Sought>> {
        if block.is_cut || block.header.encoding != BlockHeader::GROUP {
            return None;
        }
        let place = (dump_index, block.offset);
        loop {
            let mut state = self.lock();
            match state.slots.get(&place) {
                Some(Slot::Done(found)) => return found.clone(),
                None => {
                    state.slots.insert(place, Slot::Busy);
                    drop(state);
                    self.search(place, index, unpacker);
                }
                Some(Slot::Busy) => match state.claim(&self.dumps) {
                    Some((other, index)) => {
                        drop(state);
                        self.search(other, index, unpacker);
                    }
                    None => drop(self.searched.wait(state)),
                },
            }
        }
    }

    /// Searches groups that no ring has come to yet, until none is left or the search is [over](Self::end).
    pub(crate) fn work(&self) {
        let mut unpacker = Unpacker::default();
        loop {
            let mut state = self.lock();
            let is_full = state.bytes > MAX_BYTES;
            let is_over = state.is_over || is_full;
            let claimed = if is_over { None } else { state.claim(&self.dumps) };
            drop(state);
            match claimed {
                Some((place, index)) => self.search(place, index, &mut unpacker),
                None => return,
            }
        }
    }

    /// Ends the threads that [work](Self::work).
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
    }

    fn search(&self, place: GroupPlace, index: usize, unpacker: &mut Unpacker) {
        let mut claim = Claim { of: self, place, found: None };
        claim.found = self.found(place.0, index, unpacker);
    }

    fn found(
        &self,
        dump_index: usize,
        index: usize,
        unpacker: &mut Unpacker,
    ) -> Option<Arc<Sought>> {
        let dump = self.dumps.get(dump_index)?;
        if !self.selection.may_hold(&self.dumps, dump_index, index) {
            // The parts with losses are read all the same.
            return None;
        }
        let block = dump.blocks().get(index)?;
        let (header, bytes) = dump.stored_body(&block).ok()?.group()?;
        let of = (&*self.dumps, &self.selection);
        seek(of, dump_index, (&header, bytes), dump.summary(index), unpacker).ok().map(Arc::new)
    }
}

impl State {
    /// The next group that was not searched, and the index of its first block.
    fn claim(&mut self, dumps: &[Dump]) -> Option<(GroupPlace, usize)> {
        for (dump_index, (dump, next)) in dumps.iter().zip(&mut self.next).enumerate() {
            while let Some(block) = dump.blocks().get(*next) {
                let index = *next;
                *next += 1;
                let place = (dump_index, block.offset);
                let is_group = block.header.encoding == BlockHeader::GROUP && !block.is_cut;
                if is_group && !self.slots.contains_key(&place) {
                    self.slots.insert(place, Slot::Busy);
                    return Some((place, index));
                }
            }
        }
        None
    }

    /// Forgets records, those of the first groups first: most likely, they were read.
    fn forget(&mut self, but: GroupPlace) {
        let mut all = self.slots.iter();
        let mut forgotten = Vec::new();
        while self.bytes > MAX_BYTES
            && let Some((place, slot)) = all.next()
        {
            if let Slot::Done(Some(found)) = slot
                && *place != but
                && matches!(**found, Sought::Records(_))
            {
                self.bytes -= held_bytes(found);
                forgotten.push(*place);
            }
        }
        forgotten.iter().for_each(|place| drop(self.slots.remove(place)));
    }
}

/// A group that is being searched. If that panics, no other thread waits for it for ever.
struct Claim<'s> {
    of: &'s SoughtGroups,
    place: GroupPlace,
    found: Option<Arc<Sought>>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let found = self.found.take();
        let mut state = self.of.lock();
        state.bytes += found.as_deref().map_or(0, held_bytes);
        state.slots.insert(self.place, Slot::Done(found));
        state.forget(self.place);
        drop(state);
        self.of.searched.notify_all();
    }
}

/// The memory of records that were found.
fn held_bytes(found: &Sought) -> usize {
    match found {
        Sought::Nothing | Sought::AllBut(_) => 0,
        Sought::Records(found) => found.held_bytes(),
    }
}
