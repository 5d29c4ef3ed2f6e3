//! Spans of one frame: from its context and its events to the spans of each record.
//!
//! Events of all parts are taken by time, so a value that one thread gives a span is seen by the records of others
//! that come after it. All spans that begin in the frame are known from its beginning on: another thread may enter
//! one before the record with which it began, as clocks differ.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use stenolog_format::span::{
    NO_SPAN, SpanContext, SpanDefinition, SpanEvent, SpanStack, SpanWords,
};
use stenolog_format::value::Encoding;

use super::SpanReader;
use super::events::{self, Event, Events};
use super::leftover::Given;
use crate::model::span::{MAX_CHAIN, SpanChain, SpanState, SpanValues, lineage};
use crate::read::tally::BlockPlace;

/// What is known of spans at the end of a block, for the next block of its ring.
#[derive(Clone, Debug, Default)]
pub(super) struct SpanTable {
    pub(super) stack: SpanStack,
    /// The spans on the stack, and their ancestors.
    pub(super) entered: HashMap<u64, Arc<SpanState>>,
}

/// The spans of the records of a frame.
#[derive(Debug, Default)]
pub(super) struct FrameSpans {
    nodes: Vec<Node>,
    /// For each part, its changes by the index of the record.
    parts: Vec<Vec<Change>>,
}

/// A span in a chain. The states of a span, and those of a descendant after a state of it, are different nodes.
#[derive(Debug)]
struct Node {
    state: Arc<SpanState>,
    /// The number of the parent's node, from 1; 0 if there is none.
    parent: u32,
    chain: OnceLock<Arc<SpanChain>>,
}

/// The records from here on are in a node; 0 for none.
#[derive(Clone, Copy, Debug)]
struct Change {
    record: u32,
    node: u32,
}

impl FrameSpans {
    /// The spans of a record of a part.
    #[inline]
    pub(super) fn at(&self, part: u32, record: u32) -> Option<&Arc<SpanChain>> {
        let changes = self.parts.get(part as usize)?;
        let at = changes.partition_point(|change| change.record <= record).checked_sub(1)?;
        self.chain(changes.get(at)?.node)
    }

    fn chain(&self, node: u32) -> Option<&Arc<SpanChain>> {
        let of = self.nodes.get((node as usize).checked_sub(1)?)?;
        Some(of.chain.get_or_init(|| {
            let mut states = Vec::new();
            let mut next = Some(of);
            while let Some(node) = next.filter(|_| states.len() < MAX_CHAIN) {
                states.push(Arc::clone(&node.state));
                next = (node.parent as usize).checked_sub(1).and_then(|at| self.nodes.get(at));
            }
            states.reverse();
            Arc::new(SpanChain::new(states))
        }))
    }
}

/// Reads the spans of a frame. `before` is what was known before one of its parts, for a frame without a context.
/// Returns also the table at the end of a part, if asked for.
pub(super) fn read(
    reader: &SpanReader,
    (dump, first): BlockPlace,
    before: Option<(u32, &SpanTable)>,
    end_of: Option<u32>,
) -> (FrameSpans, SpanTable) {
    let Some(of) = reader.dumps.get(dump as usize) else { return Default::default() };
    let parts = events::parts(of, first);
    let Some(block) = parts.first() else { return Default::default() };
    let mut builder = Builder::new(reader, dump, parts.len());
    match of.context_of(block.offset).and_then(|payload| SpanContext::decode(payload).ok()) {
        Some(context) => {
            for ((_, stack), of_part) in context.parts().iter().zip(&mut builder.stacks) {
                of_part.clone_from(stack);
            }
            for definition in context.definitions() {
                builder.know(defined(reader, dump, &definition));
            }
        }
        None => {
            builder.is_alone = false;
            if let Some((part, table)) = before {
                let is_left = of.is_from_rings() || of.is_tail();
                for (&id, state) in &table.entered {
                    // Other rings may have told more of it since, in the file.
                    let found = is_left.then(|| reader.leftovers.find(reader, dump, id)).flatten();
                    builder.states.insert(id, found.unwrap_or_else(|| Arc::clone(state)));
                }
                if let Some(stack) = builder.stacks.get_mut(part as usize) {
                    stack.clone_from(&table.stack);
                }
            }
        }
    }
    let mut events = events::read(reader, (dump, first), &parts, builder.is_alone);
    builder.begin(&mut events.all);
    if !builder.is_alone {
        builder.add_given((dump, first), &mut events);
    }
    events.all.iter_mut().for_each(|event| builder.take(event, &events.times));
    builder.finish(end_of)
}

/// What is known at the end of a block. `before` is what was known before it, if it has no context.
pub(super) fn end(
    reader: &SpanReader,
    (dump, index): BlockPlace,
    before: Option<&SpanTable>,
) -> SpanTable {
    let block = reader.dumps.get(dump as usize).and_then(|dump| dump.blocks().get(index as usize));
    let part = block.map_or(0, |block| block.part);
    let Some(first) = index.checked_sub(part) else { return SpanTable::default() };
    read(reader, (dump, first), before.map(|before| (part, before)), Some(part)).1
}

/// The most changes that values given later make in a block: only hostile dumps have more.
const MAX_CHANGES: usize = 1 << 22;

struct Builder<'r> {
    reader: &'r SpanReader,
    dump: u32,
    /// Whether the frame says all that there is to know.
    is_alone: bool,
    stacks: Vec<SpanStack>,
    states: HashMap<u64, Arc<SpanState>>,
    /// The numbers of the nodes of spans as they are now.
    known: HashMap<u64, u32>,
    nodes: Vec<Node>,
    parts: Vec<Vec<Change>>,
    /// How many changes values that were given later have made.
    changes: usize,
}

impl<'r> Builder<'r> {
    fn new(reader: &'r SpanReader, dump: u32, parts: usize) -> Self {
        Self {
            reader,
            dump,
            is_alone: true,
            stacks: vec![SpanStack::default(); parts],
            states: HashMap::new(),
            known: HashMap::new(),
            nodes: Vec::new(),
            changes: 0,
            parts: vec![Vec::new(); parts],
        }
    }

    fn know(&mut self, state: SpanState) {
        self.states.insert(state.id, Arc::new(state));
    }

    /// Makes all spans known that begin in the frame, and the stacks that it begins with.
    fn begin(&mut self, events: &mut [Event]) {
        let begun_here = events.iter().filter(|event| event.what.begins()).count();
        self.states.reserve(begun_here);
        self.known.reserve(begun_here);
        for event in events.iter_mut().filter(|event| event.what.begins()) {
            self.know(begun(self.reader, self.dump, event));
        }
        for part in 0..self.stacks.len() {
            self.change(part, 0);
        }
    }

    /// Adds the events of other frames that give values to spans of this one: those that came before its first record
    /// are taken at once.
    fn add_given(&mut self, at: BlockPlace, events: &mut Events) {
        // Makes all of them known, with their ancestors.
        events.all.iter().for_each(|event| _ = self.node(event.words.id));
        let first = events.times.iter().filter_map(|of| of.first()).min().copied();
        let outside = self.stacks.len() as u32;
        let mut early = Vec::new();
        for &id in self.states.keys() {
            for given in self.reader.leftovers.given(self.reader, at, id) {
                let Given { time, values, .. } = given;
                if first.is_none_or(|first| time < first) {
                    early.push((time, id, values));
                } else {
                    let (what, values) = (SpanEvent::Record, Some(values));
                    let words = SpanWords { id, ..SpanWords::default() };
                    events.all.push(Event { part: outside, index: 0, time, what, words, values });
                }
            }
        }
        early.sort_by_key(|(time, id, _)| (*time, *id));
        for (_, id, values) in early {
            if let Some(state) = self.states.get(&id) {
                let state = Arc::new(state.with(values));
                self.states.insert(id, state);
            }
        }
        self.known.clear();
        (0..self.stacks.len()).for_each(|part| self.change(part, 0));
        events.all.sort_by_key(|event| (event.time, event.part, event.index));
    }

    /// From a record on, a part is in the innermost span of its stack.
    fn change(&mut self, part: usize, record: u32) {
        let innermost = self.stacks[part].innermost().unwrap_or(NO_SPAN);
        let node = self.node(innermost);
        self.put(part, record, node);
    }

    fn put(&mut self, part: usize, record: u32, node: u32) {
        let changes = &mut self.parts[part];
        match changes.last_mut() {
            Some(last) if last.record >= record => last.node = node,
            Some(last) if last.node == node => {}
            _ => changes.push(Change { record, node }),
        }
    }

    /// The number of a span's node; 0 for no span.
    fn node(&mut self, id: u64) -> u32 {
        if id == NO_SPAN {
            return 0;
        }
        if let Some(&known) = self.known.get(&id) {
            return known;
        }
        let Self { reader, dump, is_alone, states, known, nodes, .. } = self;
        // Nearly always the parent is known, or there is none.
        if let Some(state) = states.get(&id)
            && let Some(parent) = match state.parent {
                NO_SPAN => Some(0),
                parent => known.get(&parent).copied(),
            }
        {
            nodes.push(Node { state: Arc::clone(state), parent, chain: OnceLock::new() });
            let node = nodes.len() as u32;
            known.insert(id, node);
            return node;
        }
        let mut parent = 0;
        let ids = lineage(id, |id| {
            if known.contains_key(&id) {
                return None;
            }
            let state = states.entry(id).or_insert_with(|| {
                let found = if *is_alone { None } else { reader.leftovers.find(reader, *dump, id) };
                found.unwrap_or_else(|| Arc::new(SpanState::unknown(reader.session(*dump), id)))
            });
            Some(state.parent)
        });
        for id in ids {
            parent = match known.get(&id) {
                Some(&node) => node,
                None => {
                    let Some(state) = states.get(&id).cloned() else { continue };
                    nodes.push(Node { state, parent, chain: OnceLock::new() });
                    let node = nodes.len() as u32;
                    known.insert(id, node);
                    node
                }
            };
        }
        parent
    }

    /// Takes the next event.
    fn take(&mut self, event: &mut Event, times: &[Vec<u64>]) {
        let Event { part, index, what, words, .. } = *event;
        let part = part as usize;
        let is_here = part < self.stacks.len();
        let after = index.saturating_add(1);
        // The event is in the span that it is about.
        let about = self.node(words.id);
        if is_here {
            self.put(part, index, about);
        }
        if what.enters() {
            self.stacks[part].enter(words.id, words.depth);
        } else if what.exits() {
            self.stacks[part].exit(words.id, words.depth);
        }
        if what == SpanEvent::Record
            && self.nodes.len() + self.changes < MAX_CHANGES
            && let Some(values) = event.values.take()
            && let Some(state) = self.states.get(&words.id)
        {
            let state = Arc::new(state.with(values));
            self.states.insert(words.id, state);
            // Descendants have other chains from now on.
            self.known.clear();
            self.changes += self.stacks.len();
            for other in (0..self.stacks.len()).filter(|&other| other != part) {
                let next = times.get(other).map(|of| of.partition_point(|&time| time < event.time));
                let begun = self.parts[other].last().map_or(0, |change| change.record);
                self.change(other, begun.max(next.unwrap_or(0) as u32));
            }
        }
        if is_here {
            self.change(part, after);
        }
    }

    fn finish(self, end_of: Option<u32>) -> (FrameSpans, SpanTable) {
        let mut table = SpanTable::default();
        if let Some(stack) = end_of.and_then(|part| self.stacks.get(part as usize)) {
            table.stack.clone_from(stack);
            for entered in stack.iter().filter(|&id| id != NO_SPAN) {
                for id in lineage(entered, |id| Some(self.states.get(&id)?.parent)) {
                    if let Some(state) = self.states.get(&id) {
                        table.entered.insert(id, Arc::clone(state));
                    }
                }
            }
        }
        (FrameSpans { nodes: self.nodes, parts: self.parts }, table)
    }
}

/// The state of a span as a context defines it.
pub(super) fn defined(
    reader: &SpanReader,
    dump: u32,
    definition: &SpanDefinition<'_>,
) -> SpanState {
    let SpanDefinition { id, parent, site, values, records } = *definition;
    let of_site =
        |site, values| Some(SpanValues::new(reader.site(dump, site)?, values, Encoding::Packed));
    let (session, begun, recorded) = (reader.session(dump), of_site(site, values), Vec::new());
    let begun = SpanState { session, id, parent, begun, recorded };
    let records = records.filter_map(|record| of_site(record.site, record.values));
    records.fold(begun, |state, values| state.with(values))
}

/// The state of a span that begins with an event.
pub(super) fn begun(reader: &SpanReader, dump: u32, event: &mut Event) -> SpanState {
    let (id, parent) = (event.words.id, event.words.other);
    let session = reader.session(dump);
    SpanState { session, id, parent, begun: event.values.take(), recorded: Vec::new() }
}
