//! The receiving end of a channel.

use super::bell::{Bell, Sleeper};
use crate::claim::ReadClaim;
use crate::consumer::Consumer;
use crate::error::RecvError;
use crate::sync::{Arc, Backoff};
use core::fmt;
use core::time::Duration;
use std::time::Instant;

/// The longest time for which a sleeping receiver does not look for records if no sender notifies it.
pub const MAX_POLL: Duration = Duration::from_millis(5);

/// The length of the first sleep of a wait. Each further one is twice as long.
const MIN_POLL: Duration = Duration::from_micros(50);

/// The receiving end of a channel.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(64);
/// assert!(receiver.try_recv().is_none());
/// sender.send(8)?.commit_tagged(1);
/// assert_eq!(receiver.recv(Some(Duration::from_secs(1))).unwrap().tag(), 1);
/// # Ok::<(), stenolog_ringbuf::ChannelClosed>(())
/// ```
pub struct Receiver {
    consumer: Consumer,
    sleeper: Sleeper,
}

impl Receiver {
    pub(super) fn new(consumer: Consumer) -> Self {
        Self { consumer, sleeper: Sleeper::new() }
    }

    pub(super) fn bell(&self) -> Arc<Bell> {
        self.sleeper.bell()
    }

    /// Takes the oldest record. Waits for one for at most `timeout`, or without a limit if it is `None`.
    ///
    /// With a timeout of zero, it does not wait.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvError::Timeout) if nothing was sent in time; [`Disconnected`](RecvError::Disconnected)
    /// if all senders were dropped and everything that they sent was received.
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<ReadClaim<'_>, RecvError> {
        self.wait(timeout)?;
        Ok(self.consumer.try_claim().expect("there is a record, and no other receiver to take it"))
    }

    /// Takes the oldest record, if there is one.
    pub fn try_recv(&mut self) -> Option<ReadClaim<'_>> {
        self.consumer.try_claim()
    }

    /// Waits as [`recv`](Self::recv) does, but takes nothing. Use it to read many records through
    /// [`consumer`](Self::consumer).
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<(), RecvError> {
        if self.consumer.has_record() {
            return Ok(());
        }
        // A timeout too long for the clock is one that never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let backoff = Backoff::new();
        let mut poll = MIN_POLL;
        loop {
            // In this order: what was committed before the last sender hung up is then not missed.
            let disconnected = self.consumer.is_disconnected();
            if self.consumer.has_record() {
                return Ok(());
            }
            if disconnected {
                // Claims that were leaked may hold back others.
                if self.consumer.unblock() {
                    continue;
                }
                return Err(RecvError::Disconnected);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(RecvError::Timeout);
            }
            if !backoff.is_completed() {
                backoff.snooze();
                continue;
            }
            let consumer = &self.consumer;
            self.sleeper.sleep(left.map_or(poll, |left| left.min(poll)), || {
                consumer.is_empty() && !consumer.is_disconnected()
            });
            poll = MAX_POLL.min(poll * 2);
        }
    }

    /// The consumer of the ring, for reading many records at once.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(4096);
    /// sender.send(8)?.commit_tagged(1);
    /// sender.send(8)?.commit_tagged(2);
    ///
    /// let mut tags = Vec::new();
    /// while receiver.wait(Some(std::time::Duration::ZERO)).is_ok() {
    ///     receiver.consumer().drain(usize::MAX, |record| tags.push(record.tag()));
    /// }
    /// assert_eq!(tags, [1, 2]);
    /// # Ok::<(), stenolog_ringbuf::ChannelClosed>(())
    /// ```
    pub fn consumer(&mut self) -> &mut Consumer {
        &mut self.consumer
    }

    /// Whether all senders were dropped. Records that they sent may still be unread.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.consumer.is_disconnected()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}
