//! The process as a whole: forks, descriptors that children must not inherit, memory, calls under way at
//! its end.
//!
//! Everything here is a leaf: it knows no logger. What a fork or the end of the process means for
//! loggers is in `handle`.

pub(crate) mod calls;
pub(crate) mod descriptors;
pub(crate) mod epoch;
pub(crate) mod memory;
