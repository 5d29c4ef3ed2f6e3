//! Rate limits of a call site: `every_n:`, `per_second:` and `once:`, and what they held back.
//!
//! A call that is held back evaluates no argument. It costs one or two atomic additions, and with
//! `per_second:` a reading of the clock. The next record that is logged states in its field `suppressed` how
//! many calls were held back since the one before; [`state_rest`] states what is left when a logger ends.

#[cfg(unix)]
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError, Weak};

use stenolog_format::dictionary::Role;

use crate::call::capture::Suppressed;
use crate::call::emit::emit;
use crate::call::time::Now;
use crate::clock::Clock;
use crate::core::Core;
use crate::registry::site::{Meta, Site, SlotMeta};
use crate::sync::lock;
use crate::thread;

/// The state of a limited call site.
#[derive(Debug)]
pub struct Rate {
    /// How many calls asked: for `every_n:`, and for `once:` whether one did.
    asked: AtomicU64,
    /// For `per_second:` the second, since the counter began, in the upper half, and the number of calls that
    /// it admitted in the lower one.
    second: AtomicU64,
    /// How many calls were held back since the last record.
    held_back: AtomicU64,
    is_listed: AtomicBool,
    site: OnceLock<&'static Site>,
}

/// The limits that have held back a call, each with the logger that the call was for.
static LISTED: Mutex<Vec<Limited>> = Mutex::new(Vec::new());

/// A limit, and the logger that it has held back calls for.
type Limited = (Weak<Core>, &'static Rate);

/// The list, locked.
#[cfg(unix)]
pub(crate) type RateLimits = MutexGuard<'static, Vec<Limited>>;

/// Locks the list, for as long as this thread forks.
#[cfg(unix)]
pub(crate) fn hold_listed() -> RateLimits {
    lock(&LISTED)
}

impl Default for Rate {
    fn default() -> Self {
        Self::new()
    }
}

impl Rate {
    /// The limit of a call site that nothing has called yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            asked: AtomicU64::new(0),
            second: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
            is_listed: AtomicBool::new(false),
            site: OnceLock::new(),
        }
    }

    /// Admits the first call and every `n`-th after it; 0 counts as 1. Returns how many were held back since
    /// the last record, or nothing if this call is held back.
    #[inline]
    pub fn every_n(&'static self, site: &'static Site, n: u64) -> Option<u64> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        self.decide(site, asked.is_multiple_of(n.max(1)))
    }

    /// Admits `limit` calls in each second of the clock.
    #[inline]
    pub fn per_second(&'static self, site: &'static Site, limit: u32) -> Option<u64> {
        let clock = Clock::get();
        let now = (clock.now() / clock.hz().max(1)) as u32;
        let admit = |state: u64| {
            let (second, admitted) = ((state >> 32) as u32, state as u32);
            let admitted = if second == now { admitted } else { 0 };
            (admitted < limit).then(|| u64::from(now) << 32 | u64::from(admitted + 1))
        };
        let is_admitted =
            self.second.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok();
        self.decide(site, is_admitted)
    }

    /// Admits the first call only, if `is_limited`.
    #[inline]
    pub fn once(&'static self, site: &'static Site, is_limited: bool) -> Option<u64> {
        let is_first = || self.asked.swap(1, Ordering::Relaxed) == 0;
        self.decide(site, !is_limited || is_first())
    }

    #[inline]
    fn decide(&'static self, site: &'static Site, is_admitted: bool) -> Option<u64> {
        if is_admitted {
            return Some(self.take_held_back());
        }
        self.held_back.fetch_add(1, Ordering::Relaxed);
        if !self.is_listed.load(Ordering::Relaxed) {
            self.list(site);
        }
        None
    }

    /// Not a swap if there is nothing: a shared line stays shared.
    #[inline]
    fn take_held_back(&self) -> u64 {
        match self.held_back.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.held_back.swap(0, Ordering::Relaxed),
        }
    }

    /// Remembers the limit for [`state_rest`]. A later call tries again if another thread has the list, as
    /// this may be a signal handler.
    #[cold]
    fn list(&'static self, site: &'static Site) {
        thread::in_cold_section(|| {
            let core = thread::current_logger()?;
            let mut listed = match LISTED.try_lock() {
                Ok(listed) => listed,
                Err(TryLockError::Poisoned(listed)) => listed.into_inner(),
                Err(TryLockError::WouldBlock) => return None,
            };
            if !self.is_listed.swap(true, Ordering::Relaxed) {
                self.site.get_or_init(|| rest_of(site.meta));
                listed.push((Arc::downgrade(&core), self));
            }
            Some(())
        });
    }
}

/// The call site that states what is left of another one.
fn rest_of(meta: &Meta) -> &'static Site {
    const SLOTS: &[SlotMeta] = &[SlotMeta { name: "suppressed", role: Role::Argument }];
    let meta = Meta {
        template: Some("{0} more records of this call site were held back"),
        slots: SLOTS,
        event: None,
        ..*meta
    };
    Box::leak(Box::new(Site::new(Box::leak(Box::new(meta)))))
}

/// Logs, for each call site that `core` has held back calls of, how many since the last record. Called when the
/// logger ends, on a thread that logs to it.
pub(crate) fn state_rest(core: &Arc<Core>) {
    let mut own = Vec::new();
    lock(&LISTED).retain(|(of, rate)| {
        let is_own = std::ptr::eq(of.as_ptr(), Arc::as_ptr(core));
        if is_own {
            rate.is_listed.store(false, Ordering::Relaxed);
            own.push(*rate);
        }
        !is_own
    });
    for rate in own {
        let Some(site) = rate.site.get().filter(|site| site.is_enabled()) else { continue };
        let held_back = rate.take_held_back();
        if held_back > 0 {
            emit(site, Now, (Suppressed(held_back), ()));
        }
    }
}
