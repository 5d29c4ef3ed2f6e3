//! Open spans, with the values that they have been given.
//!
//! A span that has ended is kept while it has open children, as records in them show its fields. Of a chain in which each
//! span ended before its child, [`MAX_ENDED`] are kept.

use std::collections::HashMap;

use stenolog_format::dictionary::CallSite;
use stenolog_format::span::{NO_SPAN, SpanEvent, SpanWords};
use stenolog_format::value::{Cursor, Encoding, ValueError, pack};

/// A span that has begun.
#[derive(Debug)]
pub(super) struct OpenSpan {
    pub(super) parent: u64,
    pub(super) site: u32,
    pub(super) values: Box<[u8]>,
    /// What it was given later, by time: the last values of each call site.
    pub(super) records: Vec<Given>,
    /// How many spans had begun before.
    pub(super) age: u64,
    /// The blocks in which it begins, and which needed it last.
    pub(super) begins_in: u64,
    pub(super) needed_by: u64,
    pub(super) stated_by: u64,
    pub(super) is_closing: bool,
    /// It is kept only for its children.
    has_ended: bool,
    /// How many spans that are kept have it as their parent.
    children: u32,
}

/// Values that a span is given after its beginning.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) site: u32,
    pub(super) time: u64,
    /// The ring with the record, if that is known.
    pub(super) ring: Option<u32>,
    pub(super) values: Box<[u8]>,
}

/// The most ancestors in a row that are kept although they have ended.
const MAX_ENDED: usize = 64;

/// How many values of a call site are kept for a span: the last ones may be later than a block.
const KEPT_VALUES: usize = 64;

impl OpenSpan {
    /// The bytes that it takes.
    fn bytes(&self) -> usize {
        let given: usize = self.records.iter().map(Given::bytes).sum();
        size_of::<(u64, Self)>() + self.values.len() + given
    }

    /// Gives it values, and returns how many bytes of earlier ones are forgotten.
    fn give(&mut self, given: Given) -> usize {
        // A later record of a call site gives the same fields.
        let of_site = |it: &Given| it.site == given.site;
        let mut forgotten = 0;
        if self.records.iter().filter(|it| of_site(it)).count() >= KEPT_VALUES
            && let Some(at) = self.records.iter().position(of_site)
        {
            forgotten = self.records.remove(at).bytes();
        }
        // Rings are told one after the other.
        let at = self.records.partition_point(|it| it.time <= given.time);
        self.records.insert(at, given);
        forgotten
    }

    /// The last values of each call site that it was given before a time, or by records of a ring, oldest first.
    pub(super) fn given_before(
        &self,
        time: u64,
        ring: Option<u32>,
    ) -> impl Iterator<Item = &Given> {
        let is_before = move |it: &Given| it.time < time || ring.is_some() && it.ring == ring;
        let given = self.records.iter().enumerate().filter(move |(_, it)| is_before(it));
        given.filter_map(move |(at, it)| {
            let mut later = self.records[at + 1..].iter();
            later.all(|later| later.site != it.site || !is_before(later)).then_some(it)
        })
    }
}

impl Given {
    /// The bytes that it takes.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.values.len()
    }
}

/// All open spans, by id.
#[derive(Debug, Default)]
pub(super) struct OpenSpans {
    by_id: HashMap<u64, OpenSpan>,
    /// How many children those have that are not known, or not yet.
    orphans: HashMap<u64, u32>,
    /// The bytes that they take.
    bytes: usize,
    /// How many spans began.
    begun: u64,
}

impl OpenSpans {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, id: u64) -> Option<&OpenSpan> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut OpenSpan> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// A span begins, or is told again.
    pub(super) fn begin(&mut self, words: SpanWords, site: u32, values: Box<[u8]>, begins_in: u64) {
        let SpanWords { id, other: parent, .. } = words;
        self.begun += 1;
        if let Some(before) = self.by_id.get(&id).map(|before| before.parent) {
            self.change_children(before, id, -1);
        }
        self.change_children(parent, id, 1);
        let waiting = if self.orphans.is_empty() { None } else { self.orphans.remove(&id) };
        let span = OpenSpan {
            parent,
            site,
            values,
            records: Vec::new(),
            age: self.begun,
            begins_in,
            needed_by: 0,
            stated_by: 0,
            is_closing: false,
            has_ended: false,
            children: waiting.unwrap_or(0),
        };
        self.bytes += span.bytes();
        let children = match self.by_id.insert(id, span) {
            Some(before) => {
                self.bytes -= before.bytes();
                before.children
            }
            None => return,
        };
        if let Some(span) = self.by_id.get_mut(&id) {
            span.children += children;
        }
    }

    /// Counts a child of `parent`, or no longer. Returns whether the parent, which has ended, has none left.
    fn change_children(&mut self, parent: u64, child: u64, by: i32) -> bool {
        if parent == NO_SPAN || parent == child {
            return false;
        }
        if let Some(span) = self.by_id.get_mut(&parent) {
            span.children = span.children.saturating_add_signed(by);
            return span.has_ended && span.children == 0;
        }
        let count = self.orphans.entry(parent).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.orphans.remove(&parent);
        }
        false
    }

    /// Gives a span values, if it is known.
    pub(super) fn give(&mut self, id: u64, given: Given) {
        let Some(span) = self.by_id.get_mut(&id) else { return };
        self.bytes += given.bytes();
        self.bytes -= span.give(given);
    }

    /// Forgets a span that has ended, or keeps it for its children.
    pub(super) fn end(&mut self, id: u64) {
        let Some(span) = self.by_id.get_mut(&id) else { return };
        if span.children == 0 {
            return self.forget(id);
        }
        span.has_ended = true;
        // Each may have ended before its child for ever.
        let mut next = id;
        for _ in 0..MAX_ENDED {
            match self.by_id.get(&next).filter(|span| span.has_ended) {
                Some(span) => next = span.parent,
                None => return,
            }
        }
        if self.by_id.get(&next).is_some_and(|span| span.has_ended) {
            self.forget(next);
        }
    }

    /// Forgets a span, and ancestors that were kept for it.
    fn forget(&mut self, id: u64) {
        let mut next = id;
        while let Some(span) = self.by_id.remove(&next) {
            self.bytes -= span.bytes();
            if span.children > 0 {
                self.orphans.insert(next, span.children);
            }
            if !self.change_children(span.parent, next, -1) {
                break;
            }
            next = span.parent;
        }
    }

    /// Forgets those that are kept for their children, and then the oldest eighth if they were few.
    #[cold]
    pub(super) fn forget_oldest(&mut self) {
        let eighth = self.by_id.len() / 8;
        let before = self.by_id.len();
        self.by_id.retain(|_, span| !span.has_ended);
        if before - self.by_id.len() < eighth {
            let mut ages: Vec<u64> = self.by_id.values().map(|span| span.age).collect();
            let (_, &mut youngest, _) = ages.select_nth_unstable(eighth);
            self.by_id.retain(|_, span| span.age > youngest);
        }
        self.bytes = self.by_id.values().map(OpenSpan::bytes).sum();
        self.orphans.clear();
        let families: Vec<_> = self.by_id.iter().map(|(&id, span)| (id, span.parent)).collect();
        self.by_id.values_mut().for_each(|span| span.children = 0);
        for (id, parent) in families {
            self.change_children(parent, id, 1);
        }
    }
}

/// The values after the hidden ones, packed.
pub(super) fn packed(
    event: SpanEvent,
    site: &CallSite,
    values: &mut Cursor<'_>,
    encoding: Encoding,
) -> Result<Box<[u8]>, ValueError> {
    if encoding == Encoding::Packed {
        return Ok(values.rest().into());
    }
    let mut out = Vec::new();
    for slot in site.slots.iter().skip(event.hidden().len()) {
        pack(values, &slot.ty, &mut out)?;
    }
    Ok(out.into())
}
