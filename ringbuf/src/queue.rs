//! Rings that never wait: an operation that cannot proceed returns at once.

pub mod mpsc;
pub mod overwrite;
pub mod spsc;
