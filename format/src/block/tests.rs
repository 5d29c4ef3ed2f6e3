mod columns;
mod group;

use super::*;
use crate::dictionary::{CallSite, Level, TimeSource, site};
use crate::loss::Loss;
use crate::types::Type;
use crate::value::{Cursor, Value, ValueError};

fn payload(time: u64, values: &[u8]) -> Vec<u8> {
    [&time.to_le_bytes()[..], values].concat()
}

/// A block whose times go back once, in both domains, with a loss in the middle.
fn block() -> (BlockHeader, Vec<u8>) {
    let counter = site(16, Level::Info, TimeSource::Counter, &[Type::U32]);
    let unix = site(17, Level::Error, TimeSource::UnixNanos, &[Type::Str]);
    let mut builder = BlockBuilder::default();
    builder.begin(3, 800, 40);
    builder.push(&counter, &payload(5_000, &7_u32.to_le_bytes())).unwrap();
    builder.push(&unix, &payload(-9_i64 as u64, b"\x02\0\0\0ab")).unwrap();
    builder
        .push_loss(&Loss { counter: 5_100, full: [0, 0, 0, 1, 2], too_large: [0; 5] }.encode())
        .unwrap();
    builder.push(&counter, &payload(4_000, &8_u32.to_le_bytes())).unwrap();
    builder.push(&unix, &payload(-10_i64 as u64, b"\0\0\0\0")).unwrap();
    let mut out = Vec::new();
    let header = builder.finish(960, &mut out);
    (header, out)
}

#[test]
fn packed_blocks_read_back() {
    let (header, out) = block();
    assert_eq!(BlockHeader::decode(&out), Some(header));
    assert_eq!((header.counter_first, header.counter_last), (4_000, 5_100));
    assert_eq!((header.unix_first, header.unix_last), (-10, -9));
    assert_eq!((header.position, header.end_position, header.first_record), (800, 960, 40));
    assert_eq!(header.levels, Level::Info.bit() | Level::Error.bit());
    let records: Vec<_> =
        header.records(&out[BlockHeader::BYTES..]).unwrap().map(Result::unwrap).collect();
    let times: Vec<_> = records.iter().map(|record| record.time).collect();
    assert_eq!(
        times,
        [
            RecordTime::Counter(5_000),
            RecordTime::UnixNanos(-9),
            RecordTime::Counter(5_100),
            RecordTime::Counter(4_000),
            RecordTime::UnixNanos(-10),
        ]
    );
    let mut cursor = Cursor::new(records[3].values, records[3].encoding);
    assert_eq!(Value::read(&mut cursor, &Type::U32), Ok(Value::U32(8)));
}

#[test]
fn a_cut_block_gives_the_records_before_the_cut() {
    let (header, out) = block();
    let body = &out[BlockHeader::BYTES..];
    let whole: Vec<_> = header.records(body).unwrap().map(Result::unwrap).collect();
    for length in 0..body.len() {
        let cut: Vec<_> = header.records(&body[..length]).unwrap().collect();
        let (end, records) = cut.split_last().unwrap();
        assert!(matches!(end, Err(BlockError::End { .. })), "cut at {length}: {end:?}");
        let records: Vec<_> = records.iter().map(|record| record.unwrap()).collect();
        assert!(whole.starts_with(&records), "cut at {length}");
    }
}

/// As they lie in a ring, records make the same block, in whatever parts they are handed over.
#[track_caller]
fn check_raw(
    records: &[(&CallSite, Vec<u8>)],
    in_columns: bool,
    (header, body): &(BlockHeader, Vec<u8>),
) {
    let of_ring = |(site, payload): &(&CallSite, Vec<u8>)| {
        let mut raw = (payload.len() as u32).to_le_bytes().to_vec();
        raw.extend(site.id.to_le_bytes());
        raw.extend(payload);
        raw.resize(raw.len().next_multiple_of(8), 0xee);
        raw
    };
    let dead_space = [3, 0, 0, 0x80, 16, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9];
    let mut builder = BlockBuilder::default();
    for part_records in [1, 7, usize::MAX] {
        if in_columns {
            builder.begin_columns(3, 800, 40);
        } else {
            builder.begin(3, 800, 40);
        }
        let first_of = |tag, _| {
            let of_tag = records.iter().find(|(site, _)| site.id == tag);
            of_tag.map(|(site, _)| First::Take(std::sync::Arc::new(SitePlan::new(site))))
        };
        for part in records.chunks(part_records) {
            let mut raw: Vec<u8> = part.iter().flat_map(of_ring).collect();
            raw.extend(dead_space);
            assert_eq!(builder.push_raw(&raw, first_of), Ok(raw.len()));
        }
        let is_loss = |record: &&(&CallSite, Vec<u8>)| record.0.id == CallSite::LOSS_ID;
        let last_loss = records.iter().rfind(is_loss).and_then(|(_, of)| Loss::decode(of));
        assert_eq!(builder.last_loss(), last_loss);
        let mut out = Vec::new();
        assert_eq!(builder.finish(1 << 20, &mut out), *header);
        assert_eq!(out[BlockHeader::BYTES..], *body);
    }
}

#[test]
fn a_block_ends_before_a_call_site_that_it_is_to_end_before() {
    let sites = [16, 17, 18].map(|id| site(id, Level::Info, TimeSource::Counter, &[Type::U32]));
    let record = |tag: u32, n: u32| {
        let length = 12_u32.to_le_bytes();
        let values = [n.to_le_bytes(), [0xee; 4]].concat();
        [&length[..], &tag.to_le_bytes(), &payload(n.into(), &values)].concat()
    };
    // Of the last one there are many, which are taken together elsewhere.
    let tags = [16, 16, 17, 16, 17, 18, 18, 18, 18, 16].into_iter().chain([18; 100]);
    let raw: Vec<u8> = (0..).zip(tags).flat_map(|(n, tag)| record(tag, n)).collect();
    let mut builder = BlockBuilder::default();
    for begin in [BlockBuilder::begin, BlockBuilder::begin_columns] {
        let mut at = 0;
        let mut counts = Vec::new();
        let mut met = Vec::new();
        while at < raw.len() {
            begin(&mut builder, 1, 0, 0);
            let taken = builder.push_raw(&raw[at..], |tag, before| {
                met.push((tag, before));
                let plan = std::sync::Arc::new(SitePlan::new(&sites[tag as usize - 16]));
                Some(if tag == 18 && before > 0 { First::EndBefore } else { First::Take(plan) })
            });
            at += taken.unwrap();
            counts.push(builder.count());
            assert_eq!(builder.finish(64, &mut Vec::new()).count, *counts.last().unwrap());
        }
        // A block that has the call site takes it; rows ask again where it comes again.
        assert_eq!(counts.iter().sum::<u32>(), 110);
        assert_eq!(counts[0], 5);
        assert!(met.starts_with(&[(16, 0), (17, 2)]) && met.contains(&(18, 5)), "{met:?}");
    }
}

#[test]
fn raw_records_that_do_not_fit_their_call_site_are_refused() {
    let number = site(16, Level::Info, TimeSource::Counter, &[Type::U32]);
    let text = site(17, Level::Info, TimeSource::Counter, &[Type::Str]);
    #[track_caller]
    fn check(sites: [&CallSite; 2], length: u32, tag: u32, values: &[u8], error: ValueError) {
        let mut raw = [length.to_le_bytes(), tag.to_le_bytes()].concat();
        raw.extend(payload(1, values));
        let first_of = |tag, _| {
            let of_tag = sites.iter().find(|site| site.id == tag);
            of_tag.map(|site| First::Take(std::sync::Arc::new(SitePlan::new(site))))
        };
        let mut builder = BlockBuilder::default();
        // One, and enough of them to be taken together.
        for count in [1, 100] {
            builder.begin_columns(1, 0, 0);
            assert_eq!(builder.push_raw(&raw.repeat(count), first_of), Err(error));
            builder.begin(1, 0, 0);
            assert_eq!(builder.push_raw(&raw.repeat(count), first_of), Err(error));
        }
    }
    let sites = [&number, &text];
    check(sites, 10, 16, &[7, 0, 0, 0, 0, 0, 0, 0], ValueError::End);
    check(sites, 13, 16, &[7, 0, 0, 0, 0, 0, 0, 0], ValueError::Trailing);
    check(sites, 16, 17, &[5, 0, 0, 0, 0, 0, 0, 0], ValueError::End);
    check(sites, 16, 17, &[3, 0, 0, 0, 0, 0, 0, 0], ValueError::Trailing);
    check(sites, 12, 18, &[7, 0, 0, 0, 0, 0, 0, 0], ValueError::Trailing);
    // No time; and no room for what is said to be there.
    check(sites, 4, 16, &[], ValueError::End);
    check(sites, 9_999, 17, &[7, 0, 0, 0, 0, 0, 0, 0], ValueError::End);
}

#[test]
fn zeros_are_no_records() {
    let (header, out) = block();
    let mut body = out[BlockHeader::BYTES..].to_vec();
    let half = body.len() / 2;
    body[half..].fill(0);
    assert!(matches!(header.records(&body).unwrap().last(), Some(Err(BlockError::Record { .. }))));
}

#[test]
fn raw_blocks_read_back_without_their_dead_space() {
    let mut ring = Vec::new();
    ring.extend_from_slice(&[12, 0, 0, 0, 16, 0, 0, 0]);
    ring.extend_from_slice(&payload(5_000, &7_u32.to_le_bytes()));
    ring.extend_from_slice(&[0; 4]);
    ring.extend_from_slice(&[8, 0, 0, 0x80, 0, 0, 0, 0]);
    ring.extend_from_slice(&[0xff; 8]);
    let mut builder = BlockBuilder::default();
    builder.begin(3, 0, 0);
    builder.note(Level::Info, TimeSource::Counter, 5_000);
    let mut out = Vec::new();
    let header = builder.finish_raw(40, &[&ring[..24], &ring[24..]], &mut out);
    let records: Vec<_> = header.records(&out[BlockHeader::BYTES..]).unwrap().collect();
    assert_eq!(
        records,
        [Ok(RawRecord {
            tag: 16,
            time: RecordTime::Word(5_000),
            values: &7_u32.to_le_bytes(),
            encoding: Encoding::Raw,
        })]
    );
}

#[test]
fn layouts_of_later_versions_are_named() {
    let (header, out) = block();
    let later = BlockHeader { codec: 9, ..header };
    assert!(matches!(later.records(&out), Err(BlockError::Codec { codec: 9 })));
    let later = BlockHeader { encoding: 9, ..header };
    assert!(matches!(later.records(&out), Err(BlockError::Encoding { encoding: 9 })));
}

#[test]
fn records_that_are_not_wanted_are_passed_over() {
    let (header, whole) = block();
    let records = |header: &BlockHeader, body: &[u8]| -> Vec<_> {
        let all = header.records(body).unwrap().map(Result::unwrap);
        all.map(|record| (record.tag, record.time, record.values.to_vec())).collect()
    };
    let body = &whole[BlockHeader::BYTES..];
    let all = records(&header, body);
    for wanted in [16, 17, 1, 99] {
        let mut walk = header.records(body).unwrap();
        let mut passed = 0;
        for (number, (tag, time, values)) in all.iter().enumerate() {
            if *tag != wanted {
                continue;
            }
            passed += walk.pass_over(|tag, range| {
                assert!(
                    all.iter().any(|(other, _, of)| *other == tag && body[range.clone()] == **of)
                );
                tag == wanted
            });
            assert_eq!((passed as usize, walk.left() as usize), (number, all.len() - number));
            let record = walk.next().unwrap().unwrap();
            assert_eq!((record.tag, record.time, record.values), (*tag, *time, &values[..]));
            passed += 1;
        }
        passed += walk.pass_over(|tag, _| tag == wanted);
        assert_eq!((passed as usize, walk.next()), (all.len(), None));
    }
    // It stops where no record begins, and leaves it to the walk to say so.
    for length in 0..body.len() {
        let mut walk = header.records(&body[..length]).unwrap();
        let mut slow = header.records(&body[..length]).unwrap();
        let whole = slow.by_ref().take_while(Result::is_ok).count();
        assert_eq!(walk.pass_over(|_, _| false) as usize, whole);
        assert!(walk.next().is_none_or(|next| next.is_err()), "cut at {length}");
    }
}

#[test]
fn times_that_pass_the_end_of_their_range_are_at_both_ends() {
    for (source, start) in [
        (TimeSource::Counter, u64::MAX - 20),
        (TimeSource::UnixNanos, i64::MAX as u64 - 20),
        (TimeSource::Counter, u64::MAX - 300),
    ] {
        let number = site(16, Level::Info, source, &[Type::U32]);
        let plan = std::sync::Arc::new(SitePlan::new(&number));
        let raw: Vec<u8> = (0..600_u32)
            .flat_map(|n| {
                let payload = payload(start.wrapping_add(n.into()), &n.to_le_bytes());
                [&12_u32.to_le_bytes()[..], &16_u32.to_le_bytes(), &payload, &[0; 4]].concat()
            })
            .collect();
        let mut builder = BlockBuilder::default();
        let mut header = |begin: fn(&mut BlockBuilder, u32, u64, u64)| {
            begin(&mut builder, 1, 0, 0);
            builder.push_raw(&raw, |_, _| Some(First::Take(plan.clone()))).unwrap();
            let header = builder.finish(64, &mut Vec::new());
            let times = (header.counter_first, header.counter_last);
            (times, (header.unix_first, header.unix_last), header.flags)
        };
        assert_eq!(header(BlockBuilder::begin_columns), header(BlockBuilder::begin));
    }
}
