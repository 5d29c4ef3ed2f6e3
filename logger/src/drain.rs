//! The drain, which turns rings into a dump.
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
//! | `pacing`, `effort` | how long to sleep, when to pack, and how hard to compress |
//! | `tail` | a copy of the records that wait in the rings to be packed together |
//! | `rings` | how far each ring was read, and which rings can be released |
//! | `packer` | records → blocks |
//! | `segment` | the dump file that is being written |
//! | `clock_pairs` | the clock pairs that it needs |
//! | `segments` | the current file and earlier ones; the place for rotation |
//! | `replace` | a new file in place of one that was deleted, moved or damaged |
//! | `sync` | putting written bytes on the disk |
//! | `ledger` | which records each file has, and so which are lost with it |
//! | `report` | events for listeners |
//! | `storage` | files: creation, names, lock; the place for retention |
//!
//! Applications learn of file errors where they ask for them (`flush`, `sync`, `stats`) or listen for them
//! (`on_event`), but never wait because of them. A write that fails is retried where it stopped, and a file
//! that is taken away is replaced by a new one.

mod clock_pairs;
#[cfg(feature = "console")]
mod console;
mod effort;
mod filter_file;
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
mod tail;
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
#[cfg(feature = "console")]
pub(crate) use self::storage::nowhere::Nowhere;
pub(crate) use self::worker::start;
