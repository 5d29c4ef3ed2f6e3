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
