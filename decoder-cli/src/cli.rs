//! The command line and what all commands share of it.

pub(crate) mod args;
pub(crate) mod env;
pub(crate) mod exit;
pub(crate) mod time;
pub(crate) mod units;
pub(crate) mod usage;
