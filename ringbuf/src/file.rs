//! Rings in files: committed records outlive the process, however it ends.
//!
//! A ring is created in a file with `Options` (feature `mmap`) and used like any other. Its memory is the
//! system's page cache of that file, so records survive `kill -9` without a write, a flush or a signal handler;
//! only a crash of the machine loses pages that were not written back yet. Later, or meanwhile from another
//! process, [`Recovered`] reads the records that were committed and not freed. Reading is plain safe code over
//! arbitrary bytes.
//!
//! # Layout
//!
//! All numbers are little-endian. A ring file is never reopened for writing.
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | magic: `93 52 49 4e 47 0d 0a 1a` |
//! | 8..12 | version: 1 |
//! | 12..16 | kind: 0 one producer, 1 many producers |
//! | 16..24 | capacity: a power of two from 16 to 2^30 |
//! | 24..32 | offset of the records: 4096 |
//! | 32..40 | process id of the creator |
//! | 40..48 | thread id, chosen by the creator |
//! | 48..56 | ring id, chosen by the creator |
//! | 56..64 | FNV-1a (64 bits) of bytes 0..56 |
//! | 128..136 | head: everything before this position is free |
//! | 136..144 | consumed: everything before this position was read |
//! | 256..264 | tail: everything before this position was claimed (many producers only) |
//! | 384..576 | 24 user words |
//! | 4096.. | the records: `capacity` bytes |
//!
//! A record is at its position modulo the capacity, in the form that
//! [`Batch::raw_slices`](crate::Batch::raw_slices) describes. A header with a length of 0 is not committed; if
//! its tag is not 0, it is a claim of that many bytes.
//!
//! # Why nothing is lost
//!
//! A killed process has executed some prefix of each thread's stores, and the file holds exactly these. It is
//! therefore enough to look at each pair of neighbouring stores:
//!
//! | killed between | what a reader finds |
//! |---|---|
//! | claim and commit, one producer | A word of zero at the tail: the end. |
//! | moving the tail and marking the claim | Words of zero up to the next claim or the tail: stepped over. |
//! | marking the claim and commit | A mark that tells the length: stepped over. |
//! | claiming the ring's end and marking it dead | One producer: a word of zero, the end. Many: words of zero, stepped over. |
//! | storing `consumed` and clearing, or in the midst of clearing | Reading starts at `consumed`, after all that is cleared. |
//! | clearing and storing `head` | The same. |
//!
//! Payload has no checksum, because the writer would pay for it on each record: if another program changes a
//! byte of payload, the changed byte is read.

#[cfg(feature = "mmap")]
mod create;
mod layout;
mod recover;

#[cfg(feature = "mmap")]
pub use create::Options;
pub use recover::{Damage, RecoverError, Recovered, RecoveredRecords};

pub use crate::positions::{Kind, USER_WORDS};
