//! Frames that relate to others, and those of later versions.

use stenolog_format::block::BlockBuilder;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FrameHeader, FrameKind, FrameWriter};
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::types::Type;
use stenolog_tests::second_reader::{Reading, parse, values};

use crate::{UNIX_NS, dump, payload, sealed, site};

#[test]
fn records_that_are_gone_with_a_file_are_told_once() {
    let site = site(16, Type::U8);
    let mut dump = dump();
    dump.call_site(site.clone());
    let gone = |first, count| Some(Gone { first, count, cause: GoneCause::Truncated as u8 });
    let frame = |position, gone| LossFrame { ring: 1, position, loss: Loss::default(), gone };
    // The second one states what the first does, and more.
    for frame in [frame(64, gone(0, 3)), frame(128, gone(0, 5)), frame(128, None)] {
        dump.frame_with(FrameKind::Loss, |out| frame.encode(out));
    }
    let mut builder = BlockBuilder::default();
    builder.begin(1, 128, 5);
    builder.push(&site, &payload(6, &[7])).unwrap();
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(152, out));
    let bytes = sealed(dump);
    let lines = Reading::of_bytes(&bytes).whole();
    let told: Vec<_> = lines.iter().map(|line| parse(line)["gone"].as_u64()).collect();
    assert_eq!(told, [Some(3), Some(2), None]);
    // The first reader agrees.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (entries, summary) = stenolog_tests::read(file.path());
    let told: Vec<_> = entries.iter().map(|entry| entry["fields"]["lost"].as_u64()).collect();
    assert_eq!((told, summary.missing), (vec![Some(3), Some(2), None], 5));
    assert_eq!(entries[0]["fields"]["why"], "truncated");
}

#[test]
fn a_ring_that_continues_another_one_is_read_behind_it() {
    let site = site(16, Type::U8);
    let mut dump = dump();
    dump.call_site(site.clone());
    for (ring, os_id, continues) in [(2, 301, None), (3, 300, Some(1)), (4, 300, Some(3))] {
        let thread = Thread { ring, os_id, name: String::new(), continues };
        dump.frame_with(FrameKind::Thread, |out| thread.encode(out));
    }
    // Times go back from ring to ring.
    for (ring, time) in [(1, 900), (2, 950), (3, 800), (4, 700)] {
        let mut builder = BlockBuilder::default();
        builder.begin(ring, 0, 0);
        builder.push(&site, &payload(time, &[ring as u8])).unwrap();
        dump.frame_with(FrameKind::Block, |out| _ = builder.finish(24, out));
    }
    let bytes = sealed(dump);
    let lines = Reading::of_bytes(&bytes).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), ["1", "3", "4", "2"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (entries, _) = stenolog_tests::read(file.path());
    let messages: Vec<_> = entries.iter().map(|entry| entry["message"].as_str()).collect();
    assert_eq!(messages, ["1", "3", "4", "2"].map(Some));
}

#[test]
fn what_a_later_minor_version_adds_is_passed_over() {
    let site = site(16, Type::U8);
    let mut dump = dump();
    // A longer header of version 1.9, with something in the reserved field.
    let mut header: Vec<u8> = dump.bytes_mut().drain(..64).collect();
    header[10] = 9;
    header[12] = 80;
    header[56] = 1;
    let crc = crc_of_header(&header);
    header[60..64].copy_from_slice(&crc);
    header.extend([0xee; 16]);
    dump.bytes_mut().splice(0..0, header);
    let unknown = dump.frame_with(FrameKind::Watermark, |out| out.extend(b"from the future"));
    rename_frame(&mut dump.bytes_mut()[unknown as usize..], 200);
    dump.frame_with(FrameKind::Clock, |out| {
        ClockPair { counter: 1 << 40, unix_ns: UNIX_NS + (1 << 40), uncertainty_ticks: 0 }
            .encode(out);
        out.extend(b"more");
    });
    dump.frame_with(FrameKind::Dictionary, |out| {
        CallSite::encode_all(std::iter::once(&site), out);
        out.extend(b"more");
    });
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    builder.push(&site, &payload(6, &[7])).unwrap();
    dump.frame_with(FrameKind::Block, |out| _ = builder.finish(24, out));
    let mut bytes = sealed(dump);
    let lines = Reading::of_bytes(&bytes).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), ["7"]);
    // A greater major version is another matter.
    bytes[8] = 2;
    let reading = Reading::of_bytes(&bytes);
    assert_eq!((reading.lines.len(), reading.code), (0, Some(1)));
    assert!(reading.complaints.contains("2.9"), "{}", reading.complaints);
}

/// The checksum of a file header, by way of a frame that has its bytes as the payload.
fn crc_of_header(header: &[u8]) -> [u8; 4] {
    let mut frame = Vec::new();
    FrameWriter::default()
        .frame(&mut frame, FrameKind::Clock, |out| out.extend_from_slice(&header[..60]));
    FrameHeader::decode(&frame).unwrap().payload_crc.to_le_bytes()
}

fn rename_frame(frame: &mut [u8], kind: u8) {
    let header = FrameHeader { kind, ..FrameHeader::decode(frame).unwrap() };
    frame[..FrameHeader::BYTES].copy_from_slice(&header.encode());
}
