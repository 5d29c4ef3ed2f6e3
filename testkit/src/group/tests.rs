//! The groups of the reference writer are read back, and damaged ones are refused.

use stenolog_format::block::{
    BlockError, BlockHeader, Codec, GroupBody, GroupHead, GroupWords, Layout, RecordTime, Wish,
    WordForm,
};
use stenolog_format::value::{Cursor, Encoding, Value, WordPlan, Words};

use super::*;

/// Decompresses a section by the libraries that compressed it.
fn unpack(codec: Codec, from: &[u8], to: &mut [u8]) -> Result<(), BlockError> {
    let wrong = BlockError::Compressed { bytes: to.len() as u32 };
    let length = match codec {
        Codec::None if from.len() == to.len() => {
            to.copy_from_slice(from);
            from.len()
        }
        Codec::Lz4 => lz4_flex::block::decompress_into(from, to).map_err(|_| wrong)?,
        Codec::Zstd => {
            let plain = zstd::bulk::decompress(from, to.len()).map_err(|_| wrong)?;
            to.get_mut(..plain.len()).ok_or(wrong)?.copy_from_slice(&plain);
            plain.len()
        }
        _ => return Err(wrong),
    };
    if length == to.len() { Ok(()) } else { Err(wrong) }
}

/// The rows of each part of a payload. Records with an unwanted tag lack their values.
fn rows(payload: &[u8], is_wanted: &dyn Fn(u32) -> bool) -> Result<Vec<Vec<u8>>, BlockError> {
    let header = BlockHeader::decode(payload).ok_or(BlockError::Columns)?;
    let stored = &payload[BlockHeader::BYTES..];
    let mut body = GroupBody::open(&header, stored, vec![9; 5], &mut unpack)?;
    body.need_rows(stored, is_wanted, &mut unpack)?;
    let mut out = b"before".to_vec();
    let parts = body.rows(&mut out, is_wanted)?;
    assert!(out.len() <= 6 + body.most_rows());
    Ok(parts.into_iter().map(|part| out[part].to_vec()).collect())
}

#[test]
fn a_group_is_read_as_it_was_written() {
    for seed in 0..500 {
        let model = GroupModel::random(seed);
        let payload = model.payload(seed);
        let expected: Vec<_> = model.parts.iter().map(|part| model.rows(part)).collect();
        assert_eq!(rows(&payload, &|_| true), Ok(expected), "seed {seed}");
        let header = BlockHeader::decode(&payload).unwrap();
        let head = GroupHead::parse(&header, &payload[BlockHeader::BYTES..]).unwrap();
        for (part, of) in head.parts.iter().zip(&model.parts) {
            let body_bytes = header.body_bytes;
            assert_eq!(*part, BlockHeader { body_bytes, ..model.part_header(of) }, "seed {seed}");
        }
        assert_eq!(GroupHead::sum_up(&head.parts, 0), Some(header), "seed {seed}");
    }
}

#[test]
fn records_that_nobody_wants_come_without_values() {
    for seed in 0..100 {
        let model = GroupModel::random(seed);
        let payload = model.payload(seed);
        let mut without = model.clone();
        let is_wanted = |tag: u32| tag != model.kinds[0].tag;
        for (kind, _, cells) in without.parts.iter_mut().flat_map(|part| &mut part.records) {
            if *kind == 0 {
                cells.clear();
            }
        }
        let expected: Vec<_> = without.parts.iter().map(|part| without.rows(part)).collect();
        assert_eq!(rows(&payload, &is_wanted), Ok(expected), "seed {seed}");
    }
}

#[test]
fn each_part_is_found_at_its_place() {
    let model = GroupModel::random(7);
    assert!(model.parts.len() > 1, "the seed gives several parts");
    let payload = model.payload(7);
    let (header, stored) = payload.split_at(BlockHeader::BYTES);
    let header = BlockHeader::decode(header).unwrap();
    let mut parts = Vec::new();
    GroupHead::each_part(&header, stored, |part, at| parts.push((part, at))).unwrap();
    for (part, at) in parts {
        assert_eq!(GroupHead::part_at(&header, stored, at), Some(part));
    }
    assert_eq!(GroupHead::part_at(&header, stored, stored.len()), None);
}

#[test]
fn a_cut_group_has_no_records() {
    for seed in 0..20 {
        let payload = GroupModel::random(seed).payload(seed);
        for length in BlockHeader::BYTES..payload.len() {
            assert!(rows(&payload[..length], &|_| true).is_err(), "seed {seed} at {length}");
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_gives_other_records_and_never_more_than_fit() {
    for seed in 0..12 {
        let mut payload = GroupModel::random(seed).payload(seed);
        for at in BlockHeader::BYTES..payload.len() {
            for flip in [1, 0x80, 0xff] {
                payload[at] ^= flip;
                // The limits are checked there.
                _ = rows(&payload, &|_| true);
                payload[at] ^= flip;
            }
        }
    }
}

#[test]
fn words_of_a_group_are_the_values_of_its_rows() {
    for seed in 0..300 {
        let model = GroupModel::random(seed);
        let payload = model.payload(seed);
        let (header, stored) = payload.split_at(BlockHeader::BYTES);
        let header = BlockHeader::decode(header).unwrap();
        let mut body = GroupBody::open(&header, stored, Vec::new(), &mut unpack).unwrap();
        body.need_rows(stored, |_| true, &mut unpack).unwrap();
        let sites: Vec<_> = model.kinds.iter().map(KindModel::call_site).collect();
        let plans: BTreeMap<u32, WordPlan> =
            sites.iter().map(|site| (site.id, WordPlan::new(&site.slots).unwrap())).collect();
        let found = GroupWords::read(&body, |tag| Wish::Words(&plans[&tag])).unwrap().unwrap();
        for ((kind, of), model) in found.kinds().iter().zip(body.kinds()).zip(&model.kinds) {
            // No writer lays out byte arrays as differences.
            let mut columns = body.columns_of(of).iter().zip(&model.cells);
            let is_odd = columns.any(|(column, cell)| {
                let are_differences = matches!(column.layout, Layout::DifferencePlanes(_));
                are_differences && matches!(cell, CellType::Bytes(_))
            });
            let expected = if is_odd { WordForm::Packed } else { WordForm::Words };
            assert_eq!(kind.form, expected, "seed {seed}, {}", kind.tag);
        }
        for (part, of) in model.parts.iter().enumerate() {
            assert_eq!(found.part(part).len(), of.records.len());
            for (record, (at, time, cells)) in found.part(part).iter().zip(&of.records) {
                assert_eq!(record.kind(), *at);
                let (kind, site) = (&found.kinds()[*at], &sites[*at]);
                let expected = match kind.is_unix {
                    true => RecordTime::UnixNanos(*time as i64),
                    false => RecordTime::Counter(*time),
                };
                assert_eq!(kind.time(record), expected, "seed {seed}");
                if kind.form != WordForm::Words {
                    continue;
                }
                let words = Words {
                    words: found.words.get(kind.first(record) as usize..).unwrap_or_default(),
                    stride: kind.stride as usize,
                    body: body.bytes(),
                    restored: &found.restored,
                    encoding: Encoding::Packed,
                };
                for (n, (slot, cell)) in site.slots.iter().zip(cells).enumerate() {
                    let value = plans[&kind.tag].value(n, &slot.ty, &words).unwrap();
                    let mut cursor = Cursor::new(cell, Encoding::Packed);
                    let expected = Value::read(&mut cursor, &slot.ty).unwrap();
                    assert_eq!(value, expected, "seed {seed}, value {n} of kind {at}");
                }
            }
        }
    }
}
