//! A logging call: its site, how each value is captured, and how the record is written.

pub(crate) mod capture;
pub(crate) mod ceiling;
pub(crate) mod emit;
pub(crate) mod rate;
pub(crate) mod registers;
pub(crate) mod runtime;
pub(crate) mod targets;
pub(crate) mod time;
