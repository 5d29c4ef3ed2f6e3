//! Records as they stand in a ring.

use super::{BlockError, RawRecord, RecordTime, Records};
use crate::value::Encoding;

/// The bit of `len` that marks dead space.
const SKIP: u32 = 1 << 31;

impl<'a> Records<'a> {
    #[inline]
    pub(super) fn next_raw(&mut self) -> Result<RawRecord<'a>, BlockError> {
        loop {
            let (header, rest) = self.body.split_first_chunk::<8>().ok_or(self.end())?;
            let [l0, l1, l2, l3, t0, t1, t2, t3] = *header;
            let len = u32::from_le_bytes([l0, l1, l2, l3]);
            let tag = u32::from_le_bytes([t0, t1, t2, t3]);
            if len == 0 {
                return Err(self.no_record());
            }
            let bytes = (len & !SKIP) as usize;
            let padded = bytes.next_multiple_of(8);
            if len & SKIP != 0 {
                self.body = rest.get(padded..).ok_or(self.end())?;
                continue;
            }
            let payload = rest.get(..bytes).ok_or(self.end())?;
            let Some((time, values)) = payload.split_first_chunk() else {
                return Err(self.no_record());
            };
            // A cut may fall into the padding: the record is whole all the same.
            self.body = rest.get(padded..).unwrap_or_default();
            return Ok(RawRecord {
                tag,
                time: RecordTime::Word(u64::from_le_bytes(*time)),
                values,
                encoding: Encoding::Raw,
            });
        }
    }
}
