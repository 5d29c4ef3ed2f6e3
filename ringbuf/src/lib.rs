//! Lock-free rings of variable-length byte records: claim space, fill it in place, commit it with
//! one store.
//!
//! ```text
//!   Producer                                                        Consumer
//!   try_claim(len) ──▶ WriteClaim: &mut [u8]                        try_claim · drain · batch
//!                        │ commit                                         ▲
//!                        ▼                                                │
//!   ┌──────────┬─────┬─────────┬─────┬─────────────┬─────┬──────────┬─────┴────┐
//!   │ free     │ len │ payload │ len │ payload     │  0  │ free     │ dead end │
//!   │          │ tag │         │ tag │             │     │          │          │
//!   └──────────┴─────┴─────────┴─────┴─────────────┴─────┴──────────┴──────────┘
//!              ▲ head: the consumer frees           ▲ tail: the producer claims
//! ```
//!
//! - **Records are slices.** Each has its own length, lies in one piece, starts at a multiple of
//!   8 and carries a 32-bit tag of the caller's. Nothing is copied on either side.
//! - **What may ever fit fits.** Every record up to the capacity minus 8 bytes finds room once the
//!   consumer has emptied the ring, wherever in the ring that is.
//! - **One producer or many.** [`queue::spsc`] claims without any read-modify-write;
//!   [`queue::mpsc`] with one compare-exchange. All else, above all the [`Consumer`], is the same.
//! - **Or the newest only.** [`queue::overwrite`] never says no: it overwrites the oldest records,
//!   and snapshots show the newest ones while it goes on.
//! - **Nothing waits** in a [`queue`]: what cannot be done now is a [`TryClaimError::Full`] or a
//!   `None`. A [`channel`] is a queue with a sender that waits for room and a receiver that sleeps.
//! - **Nothing is half seen.** A claim that is dropped, by a panic as well, is skipped by the
//!   consumer. One that is leaked holds back what follows, and is never unsound.
//! - **Reading in two phases.** A [`Batch`] stays in the ring until it is released, for instance
//!   after the write to disk succeeded, and shows the ring's raw bytes to those who want to write
//!   many records with one system call.
//!
//! - **Nothing is lost** with the process, if the ring lies in a [`mod@file`]: whoever opens it later
//!   finds what was committed and not read, even after `kill -9`.
//!
//! # Examples
//!
//! ```
//! use stenolog_ringbuf::queue::spsc;
//!
//! let (mut producer, mut consumer) = spsc::new(64 * 1024);
//!
//! let writer = std::thread::spawn(move || {
//!     for (tag, text) in (1..).zip(["one", "three", "fifteen"]) {
//!         let mut claim = producer.try_claim(text.len()).expect("there is room for all");
//!         claim.copy_from_slice(text.as_bytes());
//!         claim.commit_tagged(tag);
//!     }
//! });
//!
//! let mut texts = Vec::new();
//! loop {
//!     // In this order: what was committed before the producer hung up is then not missed.
//!     let last_look = consumer.is_disconnected();
//!     consumer.drain(usize::MAX, |record| {
//!         texts.push((record.tag(), String::from_utf8_lossy(record.payload()).into_owned()));
//!     });
//!     if last_look {
//!         break;
//!     }
//!     std::thread::yield_now();
//! }
//! writer.join().unwrap();
//! assert_eq!(texts, [(1, "one".into()), (2, "three".into()), (3, "fifteen".into())]);
//! ```
//!
//! # Costs
//!
//! | operation | cost |
//! |---|---|
//! | claim and commit | No read-modify-write and no shared line is touched but the record's own. With 16 bytes of constant length: 11 instructions, two of them the stores of the payload. |
//! | the same with many producers | One compare-exchange on the shared tail, and one store that marks the claim. |
//! | the same, at the ring's end or when the room last seen is used up | One load of the consumer's position, in a function of its own: about once a lap as long as the consumer keeps up. |
//! | [`Consumer::try_claim`] | One load; on drop one store of the position, and one in each cache line that was read. |
//! | [`Consumer::drain`] | One load a record; one store a cache line, unless both ends run on one core; two stores a 16 KiB. |
//! | the same with many producers | The stores become one pass that zeroes all that is freed. |
//! | [`Consumer::scan_from`] | As `drain`, without the stores, which come with the release. |
//! | [`Consumer::batch`] | As `scan_from`, with the headers read twice if the records are then looked at one by one. |
//! | [`Consumer::readable_bytes`] | One load a record. |
//! | memory | 8 bytes a record, payload padded to 8, and the end of a lap that was too short for the next record. Pages that were never written take none. |
//!
//! # Features
//!
//! - `std` (default): [`channel`], which has to put threads to sleep, and reading rings in files.
//! - `mmap`: creating rings in [`mod@file`]s, which survive the process.
//!
//! Without it the crate is `no_std`, and needs `alloc` and 64-bit atomics.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod batch;
#[cfg(feature = "std")]
pub mod channel;
mod claim;
mod consumer;
mod cpu;
mod error;
#[cfg(all(feature = "std", not(loom)))]
pub mod file;
mod header;
mod positions;
pub mod queue;
mod ring;
mod storage;
mod sync;

pub use batch::{Batch, Record, Records};
pub use claim::{ReadClaim, WriteClaim};
pub use consumer::Consumer;
pub use error::TryClaimError;
#[cfg(feature = "std")]
pub use error::{ChannelClosed, RecvError, TrySendError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
