//! Registry: the call sites of the process, their ids, and the global logger that decides on them.
//!
//! Ids belong to the process, not to a logger: they are assigned on first use and never reused. A
//! dump's dictionary states those that its records use.
//!
//! Every store to a [`Site`]'s state happens under the registry's lock, together with its decision. A change of
//! filter or logger resets all states under the same lock. No stale decision outlives the change.

mod describe;
mod handlers;
pub(crate) mod runtime;
pub(crate) mod site;
mod watch;

use std::cell::Cell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
#[cfg(unix)]
use std::sync::TryLockError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use stenolog_format::dictionary::{CallSite, Level};

pub(crate) use self::describe::{CallTypes, TypeList};
use self::describe::{describe, pending_entry};
use self::runtime::{Description, NamedSite, RuntimeSite, RuntimeSites};
use self::site::{OFF, Site, UNKNOWN};
#[cfg(feature = "log")]
pub(crate) use self::watch::LOG_WATCHER;
#[cfg(unix)]
pub(crate) use self::watch::hold_telling;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use self::watch::max_level;
pub(crate) use self::watch::set_filter;
use self::watch::tell_watchers;
#[cfg(feature = "tracing")]
pub(crate) use self::watch::{TRACING_WATCHER, wants_all};
use crate::core::Core;
use crate::ring_dir::SiteEntry;
use crate::sync;

/// Whether there is a global logger, without taking the lock.
static HAS_GLOBAL: AtomicBool = AtomicBool::new(false);

/// Whether there is a call site whose records are events of spans.
static HAS_EVENTS: AtomicBool = AtomicBool::new(false);

/// How many ids have been assigned.
static ENTRIES: AtomicU64 = AtomicU64::new(0);

static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    entries: Vec::new(),
    adopted: 0,
    ids: None,
    sites: Vec::new(),
    global: None,
    detached: 0,
    running: Vec::new(),
    runtime: None,
});

thread_local! {
    /// The lock, while this thread forks.
    static HELD: Cell<Option<ManuallyDrop<RwLockWriteGuard<'static, Registry>>>> =
        const { Cell::new(None) };
}

/// Locks the registry until [`release`]: this thread is about to fork.
#[cfg(unix)]
pub(crate) fn hold() {
    HELD.set(Some(ManuallyDrop::new(write())));
}

/// Ends what [`hold`] began, in the parent and in the child.
#[cfg(unix)]
pub(crate) fn release() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

struct Registry {
    /// The entry with id `FIRST_ID + n` is the n-th; an entry with id 0 is still expected from a signal
    /// handler.
    entries: Vec<SiteEntry>,
    /// How many of the call sites that handlers have noted have their entries.
    adopted: usize,
    /// Ids by the address of the site's static and by the types' signature.
    ids: Option<HashMap<(usize, u64), u32>>,
    /// The sites whose state may be other than unknown.
    sites: Vec<&'static Site>,
    global: Option<Arc<Core>>,
    /// The number of loggers other than the global one.
    detached: usize,
    /// The loggers that have their own drain.
    running: Vec<Weak<Core>>,
    /// Call sites that were described at run time.
    runtime: Option<RuntimeSites>,
}

fn read() -> RwLockReadGuard<'static, Registry> {
    sync::read(&REGISTRY)
}

fn write() -> RwLockWriteGuard<'static, Registry> {
    sync::write(&REGISTRY)
}

/// The id of a call site with a list of types, which gets one if it has none. Records of this id
/// may then be committed to the logger's rings.
pub(crate) fn id(core: &Core, site: &'static Site, types: CallTypes<'_>) -> Id {
    let known = {
        let registry = read();
        let id = registry.id(site, types.signature);
        id.map(|number| Id { number, is_explained: registry.state(core, number) })
    };
    known.unwrap_or_else(|| {
        let mut registry = write();
        let number = registry.id_or_new(site, types);
        Id { number, is_explained: registry.state(core, number) }
    })
}

/// The tag of a call site's records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id {
    pub(crate) number: u32,
    /// The ring directory has the entry (D1). If not, the dump must have it before the call returns.
    pub(crate) is_explained: bool,
}

/// The destination of calls outside of a scope.
pub(crate) enum Decision {
    /// Into a ring of this logger, with this id.
    Log(Arc<Core>, Id),
    /// Nowhere: the filter disables it.
    Off,
    /// Nowhere: no logger is running.
    NoLogger,
}

/// Whether the global logger wants the records of a site; `None` without a global logger. If it does not, the
/// site is updated and does not ask again.
pub(crate) fn wants(site: &'static Site) -> Option<bool> {
    {
        let registry = HAS_GLOBAL.load(Ordering::Acquire).then(read)?;
        let wants = site.is_allowed_by(registry.global()?);
        if wants || registry.detached > 0 {
            return Some(wants);
        }
    }
    let mut registry = write();
    let wants = site.is_allowed_by(registry.global()?);
    if !wants {
        registry.switch_off(site);
    }
    Some(wants)
}

/// Decides for the global logger, and updates the site.
pub(crate) fn decide(site: &'static Site, types: CallTypes<'_>) -> Decision {
    if !HAS_GLOBAL.load(Ordering::Acquire) {
        return Decision::NoLogger;
    }
    if let Some(decision) = read().decision(site, types) {
        return decision;
    }
    let mut registry = write();
    let Some(core) = registry.global().cloned() else { return Decision::NoLogger };
    if !site.is_allowed_by(&core) {
        registry.switch_off(site);
        return Decision::Off;
    }
    let id = registry.id_or_new(site, types);
    let first = site.signature.load(Ordering::Relaxed);
    let hot_id = if first == types.signature { id } else { registry.id(site, first).unwrap_or(id) };
    // Before the site is told: any thread may log with that id from then on.
    let is_hot_explained = registry.state(&core, hot_id);
    let is_explained = registry.state(&core, id);
    if is_hot_explained {
        registry.tell(site, u64::from(core.generation()) << 32 | u64::from(hot_id));
    }
    Decision::Log(core, Id { number: id, is_explained })
}

/// The call site of a description: the same for equal descriptions. `None` if there are too many.
pub(crate) fn intern(description: &Description<'_>) -> Option<&'static NamedSite> {
    let known = read().runtime.as_ref().and_then(|sites| sites.get(description));
    known.or_else(|| write().runtime.get_or_insert_default().intern(description))
}

/// The call site for records that are kept as text because their own one was refused.
pub(crate) fn as_text(level: Level, target: &str) -> &'static RuntimeSite {
    let known = read().runtime.as_ref().and_then(|sites| sites.known_as_text(level, target));
    known.unwrap_or_else(|| write().runtime.get_or_insert_default().as_text(level, target))
}

/// Notes in the state of a site that never logs that its records are wanted, until a decision changes.
pub(crate) fn open_gate(gate: &'static Site) {
    let mut registry = write();
    let Some(core) = registry.global().cloned() else { return };
    // A logger beside the global one may want other records: its threads must ask each time.
    if registry.detached == 0
        && gate.state.load(Ordering::Relaxed) == UNKNOWN
        && gate.is_allowed_by(&core)
    {
        gate.state.store(u64::from(core.generation()) << 32, Ordering::Relaxed);
        registry.sites.push(gate);
    }
}

/// Whether the global logger, if it has this generation, wants the records of a site. `None` if it is
/// another one, or if that cannot be told at once. Async-signal-safe.
pub(crate) fn wants_in_handler(site: &'static Site, generation: u32) -> Option<bool> {
    let registry = sync::read_in_handler(&REGISTRY)?;
    let core = registry.global().filter(|core| core.generation() == generation)?;
    if site.is_unfiltered() {
        return Some(true);
    }
    core.allows_in_handler(site.meta.level, site.meta.target)
}

/// The id of a call site that a signal handler calls, if the global logger has this generation. The entry
/// follows when the drain has [told the site](tell_noted). Async-signal-safe.
pub(crate) fn id_in_handler(
    site: &'static Site,
    types: CallTypes<'_>,
    generation: u32,
) -> Option<u32> {
    let registry = sync::read_in_handler(&REGISTRY)?;
    registry.global().filter(|core| core.generation() == generation)?;
    let known = registry.id(site, types.signature);
    // A list of the caller's would not outlive the call.
    let TypeList::Compiled(append) = types.list else { return None };
    let types = CallTypes { list: TypeList::Compiled(append), ..types };
    // Before the record.
    HAS_EVENTS.fetch_or(site.meta.event.is_some(), Ordering::Release);
    handlers::note(site, types, || known.unwrap_or_else(new_id))
}

/// Whether handlers may have noted call sites.
pub(crate) fn may_have_noted() -> bool {
    handlers::is_asked()
}

/// Tells the call sites that handlers have noted their ids, if this is the global logger.
pub(crate) fn tell_noted(core: &Arc<Core>) {
    if !handlers::is_asked() || !is_global(core) {
        return;
    }
    // First: sites noted from now on are handled next time.
    handlers::settle();
    let mut registry = write();
    if !registry.global().is_some_and(|global| Arc::ptr_eq(global, core)) {
        return;
    }
    registry.adopt();
    for noted in handlers::all() {
        let site = noted.site;
        // Whether or not the site can be told: its records may be in a ring.
        registry.state(core, noted.id);
        let first = registry.id(site, site.signature.load(Ordering::Relaxed));
        if let Some(hot_id) = first
            && site.state.load(Ordering::Relaxed) == UNKNOWN
            && site.is_allowed_by(core)
            && registry.state(core, hot_id)
        {
            registry.tell(site, u64::from(core.generation()) << 32 | u64::from(hot_id));
        }
    }
}

/// Makes a logger the global one; `false` if there is one already.
pub(crate) fn install(core: &Arc<Core>) -> bool {
    let mut registry = write();
    if registry.global().is_some() {
        return false;
    }
    // An inherited one is leaked: its parts belong to another process.
    std::mem::forget(registry.global.replace(Arc::clone(core)));
    HAS_GLOBAL.store(true, Ordering::Release);
    registry.forget_decisions();
    drop(registry);
    tell_watchers();
    true
}

/// The global logger, if there is one.
pub(crate) fn global() -> Option<Arc<Core>> {
    read().global().cloned()
}

/// Whether it is the global logger.
pub(crate) fn is_global(core: &Arc<Core>) -> bool {
    HAS_GLOBAL.load(Ordering::Acquire)
        && read().global().is_some_and(|global| Arc::ptr_eq(global, core))
}

/// The global logger of the process from which this one was forked.
#[cfg(unix)]
pub(crate) fn inherited_global() -> Option<Arc<Core>> {
    read().global.clone().filter(|core| core.is_inherited())
}

/// Notes a logger that must be sealed when the process ends.
pub(crate) fn note_running(core: &Arc<Core>) {
    let mut registry = write();
    registry.running.retain(|running| running.strong_count() > 0);
    registry.running.push(Arc::downgrade(core));
}

/// Those of them that this process has; `None` if the registry is locked.
#[cfg(unix)]
pub(crate) fn try_take_running() -> Option<Vec<Arc<Core>>> {
    let running = std::mem::take(&mut try_write()?.running);
    let running = running.iter().filter_map(Weak::upgrade);
    // An inherited one is leaked.
    let (own, foreign): (Vec<_>, Vec<_>) = running.partition(|core| !core.is_inherited());
    foreign.into_iter().for_each(std::mem::forget);
    Some(own)
}

#[cfg(unix)]
fn try_write() -> Option<RwLockWriteGuard<'static, Registry>> {
    match REGISTRY.try_write() {
        Ok(registry) => Some(registry),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Removes the global logger, if it is this one.
pub(crate) fn uninstall(core: &Arc<Core>) {
    write().uninstall(core);
    tell_watchers();
}

/// As [`uninstall`]; `None` if the registry is locked.
#[cfg(unix)]
pub(crate) fn try_uninstall(core: &Arc<Core>) -> Option<()> {
    try_write().map(|mut registry| registry.uninstall(core))
}

/// Counts the loggers other than the global one.
pub(crate) fn count_detached(change: isize) {
    let mut registry = write();
    registry.detached = registry.detached.saturating_add_signed(change);
    registry.forget_decisions();
    drop(registry);
    tell_watchers();
}

/// Makes every call site ask again.
pub(crate) fn forget_decisions() {
    write().forget_decisions();
    tell_watchers();
}

/// The call sites from the n-th on, in the order of their ids.
pub(crate) fn entries_from(n: usize) -> Vec<SiteEntry> {
    {
        let registry = read();
        if registry.adopted == handlers::count() {
            return registry.entries.get(n..).unwrap_or_default().to_vec();
        }
    }
    let mut registry = write();
    registry.adopt();
    registry.entries.get(n..).unwrap_or_default().to_vec()
}

/// An unused id.
fn new_id() -> u32 {
    CallSite::FIRST_ID + ENTRIES.fetch_add(1, Ordering::Relaxed) as u32
}

/// Whether records may be events of spans.
pub(crate) fn has_events() -> bool {
    HAS_EVENTS.load(Ordering::Acquire)
}

/// How many ids have been assigned.
pub(crate) fn entry_count() -> u64 {
    ENTRIES.load(Ordering::Relaxed)
}

impl Registry {
    fn uninstall(&mut self, core: &Arc<Core>) {
        if self.global.as_ref().is_some_and(|global| Arc::ptr_eq(global, core)) {
            self.global = None;
            self.forget_decisions();
            // Last: a thread that sees it finds no site that would still log. Otherwise a call that is not
            // logged could be followed by one that is.
            HAS_GLOBAL.store(false, Ordering::Release);
        }
    }

    /// The global logger, unless it is foreign.
    fn global(&self) -> Option<&Arc<Core>> {
        self.global.as_ref().filter(|core| !core.is_inherited())
    }

    /// The decision, if it requires no change: the site is up to date, and the call came here only because of
    /// its types or its thread.
    fn decision(&self, site: &Site, types: CallTypes<'_>) -> Option<Decision> {
        let core = self.global()?;
        let state = site.state.load(Ordering::Relaxed);
        if (state >> 32) as u32 != core.generation() {
            return None;
        }
        let number = self.id(site, types.signature)?;
        let is_explained = self.state(core, number);
        Some(Decision::Log(Arc::clone(core), Id { number, is_explained }))
    }

    fn id(&self, site: &Site, signature: u64) -> Option<u32> {
        self.ids.as_ref()?.get(&(std::ptr::from_ref(site).addr(), signature)).copied()
    }

    /// Makes the logger write the entry with this id beside its rings, unless it already has. `false` if there
    /// is no room for it.
    fn state(&self, core: &Core, id: u32) -> bool {
        match (core.ring_dir(), self.entries.get((id - CallSite::FIRST_ID) as usize)) {
            (Some(_), Some(entry)) if entry.site.id == 0 => false,
            (Some(dir), Some(entry)) => dir.state_site(entry),
            _ => true,
        }
    }

    fn id_or_new(&mut self, site: &'static Site, types: CallTypes<'_>) -> u32 {
        self.adopt();
        if let Some(id) = self.id(site, types.signature) {
            return id;
        }
        let id = new_id();
        self.enter(site, types, id);
        id
    }

    /// Gives a call site with these types its entry, under an id that was assigned to it.
    fn enter(&mut self, site: &'static Site, types: CallTypes<'_>, id: u32) {
        let at = (id - CallSite::FIRST_ID) as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, pending_entry);
        }
        let described = Arc::new(describe(site.meta, types, id));
        self.entries[at] = SiteEntry { site: described, event: site.meta.event };
        HAS_EVENTS.fetch_or(site.meta.event.is_some(), Ordering::Release);
        let key = (std::ptr::from_ref(site).addr(), types.signature);
        self.ids.get_or_insert_default().entry(key).or_insert(id);
        // Set once: the site's state only ever holds the id of these types.
        let _ = site.signature.compare_exchange(
            0,
            types.signature,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Gives those call sites their entries that signal handlers have noted.
    fn adopt(&mut self) {
        let count = handlers::count();
        if count == self.adopted {
            return;
        }
        for noted in handlers::all() {
            let at = (noted.id - CallSite::FIRST_ID) as usize;
            if self.entries.get(at).is_none_or(|entry| entry.site.id == 0) {
                self.enter(noted.site, noted.types, noted.id);
            }
        }
        self.adopted = count;
    }

    fn switch_off(&mut self, site: &'static Site) {
        // A logger beside the global one may want the record: its threads must ask each time.
        if self.detached == 0 {
            self.tell(site, OFF);
        }
    }

    /// Sets the state of a site. If the site is to log, the entry is already beside the logger's rings (D1).
    fn tell(&mut self, site: &'static Site, state: u64) {
        debug_assert!(
            state <= OFF
                || self.global().is_none_or(|core| {
                    core.ring_dir().is_none_or(|dir| dir.has_stated(state as u32))
                }),
            "a site is told its id before that is explained"
        );
        if site.state.swap(state, Ordering::Relaxed) == UNKNOWN {
            self.sites.push(site);
        }
    }

    fn forget_decisions(&mut self) {
        for site in self.sites.drain(..) {
            site.state.store(UNKNOWN, Ordering::Relaxed);
        }
    }
}
