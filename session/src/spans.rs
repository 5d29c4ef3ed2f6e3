//! `SpanTracker`: what the next block needs to know of spans.
//!
//! ```text
//!   begin_block ─▶ begin_part, note each event of the part ─▶ … ─▶ context ─▶ the block
//!                  └ the stack of the ring                          └ spans that the block needs, ancestors first
//! ```
//!
//! The tracker is told each event of each ring in the order of the ring, block by block. It keeps the stack of each ring
//! and the spans that are open, so its memory is that of open spans, whatever the number of spans.
//!
//! - **P1 (before).** A context states what was so before the first record of its block: by the order in which events are
//!   told and, as far as [times](SpanTracker::set_time) are told, by time. Records of other rings that were told before may be
//!   later ones.
//! - **P2 (taken back).** What a file did not get is told again: [`rewind`](SpanTracker::rewind) goes back to the last
//!   [`commit`](SpanTracker::commit).
//! - **P3 (late).** Records of other rings that were logged before the end of a span may be told after it, in the next
//!   pass over the rings at the latest. A span is forgotten after [that](SpanTracker::end_pass), if it has no open
//!   children.
//! - **P4 (bounded).** It keeps [`MAX_OPEN`] spans in [`MAX_BYTES`], and forgets first those that have ended, then the
//!   oldest ones.

mod open;

use std::collections::{HashMap, VecDeque};

use stenolog_format::dictionary::CallSite;
use stenolog_format::span::{
    ContextBuilder, NO_SPAN, SpanDefinition, SpanEvent, SpanRecord, SpanRecords, SpanStack,
    SpanWords,
};
use stenolog_format::value::{Cursor, Encoding, ValueError};

use self::open::{Given, OpenSpans, packed};

/// The most open spans that are kept.
pub const MAX_OPEN: usize = 1 << 20;

/// The most bytes that open spans take.
pub const MAX_BYTES: usize = 1 << 27;

/// The most rings whose thread has ended, or taken another ring, within a span.
const MAX_LEFT: usize = 1 << 10;

/// Follows the spans of a session from block to block.
///
/// # Examples
/// ```
/// use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
/// use stenolog_format::span::{ContextBuilder, SpanContext, SpanEvent};
/// use stenolog_format::types::Type;
/// use stenolog_format::value::Encoding;
/// use stenolog_session::spans::SpanTracker;
///
/// # let slot = Slot { name: String::new(), role: Role::Count, ty: Type::U64 };
/// let request = CallSite {
///     # level: Level::Info, time: TimeSource::Counter, target: "t".into(), module: "m".into(),
///     # file: "f".into(), line: 1, column: 1, template: Some("request".into()),
///     id: 20,
///     slots: vec![slot.clone(), slot.clone(), slot], // id, parent, depth
/// };
/// let mut tracker = SpanTracker::default();
/// tracker.begin_block();
/// tracker.begin_part(1, None);
/// tracker.note(SpanEvent::NewEntered, &request, &[7, 0, 1], Encoding::Packed)?;
/// tracker.context(); // of a block that needs nothing
///
/// // The next block of the ring begins within the span.
/// tracker.begin_block();
/// tracker.begin_part(1, None);
/// let mut payload = Vec::new();
/// tracker.context().finish(&mut payload);
/// let context = SpanContext::decode(&payload).unwrap();
/// assert_eq!(context.parts()[0].1.innermost(), Some(7));
/// assert_eq!(context.definitions().next().unwrap().site, 20);
/// # Ok::<(), stenolog_format::value::ValueError>(())
/// ```
#[derive(Debug, Default)]
pub struct SpanTracker {
    rings: HashMap<u32, RingStack>,
    /// Rings that get no more records, with spans on their stack.
    left: VecDeque<u32>,
    open: OpenSpans,
    /// Those that have ended since the last commit.
    closing: Vec<u64>,
    /// Those that ended before it, in this pass and in the one before.
    ended: Vec<u64>,
    ended_before: Vec<u64>,
    /// Rings whose stack has changed since the last commit.
    changed: Vec<u32>,
    block: BlockSpans,
    builder: ContextBuilder,
}

#[derive(Debug, Default)]
struct RingStack {
    stack: SpanStack,
    /// The stack as of the last commit, if it has changed since.
    committed: Option<SpanStack>,
}

/// The block that is being told.
#[derive(Debug, Default)]
struct BlockSpans {
    /// From 1.
    number: u64,
    /// The ring of the part, if one has begun, and its stack.
    part: Option<(u32, SpanStack)>,
    /// The ring of the block if it has one part: what that ring gave before comes before it, whatever the times are.
    only_ring: Option<u32>,
    parts: usize,
    has_changed: bool,
    /// The time of its first record; `None` if it is not told.
    begins_at: Option<u64>,
    /// The time of the events that follow.
    time: u64,
    /// Spans that are needed and begin elsewhere.
    needed: Vec<u64>,
    /// Ids that are needed and not known.
    unknown: Vec<u64>,
    /// Values that the block gives, by span and call site.
    records: Vec<(u64, Given)>,
    closed: Vec<u64>,
    /// The call sites that the context names.
    sites: Vec<u32>,
}

impl SpanTracker {
    /// Begins a block.
    pub fn begin_block(&mut self) {
        self.block.number += 1;
        (self.block.begins_at, self.block.time, self.block.parts) = (None, 0, 0);
        self.block.needed.clear();
        self.block.unknown.clear();
        self.block.sites.clear();
        self.builder.clear();
    }

    /// Tells the time of a part's first record, in ticks of the raw counter.
    pub fn note_first_time(&mut self, time: u64) {
        self.block.begins_at = Some(self.block.begins_at.map_or(time, |first| first.min(time)));
    }

    /// Tells the time of the events that follow.
    pub const fn set_time(&mut self, time: u64) {
        self.block.time = time;
    }

    /// Begins a part of the block: the records of a ring, which may continue another one.
    pub fn begin_part(&mut self, ring: u32, continues: Option<u32>) {
        self.end_part();
        let before = continues.filter(|_| !self.rings.contains_key(&ring));
        if let Some(before) = before.and_then(|before| self.rings.get(&before)) {
            let stack = before.stack.clone();
            self.rings.insert(ring, RingStack { stack, committed: None });
        }
        let stack = std::mem::take(&mut self.rings.entry(ring).or_default().stack);
        self.builder.put_part(ring, &stack);
        stack.iter().for_each(|id| self.need(id));
        self.block.part = Some((ring, stack));
        self.block.parts += 1;
        self.block.only_ring = (self.block.parts == 1).then_some(ring);
        self.block.has_changed = false;
    }

    /// Puts the stack of the part back.
    fn end_part(&mut self) {
        let Some((ring, stack)) = self.block.part.take() else { return };
        self.rings.entry(ring).or_default().stack = stack;
    }

    /// Takes the next event of the part: the values of a record of `site`.
    ///
    /// # Errors
    /// If they do not fit the call site. The event is then ignored.
    pub fn note(
        &mut self,
        event: SpanEvent,
        site: &CallSite,
        values: &[u8],
        encoding: Encoding,
    ) -> Result<(), ValueError> {
        let mut values = Cursor::new(values, encoding);
        let words = event.read(&mut values)?;
        let SpanWords { id, other, depth } = words;
        if event.begins() {
            let values = packed(event, site, &mut values, encoding)?;
            self.open.begin(words, site.id, values, self.block.number);
            self.need(other);
        } else {
            self.need(id);
        }
        match event {
            SpanEvent::Follows => self.need(other),
            SpanEvent::Record => {
                let values = packed(event, site, &mut values, encoding)?;
                let ring = self.block.part.as_ref().map(|(ring, _)| *ring);
                let given = Given { site: site.id, time: self.block.time, ring, values };
                self.block.records.push((id, given));
            }
            _ => {}
        }
        if event.enters() || event.exits() {
            self.keep_committed();
        }
        if let Some((_, stack)) = &mut self.block.part {
            if event.enters() {
                stack.enter(id, depth);
            } else if event.exits() {
                stack.exit(id, depth);
            }
        }
        if event.ends() {
            self.block.closed.push(id);
        }
        Ok(())
    }

    /// Notes a span that begins in a record which comes after the block, in another ring, if `event` is that.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub fn note_ahead(
        &mut self,
        event: SpanEvent,
        site: &CallSite,
        values: &[u8],
        encoding: Encoding,
    ) -> Result<(), ValueError> {
        if event.begins() {
            let mut values = Cursor::new(values, encoding);
            let words = event.read(&mut values)?;
            if !self.open.contains(words.id) {
                let values = packed(event, site, &mut values, encoding)?;
                self.open.begin(words, site.id, values, 0);
            }
        }
        Ok(())
    }

    /// Notes a span that a context of another file, or of another block, defines, unless it is known.
    pub fn note_defined(&mut self, span: &SpanDefinition<'_>) {
        if self.open.contains(span.id) {
            return;
        }
        let words = SpanWords { id: span.id, other: span.parent, depth: 0 };
        self.open.begin(words, span.site, span.values.into(), 0);
        for SpanRecord { site, values } in span.records {
            self.open.give(span.id, Given { site, time: 0, ring: None, values: values.into() });
        }
    }

    /// Whether the stack of a ring is known.
    #[must_use]
    pub fn has_ring(&self, ring: u32) -> bool {
        self.rings.contains_key(&ring)
    }

    /// Sets the stack of a ring whose next records do not follow those that were told.
    pub fn set_stack(&mut self, ring: u32, stack: SpanStack) {
        self.rings.entry(ring).or_default().stack = stack;
    }

    /// Notes that the block needs a span.
    fn need(&mut self, id: u64) {
        if id == NO_SPAN {
            return;
        }
        let block = &mut self.block;
        match self.open.get_mut(id) {
            Some(span) if span.begins_in == block.number || span.needed_by == block.number => {}
            Some(span) => {
                span.needed_by = block.number;
                block.needed.push(id);
            }
            None if block.unknown.last() == Some(&id) => {}
            None => block.unknown.push(id),
        }
    }

    /// Keeps the stack of the part as it was, for a rewind.
    fn keep_committed(&mut self) {
        let Some((ring, stack)) = &self.block.part else { return };
        if !std::mem::replace(&mut self.block.has_changed, true) {
            let of_ring = self.rings.entry(*ring).or_default();
            if of_ring.committed.is_none() {
                of_ring.committed = Some(stack.clone());
                self.changed.push(*ring);
            }
        }
    }

    /// Whether the block needs spans, or their ancestors, that are not known: they may begin in records that come after
    /// it in other rings. Call it when all events of the block are told, and
    /// [`note_ahead`](Self::note_ahead) what is found.
    pub fn is_any_unknown(&mut self) -> bool {
        let mut at = 0;
        while let Some(&id) = self.block.needed.get(at) {
            at += 1;
            if let Some(parent) = self.open.get(id).map(|span| span.parent) {
                self.need(parent);
            }
        }
        !self.block.unknown.is_empty()
    }

    /// Ends the block, and returns its context.
    pub fn context(&mut self) -> &ContextBuilder {
        self.end_part();
        for id in std::mem::take(&mut self.block.unknown) {
            self.need(id);
        }
        let mut chain = Vec::new();
        for id in std::mem::take(&mut self.block.needed) {
            self.state(id, &mut chain);
        }
        self.block.sites.sort_unstable();
        self.block.sites.dedup();
        self.apply();
        &self.builder
    }

    /// The context of the last block.
    #[must_use]
    pub const fn stated(&self) -> &ContextBuilder {
        &self.builder
    }

    /// The call sites that the context of the last block names, which its file must have.
    #[must_use]
    pub fn sites(&self) -> &[u32] {
        &self.block.sites
    }

    /// Defines a span and its ancestors, those first.
    fn state(&mut self, id: u64, chain: &mut Vec<u64>) {
        let number = self.block.number;
        let mut next = id;
        while let Some(span) = self.open.get_mut(next) {
            // Its beginning, or an earlier one of the needed spans, has seen to the ancestors. A circle ends, too.
            if span.begins_in == number || span.stated_by == number {
                break;
            }
            span.stated_by = number;
            chain.push(next);
            next = span.parent;
        }
        let mut records = Vec::new();
        for id in chain.drain(..).rev() {
            let Some(span) = self.open.get(id) else { continue };
            records.clear();
            let mut count = 0;
            let begins_at = self.block.begins_at.unwrap_or(u64::MAX);
            for Given { site, values, .. } in span.given_before(begins_at, self.block.only_ring) {
                SpanRecord { site: *site, values }.encode(&mut records);
                self.block.sites.push(*site);
                count += 1;
            }
            self.block.sites.push(span.site);
            let definition = SpanDefinition {
                id,
                parent: span.parent,
                site: span.site,
                values: &span.values,
                records: SpanRecords::of(count, &records),
            };
            self.builder.define(&definition);
        }
    }

    /// Applies what the block does to open spans.
    fn apply(&mut self) {
        for (id, given) in self.block.records.drain(..) {
            self.open.give(id, given);
        }
        for id in self.block.closed.drain(..) {
            if let Some(span) = self.open.get_mut(id)
                && !std::mem::replace(&mut span.is_closing, true)
            {
                self.closing.push(id);
            }
        }
        let ended = self.closing.len() + self.ended.len() + self.ended_before.len();
        if self.open.len().saturating_sub(ended) > MAX_OPEN || self.open.bytes() > MAX_BYTES {
            self.forget_oldest();
        }
    }

    #[cold]
    fn forget_oldest(&mut self) {
        self.open.forget_oldest();
        for ended in [&mut self.closing, &mut self.ended, &mut self.ended_before] {
            ended.retain(|id| self.open.contains(*id));
        }
    }

    /// Forgets a ring that gets no more records, unless its thread was in a span: another ring may continue it.
    pub fn end_ring(&mut self, ring: u32) {
        let Some(of_ring) = self.rings.get(&ring) else { return };
        if of_ring.stack.depth() == 0 {
            self.rings.remove(&ring);
            return;
        }
        self.left.push_back(ring);
        if self.left.len() > MAX_LEFT
            && let Some(oldest) = self.left.pop_front()
        {
            self.rings.remove(&oldest);
        }
    }

    /// Notes that the file has all blocks up to here.
    pub fn commit(&mut self) {
        self.ended.append(&mut self.closing);
        for ring in self.changed.drain(..) {
            if let Some(of_ring) = self.rings.get_mut(&ring) {
                of_ring.committed = None;
            }
        }
    }

    /// Notes that all rings were visited, and forgets spans that ended before the pass and have no open
    /// children.
    pub fn end_pass(&mut self) {
        for id in self.ended_before.drain(..) {
            self.open.end(id);
        }
        std::mem::swap(&mut self.ended, &mut self.ended_before);
    }

    /// Takes back all blocks since the last commit: their events will be told again.
    pub fn rewind(&mut self) {
        self.end_part();
        for id in self.closing.drain(..) {
            if let Some(span) = self.open.get_mut(id) {
                span.is_closing = false;
            }
        }
        for ring in self.changed.drain(..) {
            if let Some(of_ring) = self.rings.get_mut(&ring)
                && let Some(stack) = of_ring.committed.take()
            {
                of_ring.stack = stack;
            }
        }
    }

    /// How many spans are kept: open ones, and those that ended a moment ago or before their children.
    #[must_use]
    pub fn open_spans(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests;
