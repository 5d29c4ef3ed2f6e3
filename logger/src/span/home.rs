//! Homes of spans: the logger that a span began in gets all its events, whatever logger its thread has entered since.
//!
//! The stack of a thread has the spans of all loggers. Each dump knows its own: depths count those, and only they are the
//! parents of new ones.
//!
//! A span whose home is not listed began in the global logger. While no thread has entered a logger, and no span of such
//! a logger is open, all this costs one load.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use stenolog_format::span::NO_SPAN;

use super::current::entered;
use crate::core::Core;
use crate::registry;
use crate::stats::DROPPED_NO_LOGGER;
use crate::thread::{self, SCOPED};

/// The homes of open spans that are not those of the global logger. Only locked in cold sections, so neither a signal
/// handler nor a forked child finds it locked.
static HOMES: Mutex<Homes> = Mutex::new(Homes::new());

/// The most homes that are listed: spans whose guard was leaked stay there.
const MAX_HOMES: usize = 1 << 20;

type Homes = BTreeMap<u64, Weak<Core>>;

/// `None` for the global logger.
type Home = Option<*const Core>;

fn with_homes<R>(work: impl FnOnce(&mut Homes) -> R) -> R {
    work(&mut HOMES.lock().unwrap_or_else(PoisonError::into_inner))
}

fn home_of(homes: &Homes, id: u64) -> Home {
    homes.get(&id).map(Weak::as_ptr)
}

/// The logger of this thread, if it is not the global one.
fn scoped_logger() -> Option<Arc<Core>> {
    thread::current_logger().filter(|core| !registry::is_global(core))
}

/// The home of spans that this thread begins now.
fn here() -> Home {
    scoped_logger().as_ref().map(Arc::as_ptr)
}

#[inline]
fn is_plain() -> bool {
    SCOPED.load(Ordering::Relaxed) == 0
}

/// The innermost span of this thread in the logger that it logs to, [`NO_SPAN`] if there is none; `None` if it is the
/// innermost of all.
#[inline]
pub(super) fn current() -> Option<u64> {
    if is_plain() { None } else { current_in_scope() }
}

#[cold]
fn current_in_scope() -> Option<u64> {
    thread::in_cold_section(|| {
        let here = here();
        with_homes(|homes| {
            Some(entered().find(|&id| home_of(homes, id) == here).unwrap_or(NO_SPAN))
        })
    })
}

/// How many of the `all` spans that this thread has entered began in the logger that it logs to.
#[inline]
pub(super) fn depth_here(all: u64) -> u64 {
    if is_plain() { all } else { depth_in_scope(all, |_| here()) }
}

/// How many of the `all` spans that this thread has entered began in the logger of a span.
#[inline]
pub(super) fn depth_of(id: u64, all: u64) -> u64 {
    if is_plain() { all } else { depth_in_scope(all, |homes| home_of(homes, id)) }
}

#[cold]
fn depth_in_scope(all: u64, home: impl FnOnce(&Homes) -> Home) -> u64 {
    let count = thread::in_cold_section(|| {
        with_homes(|homes| {
            let home = home(homes);
            Some(entered().filter(|&other| home_of(homes, other) != home).count())
        })
    });
    all.saturating_sub(count.unwrap_or(0) as u64)
}

/// Notes that a span has begun in the logger of this thread.
#[inline]
pub(crate) fn settle(id: u64) {
    if !is_plain() {
        settle_in_scope(id);
    }
}

#[cold]
fn settle_in_scope(id: u64) {
    let is_noted = thread::in_cold_section(|| {
        let core = scoped_logger()?;
        with_homes(|homes| {
            let has_room = homes.len() < MAX_HOMES;
            (has_room && homes.insert(id, Arc::downgrade(&core)).is_none()).then_some(())
        })
    });
    if is_noted.is_some() {
        SCOPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Forgets the home of a span that has ended.
#[inline]
pub(crate) fn leave(id: u64) {
    if !is_plain() {
        leave_scope(id);
    }
}

#[cold]
fn leave_scope(id: u64) {
    let left = thread::in_cold_section(|| with_homes(|homes| homes.remove(&id)));
    if left.is_some() {
        SCOPED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Logs an event of a span where that began.
#[inline]
pub fn at_home(id: u64, log: impl FnOnce()) {
    if is_plain() { log() } else { log_at_home(id, log) }
}

#[cold]
fn log_at_home(id: u64, log: impl FnOnce()) {
    /// Goes back to the thread's logger, even if the value of a field panics.
    struct Away(Arc<Core>);

    impl Drop for Away {
        fn drop(&mut self) {
            thread::leave(&self.0);
        }
    }

    // In a signal handler, or within another call, the event is refused anyway, or goes to the global logger.
    let found = thread::in_cold_section(|| {
        let home = match with_homes(|homes| homes.get(&id).cloned()) {
            Some(home) => home.upgrade(),
            None => registry::global(),
        };
        Some((home, thread::current_logger()))
    });
    match found {
        None => log(),
        Some((Some(home), Some(here))) if Arc::ptr_eq(&home, &here) => log(),
        Some((Some(home), _)) => {
            thread::enter(&home);
            let _away = Away(home);
            log();
        }
        // Its logger has ended.
        Some((None, _)) => _ = DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed),
    }
}
