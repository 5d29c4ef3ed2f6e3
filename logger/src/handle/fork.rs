//! Forked children: the inherited loggers, and the logger that a child may have itself.
//!
//! A child has no drain and shares its parent's rings and files: it must not use them. Loggers and
//! rings of an earlier [epoch](crate::process::epoch) are *inherited*: they log nothing, and nothing
//! writes to them. The child may start a logger of its own, or have one started by
//! [`ForkedChild::OwnDump`](crate::ForkedChild).
//!
//! The registry, [`CHILD`] and the other locks of the process ([`Held`]) are locked while it forks, so the child
//! finds all of them free and whole. Any other lock that the parent's threads held belongs to an inherited logger.

#[cfg(unix)]
use std::cell::Cell;
#[cfg(unix)]
use std::mem::ManuallyDrop;
#[cfg(unix)]
use std::sync::MutexGuard;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[cfg(unix)]
use crate::bridge::capture::hold_installing;
#[cfg(unix)]
use crate::call::rate::{self, RateLimits};
use crate::core::Core;
use crate::error::FlushError;
use crate::process::epoch;
use crate::registry;
use crate::sync::lock;

/// A logger that a child has without having started it.
pub(crate) struct OwnLogger {
    pub(crate) core: Arc<Core>,
    /// Ends it.
    pub(crate) close: Box<dyn FnOnce() -> Result<(), FlushError> + Send>,
}

/// Starts a child's own logger; `None` if that fails.
pub(crate) type StartChild = Arc<dyn Fn() -> Option<OwnLogger> + Send + Sync>;

struct Child {
    /// How the children of this process start a logger.
    recipe: Option<Recipe>,
    /// The logger that this child has started.
    own: Option<OwnLogger>,
}

/// How the children of a process start their loggers.
struct Recipe {
    /// The id of the global logger that it goes with.
    core: u32,
    /// The epoch of that logger.
    epoch: u32,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix forks"))]
    start: StartChild,
}

static CHILD: Mutex<Child> = Mutex::new(Child { recipe: None, own: None });

/// Whether the child has tried to start its own.
#[cfg(unix)]
static HAS_TRIED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
thread_local! {
    /// The locks of the process but the registry's, while this thread forks.
    static HELD: Cell<Option<ManuallyDrop<Held>>> = const { Cell::new(None) };
}

/// Locks of the process, in the order in which starting a logger takes them. The registry's comes last.
#[cfg(unix)]
struct Held {
    _installing: [Option<MutexGuard<'static, ()>>; 2],
    _child: MutexGuard<'static, Child>,
    _telling: Option<MutexGuard<'static, ()>>,
    _limited: RateLimits,
}

/// Makes `core` the global logger, and `start` what children call. Returns `false` if there is a global
/// logger already.
pub(crate) fn install_global(core: &Arc<Core>, start: Option<StartChild>) -> bool {
    // The lock spans both, and forks take it: no child sees the logger without its recipe.
    let mut child = lock(&CHILD);
    if !registry::install(core) {
        return false;
    }
    let epoch = epoch::current();
    let next = start.map(|start| Recipe { core: core.id(), epoch, start });
    let before = std::mem::replace(&mut child.recipe, next);
    drop(child);
    // An inherited one belongs to the parent: what its callbacks hold must not be dropped here.
    if before.as_ref().is_some_and(|before| before.epoch != epoch) {
        std::mem::forget(before);
    }
    true
}

/// Forgets what children start, if that goes with this logger.
pub(crate) fn forget_recipe(core: &Core) {
    let forgotten = lock(&CHILD).recipe.take_if(|recipe| recipe.core == core.id());
    // Not under the lock: callbacks of the user's are dropped.
    drop(forgotten);
}

/// Starts a logger like the inherited one that is still the global one, if that one was configured so.
/// Returns whether one has started.
#[cfg(unix)]
fn start_child_logger() -> bool {
    if HAS_TRIED.swap(true, Ordering::AcqRel) {
        return false;
    }
    let Some(inherited) = registry::inherited_global() else { return false };
    let start = {
        let child = lock(&CHILD);
        let recipe = child.recipe.as_ref().filter(|recipe| recipe.core == inherited.id());
        recipe.map(|recipe| Arc::clone(&recipe.start))
    };
    let Some(own) = start.and_then(|start| start()) else { return false };
    // One that this process was forked with is its parent's: dropping it would end that one.
    std::mem::forget(lock(&CHILD).own.replace(own));
    true
}

/// The child's own logger, which the owner of an inherited one has instead.
pub(crate) fn own_core() -> Option<Arc<Core>> {
    if epoch::is_unobserved() {
        return None;
    }
    lock(&CHILD).own.as_ref().map(|own| Arc::clone(&own.core))
}

/// Ends that logger.
pub(crate) fn end_own() -> Result<(), FlushError> {
    if epoch::is_unobserved() {
        return Err(FlushError::Forked);
    }
    let own = lock(&CHILD).own.take();
    match own {
        Some(own) => (own.close)(),
        None => Err(FlushError::Forked),
    }
}

/// Has every later fork noticed.
#[cfg(unix)]
pub(crate) fn watch() {
    use std::sync::Once;

    use crate::process::{calls, descriptors};

    extern "C" fn before() {
        // In this order: the fields are evaluated as they are written.
        HELD.set(Some(ManuallyDrop::new(Held {
            _installing: hold_installing(),
            _child: lock(&CHILD),
            _telling: registry::hold_telling(),
            _limited: rate::hold_listed(),
        })));
        registry::hold();
    }

    extern "C" fn in_parent() {
        release();
    }

    extern "C" fn in_child() {
        epoch::begin();
        HAS_TRIED.store(false, Ordering::Relaxed);
        descriptors::close_all();
        crate::thread::detach();
        calls::forget_others(crate::thread::is_busy());
        release();
    }

    fn release() {
        registry::release();
        drop(HELD.take().map(ManuallyDrop::into_inner));
    }

    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: in the child, the handler only stores to atomics and thread-local cells that
        // need no initialisation, closes files, and unlocks what this thread has locked: all of
        // that is allowed there.
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        epoch::watch(epoch::Hooks { detach_thread: crate::thread::detach, start_child_logger });
    });
}

/// Only Unix forks.
#[cfg(not(unix))]
pub(crate) fn watch() {}
