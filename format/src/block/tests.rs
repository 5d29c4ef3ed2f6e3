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

/// The same records in columns and in rows.
#[track_caller]
fn check_columns(records: &[(&CallSite, Vec<u8>)]) -> (usize, usize) {
    let mut builder = BlockBuilder::default();
    let mut bodies = Vec::new();
    for in_columns in [false, true] {
        // Twice: buffers are used again.
        for _ in 0..2 {
            if in_columns {
                builder.begin_columns(3, 800, 40);
            } else {
                builder.begin(3, 800, 40);
            }
            for (site, payload) in records {
                if site.id == CallSite::LOSS_ID {
                    builder.push_loss(payload).unwrap();
                } else {
                    builder.push(site, payload).unwrap();
                }
            }
            let mut out = Vec::new();
            let header = builder.finish(1 << 20, &mut out);
            bodies.push((header, out.split_off(BlockHeader::BYTES)));
        }
    }
    assert_eq!((&bodies[0], &bodies[2]), (&bodies[1], &bodies[3]));
    for (in_columns, expected) in [(false, &bodies[0]), (true, &bodies[2])] {
        check_raw(records, in_columns, expected);
    }
    let (header, rows) = &bodies[0];
    let (of_columns, columns) = &bodies[2];
    assert_eq!((of_columns.encoding, of_columns.body_bytes), (2, columns.len() as u32));
    assert!(of_columns.records(columns).is_err());
    let mut found = b"before".to_vec();
    assert_eq!(of_columns.rows(columns, columns.len(), &mut found), Ok(*header));
    assert_eq!(found[6..], rows[..]);
    for length in 0..columns.len() {
        let mut found = Vec::new();
        let cut = of_columns.rows(&columns[..length], columns.len(), &mut found);
        assert_eq!(cut, Err(BlockError::Columns), "cut at {length}");
    }
    (rows.len(), columns.len())
}

#[test]
fn columns_stand_for_the_same_rows() {
    let loss = site(CallSite::LOSS_ID, Level::Error, TimeSource::Counter, &[]);
    let empty = site(20, Level::Info, TimeSource::Counter, &[]);
    let numbers = [
        Type::Bool,
        Type::U8,
        Type::U16,
        Type::I16,
        Type::U32,
        Type::I32,
        Type::U64,
        Type::I64,
        Type::F32,
        Type::F64,
    ];
    let numbers = site(300, Level::Warn, TimeSource::UnixNanos, &numbers);
    let of_any = [
        Type::U32,
        Type::Str,
        Type::Option(Box::new(Type::U64)),
        Type::Char,
        Type::Array(Box::new(Type::Tuple(vec![Type::U8, Type::I16])), 2),
        Type::Duration,
        Type::Array(Box::new(Type::Array(Box::new(Type::Unit), 60)), 60),
        Type::U128,
    ];
    let any = site(70_000, Level::Trace, TimeSource::Counter, &of_any);
    let value = |n: u64| {
        let mut out = vec![n as u8 & 1, n as u8];
        out.extend((n as u16).to_le_bytes());
        out.extend((n as i16 - 30).to_le_bytes());
        out.extend((n as u32 * 5).to_le_bytes());
        out.extend((n as i32 * -70_000).to_le_bytes());
        out.extend(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        out.extend((i64::MIN + n as i64).to_le_bytes());
        out.extend((n as f32 * 0.3).to_le_bytes());
        out.extend((n as f64 * -0.7).to_le_bytes());
        out
    };
    let other = |n: u64| {
        let mut out = (n as u32).to_le_bytes().to_vec();
        let text = "x".repeat(n as usize % 7 * 30);
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
        out.push(n as u8 & 1);
        out.extend(n.to_le_bytes().into_iter().filter(|_| n & 1 == 1));
        out.extend(u32::from('a').to_le_bytes());
        out.extend([1, 2, 3, 4, 5, 6]);
        out.extend(n.to_le_bytes());
        out.extend((n as u32).to_le_bytes());
        out.extend([n as u8; 16]);
        out
    };
    let mut records = Vec::new();
    for n in 0..200_u64 {
        records.push((&numbers, payload((n * n).wrapping_sub(900), &value(n))));
        records.push((&any, payload(5_000_000 - n * 99, &other(n))));
        if n % 10 == 0 {
            records.push((&empty, payload(1 << 60, &[])));
            let statement = Loss { counter: n, full: [n; 5], too_large: [3; 5] };
            records.push((&loss, statement.encode().to_vec()));
        }
        if n < 3 {
            check_columns(&records);
        }
    }
    check_columns(&records);
    check_columns(&[]);
    let (rows, columns) = check_columns(&vec![records[0].clone(); 100]);
    assert!(columns < rows, "{columns} bytes for {rows}");
}

#[test]
fn steady_values_take_few_bytes_in_columns() {
    let site = site(16, Level::Info, TimeSource::Counter, &[Type::U64, Type::F64, Type::I32]);
    let records: Vec<_> = (0..1000_u64)
        .map(|n| {
            let values = [(n * 50_000).to_le_bytes(), (n as f64).to_le_bytes()].concat();
            (&site, payload(n, &[&values[..], &(n as i32).to_le_bytes()].concat()))
        })
        .collect();
    // Three bytes for the first, one for the last, eight for the middle one.
    assert_eq!(check_columns(&records).1 / 1000, 1 + 3 + 8 + 1);
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
        // One, and so many that they are taken together.
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
fn columns_of_many_kinds_are_not_worthwhile() {
    let sites: Vec<_> =
        (16..500).map(|id| site(id, Level::Info, TimeSource::Counter, &[Type::U8])).collect();
    let mut builder = BlockBuilder::default();
    let mut of = |sites: &[CallSite], count| {
        builder.begin_columns(1, 0, 0);
        for site in sites.iter().cycle().take(count) {
            builder.push(site, &payload(1, &[1])).unwrap();
        }
        builder.are_columns_worthwhile()
    };
    assert!(of(&sites[..3], 100));
    assert!(!of(&sites[..3], 10));
    assert!(!of(&sites[..100], 200));
    assert!(!of(&sites, 10_000));
    assert!(of(&sites[..256], 10_000));
}

#[test]
fn columns_that_would_become_too_long_are_refused() {
    let site = site(16, Level::Info, TimeSource::Counter, &[Type::U64]);
    let mut builder = BlockBuilder::default();
    builder.begin_columns(1, 0, 0);
    for n in 0..10_000 {
        builder.push(&site, &payload(n, &u64::MAX.to_le_bytes())).unwrap();
    }
    let mut out = Vec::new();
    let header = builder.finish_with(0, &mut out, |body, out| {
        out.extend_from_slice(body.bytes);
        // 17 bytes each at the most, and no more than 1024 for one.
        assert!(!body.may_stand_in(Codec::Lz4, 150) && body.may_stand_in(Codec::Lz4, 250));
        Codec::None
    });
    let body = &out[BlockHeader::BYTES..];
    assert_eq!(header.rows(body, 100, &mut Vec::new()), Err(BlockError::Columns));
    let mut rows = Vec::new();
    let header = header.rows(body, 250, &mut rows).unwrap();
    assert_eq!(header.records(&rows).unwrap().filter(Result::is_ok).count(), 10_000);
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
fn rows_of_what_is_wanted_have_the_others_without_values() {
    let counter = site(16, Level::Info, TimeSource::Counter, &[Type::U32, Type::Str]);
    let unix = site(17, Level::Error, TimeSource::UnixNanos, &[Type::Str, Type::F64]);
    let mut builder = BlockBuilder::default();
    builder.begin_columns(3, 800, 40);
    for n in 0..100_u32 {
        let text = [&(n % 7).to_le_bytes()[..], &b"textual"[..n as usize % 7]].concat();
        let (site, values) = match n % 3 {
            0 => (&unix, [&text[..], &f64::from(n).to_le_bytes()].concat()),
            _ => (&counter, [&n.to_le_bytes()[..], &text].concat()),
        };
        builder.push(site, &payload(5_000 + u64::from(n) * 3, &values)).unwrap();
    }
    let mut out = Vec::new();
    let header = builder.finish(9_000, &mut out);
    assert_eq!(header.encoding, 2);
    let body = &out[BlockHeader::BYTES..];
    let rows = |wanted: &dyn Fn(u32) -> bool| -> Vec<(u32, RecordTime, Vec<u8>)> {
        let mut rows = Vec::new();
        let header = header.rows_of(body, body.len(), &mut rows, wanted).unwrap();
        let records = header.records(&rows).unwrap().map(Result::unwrap);
        records.map(|record| (record.tag, record.time, record.values.to_vec())).collect()
    };
    let all = rows(&|_| true);
    assert_eq!(all.len(), 100);
    for wanted in [16, 17, 99] {
        let mut expected = all.clone();
        expected.iter_mut().filter(|(tag, ..)| *tag != wanted).for_each(|(.., of)| of.clear());
        assert_eq!(rows(&|tag| tag == wanted), expected);
    }
}

#[test]
fn every_loss_statement_of_columns_is_looked_into() {
    let number = site(16, Level::Info, TimeSource::Counter, &[Type::U32]);
    let plan = std::sync::Arc::new(SitePlan::new(&number));
    let record = |tag: u32, payload: Vec<u8>| {
        let mut raw = (payload.len() as u32).to_le_bytes().to_vec();
        raw.extend(tag.to_le_bytes());
        raw.extend(payload);
        raw.resize(raw.len().next_multiple_of(8), 0xee);
        raw
    };
    let loss = |total: u64| {
        let mut loss = [0; Loss::BYTES];
        loss[8..16].copy_from_slice(&total.to_le_bytes());
        record(CallSite::LOSS_ID, loss.to_vec())
    };
    let numbers = (0..40_u32).flat_map(|n| record(16, payload(1, &n.to_le_bytes())));
    let raw: Vec<u8> = loss(1).into_iter().chain(numbers).chain(loss(77)).chain(loss(78)).collect();
    let mut builder = BlockBuilder::default();
    // The second block knows the kinds of the first.
    for _ in 0..2 {
        builder.begin_columns(1, 0, 0);
        builder.push_raw(&raw, |_, _| Some(First::Take(plan.clone()))).unwrap();
        assert_eq!(builder.count(), 43);
        assert_eq!(builder.last_loss().unwrap().total(), 78);
        builder.finish(64, &mut Vec::new());
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
