//! Functions about the calling thread: signal handlers, preparation, scopes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::core::Core;
use crate::process::epoch;
use crate::registry;
use crate::thread::local::{self, Preparing, SCOPES, is_preparing};
use crate::thread::rings::RINGS;
use crate::thread::slow_path::in_cold_section;

/// Runs `handler`, the part of a signal handler that logs, and keeps it async-signal-safe: calls that
/// would take a lock or allocate memory are not logged, but counted in
/// [`Stats::unheard`](crate::Stats::unheard).
///
/// These calls are not logged: the first calls of a thread, all calls of threads that have entered a logger,
/// calls whose ring is at least half full, and calls that interrupt a log call of their own thread. While
/// another thread changes the filter, or makes the first call of a call site, a call in a handler waits for at
/// most 20 ms.
///
/// A call site whose first call is in a handler is logged too, up to 64 of them in a process. The drain
/// writes its dictionary entry a moment later: if the process dies before that, a reader finds records
/// of an unknown call site. [`prepare_call_sites`] and [`prepare_thread`] do all of this in advance.
///
/// Outside of `in_signal_handler`, a log call that interrupts another one is still refused, so nothing is ever
/// corrupted. However, as with every function that is not async-signal-safe, a handler deadlocks if it
/// interrupts, for example, the allocator and then allocates; and if it interrupts the start of a thread, the
/// standard library aborts the process.
///
/// A child that is forked in a handler must exit there or exec another program. If it returned into a
/// log call that the handler interrupted, that call would write to the parent's ring.
///
/// # Panics
/// If `handler` panics. In most signal handlers this aborts the process.
///
/// ```
/// extern "C" fn on_signal(signal: i32) {
///     stenolog::in_signal_handler(|| stenolog::info!("signal {signal}"));
/// }
/// # on_signal(10);
/// ```
pub fn in_signal_handler<R>(handler: impl FnOnce() -> R) -> R {
    if is_preparing() {
        return handler();
    }
    local::run_handler(handler)
}

/// Runs `calls` without logging, to register its call sites: each gets its id, and its entry is stored beside
/// the rings. Later calls need no further registration, even in a signal handler and even if the process dies
/// right afterwards.
///
/// Arguments are evaluated as usual, and code around the calls runs too. Call sites that the filter
/// disables, or that `calls` does not reach, are not prepared. Records of a signal handler that runs on
/// this thread meanwhile are not logged. Costs as much as the first call of each call site.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// fn on_crash(signal: i32) {
///     stenolog::in_signal_handler(|| stenolog::error!("died of signal {signal}"));
/// }
///
/// let log = stenolog::Builder::new(path).start()?;
/// stenolog::prepare_call_sites(|| on_crash(0));
/// assert_eq!((log.stats().call_sites, log.stats().records), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare_call_sites<R>(calls: impl FnOnce() -> R) -> R {
    let _preparing = Preparing::begin();
    calls()
}

/// Gives this thread its ring now. Otherwise its first call waits while a file is created, reserved and mapped.
/// Returns whether the thread has a ring of the global logger.
///
/// Call it at the start of a thread if later calls must not wait; otherwise it is not needed. It does nothing
/// if the thread already has its ring. The first call of each call site still takes a lock and writes its
/// dictionary entry, on whichever thread it happens.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let log = stenolog::Builder::new(path).start()?;
/// std::thread::spawn(|| {
///     assert!(stenolog::prepare_thread());
///     stenolog::info!("ready");
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare_thread() -> bool {
    let prepared = in_cold_section(|| {
        let core = registry::global()
            .or_else(|| epoch::start_child_logger().then(registry::global).flatten())?;
        let prepared = RINGS.try_with(|rings| {
            let rings = &mut *rings.borrow_mut();
            if !rings.global.as_ref().is_some_and(|global| Arc::ptr_eq(&global.core, &core)) {
                rings.take_global(&core, 1);
            }
            rings.global.as_ref().is_some_and(|global| Arc::ptr_eq(&global.core, &core))
        });
        prepared.ok().filter(|&has_ring| has_ring)
    });
    prepared.is_some()
}

/// How many loggers are entered now, by all threads, and how many spans are open that began in one.
pub(crate) static SCOPED: AtomicUsize = AtomicUsize::new(0);

/// Has this thread log to `core` until [`leave`].
///
/// In a thread-local destructor, the required thread-local may already be destroyed; calls then go to the
/// global logger.
pub(crate) fn enter(core: &Arc<Core>) {
    in_cold_section(|| {
        let entered = RINGS.try_with(|rings| rings.borrow_mut().scopes.push(Arc::clone(core)));
        entered.ok().map(|()| {
            SCOPES.set(SCOPES.get() + 1);
            SCOPED.fetch_add(1, Ordering::Relaxed);
        })
    });
}

/// Ends the innermost [`enter`] of `core`.
pub(crate) fn leave(core: &Arc<Core>) {
    in_cold_section(|| {
        let left = RINGS.try_with(|rings| {
            let mut rings = rings.borrow_mut();
            let at = rings.scopes.iter().rposition(|scope| Arc::ptr_eq(scope, core))?;
            Some(rings.scopes.remove(at))
        });
        // This may be the last owner of a logger: it is dropped when nothing is borrowed.
        left.ok().flatten().map(|_| {
            SCOPES.set(SCOPES.get() - 1);
            SCOPED.fetch_sub(1, Ordering::Relaxed);
        })
    });
}
