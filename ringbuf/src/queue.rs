//! Rings that never wait: what cannot be done now is said to the caller.

pub mod mpsc;
pub mod overwrite;
pub mod spsc;
