//! Errors of claims, channels and construction.

/// Why there is no space to claim.
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
    /// The ring has no room now. Try again once the consumer has freed some.
    #[error("the ring is full")]
    Full,
    /// The record is larger than this ring (or the given share of it) can ever hold.
    #[error("the record is larger than the ring can ever hold")]
    TooLarge,
}

/// There is no memory for a ring.
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

/// The receiver is gone, so nothing that is sent would be read.
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

/// Why there is no space to send in.
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
    /// The ring has no room now. Try again once the receiver has freed some.
    #[error("the channel is full")]
    Full,
    /// The receiver is gone, so nothing that is sent would be read.
    #[error("the receiver of the channel is gone")]
    Disconnected,
}

/// Why nothing was received.
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
    /// The time was over before anything was sent.
    #[error("nothing was sent in time")]
    Timeout,
    /// All senders are gone, and everything that they sent was received.
    #[error("all senders of the channel are gone")]
    Disconnected,
}
