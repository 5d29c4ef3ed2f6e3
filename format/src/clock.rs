//! Clock frames, which relate the raw counter to UTC, and watermarks.

use crate::bytes::Fields;

/// A reading of the raw counter and of UTC at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// The raw counter.
    pub counter: u64,
    /// UTC in nanoseconds since the Unix epoch.
    pub unix_ns: i64,
    /// How far apart the two readings may be, in counter ticks.
    pub uncertainty_ticks: u32,
}

impl ClockPair {
    /// Appends the payload of a clock frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.counter.to_le_bytes());
        out.extend_from_slice(&self.unix_ns.to_le_bytes());
        out.extend_from_slice(&self.uncertainty_ticks.to_le_bytes());
    }

    /// Reads the payload of a clock frame; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        Some(Self {
            counter: fields.u64()?,
            unix_ns: fields.i64()?,
            uncertainty_ticks: fields.u32()?,
        })
    }
}

/// A promise that records with an earlier counter precede this frame in the file.
///
/// A thread that was suspended between reading the clock and committing breaks it for that record. Readers
/// that need the exact order use the times in the block headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The raw counter when the drain began the pass that ended here.
    pub counter: u64,
}

impl Watermark {
    /// Appends the payload of a watermark frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.counter.to_le_bytes());
    }

    /// Reads the payload of a watermark frame; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        Some(Self { counter: Fields(payload).u64()? })
    }
}
