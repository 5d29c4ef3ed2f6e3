//! Decoder: merges the rings of its dumps into one stream of entries.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::ending::{self, Cut, ItemsByRing};
use super::inputs::IntoDumps;
use super::order::{Key, Order};
use super::plan::{CallSites, ReadPlan};
use super::ring::{Ring, Turn};
use super::seek::SoughtGroups;
use super::session::{ItemsSeen, new_items};
use super::state::ReadState;
use super::statement::{Losses, PendingLosses, Statement};
use super::summary::Summary;
use super::tally::Tally;
use super::values::ValueBuffers;
use crate::dump::Dump;
use crate::filter::Filter;
use crate::model::entry::Entry;
use crate::model::loss::LossEntry;
use crate::model::origin::RingName;

/// Reads the records of dumps, merged and filtered.
///
/// Files of one run of a logger, such as a rotated set, are read as one: each record comes once, even if
/// several files hold it.
///
/// A decoder owns its inputs and can be stopped and resumed: every method continues after the entry that
/// was delivered last. Entries come to a visitor ([`for_each`](Self::for_each)), one at a time
/// ([`records`](Self::records), [`entries`](Self::entries)), or as text ([`write_to`](Self::write_to)).
/// In memory are at most one open block and one batch of records for each ring that is being read,
/// regardless of the size of the files.
///
/// ```
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Filter, Level, Levels};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let filter = Filter::default().with_levels(Levels::at_least(Level::Warn));
/// let mut decoder = Decoder::new(dump).with_filter(filter);
/// let _ = decoder.for_each(|entry| {
///     println!("{} {}", entry.unix_ns(), entry.level());
///     ControlFlow::Continue(())
/// });
/// assert!(decoder.summary().is_complete());
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    pub(super) plan: ReadPlan,
    pub(super) state: ReadState,
    pub(super) rings: Vec<Ring>,
    /// The indexes of the rings, by session and ring.
    by_id: BTreeMap<(usize, u32), usize>,
    /// Rings that continue another one that has not ended, by the index of that one.
    waiting: BTreeMap<usize, Vec<usize>>,
    /// Rings that have ended, with or without successors, by their indexes.
    has_ended: Vec<bool>,
    /// The rings that have a next entry, by its key.
    pub(super) heap: BinaryHeap<Reverse<(Key, usize)>>,
    seen: ItemsSeen,
    /// Entries up to this key are not delivered: others before them were passed over.
    after: Option<Key>,
    pub(super) is_started: bool,
    /// Whether the reading began before the end.
    has_passed_over: bool,
    pub(super) losses: Losses,
    /// Losses that may still be merged with others.
    pub(super) pending: PendingLosses,
    pub(super) buffers: ValueBuffers,
    /// Whether a cursor has delivered the record that is next in the heap.
    pub(super) is_delivered: bool,
}

impl Decoder {
    /// A decoder of all records of `dumps`: one dump or several, owned, shared or borrowed.
    #[must_use]
    pub fn new(dumps: impl IntoDumps) -> Self {
        Self {
            plan: ReadPlan::new(dumps.into_dumps()),
            state: ReadState::default(),
            rings: Vec::new(),
            by_id: BTreeMap::new(),
            waiting: BTreeMap::new(),
            has_ended: Vec::new(),
            heap: BinaryHeap::new(),
            seen: ItemsSeen::default(),
            after: None,
            is_started: false,
            has_passed_over: false,
            losses: Losses::default(),
            pending: PendingLosses::default(),
            buffers: ValueBuffers::default(),
            is_delivered: false,
        }
    }

    /// Sets the filter: by default, every record is wanted.
    ///
    /// # Panics
    /// If the decoder has delivered an entry already.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        assert!(!self.is_started, "the filter of a decoder is set before its first entry");
        self.plan.filter = Arc::new(filter);
        self
    }

    /// Sets the order of the entries: by default, [`Order::Time`].
    ///
    /// # Panics
    /// If the decoder has delivered an entry already.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        assert!(!self.is_started, "the order of a decoder is set before its first entry");
        self.plan.order = order;
        self
    }

    /// Sets how losses are shown: by default, [`Losses::Inline`].
    #[must_use]
    pub fn with_losses(mut self, losses: Losses) -> Self {
        self.losses = losses;
        self
    }

    /// Sets whether events of spans are shown: by default, they are not. Then they come as [`Entry::Span`], among
    /// the records. They are rendered in one thread.
    ///
    /// ```
    /// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut decoder = Decoder::new(dump).with_span_events(true);
    /// decoder.write_to(&mut std::io::stdout(), Format::Short, &RenderOptions::default())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the decoder has delivered an entry already.
    #[must_use]
    pub fn with_span_events(mut self, shows: bool) -> Self {
        assert!(!self.is_started, "what a decoder shows is set before its first entry");
        self.plan.shows_spans = shows;
        self
    }

    /// The dumps that are read.
    #[must_use]
    pub fn dumps(&self) -> &[Dump] {
        &self.plan.dumps
    }

    /// Calls `visit` with each entry, in order, until the end or until it breaks. A later call continues
    /// after the entry at which it broke.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, Entry};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut decoder = Decoder::new(dump);
    /// let mut first = None;
    /// let _ = decoder.for_each(|entry| match entry {
    ///     Entry::Record(record) => {
    ///         first = Some(record.call_site().target.clone());
    ///         ControlFlow::Break(())
    ///     }
    ///     _ => ControlFlow::Continue(()),
    /// });
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn for_each(
        &mut self,
        mut visit: impl FnMut(&Entry<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let (names, losses) = (self.ring_names(), self.losses);
        let (filter, sites) = (Arc::clone(self.filter()), Arc::clone(self.sites()));
        let mut pending = std::mem::take(&mut self.pending);
        let lose =
            |loss: &LossEntry<'_>, ring, pending: &mut PendingLosses, visit: &mut Visitor<'_>| {
                match losses {
                    Losses::Inline => return visit(&Entry::Loss(loss.clone())),
                    Losses::Merged => pending.push(&Statement::new(loss, ring)),
                    Losses::None => {}
                }
                ControlFlow::Continue(())
            };
        let flow = self.merge(|turn, index, tally| match turn {
            Turn::Nothing | Turn::Pause => (1, ControlFlow::Continue(())),
            Turn::Loss(loss) => (1, lose(&loss, index, &mut pending, &mut visit)),
            Turn::Records(run) => {
                let mut count = 0;
                for raw in run.records() {
                    let mut is_visited = true;
                    let visited = buffers.visit(&raw, &sites, &filter, |entry| {
                        is_visited = false;
                        pending.show(&names, &mut visit)?;
                        is_visited = true;
                        visit(entry)
                    });
                    // After a break at a pending loss, the record comes again.
                    count += usize::from(is_visited);
                    let flow = match visited {
                        Ok((is_wanted, flow)) => {
                            tally.shown += u64::from(is_wanted && is_visited);
                            flow
                        }
                        Err(why) => {
                            tally.lose_values(run.place(), 1, why);
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
            ControlFlow::Continue(()) => pending.show(&names, &mut visit),
            ControlFlow::Break(()) => flow,
        };
        (self.buffers, self.pending) = (buffers, pending);
        flow
    }

    /// A summary of what was read so far. It is final once all entries were delivered: the frames of dumps that were
    /// [opened by their indexes](Dump::open_by_index) are walked then.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let has_read_all = self.is_started && self.heap.is_empty() && !self.has_passed_over;
        Summary::new(&self.state.tally, &self.plan.dumps, has_read_all)
    }

    pub(crate) fn filter(&self) -> &Arc<Filter> {
        &self.plan.filter
    }

    /// The call sites of all dumps, after the [start](Self::ring_names).
    pub(crate) fn sites(&self) -> &Arc<CallSites> {
        &self.plan.sites
    }

    /// The groups that are searched, which other threads may help to do.
    pub(crate) fn sought(&self) -> Option<Arc<SoughtGroups>> {
        self.plan.sought.clone()
    }

    pub(crate) const fn shows_spans(&self) -> bool {
        self.plan.shows_spans
    }

    pub(crate) const fn losses(&self) -> Losses {
        self.losses
    }

    pub(crate) const fn is_started(&self) -> bool {
        self.is_started
    }

    pub(crate) fn tally_mut(&mut self) -> &mut Tally {
        &mut self.state.tally
    }

    /// Removes the losses that were not delivered yet.
    pub(crate) fn take_pending(&mut self) -> PendingLosses {
        std::mem::take(&mut self.pending)
    }

    /// Puts back losses that were not delivered.
    pub(crate) fn put_pending(&mut self, pending: PendingLosses) {
        self.pending = pending;
    }

    /// A decoder that reads the same again.
    pub(crate) fn again(&self) -> Self {
        let mut again = Self::new(Arc::clone(&self.plan.dumps)).with_order(self.plan.order);
        again.plan.shows_spans = self.plan.shows_spans;
        again.plan.filter = Arc::clone(&self.plan.filter);
        again.with_losses(self.losses)
    }

    /// Starts the decoder if needed, and returns the names of its rings.
    pub(crate) fn ring_names(&mut self) -> Vec<Arc<RingName>> {
        self.start();
        self.rings.iter().map(|ring| Arc::clone(ring.name())).collect()
    }

    /// Visits the rings by time. `take` is given the next turn and the index of its ring, and returns how
    /// many entries of it were consumed: of records, this may be fewer than there are.
    pub(crate) fn merge(
        &mut self,
        mut take: impl FnMut(Turn<'_>, usize, &mut Tally) -> (usize, ControlFlow<()>),
    ) -> ControlFlow<()> {
        self.start();
        self.pass_delivered();
        let mut first = self.heap.pop();
        while let Some(Reverse((_, index))) = first {
            let Self { plan, state, rings, heap, after, .. } = self;
            let next = heap.peek().map(|Reverse(next)| *next);
            let Some(ring) = rings.get_mut(index) else {
                first = heap.pop();
                continue;
            };
            let (flow, key) = loop {
                let (count, flow) = match after.map_or(0, |after| ring.entries_up_to(after)) {
                    0 => take(ring.turn(index, next), index, &mut state.tally),
                    dropped => (dropped, ControlFlow::Continue(())),
                };
                let key = ring.advance(count, plan, state);
                match key {
                    Some(key)
                        if flow.is_continue() && next.is_none_or(|next| (key, index) <= next) => {}
                    _ => break (flow, key),
                }
            };
            let Some(key) = key else {
                self.end_ring(index);
                flow?;
                first = self.heap.pop();
                continue;
            };
            let again = Reverse((key, index));
            if flow.is_break() {
                heap.push(again);
                return flow;
            }
            // The ring takes the place of the next one: sooner than to take that and to put this.
            first = Some(match heap.peek_mut() {
                Some(mut next) => std::mem::replace(&mut *next, again),
                None => again,
            });
        }
        // What is added may be as early as it likes.
        self.after = None;
        ControlFlow::Continue(())
    }

    /// Passes the record that a cursor has delivered.
    pub(super) fn pass_delivered(&mut self) {
        if std::mem::take(&mut self.is_delivered) {
            self.pass();
        }
    }

    /// Passes the next entry.
    pub(super) fn pass(&mut self) {
        let Some(Reverse((_, index))) = self.heap.pop() else { return };
        let Some(ring) = self.rings.get_mut(index) else { return };
        match ring.advance(1, &self.plan, &mut self.state) {
            Some(key) => self.heap.push(Reverse((key, index))),
            None => self.end_ring(index),
        }
    }

    /// Marks a ring as ended, and starts the rings that continue it.
    fn end_ring(&mut self, index: usize) {
        let mut ended = vec![index];
        while let Some(index) = ended.pop() {
            if let Some(has_ended) = self.has_ended.get_mut(index) {
                *has_ended = true;
            }
            let followers = self.waiting.remove(&index).unwrap_or_default();
            let Some((key, spans)) = self.rings.get(index).map(Ring::end) else { continue };
            for follower in followers {
                let Some(ring) = self.rings.get_mut(follower) else { continue };
                ring.continue_after((key, &spans));
                match ring.advance(0, &self.plan, &mut self.state) {
                    Some(key) => self.heap.push(Reverse((key, follower))),
                    None => ended.push(follower),
                }
            }
        }
    }

    /// Lists all blocks of all dumps. Returns whether some were not listed.
    pub(crate) fn list_all(&mut self) -> bool {
        let is_partial = self.plan.dumps.iter().any(|dump| dump.unlisted().is_some());
        if is_partial && !self.is_started {
            for dump in self.plan.dumps_mut() {
                *dump = dump.whole().into_owned();
            }
            self.plan.update_sessions();
        }
        is_partial && !self.is_started
    }

    /// Reads the heads of the rings, unless that was done.
    pub(crate) fn start(&mut self) {
        if self.begin() {
            self.extend();
        }
    }

    /// Applies the filter, unless the decoder has been started. Returns whether to [extend](Self::extend) it.
    pub(crate) fn begin(&mut self) -> bool {
        self.list_all();
        if std::mem::replace(&mut self.is_started, true) {
            return false;
        }
        self.plan.apply_filter();
        true
    }

    /// Starts the decoder so late that about as many records, wanted or not, follow. Returns `false` if it has
    /// been started, or if all blocks are to be read.
    pub(crate) fn start_before_end(&mut self, records: u64) -> bool {
        if self.is_started {
            return false;
        }
        self.is_started = true;
        self.plan.apply_filter();
        self.extend_with(|items, plan| ending::cut(items, plan, records));
        self.has_passed_over = self.after.is_some();
        self.has_passed_over
    }

    /// Gives the rings what is new in the dumps.
    pub(crate) fn extend(&mut self) {
        self.extend_with(|_, _| None);
    }

    /// Gives the rings what is new in the dumps, except for what `cut` removes.
    fn extend_with(&mut self, cut: impl FnOnce(&mut ItemsByRing, &ReadPlan) -> Option<Cut>) {
        let Self { plan, state, rings, by_id, seen, has_ended, after, .. } = self;
        let first_new = rings.len();
        for ring in &mut *rings {
            ring.forget_unsettled(|dump| seen.settled_blocks(dump));
        }
        let mut resumed = Vec::new();
        let mut items = new_items(&plan.dumps, &plan.sessions, seen);
        let cut = cut(&mut items, plan);
        *after = cut.as_ref().map(|cut| cut.key).or(*after);
        for ((session, ring_id), items) in items {
            let index = match by_id.get(&(session, ring_id)) {
                Some(&index) => index,
                None => {
                    let Some(of) = plan.sessions.get(session) else { continue };
                    let thread = of.thread(ring_id, &plan.dumps);
                    let name = RingName::new(ring_id, rings.len(), thread);
                    if !plan.filter.wants_thread(&name.name, thread) {
                        continue;
                    }
                    by_id.insert((session, ring_id), rings.len());
                    let mut ring = Ring::new(session, name, of.is_from_start);
                    if let Some(cut) = &cut {
                        let lead = cut.lead(session, ring_id);
                        ring.begin_after(cut.key, lead, &mut state.tally);
                    }
                    rings.push(ring);
                    has_ended.push(false);
                    rings.len() - 1
                }
            };
            let Some(ring) = rings.get_mut(index) else { continue };
            if ring.name().thread.is_none() && index < first_new {
                let of = plan.sessions.get(session);
                ring.set_thread(of.and_then(|of| of.thread(ring_id, &plan.dumps)));
            }
            ring.extend(items, state);
            if index < first_new && std::mem::take(&mut has_ended[index]) {
                resumed.push(index);
            }
        }
        let mut first = resumed;
        for index in first_new..rings.len() {
            match predecessor(&rings[index], by_id).filter(|_| plan.order == Order::Time) {
                Some(before) if has_ended[before] => {
                    let (key, spans) = rings[before].end();
                    rings[index].continue_after((key, &spans));
                    first.push(index);
                }
                Some(before) => self.waiting.entry(before).or_default().push(index),
                None => first.push(index),
            }
        }
        for index in first {
            let Some(ring) = self.rings.get_mut(index) else { continue };
            match ring.advance(0, &self.plan, &mut self.state) {
                Some(key) => self.heap.push(Reverse((key, index))),
                None => self.end_ring(index),
            }
        }
    }
}

/// The index of the ring that a ring continues, if that is read too. Ids grow along a chain, so it
/// is not a circle.
fn predecessor(ring: &Ring, by_id: &BTreeMap<(usize, u32), usize>) -> Option<usize> {
    let before = ring.continues().filter(|&before| before < ring.name().ring)?;
    by_id.get(&(ring.session, before)).copied()
}

type Visitor<'v> = dyn FnMut(&Entry<'_>) -> ControlFlow<()> + 'v;
