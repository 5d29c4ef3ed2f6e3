//! State that all rings of a read change: counters and pools.

use super::pools::Pools;
use super::tally::Tally;

/// The state.
#[derive(Debug, Default)]
pub(crate) struct ReadState {
    pub(crate) tally: Tally,
    pub(crate) pools: Pools,
}
