//! Loss statements: how many records could not be recorded, or are gone.

use crate::bytes::Fields;

/// The numbers of records that a ring's thread could not record, counted from the ring's beginning.
///
/// They are totals, not differences, so a statement that is read twice or missed does no harm. It is
/// written into the ring before the next record that fits, tagged
/// [`CallSite::LOSS_ID`](crate::dictionary::CallSite), or as a frame if no record follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// The raw counter when the statement was made, after the last loss that it counts.
    pub counter: u64,
    /// Lost because the ring was full, by [`Level::index`](crate::dictionary::Level::index).
    pub full: [u64; 5],
    /// Lost because they were longer than the ring can hold, by level.
    pub too_large: [u64; 5],
}

impl Loss {
    /// The length of the encoded statement.
    pub const BYTES: usize = 88;

    /// The ring id for calls that got no ring for lack of memory. They are counted as if a ring were full.
    pub const NO_RING: u32 = u32::MAX;

    /// Encodes the statement, for a record or a frame.
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

    /// The number of all lost records.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.full.iter().chain(&self.too_large).fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// The loss since an earlier statement.
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
    /// The ring's position at that time: the loss follows the records before it.
    pub position: u64,
    /// The lost records.
    pub loss: Loss,
    /// Records that were written and are no longer in a file. Since format 1.1.
    pub gone: Option<Gone>,
}

/// Records of a ring that were in an earlier file of the session, when another program or the operating
/// system removed all or a part.
///
/// They are stated by number: a reader that finds some of them in what is left of the file counts only the
/// others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The number of the first of them in its ring.
    pub first: u64,
    /// The number of records; not 0.
    pub count: u64,
    /// A [`GoneCause`], or a number that only a later version knows.
    pub cause: u8,
}

/// The reason why records are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum GoneCause {
    /// The file was deleted, or another one was moved over it.
    Removed = 1,
    /// The file was truncated.
    Truncated = 2,
    /// The operating system lost data that it could not write to the disk.
    Unsaved = 3,
    /// Another program wrote to the ring's file before the drain read them. Their number is unknown; the
    /// count is a lower bound. Since format 1.3.
    Overwritten = 4,
}

impl GoneCause {
    /// The cause with this number, if this version knows one.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Removed,
            2 => Self::Truncated,
            3 => Self::Unsaved,
            4 => Self::Overwritten,
            _ => return None,
        })
    }
}

impl Gone {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&u64::from(self.cause).to_le_bytes());
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let (first, count) = (fields.u64()?, fields.u64()?);
        let [cause, ..] = fields.array::<8>()?;
        (count > 0).then_some(Self { first, count, cause })
    }
}

impl LossFrame {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&u64::from(self.ring).to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
        out.extend_from_slice(&self.loss.encode());
        if let Some(gone) = &self.gone {
            gone.encode(out);
        }
    }

    /// Reads the payload; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        let ring = fields.u32()?;
        fields.u32()?;
        let position = fields.u64()?;
        let loss = Loss::decode(fields.0)?;
        // Files of version 1.0 end here.
        let mut rest = Fields(fields.0.get(Loss::BYTES..)?);
        Some(Self { ring, position, loss, gone: Gone::decode(&mut rest) })
    }
}
