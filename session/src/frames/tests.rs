use proptest::prelude::*;
use stenolog_format::frame::{FrameKind, FrameWriter};

use super::*;

/// All steps, and where to resume.
fn walk<S: FrameSource>(source: S, start: Position) -> (Vec<WalkStep>, Position)
where
    S::Error: std::fmt::Debug,
{
    let mut walk = Walk::new(source, start);
    let mut steps = Vec::new();
    while let Some(step) = walk.step().unwrap() {
        steps.push(step);
    }
    (steps, walk.resume())
}

/// Bytes read through a window that asks for a few at a time.
fn window(bytes: &[u8]) -> Window<impl FnMut(&mut [u8], u64) -> io::Result<usize>> {
    Window::new(bytes.len() as u64, |buffer: &mut [u8], offset| {
        let rest = &bytes[offset as usize..];
        let length = rest.len().min(buffer.len()).min(1000);
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    })
}

/// Frames of these payload lengths, with rubbish before those that have some.
fn frames(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut writer) = (Vec::new(), FrameWriter::default());
    for (length, rubbish) in parts {
        bytes.extend_from_slice(rubbish);
        writer.frame(&mut bytes, FrameKind::Block, |out| out.extend(vec![7; *length]));
    }
    bytes
}

fn sample() -> Vec<u8> {
    frames(&[
        (10, b""),
        (6000, b"rubbish \xF5\x9Dst rubbish"),
        (0, b""),
        (3, b"\xF5\x9Ds"),
        (50, &[0; 5000]),
    ])
}

#[test]
fn frames_and_what_is_between_them_are_met_in_order() {
    let bytes = sample();
    let (steps, resume) = walk(&bytes[..], Position::first(0));
    let offsets: Vec<_> = steps
        .iter()
        .map(|step| match *step {
            WalkStep::Frame(frame) => (frame.offset, frame.end(), true),
            WalkStep::Gap { offset, end, .. } => (offset, end, false),
            ref other => panic!("{other:?}"),
        })
        .collect();
    let kinds: Vec<_> = offsets.iter().map(|of| of.2).collect();
    assert_eq!(kinds, [true, false, true, true, false, true, false, true]);
    assert!(offsets.windows(2).all(|pair| pair[0].1 == pair[1].0), "{offsets:?}");
    assert_eq!(resume, Position { offset: bytes.len() as u64, sequence: Some(5) });
}

#[test]
fn a_window_shows_what_memory_does() {
    let bytes = sample();
    for length in [0, 1, 23, 24, 40, 4000, 5000, 6100, 11_000, bytes.len()] {
        let bytes = &bytes[..length];
        let (in_memory, resume) = walk(bytes, Position::first(0));
        assert_eq!(walk(window(bytes), Position::first(0)), (in_memory, resume), "{length} bytes");
    }
}

#[test]
fn payloads_are_given_if_their_checksum_is_right() {
    let mut bytes = sample();
    for is_damaged in [false, true] {
        bytes[30] ^= u8::from(is_damaged);
        let mut walk = Walk::new(window(&bytes), Position::first(0));
        let Some(WalkStep::Frame(frame)) = walk.step().unwrap() else { panic!("no frame") };
        let payload = walk.payload(&frame, 10).unwrap();
        assert_eq!(payload, (!is_damaged).then_some(&[7; 10][..]));
        assert_eq!(walk.payload(&frame, 9).unwrap(), None);
    }
}

#[test]
fn a_missing_frame_shows_in_the_sequence() {
    let bytes = frames(&[(0, b""), (0, b""), (0, b"")]);
    let without = [&bytes[..24], &bytes[48..]].concat();
    let (steps, _) = walk(&without[..], Position::first(0));
    let missed: Vec<_> = steps
        .iter()
        .map(|step| match step {
            WalkStep::Frame(frame) => (frame.missed_sequence(), frame.header.sequence),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(missed, [(None, 0), (Some(1), 2)]);
}

#[test]
fn a_cut_frame_ends_where_the_next_one_begins() {
    let bytes = frames(&[(0, b""), (100, b""), (8, b"")]);
    let cut = FrameHeader { payload_bytes: 1 << 20, ..FrameHeader::decode(&bytes[24..]).unwrap() };
    let again = [&bytes[..24], &cut.encode(), &[1; 30], &bytes[24..]].concat();
    let (steps, resume) = walk(&again[..], Position::first(0));
    assert!(matches!(steps[1], WalkStep::Cut { end: 78, is_last: false, .. }), "{steps:?}");
    assert_eq!(steps.len(), 4);
    assert_eq!(resume, Position { offset: 24, sequence: Some(1) }, "the file may grow to hold it");
    // Any other number does not make it the next.
    let other = FrameHeader { sequence: 7, ..cut };
    let other = [&bytes[..24], &other.encode(), &[1; 30], &bytes[24..]].concat();
    let (steps, _) = walk(&other[..], Position { offset: 24, sequence: None });
    assert!(matches!(steps[..], [WalkStep::Cut { is_last: true, .. }]), "{steps:?}");
}

#[test]
fn another_dump_ends_the_walk() {
    let bytes = [&frames(&[(0, b"")])[..], &MAGIC, &frames(&[(0, b"")])].concat();
    let (steps, resume) = walk(&bytes[..], Position::first(0));
    assert_eq!(steps[1..], [WalkStep::OtherDump { offset: 24, end: 56 }]);
    assert_eq!(resume, Position { offset: 24, sequence: Some(1) });
}

#[test]
fn a_file_that_is_shorter_than_it_was_ends_early() {
    let bytes = frames(&[(0, b""), (4000, b""), (0, b"")]);
    let mut walk =
        Walk::new(Window::new(bytes.len() as u64, |_: &mut [u8], _| Ok(0)), Position::first(0));
    assert!(matches!(walk.step().unwrap(), Some(WalkStep::Gap { is_last: true, .. })));
    assert_eq!(walk.step().unwrap(), None);
}

/// Walks a file that grows in these steps, and then in one more, each time from where the last walk ended.
fn walk_growing(bytes: &[u8], lengths: &[usize]) -> Vec<WalkStep> {
    let mut settled = Vec::new();
    let mut start = Position::first(0);
    for &length in lengths.iter().chain([&bytes.len()]) {
        let (mut steps, resume) = walk(&bytes[..length], start);
        if length < bytes.len() {
            steps.retain(|step| offset(step) < resume.offset);
        }
        settled.extend(steps);
        start = resume;
    }
    settled
}

fn offset(step: &WalkStep) -> u64 {
    match *step {
        WalkStep::Frame(frame) | WalkStep::Cut { frame, .. } => frame.offset,
        WalkStep::Gap { offset, .. } | WalkStep::OtherDump { offset, .. } => offset,
    }
}

#[test]
fn a_file_that_grows_is_walked_as_if_it_had_been_whole() {
    let small = frames(&[(3, b""), (20, b"rubbish"), (0, b"\xF5\x9Dst"), (1, b"")]);
    let other = [&small[..], &MAGIC, b"more"].concat();
    for bytes in [small, other] {
        let (whole, _) = walk(&bytes[..], Position::first(0));
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                assert_eq!(walk_growing(&bytes, &[first, second]), whole, "{first}, {second}");
            }
        }
    }
}

proptest! {
    /// Whatever the bytes are.
    #[test]
    fn growth_never_changes_what_was_settled(
        parts in prop::collection::vec((0_usize..60, prop::collection::vec(any::<u8>(), 0..9)), 1..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let parts: Vec<_> = parts.iter().map(|(length, rubbish)| (*length, &rubbish[..])).collect();
        let mut bytes = frames(&parts);
        for (at, change) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= change;
        }
        let (whole, resume) = walk(&bytes[..], Position::first(0));
        let mut lengths: Vec<_> = cuts.iter().map(|at| at.index(bytes.len())).collect();
        lengths.sort_unstable();
        prop_assert_eq!(walk_growing(&bytes, &lengths), whole.clone());
        prop_assert_eq!(walk(window(&bytes), Position::first(0)), (whole, resume));
    }
}
