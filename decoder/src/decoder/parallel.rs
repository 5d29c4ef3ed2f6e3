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
//! one thread, which is the caller's, so that `sink` needs not be `Send`. What a batch has is copied
//! out of the blocks, a few bytes a record, so that no block stays open for it.
//!
//! - **Order.** Batches have numbers; text is handed on by number.
//! - **Bounded.** There are at most [`BATCHES_PER_THREAD`] batches for each thread, whether they wait,
//!   are worked on or wait for their turn. A batch ends at [`BATCH_RECORDS`] or [`BATCH_BYTES`]; whoever
//!   renders it stops when its text passes [`BATCH_TEXT_BYTES`], and the rest is rendered when its turn has come.
//! - **Never stuck.** The caller's thread waits only for a batch that another thread is at work on. A
//!   thread that panics says so on its way out.

use std::collections::VecDeque;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use stenolog_format::dictionary::Thread;
use stenolog_format::value::{Encoding, ValueError};

use super::context::{BlockPlace, Tally};
use super::paint::{Painter, RawEntry};
use super::ring::Next;
use super::{Decoder, MAX_CALLS};
use crate::Format;
use crate::entry::{LossCause, LossEntry, Origin, ThreadName};
use crate::filter::Filter;
use crate::render::RenderOptions;
use crate::site::Site;

/// How many entries a batch has at most: some hundred microseconds of work, which hides what it takes
/// to hand it over.
const BATCH_RECORDS: usize = 2048;

/// How many bytes of values a batch has, but for its last record.
const BATCH_BYTES: usize = 128 << 10;

/// How much text is made of a batch before its turn, but for its last entry.
pub(super) const BATCH_TEXT_BYTES: usize = 512 << 10;

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
    fn origin(&self, dump: usize) -> Origin<'_> {
        Origin { ring: self.ring, thread: self.thread, thread_name: &self.name, dump }
    }
}

/// An entry that is to be rendered. Small: two cores hand it to and fro.
#[derive(Clone, Copy, Debug)]
struct Item<'d> {
    /// The call site; `None` for a loss.
    site: Option<&'d Site>,
    unix_ns: i64,
    /// The record's, or the place among the batch's losses.
    number: u64,
    /// Where its values end in the batch's bytes. They begin where those before end.
    end: u32,
    /// The place among the batch's sources.
    source: u32,
}

/// Where entries that follow one another come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    /// The place among all rings.
    ring: u32,
    block: BlockPlace,
    encoding: Encoding,
}

/// Entries that follow one another, and the text that is made of them.
#[derive(Debug, Default)]
pub(super) struct Batch<'d> {
    items: Vec<Item<'d>>,
    sources: Vec<Source>,
    losses: Vec<LossCause>,
    /// The values of all records.
    bytes: Vec<u8>,
    text: Vec<u8>,
    /// Which thread rendered it, and so has the text in its caches.
    thread: usize,
    /// How many items are rendered, and where the values of the next one begin.
    done: usize,
    at: usize,
    /// How many records the filter wants.
    shown: u64,
    /// Whose values cannot be read.
    unreadable: Vec<(BlockPlace, ValueError)>,
}

impl<'d> Batch<'d> {
    fn is_full(&self) -> bool {
        self.items.len() >= BATCH_RECORDS || self.bytes.len() >= BATCH_BYTES
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// What it takes in memory, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        size_of_val(&*self.items) + size_of_val(&*self.sources) + self.bytes.len()
    }

    /// Takes in a loss, or a record of the call site.
    #[inline]
    pub(super) fn push(&mut self, next: &Next<'_>, ring: usize, site: Option<&'d Site>) {
        let (unix_ns, number, source) = match next {
            Next::Nothing | Next::Pause => return,
            Next::Loss(LossEntry { unix_ns, cause, .. }) => {
                self.losses.push(*cause);
                let number = self.losses.len() as u64 - 1;
                let source = Source { ring: ring as u32, block: (0, 0), encoding: Encoding::Raw };
                (*unix_ns, number, source)
            }
            Next::Record(raw, block) => {
                self.bytes.extend_from_slice(raw.values);
                let (block, encoding) = (*block, raw.encoding);
                (raw.unix_ns, raw.number, Source { ring: ring as u32, block, encoding })
            }
        };
        if self.sources.last() != Some(&source) {
            self.sources.push(source);
        }
        // A batch is full long before its bytes cannot be counted in 32 bits.
        let (end, source) = (self.bytes.len() as u32, self.sources.len() as u32 - 1);
        self.items.push(Item { site, unix_ns, number, end, source });
    }

    /// Leaves out the first `count` entries.
    pub(super) fn skip(&mut self, count: usize) {
        for item in self.items.get(self.done..).unwrap_or_default().iter().take(count) {
            self.done += 1;
            self.at = item.end as usize;
        }
    }

    /// Gives the sink the text that is there.
    pub(super) fn hand_on(
        &mut self,
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        super::hand_on(&mut self.text, sink)
    }

    /// Renders items until there is none, or enough text. Says whether none is left.
    pub(super) fn render(&mut self, painter: &mut Painter, rings: &[RingName<'_>]) -> bool {
        let Self { items, sources, losses, bytes, text, done, at, shown, unreadable, .. } = self;
        for item in items.get(*done..).unwrap_or_default() {
            if text.len() >= BATCH_TEXT_BYTES {
                return false;
            }
            *done += 1;
            let Item { site, unix_ns, number, end, source } = *item;
            let Some(&Source { ring, block, encoding }) = sources.get(source as usize) else {
                continue;
            };
            let Some(name) = rings.get(ring as usize) else { continue };
            let values = bytes.get(*at..end as usize).unwrap_or_default();
            *at = end as usize;
            let origin = name.origin(block.0 as usize);
            let Some(site) = site else {
                let Some(&cause) = losses.get(number as usize) else { continue };
                painter.loss(LossEntry { origin, unix_ns, cause }, text);
                continue;
            };
            let raw = RawEntry { site, origin, unix_ns, number, encoding, values };
            match painter.record(&raw, text) {
                Ok(is_wanted) => *shown += u64::from(is_wanted),
                Err(why) => unreadable.push((block, why)),
            }
        }
        true
    }

    pub(super) fn clear(&mut self) {
        let Self { items, sources, losses, bytes, text, done, at, shown, unreadable, .. } = self;
        items.clear();
        sources.clear();
        losses.clear();
        bytes.clear();
        text.clear();
        unreadable.clear();
        (*done, *at, *shown) = (0, 0, 0);
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
    texts: Vec<Vec<Vec<u8>>>,
    is_over: bool,
    has_failed: bool,
}

impl<'d> State<'d> {
    /// The batch that has waited longest, with a buffer of the thread that will render it.
    fn next_for(&mut self, thread: usize) -> Option<(usize, Batch<'d>)> {
        let (number, mut batch) = self.waiting.pop_front()?;
        batch.thread = thread;
        batch.text = self.texts.get_mut(thread).and_then(Vec::pop).unwrap_or_default();
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
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            batch.render(painter, rings);
            self.put(number, batch);
        }
    }

    fn put(&self, number: usize, batch: Batch<'d>) {
        let mut state = self.lock();
        let place = number.wrapping_sub(state.first);
        if let Some(slot) = state.rendered.get_mut(place) {
            *slot = Some(batch);
        }
        if place == 0 {
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
    sink: S,
    /// The batch that is being filled.
    batch: Batch<'d>,
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
    #[inline]
    fn take(&mut self, next: &Next<'_>, ring: usize, site: Option<&'d Site>) -> ControlFlow<()> {
        match next {
            Next::Nothing => return ControlFlow::Continue(()),
            Next::Pause => self.calls = MAX_CALLS,
            Next::Loss(_) | Next::Record(..) => self.batch.push(next, ring, site),
        }
        self.calls += 1;
        if self.batch.is_full() || self.calls >= MAX_CALLS {
            self.calls = 0;
            return self.dispatch();
        }
        ControlFlow::Continue(())
    }

    /// Hands the batch over, and on what is rendered. Renders one if there is enough to do for all.
    fn dispatch(&mut self) -> ControlFlow<()> {
        if self.batch.items.is_empty() {
            return self.hand_on();
        }
        let batch = std::mem::replace(&mut self.batch, self.spares.pop().unwrap_or_default());
        let mut state = self.shared.lock();
        let number = state.first + state.rendered.len();
        state.rendered.push_back(None);
        state.waiting.push_back((number, batch));
        let is_busy = state.waiting.len() > 1;
        drop(state);
        self.shared.work.notify_one();
        if is_busy {
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
        let mut painter = Painter::new(self.filter, self.format, self.options);
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
            batch.render(&mut self.painter, self.rings);
            self.shared.put(number, batch);
        } else {
            while matches!(state.rendered.front(), Some(None)) && !state.has_failed {
                let waited = self.shared.rendered.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
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
                batch.hand_on(&mut self.sink)?;
                if batch.done >= batch.items.len() {
                    break;
                }
                batch.render(&mut self.painter, self.rings);
            }
            self.shown += batch.shown;
            self.unreadable.append(&mut batch.unreadable);
            batch.clear();
            let text = std::mem::take(&mut batch.text);
            if let Some(texts) = self.shared.lock().texts.get_mut(batch.thread) {
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
        ControlFlow::Continue(())
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
        let filter = Arc::clone(&self.context.filter);
        // Far above what a merging thread can keep at work.
        let most_threads = threads.get().min(MAX_THREADS);
        let rings: Vec<_> = self.rings.iter().map(super::Ring::name).collect();
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
                sink,
                batch: Batch::default(),
                calls: 0,
                spares: Vec::new(),
                threads_left: most_threads - 1,
                most_batches: most_threads * BATCHES_PER_THREAD,
                shown: 0,
                unreadable: Vec::new(),
            };
            let merged =
                self.merge(|ring, index, _| pipeline.take(&ring.entry(), index, ring.site()));
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
