//! Contexts of rewritten blocks. A block that is merged or moved needs another context: it states which spans the
//! records need where they are now.

use std::collections::BTreeMap;

use stenolog_format::block::BlockHeader;
use stenolog_format::span::{SpanContext, SpanEvent};
use stenolog_format::value::Encoding;
use stenolog_session::spans::SpanTracker;
use stenolog_session::writer::DumpWriter;

use crate::dump::{Block, Dump, Unpacker};

/// A span event in a block that is written.
#[derive(Clone, Debug)]
pub(crate) struct EventRecord {
    pub(crate) site: u32,
    pub(crate) values: Box<[u8]>,
    pub(crate) encoding: Encoding,
}

/// The span events of a part of a block.
#[derive(Clone, Debug)]
pub(crate) struct PartEvents {
    pub(crate) ring: u32,
    /// The number of the part's first record, and of the record after it.
    pub(crate) records: (u64, u64),
    pub(crate) events: Vec<EventRecord>,
}

impl PartEvents {
    /// A part with this header, so far without events.
    pub(crate) fn new(header: &BlockHeader) -> Self {
        let first = header.first_record;
        let records = (first, first.saturating_add(header.count.into()));
        Self { ring: header.ring, records, events: Vec::new() }
    }
}

/// States contexts.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    tracker: SpanTracker,
    unpacker: Unpacker,
    /// The number of each ring's next record, as far as its events were told.
    next: BTreeMap<u32, u64>,
    /// Whether the spans that begin in a dump without contexts were noted, for the dump that is copied.
    has_looked_ahead: bool,
}

impl Contexts {
    /// Begins with another dump.
    pub(super) fn begin(&mut self) {
        self.has_looked_ahead = false;
    }

    /// Writes the context of a block that has the records of these blocks of a dump, which are parts of one frame.
    pub(super) fn put_of_blocks(&mut self, dump: &Dump, blocks: &[Block], writer: &mut DumpWriter) {
        let is_needed = blocks.iter().any(|block| !dump.is_before_spans(block.offset));
        if !is_needed || !dump.has_spans() {
            return;
        }
        let parts: Vec<_> = blocks.iter().map(|block| self.events_of(dump, block)).collect();
        self.put(dump, &parts, blocks, writer);
    }

    /// Writes the context of a block with these parts, which came from these blocks.
    pub(super) fn put(
        &mut self,
        dump: &Dump,
        parts: &[PartEvents],
        sources: &[Block],
        writer: &mut DumpWriter,
    ) {
        for part in parts {
            self.mend_stack(dump, part, sources);
        }
        let Self { tracker, next, .. } = self;
        tracker.begin_block();
        for part in parts {
            let continues = dump.thread(part.ring).and_then(|thread| thread.continues);
            tracker.begin_part(part.ring, continues);
            for EventRecord { site, values, encoding } in &part.events {
                let Some(site) = dump.site(*site) else { continue };
                if let Some(event) = site.span_event() {
                    // What cannot be read says nothing to readers either.
                    let _ = tracker.note(event, site.call_site(), values, *encoding);
                }
            }
            next.insert(part.ring, part.records.1);
        }
        if self.tracker.is_any_unknown() {
            self.look_around(dump, sources);
        }
        writer.put_context(self.tracker.context());
        self.tracker.commit();
        self.tracker.end_pass();
    }

    /// Takes the stack of a ring from the context of its block, if records before it were not told.
    fn mend_stack(&mut self, dump: &Dump, part: &PartEvents, sources: &[Block]) {
        let (ring, first) = (part.ring, part.records.0);
        if self.next.get(&ring) == Some(&first) {
            return;
        }
        let mut blocks = sources.iter();
        let is_it =
            |block: &&Block| block.header.ring == ring && block.header.first_record == first;
        let Some(block) = blocks.find(is_it) else { return };
        let context = dump.context_of(block.offset).map(SpanContext::decode);
        if let Some(Ok(context)) = context
            && let Some((_, stack)) = context.parts().iter().find(|(of, _)| *of == ring)
        {
            self.tracker.set_stack(ring, stack.clone());
        }
    }

    /// Notes what contexts of the dump define, and what begins later in a dump without contexts.
    fn look_around(&mut self, dump: &Dump, sources: &[Block]) {
        for block in sources {
            let Some(payload) = dump.context_of(block.offset) else { continue };
            if let Ok(context) = SpanContext::decode(payload) {
                context.definitions().for_each(|span| self.tracker.note_defined(&span));
            }
        }
        let is_whole = !dump.is_from_rings() && !dump.is_tail();
        if is_whole || std::mem::replace(&mut self.has_looked_ahead, true) {
            return;
        }
        for block in dump.blocks() {
            for EventRecord { site, values, encoding } in self.events_of(dump, &block).events {
                let Some(site) = dump.site(site) else { continue };
                if let Some(event) = site.span_event().filter(|event| event.begins()) {
                    let _ = self.tracker.note_ahead(event, site.call_site(), &values, encoding);
                }
            }
        }
    }

    /// The span events of a block.
    fn events_of(&mut self, dump: &Dump, block: &Block) -> PartEvents {
        let mut part = PartEvents::new(&block.header);
        let stored = dump.stored_unchecked(block);
        let Ok(body) = self.unpacker.unpack_some(&stored, |tag| event_of(dump, tag).is_some())
        else {
            return part;
        };
        if let Ok(records) = body.records(&block.header) {
            for record in records.map_while(Result::ok) {
                if event_of(dump, record.tag).is_some() {
                    let (site, encoding) = (record.tag, record.encoding);
                    part.events.push(EventRecord { site, values: record.values.into(), encoding });
                }
            }
        }
        self.unpacker.take_back(body);
        part
    }
}

/// What the records of a call site are, if a span has to do with them.
pub(crate) fn event_of(dump: &Dump, site: u32) -> Option<SpanEvent> {
    dump.site(site)?.span_event()
}
