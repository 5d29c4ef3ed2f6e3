//! Rendering threads, and the queue of batches between them and the caller's thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::batch::RenderBatch;
use super::encoder::EntryEncoder;
use crate::model::origin::RingName;
use crate::render::text_buffer::TextBuffer;

/// The shared state of the threads.
pub(super) struct Workers {
    queue: Mutex<Queue>,
    /// A batch must be rendered, or no more will come.
    pub(super) work: Condvar,
    /// A batch is rendered.
    pub(super) rendered: Condvar,
}

#[derive(Default)]
pub(super) struct Queue {
    /// To be rendered, by number.
    pub(super) waiting: VecDeque<(usize, RenderBatch)>,
    /// Batches from number `first` on: `None` while they wait or are being rendered.
    pub(super) rendered: VecDeque<Option<RenderBatch>>,
    pub(super) first: usize,
    /// Empty buffers for text, by the thread that wrote to them: writing to memory that another core
    /// wrote costs more than everything else that is done to a record.
    pub(super) texts: Vec<Vec<TextBuffer>>,
    /// The number of threads that wait for work, and whether the caller's waits for a batch: a wake-up
    /// costs a system call, even if no thread sleeps.
    pub(super) idle: usize,
    pub(super) is_awaited: bool,
    pub(super) is_over: bool,
    pub(super) has_failed: bool,
}

impl Queue {
    /// The batch that has waited longest, with a buffer of the thread that renders it. The caller's thread takes the one
    /// that it made last, which it has in its caches.
    pub(super) fn next_for(&mut self, thread: usize) -> Option<(usize, RenderBatch)> {
        let (number, mut batch) = match thread {
            0 => self.waiting.pop_back()?,
            _ => self.waiting.pop_front()?,
        };
        batch.thread = thread;
        batch.text.text = self.texts.get_mut(thread).and_then(Vec::pop).unwrap_or_default();
        Some((number, batch))
    }
}

impl Workers {
    /// The state of `threads` threads, before any batch.
    pub(super) fn new(threads: usize) -> Self {
        let queue = Queue { texts: vec![Vec::new(); threads], ..Queue::default() };
        Self { queue: Mutex::new(queue), work: Condvar::new(), rendered: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        // A thread that panics holds no lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders batches until no more come.
    pub(super) fn work(&self, thread: usize, encoder: &mut EntryEncoder, rings: &[Arc<RingName>]) {
        let _guard = FailOnUnwind(self);
        loop {
            let mut queue = self.lock();
            let (number, mut batch) = loop {
                if let Some(batch) = queue.next_for(thread) {
                    break batch;
                }
                if queue.is_over {
                    return;
                }
                queue.idle += 1;
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            };
            drop(queue);
            batch.render(false, encoder, rings);
            self.put(number, batch);
        }
    }

    pub(super) fn put(&self, number: usize, batch: RenderBatch) {
        let mut queue = self.lock();
        let place = number.wrapping_sub(queue.first);
        if let Some(slot) = queue.rendered.get_mut(place) {
            *slot = Some(batch);
        }
        let wakes = place == 0 && queue.is_awaited;
        drop(queue);
        if wakes {
            self.rendered.notify_one();
        }
    }

    fn finish(&self) {
        self.lock().is_over = true;
        self.work.notify_all();
    }
}

/// Wakes the thread that waits for a batch if this thread panics.
struct FailOnUnwind<'a>(&'a Workers);

impl Drop for FailOnUnwind<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().has_failed = true;
            self.0.rendered.notify_one();
        }
    }
}

/// Ends the other threads when the caller's leaves the scope, also by a panic.
pub(super) struct Finishing<'a>(pub(super) &'a Workers);

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}
