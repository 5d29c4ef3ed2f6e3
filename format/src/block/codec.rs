//! Codecs of block bodies, and how much memory a compressed body may take.

/// The compression of a block's body. The header before it is never compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// No compression.
    #[default]
    None,
    /// An LZ4 block, without a frame or a length. Since format 1.2.
    Lz4,
    /// A Zstandard frame that states its content size and needs no dictionary. Since 1.2.
    Zstd,
}

impl Codec {
    /// The longest body that may be compressed.
    pub const MAX_BODY_BYTES: usize = 16 << 20;

    /// The codec that a [header](super::BlockHeader::codec) names; `None` if this version does not
    /// know it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its number in a block header.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }

    /// Whether a body of `body_bytes` may be stored in a file as `stored_bytes`.
    ///
    /// A reader refuses any other body, so a few bytes never take much memory. A writer leaves such a body
    /// plain, or uses another codec.
    ///
    /// ```
    /// use stenolog_format::block::Codec;
    ///
    /// assert!(Codec::Zstd.allows(100_000, 1_000));
    /// assert!(!Codec::Zstd.allows(10_000_000, 1_000)); // 1024 times as long, and 4096 bytes
    /// assert!(Codec::None.allows(1_000, 1_000) && !Codec::None.allows(1_001, 1_000));
    /// ```
    #[must_use]
    pub const fn allows(self, body_bytes: usize, stored_bytes: usize) -> bool {
        match self {
            Self::None => body_bytes == stored_bytes,
            Self::Lz4 | Self::Zstd => {
                let most = stored_bytes.saturating_mul(1024).saturating_add(4096);
                body_bytes <= Self::MAX_BODY_BYTES && body_bytes <= most
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_one_codec() {
        for number in 0..=u8::MAX {
            assert!(Codec::from_number(number).is_none_or(|codec| codec.number() == number));
        }
        assert_eq!(Codec::from_number(3), None);
    }

    #[test]
    fn the_limits_hold_on_both_sides() {
        let most = Codec::MAX_BODY_BYTES;
        assert!(Codec::Lz4.allows(most, most) && !Codec::Lz4.allows(most + 1, most));
        assert!(Codec::Zstd.allows(4096, 0) && !Codec::Zstd.allows(4097, 0));
        assert!(Codec::Zstd.allows(5120, 1) && !Codec::Zstd.allows(5121, 1));
        assert!(!Codec::Zstd.allows(usize::MAX, usize::MAX));
    }
}
