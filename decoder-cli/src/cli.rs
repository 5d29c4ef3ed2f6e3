//! Command-line plumbing that commands share: arguments, environment, units, times, exit codes.

pub(crate) mod args;
pub(crate) mod exit;
pub(crate) mod time;
pub(crate) mod units;
pub(crate) mod usage;
