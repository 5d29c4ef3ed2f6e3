//! Core of a logger: the state that its threads share with each other and with its drain.
//!
//! ```text
//!   rings      makes rings, hands them to threads and to the drain, and reuses them
//!   slot       one ring, as its thread and the drain share it
//!   control    requests to the drain, and its end
//!   counters   what both count
//! ```

mod control;
mod counters;
mod ring_pool;
mod slot;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use crossbeam_utils::sync::Unparker;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_ringbuf::queue::spsc::Producer;

use self::control::Control;
pub(crate) use self::control::{Request, WriteResult};
use self::counters::Counters;
pub(crate) use self::ring_pool::NewRing;
use self::ring_pool::RingPool;
pub(crate) use self::slot::RingSlot;
use crate::clock::{Clock, unix_ns};
use crate::config::Config;
use crate::error::FlushError;
use crate::event::Event;
use crate::filter::Filter;
use crate::process::epoch;
use crate::ring_dir::{Missed, NoRingDir, RingDir, SiteEntry};
use crate::sync;

/// The target of the logger's own records.
pub(crate) const OWN_TARGET: &str = "stenolog";

/// The module that makes them: an application's records with this target are filtered.
const OWN_MODULE: &str = "stenolog::handle::start";

/// How long a call waits for the dump to have the entry of its call site, if nothing else can.
const EXPLAIN_WITHIN: Duration = Duration::from_secs(1);

/// A logger without its handle and without its drain's own state.
#[derive(Debug)]
pub(crate) struct Core {
    /// No other logger has it.
    id: u32,
    /// Changed when threads must take new rings.
    generation: AtomicU32,
    /// The epoch of the process that created it.
    epoch: u32,
    /// The header of its first file.
    pub(crate) header: FileHeader,
    pub(crate) config: Config,
    pub(crate) clock: &'static Clock,
    filter: RwLock<Filter>,
    pub(crate) rings: RingPool,
    pub(crate) counters: Counters,
    pub(crate) control: Control,
}

fn next_generation() -> u32 {
    // 0 and 1 have a meaning in a call site's state; `thread::local::NO_GENERATION` is the largest.
    static NEXT_GENERATION: AtomicU32 = AtomicU32::new(2);
    NEXT_GENERATION.fetch_add(1, Ordering::Relaxed)
}

impl Core {
    /// A logger, with the directory for its rings, or the error if there is no directory. The configuration
    /// decides whether the error is fatal.
    pub(crate) fn new(
        config: Config,
        filter: Filter,
        drain: Unparker,
    ) -> (Self, Option<NoRingDir>) {
        let clock = Clock::get();
        let header = FileHeader {
            version: VERSION,
            session: session_id(),
            created_unix_ns: unix_ns(SystemTime::now()),
            sequence: 0,
            process_id: std::process::id(),
            counter_hz: clock.hz(),
        };
        let (rings, no_ring_dir) = RingPool::new(&config, header, &clock.pair());
        let first_generation = next_generation();
        let core = Self {
            id: first_generation,
            generation: AtomicU32::new(first_generation),
            epoch: epoch::current(),
            header,
            config,
            clock,
            filter: RwLock::new(filter),
            rings,
            counters: Counters::default(),
            control: Control::new(drain),
        };
        (core, no_ring_dir)
    }

    /// Whether this process was forked with it: it belongs to the parent.
    pub(crate) fn is_inherited(&self) -> bool {
        self.epoch != epoch::current()
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Where the rings are, if they are in files.
    pub(crate) fn ring_dir(&self) -> Option<&RingDir> {
        self.rings.dir()
    }

    /// Whether the drain has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.control.is_closed() || self.is_inherited()
    }

    /// Wakes the drain; cheap if it is awake.
    pub(crate) fn wake_drain(&self) {
        self.control.wake_drain();
    }

    /// Whether the filter wants a record with this level and target. `module` tells the logger's own
    /// records, which no filter holds back.
    pub(crate) fn allows(&self, level: Level, target: &str, module: &str) -> bool {
        if target == OWN_TARGET && module == OWN_MODULE {
            return true;
        }
        sync::read(&self.filter).allows(level, target)
    }

    /// The least severe level that the filter wants of any target.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn max_level(&self) -> Option<Level> {
        sync::read(&self.filter).max_level()
    }

    /// As [`max_level`](Self::max_level), of a logger that this process has inherited: a thread that does not exist
    /// here may hold the filter.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn inherited_max_level(&self) -> Option<Level> {
        match self.filter.try_read() {
            Ok(filter) => filter.max_level(),
            Err(std::sync::TryLockError::Poisoned(filter)) => filter.into_inner().max_level(),
            Err(std::sync::TryLockError::WouldBlock) => Some(Level::Trace),
        }
    }

    /// As [`allows`](Self::allows), for a signal handler; `None` if the filter is being changed.
    pub(crate) fn allows_in_handler(&self, level: Level, target: &str) -> Option<bool> {
        Some(sync::read_in_handler(&self.filter)?.allows(level, target))
    }

    /// Replaces the filter. The caller then has the registry forget its decisions.
    pub(crate) fn set_filter(&self, filter: Filter) {
        *sync::write(&self.filter) = filter;
    }

    /// A ring for a thread: one that another thread has left, or a new one. It holds records of
    /// `record_bytes`, if one of the configured capacity would and there is room for it. `None` if there
    /// is no memory for the smallest one. Its records come after those of the ring `continues`, which the
    /// thread gives back and does not write to any more.
    pub(crate) fn new_ring(
        &self,
        os_id: u64,
        name: String,
        record_bytes: usize,
        continues: Option<u32>,
    ) -> Option<(Producer, Arc<RingSlot>)> {
        let thread = Thread { ring: 0, os_id, name, continues };
        let ring = self.rings.register(thread, record_bytes, self.is_closed())?;
        if ring.is_drain_due {
            self.wake_drain();
        }
        Some((ring.producer, ring.slot))
    }

    /// Whether a ring of `capacity` bytes may be replaced by one that holds a record of `record_bytes`.
    pub(crate) const fn deserves_larger_ring(&self, capacity: usize, record_bytes: usize) -> bool {
        self.rings.deserves_larger_ring(capacity, record_bytes)
    }

    /// Counts a record of a call that got no ring.
    pub(crate) fn count_ringless(&self, level: Level) {
        self.rings.count_ringless(level);
        // Release: a drain that sees the sum changed finds out which ring it was.
        self.counters.lost.fetch_add(1, Ordering::Release);
        self.wake_drain();
    }

    /// Checks whether the rings in files still exist (these are in use), and recreates the
    /// directory if it is gone. `sites` gives the entries of all call sites.
    ///
    /// If anything is missing, threads have to take other rings: the caller has the registry forget its
    /// decisions, and then calls [`tell_missed`](Self::tell_missed).
    pub(crate) fn look_at_rings<'s>(
        &self,
        slots: impl Iterator<Item = &'s Arc<RingSlot>> + Clone,
        sites: &dyn Fn() -> Vec<SiteEntry>,
    ) -> Option<Missed> {
        let missed = self.rings.look(slots, sites)?;
        self.generation.store(next_generation(), Ordering::Relaxed);
        Some(missed)
    }

    /// Tells the operator that rings, or their directory, were deleted.
    pub(crate) fn tell_missed(&self, missed: Missed) {
        let Some(dir) = self.ring_dir().filter(|_| self.rings.is_news(&missed)) else { return };
        let Missed { made_again, rings } = missed;
        let directory = made_again.as_ref().map_or(dir.path(), |(path, _)| path).to_owned();
        self.config.listeners.tell(Event::RingsDeleted {
            path: self.config.path.clone(),
            directory,
            rings: rings.len() as u64,
            error: made_again.and_then(|(_, made)| made.err()).map(Arc::new),
        });
    }

    /// Asks the drain to write; the answer comes when it has.
    pub(crate) fn ask(&self, sync: bool) -> Result<Receiver<WriteResult>, FlushError> {
        let ended = || FlushError::Ended { path: self.config.path.clone() };
        self.control.ask(sync).ok_or_else(ended)
    }

    /// Has the dump explain a call site for whose entry no ring directory has room: waits until the
    /// record of it that this thread has just committed is written.
    ///
    /// If that takes too long, the record may have no explanation if the process dies now.
    pub(crate) fn explain_in_dump(&self, id: u32) {
        if self.control.is_manual() {
            // This thread may be the one that should drain.
            return;
        }
        let timeout = self.config.block_timeout.unwrap_or(EXPLAIN_WITHIN).min(EXPLAIN_WITHIN);
        let _ = self.ask(false).map(|answers| answers.recv_timeout(timeout));
        // Once: while the dump cannot be written, later calls of the site must not wait.
        if let Some(dir) = self.ring_dir() {
            dir.note_explained(id);
        }
    }
}

/// A number that no other run has. The standard library's hash keys are random; time and process
/// id tell apart what a fork has copied.
fn session_id() -> [u8; 16] {
    let time = unix_ns(SystemTime::now());
    let word = |salt: u8| RandomState::new().hash_one((salt, time, std::process::id()));
    let mut id = [0; 16];
    id[..8].copy_from_slice(&word(0).to_le_bytes());
    id[8..].copy_from_slice(&word(1).to_le_bytes());
    id
}
