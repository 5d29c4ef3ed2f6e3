//! Packed rows and raw records read back.

use super::*;

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
