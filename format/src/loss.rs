//! Records that were not recorded.

use crate::bytes::Fields;

/// How many records a ring's thread could not record, counted from the ring's beginning.
///
/// Totals, not differences: a statement that is read twice, or not at all, falsifies nothing. It
/// is written into the ring itself, tagged [`CallSite::LOSS_ID`](crate::dictionary::CallSite),
/// before the first record that fits again; or as a frame when none follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// The raw counter when the statement was made: after the last loss that it counts.
    pub counter: u64,
    /// Lost because the ring was full, by [`Level::index`](crate::dictionary::Level::index).
    pub full: [u64; 5],
    /// Lost because they were longer than the ring can hold, by level.
    pub too_large: [u64; 5],
}

impl Loss {
    /// The length of the encoded statement.
    pub const BYTES: usize = 88;

    /// The statement as it stands in a record or a frame.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        let words = [self.counter].into_iter().chain(self.full).chain(self.too_large);
        for (field, word) in out.chunks_exact_mut(8).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// Reads a statement; `None` if it is too short.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let mut loss = Self { counter: fields.u64()?, ..Self::default() };
        for count in loss.full.iter_mut().chain(&mut loss.too_large) {
            *count = fields.u64()?;
        }
        Some(loss)
    }

    /// All records that were lost.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.full.iter().chain(&self.too_large).fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// What was lost since an earlier statement.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let minus = |now: [u64; 5], then: [u64; 5]| {
            std::array::from_fn(|level| now[level].saturating_sub(then[level]))
        };
        Self {
            counter: self.counter,
            full: minus(self.full, earlier.full),
            too_large: minus(self.too_large, earlier.too_large),
        }
    }
}

/// The payload of a loss frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossFrame {
    /// The ring whose thread lost records.
    pub ring: u32,
    /// The ring's position at that time: the loss lies behind the records before it.
    pub position: u64,
    /// What was lost.
    pub loss: Loss,
}

impl LossFrame {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&u64::from(self.ring).to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
        out.extend_from_slice(&self.loss.encode());
    }

    /// Reads the payload; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        let ring = fields.u32()?;
        fields.u32()?;
        Some(Self { ring, position: fields.u64()?, loss: Loss::decode(fields.0)? })
    }
}
