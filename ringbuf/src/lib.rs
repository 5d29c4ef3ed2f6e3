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
//!   8 and carries a 32-bit tag of the caller's. Nothing is copied on either side, but where
//!   records are overwritten.
//! - **What may ever fit fits.** Every record up to the capacity minus 8 bytes finds room once the
//!   consumer has emptied the ring, wherever in the ring that is.
//! - **One producer or many.** [`queue::spsc`] claims without any read-modify-write;
//!   [`queue::mpsc`] with one compare-exchange. All else, above all the [`Consumer`], is the same.
//! - **Or the newest only.** [`queue::overwrite`] never says no: it overwrites the oldest records,
//!   and snapshots show the newest ones while it goes on.
//! - **Nothing waits** in a [`queue`]: what cannot be done now is a [`TryClaimError::Full`] or a
//!   `None`. A [`channel`] is a queue with a sender that waits for room and a receiver that sleeps.
//! - **Nothing is half seen.** A claim that is dropped, by a panic as well, is skipped by the
//!   consumer. One that is [leaked](#what-a-leaked-claim-does) holds back what follows, and is
//!   never unsound.
//! - **Reading in two phases.** A [`Batch`] stays in the ring until it is released, for instance
//!   after the write to disk succeeded, and shows the ring's raw bytes to those who want to write
//!   many records with one system call.
//! - **Nothing is lost** with the process if the ring is in a [`mod@file`]: a program that opens it later
//!   finds the records that were committed but not read, even after `kill -9`.
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
//! # How it works
//!
#![doc = include_str!("../PROTOCOL.md")]
//!
//! [`queue::overwrite`], [`channel`] and [`mod@file`] say the same of what they add.
//!
//! # What a leaked claim does
//!
//! A claim that is dropped, by unwinding as well, costs a few bytes until the consumer comes past.
//! One that is leaked (`mem::forget`) is never unsound, but looks as if it were still in use:
//!
//! | where | what it does |
//! |---|---|
//! | [`queue::spsc`] | The consumer gets what was committed before it, and nothing after it. The producer goes on until the ring is full; from then on every claim is [`Full`](TryClaimError::Full). Nothing steps over it. |
//! | [`queue::mpsc`] | The same, for all producers. When all of them are dropped, [`Consumer::unblock`] steps over it, one leak a call. A producer that was leaked as well counts as alive; for that, and for leaks of producers that live on, there is [`Consumer::unblock_unchecked`]. |
//! | [`channel`] | As in its queue: once the ring is full, `send` waits until the receiver is gone, and `try_send` says `Full`; `recv` waits until its time is over or all senders are gone. With many senders it then steps over leaks by itself, and everything that was committed is received. |
//! | [`queue::overwrite`] | Nothing, as if it were dropped. |
//! | [`mod@file`] | The same while the ring is used. A program that opens the file finds what many producers committed after the leak, and what one producer committed before it. |
//! | [`ReadClaim`] | A leaked one frees nothing: the same record is read again. |
//!
//! An end that is leaked counts as alive for ever, and the ring's memory stays.
//!
//! # Costs
//!
//! | operation | cost | instructions |
//! |---|---|---|
//! | claim and commit | No read-modify-write, and no shared line is touched but the record's own. Two stores besides those of the payload. | 11 |
//! | the same with many producers | One compare-exchange on the shared tail, and one store that marks the claim. | 18 |
//! | the same, at the ring's end or when the room last seen is used up | One load of the consumer's position, in a function of its own: about once a lap as long as the consumer keeps up. | |
//! | [`Consumer::try_claim`] | One load; on drop two stores of positions, and one in each cache line that was read. | 78 |
//! | [`Consumer::drain`] | One load a record. What lies in 16 KiB, or in a quarter of a smaller ring, is freed at once: two stores, and one in each cache line, unless both ends run on one core. | 31 |
//! | the same two with many producers | The stores to cache lines become one pass that zeroes all that is freed. | 81, 55 |
//! | [`Consumer::scan_from`] | As `drain`, without the stores, which come with the release. | 28 |
//! | [`Consumer::batch`] | As `scan_from`, with the headers read twice if the records are then looked at one by one. | 31 |
//! | [`Consumer::readable_bytes`], [`readable_end`](Consumer::readable_end) | One load a record. | 19 |
//! | [`Sender::send`](channel::Sender::send) and commit | Claim and commit, and one load that asks whether the receiver is there. No call to the system, unless the ring is full: then the processor is offered to other threads between attempts. | 22; many: 26 |
//! | [`Sender::notify`](channel::Sender::notify) | A full fence and a load; a read-modify-write and a call to the system only if the receiver sleeps. | 4 |
//! | [`Receiver::recv`](channel::Receiver::recv) | `Consumer::try_claim` after a look at what is there. Without a record: spins, then sleeps for 50 µs, and each time twice as long, up to [`MAX_POLL`](channel::MAX_POLL). | 185 |
//! | [`overwrite`](queue::overwrite): claim and commit | The payload is copied once, word by word. Allocates only for a record that is longer than all before it. Once a sixteenth of the ring: one load for each record that is given up, and four stores. | 79 |
//! | [`Reader::snapshot`](queue::overwrite::Reader::snapshot) | An allocation of up to the capacity, and a copy of all that is there, word by word. The producer does not notice, but for its cache lines. | 21 a word |
//! | `file::Options::create_spsc`, `create_mpsc` | A few calls to the system, which reserve the file's blocks and, on Linux, map all of its pages. Claims and commits are then the same code as on the heap. | |
//! | [`Recovered::open`](file::Recovered::open) | Reads the file twice, thrice with many producers, into memory of its own; again, up to a hundred times, while the consumer of one producer frees records. Then one look at each header, and one more for each pass over the records. | |
//! | memory | 8 bytes a record, payload padded to 8, and the end of a lap that was too short for the next record. Pages of a ring on the heap that were never written take none. | |
//!
//! The instructions are those of one record of 16 bytes, of which one is looked at when it is
//! read, with x86-64 and rustc 1.95: counted by callgrind over a thousand operations in
//! `examples/instructions.rs`, less those of the loop around what goes one by one.
//!
//! # Features
//!
//! - `std` (default): [`channel`], which has to put threads to sleep, and reading rings in files.
//! - `mmap`: creating rings in [`mod@file`]s, which survive the process, and in [`memory`] that is
//!   there from the start.
//!
//! Without `std` the crate is `no_std`, and needs `alloc` and 64-bit atomics. Targets that are
//! big-endian have all but `mmap`, which does not compile there.
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
#[cfg(all(feature = "mmap", not(loom)))]
pub mod memory;
mod positions;
pub mod queue;
mod ring;
mod storage;
mod sync;

pub use batch::{Batch, Record, Records};
pub use claim::{ReadClaim, WriteClaim};
pub use consumer::Consumer;
#[cfg(feature = "std")]
pub use error::{ChannelClosed, RecvError, TrySendError};
pub use error::{OutOfMemory, TryClaimError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
