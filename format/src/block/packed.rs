//! Records in few bytes, and what makes blocks of a ring's records.

use super::{BlockError, BlockHeader, RawRecord, RecordTime, Records};
use crate::dictionary::{CallSite, Level, TimeSource};
use crate::loss::Loss;
use crate::value::{Cursor, Encoding, ValueError, pack, put_int, put_uint, split_uint};

impl<'a> Records<'a> {
    /// Reads how far the first times are behind the smallest ones, which the header states.
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

    /// The record, if one stands there. [`why_not_packed`](Self::why_not_packed) looks again if none
    /// does: there is no error to carry along here, where all the time is spent.
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
            Ok((value, behind)) => {
                rest = behind;
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

/// Makes the block of a batch of records: packs them, and gathers what the header says.
///
/// A builder is meant to be reused: its buffers keep their capacity.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    body: Vec<u8>,
    values: Vec<u8>,
    header: Option<BlockHeader>,
    /// The times of the record before, from which the next one's difference is taken.
    counter: u64,
    unix_ns: i64,
    first_counter: u64,
    first_unix_ns: i64,
}

impl BlockHeader {
    fn note_counter(&mut self, counter: u64) {
        if self.flags & Self::HAS_COUNTER == 0 {
            self.flags |= Self::HAS_COUNTER;
            self.counter_first = counter;
        }
        self.counter_first = self.counter_first.min(counter);
        self.counter_last = self.counter_last.max(counter);
    }

    fn note_unix(&mut self, unix_ns: i64) {
        if self.flags & Self::HAS_UNIX == 0 {
            self.flags |= Self::HAS_UNIX;
            self.unix_first = unix_ns;
            self.unix_last = unix_ns;
        }
        self.unix_first = self.unix_first.min(unix_ns);
        self.unix_last = self.unix_last.max(unix_ns);
    }
}

impl BlockBuilder {
    /// Forgets the block before, and begins one at `position` of `ring`.
    pub fn begin(&mut self, ring: u32, position: u64, first_record: u64) {
        self.body.clear();
        (self.counter, self.first_counter) = (0, 0);
        (self.unix_ns, self.first_unix_ns) = (0, 0);
        self.header = Some(BlockHeader {
            ring,
            encoding: 1,
            codec: 0,
            levels: 0,
            flags: 0,
            position,
            end_position: position,
            first_record,
            count: 0,
            body_bytes: 0,
            counter_first: 0,
            counter_last: 0,
            unix_first: 0,
            unix_last: 0,
        });
    }

    /// Takes a record of a call site, in raw layout: the time word, then the values.
    ///
    /// # Errors
    /// If the payload is not what the call site's types say; the record is then not in the block.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push(&mut self, site: &CallSite, payload: &[u8]) -> Result<(), ValueError> {
        let (time_word, values) = payload.split_first_chunk().ok_or(ValueError::End)?;
        let time_word = u64::from_le_bytes(*time_word);
        let mut raw = Cursor::new(values, Encoding::Raw);
        self.values.clear();
        for slot in &site.slots {
            pack(&mut raw, &slot.ty, &mut self.values)?;
        }
        if !raw.is_empty() {
            return Err(ValueError::Trailing);
        }
        let values = std::mem::take(&mut self.values);
        match site.time {
            TimeSource::Counter => self.put_counter(site.id, time_word, &values),
            TimeSource::UnixNanos => self.put_unix(site.id, time_word as i64, &values),
        }
        self.values = values;
        self.header.as_mut().expect(BEGUN).levels |= site.level.bit();
        Ok(())
    }

    /// Takes a loss statement.
    ///
    /// # Errors
    /// If the payload is too short to be one.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn push_loss(&mut self, payload: &[u8]) -> Result<(), ValueError> {
        let loss = Loss::decode(payload).ok_or(ValueError::End)?;
        self.put_counter(CallSite::LOSS_ID, loss.counter, &loss.encode()[8..]);
        self.header.as_mut().expect(BEGUN).flags |= BlockHeader::HAS_LOSS;
        Ok(())
    }

    fn put_counter(&mut self, tag: u32, counter: u64, values: &[u8]) {
        let header = self.header.as_mut().expect(BEGUN);
        if header.flags & BlockHeader::HAS_COUNTER == 0 {
            self.counter = counter;
            self.first_counter = counter;
        }
        header.note_counter(counter);
        let difference = counter.wrapping_sub(self.counter) as i64;
        self.counter = counter;
        self.put(tag, (values.len() as u64) << 1, difference, values);
    }

    fn put_unix(&mut self, tag: u32, unix_ns: i64, values: &[u8]) {
        let header = self.header.as_mut().expect(BEGUN);
        if header.flags & BlockHeader::HAS_UNIX == 0 {
            self.unix_ns = unix_ns;
            self.first_unix_ns = unix_ns;
        }
        header.note_unix(unix_ns);
        let difference = unix_ns.wrapping_sub(self.unix_ns);
        self.unix_ns = unix_ns;
        self.put(tag, (values.len() as u64) << 1 | 1, difference, values);
    }

    fn put(&mut self, tag: u32, length: u64, difference: i64, values: &[u8]) {
        put_uint(&mut self.body, tag.into());
        put_uint(&mut self.body, length);
        put_int(&mut self.body, difference);
        self.body.extend_from_slice(values);
        self.header.as_mut().expect(BEGUN).count += 1;
    }

    /// How many records the block has so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.header.map_or(0, |header| header.count)
    }

    /// Appends the payload of the block's frame to `out`. The ring's next block begins at
    /// `end_position`.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn finish(&mut self, end_position: u64, out: &mut Vec<u8>) -> BlockHeader {
        let mut header = self.header.take().expect(BEGUN);
        header.end_position = end_position;
        let start = out.len();
        out.resize(start + BlockHeader::BYTES, 0);
        // Differences start from the first record's time, which is not the smallest if the
        // clock, or the caller, went back.
        let behind = |first: i64, smallest: i64| first.wrapping_sub(smallest);
        put_int(out, behind(self.first_counter as i64, header.counter_first as i64));
        put_int(out, behind(self.first_unix_ns, header.unix_first));
        out.extend_from_slice(&self.body);
        header.body_bytes = (out.len() - start - BlockHeader::BYTES) as u32;
        out[start..start + BlockHeader::BYTES].copy_from_slice(&header.encode());
        header
    }

    /// Appends the payload of the frame of a block that holds `body` as the ring had it. What the
    /// header says of the records is what was pushed since [`begin`](Self::begin).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn finish_raw(
        &mut self,
        end_position: u64,
        body: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> BlockHeader {
        let mut header = self.header.take().expect(BEGUN);
        header.encoding = 0;
        header.end_position = end_position;
        header.body_bytes = body.iter().map(|part| part.len()).sum::<usize>() as u32;
        out.extend_from_slice(&header.encode());
        body.iter().for_each(|part| out.extend_from_slice(part));
        header
    }

    /// Takes note of a record of a block that will be [raw](Self::finish_raw).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn note(&mut self, level: Level, time: TimeSource, time_word: u64) {
        let header = self.header.as_mut().expect(BEGUN);
        header.levels |= level.bit();
        header.count += 1;
        match time {
            TimeSource::Counter => header.note_counter(time_word),
            TimeSource::UnixNanos => header.note_unix(time_word as i64),
        }
    }

    /// Takes note of a loss statement in a block that will be [raw](Self::finish_raw).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn note_loss(&mut self, counter: u64) {
        let header = self.header.as_mut().expect(BEGUN);
        header.flags |= BlockHeader::HAS_LOSS;
        header.count += 1;
        header.note_counter(counter);
    }
}

const BEGUN: &str = "`begin` comes before all else";
