//! Watchers: what follows the decisions of the registry for other crates, and the questions that these ask.

use std::cell::Cell;
#[cfg(unix)]
use std::sync::MutexGuard;
use std::sync::{Mutex, OnceLock};

#[cfg(any(feature = "log", feature = "tracing"))]
use stenolog_format::dictionary::Level;

#[cfg(any(feature = "log", feature = "tracing"))]
use super::read;
use crate::core::Core;
use crate::filter::Filter;
use crate::sync;

/// A function that is called, without a lock, after decisions have changed.
pub(crate) type Watcher = OnceLock<fn()>;

/// What follows the filter for `log`.
pub(crate) static LOG_WATCHER: Watcher = OnceLock::new();

/// What follows the filter for `tracing`.
pub(crate) static TRACING_WATCHER: Watcher = OnceLock::new();

thread_local! {
    /// Whether this thread is telling watchers, which may change a decision themselves.
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Held by the thread that tells watchers.
static TELLING: Mutex<()> = Mutex::new(());

/// Locks out other threads that tell watchers, for as long as this one forks. `None` if it is telling them itself.
#[cfg(unix)]
pub(crate) fn hold_telling() -> Option<MutexGuard<'static, ()>> {
    (!IS_TELLING.get()).then(|| sync::lock(&TELLING))
}

/// Tells those who follow the decisions. One thread after the other: each then tells what applies after its own
/// change, and none overwrites what another has told later.
pub(super) fn tell_watchers() {
    let watchers = [&LOG_WATCHER, &TRACING_WATCHER].map(OnceLock::get);
    if watchers.iter().all(Option::is_none) {
        return;
    }
    let was_telling = IS_TELLING.replace(true);
    let telling = (!was_telling).then(|| sync::lock(&TELLING));
    for watcher in watchers.into_iter().flatten() {
        watcher();
    }
    drop(telling);
    IS_TELLING.set(was_telling);
}

/// Changes a logger's filter, and has every call site ask again.
pub(crate) fn set_filter(core: &Core, filter: Filter) {
    core.set_filter(filter);
    super::forget_decisions();
}

/// The least severe level that is logged anywhere; `None` if nothing is. A forked child may yet start a logger like
/// the one that it has inherited.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn max_level() -> Option<Level> {
    let registry = read();
    match registry.detached {
        0 => match registry.global.as_ref()? {
            core if core.is_inherited() => core.inherited_max_level(),
            core => core.max_level(),
        },
        // One of them may want everything.
        _ => Some(Level::Trace),
    }
}

/// Whether calls with this level and target are logged, on a thread that has entered no logger; `None` if loggers
/// beside the global one may decide otherwise, or a forked child may yet start its own.
#[cfg(feature = "tracing")]
pub(crate) fn wants_all(level: Level, target: &str, module: &str) -> Option<bool> {
    let registry = read();
    if registry.detached > 0 {
        return None;
    }
    match &registry.global {
        None => Some(false),
        // What it says for good would outlive the logger that the call itself may start.
        Some(core) if core.is_inherited() => None,
        Some(core) => Some(core.allows(level, target, module)),
    }
}
