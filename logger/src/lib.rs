//! A structured binary logger: a call costs about as much as reading the clock, committed records survive the
//! process, and a dump can be read without the program that wrote it.
//!
//! A call site writes a few bytes into a ring that belongs to its thread. A drain thread packs the contents of
//! the rings into a dump file. The program `steno` (package `stenolog-cli`) turns the dump into text or JSON
//! later, on any machine.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.steno");
//! use stenolog::{info, warn};
//!
//! let _log = stenolog::Builder::new(path).start()?; // dropping it seals the dump
//!
//! let (order_id, qty, price) = (17_u64, 300, 99.5);
//! info!("order {order_id} filled {} @ {price:.2}", qty);
//! warn!(order_id, latency_us = 18_u64, "slow fill");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Call sites
//!
//! [`trace!`], [`debug!`], [`info!`], [`warn!`], [`error!`] and [`event!`] take these parts, in this order; all
//! but the level of [`event!`] are optional:
//!
//! | part | example | |
//! |---|---|---|
//! | level | `level,` | only [`event!`]: known at run time |
//! | target | `target: "risk",` | otherwise the module path |
//! | time | `at: received,` | skips the clock: see [`IntoTime`] |
//! | limit | `every_n: 100,` | how often the call is logged: see [below](#rate-limits) |
//! | fields | `order_id, user.id = id, ?state, %err,` | bare, `?` as `Debug`, `%` as `Display` |
//! | message | `"filled {} @ {price:.2}", qty` | everything that `std::format!` takes |
//!
//! Arguments are evaluated once, from left to right, and only if the call is enabled. A mistake in a format
//! string is the same compile error as in `format!`. A call takes up to 256 fields and arguments; an argument
//! that is printed in several forms counts once for each form.
//!
//! The macros also accept the syntax of `log` and `tracing`, so a program changes its imports and none
//! of its calls:
//!
//! | form | example | |
//! |---|---|---|
//! | fields in braces | `{ order_id, ?state }, "filled"` | |
//! | other names | `"user id" = id, { KEY } = value` | `KEY` is a constant |
//! | helpers | `a = display(x), b = debug(y)` | the same as `%x` and `?y`; functions of yours with these names are not called |
//! | key-values of `log` | `a = 1, b:? = x, c:% = y, d:err = e; "filled"` | `:serde` and `:sval` have no effect |
//! | macros as messages | `concat!("[net] ", "{}"), n` | also `stringify!`, `env!`, `include_str!` and your own |
//! | nothing | `info!()` | a record without message and fields |
//! | parent | `parent: &span, parent: None,` | the span that the record belongs to: see [Spans](#spans) |
//! | name | `name: "fill",` | evaluated, but not recorded |
//!
//! [`log!`] is the same as [`event!`]. [`enabled!`], [`event_enabled!`] and [`log_enabled!`] ask whether a
//! call would be logged. `logger:` is a compile error: use [`Logger::enter`] to choose a logger.
//!
//! A target is static if it is a literal, a macro, or named like a constant (`TARGET`, `crate::TARGET`). Any
//! other target is dynamic: `target: &name`, `target: Self::NAME`. A call with a dynamic target compares it
//! with that of the previous call; if it differs, the call looks up its call site in a map. Each distinct
//! target takes memory for the life of the process. A call site distinguishes up to 1024 targets, by level;
//! further ones are logged under the module path.
//!
//! If the message is a macro, its arguments stay typed as long as the placeholders are in string literals of
//! `concat!`; otherwise (`include_str!("format.txt"), a, b`) the message is formatted at the call.
//!
//! An argument's type may be inferred from later code, as with `format!`; the value is recorded with the
//! inferred type.
//!
//! Numbers, `bool`, `char`, strings, `Option`, arrays, slices, tuples, maps, sets and lists of these, `Duration`,
//! `SystemTime` and IP addresses are stored as they are; the decoder formats them exactly as
//! `format!` would have. So are structs and enums with [`#[derive(Record)]`](derive@Record), types with
//! [`AsRecord`], the types of other packages that the features below name, and, in fields, types that are `serde::Serialize` and `postcard_schema::Schema`. Any other
//! type that is `Display` or `Debug` is formatted at the call, at the cost of formatting.
//!
//! A field that holds an error, bare or with `%`, keeps the error's sources; a field that holds [`Empty`]
//! is left out. `#[derive(Schema)]` ignores `#[serde(skip, flatten, with, tag, untagged)]`; a serde value
//! that serializes differently from its schema is shown as a text that says so.
//!
//! # Rate limits
//!
//! A call takes one of these before its fields; they hold for the call site as a whole, over all threads:
//!
//! | limit | what is logged |
//! |---|---|
//! | `every_n: 100` | the first call, and every hundredth after it; the number is a `u64` |
//! | `per_second: 10` | at most ten calls in a second of the clock; the number is a `u32` |
//! | `once: true` | the first call; with `false` every call |
//!
//! A call that is held back evaluates no argument, and costs one or two atomic additions; with `per_second:`
//! also a reading of the clock. The next record that is logged has a field `suppressed`: how many calls were
//! held back before it. When the logger ends, a record for each call site states how many were held back
//! after the last one. Disabled calls do not count.
//!
//! ```
//! for packet in 0..1000_u64 {
//!     stenolog::debug!(every_n: 100, packet, "received");
//! }
//! ```
//!
//! # Spans
//!
//! A span is a stretch of work with a name and fields. [`span!`] begins one and enters it; it ends when the guard that the
//! macro returns is dropped. Each record belongs to the span that its thread entered last, and a reader shows the names and
//! the fields of all spans around it.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.steno");
//! use stenolog::{Empty, Level, debug, info, record, span};
//!
//! # let _log = stenolog::Builder::new(path).start()?;
//! let (order_id, symbol) = (17, "XYZ");
//! let order = span!("order", order_id, symbol, fills = Empty);
//! info!("accepted"); // in `order`
//! {
//!     let _matching = span!(level: Level::Debug, target: "book", "match", side = "buy");
//!     debug!("walked 3 levels"); // in `match`, in `order`
//! }
//! record!(order, fills = 3); // a field that is known now
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The level is INFO unless `level:` states another or a level form is used: [`trace_span!`], [`debug_span!`],
//! [`info_span!`], [`warn_span!`], [`error_span!`]. `tracing`'s syntax is accepted: `span!(Level::INFO, "order", order_id)`.
//! The filter decides when the span begins: all events of an enabled span are logged, and a disabled one costs as much as a
//! disabled call. The parent is the span that the thread is in, unless `parent:` names another one, or `None`.
//!
//! A guard stays on its thread. For everything else there are:
//!
//! - [`Span::within`] for a future, which is in the span at each poll: `serve(path).instrument(span!("request", path))` or
//!   `span!("request", path).within(serve(path))`;
//! - [`Span::detach`] for a [`SpanHandle`] that any thread can enter, many at the same time;
//! - [`Span::id`] and [`Span::current`] for a [`SpanId`], which names the span in `parent:` and
//!   [`follows_from`](Span::follows_from) anywhere;
//! - [`#[instrument]`](macro@instrument) for a function in a span of its own, with its parameters as fields:
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.steno");
//! use stenolog::{Span, info, instrument, span};
//!
//! #[instrument(skip(body), fields(bytes = body.len()), err)]
//! fn store(path: &str, body: &[u8]) -> Result<(), std::io::Error> {
//!     info!("stored"); // in `store{path=…, bytes=…}`
//!     Ok(())
//! }
//!
//! # let _log = stenolog::Builder::new(path).start()?;
//! store("/x", b"...")?;
//! let request = span!("request", path = "/x");
//! let id = Span::current();
//! std::thread::spawn(move || {
//!     let _task = span!(parent: id, "task");
//!     info!("in `task`, in `request`");
//! }).join().unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A span takes two records, its beginning and its end, each with a reading of the clock. Entering and leaving by a handle
//! or a future is a record each. The records of a full ring are lost, and counted, whatever they are: if the beginning of a
//! span is lost, its name and fields are unknown; all records after the next event of their thread are in the right spans.
//!
//! # Programs that log by `log` or `tracing`
//!
//! With the features `log` and `tracing` the set-up is all that a program changes: records, events and spans of its
//! own and of its dependencies go into the same dump, with their places, typed values, and the same filter.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.steno");
//! # #[cfg(all(feature = "log", feature = "tracing"))] {
//! let _log = stenolog::Builder::new(path).capture_log().capture_tracing().start()?;
//!
//! let _request = tracing::info_span!("request", path = "/x").entered();
//! log::info!(bytes = 17; "served"); // in the span, like every record
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `log_bridge`, `tracing_subscriber` and, with the feature `tracing-layer`, `tracing_layer` are for programs that
//! compose several. Scripting languages and other bridges describe their call sites at run time: [`DynamicSite`].
//!
//! # Cost
//!
//! An enabled call reads two words of its call site and one of its thread, reads the clock, checks once that
//! the record fits, stores it, and publishes it with one release store: no allocation, no lock, no system call,
//! no formatting. A disabled call is one load and one comparison. Strings and slices of more than 64 bytes take
//! a slower path, which does none of these either.
//!
//! The first call of a call site and the first call of a thread take a lock and allocate. This takes a few
//! microseconds for a call site. For a thread it takes as long if a ring is free, and a millisecond or more if
//! a ring must be created (AMD EPYC, 2.6 GHz); [`prepare_thread`] moves this out of the first call. Rings in
//! files are mapped when they are created; the pages of rings [in memory](Rings::Memory) are mapped on first
//! use.
//!
//! Numbers, characters, strings and pointers to these are passed to the hot path in registers, and other values
//! by reference. Without link-time optimisation, thread-locals cost a few more instructions in a library.
//!
//! # Limits
//!
//! Signal handlers log through [`in_signal_handler`]. After a `fork`, the child logs nothing unless it starts a
//! logger of its own or [`Builder::forked_child`] starts one. A record that is larger than its ring
//! ([`Builder::ring_capacity_bytes`]) is counted as lost. Where possible, rings are files and survive the
//! process: see [`Rings`].
//!
//! # Features
//!
//! `max_level_*` and `release_max_level_*` (`off`, `error` … `trace`) remove less severe calls at compile time.
//! `log`, `tracing` and `tracing-layer` add the bridges from these crates, and their dependencies.
//! `serde` (on by default) stores serializable fields as postcard, and any `Serialize` by [`serde()`]. `zstd` (on by
//! default) lets the drain compress with Zstandard; see [`Compression`]. `uuid`, `chrono`, `jiff`, `time`,
//! `rust_decimal`, `bytes`, `smallvec`, `ordered-float` and `url` store the types of these packages as integers, bytes
//! or strings; readers show them as their own `Display` and `Debug` do. `config` adds `Config`, the configuration as
//! data. `console` prints records while the program runs, and gives tests what they log: see `Console` and `testing`.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod bridge;
mod call;
mod clock;
mod config;
#[cfg(feature = "console")]
mod console;
mod core;
mod drain;
mod error;
mod event;
mod filter;
mod handle;
mod macros;
mod process;
mod registry;
mod ring_dir;
mod span;
mod stats;
mod sync;
#[cfg(feature = "console")]
pub mod testing;
mod thread;
mod truncate;
mod value;

pub use stenolog_format::dictionary::{Level, ParseLevelError};
#[cfg(feature = "console")]
pub use stenolog_macros::test;
pub use stenolog_macros::{Record, instrument};

#[cfg(feature = "log")]
pub use self::bridge::log::log_bridge;
#[cfg(feature = "tracing-layer")]
pub use self::bridge::tracing::tracing_layer;
#[cfg(feature = "tracing")]
pub use self::bridge::tracing::tracing_subscriber;
pub use self::call::runtime::{DynamicSite, DynamicValue};
pub use self::call::time::IntoTime;
pub use self::clock::Timestamp;
#[cfg(feature = "console")]
pub use self::config::console::Console;
pub use self::config::{Compression, Existing, ForkedChild, IfBusy, OnFull, Rings, UnreadRings};
pub use self::drain::Drain;
#[expect(deprecated, reason = "the former name is kept for one version")]
pub use self::error::FileFate;
pub use self::error::{DrainError, FileEvent, FlushError, StartError};
pub use self::event::Event;
pub use self::filter::FilterError;
pub use self::handle::builder::Builder;
pub use self::handle::logger::{Logger, SetFilterError, flush, set_filter, stats, sync};
pub use self::handle::scope::Scope;
#[cfg(feature = "config")]
pub use self::handle::settings::Config;
pub use self::span::{EnteredSpan, Instrument, Span, SpanHandle, SpanId, SpanRef, WithinSpan};
pub use self::stats::Stats;
pub use self::thread::{in_signal_handler, prepare_call_sites, prepare_thread};
#[cfg(feature = "serde")]
pub use self::value::serde;
pub use self::value::{AsRecord, Empty, Hexdump, Serialized, Value, hexdump};
#[cfg(feature = "console")]
pub use stenolog_decoder::{Format, Zone};
