//! Calls that the features `max_level_*` compile away are neither evaluated nor recorded.

use std::cell::Cell;

use stenolog::{Builder, Level, debug, error, event, info, trace, warn};

/// The levels that are compiled in, most severe first.
const COMPILED: usize = if cfg!(feature = "max_level_off") {
    0
} else if cfg!(feature = "max_level_error") {
    1
} else if cfg!(feature = "max_level_warn") {
    2
} else if cfg!(feature = "max_level_info") {
    3
} else if cfg!(feature = "max_level_debug") {
    4
} else {
    5
};

#[test]
fn only_what_is_compiled_in_is_evaluated_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let log =
        Builder::new(folder.path().join("app.steno")).filter("trace").start_detached().unwrap();
    let scope = log.enter();
    let evaluated = Cell::new(0);
    let count = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    error!("{}", count());
    warn!("{}", count());
    info!("{}", count());
    debug!("{}", count());
    trace!("{}", count());
    assert_eq!(evaluated.get(), COMPILED);
    for level in Level::ALL {
        event!(level, "{}", count());
    }
    assert_eq!(evaluated.get(), 2 * COMPILED);
    drop(scope);
    log.flush().unwrap();
    assert_eq!(log.stats().records, 2 * COMPILED as u64);
}
