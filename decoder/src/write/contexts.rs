//! Contexts of rewritten blocks. A block that is merged or moved needs another context: it states which spans the
//! records need where they are now.

use std::collections::BTreeMap;

use stenolog_format::block::{BlockHeader, RawRecord};
use stenolog_format::span::{SpanContext, SpanEvent};
use stenolog_format::value::Encoding;
use stenolog_session::spans::SpanTracker;
use stenolog_session::writer::DumpWriter;

use crate::dump::{Block, Dump, Unpacker};
use crate::model::span::counter;

/// A span event in a block that is written.
#[derive(Clone, Debug)]
struct EventRecord {
    site: u32,
    time: u64,
    values: Box<[u8]>,
    encoding: Encoding,
}

/// The span events of a part of a block.
#[derive(Clone, Debug)]
pub(crate) struct PartEvents {
    ring: u32,
    /// The number of the part's first record, and of the record after it.
    records: (u64, u64),
    /// The smallest raw counter of its records, if they have one.
    begins_at: Option<u64>,
    events: Vec<EventRecord>,
    /// The largest raw counter up to here.
    time: u64,
}

impl PartEvents {
    /// A part with this header, so far without events.
    pub(crate) fn new(header: &BlockHeader) -> Self {
        let first = header.first_record;
        let records = (first, first.saturating_add(header.count.into()));
        let has_counter = header.flags & BlockHeader::HAS_COUNTER != 0;
        let begins_at = has_counter.then_some(header.counter_first);
        Self { ring: header.ring, records, begins_at, events: Vec::new(), time: 0 }
    }

    /// Goes on with the records of another block, which follow.
    pub(crate) fn extend_to(&mut self, next: &Self) {
        self.records.1 = next.records.1;
        self.begins_at = self.begins_at.into_iter().chain(next.begins_at).min();
    }

    /// Whether it has no records.
    pub(crate) const fn is_empty(&self) -> bool {
        self.records.0 >= self.records.1
    }

    /// Takes the next record.
    pub(crate) fn take(&mut self, dump: &Dump, record: &RawRecord<'_>) {
        let site = dump.site(record.tag);
        if let Some(counter) = counter(record, site) {
            self.time = self.time.max(counter);
        }
        if site.is_some_and(|site| site.span_event().is_some()) {
            let (site, encoding, time) = (record.tag, record.encoding, self.time);
            self.events.push(EventRecord { site, time, values: record.values.into(), encoding });
        }
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
            if let Some(begins_at) = part.begins_at {
                tracker.note_first_time(begins_at);
            }
            for EventRecord { site, time, values, encoding } in &part.events {
                let Some(site) = dump.site(*site) else { continue };
                if let Some(event) = site.span_event() {
                    tracker.set_time(*time);
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
            for EventRecord { site, values, encoding, .. } in self.events_of(dump, &block).events {
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
                part.take(dump, &record);
            }
        }
        self.unpacker.take_back(body);
        part
    }
}

/// What the records of a call site are, if a span has to do with them.
fn event_of(dump: &Dump, site: u32) -> Option<SpanEvent> {
    dump.site(site)?.span_event()
}
