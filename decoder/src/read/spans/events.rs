//! Span events of a frame: read from its rows, without the values of other records.

use stenolog_format::span::{SpanEvent, SpanWords};
use stenolog_format::value::Cursor;

use super::SpanReader;
use crate::dump::{Block, Body, Dump};
use crate::model::span::{SpanValues, counter};
use crate::read::tally::BlockPlace;

/// A span event of a part of a frame.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) part: u32,
    /// The index of its record in the part.
    pub(super) index: u32,
    /// Its time, which does not fall within a part.
    pub(super) time: u64,
    pub(super) what: SpanEvent,
    pub(super) words: SpanWords,
    /// The values that it gives a span.
    pub(super) values: Option<SpanValues>,
}

/// The span events of a frame.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// By time.
    pub(super) all: Vec<Event>,
    /// The times of all records, of each part, if there are several and one changes a span.
    pub(super) times: Vec<Vec<u64>>,
}

/// The parts of the frame of a block, which is its first part.
pub(super) fn parts(dump: &Dump, first: u32) -> Vec<Block> {
    let blocks = dump.blocks();
    let offset = blocks.offset(first as usize);
    let of_frame =
        (first as usize..).take_while(|&at| offset.is_some() && blocks.offset(at) == offset);
    of_frame.filter_map(|at| blocks.get(at)).collect()
}

/// Reads the events of a frame, and the times of all records if values can come from outside of their part. What cannot
/// be read has none: those who read the records report it.
pub(super) fn read(
    reader: &SpanReader,
    (of, first): BlockPlace,
    parts: &[Block],
    is_alone: bool,
) -> Events {
    let mut events = Events::default();
    let Some((dump, block)) = reader.dumps.get(of as usize).zip(parts.first()) else {
        return events;
    };
    if !may_have_events(dump, first as usize) || dump.stored_body(block).is_err() {
        return events;
    }
    let keeps_times =
        (parts.len() > 1 || !is_alone) && dump.tables().sites.have_mark(SpanEvent::Record);
    reader.with_unpacker(|unpacker| {
        for (part, block) in parts.iter().enumerate() {
            let is_marked = |tag| dump.site(tag).is_some_and(|site| site.span_event().is_some());
            let mut times = Vec::new();
            if let Ok(body) = unpacker.unpack_some(&dump.stored_unchecked(block), is_marked) {
                let keep = keeps_times.then_some(&mut times);
                read_part(reader, of, (part as u32, block), &body, keep, &mut events.all);
                unpacker.take_back(body);
            }
            if keeps_times {
                events.times.push(times);
            }
        }
    });
    if parts.len() > 1 {
        events.all.sort_by_key(|event| (event.time, event.part, event.index));
    }
    events
}

/// Whether a block may have span events, by its summary.
fn may_have_events(dump: &Dump, block: usize) -> bool {
    let Some(summary) = dump.summary(block) else { return true };
    let mut sites = summary.sites();
    sites.any(|id| {
        let site = id.and_then(|id| dump.site(id));
        site.is_none_or(|site| site.span_event().is_some())
    })
}

fn read_part(
    reader: &SpanReader,
    dump: u32,
    (part, block): (u32, &Block),
    body: &Body<'_>,
    mut times: Option<&mut Vec<u64>>,
    events: &mut Vec<Event>,
) {
    let Ok(records) = body.records(&block.header) else { return };
    let mut time = 0;
    for (index, record) in (0..).zip(records) {
        let Ok(record) = record else { break };
        let site = reader.site(dump, record.tag);
        if let Some(counter) = counter(&record, site.map(|site| &**site)) {
            time = counter.max(time);
        }
        if let Some(times) = &mut times {
            times.push(time);
        }
        let Some(site) = site else { continue };
        let Some(what) = site.span_event() else { continue };
        let mut cursor = Cursor::new(record.values, record.encoding);
        let Ok(words) = what.read(&mut cursor) else { continue };
        let has_values = what.begins() || what == SpanEvent::Record;
        let values = has_values.then(|| SpanValues::new(site, cursor.rest(), record.encoding));
        events.push(Event { part, index, time, what, words, values });
    }
}
