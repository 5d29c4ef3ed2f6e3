//! Run: the threads that log the workload, at a rate or as fast as they can.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use stenolog::{Builder, Existing, OnFull};

use crate::{Event, THREADS, Workload};

/// Midnight of 2026-11-30, in nanoseconds since the Unix epoch.
const SIMULATED_BEGINNING: u64 = 1_795_996_800_000_000_000;

/// How many events are made at once. Fewer are all made before the first is logged.
const CHUNK: usize = 1 << 19;

/// A thread that is less early than this logs at once, as a program that is woken once for several things.
const TOLERANCE: Duration = Duration::from_micros(500);

/// The events are made for this rate if they are logged as fast as possible.
const NOMINAL_RATE: f64 = 100_000.0;

/// The times that records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// When the call was made.
    Real,
    /// When it would have been made at the rate; the threads do not wait for it. The same text for the
    /// same seed, but blocks as those of a program that logs as fast as it can.
    Simulated,
}

/// What is to be logged, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub records: usize,
    /// Records a second; without one, as fast as possible.
    pub rate: Option<f64>,
    /// How many threads log; events of others go to these by turns.
    pub threads: usize,
    pub seed: u64,
    pub stamps: Stamps,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub records: u64,
    pub bytes: u64,
    /// From the first call to the last.
    pub logging: Duration,
    /// From the first call until the dump was sealed.
    pub sealed: Duration,
}

impl Plan {
    /// The events, by the thread that logs them.
    ///
    /// # Panics
    /// Without threads.
    #[must_use]
    pub fn events(&self) -> Vec<Vec<Event>> {
        self.part(&mut self.workload(), self.records)
    }

    /// The events in one sequence, by time.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::new(self.seed, self.rate.unwrap_or(NOMINAL_RATE))
    }

    fn part(&self, workload: &mut Workload, records: usize) -> Vec<Vec<Event>> {
        let mut parts = vec![Vec::new(); self.threads];
        for event in workload.take(records) {
            parts[event.thread % self.threads].push(event);
        }
        parts
    }

    /// Logs what comes, each event when it is due.
    fn log(&self, start: Instant, events: &Receiver<Vec<Event>>) {
        for event in events.iter().flatten() {
            if self.stamps == Stamps::Simulated {
                event.log_at(SIMULATED_BEGINNING + event.at_ns);
                continue;
            }
            if self.rate.is_some() {
                let due = start + Duration::from_nanos(event.at_ns);
                let early = due.saturating_duration_since(Instant::now());
                if early > TOLERANCE {
                    std::thread::sleep(early);
                }
            }
            event.log();
        }
    }
}

/// Logs the workload by the global logger, in threads of its own. Returns the time from the first call to the
/// last.
///
/// # Errors
/// If a thread cannot start.
pub fn log(plan: &Plan) -> std::io::Result<Duration> {
    let mut workload = plan.workload();
    let mut left = plan.records;
    let mut next = || {
        let count = left.min(CHUNK);
        left -= count;
        (count > 0).then(|| plan.part(&mut workload, count))
    };
    let first = next();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let mut queues = Vec::new();
        for n in 0..plan.threads {
            let (queue, events) = sync_channel(1);
            queues.push(queue);
            let name = THREADS[n % THREADS.len()].to_owned();
            let thread = std::thread::Builder::new().name(name);
            thread.spawn_scoped(scope, move || plan.log(start, &events))?;
        }
        for parts in first.into_iter().chain(std::iter::from_fn(next)) {
            for (queue, part) in queues.iter().zip(parts) {
                // A thread ends only when its queue is closed.
                let _ = queue.send(part);
            }
        }
        Ok::<_, std::io::Error>(())
    })?;
    Ok(start.elapsed())
}

/// Logs the workload into a new dump, and seals it. Records wait for room: none is lost.
///
/// `settings` changes the logger before it starts.
///
/// # Errors
/// If the logger cannot start or the dump cannot be written, or if a record was lost.
pub fn write(
    path: &Path,
    plan: &Plan,
    settings: impl FnOnce(Builder) -> Builder,
) -> Result<Written, Box<dyn Error>> {
    let builder = Builder::new(path)
        .existing(Existing::Replace)
        .filter("trace")
        .on_full(OnFull::Block)
        .block_timeout(Duration::from_secs(60));
    let log = settings(builder).start()?;
    let start = Instant::now();
    let logging = self::log(plan)?;
    let before_sealing = start.elapsed();
    log.flush()?;
    let stats = log.stats();
    log.close()?;
    let sealed = logging + start.elapsed() - before_sealing;
    if stats.lost > 0 || stats.records != plan.records as u64 {
        return Err(format!("{} of {} records are in the dump", stats.records, plan.records).into());
    }
    let bytes = std::fs::metadata(path)?.len();
    Ok(Written { records: stats.records, bytes, logging, sealed })
}
