//! Test doubles of the drain.

pub(crate) mod disk;
