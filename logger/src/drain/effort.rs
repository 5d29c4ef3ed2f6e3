//! Effort that the drain spends on a block: its layout, its codec and its summary.
//!
//! | effort | a block is | when |
//! |---|---|---|
//! | hard | columns, Zstandard, a summary of the text | its ring is less than half full, and the drain rests most of the time |
//! | fast | columns, LZ4, a summary of the call sites | otherwise |
//! | hasty | columns, LZ4 for those that it halves, a summary of the call sites | the drain is [behind](super::packer::Pressure) |
//! | rows | packed rows | compression is off, and its ring is less than half full |
//! | raw | as the ring has it | compression is off, it cannot be packed, or it hardly shrinks and the drain is behind |
//!
//! A block has the records of all rings, unless these are filled fast. With the effort hard, it also has pools of
//! texts, and each column has the layout that suits it best.
//!
//! The hasty way keeps up with a ring. Random numbers and texts take a few nanoseconds a record more in columns than
//! as the ring has them, for two thirds of the bytes. What shrinks takes less time in columns.

use stenolog_format::block::Codec;

use crate::config::Compression;

/// The effort for one block, in increasing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// The bytes of the ring.
    Raw,
    /// Packed rows.
    Rows,
    /// Columns, and LZ4 for what it makes much shorter.
    Hasty,
    /// Columns that LZ4 compresses.
    Fast,
    /// Columns that Zstandard compresses.
    Hard,
}

impl Effort {
    /// The effort for a ring with `bytes` of `capacity` in use. `has_time` tells whether the drain rests most
    /// of the time.
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
            Self::Hasty | Self::Fast => &[Codec::Lz4],
            Self::Hard => &[Codec::Zstd, Codec::Lz4],
        }
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
}
