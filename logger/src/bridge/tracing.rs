//! Events and spans of the crate `tracing`.
//!
//! ```text
//!   subscriber   `tracing_core::Subscriber`, without a registry of `tracing_subscriber`
//!   layer        `tracing_subscriber::Layer`, on its registry
//!     spans      the subscriber's spans: a slab of reference counts and ids
//!     events     what both log
//!     callsite   call sites of `tracing`, by the address of their metadata
//!     visit      fields as typed values
//! ```

mod callsite;
mod events;
#[cfg(feature = "tracing-layer")]
mod layer;
mod spans;
mod subscriber;
mod visit;

#[cfg(unix)]
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::{Dispatch, Interest, LevelFilter, Metadata, dispatcher};

use stenolog_format::dictionary::Level;

#[cfg(feature = "log")]
pub(super) use self::callsite::has_event_of;
#[cfg(feature = "tracing-layer")]
pub use self::layer::tracing_layer;
use self::subscriber::Bridge;
pub use self::subscriber::tracing_subscriber;
use crate::sync::lock;
use crate::{registry, thread};

/// Held by a thread that installs the subscriber.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Whether it is installed.
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Locks out other threads that install it, for as long as this one forks.
#[cfg(unix)]
pub(super) fn hold_installing() -> MutexGuard<'static, ()> {
    lock(&INSTALLING)
}

/// Installs the global default subscriber, unless it is installed already.
pub(super) fn install() -> Result<(), ()> {
    // Held until it is known: another thread may start a logger at the same time.
    let _installing = lock(&INSTALLING);
    if !IS_INSTALLED.load(Ordering::Acquire) {
        let bridge = Dispatch::new(tracing_subscriber());
        dispatcher::set_global_default(bridge).map_err(|_| ())?;
        IS_INSTALLED.store(true, Ordering::Release);
    }
    Ok(())
}

/// Has the caches of `tracing` follow the filter.
fn follow() {
    // While there is one dispatcher only, `tracing` asks the default of the thread that changes the filter, even if
    // that dispatcher is the default of another one, and then disables everything. A second one prevents this.
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    if SECOND.get().is_none() {
        let _ = SECOND.set(Dispatch::new(Bridge));
    }
    let _ = registry::TRACING_WATCHER.set(rebuild_interest_cache);
}

/// What the logger's filter says of a call site, for good as long as it does not change.
fn interest(metadata: &'static Metadata<'static>) -> Interest {
    let (level, module) = (level(metadata), metadata.module_path().unwrap_or_default());
    match registry::wants_all(level, metadata.target(), module) {
        Some(true) => Interest::always(),
        Some(false) => Interest::never(),
        // Threads that have entered a logger beside the global one decide for themselves.
        None => Interest::sometimes(),
    }
}

/// Whether the logger of this thread wants records of a call site.
fn is_enabled(metadata: &Metadata<'_>) -> bool {
    let module = metadata.module_path().unwrap_or_default();
    thread::wants_target(level(metadata), metadata.target(), module)
}

/// The least severe level that is logged anywhere.
fn max_level_hint() -> LevelFilter {
    match registry::max_level() {
        None => LevelFilter::OFF,
        Some(Level::Error) => LevelFilter::ERROR,
        Some(Level::Warn) => LevelFilter::WARN,
        Some(Level::Info) => LevelFilter::INFO,
        Some(Level::Debug) => LevelFilter::DEBUG,
        Some(Level::Trace) => LevelFilter::TRACE,
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::TRACE => Level::Trace,
    }
}
