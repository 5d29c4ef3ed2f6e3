//! Rendering in several threads, in the order of one.
//!
//! ```text
//!   caller's thread                                     other threads
//!   rings ─▶ merge ─▶ batch 7 ─┐                       ┌─▶ batch 5: records ─▶ text ─┐
//!                              ├─▶ to be rendered ─────┴─▶ batch 6: records ─▶ text ─┤
//!   sink ◀─ 3, 4, in order ◀───┼─────────────── rendered ◀───────────────────────────┘
//!                              └─ none waits, all hands are full: renders one itself
//! ```
//!
//! To merge is a small part of the work, and the part that knows what is missing where: it stays in
//! one thread, which is the caller's, so that `sink` need not be `Send`. A batch has runs of records, as
//! the merge found them, and shares what these are in with the rings: nothing is copied for it.
//!
//! - **Order.** Batches have numbers; text is handed on by number.
//! - **Bounded.** There are at most [`BATCHES_PER_THREAD`] batches for each thread, whether they wait,
//!   are worked on or wait for their turn. A batch ends at [`BATCH_RECORDS`] or [`BATCH_BYTES`]; whoever
//!   renders it stops when its text passes [`BATCH_TEXT_BYTES`], or before an entry whose message may be
//!   longer than two MiB, and the rest is rendered when its turn has come: by the caller's thread, so
//!   that there is one of these at a time.
//! - **Never stuck.** The caller's thread waits only for a batch that another thread is at work on. A
//!   thread that panics says so on its way out.

use std::collections::VecDeque;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use stenolog_format::dictionary::Thread;
use stenolog_format::value::ValueError;

use super::context::{BlockPlace, Tally};
use super::paint::{Painted, Painter};
use super::ring::Turn;
use super::statements::{Marked, Statement, Stitcher};
use super::stretch::{Run, Stretch};
use super::{Decoder, MAX_CALLS};
use crate::Format;
use crate::dump::Body;
use crate::filter::Filter;
use crate::model::entry::{Origin, ThreadName};
use crate::render::{Page, RenderOptions};

/// How many entries a batch has at most: some hundred microseconds of work, which hides what it takes
/// to hand it over.
const BATCH_RECORDS: usize = 2048;

/// How many bytes are kept in memory for a batch, but for its last block.
const BATCH_BYTES: usize = 4 << 20;

/// How much text is made of a batch before its turn, but for its last entry.
pub(super) const BATCH_TEXT_BYTES: usize = 512 << 10;

/// A buffer for text that is longer than this is not kept.
const MAX_SPARE_BYTES: usize = 2 << 20;

const BATCHES_PER_THREAD: usize = 3;

const MAX_THREADS: usize = 64;

/// What a batch needs to know of a ring.
#[derive(Clone, Debug)]
pub(super) struct RingName<'d> {
    pub(super) ring: u32,
    pub(super) thread: Option<&'d Thread>,
    pub(super) name: Arc<ThreadName>,
}

impl RingName<'_> {
    pub(super) fn origin(&self, dump: usize) -> Origin<'_> {
        Origin { ring: self.ring, thread: self.thread, thread_name: &self.name, dump }
    }
}

/// Entries that follow one another, and the text that is made of them.
#[derive(Debug, Default)]
pub(super) struct Batch<'d> {
    parts: Vec<Part>,
    /// What the records are in, and what holds their texts.
    stretches: Vec<(Arc<Stretch<'d>>, Arc<Body<'d>>)>,
    losses: Vec<Statement>,
    /// How many entries there are, and how many of these are records.
    entries: usize,
    records: usize,
    /// What is kept in memory for them.
    bytes: usize,
    text: Marked,
    /// Which thread rendered it, and so has the text in its caches.
    thread: usize,
    /// How many parts are rendered, and how many entries of the next one.
    done: (usize, usize),
    /// How many records the filter wants.
    shown: u64,
    /// Whose values cannot be read.
    unreadable: Vec<(BlockPlace, ValueError)>,
}

/// Entries of one ring that follow one another.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Records of a stretch, which is told by its place among the batch's.
    Run { ring: u32, stretch: u32, from: u32, to: u32 },
    /// A loss, by its place among the batch's.
    Loss { ring: u32, loss: u32 },
}

impl Part {
    const fn len(&self) -> usize {
        match self {
            Self::Run { from, to, .. } => (*to - *from) as usize,
            Self::Loss { .. } => 1,
        }
    }
}

/// Which bodies are kept already: of each ring, that of its last run.
#[derive(Debug, Default)]
pub(super) struct Bodies(Vec<usize>);

impl Bodies {
    /// What the run's body takes in memory; nothing if it was asked before.
    #[inline]
    pub(super) fn new_bytes(&mut self, run: &Run<'_, '_>) -> usize {
        if self.0.len() <= run.ring {
            self.0.resize(run.ring + 1, 0);
        }
        // Only compared: a body that is gone may have had the place of this one, which costs nothing
        // but that it is not counted.
        let here = Arc::as_ptr(run.body) as usize;
        let before = std::mem::replace(&mut self.0[run.ring], here);
        if before == here { 0 } else { run.body.held_bytes() }
    }
}

impl<'d> Batch<'d> {
    fn is_full(&self) -> bool {
        self.entries >= BATCH_RECORDS || self.bytes >= BATCH_BYTES
    }

    /// How many records there are.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// What it keeps in memory, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes + size_of_val(&*self.parts) + size_of_val(&*self.losses)
    }

    /// Takes in a loss.
    pub(super) fn push_loss(&mut self, loss: Statement) {
        let at = self.losses.len() as u32;
        self.parts.push(Part::Loss { ring: loss.ring as u32, loss: at });
        self.losses.push(loss);
        self.entries += 1;
    }

    /// Takes in some of the records of a run, whose body takes so much memory besides.
    #[inline]
    pub(super) fn push_run(
        &mut self,
        run: &Run<'_, 'd>,
        (from, to): (usize, usize),
        body_bytes: usize,
    ) {
        self.entries += to - from;
        self.records += to - from;
        self.bytes += body_bytes;
        // Rings take turns: it is one of the last, or a new one.
        let lately = self.stretches.iter().enumerate().rev().take(8);
        let mut lately = lately.filter(|(_, (of, _))| Arc::ptr_eq(of, run.stretch));
        let stretch = lately.next().map(|(at, _)| at).unwrap_or_else(|| {
            self.bytes += run.stretch.size_bytes();
            self.stretches.push((Arc::clone(run.stretch), Arc::clone(run.body)));
            self.stretches.len() - 1
        });
        let (ring, stretch) = (run.ring as u32, stretch as u32);
        let (from, to) = (from as u32, to as u32);
        if let Some(Part::Run { stretch: before, to: end, .. }) = self.parts.last_mut()
            && (*before, *end) == (stretch, from)
        {
            *end = to;
            return;
        }
        self.parts.push(Part::Run { ring, stretch, from, to });
    }

    /// Leaves out the first `count` records, and the losses before the last of these.
    pub(super) fn skip(&mut self, mut count: usize) {
        while let Some(part) = self.parts.get(self.done.0).filter(|_| count > 0) {
            let left = match part {
                Part::Run { .. } => part.len() - self.done.1,
                Part::Loss { .. } => 0,
            };
            if count < left {
                self.done.1 += count;
                return;
            }
            count -= left;
            self.done = (self.done.0 + 1, 0);
        }
    }

    /// Gives the sink the text that is there.
    pub(super) fn hand_on(
        &mut self,
        stitcher: &mut Stitcher,
        painter: (&mut Painter, &[RingName<'_>]),
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        stitcher.hand_on(&mut self.text, painter, sink)
    }

    /// Renders entries until there is none, or enough text, or one that is to be rendered when its turn
    /// has come. Says whether none is left.
    pub(super) fn render(
        &mut self,
        is_its_turn: bool,
        painter: &mut Painter,
        rings: &[RingName<'_>],
    ) -> bool {
        let Self { parts, stretches, losses, text, done, shown, unreadable, .. } = self;
        while let Some(part) = parts.get(done.0) {
            if text.text.len() >= BATCH_TEXT_BYTES {
                return false;
            }
            let (Part::Run { ring, .. } | Part::Loss { ring, .. }) = *part;
            let Some(name) = rings.get(ring as usize) else { return true };
            match *part {
                Part::Loss { loss, .. } => {
                    let loss = losses.get(loss as usize);
                    if let Some((of, loss)) = loss.and_then(|of| Some((of, of.entry(rings)?))) {
                        text.push(&loss, of.ring, painter);
                    }
                }
                Part::Run { stretch, from, to, .. } => {
                    let Some((stretch, body)) = stretches.get(stretch as usize) else {
                        return true;
                    };
                    let origin = name.origin(stretch.place.0 as usize);
                    let from = from as usize + done.1;
                    let run = Run { ring: 0, origin, stretch, body, from, to: to as usize };
                    for raw in run.entries() {
                        if text.text.len() >= BATCH_TEXT_BYTES {
                            return false;
                        }
                        match painter.record(&raw, is_its_turn, &mut text.text) {
                            Ok(Painted::Later) => return false,
                            Ok(painted) => *shown += u64::from(painted == Painted::Shown),
                            Err(why) => {
                                unreadable.push((run.place(), why));
                                text.push(&raw.loss(), ring as usize, painter);
                            }
                        }
                        done.1 += 1;
                    }
                }
            }
            *done = (done.0 + 1, 0);
        }
        true
    }

    pub(super) fn clear(&mut self) {
        let Self { parts, stretches, losses, text, unreadable, .. } = self;
        parts.clear();
        stretches.clear();
        losses.clear();
        text.clear();
        unreadable.clear();
        (self.entries, self.records, self.bytes, self.done) = (0, 0, 0, (0, 0));
        self.shown = 0;
    }
}

/// What the threads share.
struct Shared<'d> {
    state: Mutex<State<'d>>,
    /// A batch is to be rendered, or none will come.
    work: Condvar,
    /// A batch is rendered.
    rendered: Condvar,
}

#[derive(Default)]
struct State<'d> {
    /// To be rendered, by number.
    waiting: VecDeque<(usize, Batch<'d>)>,
    /// Those from number `first` on: `None` while they are worked on, or wait.
    rendered: VecDeque<Option<Batch<'d>>>,
    first: usize,
    /// Empty buffers for text, by the thread that wrote to them: memory that another core wrote costs
    /// more to write to than all that is done to a record.
    texts: Vec<Vec<Page>>,
    /// How many threads wait for work, and whether the caller's waits for a batch: to wake somebody
    /// costs a system call, even if nobody sleeps.
    idle: usize,
    is_awaited: bool,
    is_over: bool,
    has_failed: bool,
}

impl<'d> State<'d> {
    /// The batch that has waited longest, with a buffer of the thread that will render it.
    fn next_for(&mut self, thread: usize) -> Option<(usize, Batch<'d>)> {
        let (number, mut batch) = self.waiting.pop_front()?;
        batch.thread = thread;
        batch.text.text = self.texts.get_mut(thread).and_then(Vec::pop).unwrap_or_default();
        Some((number, batch))
    }
}

impl<'d> Shared<'d> {
    fn lock(&self) -> MutexGuard<'_, State<'d>> {
        // A thread that panics holds no lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders until there is nothing left.
    fn work(&self, thread: usize, painter: &mut Painter, rings: &[RingName<'d>]) {
        let _guard = Failing(self);
        loop {
            let mut state = self.lock();
            let (number, mut batch) = loop {
                if let Some(batch) = state.next_for(thread) {
                    break batch;
                }
                if state.is_over {
                    return;
                }
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            };
            drop(state);
            batch.render(false, painter, rings);
            self.put(number, batch);
        }
    }

    fn put(&self, number: usize, batch: Batch<'d>) {
        let mut state = self.lock();
        let place = number.wrapping_sub(state.first);
        if let Some(slot) = state.rendered.get_mut(place) {
            *slot = Some(batch);
        }
        let wakes = place == 0 && state.is_awaited;
        drop(state);
        if wakes {
            self.rendered.notify_one();
        }
    }

    fn finish(&self) {
        self.lock().is_over = true;
        self.work.notify_all();
    }
}

/// Tells the thread that waits for a batch that it will not come.
struct Failing<'a, 'd>(&'a Shared<'d>);

impl Drop for Failing<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().has_failed = true;
            self.0.rendered.notify_one();
        }
    }
}

/// Has the other threads end when the caller's leaves, however it does.
struct Finishing<'a, 'd>(&'a Shared<'d>);

impl Drop for Finishing<'_, '_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The caller's side.
struct Pipeline<'scope, 'env, 'd, S> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared<'d>,
    rings: &'env [RingName<'d>],
    filter: &'env Arc<Filter>,
    format: Format,
    options: &'env RenderOptions,
    painter: Painter,
    stitcher: Stitcher,
    sink: S,
    /// The batch that is being filled.
    batch: Batch<'d>,
    bodies: Bodies,
    /// How many entries and pauses came since the last batch was handed over.
    calls: usize,
    spares: Vec<Batch<'d>>,
    /// How many threads may still be started.
    threads_left: usize,
    most_batches: usize,
    shown: u64,
    unreadable: Vec<(BlockPlace, ValueError)>,
}

impl<'scope, 'd: 'scope, S: FnMut(&[u8]) -> ControlFlow<()>> Pipeline<'scope, '_, 'd, S> {
    /// Takes the next entries in; says how many.
    fn take(&mut self, turn: &Turn<'_, 'd>, ring: usize) -> (usize, ControlFlow<()>) {
        let mut count = 1;
        match turn {
            Turn::Nothing => return (1, ControlFlow::Continue(())),
            Turn::Pause => self.calls = MAX_CALLS,
            Turn::Loss(loss) => self.batch.push_loss(Statement::new(loss, ring)),
            Turn::Records(run) => {
                let room = BATCH_RECORDS.saturating_sub(self.batch.entries).max(1);
                let to = run.to.min(run.from + room);
                self.batch.push_run(run, (run.from, to), self.bodies.new_bytes(run));
                count = to - run.from;
            }
        }
        self.calls += count;
        if self.batch.is_full() || self.calls >= MAX_CALLS {
            self.calls = 0;
            return (count, self.dispatch());
        }
        (count, ControlFlow::Continue(()))
    }

    /// Hands the batch over, and on what is rendered. Renders one if there is enough to do for all.
    fn dispatch(&mut self) -> ControlFlow<()> {
        if self.batch.entries == 0 {
            return self.hand_on();
        }
        let batch = std::mem::replace(&mut self.batch, self.spares.pop().unwrap_or_default());
        let mut state = self.shared.lock();
        let number = state.first + state.rendered.len();
        state.rendered.push_back(None);
        state.waiting.push_back((number, batch));
        let (is_busy, wakes) = (state.waiting.len() > 1, state.idle > 0);
        drop(state);
        if wakes {
            self.shared.work.notify_one();
        } else if is_busy {
            self.start_thread();
        }
        self.hand_on()?;
        while self.shared.lock().rendered.len() >= self.most_batches {
            self.help()?;
        }
        ControlFlow::Continue(())
    }

    /// One more thread, if there may be one. If there cannot, the others do its work.
    fn start_thread(&mut self) {
        if self.threads_left == 0 {
            return;
        }
        self.threads_left -= 1;
        let (shared, rings) = (self.shared, self.rings);
        let losses = self.painter.losses();
        let mut painter = Painter::new(self.filter, self.format, self.options, losses);
        // The caller's is thread 0.
        let thread = self.threads_left + 1;
        let work = move || shared.work(thread, &mut painter, rings);
        let named = thread::Builder::new().name("steno-render".into());
        if named.spawn_scoped(self.scope, work).is_err() {
            self.threads_left = 0;
        }
    }

    /// Renders a batch that waits, or waits for the next one to be handed on.
    fn help(&mut self) -> ControlFlow<()> {
        let mut state = self.shared.lock();
        if let Some((number, mut batch)) = state.next_for(0) {
            drop(state);
            batch.render(false, &mut self.painter, self.rings);
            self.shared.put(number, batch);
        } else {
            state.is_awaited = true;
            while matches!(state.rendered.front(), Some(None)) && !state.has_failed {
                let waited = self.shared.rendered.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            state.is_awaited = false;
            if state.has_failed {
                // The scope passes the panic on.
                return ControlFlow::Break(());
            }
            drop(state);
        }
        self.hand_on()
    }

    /// Gives the sink what is rendered and has its turn.
    fn hand_on(&mut self) -> ControlFlow<()> {
        loop {
            let mut state = self.shared.lock();
            if !matches!(state.rendered.front(), Some(Some(_))) {
                return ControlFlow::Continue(());
            }
            let batch = state.rendered.pop_front().flatten();
            state.first += 1;
            drop(state);
            let Some(mut batch) = batch else { continue };
            loop {
                let painter = (&mut self.painter, self.rings);
                batch.hand_on(&mut self.stitcher, painter, &mut self.sink)?;
                if batch.done.0 >= batch.parts.len() {
                    break;
                }
                batch.render(true, &mut self.painter, self.rings);
            }
            self.shown += batch.shown;
            self.unreadable.append(&mut batch.unreadable);
            batch.clear();
            let text = std::mem::take(&mut batch.text.text);
            if text.held_bytes() <= MAX_SPARE_BYTES
                && let Some(texts) = self.shared.lock().texts.get_mut(batch.thread)
            {
                texts.push(text);
            }
            self.spares.push(batch);
        }
    }

    /// All that is left.
    fn finish(&mut self) -> ControlFlow<()> {
        self.dispatch()?;
        while !self.shared.lock().rendered.is_empty() {
            self.help()?;
        }
        self.stitcher.finish((&mut self.painter, self.rings), &mut self.sink)
    }
}

impl Decoder<'_> {
    /// [`render`](Self::render), with `threads` threads at most, this one included.
    pub(super) fn render_in_parallel(
        &mut self,
        painter: Painter,
        format: Format,
        options: &RenderOptions,
        threads: NonZero<usize>,
        sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.start();
        let filter = Arc::clone(&self.context.wants.filter);
        // Far above what a merging thread can keep at work.
        let most_threads = threads.get().min(MAX_THREADS);
        let rings = self.names();
        let shared = Shared {
            state: Mutex::new(State { texts: vec![Vec::new(); most_threads], ..State::default() }),
            work: Condvar::new(),
            rendered: Condvar::new(),
        };
        let mut counted = (0, Vec::new());
        let flow = thread::scope(|scope| {
            let _finishing = Finishing(&shared);
            let mut pipeline = Pipeline {
                scope,
                shared: &shared,
                rings: &rings,
                filter: &filter,
                format,
                options,
                painter,
                stitcher: Stitcher::default(),
                sink,
                batch: Batch::default(),
                bodies: Bodies::default(),
                calls: 0,
                spares: Vec::new(),
                threads_left: most_threads - 1,
                most_batches: most_threads * BATCHES_PER_THREAD,
                shown: 0,
                unreadable: Vec::new(),
            };
            let merged = self.merge(|turn, index, _| pipeline.take(&turn, index));
            let flow = if merged.is_break() { merged } else { pipeline.finish() };
            counted = (pipeline.shown, pipeline.unreadable);
            flow
        });
        let tally: &mut Tally = &mut self.context.tally;
        tally.shown += counted.0;
        counted.1.into_iter().for_each(|(block, why)| tally.lose_values(block, 1, why));
        flow
    }
}
