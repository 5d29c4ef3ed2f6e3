//! `Pressure`: whether the producer of a ring outruns the drain.
//!
//! LZ4 takes several times as long for a byte as the system takes to write it. If a ring stays full, its producer
//! waits for that, so only what shrinks much is compressed.

use crate::drain::effort::Effort;

/// What the last blocks of a ring tell about the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::drain) struct Pressure {
    /// How many blocks in a row had as many bytes as a block may have: the drain is behind.
    full_blocks: u32,
}

/// The drain is behind for good if this many blocks in a row are full. A ring that was full once has four.
const FULL_BLOCKS: u32 = 8;

/// A block counts as full if less than a long record has room.
const NEARLY: usize = 4096;

impl Pressure {
    /// The effort for the next block, if there is no time for the best compression.
    pub(super) const fn effort(&self) -> Effort {
        if self.full_blocks >= FULL_BLOCKS { Effort::Hasty } else { Effort::Fast }
    }

    /// Notes a block: how many bytes of the ring it has, and how many it might have.
    pub(super) const fn note(&mut self, bytes: usize, full: usize) {
        let is_full = bytes + NEARLY >= full;
        self.full_blocks = if is_full { self.full_blocks.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_for_a_ring_that_stays_full_the_drain_makes_haste() {
        let mut pressure = Pressure::default();
        for block in 0..2 * FULL_BLOCKS {
            let expected = if block < FULL_BLOCKS { Effort::Fast } else { Effort::Hasty };
            assert_eq!(pressure.effort(), expected);
            pressure.note(99_000, 100_000);
        }
        pressure.note(50_000, 100_000);
        assert_eq!(pressure.effort(), Effort::Fast, "the drain has caught up");
    }
}
