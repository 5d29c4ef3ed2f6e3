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

/// Begins a span and enters it: returns its guard, a [`Span`](crate::Span), which ends it when it is dropped.
///
/// The level is [`Level::Info`](crate::Level::Info) unless `level:` states another; `target:` and `parent:` are as in
/// calls. Then come the name and fields. See the [crate documentation](crate#spans).
///
/// ```
/// use stenolog::{Empty, Level, info, span};
///
/// let order_id = 17;
/// let span = span!("match", order_id, filled = Empty);
/// info!("in the span");
/// {
///     let _inner = span!(level: Level::Debug, target: "book", "walk", side = "buy");
///     info!("in both");
/// }
/// span.record("filled", 3);
/// ```
///
/// `tracing` has the level first; that works, too: `span!(Level::INFO, "match", order_id)`. As there, a message in the
/// end is the field `message`: `span!("match", "order {order_id}")`. It is formatted at the call.
#[macro_export]
macro_rules! span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate span $($span)*) };
}

/// Begins a span at [`Level::Error`](crate::Level::Error): see [`span!`].
#[macro_export]
macro_rules! error_span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate Error $($span)*) };
}

/// Begins a span at [`Level::Warn`](crate::Level::Warn): see [`span!`].
#[macro_export]
macro_rules! warn_span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate Warn $($span)*) };
}

/// Begins a span at [`Level::Info`](crate::Level::Info): see [`span!`].
#[macro_export]
macro_rules! info_span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate Info $($span)*) };
}

/// Begins a span at [`Level::Debug`](crate::Level::Debug): see [`span!`].
#[macro_export]
macro_rules! debug_span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate Debug $($span)*) };
}

/// Begins a span at [`Level::Trace`](crate::Level::Trace): see [`span!`].
#[macro_export]
macro_rules! trace_span {
    ($($span:tt)*) => { $crate::__private::span_call!($crate Trace $($span)*) };
}

/// Gives fields of a span values: those that were `Empty` when it began, or others. Costs as much as a call.
///
/// ```
/// use stenolog::{Empty, record, span};
///
/// let span = span!("request", status = Empty);
/// record!(span, status = 200, ?span);
/// ```
#[macro_export]
macro_rules! record {
    ($($record:tt)*) => { $crate::__private::record_span!($crate $($record)*) };
}
