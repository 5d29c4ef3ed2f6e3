//! What the threads of a logger share: its configuration, its rings, and the line to its drain.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use crossbeam_utils::sync::Unparker;
use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_format::loss::Loss;
use stenolog_format::volatile::VolatileState;
use stenolog_ringbuf::queue::spsc::{self, Producer};
use stenolog_ringbuf::{Consumer, memory};
use stenolog_session::layout::{RingPlace, writer_folders};

use crate::clock::{Clock, unix_ns};
use crate::config::{Config, Rings};
use crate::error::{DrainError, FlushError};
use crate::event::Event;
use crate::filter::Filter;
use crate::process::epoch;
use crate::ring_dir::{self, LEAST_RING_BYTES, Listing, Missed, NoRingDir, RingDir, RingFile};
use crate::stats::LATE;
use crate::sync::{self, lock};

/// Whether a ring of `capacity` bytes holds a record with so many bytes of payload, whatever its
/// level: the last eighth is for warnings and errors.
const fn is_at_home(capacity: usize, record_bytes: usize) -> bool {
    record_bytes <= capacity - capacity / 8 - 16
}

/// A ring as its thread and the drain know it.
#[derive(Debug)]
pub(crate) struct RingSlot {
    pub(crate) thread: Thread,
    /// The file that the ring is in.
    file: Option<RingFile>,
    /// What the ring directory says of it.
    listing: Mutex<Option<Listing>>,
    /// Whether its file is gone, so that its content dies with the process.
    is_unlinked: AtomicBool,
    /// Why it is not in a file.
    no_file: String,
    /// Records lost since the ring's birth, written by the ring's thread alone.
    lost: [[AtomicU64; 5]; 2],
    /// The producer, once its thread has gone.
    retired: Mutex<Option<Producer>>,
    is_retired: AtomicBool,
    /// The producer's position when its thread last had nothing half written: all before is committed.
    committed_to: AtomicU64,
    /// Whether the drain no longer reads the ring because another program has written to its file.
    is_set_aside: AtomicBool,
    /// The consumer, once the drain has gone: what is in there comes too late.
    leftover: Mutex<Option<Consumer>>,
}

impl RingSlot {
    fn new(
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

    /// The file that the ring is in, as long as that is where it was made.
    pub(crate) fn file(&self) -> Option<RingFile> {
        self.file.filter(|_| !self.is_unlinked())
    }

    /// Whether the ring's file is gone, so that its thread is to take another one.
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

    /// What was lost so far.
    pub(crate) fn loss(&self, counter: u64) -> Loss {
        let [full, too_large] = [0, 1].map(|cause: usize| {
            std::array::from_fn(|level| self.lost[cause][level].load(Ordering::Acquire))
        });
        Loss { counter, full, too_large }
    }

    /// Notes that the ring's thread has committed all before this position of its producer.
    pub(crate) fn note_committed(&self, producer: &Producer) {
        self.committed_to.store(producer.position(), Ordering::Release);
    }

    /// Up to where everything is committed, for sure.
    pub(crate) fn committed_to(&self) -> u64 {
        self.committed_to.load(Ordering::Acquire)
    }

    /// Has the ring's thread take another one; `false` if that was said already.
    pub(crate) fn set_aside(&self) -> bool {
        !self.is_set_aside.swap(true, Ordering::Release)
    }

    pub(crate) fn is_set_aside(&self) -> bool {
        self.is_set_aside.load(Ordering::Acquire)
    }

    /// Gives the producer back: its thread logs no more.
    pub(crate) fn retire(&self, producer: Producer) {
        self.note_committed(&producer);
        // Who sees that the thread has gone finds the producer, in whichever order the two are set.
        let mut retired = lock(&self.retired);
        *retired = Some(producer);
        self.is_retired.store(true, Ordering::Release);
    }

    /// Whether the thread has gone: what is in the ring now is all there will be.
    pub(crate) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    /// Leaves the consumer behind: the drain looks at the ring no more.
    pub(crate) fn leave(&self, consumer: Consumer) {
        *lock(&self.leftover) = Some(consumer);
        if self.is_retired() {
            self.count_latecomers();
        }
    }

    /// Counts the records that were committed after the drain had looked for the last time.
    pub(crate) fn count_latecomers(&self) {
        if let Some(mut consumer) = lock(&self.leftover).take() {
            let is_record = |tag| tag >= CallSite::FIRST_ID;
            let mut records = 0;
            consumer.drain(usize::MAX, |record| records += u64::from(is_record(record.tag())));
            LATE.fetch_add(records, Ordering::Relaxed);
        }
    }

    pub(crate) fn take_producer(&self) -> Option<Producer> {
        lock(&self.retired).take()
    }
}

/// What the drain tells the world.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) records: AtomicU64,
    /// Counted with its ring before.
    pub(crate) lost: AtomicU64,
    /// How many rings have been left by their thread.
    pub(crate) retired: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) write_errors: AtomicU64,
    pub(crate) sync_errors: AtomicU64,
    pub(crate) files_replaced: AtomicU64,
    pub(crate) lost_with_files: AtomicU64,
    pub(crate) failing: Mutex<Option<io::ErrorKind>>,
    pub(crate) memory_rings: AtomicU64,
}

/// A thread that waits for the drain.
#[derive(Debug)]
pub(crate) struct Request {
    /// The data is wanted on the disk.
    pub(crate) sync: bool,
    answer: SyncSender<WriteResult>,
}

/// How a write went; shared by all who asked for it.
pub(crate) type WriteResult = Result<(), DrainError>;

impl Request {
    /// Answers; who asked may have gone.
    pub(crate) fn answer(self, result: WriteResult) {
        let _ = self.answer.try_send(result);
    }
}

/// What the drain is asked for, and what it says of itself.
#[derive(Debug, Default)]
struct Control {
    requests: Vec<Request>,
    stop: bool,
    /// The process ends.
    exiting: bool,
    /// The drain has ended, or has died.
    ended: bool,
    /// Why the dump could not be written to its end.
    error: Option<DrainError>,
}

/// A logger, but for its drain's own state.
#[derive(Debug)]
pub(crate) struct Core {
    /// No other logger has it.
    id: u32,
    /// Changed when threads are to take new rings.
    generation: AtomicU32,
    /// That of the process that it was made in.
    epoch: u32,
    /// What its first file begins with.
    pub(crate) header: FileHeader,
    /// Where its rings are, if they are in files.
    ring_dir: Option<RingDir>,
    /// Why they are not, unless that was asked for.
    no_ring_dir: String,
    /// Why a directory that is gone could not be made again, when that was told last.
    told_missed: Mutex<Option<io::ErrorKind>>,
    /// The program itself polls the drain.
    is_manual: AtomicBool,
    /// Records of calls that got no ring, by level.
    ringless: [AtomicU64; 5],
    pub(crate) config: Config,
    pub(crate) clock: &'static Clock,
    filter: RwLock<Filter>,
    /// Rings that the drain has not seen yet; `None` when it looks no more.
    newborn: Mutex<Option<Vec<NewRing>>>,
    /// Rings that a thread has left and the drain has emptied.
    free: Mutex<Vec<FreeRing>>,
    /// How many rings there are in files.
    file_rings: AtomicUsize,
    next_ring: AtomicU32,
    closed: AtomicBool,
    pub(crate) counters: Counters,
    control: Mutex<Control>,
    drain: Unparker,
}

/// A ring without a thread, and empty.
#[derive(Debug)]
struct FreeRing {
    producer: Producer,
    consumer: Consumer,
    file: Option<RingFile>,
    /// Why it is in none.
    no_file: String,
}

/// A ring that the drain is to look after.
pub(crate) type NewRing = (Arc<RingSlot>, Consumer);

/// The target of the logger's own records.
pub(crate) const OWN_TARGET: &str = "stenolog";
const OWN_MODULE: &str = "stenolog::handle::builder";

fn next_generation() -> u32 {
    // 0 and 1 have a meaning in a call site's state; `thread::NO_GENERATION` is the largest.
    static NEXT_GENERATION: AtomicU32 = AtomicU32::new(2);
    NEXT_GENERATION.fetch_add(1, Ordering::Relaxed)
}

/// No more rings than these are kept for threads to come.
const MAX_FREE_RINGS: usize = 64;

/// As many rings in files have the capacity that was asked for. The space of a file is reserved as a
/// whole, used or not, so that the many threads of a program that has more get smaller ones.
const FULL_SIZE_FILE_RINGS: usize = 64;

/// The smaller ones' part of that capacity, and the least that they have.
const SMALL_RING_PART: usize = 16;
const SMALL_RING_BYTES: usize = 1 << 16;

/// How long a call waits for the dump to explain its call site, if nothing else can.
const EXPLAIN_WITHIN: Duration = Duration::from_secs(1);

/// The drain is woken when this many rings wait for it: threads that come and go leave rings that
/// only it can make ready for others.
const MANY_NEW_RINGS: usize = 32;

/// Whether this much memory is available. Ask before making many small allocations: the first one that
/// failed would end the process, which a logger must not do.
pub(crate) fn has_memory(bytes: usize) -> bool {
    let mut probe = Vec::<u8>::new();
    let has_room = probe.try_reserve_exact(bytes).is_ok();
    std::hint::black_box(&mut probe);
    has_room
}

/// The most memory that a first call takes, without its ring: entries of the registry, names, paths.
pub(crate) const COLD_CALL_BYTES: usize = 1 << 14;

impl Core {
    /// A logger, with the folder for its rings; or why there is none, which the policy of the
    /// configuration allows or not.
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
        let (ring_dir, no_ring_dir) = match config.rings {
            Rings::Memory => (None, None),
            Rings::PreferFiles | Rings::RequireFiles => {
                let folders = match &config.rings_in {
                    Some(folder) => vec![folder.clone()],
                    None => writer_folders(&config.path),
                };
                match RingDir::create(&folders, header, &clock.pair(), &config.path) {
                    Ok(dir) => (Some(dir), None),
                    Err(error) => (None, Some(error)),
                }
            }
        };
        let first_generation = next_generation();
        let core = Self {
            id: first_generation,
            generation: AtomicU32::new(first_generation),
            epoch: epoch::current(),
            header,
            ring_dir,
            no_ring_dir: no_ring_dir.as_ref().map(ToString::to_string).unwrap_or_default(),
            told_missed: Mutex::default(),
            is_manual: AtomicBool::new(false),
            ringless: Default::default(),
            config,
            clock,
            filter: RwLock::new(filter),
            newborn: Mutex::new(Some(Vec::new())),
            free: Mutex::default(),
            file_rings: AtomicUsize::new(0),
            next_ring: AtomicU32::new(1),
            closed: AtomicBool::new(false),
            counters: Counters::default(),
            control: Mutex::default(),
            drain,
        };
        (core, no_ring_dir)
    }

    /// Whether this process was forked with it: it belongs to the parent.
    pub(crate) fn is_inherited(&self) -> bool {
        self.epoch != epoch::current()
    }

    /// Where the rings are, if they are in files.
    pub(crate) fn ring_dir(&self) -> Option<&RingDir> {
        self.ring_dir.as_ref()
    }

    /// Why they are not.
    pub(crate) fn no_ring_dir(&self) -> &str {
        &self.no_ring_dir
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Looks whether the rings in files are still there, of which these are in use, and makes the
    /// directory again if it is gone. `sites` gives the entries of all call sites.
    ///
    /// If anything is missing, threads have to take other rings: the caller has the registry forget its
    /// decisions, and then calls [`tell_missed`](Self::tell_missed).
    pub(crate) fn look_at_rings<'s>(
        &self,
        slots: impl Iterator<Item = &'s Arc<RingSlot>> + Clone,
        sites: &dyn Fn() -> Vec<Arc<CallSite>>,
    ) -> Option<Missed> {
        let dir = self.ring_dir.as_ref()?;
        let in_use = slots.clone().filter_map(|slot| Some((slot.thread.ring, slot.file()?)));
        let missed = dir.look(&in_use.collect::<Vec<_>>(), sites);
        if missed.made_again.is_none() && missed.rings.is_empty() {
            return None;
        }
        lock(&self.free).retain(|ring| ring.file.is_none_or(|file| dir.has_ring(file)));
        for slot in slots.filter(|slot| missed.rings.contains(&slot.thread.ring)) {
            if let Some(listing) = &mut *lock(&slot.listing) {
                dir.unlink(listing);
            }
            slot.is_unlinked.store(true, Ordering::Relaxed);
            self.file_rings.fetch_sub(1, Ordering::Relaxed);
        }
        self.generation.store(next_generation(), Ordering::Relaxed);
        Some(missed)
    }

    /// Tells the operator that rings, or their directory, were deleted.
    pub(crate) fn tell_missed(&self, missed: Missed) {
        let Missed { made_again, rings } = missed;
        let Some(dir) = &self.ring_dir else { return };
        let error = made_again.as_ref().and_then(|(_, made)| made.as_ref().err());
        let kind = error.map(io::Error::kind);
        // An error that persists is told once.
        let told = std::mem::replace(&mut *lock(&self.told_missed), kind);
        if kind.is_some() && told == kind {
            return;
        }
        let directory = made_again.as_ref().map_or(dir.path(), |(path, _)| path).to_owned();
        self.config.listeners.tell(Event::RingsDeleted {
            path: self.config.path.clone(),
            directory,
            rings: rings.len() as u64,
            error: made_again.and_then(|(_, made)| made.err()).map(Arc::new),
        });
    }

    /// Whether the filter wants a record with this level and target. `module` tells the logger's own
    /// records, which no filter holds back.
    pub(crate) fn allows(&self, level: Level, target: &str, module: &str) -> bool {
        if target == OWN_TARGET && module == OWN_MODULE {
            return true;
        }
        sync::read(&self.filter).allows(level, target)
    }

    /// As [`allows`](Self::allows), for a signal handler; `None` if the filter is being changed.
    pub(crate) fn allows_in_handler(&self, level: Level, target: &str) -> Option<bool> {
        Some(sync::read_in_handler(&self.filter)?.allows(level, target))
    }

    /// Replaces the filter. The call sites have to be told by `registry::forget_decisions`.
    pub(crate) fn set_filter(&self, filter: Filter) {
        *sync::write(&self.filter) = filter;
    }

    /// A ring for a thread: one that another thread has left, or a new one. It holds records of
    /// `record_bytes`, if one of the configured capacity would and there is room for it. `None` if there
    /// is no memory for the smallest one. Its records come behind those of the ring `continues`, which the
    /// thread gives back and does not write to any more.
    pub(crate) fn new_ring(
        &self,
        os_id: u64,
        name: String,
        record_bytes: usize,
        continues: Option<u32>,
    ) -> Option<(Producer, Arc<RingSlot>)> {
        let ring = self.reused(record_bytes).or_else(|| self.allocate(record_bytes));
        let FreeRing { producer, consumer, file, no_file } = ring?;
        let ring = self.next_ring.fetch_add(1, Ordering::Relaxed);
        let thread = Thread { ring, os_id, name, continues };
        let listing = self.ring_dir.as_ref().map(|dir| {
            dir.state_thread(&thread);
            if file.is_some() {
                ring_dir::begin_ring(&consumer, ring);
                dir.list(&thread, RingPlace::File)
            } else {
                dir.list(&thread, RingPlace::Memory)
            }
        });
        let slot = Arc::new(RingSlot::new(thread, file, listing, no_file));
        match &mut *lock(&self.newborn) {
            Some(newborn) => {
                newborn.push((Arc::clone(&slot), consumer));
                if newborn.len().is_multiple_of(MANY_NEW_RINGS) {
                    self.wake_drain();
                }
            }
            None => slot.leave(consumer),
        }
        Some((producer, slot))
    }

    /// Counts a record of a call that got no ring.
    pub(crate) fn count_ringless(&self, level: Level) {
        let before = self.ringless[level.index()].fetch_add(1, Ordering::Relaxed);
        if let Some(dir) = &self.ring_dir {
            // Should the process die before the drain states it.
            dir.state_ringless(level, before + 1);
        }
        // Release: a drain that sees the sum changed finds out whose loss it was.
        self.counters.lost.fetch_add(1, Ordering::Release);
        self.wake_drain();
    }

    /// What was lost so far as there was no ring for it.
    pub(crate) fn ringless(&self, counter: u64) -> Loss {
        let full = std::array::from_fn(|level| self.ringless[level].load(Ordering::Relaxed));
        Loss { counter, full, too_large: [0; 5] }
    }

    /// Whether a ring of `capacity` bytes may be replaced by one that holds more: it is one of the
    /// many small ones, and does not hold a record of `record_bytes`.
    pub(crate) const fn deserves_larger_ring(&self, capacity: usize, record_bytes: usize) -> bool {
        capacity < self.config.ring_capacity_bytes && !is_at_home(capacity, record_bytes)
    }

    fn reused(&self, record_bytes: usize) -> Option<FreeRing> {
        let mut free = lock(&self.free);
        let fits =
            |ring: &FreeRing| !self.deserves_larger_ring(ring.producer.capacity(), record_bytes);
        let at = free.iter().rposition(fits)?;
        Some(free.swap_remove(at))
    }

    /// A new ring, of the configured capacity if there is room for that. In a file if one can be had:
    /// rather a small ring that survives than a large one that doesn't.
    fn allocate(&self, record_bytes: usize) -> Option<FreeRing> {
        let wanted = self.config.ring_capacity_bytes;
        let small = (wanted / SMALL_RING_PART).max(SMALL_RING_BYTES).min(wanted);
        let smaller = |from: usize| std::iter::successors(Some(from), |bytes| Some(bytes / 4));
        let least = || smaller(small / 4).take_while(|&bytes| bytes >= LEAST_RING_BYTES);
        let mut no_file = String::new();
        let dir = self.ring_dir.as_ref().filter(|_| !self.is_closed());
        if let Some(dir) = dir {
            let is_one_of_many = self.file_rings.load(Ordering::Relaxed) >= FULL_SIZE_FILE_RINGS;
            let most =
                if is_one_of_many && is_at_home(small, record_bytes) { small } else { wanted };
            let fits = |&bytes: &usize| bytes >= small && is_at_home(bytes, record_bytes);
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
        self.counters.memory_rings.fetch_add(1, Ordering::Relaxed);
        Some(FreeRing { producer, consumer, file: None, no_file })
    }

    fn file_ring(&self, dir: &RingDir, capacities: &[usize]) -> io::Result<FreeRing> {
        let (producer, consumer, file) = dir.new_ring(capacities)?;
        self.file_rings.fetch_add(1, Ordering::Relaxed);
        Ok(FreeRing { producer, consumer, file: Some(file), no_file: String::new() })
    }

    fn memory_ring(&self, capacity: usize) -> Option<(Producer, Consumer)> {
        let Config { prefault, huge_pages, .. } = self.config;
        let options = || memory::Options::new(capacity).huge_pages(huge_pages);
        // Without memory for it all at once, it has to come as it is used.
        let ready = (prefault || huge_pages).then(|| options().create_spsc().ok());
        ready.flatten().or_else(|| spsc::try_new(capacity).ok())
    }

    /// The rings that came since the last call.
    pub(crate) fn take_newborn(&self) -> Vec<NewRing> {
        lock(&self.newborn).as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The rings that came since; those that come later are nobody's.
    pub(crate) fn end_of_births(&self) -> Vec<NewRing> {
        lock(&self.free).clear();
        lock(&self.newborn).take().unwrap_or_default()
    }

    /// Keeps a ring that is empty, and that no thread has, for another thread.
    pub(crate) fn reuse(&self, producer: Producer, consumer: Consumer, slot: &RingSlot) {
        self.unlist(slot);
        ring_dir::end_ring(&consumer);
        if let Some(dir) = &self.ring_dir {
            dir.forget_thread(slot.thread.ring);
        }
        let mut free = lock(&self.free);
        // One in memory is not kept where the next one may be in a file.
        let is_worthwhile = slot.file().is_some() || self.ring_dir.is_none();
        if free.len() < MAX_FREE_RINGS && is_worthwhile {
            let no_file = slot.no_file.clone();
            free.push(FreeRing { producer, consumer, file: slot.file, no_file });
        } else if let (Some(dir), Some(file)) = (&self.ring_dir, slot.file) {
            dir.remove_ring(file);
            self.file_rings.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The ring directory says nothing more of a ring: the dump has all that it held, or states it.
    fn unlist(&self, slot: &RingSlot) {
        if let (Some(dir), Some(listing)) = (&self.ring_dir, lock(&slot.listing).take()) {
            dir.unlist(listing);
        }
    }

    /// Removes a ring that no thread has and that is no longer read or written.
    pub(crate) fn discard(&self, slot: &RingSlot) {
        self.unlist(slot);
        if let (Some(dir), Some(file)) = (&self.ring_dir, slot.file) {
            dir.remove_ring(file);
            self.file_rings.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Rouses the drain; cheap if it is awake.
    pub(crate) fn wake_drain(&self) {
        self.drain.unpark();
    }

    /// Whether the drain has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.is_inherited()
    }

    /// Notes that the program itself polls the drain.
    pub(crate) fn set_manual(&self) {
        self.is_manual.store(true, Ordering::Relaxed);
    }

    /// Has the dump explain a call site for whose entry no ring directory has room: waits until the
    /// record of it that this thread has just committed is written.
    ///
    /// Where that takes too long, the record may have no explanation if the process dies now.
    pub(crate) fn explain_in_dump(&self, id: u32) {
        if self.is_manual.load(Ordering::Relaxed) {
            // It may be this thread that should drain.
            return;
        }
        let timeout = self.config.block_timeout.unwrap_or(EXPLAIN_WITHIN).min(EXPLAIN_WITHIN);
        let _ = self.ask(false).map(|answers| answers.recv_timeout(timeout));
        // Once: a dump that cannot be written now must not keep each call of the site waiting.
        if let Some(dir) = &self.ring_dir {
            dir.note_explained(id);
        }
    }

    /// Asks the drain to write; the answer comes when it has.
    pub(crate) fn ask(&self, sync: bool) -> Result<Receiver<WriteResult>, FlushError> {
        let ended = || FlushError::Ended { path: self.config.path.clone() };
        let (answer, answers) = std::sync::mpsc::sync_channel(1);
        {
            let mut control = lock(&self.control);
            if control.ended {
                return Err(ended());
            }
            control.requests.push(Request { sync, answer });
        }
        self.drain.unpark();
        Ok(answers)
    }

    /// Tells the drain to write what there is, to seal the dump, and to end.
    pub(crate) fn request_stop(&self) {
        lock(&self.control).stop = true;
        self.drain.unpark();
    }

    /// The same, as the process ends; `None` if others talk to the drain right now.
    #[cfg(unix)]
    pub(crate) fn try_request_exit(&self) -> Option<()> {
        use std::sync::TryLockError;

        let mut control = match self.control.try_lock() {
            Ok(control) => control,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        (control.stop, control.exiting) = (true, true);
        drop(control);
        self.drain.unpark();
        Some(())
    }

    /// Whether the drain is to end because the process does, while other threads may log.
    pub(crate) fn is_exiting(&self) -> bool {
        lock(&self.control).exiting
    }

    /// How the end of the dump was written.
    pub(crate) fn result(&self) -> Result<(), FlushError> {
        match &lock(&self.control).error {
            Some(error) => Err(FlushError::Drain(error.clone())),
            None => Ok(()),
        }
    }

    /// What is asked of the drain now, and whether it is to end.
    pub(crate) fn take_requests(&self) -> (Vec<Request>, bool) {
        let mut control = lock(&self.control);
        (std::mem::take(&mut control.requests), control.stop)
    }

    /// Whether somebody waits for the drain.
    pub(crate) fn has_requests(&self) -> bool {
        let control = lock(&self.control);
        !control.requests.is_empty() || control.stop
    }

    /// Marks the drain as ended: from now on no call is logged, and no thread waits for it.
    pub(crate) fn drain_ended(&self, result: WriteResult) {
        self.closed.store(true, Ordering::Release);
        let mut control = lock(&self.control);
        control.ended = true;
        control.error = result.as_ref().err().cloned();
        for request in control.requests.drain(..) {
            request.answer(result.clone());
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
