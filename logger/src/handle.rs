//! Starting, holding and ending a logger: builder, handle, forked children, the program's exit.

pub(crate) mod builder;
#[cfg(feature = "console")]
mod console;
pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod logger;
mod naming;
mod panics;
mod recovery;
pub(crate) mod scope;
#[cfg(feature = "config")]
pub(crate) mod settings;
mod start;
