//! Rendering in several threads, with the output of one.
//!
//! ```text
//!   caller's thread                                     other threads
//!   rings ─▶ merge ─▶ batch 7 ─┐                       ┌─▶ batch 5: records ─▶ text ─┐
//!                              ├─▶ waiting ────────────┴─▶ batch 6: records ─▶ text ─┤
//!   sink ◀─ 3, 4, in order ◀───┼─────────────── rendered ◀───────────────────────────┘
//!                              └─ if the queue is full: renders one itself
//! ```
//!
//! The merge is a small part of the work, and it knows what is missing where: it runs in one thread, the
//! caller's, and `sink` does not have to be `Send`. A batch has runs of records as the merge found them, and
//! shares their record batches and bodies with the rings: nothing is copied.
//!
//! If the filter searches values, other threads search groups before the merge comes to them. They start before the
//! heads of the rings are read, which takes as long as everything else if little is found.
//!
//! - **Order.** Batches are numbered; text is passed on by number.
//! - **Bounded.** There are at most [`BATCHES_PER_THREAD`] batches for each thread, in any state, and fewer if
//!   they hold much memory: they are the work of the other threads while this one opens a block of many rings. A batch
//!   ends at [`BATCH_ENTRIES`] or a number of bytes. Rendering it stops when its text reaches
//!   [`BATCH_TEXT_BYTES`](super::batch::BATCH_TEXT_BYTES), or before an entry whose message may be longer
//!   than two MiB. The caller's thread renders the rest when its turn has come, one batch at a time.
//! - **No deadlock.** The caller's thread waits only for a batch that another thread is rendering. A
//!   thread that panics wakes it.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Scope};

use stenolog_format::value::ValueError;

use super::batch::{BATCH_ENTRIES, Bodies, RenderBatch};
use super::encoder::{EntryEncoder, EntryEncoding};
use super::limits::MAX_CALLS;
use super::stitcher::Stitcher;
use super::workers::{Finishing, Workers};
use crate::model::origin::RingName;
use crate::read::{BlockPlace, Decoder, SoughtGroups, Statement, Turn};
use crate::render::format::Format;
use crate::render::options::RenderOptions;

/// A buffer for text that is longer than this is not reused.
const MAX_SPARE_BYTES: usize = 2 << 20;

const BATCHES_PER_THREAD: usize = 16;

/// As many as this for each thread may be there, whatever memory they hold.
const HEAVY_BATCHES_PER_THREAD: usize = 3;

/// The memory that more of them may hold, for each thread.
const BATCHES_BYTES: usize = 8 << 20;

const MAX_THREADS: usize = 64;

/// The caller's side.
struct Pipeline<'scope, 'env, S> {
    scope: &'scope Scope<'scope, 'env>,
    workers: &'env Workers,
    rings: &'env [Arc<RingName>],
    encoding: &'env EntryEncoding,
    encoder: EntryEncoder,
    stitcher: Stitcher,
    sink: S,
    /// The batch that is being filled.
    batch: RenderBatch,
    bodies: Bodies,
    /// The number of entries and pauses since the last batch was dispatched.
    calls: usize,
    spares: Vec<RenderBatch>,
    /// The number of threads that may still be started.
    threads_left: usize,
    most_threads: usize,
    /// The memory that the batches hold which were dispatched and not passed on.
    held_bytes: usize,
    shown: u64,
    unreadable: Vec<(BlockPlace, ValueError)>,
}

impl<S: FnMut(&[u8]) -> ControlFlow<()>> Pipeline<'_, '_, S> {
    /// Adds the next entries to the batch, and returns how many.
    fn take(&mut self, turn: &Turn<'_>, ring: usize) -> (usize, ControlFlow<()>) {
        let mut count = 1;
        match turn {
            Turn::Nothing => return (1, ControlFlow::Continue(())),
            Turn::Pause => self.calls = MAX_CALLS,
            Turn::Loss(loss) => self.batch.push_loss(Statement::new(loss, ring)),
            Turn::Records(run) => {
                let free = BATCH_ENTRIES.saturating_sub(self.batch.entries()).max(1);
                let to = run.to.min(run.from + free);
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

    /// Queues the batch and passes on what is rendered. Renders one batch if the queue is full.
    fn dispatch(&mut self) -> ControlFlow<()> {
        if self.batch.entries() == 0 {
            return self.pass_on();
        }
        let batch = std::mem::replace(&mut self.batch, self.spares.pop().unwrap_or_default());
        self.held_bytes += batch.size_bytes();
        let mut queue = self.workers.lock();
        let number = queue.first + queue.rendered.len();
        queue.rendered.push_back(None);
        queue.waiting.push_back((number, batch));
        let (is_busy, wakes) = (queue.waiting.len() > 1, queue.idle > 0);
        drop(queue);
        if wakes {
            self.workers.work.notify_one();
        } else if is_busy {
            self.start_thread();
        }
        self.pass_on()?;
        while self.is_full() {
            self.help()?;
        }
        ControlFlow::Continue(())
    }

    fn is_full(&self) -> bool {
        let each = match self.held_bytes {
            bytes if bytes > self.most_threads * BATCHES_BYTES => HEAVY_BATCHES_PER_THREAD,
            _ => BATCHES_PER_THREAD,
        };
        self.workers.lock().rendered.len() >= self.most_threads * each
    }

    /// Starts one more thread if that is allowed. If it fails, the others do its work.
    fn start_thread(&mut self) {
        if self.threads_left == 0 {
            return;
        }
        self.threads_left -= 1;
        let (workers, rings) = (self.workers, self.rings);
        let mut encoder = EntryEncoder::new(self.encoding.clone());
        // The caller's is thread 0.
        let thread = self.threads_left + 1;
        let work = move || workers.work(thread, &mut encoder, rings);
        let named = thread::Builder::new().name("steno-render".into());
        if named.spawn_scoped(self.scope, work).is_err() {
            self.threads_left = 0;
        }
    }

    /// Renders a batch that waits, or waits for the next one to pass on.
    fn help(&mut self) -> ControlFlow<()> {
        let mut queue = self.workers.lock();
        if let Some((number, mut batch)) = queue.next_for(0) {
            drop(queue);
            batch.render(false, &mut self.encoder, self.rings);
            self.workers.put(number, batch);
        } else {
            queue.is_awaited = true;
            while matches!(queue.rendered.front(), Some(None)) && !queue.has_failed {
                let waited = self.workers.rendered.wait(queue);
                queue = waited.unwrap_or_else(PoisonError::into_inner);
            }
            queue.is_awaited = false;
            if queue.has_failed {
                // The scope propagates the panic.
                return ControlFlow::Break(());
            }
            drop(queue);
        }
        self.pass_on()
    }

    /// Passes the rendered batches whose turn has come to the sink.
    fn pass_on(&mut self) -> ControlFlow<()> {
        loop {
            let mut queue = self.workers.lock();
            if !matches!(queue.rendered.front(), Some(Some(_))) {
                return ControlFlow::Continue(());
            }
            let batch = queue.rendered.pop_front().flatten();
            queue.first += 1;
            drop(queue);
            let Some(mut batch) = batch else { continue };
            loop {
                let encoder = (&mut self.encoder, self.rings);
                batch.pass_on(&mut self.stitcher, encoder, &mut self.sink)?;
                if batch.is_rendered() {
                    break;
                }
                batch.render(true, &mut self.encoder, self.rings);
            }
            self.held_bytes -= batch.size_bytes();
            self.shown += batch.shown;
            self.unreadable.append(&mut batch.unreadable);
            batch.clear();
            let text = std::mem::take(&mut batch.text.text);
            if text.held_bytes() <= MAX_SPARE_BYTES
                && let Some(texts) = self.workers.lock().texts.get_mut(batch.thread)
            {
                texts.push(text);
            }
            self.spares.push(batch);
        }
    }

    /// Renders and passes on the rest.
    fn finish(&mut self) -> ControlFlow<()> {
        self.dispatch()?;
        while !self.workers.lock().rendered.is_empty() {
            self.help()?;
        }
        self.stitcher.finish((&mut self.encoder, self.rings), &mut self.sink)
    }
}

/// Threads that search groups. They end when the caller's leaves the scope.
struct Searching<'a>(&'a SoughtGroups);

impl<'a> Searching<'a> {
    fn start<'scope>(
        sought: &'a SoughtGroups,
        threads: usize,
        scope: &'scope Scope<'scope, 'a>,
    ) -> Self {
        for _ in 0..threads {
            let named = thread::Builder::new().name("steno-search".into());
            // If it fails, the caller's thread searches alone.
            let _handle = named.spawn_scoped(scope, || sought.work());
        }
        Self(sought)
    }
}

impl Drop for Searching<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Renders all entries of a decoder with at most `threads` threads, including this one.
pub(super) fn render(
    decoder: &mut Decoder,
    (format, options): (Format, &RenderOptions),
    threads: NonZero<usize>,
    sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // Far above what a merging thread can keep busy.
    let most_threads = threads.get().min(MAX_THREADS);
    let is_new = decoder.begin();
    let encoding = EntryEncoding::new(decoder, format, options);
    let sought = decoder.sought();
    thread::scope(|scope| {
        let start = |sought| Searching::start(sought, most_threads - 1, scope);
        let _searching = sought.as_deref().map(start);
        // A ring in which nothing is found goes through all groups.
        if is_new {
            decoder.extend();
        }
        merge(decoder, &encoding, most_threads, sink)
    })
}

/// Merges the rings, and renders what they give.
fn merge(
    decoder: &mut Decoder,
    encoding: &EntryEncoding,
    most_threads: usize,
    sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let rings = decoder.ring_names();
    let stitcher = Stitcher::new(decoder.take_pending());
    let workers = Workers::new(most_threads);
    let mut counted = (0, Vec::new());
    let flow = thread::scope(|scope| {
        let _finishing = Finishing(&workers);
        let mut pipeline = Pipeline {
            scope,
            workers: &workers,
            rings: &rings,
            encoding,
            encoder: EntryEncoder::new(encoding.clone()),
            stitcher,
            sink,
            batch: RenderBatch::default(),
            bodies: Bodies::default(),
            calls: 0,
            spares: Vec::new(),
            threads_left: most_threads - 1,
            most_threads,
            held_bytes: 0,
            shown: 0,
            unreadable: Vec::new(),
        };
        let merged = decoder.merge(|turn, index, _| pipeline.take(&turn, index));
        let flow = if merged.is_break() { merged } else { pipeline.finish() };
        counted = (pipeline.shown, pipeline.unreadable);
        flow
    });
    let tally = decoder.tally_mut();
    tally.shown += counted.0;
    counted.1.into_iter().for_each(|(block, why)| tally.lose_values(block, 1, why));
    flow
}
