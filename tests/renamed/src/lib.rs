//! A library that knows `stenolog` by another name only, and hands its macros on.
#![no_implicit_prelude]
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

pub use ::scribe as reexported;

/// A value of this crate.
#[derive(::std::fmt::Debug, ::scribe::Record)]
#[record(crate = ::scribe)]
pub struct Order {
    /// A number.
    pub id: u64,
}

/// A macro of this crate around one of `stenolog`.
#[macro_export]
macro_rules! announce {
    ($($call:tt)*) => { $crate::reexported::info!(target: "announcements", $($call)*) };
}

/// Logs in every way.
pub fn log(id: u64) {
    let order = Order { id };
    ::scribe::info!("order {id} is {order:?}");
    ::scribe::event!(::scribe::Level::Info, order, "placed");
}
