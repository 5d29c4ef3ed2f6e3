//! Volatile rings, whose records do not survive the process.

use crate::bytes::Fields;

/// The payload of a volatile frame: a ring that is not in a file, or not in one that a reader can find. If
/// the writer dies, records of the ring that the dump lacks are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolatileRing {
    /// The ring; [`ALL`](Self::ALL) for all rings of the session.
    pub ring: u32,
    /// A [`VolatileState`], or a number that only a later version knows.
    pub state: u8,
    /// The number of the first record that the dump does not have, when the statement was made.
    pub number: u64,
    /// Why, in words. May be empty.
    pub reason: String,
}

/// The state of a volatile ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum VolatileState {
    /// It is in the writer's own memory. Nothing is lost if the dump is sealed.
    Memory = 1,
    /// Its file was deleted while the writer used it. Nothing is lost if the dump is sealed.
    Unlinked = 2,
    /// The writer died while the ring was in memory: the records from `number` on are lost, and their
    /// count is unknown. Stated by the program that completes the dump.
    MemoryLost = 3,
    /// The same for a ring whose file was deleted.
    UnlinkedLost = 4,
}

impl VolatileState {
    /// The state with this number, if this version knows one.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Memory,
            2 => Self::Unlinked,
            3 => Self::MemoryLost,
            4 => Self::UnlinkedLost,
            _ => return None,
        })
    }
}

impl VolatileRing {
    /// The ring id that means all rings of a session.
    pub const ALL: u32 = 0;

    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ring.to_le_bytes());
        out.extend_from_slice(&[self.state, 0, 0, 0]);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&(self.reason.len() as u32).to_le_bytes());
        out.extend_from_slice(self.reason.as_bytes());
    }

    /// Reads the payload; `None` if it is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        let ring = fields.u32()?;
        let [state, ..] = fields.array::<4>()?;
        let number = fields.u64()?;
        let length = fields.u32()? as usize;
        let reason = String::from_utf8_lossy(fields.0.get(..length)?).into_owned();
        Some(Self { ring, state, number, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_survive_and_cut_ones_are_refused() {
        let stated = VolatileRing {
            ring: 7,
            state: VolatileState::Memory as u8,
            number: 1 << 40,
            reason: "no space left on device".to_owned(),
        };
        let mut bytes = Vec::new();
        stated.encode(&mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(VolatileRing::decode(&bytes[..length]), None, "{length}");
        }
        bytes.push(1);
        assert_eq!(VolatileRing::decode(&bytes), Some(stated));
    }
}
