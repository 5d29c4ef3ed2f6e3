//! Raw records, as they are in a ring.

use super::{BlockError, RawRecord, RecordTime, Records};
use crate::value::Encoding;

/// The bit of `len` that marks dead space.
const SKIP: u32 = 1 << 31;

/// The header of a record or of dead space.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawHeader {
    /// The length of what follows, without padding.
    pub(super) bytes: usize,
    pub(super) tag: u32,
    pub(super) is_dead: bool,
}

impl RawHeader {
    pub(super) const BYTES: usize = 8;

    #[inline]
    pub(super) fn read(header: [u8; Self::BYTES]) -> Self {
        let [l0, l1, l2, l3, t0, t1, t2, t3] = header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        Self {
            bytes: (length & !SKIP) as usize,
            tag: u32::from_le_bytes([t0, t1, t2, t3]),
            is_dead: length & SKIP != 0,
        }
    }

    /// The distance to the next header.
    #[inline]
    pub(super) const fn span(self) -> usize {
        Self::BYTES + self.bytes.next_multiple_of(8)
    }
}

/// The runs of equal headers in the bytes of a ring: the header as a number, and the length of the run. Ends at
/// what is no header.
pub(super) struct RawRuns<'a>(&'a [u8]);

impl<'a> RawRuns<'a> {
    pub(super) const fn of(records: &'a [u8]) -> Self {
        Self(records)
    }
}

impl Iterator for RawRuns<'_> {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let word = self.0.first_chunk()?;
        let span = RawHeader::read(*word).span();
        let mut end = span;
        while self.0.get(end..).and_then(<[u8]>::first_chunk) == Some(word) {
            end += span;
        }
        self.0 = self.0.get(end..)?;
        Some((u64::from_le_bytes(*word), u32::try_from(end).ok()?))
    }
}

impl<'a> Records<'a> {
    #[inline]
    pub(super) fn next_raw(&mut self) -> Result<RawRecord<'a>, BlockError> {
        loop {
            let (header, rest) = self.body.split_first_chunk().ok_or(self.end())?;
            let header = RawHeader::read(*header);
            if header.bytes == 0 && !header.is_dead {
                return Err(self.no_record());
            }
            let padded = header.bytes.next_multiple_of(8);
            if header.is_dead {
                self.body = rest.get(padded..).ok_or(self.end())?;
                continue;
            }
            let payload = rest.get(..header.bytes).ok_or(self.end())?;
            let Some((time, values)) = payload.split_first_chunk() else {
                return Err(self.no_record());
            };
            // A cut within the padding leaves the record whole.
            self.body = rest.get(padded..).unwrap_or_default();
            return Ok(RawRecord {
                tag: header.tag,
                time: RecordTime::Word(u64::from_le_bytes(*time)),
                values,
                encoding: Encoding::Raw,
            });
        }
    }
}
