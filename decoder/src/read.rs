//! From any number of dumps to one stream of entries.
//!
//! ```text
//!   ring 1  ▭▭▭▭ ▭▭▭▭┐
//!   ring 2     ▭▭▭▭▭▭┼─▶ heap by (time, counter, ring) ─▶ filter ─▶ values ─▶ visitor
//!   ring 3  ▭▭▭      ┘   one entry of each ring,          (call site, time: before the heap)
//!                        and all that come before the next ring's
//! ```
//!
//! [`Decoder::render`] makes text without that; where there is nothing to filter by values, without
//! a tree of values too, and in several threads if asked to: see `parallel`.
//!
//! A ring that continues another one joins the heap when that one has ended, so that a thread's records
//! keep their order whatever their times are.
//!
//! In memory: one open block for each ring that has one at the moment that is being read, whatever
//! the size of the files. As long as one ring is behind all others, the heap is not touched.

mod context;
mod last;
mod open;
mod paint;
mod parallel;
mod ring;
mod session;
mod statements;
mod stretch;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use stenolog_format::value::{Cursor, Value, ValueError};

pub use context::Order;
pub(crate) use session::time_map;
pub use statements::Losses;

use crate::dump::Dump;
use crate::filter::Filter;
use crate::model::damage::Damage;
use crate::model::entry::{Entry, LossEntry, LossKind};
use crate::model::site::Site;
use crate::model::state::DumpState;
use crate::render::{Format, Page, RenderOptions};
use context::{Context, Tally};
use paint::{Buffers, Painted, Painter};
use parallel::RingName;
use ring::{Key, Ring, Turn};
use statements::{Marked, Pending, Statement, Stitcher};

/// How much text is gathered before it is handed on.
const PIECE_BYTES: usize = 64 << 10;

/// After this many entries, wanted or not, the text is handed on however little it is: a user who
/// watches wants to see a rare match when it is found.
const MAX_CALLS: usize = 16 << 10;

/// Reads the records of dumps, merged and filtered.
///
/// Files of one run of a logger, such as a rotated set, are read as one: each record once, even if
/// several files hold it.
#[derive(Debug)]
pub struct Decoder<'d> {
    context: Context<'d>,
    rings: Vec<Ring<'d>>,
    /// Rings that continue another one that has not ended yet, by the place of that one.
    waiting: BTreeMap<usize, Vec<usize>>,
    /// The rings that have a next entry, by its key.
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    is_started: bool,
    losses: Losses,
    /// Losses that may go on.
    pending: Pending,
    buffers: Buffers,
}

/// What a decoder has read so far, and what it could not.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Records that were read, wanted or not, without unreadable ones and without those in blocks that
    /// were skipped because they have no wanted records.
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
            context: Context::new(dumps, session::sessions(dumps)),
            rings: Vec::new(),
            waiting: BTreeMap::new(),
            heap: BinaryHeap::new(),
            is_started: false,
            losses: Losses::default(),
            pending: Pending::default(),
            buffers: Buffers::default(),
        }
    }

    /// Only what `filter` wants.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.context.wants.filter = Arc::new(filter);
        self
    }

    /// In this order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.context.wants.order = order;
        self
    }

    /// Sets how losses are shown: by default, each by itself.
    #[must_use]
    pub fn with_losses(mut self, losses: Losses) -> Self {
        self.losses = losses;
        self
    }

    /// Calls `visit` with each entry, in order, until there is none or it breaks. A later call goes
    /// on behind the entry at which it broke.
    pub fn for_each(
        &mut self,
        mut visit: impl FnMut(&Entry<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let filter = Arc::clone(&self.context.wants.filter);
        let mut buffers = std::mem::take(&mut self.buffers);
        let (names, losses) = (self.names(), self.losses);
        let mut pending = std::mem::take(&mut self.pending);
        let lose = |loss: &LossEntry<'_>, ring, pending: &mut Pending, visit: &mut Visitor<'_>| {
            match losses {
                Losses::Inline => return visit(&Entry::Loss(loss.clone())),
                Losses::Merged => pending.push(&Statement::new(loss, ring)),
                Losses::None => {}
            }
            ControlFlow::Continue(())
        };
        let flow = self.merge(|turn, index, context| match turn {
            Turn::Nothing | Turn::Pause => (1, ControlFlow::Continue(())),
            Turn::Loss(loss) => (1, lose(&loss, index, &mut pending, &mut visit)),
            Turn::Records(run) => {
                let mut count = 0;
                for raw in run.entries() {
                    let mut has_come = true;
                    let visited = buffers.visit(&raw, &filter, |entry| {
                        has_come = false;
                        visit_pending(&mut pending, &names, &mut visit)?;
                        has_come = true;
                        visit(entry)
                    });
                    // A break before its turn: it comes again.
                    count += usize::from(has_come);
                    let flow = match visited {
                        Ok((is_wanted, flow)) => {
                            context.tally.shown += u64::from(is_wanted && has_come);
                            flow
                        }
                        Err(why) => {
                            context.tally.lose_values(run.place(), 1, why);
                            lose(&raw.loss(), index, &mut pending, &mut visit)
                        }
                    };
                    if flow.is_break() {
                        return (count, flow);
                    }
                }
                (count, ControlFlow::Continue(()))
            }
        });
        let flow = match flow {
            ControlFlow::Continue(()) => visit_pending(&mut pending, &names, &mut visit),
            ControlFlow::Break(()) => flow,
        };
        (self.buffers, self.pending) = (buffers, pending);
        flow
    }

    /// How the rings are called. The rings are there then.
    fn names(&mut self) -> Vec<RingName<'d>> {
        self.start();
        self.rings.iter().map(Ring::name).collect()
    }

    /// Writes all entries in order, as a [`Renderer`](crate::Renderer) does, and hands the text, which
    /// is UTF-8, to `sink` in pieces of whole entries, until there is none or it breaks.
    ///
    /// The text is the same for any number of threads. This thread merges the rings, calls `sink`,
    /// and renders whenever the others have enough to do; they are started when there is more than
    /// a little, and end with the call. A piece is a few hundred kilobytes at most, but for an entry
    /// that is longer itself; each thread has a few of them in hand, whatever the size of the files.
    /// An entry is handed on before much more than a hundred blocks have been looked at for another.
    ///
    /// After a break, what was not handed on is lost.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::io::Write as _;
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};
    ///
    /// let dumps = [Dump::open("app.steno")?];
    /// let threads = std::thread::available_parallelism()?;
    /// let mut stdout = std::io::stdout().lock();
    /// let mut result = Ok(());
    /// let _ = Decoder::new(&dumps).render(Format::Json, &RenderOptions::default(), threads, |text| {
    ///     result = stdout.write_all(text);
    ///     if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// });
    /// result?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn render(
        &mut self,
        format: Format,
        options: &RenderOptions,
        threads: NonZero<usize>,
        mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let filter = Arc::clone(&self.context.wants.filter);
        let mut painter = Painter::new(&filter, format, options, self.losses);
        if threads.get() > 1 {
            return self.render_in_parallel(painter, format, options, threads, sink);
        }
        let names = self.names();
        let (mut marked, mut stitcher) = (Marked::default(), Stitcher::default());
        let mut calls = 0;
        let flow = self.merge(|turn, index, context| {
            let mut count = 1;
            match turn {
                Turn::Nothing => {}
                Turn::Pause => calls = MAX_CALLS,
                Turn::Loss(loss) => marked.push(&loss, index, &mut painter),
                Turn::Records(run) => {
                    count = 0;
                    for raw in run.entries() {
                        count += 1;
                        match painter.record(&raw, true, &mut marked.text) {
                            Ok(painted) => {
                                context.tally.shown += u64::from(painted == Painted::Shown);
                            }
                            Err(why) => {
                                context.tally.lose_values(run.place(), 1, why);
                                marked.push(&raw.loss(), index, &mut painter);
                            }
                        }
                        if marked.text.len() >= PIECE_BYTES {
                            break;
                        }
                    }
                }
            }
            calls += count;
            if marked.text.len() < PIECE_BYTES && calls < MAX_CALLS {
                return (count, ControlFlow::Continue(()));
            }
            calls = 0;
            (count, stitcher.hand_on(&mut marked, (&mut painter, &names), &mut sink))
        });
        flow?;
        stitcher.hand_on(&mut marked, (&mut painter, &names), &mut sink)?;
        stitcher.finish((&mut painter, &names), &mut sink)
    }

    /// Goes through the rings by time. `take` is given what is next, and of which
    /// ring, and says how many entries of it
    /// it has taken: of records that may be fewer than there are.
    fn merge(
        &mut self,
        mut take: impl FnMut(Turn<'_, 'd>, usize, &mut Context<'d>) -> (usize, ControlFlow<()>),
    ) -> ControlFlow<()> {
        self.start();
        while let Some(Reverse((_, index))) = self.heap.pop() {
            let Self { context, rings, heap, .. } = self;
            let Some(ring) = rings.get_mut(index) else { continue };
            let next = heap.peek().map(|Reverse(next)| *next);
            let flow = loop {
                let (count, flow) = take(ring.turn(index, next), index, context);
                let Some(key) = ring.advance(count, context) else {
                    self.end_ring(index);
                    break flow;
                };
                if flow.is_break() || next.is_some_and(|next| next < (key, index)) {
                    heap.push(Reverse((key, index)));
                    break flow;
                }
            };
            flow?;
        }
        ControlFlow::Continue(())
    }

    /// Starts the rings that continue one that has ended.
    fn end_ring(&mut self, index: usize) {
        let mut ended = vec![index];
        while let Some(index) = ended.pop() {
            let followers = self.waiting.remove(&index).unwrap_or_default();
            let Some(last) = self.rings.get(index).map(Ring::key) else { continue };
            for follower in followers {
                let Some(ring) = self.rings.get_mut(follower) else { continue };
                ring.go_on_behind(last);
                match ring.advance(0, &mut self.context) {
                    Some(key) => self.heap.push(Reverse((key, follower))),
                    None => ended.push(follower),
                }
            }
        }
    }

    /// What was read so far. Final when [`for_each`](Self::for_each) has come to the end.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let tally = &self.context.tally;
        let Tally { records, shown, recovered, lost, missing, by_cause, duplicates, .. } = tally;
        let dumps = self.context.wants.dumps;
        let of_scan = dumps.iter().flat_map(Dump::damage);
        let breaks_off = |dump: &&Dump| {
            dump.state() == DumpState::Unfinished && !session::is_completed(dump, dumps)
        };
        // There may be a million places, and as many files.
        let have_rings = dumps.iter().any(Dump::is_from_rings);
        let counts = |damage: &Damage| !have_rings || !session::is_replaced(damage, dumps);
        Summary {
            records: *records,
            shown: *shown,
            recovered: *recovered,
            lost: *lost,
            missing: *missing,
            by_cause: by_cause.clone(),
            duplicates: *duplicates,
            // First what much of the rest follows from.
            damage: dumps
                .iter()
                .filter_map(Dump::shrinking)
                .chain(of_scan.cloned().chain(tally.damage(dumps)).filter(counts))
                .collect(),
            unfinished: dumps.iter().filter(breaks_off).map(|dump| dump.file().clone()).collect(),
        }
    }

    fn start(&mut self) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        self.context.wants.ask_filter();
        let wants = &self.context.wants;
        self.rings = session::rings(wants.dumps, &wants.sessions, &wants.filter);
        // In the order of files each block stands for itself.
        let is_by_time = wants.order == Order::Time;
        let mut first = Vec::new();
        for (index, before) in session::predecessors(&self.rings).into_iter().enumerate() {
            match before.filter(|_| is_by_time) {
                Some(before) => self.waiting.entry(before).or_default().push(index),
                None => first.push(index),
            }
        }
        for index in first {
            let Some(ring) = self.rings.get_mut(index) else { continue };
            match ring.advance(0, &mut self.context) {
                Some(key) => self.heap.push(Reverse((key, index))),
                None => self.end_ring(index),
            }
        }
    }
}

type Visitor<'v> = dyn FnMut(&Entry<'_>) -> ControlFlow<()> + 'v;

/// Shows the losses that have come together, until it breaks.
fn visit_pending(
    pending: &mut Pending,
    names: &[RingName<'_>],
    visit: &mut impl FnMut(&Entry<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while let Some(loss) = pending.pop() {
        if let Some(loss) = loss.entry(names) {
            visit(&Entry::Loss(loss))?;
        }
    }
    ControlFlow::Continue(())
}

/// Gives all of `text` to `sink`, if there is any.
fn hand_on(text: &mut Page, sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    if text.is_empty() {
        return ControlFlow::Continue(());
    }
    let flow = sink(text.text());
    text.clear();
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
