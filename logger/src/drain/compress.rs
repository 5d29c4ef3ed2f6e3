//! How blocks are laid out and compressed, and how hard the drain tries.
//!
//! | effort | a block is | when |
//! |---|---|---|
//! | hard | columns, Zstandard, a summary of the text | its ring is less than half full, and the drain rests most of the time |
//! | fast | columns, LZ4, a summary of the call sites | otherwise |
//! | rows | packed rows | nothing is to be compressed, and its ring is less than half full |
//! | raw | as the ring has it | nothing is to be compressed, or it cannot be packed |
//!
//! Nothing keeps up with a ring better than the fast way: what it takes to make columns, and LZ4 to
//! find that they hardly change, is less than it takes the system to write what lies in the ring.

use std::time::Duration;

use stenolog_format::block::Codec;

use crate::config::Compression;

/// What the drain does for one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// Leaves it as it lies in the ring.
    Raw,
    /// Packs it in rows.
    Rows,
    Fast,
    Hard,
}

impl Effort {
    /// The effort for a ring of which `bytes` of `capacity` are full; `has_time` is whether the
    /// drain rests most of the time.
    pub(super) fn of(policy: Compression, bytes: usize, capacity: usize, has_time: bool) -> Self {
        match policy {
            Compression::None if bytes > capacity / 2 => Self::Raw,
            Compression::None => Self::Rows,
            Compression::Adaptive if cfg!(feature = "zstd") && has_time && bytes < capacity / 2 => {
                Self::Hard
            }
            Compression::Adaptive | Compression::Fast => Self::Fast,
        }
    }

    /// The codecs to try, in order.
    pub(super) const fn codecs(self) -> &'static [Codec] {
        match self {
            Self::Raw | Self::Rows => &[],
            Self::Fast => &[Codec::Lz4],
            Self::Hard => &[Codec::Zstd, Codec::Lz4],
        }
    }
}

/// How much of its time the drain takes.
#[derive(Debug, Default)]
pub(super) struct Load {
    busy: Duration,
    past: Duration,
    has_time: bool,
}

/// The interval at which the load is measured.
const LOAD_OVER: Duration = Duration::from_millis(5);

impl Load {
    /// Notes that a pass took so long, of the time since the one before began.
    pub(super) fn note(&mut self, busy: Duration, past: Duration) {
        self.busy += busy;
        self.past += past;
        if self.past < LOAD_OVER {
            return;
        }
        // What LZ4 leaves time for may be too much for Zstandard, which takes some three times as
        // long: between the two shares it stays as it is.
        let share = self.busy.as_secs_f64() / self.past.as_secs_f64();
        self.has_time = share < if self.has_time { 0.5 } else { 0.125 };
        (self.busy, self.past) = (Duration::ZERO, Duration::ZERO);
    }

    /// Whether the drain rests most of the time.
    pub(super) const fn has_time(&self) -> bool {
        self.has_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuller_a_ring_the_less_is_done_for_a_block() {
        let of = |policy, bytes, has_time| Effort::of(policy, bytes, 1000, has_time);
        let hard = if cfg!(feature = "zstd") { Effort::Hard } else { Effort::Fast };
        assert_eq!(of(Compression::Adaptive, 499, true), hard);
        assert_eq!(of(Compression::Adaptive, 500, true), Effort::Fast);
        assert_eq!(of(Compression::Adaptive, 10, false), Effort::Fast);
        assert_eq!(of(Compression::Fast, 10, true), Effort::Fast);
        assert_eq!(of(Compression::None, 500, true), Effort::Rows);
        assert_eq!(of(Compression::None, 501, true), Effort::Raw);
    }

    #[test]
    fn the_load_is_taken_over_some_time() {
        let us = Duration::from_micros;
        let mut load = Load::default();
        load.note(us(1), us(4_999));
        assert!(!load.has_time());
        load.note(us(1), us(1));
        assert!(load.has_time());
        // Not an eighth any more, but less than half.
        load.note(us(2_000), us(5_000));
        assert!(load.has_time());
        load.note(us(3_000), us(5_000));
        assert!(!load.has_time());
        load.note(us(2_000), us(5_000));
        assert!(!load.has_time());
    }
}
