//! `Pressure`: whether the producer of a ring outruns the drain.
//!
//! LZ4 takes several times as long for a byte as the system takes to write it. If a ring stays full, its producer
//! waits for that, so only what shrinks much is compressed. If columns save less than a third of the ring's bytes,
//! as for texts that never repeat, its next blocks are raw.

use crate::drain::effort::Effort;

/// What the last blocks of a ring tell about the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::drain) struct Pressure {
    /// How many blocks in a row had as many bytes as a block may have: the drain is behind.
    full_blocks: u32,
    /// How many blocks to leave raw.
    raw_blocks: u32,
}

/// The drain is behind for good if this many blocks in a row are full. A ring that was full once has four.
const FULL_BLOCKS: u32 = 8;

/// How many blocks to leave raw until columns are tried again.
const RAW_BLOCKS: u32 = 32;

/// A block counts as full if less than a long record has room.
const NEARLY: usize = 4096;

impl Pressure {
    /// The effort for the next block, if there is no time for the best compression.
    pub(super) const fn effort(&self) -> Effort {
        match self {
            Self { raw_blocks: 1.., .. } => Effort::Raw,
            Self { full_blocks: FULL_BLOCKS.., .. } => Effort::Hasty,
            _ => Effort::Fast,
        }
    }

    /// Notes a block: how many bytes of the ring it has, how many it might have, and how many it takes in the
    /// file.
    pub(super) fn note(&mut self, effort: Effort, (bytes, full): (usize, usize), stored: u64) {
        if bytes + NEARLY < full {
            *self = Self::default();
            return;
        }
        self.full_blocks = self.full_blocks.saturating_add(1);
        self.raw_blocks = self.raw_blocks.saturating_sub(1);
        let is_dense = stored * 3 > bytes as u64 * 2;
        if effort == Effort::Hasty && is_dense {
            self.raw_blocks = RAW_BLOCKS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes full blocks of 100,000 bytes of a ring, that take `stored` bytes; returns the efforts.
    fn efforts(pressure: &mut Pressure, blocks: u32, stored: u64) -> Vec<Effort> {
        let next = || {
            let effort = pressure.effort();
            pressure.note(effort, (100_000, 100_000), stored);
            effort
        };
        std::iter::repeat_with(next).take(blocks as usize).collect()
    }

    #[test]
    fn only_for_a_ring_that_stays_full_the_drain_makes_haste() {
        let mut pressure = Pressure::default();
        let of = efforts(&mut pressure, 100, 60_000);
        let (fast, hasty) = of.split_at(FULL_BLOCKS as usize);
        assert!(fast.iter().all(|effort| *effort == Effort::Fast));
        assert!(hasty.iter().all(|effort| *effort == Effort::Hasty));
        pressure.note(Effort::Hasty, (50_000, 100_000), 50_000);
        assert_eq!(pressure.effort(), Effort::Fast, "the drain has caught up");
    }

    #[test]
    fn what_hardly_shrinks_is_left_raw() {
        let mut pressure = Pressure::default();
        let of = efforts(&mut pressure, FULL_BLOCKS + RAW_BLOCKS + 3, 70_000);
        let (columns, rest) = of.split_at(FULL_BLOCKS as usize + 1);
        assert_eq!(columns[FULL_BLOCKS as usize], Effort::Hasty);
        let (raw, rest) = rest.split_at(RAW_BLOCKS as usize);
        assert!(raw.iter().all(|effort| *effort == Effort::Raw));
        assert_eq!(rest, [Effort::Hasty, Effort::Raw], "columns are tried once");
    }
}
