//! The line between a logger's threads and its drain: requests, the end, wake-ups.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use crossbeam_utils::sync::Unparker;

use crate::error::DrainError;
use crate::sync::lock;

/// The result of a write, for all that asked for it.
pub(crate) type WriteResult = Result<(), DrainError>;

/// A thread that waits for the drain.
#[derive(Debug)]
pub(crate) struct Request {
    /// The data is wanted on the disk.
    pub(crate) sync: bool,
    answer: SyncSender<WriteResult>,
}

impl Request {
    /// Answers, if the thread still waits.
    pub(crate) fn answer(self, result: WriteResult) {
        let _ = self.answer.try_send(result);
    }
}

/// Requests to a drain, and its state.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<ControlState>,
    /// The drain has ended.
    is_closed: AtomicBool,
    /// The program itself polls the drain.
    is_manual: AtomicBool,
    /// A call has found its ring half full, or full.
    is_pressed: AtomicBool,
    drain: Unparker,
}

#[derive(Debug, Default)]
struct ControlState {
    requests: Vec<Request>,
    stop: bool,
    /// The process ends.
    exiting: bool,
    /// The drain has ended or panicked.
    ended: bool,
    /// Why the dump could not be written to its end.
    error: Option<DrainError>,
}

impl Control {
    pub(super) fn new(drain: Unparker) -> Self {
        Self {
            state: Mutex::default(),
            is_closed: AtomicBool::new(false),
            is_manual: AtomicBool::new(false),
            is_pressed: AtomicBool::new(false),
            drain,
        }
    }

    /// Wakes the drain; cheap if it is awake.
    pub(crate) fn wake_drain(&self) {
        self.is_pressed.store(true, Ordering::Relaxed);
        self.drain.unpark();
    }

    /// Whether a call has woken the drain since it last [began a pass](Self::begin_pass): a ring may soon be
    /// full.
    pub(crate) fn is_pressed(&self) -> bool {
        self.is_pressed.load(Ordering::Relaxed)
    }

    /// Notes that the drain begins a pass over the rings.
    pub(crate) fn begin_pass(&self) {
        self.is_pressed.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Notes that the program itself polls the drain.
    pub(crate) fn set_manual(&self) {
        self.is_manual.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.is_manual.load(Ordering::Relaxed)
    }

    /// Asks the drain to write; the answer comes when it has. `None` if it has ended.
    pub(super) fn ask(&self, sync: bool) -> Option<Receiver<WriteResult>> {
        let (answer, answers) = std::sync::mpsc::sync_channel(1);
        {
            let mut state = lock(&self.state);
            if state.ended {
                return None;
            }
            state.requests.push(Request { sync, answer });
        }
        self.drain.unpark();
        Some(answers)
    }

    /// Tells the drain to write what there is, to seal the dump, and to end.
    pub(crate) fn request_stop(&self) {
        lock(&self.state).stop = true;
        self.drain.unpark();
    }

    /// As [`request_stop`](Self::request_stop), because the process ends; `None` if another thread holds
    /// the lock.
    #[cfg(unix)]
    pub(crate) fn try_request_exit(&self) -> Option<()> {
        use std::sync::TryLockError;

        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        (state.stop, state.exiting) = (true, true);
        drop(state);
        self.drain.unpark();
        Some(())
    }

    /// Whether the drain must end because the process does, while other threads may log.
    pub(crate) fn is_exiting(&self) -> bool {
        lock(&self.state).exiting
    }

    /// How the end of the dump was written.
    pub(crate) fn result(&self) -> WriteResult {
        lock(&self.state).error.clone().map_or(Ok(()), Err)
    }

    /// The current requests to the drain, and whether it must end.
    pub(crate) fn take_requests(&self) -> (Vec<Request>, bool) {
        let mut state = lock(&self.state);
        (std::mem::take(&mut state.requests), state.stop)
    }

    /// Whether the drain is asked for anything.
    pub(crate) fn has_requests(&self) -> bool {
        let state = lock(&self.state);
        !state.requests.is_empty() || state.stop
    }

    /// Marks the drain as ended: from now on no call is logged, and no thread waits for it.
    pub(crate) fn drain_ended(&self, result: WriteResult) {
        self.is_closed.store(true, Ordering::Release);
        let mut state = lock(&self.state);
        state.ended = true;
        state.error = result.as_ref().err().cloned();
        for request in state.requests.drain(..) {
            request.answer(result.clone());
        }
    }
}
