//! A ring as its thread and the drain share it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::loss::Loss;
use stenolog_format::volatile::VolatileState;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;

use crate::ring_dir::{Listing, RingDir, RingFile};
use crate::stats::LATE;
use crate::sync::lock;

/// A ring as its thread and the drain know it.
#[derive(Debug)]
pub(crate) struct RingSlot {
    pub(crate) thread: Thread,
    /// The file that the ring is in.
    file: Option<RingFile>,
    /// Its entry in the ring directory.
    listing: Mutex<Option<Listing>>,
    /// Whether its file is gone: its content then dies with the process.
    is_unlinked: AtomicBool,
    /// Why it is not in a file.
    no_file: String,
    /// Records lost since the thread got the ring, by cause and level. Only that thread writes them.
    lost: [[AtomicU64; 5]; 2],
    /// The producer, once its thread has gone.
    retired: Mutex<Option<Producer>>,
    is_retired: AtomicBool,
    /// The producer's position when its thread last had no claim open: all before is committed.
    committed_to: AtomicU64,
    /// Whether the drain no longer reads the ring because another program has written to its file.
    is_set_aside: AtomicBool,
    /// The consumer, once the drain has ended: what is in the ring then comes too late.
    leftover: Mutex<Option<Consumer>>,
}

impl RingSlot {
    pub(super) fn new(
        thread: Thread,
        file: Option<RingFile>,
        listing: Option<Listing>,
        no_file: String,
    ) -> Self {
        Self {
            thread,
            file,
            no_file,
            listing: Mutex::new(listing),
            is_unlinked: AtomicBool::new(false),
            lost: Default::default(),
            retired: Mutex::new(None),
            is_retired: AtomicBool::new(false),
            committed_to: AtomicU64::new(0),
            is_set_aside: AtomicBool::new(false),
            leftover: Mutex::new(None),
        }
    }

    /// The file that the ring is in, unless that is gone.
    pub(crate) fn file(&self) -> Option<RingFile> {
        self.file.filter(|_| !self.is_unlinked())
    }

    /// Whether the ring's file is gone. Its thread then has to take another ring.
    pub(crate) fn is_unlinked(&self) -> bool {
        self.is_unlinked.load(Ordering::Relaxed)
    }

    /// In what way the ring does not survive the process, and why.
    pub(crate) fn volatile(&self) -> Option<(VolatileState, &str)> {
        match self.file {
            None => Some((VolatileState::Memory, &self.no_file)),
            Some(_) => self.is_unlinked().then_some((VolatileState::Unlinked, "")),
        }
    }

    /// Counts a lost record. Only the ring's thread calls this.
    pub(crate) fn count_loss(&self, level: Level, too_large: bool) {
        let count = &self.lost[usize::from(too_large)][level.index()];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// The file that the ring was made in, even if that is gone.
    pub(super) fn made_in(&self) -> Option<RingFile> {
        self.file
    }

    /// Why the ring is not in a file.
    pub(super) fn no_file(&self) -> &str {
        &self.no_file
    }

    /// Notes that the ring's file is gone.
    pub(super) fn unlink(&self, dir: &RingDir) {
        if let Some(listing) = &mut *lock(&self.listing) {
            dir.unlink(listing);
        }
        self.is_unlinked.store(true, Ordering::Relaxed);
    }

    /// Removes the ring from the list in the ring directory: the dump has all that it held, or states it.
    pub(super) fn unlist(&self, dir: &RingDir) {
        if let Some(listing) = lock(&self.listing).take() {
            dir.unlist(listing);
        }
    }

    /// The records lost so far.
    pub(crate) fn loss(&self, counter: u64) -> Loss {
        let [full, too_large] = [0, 1].map(|cause: usize| {
            std::array::from_fn(|level| self.lost[cause][level].load(Ordering::Acquire))
        });
        Loss { counter, full, too_large }
    }

    /// Notes that the ring's thread has committed everything before its producer's position.
    pub(crate) fn note_committed(&self, producer: &Producer) {
        self.committed_to.store(producer.position(), Ordering::Release);
    }

    /// The position up to which everything is certainly committed.
    pub(crate) fn committed_to(&self) -> u64 {
        self.committed_to.load(Ordering::Acquire)
    }

    /// Makes the ring's thread take another one. Returns `false` if that was done before.
    pub(crate) fn set_aside(&self) -> bool {
        !self.is_set_aside.swap(true, Ordering::Release)
    }

    pub(crate) fn is_set_aside(&self) -> bool {
        self.is_set_aside.load(Ordering::Acquire)
    }

    /// Gives the producer back: its thread logs no more.
    pub(crate) fn retire(&self, producer: Producer) {
        self.note_committed(&producer);
        // Under the lock: a drain that sees the flag finds the producer.
        let mut retired = lock(&self.retired);
        *retired = Some(producer);
        self.is_retired.store(true, Ordering::Release);
    }

    /// Whether the thread has gone: what is in the ring now is all there will be.
    pub(crate) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    /// Leaves the consumer here: the drain no longer reads the ring.
    pub(crate) fn leave_consumer(&self, consumer: Consumer) {
        *lock(&self.leftover) = Some(consumer);
        if self.is_retired() {
            self.count_late_records();
        }
    }

    /// Counts the records that were committed after the drain's last look.
    pub(crate) fn count_late_records(&self) {
        if let Some(mut consumer) = lock(&self.leftover).take() {
            let is_record = |tag| tag >= CallSite::FIRST_ID;
            let mut records = 0;
            consumer.drain(usize::MAX, |record| records += u64::from(is_record(record.tag())));
            LATE.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// The producer of a thread that has gone.
    pub(crate) fn take_producer(&self) -> Option<Producer> {
        lock(&self.retired).take()
    }
}
