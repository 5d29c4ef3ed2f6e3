//! Writers of dumps: recovery of what is readable, and recompression.

pub(crate) mod compact;
pub(crate) mod recover;
