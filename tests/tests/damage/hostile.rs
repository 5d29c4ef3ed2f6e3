//! Files that no logger wrote: noise, frames in any order, and whole frames that lie.

use std::collections::BTreeSet;
use std::iter;

use stenolog_decoder::{Dump, verify};
use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{FrameKind, MAGIC, SYNC};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::volatile::VolatileRing;

use crate::lies::{Forgery, survive, varint};
use crate::oracle::Reading;
use crate::samples::{SAMPLES, Sample};
use crate::walk::{BLOCK, FILE_HEADER, FRAME_HEADER, Frame};
use crate::{Numbers, for_each, is_exhaustive};

#[test]
fn noise_is_no_dump_or_a_damaged_one() {
    let header = &SAMPLES[0].bytes[..FILE_HEADER];
    for_each(400, |n| {
        let mut numbers = Numbers(n as u64);
        let length = numbers.below(1 << 13);
        let mut noise = numbers.bytes(length);
        let is_dump = n % 2 == 1;
        match n % 4 {
            0 => {}
            1 => _ = noise.splice(..0, header.iter().copied()),
            2 => _ = noise.splice(..0, MAGIC),
            _ => {
                // Full of what looks like frames.
                for _ in 0..length / 64 {
                    let at = numbers.below(length);
                    noise.splice(at..at, SYNC);
                }
                noise.splice(..0, header.iter().copied());
            }
        }
        let summary = survive("noise", &noise).summary;
        assert_eq!(summary.is_some(), is_dump, "{n}");
        assert!(summary.is_none_or(|summary| !summary.is_complete() && summary.records == 0));
        1
    });
}

/// The sample's header, and these of its frames, as they stand.
fn with_frames<'a>(sample: &Sample, frames: impl Iterator<Item = &'a Frame>) -> Vec<u8> {
    let mut bytes = sample.bytes[..FILE_HEADER].to_vec();
    for frame in frames {
        bytes.extend(&sample.bytes[frame.start..frame.end]);
    }
    bytes
}

/// Everything that came out, whatever the order of the rings' records.
fn shown(reading: &Reading) -> Vec<(u32, u64, &str)> {
    let rings = reading.rings.iter();
    let mut shown: Vec<_> = rings
        .flat_map(|(&ring, records)| records.iter().map(move |r| (ring, r.number, &*r.text)))
        .collect();
    shown.sort_unstable();
    shown
}

#[test]
fn frames_in_any_order_show_each_record_once() {
    for (n, sample) in SAMPLES.iter().enumerate() {
        let whole = shown(&sample.whole);
        let check = |frames: Vec<&Frame>, what: &str| {
            let bytes = with_frames(sample, frames.into_iter());
            survive(what, &bytes);
            let reading = Reading::of(&bytes).unwrap();
            assert_eq!(shown(&reading), whole, "{}: {what}", sample.name);
            assert!(!reading.is_complete && !reading.damage.is_empty(), "{}: {what}", sample.name);
        };
        let frames = &sample.frames;
        check(frames.iter().rev().collect(), "backwards");
        check(frames.iter().flat_map(|frame| [frame, frame]).collect(), "each twice");
        check(frames.iter().chain(frames).collect(), "all twice");
        let mut numbers = Numbers(n as u64);
        for _ in 0..20 {
            let mut order: Vec<_> = frames.iter().collect();
            for at in (1..order.len()).rev() {
                order.swap(at, numbers.below(at + 1));
            }
            // The one order that is right is hardly ever met.
            if !order.is_sorted_by_key(|frame| frame.start) {
                check(order, "shuffled");
            }
        }
    }
}

#[test]
fn frames_of_another_session_show_nothing_that_was_not_logged() {
    for one in &*SAMPLES {
        for other in SAMPLES.iter().filter(|other| other.name != one.name) {
            let mut bytes = one.bytes[..FILE_HEADER].to_vec();
            let mut others = other.frames.iter();
            for frame in &one.frames {
                bytes.extend(&one.bytes[frame.start..frame.end]);
                if let Some(frame) = others.next() {
                    bytes.extend(&other.bytes[frame.start..frame.end]);
                }
            }
            survive("mixed", &bytes);
            let reading = Reading::of(&bytes).unwrap();
            let texts = |reading: &Reading| -> BTreeSet<String> {
                reading.rings.values().flatten().map(|shown| shown.text.clone()).collect()
            };
            let logged = &texts(&one.whole) | &texts(&other.whole);
            assert!(texts(&reading).is_subset(&logged), "{} and {}", one.name, other.name);
            assert!(!reading.damage.is_empty());
            // One after the other: the second is not read, and that is reported.
            let bytes = [&one.bytes[..], &other.bytes].concat();
            let reading = Reading::of(&bytes).unwrap();
            assert_eq!(shown(&reading), shown(&one.whole));
            assert_eq!(reading.damage.last().unwrap().offset, one.bytes.len() as u64);
        }
    }
}

/// Puts another payload into a frame, with a right length and right checksums.
fn replace(sample: &Sample, frame: &Frame, payload: &[u8]) -> Vec<u8> {
    let mut bytes = sample.bytes[..frame.start + FRAME_HEADER].to_vec();
    let header = &mut bytes[frame.start..];
    header[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[16..20].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    let crc = crc32fast::hash(&header[..20]);
    header[20..24].copy_from_slice(&crc.to_le_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(&sample.bytes[frame.end..]);
    bytes
}

/// Whatever a field is, it becomes as large and as small as its bytes can say.
#[test]
fn any_field_of_any_frame_may_lie() {
    let samples = if is_exhaustive() { &SAMPLES[..] } else { &SAMPLES[..1] };
    let mut lies = 0;
    for sample in samples {
        for frame in &sample.frames {
            let payload = &sample.bytes[frame.payload.clone()];
            lies += for_each(payload.len(), |at| {
                let mut tried = 0;
                let mut lie = |fields: usize, with: &[u8]| {
                    let mut payload = payload.to_vec();
                    payload.splice(at..(at + fields).min(payload.len()), with.iter().copied());
                    survive("a lie", &replace(sample, frame, &payload));
                    tried += 1;
                };
                // Fixed fields.
                for width in [1, 4, 8] {
                    lie(width, &[0xff; 8][..width]);
                    let sign = [&[0xff; 7][..], &[0x7f]].concat();
                    lie(width, &sign[8 - width..]);
                    let least = [&[0; 7][..], &[0x80]].concat();
                    lie(width, &least[8 - width..]);
                }
                lie(8, &[0; 8]);
                // Lengths and counts, as varints of 32 and of 64 bits.
                lie(1, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
                lie(1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
                lie(1, &[]);
                tried
            });
        }
    }
    assert!(lies > 5000, "{lies}");
}

#[test]
fn lengths_in_the_headers_of_frames_and_files_may_lie() {
    let sample = &SAMPLES[0];
    let lengths = [0, 1, 7, 23, 24, 1 << 16, i32::MAX as u32, 1 << 31, u32::MAX - 31, u32::MAX];
    for length in lengths {
        let mut bytes = sample.bytes.clone();
        bytes[12..16].copy_from_slice(&length.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        survive("the file header's length", &bytes);
        for frame in &sample.frames {
            let mut bytes = sample.bytes.clone();
            let header = &mut bytes[frame.start..];
            header[12..16].copy_from_slice(&length.to_le_bytes());
            let crc = crc32fast::hash(&header[..20]);
            header[20..24].copy_from_slice(&crc.to_le_bytes());
            let summary = survive("a frame's length", &bytes).summary.unwrap();
            assert!(!summary.is_complete(), "{}: {length}", frame.start);
        }
    }
}

/// A block of one ring with a raw body of dead space and records that are too long, or none.
fn block(header: BlockHeader, body: &[u8]) -> Vec<u8> {
    [&header.encode()[..], body].concat()
}

fn header(sample: &Sample) -> BlockHeader {
    let block = sample.frames.iter().find(|frame| frame.kind == BLOCK).unwrap();
    BlockHeader::decode(&sample.bytes[block.payload.clone()]).unwrap()
}

#[test]
fn blocks_at_the_ends_of_all_ranges() {
    let sample = &SAMPLES[0];
    let from = sample.frames.iter().position(|frame| frame.kind == BLOCK).unwrap();
    let whole = &sample.bytes[sample.frames[from].payload.clone()];
    let words =
        [0, 1, u64::from(u32::MAX), i64::MAX as u64, i64::MIN as u64, u64::MAX - 7, u64::MAX];
    for ring in [0, 1, u32::MAX] {
        let mut numbers = Numbers(ring.into());
        for _ in 0..200 {
            let mut forgery = Forgery::new();
            for frame in &sample.frames[..from] {
                forgery.frame(
                    FrameKind::from_u8(frame.kind).unwrap(),
                    &sample.bytes[frame.payload.clone()],
                );
            }
            for _ in 0..4 {
                let mut word = || words[numbers.below(words.len())];
                let header = BlockHeader {
                    ring,
                    position: word(),
                    end_position: word(),
                    first_record: word(),
                    count: word() as u32,
                    body_bytes: word() as u32,
                    counter_first: word(),
                    counter_last: word(),
                    unix_first: word() as i64,
                    unix_last: word() as i64,
                    flags: word() as u8,
                    ..header(sample)
                };
                let loss = Loss { counter: word(), full: [word(); 5], too_large: [word(); 5] };
                let (position, pair) = (word(), (word(), word()));
                forgery.frame(FrameKind::Block, &block(header, &whole[BlockHeader::BYTES..]));
                let mut payload = Vec::new();
                LossFrame { ring, position, loss, gone: None }.encode(&mut payload);
                forgery.frame(FrameKind::Loss, &payload);
                let mut payload = Vec::new();
                let (counter, unix_ns) = (pair.0, pair.1 as i64);
                ClockPair { counter, unix_ns, uncertainty_ticks: u32::MAX }.encode(&mut payload);
                forgery.frame(FrameKind::Clock, &payload);
            }
            survive("blocks at the ends of all ranges", &forgery.finish());
        }
    }
}

#[test]
fn raw_bodies_of_dead_space_and_endless_records() {
    let raw = BlockHeader { encoding: 0, count: u32::MAX, ..header(&SAMPLES[0]) };
    for word in [0, 1, 7, 8, 0x7fff_ffff, 1 << 31, u32::MAX, (1 << 31) + 8] {
        let mut forgery = Forgery::new();
        let body: Vec<u8> =
            iter::repeat_n([word.to_le_bytes(), 16_u32.to_le_bytes()].concat(), 10_000)
                .flatten()
                .collect();
        forgery.frame(FrameKind::Block, &block(raw, &body));
        let survival = survive("raw bodies", &forgery.finish());
        assert!(!survival.summary.unwrap().is_complete());
    }
}

#[test]
fn indexes_in_circles_are_not_followed() {
    let sample = &SAMPLES[0];
    let base = with_frames(sample, sample.frames.iter());
    let mut offsets = vec![0, 1, 64, base.len() as u64, i64::MAX as u64, u64::MAX];
    offsets.extend(sample.frames.iter().map(|frame| frame.start as u64));
    for &offset in &offsets {
        let mut forgery = Forgery::new();
        let here = 64 + 48 + 40;
        for previous in [offset, here, here + 64] {
            let blocks = vec![(offset, header(sample)); 20];
            let index =
                Index { previous, metadata: vec![offset; 20], blocks, contexts: vec![offset; 9] };
            let mut payload = Vec::new();
            index.encode(&mut payload);
            forgery.frame(FrameKind::Index, &payload);
        }
        let mut end = Vec::new();
        End { index: offset, records: offset, lost: offset, continues: true }.encode(&mut end);
        forgery.frame(FrameKind::End, &end);
        let bytes = forgery.finish();
        survive("indexes in circles", &bytes);
        let dump = Dump::from_bytes("hostile.steno", bytes).unwrap();
        assert!(!verify(&dump).is_intact());
    }
}

#[test]
fn very_many_tiny_frames_take_no_more_than_their_bytes() {
    let mut payload = Vec::new();
    for kind in [2, 3, 4, 5, 6, 7, 8, 10, 200] {
        let mut forgery = Forgery::bare();
        // Those of 24 bytes are the smallest that there are.
        let count = if kind == 6 || is_exhaustive() { 1_000_000 } else { 50_000 };
        for n in 0..count {
            payload.clear();
            match kind {
                2 => Thread { ring: n, os_id: 0, name: String::new(), continues: None }
                    .encode(&mut payload),
                4 => payload.extend(BlockHeader { ring: n, ..header(&SAMPLES[0]) }.encode()),
                5 => LossFrame {
                    ring: n,
                    position: 0,
                    loss: Loss { counter: 0, full: [1; 5], too_large: [0; 5] },
                    gone: None,
                }
                .encode(&mut payload),
                10 => VolatileRing { ring: n, state: 3, number: 0, reason: String::new() }
                    .encode(&mut payload),
                _ => {}
            }
            let known = FrameKind::from_u8(kind).unwrap_or(FrameKind::Watermark);
            forgery.frame(known, &payload);
        }
        survive("tiny frames", &forgery.finish());
    }
}

/// Headers of frames, each of which claims all that follows, and more.
#[test]
fn frames_within_frames_are_read_once() {
    let mut bytes = SAMPLES[0].bytes[..FILE_HEADER].to_vec();
    for sequence in (0..20_000_u32).map(|n| n * 2) {
        let mut header = stenolog_format::frame::FrameHeader {
            kind: 4,
            sequence,
            payload_bytes: u32::MAX,
            payload_crc: 0,
        };
        bytes.extend(header.encode());
        header.sequence += 1;
        bytes.extend(header.encode());
    }
    let survival = survive("frames within frames", &bytes);
    assert!(!survival.summary.unwrap().is_complete());
}

/// What costs most memory for its bytes: a dictionary of call sites with nothing in them, and one
/// of a type with nothing in it.
#[test]
fn the_densest_dictionaries_keep_to_the_limit() {
    const SITES: u32 = 20_000;
    let mut payload = Vec::new();
    varint(&mut payload, SITES.into());
    for id in 0..SITES {
        varint(&mut payload, (id + 16).into());
        payload.extend([2, 0, 0, 0, 0, 1, 1, 0, 0]);
    }
    let mut forgery = Forgery::bare();
    forgery.frame(FrameKind::Dictionary, &payload);
    survive("many call sites", &forgery.finish());

    const SLOTS: u64 = 100_000;
    let mut payload = vec![1, 16, 2, 0, 0, 0, 0, 1, 1, 0];
    varint(&mut payload, SLOTS);
    (0..SLOTS).for_each(|_| payload.extend([1, b'a', 1, 1, 0]));
    let mut forgery = Forgery::bare();
    forgery.frame(FrameKind::Dictionary, &payload);
    survive("many slots", &forgery.finish());

    // Vectors have just doubled.
    const NODES: u64 = (1 << 20) + 1;
    let mut payload = vec![1, 16, 2, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0];
    varint(&mut payload, NODES + 1);
    payload.extend(iter::repeat_n(0, NODES as usize));
    payload.push(30);
    varint(&mut payload, NODES);
    let mut forgery = Forgery::bare();
    forgery.frame(FrameKind::Dictionary, &payload);
    survive("many nodes", &forgery.finish());
}
