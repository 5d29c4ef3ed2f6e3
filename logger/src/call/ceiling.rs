//! The compile-time ceiling: levels above it are not compiled in.

use stenolog_format::dictionary::Level;

/// The most verbose level that is compiled in, if any is.
const STATIC_MAX_LEVEL: Option<Level> = {
    const fn ceiling(off: bool, error: bool, warn: bool, info: bool, debug: bool) -> u8 {
        if off {
            0
        } else if error {
            1
        } else if warn {
            2
        } else if info {
            3
        } else if debug {
            4
        } else {
            5
        }
    }
    let always = ceiling(
        cfg!(feature = "max_level_off"),
        cfg!(feature = "max_level_error"),
        cfg!(feature = "max_level_warn"),
        cfg!(feature = "max_level_info"),
        cfg!(feature = "max_level_debug"),
    );
    let release = ceiling(
        cfg!(feature = "release_max_level_off"),
        cfg!(feature = "release_max_level_error"),
        cfg!(feature = "release_max_level_warn"),
        cfg!(feature = "release_max_level_info"),
        cfg!(feature = "release_max_level_debug"),
    );
    let levels = if cfg!(debug_assertions) || always < release { always } else { release };
    if levels == 0 { None } else { Some(Level::ALL[levels as usize - 1]) }
};

/// Whether calls of the level are compiled in.
#[inline(always)]
#[must_use]
pub const fn statically_enabled(level: Level) -> bool {
    match STATIC_MAX_LEVEL {
        Some(max) => level as u8 <= max as u8,
        None => false,
    }
}
