//! Proof that a new group reads as the blocks that it replaces.
//!
//! ```text
//!   blocks ──▶ records ──▶ builder ──▶ group ──▶ compressed
//!                 ╵                                  ╵
//!               digests  ◀── compared ──▶  digests of what is read back
//! ```
//!
//! A digest is of tags, times and values, as the old block has them: what is read back is brought to the encoding of
//! the old block. It protects against faults of builder and compressor, not against a forger.

use stenolog_format::block::{BlockHeader, Codec, GroupBody, GroupHead, RawRecord, RecordTime};
use stenolog_format::dictionary::CallSite;
use stenolog_format::value::{Cursor, Encoding, unpack};

use crate::dump::{Dump, Unpacker};

/// What the records of a group were before.
#[derive(Debug, Default)]
pub(super) struct Proof {
    runs: Vec<Run>,
    plain: Vec<u8>,
    rows: Vec<u8>,
    raw: Vec<u8>,
}

/// Consecutive records of one encoding.
#[derive(Clone, Copy, Debug)]
struct Run {
    encoding: Encoding,
    records: u32,
    digest: u64,
}

impl Proof {
    pub(super) fn begin(&mut self) {
        self.runs.clear();
    }

    /// Notes the next record of the group.
    #[inline]
    pub(super) fn note(&mut self, record: &RawRecord<'_>) {
        let run = match self.runs.last_mut() {
            Some(run) if run.encoding == record.encoding && run.records < u32::MAX => run,
            _ => {
                self.runs.push(Run { encoding: record.encoding, records: 0, digest: 0 });
                let Some(run) = self.runs.last_mut() else { return };
                run
            }
        };
        run.records += 1;
        run.digest = digest(run.digest, record, record.values);
    }

    /// Whether the payload of a group has these parts, and all records that were noted.
    pub(super) fn holds(
        &mut self,
        dump: &Dump,
        payload: &[u8],
        parts: &[BlockHeader],
        unpacker: &mut Unpacker,
    ) -> bool {
        let (mut plain, mut rows) =
            (std::mem::take(&mut self.plain), std::mem::take(&mut self.rows));
        rows.clear();
        let is_same = self.compare(dump, payload, parts, (&mut plain, &mut rows), unpacker);
        (self.plain, self.rows) = (plain, rows);
        is_same.unwrap_or(false)
    }

    fn compare(
        &mut self,
        dump: &Dump,
        payload: &[u8],
        parts: &[BlockHeader],
        (plain, rows): (&mut Vec<u8>, &mut Vec<u8>),
        unpacker: &mut Unpacker,
    ) -> Option<bool> {
        let header = BlockHeader::decode(payload)?;
        let stored = payload.get(BlockHeader::BYTES..)?;
        let mut found = Vec::with_capacity(parts.len());
        GroupHead::each_part(&header, stored, |part, _| found.push(part)).ok()?;
        if !same_places(&found, parts) {
            return Some(false);
        }
        let mut decompress =
            |codec, from: &[u8], to: &mut [u8]| unpacker.decompress_into(codec, from, to);
        let mut body =
            GroupBody::open(&header, stored, std::mem::take(plain), &mut decompress).ok()?;
        body.need_rows(stored, |_| true, &mut decompress).ok()?;
        let ranges = body.rows(rows, |_| true).ok()?;
        *plain = body.into_buffer();
        let mut runs = self.runs.iter().copied();
        let mut run = Run { encoding: Encoding::Packed, records: 0, digest: 0 };
        let mut of_run = 0;
        for (part, range) in found.iter().zip(ranges) {
            let none = Codec::None.number();
            let part = BlockHeader { codec: none, encoding: BlockHeader::PACKED, ..*part };
            for record in part.records(rows.get(range)?).ok()? {
                let record = record.ok()?;
                if run.records == 0 {
                    if run.digest != of_run {
                        return Some(false);
                    }
                    run = runs.next()?;
                    of_run = 0;
                }
                run.records -= 1;
                let is_raw = run.encoding == Encoding::Raw && record.tag != CallSite::LOSS_ID;
                if is_raw {
                    unpack_values(dump, &record, &mut self.raw)?;
                }
                of_run = digest(of_run, &record, if is_raw { &self.raw } else { record.values });
            }
        }
        Some(run.records == 0 && run.digest == of_run && runs.next().is_none())
    }
}

/// Whether the parts have the same rings, positions, numbers and times.
fn same_places(found: &[BlockHeader], parts: &[BlockHeader]) -> bool {
    let place = |part: &BlockHeader| BlockHeader { encoding: 0, codec: 0, body_bytes: 0, ..*part };
    found.iter().map(place).eq(parts.iter().map(place))
}

/// The values of a record as they are in a ring.
fn unpack_values(dump: &Dump, record: &RawRecord<'_>, raw: &mut Vec<u8>) -> Option<()> {
    raw.clear();
    let site = dump.site(record.tag)?.call_site();
    let mut packed = Cursor::new(record.values, Encoding::Packed);
    site.slots.iter().try_for_each(|slot| unpack(&mut packed, &slot.ty, raw)).ok()
}

/// The digest of records, with one more: products of eight bytes each, folded.
#[inline]
fn digest(before: u64, record: &RawRecord<'_>, values: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |digest: u64, word: u64| {
        let product = u128::from(digest ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let time = match record.time {
        RecordTime::Word(word) | RecordTime::Counter(word) => word,
        RecordTime::UnixNanos(unix_ns) => unix_ns.cast_unsigned(),
    };
    let head = u64::from(record.tag) << 32 | values.len() as u64;
    let mut digest = fold(fold(before.rotate_left(7), head ^ FACTOR), time).rotate_left(9);
    let (words, rest) = values.as_chunks::<8>();
    for word in words {
        digest = fold(digest.rotate_left(5), u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(digest.rotate_left(5), u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tag: u32, time: u64, values: &[u8]) -> RawRecord<'_> {
        RawRecord { tag, time: RecordTime::Counter(time), values, encoding: Encoding::Packed }
    }

    #[test]
    fn each_byte_and_the_order_of_records_count() {
        let of = |records: &[RawRecord<'_>]| {
            records.iter().fold(0, |before, record| digest(before, record, record.values))
        };
        let values = *b"a text of some length";
        let all = of(&[record(16, 7, &values), record(17, 8, b"")]);
        assert_ne!(all, of(&[record(17, 8, b""), record(16, 7, &values)]));
        assert_ne!(all, of(&[record(16, 7, &values)]));
        assert_ne!(all, of(&[record(18, 7, &values), record(17, 8, b"")]));
        assert_ne!(all, of(&[record(16, 6, &values), record(17, 8, b"")]));
        for at in 0..values.len() {
            let mut other = values;
            other[at] ^= 1;
            assert_ne!(all, of(&[record(16, 7, &other), record(17, 8, b"")]), "byte {at}");
        }
    }
}
