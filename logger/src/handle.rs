//! Starting, holding and ending a logger: builder, handle, forked children, the program's exit.

pub(crate) mod builder;
pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod logger;
mod recovery;
pub(crate) mod scope;
mod start;
