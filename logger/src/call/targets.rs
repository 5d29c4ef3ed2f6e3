//! Call sites with a dynamic target: one [`Site`] for each target and level.
//!
//! A site lives as long as the process, because the registry and the dump know it by its address. So a
//! call site has at most [`MAX_TARGETS`] of them; records with further targets are logged under the
//! module path, the target of a call without `target:`.
//!
//! Cost: a comparison with the target of the last call; if it differs, a read lock and a hash. The
//! first call with a target allocates. Call sites with a constant target pay none of this.

use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{PoisonError, RwLock};

use stenolog_format::dictionary::Level;

use crate::registry::site::{Meta, Site};

/// The most targets and levels that a call site tells apart.
const MAX_TARGETS: usize = 1024;

/// The static of a call site with a dynamic target.
#[derive(Debug)]
pub struct Targets {
    meta: &'static Meta,
    /// The site of the last call, or null. Published with Release, as the site may be new.
    last: AtomicPtr<Site>,
    sites: RwLock<Option<HashMap<(Level, &'static str), &'static Site>>>,
}

impl Targets {
    /// A call site without a target yet; the target of `meta` is the module.
    #[must_use]
    pub const fn new(meta: &'static Meta) -> Self {
        Self { meta, last: AtomicPtr::new(std::ptr::null_mut()), sites: RwLock::new(None) }
    }

    /// The site for a target, if a record there would be logged.
    pub fn find(&'static self, level: Level, target: &str) -> Option<&'static Site> {
        let site = self.site(level, target);
        site.is_enabled().then_some(site)
    }

    fn site(&'static self, level: Level, target: &str) -> &'static Site {
        let last: *const Site = self.last.load(Ordering::Acquire);
        // SAFETY: null, or a site that was leaked before it was published.
        if let Some(site) = unsafe { last.as_ref() }
            && site.meta.level == level
            && site.meta.target == target
        {
            return site;
        }
        let known = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.as_ref().and_then(|sites| sites.get(&(level, target)).copied());
        drop(known);
        let site = found.unwrap_or_else(|| self.add(level, target));
        self.last.store(std::ptr::from_ref(site).cast_mut(), Ordering::Release);
        site
    }

    #[cold]
    fn add(&'static self, level: Level, target: &str) -> &'static Site {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        let sites = sites.get_or_insert_default();
        let is_full = sites.len() >= MAX_TARGETS;
        let target = if is_full { self.meta.module } else { target };
        if let Some(site) = sites.get(&(level, target)) {
            return site;
        }
        let target: &'static str = Box::leak(target.into());
        let meta: &'static Meta = Box::leak(Box::new(Meta { level, target, ..*self.meta }));
        let site: &'static Site = Box::leak(Box::new(Site::new(meta)));
        sites.insert((level, target), site);
        site
    }
}
