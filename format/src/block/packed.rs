//! Packed records: variable-length integers and time differences.

use std::ops::Range;

use super::{BlockError, RawRecord, RecordTime, Records};
use crate::value::{Cursor, Encoding, ValueError, split_uint};

impl<'a> Records<'a> {
    /// Reads the differences between the first times and the smallest ones, which the header states.
    pub(super) fn read_packed_bases(&mut self) -> Result<(), ValueError> {
        let mut cursor = Cursor::new(self.body, Encoding::Packed);
        self.counter = self.counter.wrapping_add_signed(cursor.int()?);
        self.unix_ns = self.unix_ns.wrapping_add(cursor.int()?);
        self.body = cursor.rest();
        Ok(())
    }

    #[inline]
    pub(super) fn next_packed(&mut self) -> Result<RawRecord<'a>, BlockError> {
        self.split_packed().ok_or_else(|| self.why_not_packed())
    }

    /// The next record, if there is one. [`why_not_packed`](Self::why_not_packed) finds the error, so
    /// this hot function carries none.
    #[inline]
    fn split_packed(&mut self) -> Option<RawRecord<'a>> {
        let (tag, rest) = split_uint(self.body).ok()?;
        let (length, rest) = split_uint(rest).ok()?;
        let (zigzag, rest) = split_uint(rest).ok()?;
        let tag = u32::try_from(tag).ok().filter(|&tag| tag != 0)?;
        let (values, rest) = rest.split_at_checked(usize::try_from(length >> 1).ok()?)?;
        let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        let time = if length & 1 == 0 {
            self.counter = self.counter.wrapping_add_signed(difference);
            RecordTime::Counter(self.counter)
        } else {
            self.unix_ns = self.unix_ns.wrapping_add(difference);
            RecordTime::UnixNanos(self.unix_ns)
        };
        self.body = rest;
        Some(RawRecord { tag, time, values, encoding: Encoding::Packed })
    }

    #[cold]
    fn why_not_packed(&self) -> BlockError {
        let mut rest = self.body;
        let mut integer = || match split_uint(rest) {
            Ok((value, next)) => {
                rest = next;
                Ok(value)
            }
            Err(ValueError::End) => Err(self.end()),
            Err(_) => Err(self.no_record()),
        };
        // Zeros where a record should be: a page that never reached the disk.
        match integer() {
            Ok(tag @ 1..) if u32::try_from(tag).is_ok() => {}
            Ok(_) => return self.no_record(),
            Err(why) => return why,
        }
        match integer().and_then(|length| integer().map(|_| length)) {
            Ok(length) if usize::try_from(length >> 1).is_ok() => self.end(),
            Ok(_) => self.no_record(),
            Err(why) => why,
        }
    }
}

/// The varint at `at` in `body`, and moves `at` past it; `None` if none of 64 bits is there.
#[inline]
fn uint(body: &[u8], at: &mut usize) -> Option<u64> {
    let byte = *body.get(*at)?;
    *at += 1;
    if byte < 0x80 {
        return Some(byte.into());
    }
    let mut value = u64::from(byte & 0x7f);
    for shift in (7..=63).step_by(7) {
        let byte = *body.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (shift < 63 || byte < 2).then_some(value);
        }
    }
    None
}

impl Records<'_> {
    #[inline]
    pub(super) fn pass_over_packed(
        &mut self,
        mut is_wanted: impl FnMut(u32, Range<usize>) -> bool,
    ) -> u32 {
        let Self { body, length, left, counter, unix_ns, .. } = self;
        let start = *length - body.len();
        let (mut at, mut passed) = (0, 0);
        while passed < *left {
            let mut next = at;
            let Some(tag) = uint(body, &mut next) else { break };
            let Some(bytes) = uint(body, &mut next) else { break };
            let Some(zigzag) = uint(body, &mut next) else { break };
            let tag = u32::try_from(tag).unwrap_or(0);
            let rest = (body.len() - next) as u64;
            if tag == 0 || bytes >> 1 > rest {
                break;
            }
            let end = next + (bytes >> 1) as usize;
            if is_wanted(tag, start + next..start + end) {
                break;
            }
            let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            if bytes & 1 == 0 {
                *counter = counter.wrapping_add_signed(difference);
            } else {
                *unix_ns = unix_ns.wrapping_add(difference);
            }
            at = end;
            passed += 1;
        }
        *body = body.get(at..).unwrap_or_default();
        *left -= passed;
        passed
    }
}
