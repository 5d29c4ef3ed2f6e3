//! Errors of claims, channels and construction.

/// The error of a claim.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::TryClaimError;
///
/// let (mut producer, _consumer) = stenolog_ringbuf::queue::spsc::new(64);
/// producer.try_claim(56)?.commit();
/// assert_eq!(producer.try_claim(1).unwrap_err(), TryClaimError::Full);
/// assert_eq!(producer.try_claim(57).unwrap_err(), TryClaimError::TooLarge);
/// # Ok::<(), TryClaimError>(())
/// ```
// Exhaustive on purpose: «wait» and «never» leave no third case, and a hot path wants to match both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TryClaimError {
    /// The ring has no room at the moment. Try again once the consumer has freed some.
    #[error("the ring is full")]
    Full,
    /// The record is larger than this ring (or the given share of it) can ever hold.
    #[error("the record is larger than the ring can ever hold")]
    TooLarge,
}

/// A ring could not be allocated.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::{OutOfMemory, queue::spsc};
///
/// let (mut producer, _consumer) = spsc::try_new(4096)?;
/// assert!(producer.try_claim(8).is_ok());
/// # Ok::<(), OutOfMemory>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("out of memory: cannot allocate the ring")]
pub struct OutOfMemory;

/// The receiver was dropped, so sent records would never be read.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::{ChannelClosed, channel::spsc};
///
/// let (mut sender, receiver) = spsc::new(64);
/// drop(receiver);
/// assert_eq!(sender.send(8).unwrap_err(), ChannelClosed);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the receiver of the channel is gone")]
pub struct ChannelClosed;

/// The error of [`try_send`](crate::channel::Sender::try_send).
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::{TrySendError, channel::spsc};
///
/// let (mut sender, receiver) = spsc::new(16);
/// sender.try_send(8)?.commit();
/// assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Full);
/// drop(receiver);
/// assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Disconnected);
/// # Ok::<(), TrySendError>(())
/// ```
// Exhaustive, as above.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TrySendError {
    /// The ring has no room at the moment. Try again once the receiver has freed some.
    #[error("the channel is full")]
    Full,
    /// The receiver was dropped, so sent records would never be read.
    #[error("the receiver of the channel is gone")]
    Disconnected,
}

/// The error of [`recv`](crate::channel::Receiver::recv).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stenolog_ringbuf::{RecvError, channel::spsc};
///
/// let (sender, mut receiver) = spsc::new(64);
/// assert_eq!(receiver.recv(Some(Duration::ZERO)).unwrap_err(), RecvError::Timeout);
/// drop(sender);
/// assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
/// ```
// Exhaustive, as above.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecvError {
    /// The timeout ended before anything was sent.
    #[error("nothing was sent in time")]
    Timeout,
    /// All senders were dropped, and everything that they sent was received.
    #[error("all senders of the channel are gone")]
    Disconnected,
}
