//! Queues whose ends can wait: a sender for room, a receiver for records.
//!
//! A receiver that finds no record polls for a moment and then sleeps. Committing a record does not wake it,
//! because a system call costs more than a hundred records: it wakes up when a sender calls
//! [`notify`](Sender::notify) or is dropped, and by itself after at most [`MAX_POLL`]. Call `notify` after each
//! record, or after the last of several, for low latency; never call it for throughput.
//!
//! ```text
//!   sender                                 receiver
//!   commit the record                      asleep := true
//!   ── fence, SeqCst ──                    ── fence, SeqCst ──
//!   asleep? then asleep := false, wake     a record, or no sender left? then stay awake
//!                                          sleep until woken or for at most MAX_POLL
//! ```
//!
//! One of the two fences is first. If it is the sender's, the receiver sees the record; if it is the
//! receiver's, the sender sees that the receiver is asleep. A wake-up that precedes the sleep ends it at once.
//! A record followed by `notify` therefore never waits for a poll.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use stenolog_ringbuf::RecvError;
//! use stenolog_ringbuf::channel::mpsc;
//!
//! let (sender, mut receiver) = mpsc::new(4096);
//! for tag in 0..4 {
//!     let mut sender = sender.clone();
//!     std::thread::spawn(move || {
//!         sender.send(5)?.commit_tagged(tag);
//!         sender.notify();
//!         Ok::<(), stenolog_ringbuf::ChannelClosed>(())
//!     });
//! }
//! drop(sender);
//!
//! let mut tags = Vec::new();
//! let end = loop {
//!     match receiver.recv(None) {
//!         Ok(record) => tags.push(record.tag()),
//!         Err(end) => break end,
//!     }
//! };
//! tags.sort();
//! assert_eq!((tags, end), (vec![0, 1, 2, 3], RecvError::Disconnected));
//! ```

mod bell;
mod receiver;
mod sender;

pub use receiver::{MAX_POLL, Receiver};
pub use sender::Sender;

/// One sender, one receiver.
pub mod spsc {
    use crate::queue::spsc;

    pub use super::Receiver;

    /// The sending end.
    pub type Sender = super::Sender<spsc::Producer>;

    /// Creates a channel over a [ring](spsc::new) of at least `capacity_bytes`.
    ///
    /// # Panics
    ///
    /// If the capacity exceeds 1 GiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> (Sender, Receiver) {
        super::over(spsc::new(capacity_bytes))
    }
}

/// Many senders, one receiver.
pub mod mpsc {
    use crate::queue::mpsc;

    pub use super::Receiver;

    /// A sending end. Clone it for further senders.
    pub type Sender = super::Sender<mpsc::Producer>;

    /// Creates a channel over a [ring](mpsc::new) of at least `capacity_bytes`.
    ///
    /// # Panics
    ///
    /// If the capacity exceeds 1 GiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> (Sender, Receiver) {
        super::over(mpsc::new(capacity_bytes))
    }
}

/// Makes a channel of the two ends of a queue.
fn over<P>((producer, consumer): (P, crate::Consumer)) -> (Sender<P>, Receiver) {
    let receiver = Receiver::new(consumer);
    (Sender::new(producer, receiver.bell()), receiver)
}
