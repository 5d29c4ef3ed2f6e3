//! Spans that blocks without a context need: they may have begun in any ring, at any time before.
//!
//! Blocks of the rings of a dead writer and of a tail are all looked at first, as they are few. Then the files are
//! gone through from their ends, no further than needed: what a block or its context says of a span is kept. Values
//! that a span is given later are kept with their times: a record shows those that came before it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use stenolog_format::span::{SpanContext, SpanEvent};

use super::SpanReader;
use super::{events, frame};
use crate::dump::Dump;
use crate::model::span::{SpanState, SpanValues};
use crate::read::tally::BlockPlace;

/// The most spans that are kept.
const MAX_SPANS: usize = 1 << 20;

/// The most bytes of values that are kept: when there are more, no further block is gone through.
const MAX_VALUE_BYTES: usize = 64 << 20;

/// The most blocks that are gone through.
const MAX_BLOCKS: u32 = 1 << 16;

/// What was found, for each session.
#[derive(Debug, Default)]
pub(super) struct Leftovers(Mutex<HashMap<[u8; 16], Found>>);

/// Values that a span was given by an event.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) time: u64,
    /// The first block of the event's frame.
    pub(super) place: BlockPlace,
    pub(super) values: SpanValues,
}

/// What was found in a session.
#[derive(Debug)]
struct Found {
    /// As they began, or as a context defines them.
    spans: HashMap<u64, Arc<SpanState>>,
    /// What they were given afterwards.
    given: HashMap<u64, Vec<Given>>,
    /// The files that are still to be gone through, the last of all first, and how many of their blocks.
    rest: Vec<(u32, usize)>,
    blocks_left: u32,
    /// The bytes of the values that are kept.
    bytes: usize,
}

impl Leftovers {
    /// The span with this id, if it is found.
    pub(super) fn find(&self, reader: &SpanReader, dump: u32, id: u64) -> Option<Arc<SpanState>> {
        let session = reader.dumps.get(dump as usize)?.header().session;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.entry(session).or_insert_with(|| Found::new(reader, session));
        found.find(reader, id)
    }

    /// The values that a span was given by events of other frames than this one.
    pub(super) fn given(&self, reader: &SpanReader, at: BlockPlace, id: u64) -> Vec<Given> {
        let Some(of) = reader.dumps.get(at.0 as usize) else { return Vec::new() };
        let session = of.header().session;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.entry(session).or_insert_with(|| Found::new(reader, session));
        found
            .given
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|given| given.place != at)
            .cloned()
            .collect()
    }
}

impl Found {
    fn new(reader: &SpanReader, session: [u8; 16]) -> Self {
        let of_session = || {
            let dumps = (0..).zip(reader.dumps.iter());
            dumps.filter(move |(_, dump)| dump.header().session == session)
        };
        let is_file = |dump: &Dump| !dump.is_from_rings() && !dump.is_tail();
        let mut files: Vec<_> = of_session().filter(|(_, dump)| is_file(dump)).collect();
        files.sort_by_key(|(_, dump)| dump.header().sequence);
        let rest = files.iter().map(|(at, dump)| (*at, dump.blocks().len())).collect();
        let (spans, given) = Default::default();
        let mut found = Self { spans, given, rest, blocks_left: MAX_BLOCKS, bytes: 0 };
        for (at, dump) in of_session().filter(|(_, dump)| !is_file(dump)) {
            for block in 0..dump.blocks().len() as u32 {
                found.look_at(reader, (at, block));
            }
        }
        found
    }

    fn find(&mut self, reader: &SpanReader, id: u64) -> Option<Arc<SpanState>> {
        loop {
            if let Some(state) = self.spans.get(&id) {
                return Some(Arc::clone(state));
            }
            if self.blocks_left == 0 || self.is_full() {
                return None;
            }
            let (dump, blocks) = self.rest.last_mut()?;
            let Some(block) = blocks.checked_sub(1) else {
                self.rest.pop();
                continue;
            };
            *blocks = block;
            self.blocks_left -= 1;
            let place = (*dump, block as u32);
            self.look_at(reader, place);
        }
    }

    fn is_full(&self) -> bool {
        self.spans.len() >= MAX_SPANS || self.bytes >= MAX_VALUE_BYTES
    }

    /// Keeps what a block and its context say of spans that are not known.
    fn look_at(&mut self, reader: &SpanReader, (dump, block): (u32, u32)) {
        if self.is_full() {
            return;
        }
        let Some(of) = reader.dumps.get(dump as usize) else { return };
        let parts = events::parts(of, block);
        let Some(first) = parts.first().filter(|first| first.part == 0) else { return };
        let mut here = HashMap::new();
        let context = of.context_of(first.offset).and_then(|of| SpanContext::decode(of).ok());
        for definition in context.iter().flat_map(SpanContext::definitions) {
            here.insert(definition.id, frame::defined(reader, dump, &definition));
        }
        let mut events = events::read(reader, (dump, block), &parts, true).all;
        for event in events.iter_mut().filter(|event| event.what.begins()) {
            here.insert(event.words.id, frame::begun(reader, dump, event));
        }
        let is_file = !of.is_from_rings() && !of.is_tail();
        for event in events.iter_mut().filter(|event| event.what == SpanEvent::Record) {
            // What a later block of a file says of a span has these values already.
            let is_known = is_file && self.spans.contains_key(&event.words.id);
            let Some(values) = event.values.take().filter(|_| !is_known) else { continue };
            self.bytes = self.bytes.saturating_add(values.len() + size_of::<Given>());
            let given = Given { time: event.time, place: (dump, block), values };
            self.given.entry(event.words.id).or_default().push(given);
        }
        for (id, state) in here {
            if let Entry::Vacant(entry) = self.spans.entry(id) {
                self.bytes = self.bytes.saturating_add(state.bytes());
                entry.insert(Arc::new(state));
            }
        }
    }
}
