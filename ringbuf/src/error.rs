//! Why an operation did not happen.

/// Why there is no space to claim.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("there is no memory for the ring")]
pub struct OutOfMemory;

/// The receiver is gone, so nothing that is sent would be read.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the receiver of the channel is gone")]
pub struct ChannelClosed;

/// Why there is no space to send in.
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
