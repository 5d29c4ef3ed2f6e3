//! Logging macros. Each passes its tokens and `$crate` to the procedural macro, so the latter does not have to
//! guess the caller's name for this crate.

/// Logs at [`Level::Error`](crate::Level::Error): something failed.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// stenolog::error!(path = "/var/db", "cannot open the store");
/// ```
#[macro_export]
macro_rules! error {
    ($($call:tt)*) => { $crate::__private::call!($crate Error $($call)*) };
}

/// Logs at [`Level::Warn`](crate::Level::Warn): something is about to fail, or was worked around.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// stenolog::warn!(retry = 2, "slow peer {}", "10.0.0.7");
/// ```
#[macro_export]
macro_rules! warn {
    ($($call:tt)*) => { $crate::__private::call!($crate Warn $($call)*) };
}

/// Logs at [`Level::Info`](crate::Level::Info): something notable happened.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// let order_id = 17;
/// stenolog::info!(order_id, "filled at {:.2}", 99.5);
/// ```
#[macro_export]
macro_rules! info {
    ($($call:tt)*) => { $crate::__private::call!($crate Info $($call)*) };
}

/// Logs at [`Level::Debug`](crate::Level::Debug): details for developers.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// let state = (1, "idle");
/// stenolog::debug!(?state, "tick");
/// ```
#[macro_export]
macro_rules! debug {
    ($($call:tt)*) => { $crate::__private::call!($crate Debug $($call)*) };
}

/// Logs at [`Level::Trace`](crate::Level::Trace): details for developers on the trail of a bug.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// stenolog::trace!(target: "net", bytes = 1500, "packet");
/// ```
#[macro_export]
macro_rules! trace {
    ($($call:tt)*) => { $crate::__private::call!($crate Trace $($call)*) };
}

/// Logs at a level that is known at run time. The level comes first.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// use stenolog::Level;
///
/// let level = if cfg!(debug_assertions) { Level::Debug } else { Level::Info };
/// stenolog::event!(level, attempt = 3, "connected");
/// ```
#[macro_export]
macro_rules! event {
    ($($call:tt)*) => { $crate::__private::call!($crate event $($call)*) };
}

/// Same as [`event!`], under its name in `log`.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
///
/// ```
/// stenolog::log!(stenolog::Level::Info, "ready");
/// ```
#[macro_export]
macro_rules! log {
    ($($call:tt)*) => { $crate::__private::call!($crate event $($call)*) };
}

/// Returns whether a call with this level and optional target would be logged here.
///
/// Use it to guard values that are costly to compute and needed only for logging:
/// `if enabled!(Level::Debug) { … }`, `enabled!(target: "risk", Level::Debug)`. Fields after the level,
/// which `tracing` accepts, are ignored, because filters decide by target and level alone. Costs as much as
/// a disabled call.
///
/// ```
/// use stenolog::{Level, debug, enabled};
///
/// fn checksum() -> u32 {
///     /* costly */
///     7
/// }
/// if enabled!(Level::Debug) {
///     debug!(checksum = checksum(), "state");
/// }
/// ```
#[macro_export]
macro_rules! enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}

/// Same as [`enabled!`], under its other name in `tracing`.
#[macro_export]
macro_rules! event_enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}

/// Same as [`enabled!`], under its name in `log`.
#[macro_export]
macro_rules! log_enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}
