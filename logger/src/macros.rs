//! The macros. Each hands its tokens and `$crate` to the procedural macro, which then needs no
//! guess at how the caller named this crate.

/// Logs at [`Level::Error`](crate::Level::Error): something failed.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! error {
    ($($call:tt)*) => { $crate::__private::call!($crate Error $($call)*) };
}

/// Logs at [`Level::Warn`](crate::Level::Warn): something is about to fail, or had to be worked
/// around.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! warn {
    ($($call:tt)*) => { $crate::__private::call!($crate Warn $($call)*) };
}

/// Logs at [`Level::Info`](crate::Level::Info): something worth knowing happened.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! info {
    ($($call:tt)*) => { $crate::__private::call!($crate Info $($call)*) };
}

/// Logs at [`Level::Debug`](crate::Level::Debug): what a developer wants to know.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! debug {
    ($($call:tt)*) => { $crate::__private::call!($crate Debug $($call)*) };
}

/// Logs at [`Level::Trace`](crate::Level::Trace): what a developer wants to know at times.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! trace {
    ($($call:tt)*) => { $crate::__private::call!($crate Trace $($call)*) };
}

/// Logs at a level that is known when the program runs, which comes first.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! event {
    ($($call:tt)*) => { $crate::__private::call!($crate event $($call)*) };
}

/// The same as [`event!`], by the name that `log` uses.
///
/// See the [crate documentation](crate#call-sites) for what it accepts.
#[macro_export]
macro_rules! log {
    ($($call:tt)*) => { $crate::__private::call!($crate event $($call)*) };
}

/// Returns whether a call here, with this level and optional target, would be logged.
///
/// Use it to guard values that are costly to compute and needed only for logging:
/// `if enabled!(Level::Debug) { … }`, `enabled!(target: "risk", Level::Debug)`. Fields after the level,
/// which `tracing` accepts, are ignored, because filters decide by target and level alone. Costs as much as
/// a disabled call.
#[macro_export]
macro_rules! enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}

/// The same as [`enabled!`], by another name that `tracing` uses.
#[macro_export]
macro_rules! event_enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}

/// The same as [`enabled!`], by the name that `log` uses.
#[macro_export]
macro_rules! log_enabled {
    ($($call:tt)*) => { $crate::__private::call!($crate enabled $($call)*) };
}
