//! Threads: the service's threads by what they do.

/// The names of the threads, by number.
pub const THREADS: [&str; 11] = [
    "main",
    "gateway-0",
    "gateway-1",
    "worker-0",
    "worker-1",
    "worker-2",
    "db-0",
    "db-1",
    "fix",
    "audit",
    "timer",
];

pub(crate) const MAIN: usize = 0;
pub(crate) const GATEWAYS: [usize; 2] = [1, 2];
pub(crate) const WORKERS: [usize; 3] = [3, 4, 5];
pub(crate) const DATABASES: [usize; 2] = [6, 7];
pub(crate) const FIX: usize = 8;
pub(crate) const AUDIT: usize = 9;
pub(crate) const TIMER: usize = 10;
