//! The rings of a logger: making them, handing them to threads and to the drain, and reusing them.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::frame::FileHeader;
use stenolog_format::loss::Loss;
use stenolog_ringbuf::queue::spsc::{self, Producer};
use stenolog_ringbuf::{Consumer, memory};
use stenolog_session::layout::{RingPlace, writer_folders};

use crate::config::{Config, Rings};
use crate::core::slot::RingSlot;
use crate::ring_dir::{self, LEAST_RING_BYTES, Missed, NoRingDir, RingDir, RingFile, SiteEntry};
use crate::sync::lock;

/// The most rings that are kept for later threads.
const MAX_FREE_RINGS: usize = 64;

/// The number of rings in files that have the configured capacity. The space of a file is reserved as a
/// whole, used or not: a program with more threads gets smaller rings for the rest.
const FULL_SIZE_FILE_RINGS: usize = 64;

/// The size of the smaller rings: a part of the configured capacity, and at least this.
const SMALL_RING_PART: usize = 16;
const SMALL_RING_BYTES: usize = 1 << 16;

/// The drain is woken when this many rings wait for it: threads that come and go leave rings that
/// only it can make ready for others.
const MANY_NEW_RINGS: usize = 32;

/// A ring that the drain has not seen yet.
pub(crate) type NewRing = (Arc<RingSlot>, Consumer);

/// The rings of a logger that are not in use, and the directory that all its rings are in.
#[derive(Debug)]
pub(crate) struct RingPool {
    capacity_bytes: usize,
    prefault: bool,
    huge_pages: bool,
    /// Where the rings are, if they are in files.
    dir: Option<RingDir>,
    /// Why they are not, unless that was configured.
    no_dir: String,
    /// Why a deleted directory could not be recreated, when that was told last.
    told_missed: Mutex<Option<io::ErrorKind>>,
    /// Rings that the drain has not seen yet; `None` once registration is closed.
    new_rings: Mutex<Option<Vec<NewRing>>>,
    /// Rings that a thread has left and the drain has emptied.
    free: Mutex<Vec<FreeRing>>,
    /// How many rings there are in files.
    file_rings: AtomicUsize,
    /// How many rings were made in memory.
    memory_rings: AtomicU64,
    next_ring: AtomicU32,
    /// Records of calls that got no ring, by level.
    ringless: [AtomicU64; 5],
}

/// An empty ring without a thread.
#[derive(Debug)]
struct FreeRing {
    producer: Producer,
    consumer: Consumer,
    file: Option<RingFile>,
    /// Why it is not in a file.
    no_file: String,
}

/// A ring for a thread.
pub(super) struct Registered {
    pub(super) producer: Producer,
    pub(super) slot: Arc<RingSlot>,
    /// Many rings wait for the drain.
    pub(super) is_drain_due: bool,
}

/// Whether a ring of `capacity` bytes holds a record with this many bytes of payload, whatever its
/// level: the last eighth is for warnings and errors.
const fn holds(capacity: usize, record_bytes: usize) -> bool {
    record_bytes <= capacity - capacity / 8 - 16
}

impl RingPool {
    /// A pool without rings, with the directory for them, or the error if there is no directory.
    pub(super) fn new(
        config: &Config,
        header: FileHeader,
        clock: &ClockPair,
    ) -> (Self, Option<NoRingDir>) {
        let (dir, no_dir) = match config.rings {
            Rings::Memory => (None, None),
            Rings::PreferFiles | Rings::RequireFiles => {
                let folders = match &config.rings_in {
                    Some(folder) => vec![folder.clone()],
                    None => writer_folders(&config.path),
                };
                match RingDir::create(&folders, header, clock, &config.path) {
                    Ok(dir) => (Some(dir), None),
                    Err(error) => (None, Some(error)),
                }
            }
        };
        let pool = Self {
            capacity_bytes: config.ring_capacity_bytes,
            prefault: config.prefault,
            huge_pages: config.huge_pages,
            dir,
            no_dir: no_dir.as_ref().map(ToString::to_string).unwrap_or_default(),
            told_missed: Mutex::default(),
            new_rings: Mutex::new(Some(Vec::new())),
            free: Mutex::default(),
            file_rings: AtomicUsize::new(0),
            memory_rings: AtomicU64::new(0),
            next_ring: AtomicU32::new(1),
            ringless: Default::default(),
        };
        (pool, no_dir)
    }

    /// Where the rings are, if they are in files.
    pub(super) fn dir(&self) -> Option<&RingDir> {
        self.dir.as_ref()
    }

    /// Why they are not.
    pub(crate) fn no_dir(&self) -> &str {
        &self.no_dir
    }

    /// How many rings were made in memory.
    pub(crate) fn memory_rings(&self) -> u64 {
        self.memory_rings.load(Ordering::Relaxed)
    }

    /// A ring for `thread`, whose ring id is set here: one that another thread has left, or a new one. It
    /// holds records of `record_bytes` if one of the configured capacity would and there is room for it.
    /// `None` if there is no memory for the smallest one. If `is_closed`, no more files are made.
    pub(super) fn register(
        &self,
        mut thread: Thread,
        record_bytes: usize,
        is_closed: bool,
    ) -> Option<Registered> {
        let ring = self.reused(record_bytes).or_else(|| self.allocate(record_bytes, is_closed));
        let FreeRing { producer, consumer, file, no_file } = ring?;
        thread.ring = self.next_ring.fetch_add(1, Ordering::Relaxed);
        let listing = self.dir.as_ref().map(|dir| {
            dir.state_thread(&thread);
            if file.is_some() {
                ring_dir::begin_ring(&consumer, thread.ring);
                dir.list(&thread, RingPlace::File)
            } else {
                dir.list(&thread, RingPlace::Memory)
            }
        });
        let slot = Arc::new(RingSlot::new(thread, file, listing, no_file));
        let mut is_drain_due = false;
        match &mut *lock(&self.new_rings) {
            Some(new_rings) => {
                new_rings.push((Arc::clone(&slot), consumer));
                is_drain_due = new_rings.len().is_multiple_of(MANY_NEW_RINGS);
            }
            None => slot.leave_consumer(consumer),
        }
        Some(Registered { producer, slot, is_drain_due })
    }

    /// Counts a record of a call that got no ring.
    pub(super) fn count_ringless(&self, level: Level) {
        let before = self.ringless[level.index()].fetch_add(1, Ordering::Relaxed);
        if let Some(dir) = &self.dir {
            // For a reader, if the process dies before the drain states it.
            dir.state_ringless(level, before + 1);
        }
    }

    /// The records lost so far because there was no ring for them.
    pub(crate) fn ringless(&self, counter: u64) -> Loss {
        let full = std::array::from_fn(|level| self.ringless[level].load(Ordering::Relaxed));
        Loss { counter, full, too_large: [0; 5] }
    }

    /// Whether a ring of `capacity` bytes may be replaced by one that holds more: it is one of the
    /// many small ones, and does not hold a record of `record_bytes`.
    pub(super) const fn deserves_larger_ring(&self, capacity: usize, record_bytes: usize) -> bool {
        capacity < self.capacity_bytes && !holds(capacity, record_bytes)
    }

    fn reused(&self, record_bytes: usize) -> Option<FreeRing> {
        let mut free = lock(&self.free);
        let fits =
            |ring: &FreeRing| !self.deserves_larger_ring(ring.producer.capacity(), record_bytes);
        let at = free.iter().rposition(fits)?;
        Some(free.swap_remove(at))
    }

    /// A new ring, of the configured capacity if there is room for that. In a file if possible:
    /// a small ring that survives is better than a large one that does not.
    fn allocate(&self, record_bytes: usize, is_closed: bool) -> Option<FreeRing> {
        let wanted = self.capacity_bytes;
        let small = (wanted / SMALL_RING_PART).max(SMALL_RING_BYTES).min(wanted);
        let smaller = |from: usize| std::iter::successors(Some(from), |bytes| Some(bytes / 4));
        let least = || smaller(small / 4).take_while(|&bytes| bytes >= LEAST_RING_BYTES);
        let mut no_file = String::new();
        if let Some(dir) = self.dir.as_ref().filter(|_| !is_closed) {
            let is_one_of_many = self.file_rings.load(Ordering::Relaxed) >= FULL_SIZE_FILE_RINGS;
            let most = if is_one_of_many && holds(small, record_bytes) { small } else { wanted };
            let fits = |&bytes: &usize| bytes >= small && holds(bytes, record_bytes);
            let capacities = [most].into_iter().chain(smaller(most / 4).take_while(fits));
            let ring = self.file_ring(dir, &capacities.collect::<Vec<_>>()).or_else(|error| {
                // Then there is no memory for a large one elsewhere either.
                let is_mapping = error.kind() == io::ErrorKind::OutOfMemory;
                if is_mapping {
                    self.file_ring(dir, &least().collect::<Vec<_>>())
                } else {
                    Err(error)
                }
            });
            match ring {
                Ok(ring) => return Some(ring),
                Err(error) => no_file = error.to_string(),
            }
        }
        let mut capacities = smaller(wanted).take_while(|&bytes| bytes >= small).chain(least());
        let (producer, consumer) = capacities.find_map(|bytes| self.memory_ring(bytes))?;
        self.memory_rings.fetch_add(1, Ordering::Relaxed);
        Some(FreeRing { producer, consumer, file: None, no_file })
    }

    fn file_ring(&self, dir: &RingDir, capacities: &[usize]) -> io::Result<FreeRing> {
        let (producer, consumer, file) = dir.new_ring(capacities)?;
        self.file_rings.fetch_add(1, Ordering::Relaxed);
        Ok(FreeRing { producer, consumer, file: Some(file), no_file: String::new() })
    }

    fn memory_ring(&self, capacity: usize) -> Option<(Producer, Consumer)> {
        let options = || memory::Options::new(capacity).huge_pages(self.huge_pages);
        // Without memory for the whole ring, its pages come as they are used.
        let is_ready = self.prefault || self.huge_pages;
        let ready = is_ready.then(|| options().create_spsc().ok());
        ready.flatten().or_else(|| spsc::try_new(capacity).ok())
    }

    /// The rings that were registered since the last call.
    pub(crate) fn take_new(&self) -> Vec<NewRing> {
        lock(&self.new_rings).as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether rings were registered since the last call of [`take_new`](Self::take_new).
    pub(crate) fn has_new(&self) -> bool {
        lock(&self.new_rings).as_ref().is_some_and(|rings| !rings.is_empty())
    }

    /// As [`take_new`](Self::take_new); the drain does not see rings that are registered later.
    pub(crate) fn close_registration(&self) -> Vec<NewRing> {
        lock(&self.free).clear();
        lock(&self.new_rings).take().unwrap_or_default()
    }

    /// Keeps an empty ring that no thread has, for another thread.
    pub(crate) fn recycle(&self, producer: Producer, consumer: Consumer, slot: &RingSlot) {
        let Some(dir) = &self.dir else {
            let mut free = lock(&self.free);
            if free.len() < MAX_FREE_RINGS {
                let no_file = slot.no_file().to_owned();
                free.push(FreeRing { producer, consumer, file: None, no_file });
            }
            return;
        };
        slot.unlist(dir);
        ring_dir::end_ring(&consumer);
        dir.forget_thread(slot.thread.ring);
        let mut free = lock(&self.free);
        // A ring in memory is not kept where the next one may be in a file.
        if let Some(file) = slot.file()
            && free.len() < MAX_FREE_RINGS
        {
            free.push(FreeRing { producer, consumer, file: Some(file), no_file: String::new() });
        } else {
            drop(free);
            self.remove_file(dir, slot);
        }
    }

    /// Removes a ring that no thread has and that is no longer read or written.
    pub(crate) fn discard(&self, slot: &RingSlot) {
        if let Some(dir) = &self.dir {
            slot.unlist(dir);
            self.remove_file(dir, slot);
        }
    }

    fn remove_file(&self, dir: &RingDir, slot: &RingSlot) {
        if let Some(file) = slot.made_in() {
            dir.remove_ring(file);
            self.file_rings.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Checks whether the rings in files still exist (these are in use), and recreates the
    /// directory if it is gone. `sites` gives the entries of all call sites.
    pub(super) fn look<'s>(
        &self,
        slots: impl Iterator<Item = &'s Arc<RingSlot>> + Clone,
        sites: &dyn Fn() -> Vec<SiteEntry>,
    ) -> Option<Missed> {
        let dir = self.dir.as_ref()?;
        let in_use = slots.clone().filter_map(|slot| Some((slot.thread.ring, slot.file()?)));
        let missed = dir.look(&in_use.collect::<Vec<_>>(), sites);
        if missed.made_again.is_none() && missed.rings.is_empty() {
            return None;
        }
        lock(&self.free).retain(|ring| ring.file.is_none_or(|file| dir.has_ring(file)));
        for slot in slots.filter(|slot| missed.rings.contains(&slot.thread.ring)) {
            slot.unlink(dir);
            self.file_rings.fetch_sub(1, Ordering::Relaxed);
        }
        Some(missed)
    }

    /// Whether this is other news than last time: an error that persists is told once.
    pub(super) fn is_news(&self, missed: &Missed) -> bool {
        let error = missed.made_again.as_ref().and_then(|(_, made)| made.as_ref().err());
        let kind = error.map(io::Error::kind);
        let told = std::mem::replace(&mut *lock(&self.told_missed), kind);
        kind.is_none() || told != kind
    }
}
