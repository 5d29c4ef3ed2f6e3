//! Bridges: records of the crates `log` and `tracing`, as calls whose site is described at run time.
//!
//! ```text
//!   capture   what `Builder::start` installs, and what follows the filter
//!   log       `log::Log`
//!   tracing   `tracing_core::Subscriber`, and `tracing_subscriber::Layer`
//!   origin    call sites by their place: those of `log`
//!   table     call sites by what their own crate knows of them
//! ```
//!
//! A record of theirs is an ordinary record: with the level, target, module, file and line of the program's own
//! call, and with typed values.

pub(crate) mod capture;
#[cfg(feature = "log")]
pub(crate) mod log;
#[cfg(any(feature = "log", feature = "tracing"))]
mod origin;
#[cfg(any(feature = "log", feature = "tracing"))]
mod table;
#[cfg(feature = "tracing")]
pub(crate) mod tracing;
