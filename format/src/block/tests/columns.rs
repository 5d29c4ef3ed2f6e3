//! Columns stand for the same records as rows.

use super::*;

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

/// Values of ten numbers.
fn number_values(n: u64) -> Vec<u8> {
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
}

/// Values of other types.
fn other_values(n: u64) -> Vec<u8> {
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
    let mut records = Vec::new();
    for n in 0..200_u64 {
        records.push((&numbers, payload((n * n).wrapping_sub(900), &number_values(n))));
        records.push((&any, payload(5_000_000 - n * 99, &other_values(n))));
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
