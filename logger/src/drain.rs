//! The drain: what turns rings into a dump.
//!
//! ```text
//!   rings ──▶ packer ──▶ segment: DumpWriter ──▶ file ──▶ storage
//!     ▲                     blocks, explanations,  written, synced
//!     │                     losses                    │
//!     └──── a ring's records are freed when the file has them ◀───┘
//! ```
//!
//! | module | role |
//! |---|---|
//! | `worker` | the loop of the drain's thread: requests, sleep, the end |
//! | `manual` | a drain that the program polls |
//! | `pass` | one pass over the rings |
//! | `pacing`, `effort` | how long to sleep, and how hard to compress |
//! | `rings` | what was taken of each ring, and which may be let go of |
//! | `packer` | records → blocks |
//! | `segment` | the dump file that is being written |
//! | `segments` | that one and those before it; the place for rotation |
//! | `replace` | a new file in place of one to which something was done |
//! | `sync` | what was written gets on the disk |
//! | `ledger` | which records a file has, and so which are lost with it |
//! | `report` | what listeners are told |
//! | `storage` | files: creation, names, lock; the place for retention |
//!
//! Applications are told of trouble with the file where they ask for it (`flush`, `sync`, `stats`) or listen
//! (`on_event`), but never wait because of it. A write that fails is retried where it stopped, and a file
//! that is taken away is replaced by a new one.

mod effort;
mod ledger;
mod manual;
mod pacing;
mod packer;
mod pass;
mod replace;
mod report;
mod rings;
mod segment;
mod segments;
mod signals;
pub(crate) mod storage;
mod sync;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod worker;

pub use self::manual::Drain;
pub(crate) use self::segment::SegmentFile;
#[cfg(test)]
pub(crate) use self::storage::Storage;
pub(crate) use self::storage::create::session_at;
pub(crate) use self::storage::file::DumpFile;
pub(crate) use self::storage::naming::numbered;
pub(crate) use self::worker::start;
