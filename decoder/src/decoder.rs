//! From any number of dumps to one stream of entries.
//!
//! ```text
//!   ring 1  ▭▭▭▭ ▭▭▭▭┐
//!   ring 2     ▭▭▭▭▭▭┼─▶ heap by (time, counter, ring) ─▶ filter ─▶ values ─▶ visitor
//!   ring 3  ▭▭▭      ┘   one entry of each ring           (call site, time: before the heap)
//! ```
//!
//! In memory: one open block for each ring that has one at the moment that is being read, whatever
//! the size of the files. As long as one ring is behind all others, the heap is not touched.

mod context;
mod ring;
mod session;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use stenolog_format::value::{Cursor, Value, ValueError};

pub use context::Order;
pub(crate) use session::time_map;

use crate::damage::{Damage, Tail};
use crate::dump::{Dump, Unpacker};
use crate::entry::{Entry, LossCause, LossEntry, LossKind, Record};
use crate::filter::Filter;
use crate::site::Site;
use context::{Context, Tally};
use ring::{Head, Key, Ring};

/// Reads the records of dumps, merged and filtered.
///
/// Files of one run of a logger, such as a rotated set, are read as one: each record once, even if
/// several files hold it.
#[derive(Debug)]
pub struct Decoder<'d> {
    context: Context<'d>,
    rings: Vec<Ring<'d>>,
    /// The rings that have a next entry, by its key.
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    is_started: bool,
    buffers: Buffers,
}

/// Kept from record to record, so that none allocates.
#[derive(Debug, Default)]
struct Buffers {
    values: Vec<Value<'static>>,
    text: String,
}

/// What a decoder has read so far, and what it could not.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Records that were read, wanted or not. Blocks without wanted records are not read.
    pub records: u64,
    /// Records that the filter let pass.
    pub shown: u64,
    /// Of the records that were read, those that came from the [rings](crate::Recovery) of a writer
    /// that died.
    pub recovered: u64,
    /// Records that the logger says it could not record.
    pub lost: u64,
    /// Records that should be in the files and are not.
    pub missing: u64,
    /// All records that are not there, by cause, those of `lost` and `missing` among them.
    pub by_cause: BTreeMap<LossKind, u64>,
    /// Records that stand in the files more than once.
    pub duplicates: u64,
    /// What is wrong with the files.
    pub damage: Vec<Damage>,
    /// The files that break off, and have no logger any more that could go on.
    pub unfinished: Vec<Arc<Path>>,
}

impl Summary {
    /// Whether all that was logged is there: no damage, no loss, no file that breaks off.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.missing == 0 && self.damage.is_empty() && self.unfinished.is_empty()
    }
}

impl<'d> Decoder<'d> {
    /// A decoder of all records of `dumps`.
    #[must_use]
    pub fn new(dumps: &'d [Dump]) -> Self {
        Self {
            context: Context {
                dumps,
                sessions: session::sessions(dumps),
                filter: Filter::default(),
                order: Order::default(),
                wanted: Vec::new(),
                looks: Vec::new(),
                is_selective: false,
                finder: None,
                tally: Tally::default(),
                unpacker: Unpacker::default(),
            },
            rings: Vec::new(),
            heap: BinaryHeap::new(),
            is_started: false,
            buffers: Buffers::default(),
        }
    }

    /// Only what `filter` wants.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.context.filter = filter;
        self
    }

    /// In this order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.context.order = order;
        self
    }

    /// Calls `visit` with each entry, in order, until there is none or it breaks. A later call goes
    /// on behind the entry at which it broke.
    pub fn for_each(
        &mut self,
        mut visit: impl FnMut(&Entry<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.start();
        let Self { context, rings, heap, buffers, .. } = self;
        while let Some(Reverse((_, index))) = heap.pop() {
            let Some(ring) = rings.get_mut(index) else { continue };
            let next = heap.peek().map(|Reverse(next)| *next);
            loop {
                let flow = deliver(ring, context, buffers, &mut visit);
                let Some(key) = ring.advance(context) else {
                    flow?;
                    break;
                };
                if flow.is_break() || next.is_some_and(|next| next < (key, index)) {
                    heap.push(Reverse((key, index)));
                    flow?;
                    break;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What was read so far. Final when [`for_each`](Self::for_each) has come to the end.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let Tally { records, shown, recovered, lost, missing, by_cause, duplicates, damage } =
            &self.context.tally;
        let dumps = self.context.dumps;
        let of_scan = dumps.iter().flat_map(Dump::damage);
        let breaks_off = |dump: &&Dump| {
            dump.tail() != Tail::Sealed
                && dump.writer_is_alive() != Some(true)
                && !session::is_completed(dump, dumps)
        };
        let counts = |damage: &&Damage| !session::is_replaced(damage, dumps);
        Summary {
            records: *records,
            shown: *shown,
            recovered: *recovered,
            lost: *lost,
            missing: *missing,
            by_cause: by_cause.clone(),
            duplicates: *duplicates,
            damage: of_scan.chain(damage).filter(counts).cloned().collect(),
            unfinished: dumps.iter().filter(breaks_off).map(|dump| dump.file().clone()).collect(),
        }
    }

    fn start(&mut self) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        let context = &mut self.context;
        context.ask_filter();
        self.rings = session::rings(context.dumps, &context.sessions, &context.filter);
        for (index, ring) in self.rings.iter_mut().enumerate() {
            if let Some(key) = ring.advance(context) {
                self.heap.push(Reverse((key, index)));
            }
        }
    }
}

/// Gives the ring's next entry to `visit`, if the filter wants it.
fn deliver(
    ring: &mut Ring<'_>,
    context: &mut Context<'_>,
    buffers: &mut Buffers,
    visit: &mut impl FnMut(&Entry<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let head = match ring.head {
        Head::None | Head::Block { .. } => return ControlFlow::Continue(()),
        Head::Loss { unix_ns, cause } => {
            return visit(&Entry::Loss(LossEntry { origin: ring.origin(), unix_ns, cause }));
        }
        Head::Record(head) => head,
    };
    let cursor = Cursor::new(ring.values(&head), head.encoding);
    let mut values: Vec<Value<'_>> = std::mem::take(&mut buffers.values);
    let read = read_values(cursor, head.site, &mut values);
    let mut flow = ControlFlow::Continue(());
    if read.is_ok() {
        let record = Record {
            site: head.site,
            origin: ring.origin(),
            unix_ns: head.unix_ns,
            number: head.number,
            values: &values,
        };
        if context.filter.wants_values(&record, &mut buffers.text) {
            context.tally.shown += 1;
            flow = visit(&Entry::Record(record));
        }
    }
    buffers.values = recycle(values);
    if let Err(why) = read {
        ring.note_unreadable(why);
        let kind = LossKind::Unreadable;
        context.tally.lose(kind, 1);
        let cause = LossCause::Missing { first: head.number, count: 1, kind };
        flow =
            visit(&Entry::Loss(LossEntry { origin: ring.origin(), unix_ns: head.unix_ns, cause }));
    }
    flow
}

/// Reads the values of all slots.
pub(crate) fn read_values<'a>(
    mut cursor: Cursor<'a>,
    site: &'a Site,
    values: &mut Vec<Value<'a>>,
) -> Result<(), ValueError> {
    for slot in &site.call_site().slots {
        values.push(Value::read(&mut cursor, &slot.ty)?);
    }
    // Behind the last value there may be the padding of later versions, but nothing is now.
    if cursor.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
}

/// The same memory for values of another lifetime: `collect` keeps the allocation of a vector that
/// it takes apart.
pub(crate) fn recycle<'a>(mut values: Vec<Value<'_>>) -> Vec<Value<'a>> {
    values.clear();
    values.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests;
