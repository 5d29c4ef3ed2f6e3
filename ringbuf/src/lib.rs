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
//! - **Records are slices.** Each has its own length, is contiguous, starts at a multiple of 8 and carries a
//!   32-bit tag from the caller. Nothing is copied on either side, except in the overwriting queue.
//! - **No length is unlucky.** Every record up to the capacity minus 8 bytes fits an empty ring, at every
//!   offset.
//! - **One producer or many.** [`queue::spsc`] claims without any read-modify-write; [`queue::mpsc`] claims
//!   with one compare-exchange. Everything else, including the [`Consumer`], is the same.
//! - **Flight recorder.** [`queue::overwrite`] is never full: it overwrites the oldest records, and snapshots
//!   show the newest ones while writing continues.
//! - **Nothing waits** in a [`queue`]: an operation that cannot proceed returns [`TryClaimError::Full`] or
//!   `None`. A [`channel`] is a queue with a sender that waits for room and a receiver that sleeps.
//! - **No partial records.** The consumer skips a claim that is dropped, including by a panic. A
//!   [leaked](#what-a-leaked-claim-does) claim holds back the records after it, but is never unsound.
//! - **Reading in two phases.** A [`Batch`] stays in the ring until it is released, for instance after a write
//!   to disk has succeeded. It gives access to the ring's raw bytes: one system call can write many
//!   records.
//! - **Records survive the process** if the ring is in a [`mod@file`]: a program that opens the file later
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
//! [`queue::overwrite`], [`channel`] and [`mod@file`] document their own additions.
//!
//! # What a leaked claim does
//!
//! A claim that is dropped, including by unwinding, takes a few bytes until the consumer passes it. A claim
//! that is leaked (`mem::forget`) is never unsound, but looks as if it were still in use:
//!
//! | where | what it does |
//! |---|---|
//! | [`queue::spsc`] | The consumer receives the records committed before it, and none after it. The producer continues until the ring is full; from then on every claim is [`Full`](TryClaimError::Full). Nothing steps over the leaked claim. |
//! | [`queue::mpsc`] | The same, for all producers. When all of them are dropped, [`Consumer::unblock`] steps over it, one leak per call. A leaked producer counts as alive; use [`Consumer::unblock_unchecked`] in that case, and for leaked claims of live producers. |
//! | [`channel`] | As in its queue: once the ring is full, `send` waits until the receiver is dropped, and `try_send` returns `Full`; `recv` waits until its timeout ends or all senders are dropped. With many senders, it then steps over leaks by itself, and everything committed is received. |
//! | [`queue::overwrite`] | No effect, as if it were dropped. |
//! | [`mod@file`] | The same while the ring is used. A program that opens the file also finds records after the leak if the ring has many producers; if it has one, only those before the leak. |
//! | [`ReadClaim`] | A leaked read claim frees nothing: the same record is read again. |
//!
//! A leaked producer or consumer counts as alive forever, and the ring's memory is never freed.
//!
//! # Costs
//!
//! | operation | cost | instructions |
//! |---|---|---|
//! | claim and commit | No read-modify-write, and no access to shared cache lines except those of the record. Two stores besides those of the payload. | 11 |
//! | the same with many producers | One compare-exchange on the shared tail, and one store that marks the claim. | 18 |
//! | the same, at the ring's end or when the room last seen is used up | One load of the consumer's position, in a separate function: about once per lap while the consumer keeps up. | |
//! | [`Consumer::try_claim`] | One load; on drop, two stores of positions, and the record is zeroed unless both ends run on one core. | 78 |
//! | [`Consumer::drain`] | One load per record. Records are freed in chunks, of 64 KiB or an eighth of the ring; of 16 KiB if both ends run on one core: two stores per chunk, and one pass that zeroes it unless they do. If records differ in length, some prefetches per record. | 31 |
//! | the same two with many producers | What is freed is always zeroed. | 81, 55 |
//! | [`Consumer::scan_from`] | As `drain`, but the stores happen on release. | 28 |
//! | [`Consumer::batch`] | As `scan_from`, but headers are read a second time if the records are then visited one by one. | 31 |
//! | [`Consumer::readable_bytes`], [`readable_end`](Consumer::readable_end) | One load per record. | 19 |
//! | [`Sender::send`](channel::Sender::send) and commit | Claim and commit, and one load that checks whether the receiver exists. No system call unless the ring is full: then it yields to other threads between attempts. | 22; many: 26 |
//! | [`Sender::notify`](channel::Sender::notify) | A full fence and a load; a read-modify-write and a system call only if the receiver sleeps. | 4 |
//! | [`Receiver::recv`](channel::Receiver::recv) | `Consumer::try_claim` after a check for records. Without a record: spins, then sleeps for 50 µs, doubling each time up to [`MAX_POLL`](channel::MAX_POLL). | 185 |
//! | [`overwrite`](queue::overwrite): claim and commit | The payload is copied once, word by word. Allocates only for a record that is longer than all before it. Once per sixteenth of the ring: one load for each record that is dropped, and four stores. | 79 |
//! | [`Reader::snapshot`](queue::overwrite::Reader::snapshot) | An allocation of up to the capacity, and a copy of all records, word by word. The producer only notices cache misses. | 21 a word |
//! | `file::Options::create_spsc`, `create_mpsc` | A few system calls, which reserve the file's blocks and, on Linux, map all of its pages. Claims and commits then run the same code as on the heap. | |
//! | [`Recovered::open`](file::Recovered::open) | Reads the file into memory twice, or three times with many producers; repeats this up to a hundred times while the consumer of a one-producer ring frees records. Then one read of each header, and one more for each pass over the records. | |
//! | memory | 8 bytes per record, payload padded to 8, and the end of a lap that was too short for the next record. On the heap, pages that were never written take no memory. | |
//!
//! Instructions are for one record of 16 bytes, of which the reader looks at one byte, on x86-64 with rustc
//! 1.95. They were counted by callgrind over a thousand operations in `examples/instructions.rs`, minus loop
//! overhead where operations run one by one.
//!
//! # Features
//!
//! - `std` (default): [`channel`], which puts threads to sleep, and reading rings in files.
//! - `mmap`: creating rings in [`mod@file`]s, which survive the process, and in premapped [`memory`].
//!
//! Without `std` the crate is `no_std`, and needs `alloc` and 64-bit atomics. On big-endian targets `mmap` does
//! not compile.
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
pub use consumer::{Consumer, Run};
#[cfg(feature = "std")]
pub use error::{ChannelClosed, RecvError, TrySendError};
pub use error::{OutOfMemory, TryClaimError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
