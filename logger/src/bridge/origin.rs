//! Call sites by their place: file, line, level, target and module. These are what records of `log` have.

use super::table::{Table, mix};
use crate::registry::runtime::{Origin, RuntimeSite};
use crate::thread;
use crate::truncate::truncate;

/// The longest name that records are told apart by.
const MAX_NAME_BYTES: usize = 1 << 10;

/// The call sites so far.
static SITES: Table<&'static RuntimeSite> = Table::new();

/// How long the texts of an origin live.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// As long as the process: these are the module and the file.
    #[cfg(feature = "log")]
    Static { module: &'static str, file: &'static str },
    /// They must be copied.
    Copied,
}

/// The call site of a place. `None` if there are too many, and within a log call.
#[inline]
pub(super) fn site_of(origin: &Origin<'_>, place: Place) -> Option<&'static RuntimeSite> {
    // A static file has few addresses; another one could have a new address each time.
    let file = match place {
        #[cfg(feature = "log")]
        Place::Static { file, .. } => file.as_ptr().addr() as u64,
        Place::Copied => origin.file.bytes().fold(0, |hash, byte| mix(hash, byte.into())),
    };
    let hash = mix(mix(0, file), u64::from(origin.line) << 8 | origin.level as u64);
    let found = SITES.find(hash, |site| is_of(site, origin));
    found.copied().or_else(|| add(origin, place, hash))
}

#[inline]
fn is_of(site: &RuntimeSite, origin: &Origin<'_>) -> bool {
    let known = site.origin;
    known.line == origin.line
        && known.level == origin.level
        && is_same(known.file, origin.file)
        && is_same(known.target, origin.target)
        && is_same(known.module, origin.module)
}

/// Whether two texts are equal: at once if they are the same one.
#[inline]
fn is_same(known: &'static str, text: &str) -> bool {
    std::ptr::eq(known, text) || known == text
}

#[cold]
fn add(origin: &Origin<'_>, place: Place, hash: u64) -> Option<&'static RuntimeSite> {
    let cut = |text| truncate(text, MAX_NAME_BYTES);
    let short = Origin {
        target: cut(origin.target),
        module: cut(origin.module),
        file: cut(origin.file),
        ..*origin
    };
    if short != *origin {
        // Names beyond all measure are told apart by their beginnings.
        return site_of(&short, Place::Copied);
    }
    // What it allocates may log.
    thread::in_cold_section(|| {
        let site = match place {
            // As nearly all: nothing is copied.
            #[cfg(feature = "log")]
            Place::Static { module, file } if std::ptr::eq(module, origin.target) => {
                RuntimeSite::new(Origin { target: module, module, file, ..*origin }, None)
            }
            _ => RuntimeSite::copied(origin),
        };
        site.map(|site| *SITES.add(hash, site))
    })
}
