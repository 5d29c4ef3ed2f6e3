//! Call sites that are first called by a signal handler.
//!
//! A handler may neither wait for a lock nor allocate. It therefore enters its call site into a table of fixed
//! size, which assigns an id at once, and commits records with that id. The drain, or the next thread that
//! locks the registry, adds the dictionary entry and sets the id of the site.
//!
//! - **H1 (published).** Only the thread that changed a slot from `FREE` to `FILLING` writes to it; it
//!   changes the slot to `READY` when done. From then on the slot is only read.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use super::describe::CallTypes;
use super::site::Site;

/// The most call sites first called in handlers; further ones are not logged.
const MAX_NOTED: usize = 64;

const FREE: u32 = 0;
const FILLING: u32 = 1;
const READY: u32 = 2;

/// A call site with the types of its values, and the id that its records have.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    pub(super) site: &'static Site,
    pub(super) types: CallTypes<'static>,
    pub(super) id: u32,
}

struct NoteSlot {
    state: AtomicU32,
    noted: UnsafeCell<Option<Noted>>,
}

// SAFETY: `noted` is written by one thread alone, and read by others only after that (H1).
unsafe impl Sync for NoteSlot {}

impl NoteSlot {
    fn get(&self) -> Option<Noted> {
        if self.state.load(Ordering::Acquire) != READY {
            return None;
        }
        // SAFETY: a slot that is ready is no longer written to (H1).
        unsafe { *self.noted.get() }
    }
}

static SLOTS: [NoteSlot; MAX_NOTED] =
    [const { NoteSlot { state: AtomicU32::new(FREE), noted: UnsafeCell::new(None) } }; MAX_NOTED];

/// How many slots are ready.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether a handler has logged before the site knew its id.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// The id of a call site, for a handler; `new_id` provides one if the site is not in the table yet. `None`
/// if the table is full. Async-signal-safe if `new_id` is.
pub(super) fn note(
    site: &'static Site,
    types: CallTypes<'static>,
    new_id: impl FnOnce() -> u32,
) -> Option<u32> {
    let is_it =
        |noted: &Noted| std::ptr::eq(noted.site, site) && noted.types.signature == types.signature;
    for slot in &SLOTS {
        match slot.get() {
            Some(noted) if is_it(&noted) => {
                IS_ASKED.store(true, Ordering::Release);
                return Some(noted.id);
            }
            Some(_) => {}
            None => {
                // Another one is filling it, perhaps a handler that this one has interrupted. If that handler
                // notes the same site, the site has two ids, which does no harm.
                let taken = slot.state.compare_exchange(
                    FREE,
                    FILLING,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                );
                if taken.is_err() {
                    continue;
                }
                let id = new_id();
                // SAFETY: this call has taken the slot, and it is not ready yet (H1).
                unsafe { *slot.noted.get() = Some(Noted { site, types, id }) };
                slot.state.store(READY, Ordering::Release);
                COUNT.fetch_add(1, Ordering::Release);
                IS_ASKED.store(true, Ordering::Release);
                return Some(id);
            }
        }
    }
    None
}

/// How many call sites have been noted.
pub(super) fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// Whether a handler has logged before its site knew its id, since this was last
/// [settled](settle).
pub(super) fn is_asked() -> bool {
    IS_ASKED.load(Ordering::Acquire)
}

pub(super) fn settle() {
    IS_ASKED.store(false, Ordering::Release);
}

/// All call sites that have been noted.
pub(super) fn all() -> impl Iterator<Item = Noted> {
    SLOTS.iter().filter_map(NoteSlot::get)
}
