//! Records that were found in a group, as packed rows.

use stenolog_format::block::{BlockError, BlockHeader, GroupKind, RecordTime};

use super::Seeker;
use super::bits::Bits;

/// Records that were found in a group.
#[derive(Debug, Default)]
pub(crate) struct FoundRecords {
    /// Their packed values.
    pub(crate) bytes: Vec<u8>,
    /// Of each part, in order.
    parts: Vec<Vec<FoundRecord>>,
}

impl FoundRecords {
    /// The records of a part.
    pub(crate) fn part(&self, part: usize) -> &[FoundRecord] {
        self.parts.get(part).map_or(&[], |of| of)
    }

    /// The memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        let records = self.parts.iter().map(|part| part.capacity() * size_of::<FoundRecord>());
        self.bytes.capacity() + records.sum::<usize>()
    }
}

/// A record that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundRecord {
    /// Its place in its part.
    pub(crate) index: u32,
    pub(crate) site_index: u32,
    pub(crate) time: RecordTime,
    /// Where its values are, and how many bytes they take.
    pub(crate) start: u32,
    pub(crate) length: u32,
}

/// A kind with records that were found.
struct FoundKind {
    site_index: u32,
    /// The ends of their values, among all bytes; the first one is where they start.
    ends: Vec<usize>,
    /// How many records of the kind were passed, and how many of them were found.
    passed: usize,
    found: usize,
}

impl Seeker<'_> {
    /// The records of each kind that were found, with their values.
    pub(super) fn records(
        &mut self,
        dump_index: usize,
        kinds: &[GroupKind],
        bits: &[Bits],
    ) -> Result<FoundRecords, BlockError> {
        let mut found = FoundRecords::default();
        let mut of_kinds = Vec::with_capacity(kinds.len());
        for (kind, bits) in kinds.iter().zip(bits) {
            let site_index =
                self.selection.select(self.dumps, dump_index, kind.tag).map_or(0, |(site, _)| site);
            let ends = self.values_of(kind, bits, &mut found.bytes)?;
            of_kinds.push(FoundKind { site_index, ends, passed: 0, found: 0 });
        }
        let Self { unpacker, body, stored, .. } = self;
        body.need_order(stored, &mut |codec, from, to| unpacker.decompress_into(codec, from, to))?;
        let count = kinds.iter().map(|kind| kind.count).sum();
        let (mut which, mut times) = (Vec::new(), Vec::new());
        if let Some(column) = self.body.which() {
            self.body.integers(column, count, &mut which)?;
        }
        self.body.integers(self.body.times(), count, &mut times)?;
        let mut at = 0;
        for part in &self.body.head().parts {
            let end = at + part.count as usize;
            let times = times.get(at..end).ok_or(BlockError::Columns)?;
            let which = which.get(at..end).unwrap_or_default();
            found.parts.push(in_part(part, which, times, (kinds, bits, &mut of_kinds))?);
            at = end;
        }
        Ok(found)
    }

    /// Appends the values of the found records of a kind, one record after the other. Returns where each ends.
    fn values_of(
        &mut self,
        kind: &GroupKind,
        bits: &Bits,
        out: &mut Vec<u8>,
    ) -> Result<Vec<usize>, BlockError> {
        let mut ends = vec![out.len()];
        if bits.count() == 0 {
            return Ok(ends);
        }
        let columns = self.body.columns_of(kind).to_vec();
        self.need_columns(&columns)?;
        let values = columns.iter().map(|column| self.body.values(column));
        let mut values = values.collect::<Result<Vec<_>, _>>()?;
        for index in 0..kind.count as usize {
            if bits.has(index) {
                values.iter_mut().try_for_each(|values| values.put(out))?;
                if out.len() > self.body.most_rows() {
                    return Err(BlockError::Columns);
                }
                ends.push(out.len());
            } else {
                values.iter_mut().try_for_each(|values| values.skip())?;
            }
        }
        Ok(ends)
    }
}

/// The records of a part that were found.
fn in_part(
    part: &BlockHeader,
    which: &[u64],
    times: &[u64],
    (kinds, bits, of_kinds): (&[GroupKind], &[Bits], &mut [FoundKind]),
) -> Result<Vec<FoundRecord>, BlockError> {
    let mut found = Vec::new();
    let (mut counter, mut unix) = (part.counter_first, part.unix_first as u64);
    for (index, &time) in times.iter().enumerate() {
        let at = which.get(index).map_or(0, |&at| usize::try_from(at).unwrap_or(usize::MAX));
        let (Some(kind), Some(bits), Some(of)) =
            (kinds.get(at), bits.get(at), of_kinds.get_mut(at))
        else {
            return Err(BlockError::Columns);
        };
        let base = if kind.is_unix { &mut unix } else { &mut counter };
        *base = base.wrapping_add(time >> 1 ^ (time & 1).wrapping_neg());
        of.passed += 1;
        if !bits.has(of.passed - 1) {
            continue;
        }
        let (start, end) = match of.ends.get(of.found..of.found + 2) {
            Some(&[start, end]) => (start, end),
            _ => return Err(BlockError::Columns),
        };
        of.found += 1;
        let time = match kind.is_unix {
            true => RecordTime::UnixNanos(unix as i64),
            false => RecordTime::Counter(counter),
        };
        let (index, site_index) = (index as u32, of.site_index);
        let (start, length) = (start as u32, (end - start) as u32);
        found.push(FoundRecord { index, site_index, time, start, length });
    }
    Ok(found)
}
