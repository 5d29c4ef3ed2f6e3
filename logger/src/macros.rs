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

/// Whether a call here, at a level and with the target if one is given, would be logged.
///
/// For what is costly to find out and is only logged: `if enabled!(Level::Debug) { … }`,
/// `enabled!(target: "risk", Level::Debug)`. Fields behind the level, which `tracing` takes, are not
/// looked at, as filters decide by target and level alone. Costs what a call costs that is not logged.
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
