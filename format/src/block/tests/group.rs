//! Groups hold the records that were put in, whatever the depth and the layouts.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// A part: its ring, and its records.
type Part<'a> = (u32, Vec<(&'a CallSite, Vec<u8>)>);

/// The packed rows that a block of its own would have.
fn rows(part: &Part<'_>) -> (BlockHeader, Vec<u8>) {
    let mut builder = BlockBuilder::default();
    builder.begin(part.0, 800, 40);
    put(&mut builder, part);
    let mut out = Vec::new();
    let header = builder.finish(1 << 20, &mut out);
    (header, out.split_off(BlockHeader::BYTES))
}

fn put(builder: &mut BlockBuilder, (_, records): &Part<'_>) {
    for (site, payload) in records {
        if site.id == CallSite::LOSS_ID {
            builder.push_loss(payload).unwrap();
        } else {
            builder.push(site, payload).unwrap();
        }
    }
}

fn put_raw(builder: &mut BlockBuilder, (_, records): &Part<'_>) {
    let mut raw = Vec::new();
    for (site, payload) in records {
        raw.extend((payload.len() as u32).to_le_bytes());
        raw.extend(site.id.to_le_bytes());
        raw.extend(payload);
        raw.resize(raw.len().next_multiple_of(8), 0xee);
    }
    let first_of = |tag, _| {
        let of_tag = records.iter().find(|(site, _)| site.id == tag);
        of_tag.map(|(site, _)| First::Take(Arc::new(SitePlan::new(site))))
    };
    assert_eq!(builder.push_raw(&raw, first_of), Ok(raw.len()));
}

/// A compressor that repeats runs: a byte, and how often it comes.
fn shorten(plain: &[u8], hint: SectionHint, out: &mut Vec<u8>) -> Codec {
    let start = out.len();
    let most = if hint == SectionHint::Any { 255 } else { 8 };
    for run in plain.chunk_by(|a, b| a == b) {
        run.chunks(most).for_each(|run| out.extend([run[0], run.len() as u8]));
    }
    if out.len() - start < plain.len() {
        return Codec::Lz4;
    }
    out.truncate(start);
    out.extend(plain);
    Codec::None
}

fn lengthen(codec: Codec, stored: &[u8], plain: &mut [u8]) -> Result<(), BlockError> {
    let mut found = Vec::new();
    match codec {
        Codec::None => found.extend(stored),
        _ => stored.chunks(2).for_each(|run| found.extend(vec![run[0]; usize::from(run[1])])),
    }
    plain.copy_from_slice(&found);
    Ok(())
}

/// The records of a block in packed rows, with their times.
fn records(header: &BlockHeader, rows: &[u8]) -> Vec<(u32, RecordTime, Vec<u8>)> {
    let records = header.records(rows).unwrap().map(Result::unwrap);
    records.map(|of| (of.tag, of.time, of.values.to_vec())).collect()
}

/// Reads a group back; returns the number of its sections and their layouts.
#[track_caller]
fn check_payload(parts: &[Part<'_>], header: &BlockHeader, payload: &[u8]) -> Vec<Layout> {
    assert_eq!(BlockHeader::decode(payload).as_ref(), Some(header));
    let stored = &payload[BlockHeader::BYTES..];
    let mut unpack = lengthen;
    let mut body = GroupBody::open(header, stored, Vec::new(), &mut unpack).unwrap();
    body.need_rows(stored, |_| true, &mut unpack).unwrap();
    let mut found = Vec::new();
    let ranges = body.rows(&mut found, |_| true).unwrap();
    let with_records: Vec<_> = parts.iter().filter(|part| !part.1.is_empty()).collect();
    assert_eq!(ranges.len(), with_records.len());
    for ((part, range), of_group) in with_records.iter().zip(ranges).zip(&body.head().parts) {
        let (expected, expected_rows) = rows(part);
        let of_rows = BlockHeader { encoding: BlockHeader::PACKED, ..*of_group };
        assert_eq!(
            BlockHeader { body_bytes: 0, ..of_rows },
            BlockHeader { body_bytes: 0, ..expected }
        );
        assert_eq!(records(&of_rows, &found[range]), records(&expected, &expected_rows));
    }
    let columns = body.kinds().iter().flat_map(|kind| body.columns_of(kind));
    columns.map(|column| column.layout).collect()
}

/// Puts parts into groups of both depths, in both ways, and reads them. Returns the layouts of the thorough one.
#[track_caller]
fn check_group(parts: &[Part<'_>]) -> Vec<Layout> {
    let mut builder = BlockBuilder::default();
    let mut layouts = Vec::new();
    for depth in [Depth::Fast, Depth::Thorough] {
        // Several times: buffers are used again, and columns have learned whether compression pays.
        for put in [put, put_raw, put] {
            builder.begin_group(depth);
            for part in parts {
                builder.begin_part(part.0, 800, 40);
                put(&mut builder, part);
                builder.end_part(1 << 20);
            }
            let mut payload = Vec::new();
            let header = builder.finish_group(7, &mut payload, shorten);
            layouts = check_payload(parts, &header, &payload);
        }
    }
    layouts
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::U8),
        Just(Type::U16),
        Just(Type::I16),
        Just(Type::U32),
        Just(Type::I32),
        Just(Type::U64),
        Just(Type::I64),
        Just(Type::F32),
        Just(Type::F64),
        Just(Type::Str),
        Just(Type::Char),
        Just(Type::Unit),
        Just(Type::Ipv6),
        Just(Type::Duration),
    ];
    leaf.prop_recursive(2, 4, 2, |of| {
        prop_oneof![
            of.clone().prop_map(|of| Type::Option(Box::new(of))),
            (of.clone(), 0..4_u32).prop_map(|(of, n)| Type::Array(Box::new(of), n)),
            prop::collection::vec(of, 0..3).prop_map(Type::Tuple),
        ]
    })
}

/// A raw value, by the style of its column: constant, steady, of few or of many bits.
fn put_value(ty: &Type, style: u8, n: u64, out: &mut Vec<u8>) {
    let noise = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = match style % 6 {
        0 => 5,
        1 => 1_000_000 + n * 7,
        2 => noise,
        3 => noise >> 50,
        4 if n % 50 == 49 => noise,
        4 => n % 4,
        _ => noise >> (n % 64),
    };
    let bytes = word.to_le_bytes();
    match ty {
        Type::Unit => {}
        Type::Bool => out.push(word as u8 & 1),
        Type::U8 => out.push(word as u8),
        Type::U16 | Type::I16 => out.extend(&bytes[..2]),
        Type::U32 | Type::I32 | Type::F32 => out.extend(&bytes[..4]),
        Type::U64 | Type::I64 => out.extend(&bytes),
        Type::F64 if style.is_multiple_of(2) => out.extend((word as f64 / 100.0).to_le_bytes()),
        Type::F64 => out.extend(&bytes),
        Type::Char => out.extend(u32::from(b'a' + (word % 20) as u8).to_le_bytes()),
        Type::Str => {
            let text = match style % 4 {
                0 => format!("ord-{word:08x}"),
                1 => format!("{noise:016x}{word:016x}"),
                2 => "x".repeat(word as usize % 5),
                _ => format!("user {}", word % 7),
            };
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        }
        Type::Ipv6 => out.extend([bytes, bytes].concat()),
        Type::Duration => {
            out.extend(&bytes);
            out.extend((word as u32 % 1_000_000_000).to_le_bytes());
        }
        Type::Option(of) => {
            out.push(word as u8 & 1);
            if word & 1 == 1 {
                put_value(of, style, n, out);
            }
        }
        Type::Array(of, count) => (0..*count).for_each(|_| put_value(of, style, n, out)),
        Type::Tuple(of) => of.iter().for_each(|of| put_value(of, style, n, out)),
        _ => unreachable!("no other type is made"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn groups_have_the_records_that_were_put_in(
        types in prop::collection::vec((prop::collection::vec(any_type(), 0..5), any::<bool>()), 1..5),
        parts in prop::collection::vec((0..700_u64, 0..60_u64, any::<bool>()), 1..4),
        style in any::<u8>(),
        run in 1..400_u64,
    ) {
        let sites: Vec<_> = (0..)
            .zip(&types)
            .map(|(at, (types, is_unix))| {
                let time = if *is_unix { TimeSource::UnixNanos } else { TimeSource::Counter };
                site(16 + at * 3000, Level::ALL[at as usize % 5], time, types)
            })
            .collect();
        let loss = site(CallSite::LOSS_ID, Level::Error, TimeSource::Counter, &[]);
        let mut all = Vec::new();
        for (ring, (count, step, goes_back)) in (1..).zip(parts) {
            let mut records = Vec::new();
            for n in 0..count {
                let time = if goes_back { 90_000_u64.wrapping_sub(n * step) } else { n * step };
                if n % 97 == 96 {
                    let statement = Loss { counter: time, full: [n; 5], too_large: [3; 5] };
                    records.push((&loss, statement.encode().to_vec()));
                }
                let site = &sites[(n / run) as usize % sites.len()];
                let mut values = Vec::new();
                for (slot, style) in site.slots.iter().zip((0..).map(|at| style.wrapping_add(at))) {
                    put_value(&slot.ty, style, n, &mut values);
                }
                records.push((site, payload(time, &values)));
            }
            all.push((ring, records));
        }
        if all.iter().any(|(_, records)| !records.is_empty()) {
            check_group(&all);
        }
    }
}

#[test]
fn a_thorough_group_finds_what_its_columns_have() {
    let types = [Type::Str, Type::Str, Type::Str, Type::U64, Type::F64, Type::U32, Type::Str];
    let site = site(16, Level::Info, TimeSource::Counter, &types);
    let records = (0..600_u64).map(|n| {
        let noise = (n % 300).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let texts = [
            format!("{noise:016x}{:016x}", !noise),
            format!("ord-{:08}", n / 2),
            ["GET", "PUT", "POST"][n as usize % 3].to_owned(),
        ];
        let mut values = Vec::new();
        let put_text = |values: &mut Vec<u8>, text: &str| {
            values.extend((text.len() as u32).to_le_bytes());
            values.extend(text.as_bytes());
        };
        texts.iter().for_each(|text| put_text(&mut values, text));
        values.extend(5_u64.to_le_bytes());
        values.extend((noise as u32 as f64 / 100.0).to_le_bytes());
        values.extend((((noise ^ noise >> 31).wrapping_mul(noise) >> 48) as u32).to_le_bytes());
        put_text(&mut values, &format!("no {n} like it"));
        (&site, payload(n, &values))
    });
    let layouts = check_group(&[(1, records.collect())]);
    let [trace, order, method, five, price, port, unique] = layouts[..] else {
        panic!("{layouts:?}")
    };
    assert!(matches!(trace, Layout::PooledTexts(_)), "{trace:?}");
    assert!(matches!(order, Layout::PooledTexts(_)), "{order:?}");
    assert!(matches!(method, Layout::PooledTexts(_)), "{method:?}");
    assert_eq!((five, unique), (Layout::Constant, Layout::Texts));
    assert!(matches!(price, Layout::Decimals(2, _)), "{price:?}");
    assert_eq!(port, Layout::IntegerPlanes(2));
}

#[test]
fn a_group_is_never_too_short_for_its_rows() {
    let types = [Type::U64, Type::F64, Type::Str, Type::Bool];
    let site = site(16, Level::Info, TimeSource::Counter, &types);
    let mut values = [7_u64.to_le_bytes(), 1.5_f64.to_le_bytes()].concat();
    values.extend(1000_u32.to_le_bytes());
    values.extend([b'x'; 1000]);
    values.push(1);
    for count in [1, 100, 4000] {
        check_group(&[(1, vec![(&site, payload(5, &values)); count])]);
    }
    let empty = super::site(17, Level::Info, TimeSource::Counter, &[]);
    check_group(&[(1, vec![(&empty, payload(5, &[])); 100_000])]);
}

#[test]
fn a_part_without_records_is_left_out() {
    let site = site(16, Level::Info, TimeSource::Counter, &[Type::U64]);
    let record = (&site, payload(9, &[1; 8]));
    check_group(&[(4, Vec::new()), (5, vec![record.clone()]), (6, Vec::new()), (7, vec![record])]);
}
