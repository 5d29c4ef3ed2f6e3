//! Every type and every loss reads the same in all encodings.

use stenolog_format::block::{BlockBuilder, BlockHeader};
use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::FrameKind;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::types::Type;
use stenolog_tests::second_reader::{Reading, parse, values};

use crate::{UNIX_NS, boxed, dump, every_type, payload, sealed, site};

/// A record as it lies in a ring, with rubbish in the padding.
fn in_ring(len: u32, tag: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = [&len.to_le_bytes()[..], &tag.to_le_bytes(), payload].concat();
    out.resize(out.len().next_multiple_of(8), 0xaa);
    out
}

#[test]
fn every_type_reads_in_all_encodings() {
    let rows = every_type();
    let sites: Vec<_> = (16..).zip(&rows).map(|(id, (ty, ..))| site(id, ty.clone())).collect();
    let mut dump = dump();
    dump.call_sites(sites.to_vec());
    let mut builder = BlockBuilder::default();
    builder.begin(1, 64, 0);
    // Each record a tick earlier than the one before it.
    let payloads: Vec<_> =
        (0_u64..).zip(&rows).map(|(n, (_, raw, _))| payload(1_000 - n, raw)).collect();
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.push(site, payload).unwrap();
    }
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(4096, out));
    builder.begin(1, 4096, rows.len() as u64);
    let mut ring = Vec::new();
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.note(site.level, site.time, 1_000);
        ring.extend(in_ring(payload.len() as u32, site.id, payload));
        ring.extend(in_ring(1 << 31 | 5, 0, b"waste"));
        ring.extend(in_ring(1 << 31, 0, b""));
    }
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish_raw(8192, &[&ring], out));
    builder.begin_columns(1, 8192, 2 * rows.len() as u64);
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.push(site, payload).unwrap();
    }
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(16384, out));
    let lines = Reading::of_bytes(&sealed(dump)).whole();
    let found: Vec<_> = lines.iter().map(|line| values(line)).collect();
    let expected: Vec<_> = rows.iter().chain(&rows).chain(&rows).map(|(.., json)| *json).collect();
    assert_eq!(found, expected);
    for (n, line) in lines.iter().enumerate() {
        let time = 1_000 - (n % rows.len()) as i64;
        let line = parse(line);
        assert_eq!((&line["time_raw"], &line["unix_ns"]), (&time.into(), &(UNIX_NS + time).into()));
    }
}

#[test]
fn losses_read_in_all_encodings_and_as_frames() {
    let site = site(16, Type::U8);
    let loss = |n| Loss { counter: 5, full: [0, 0, 0, n, 0], too_large: [n, 0, 0, 0, 0] };
    let mut dump = dump();
    dump.call_site(site.clone());
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    builder.push_loss(&loss(1).encode()).unwrap();
    builder.push(&site, &payload(6, &[7])).unwrap();
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(120, out));
    builder.begin(1, 120, 2);
    builder.note_loss(5);
    let ring = in_ring(88, CallSite::LOSS_ID, &loss(300).encode());
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish_raw(216, &[&ring], out));
    builder.begin_columns(1, 216, 3);
    builder.push(&site, &payload(6, &[7])).unwrap();
    builder.push_loss(&loss(302).encode()).unwrap();
    builder.push_loss(&loss(304).encode()).unwrap();
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(512, out));
    // The first one states what the ring has stated already.
    for n in [304, 305] {
        let frame = LossFrame { ring: 1, position: 512, loss: loss(n), gone: None };
        dump.frame_with(FrameKind::Loss, |out| frame.encode(out));
    }
    let lines = Reading::of_bytes(&sealed(dump)).whole();
    let lost: Vec<_> = lines.iter().map(|line| parse(line)["lost_full"][3].as_u64()).collect();
    assert_eq!(lost, [Some(1), None, Some(299), None, Some(2), Some(2), Some(1)]);
}

/// A dump of one block in columns with a thousand records of two kinds; its body as `change` has it.
fn in_columns(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let sites = [
        site(16, Type::Tuple(vec![Type::U16, Type::F64, Type::F32, Type::Bool])),
        site(300, Type::Tuple(vec![Type::Str, Type::Option(boxed(Type::I64)), Type::I64])),
    ];
    let mut dump = dump();
    dump.call_sites(sites.to_vec());
    let mut builder = BlockBuilder::default();
    builder.begin_columns(1, 0, 0);
    for n in 0..1000_u16 {
        let values = if n % 3 == 0 {
            let text = n.to_string();
            let length = (text.len() as u32).to_le_bytes();
            let some = i64::from(n).to_le_bytes();
            [&length[..], text.as_bytes(), &[1], &some, &(-i64::from(n)).to_le_bytes()].concat()
        } else {
            // Steady floats, and others.
            let other = f32::from_bits(u32::from(n).wrapping_mul(0x9e37_79b9) & 0x3fff_ffff);
            let floats = [&f64::from(n).to_le_bytes()[..], &other.to_le_bytes()].concat();
            [&n.to_le_bytes()[..], &floats, &[u8::from(n % 2 == 0)]].concat()
        };
        builder.push(&sites[usize::from(n % 3 == 0)], &payload(n.into(), &values)).unwrap();
    }
    let mut block = Vec::new();
    builder.finish(24_000, &mut block);
    let mut body = block.split_off(BlockHeader::BYTES);
    change(&mut body);
    dump.frame_with(FrameKind::Block, |out| out.extend([block, body].concat()));
    sealed(dump)
}

#[test]
fn columns_read_as_they_were_written() {
    let lines = Reading::of_bytes(&in_columns(|_| ())).whole();
    assert_eq!(lines.len(), 1000);
    for (n, line) in (0_i64..).zip(&lines) {
        let value = parse(&format!("[{}]", values(line)))[0].clone();
        if n % 3 == 0 {
            assert_eq!(value, serde_json::json!([n.to_string(), n, -n]));
        } else {
            assert_eq!(
                (&value[0], &value[1], &value[3]),
                (&n.into(), &(n as f64).into(), &(n % 2 == 0).into())
            );
        }
    }
}

#[test]
fn columns_that_are_not_what_they_say_are_damage() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>)) {
        let reading = Reading::of_bytes(&in_columns(change));
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)), "{}", reading.complaints);
    }
    check(Vec::clear);
    check(|body| body.truncate(body.len() / 2));
    check(|body| body.push(0));
    check(|body| body[2] = 3); // kinds
    check(|body| body[5] = 9); // a layout
}
