//! Writers of dumps: recovery of what is readable, and recompression.

pub(crate) mod compact;
mod contexts;
pub(crate) mod recover;
