//! Damage to dumps with spans: a block that is whole is shown in its spans, whatever happened to others.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use stenolog::{Builder, Compression, Empty, debug_span, info, record, span};
use stenolog_decoder::{Decoder, Dump, Entry};
use stenolog_format::frame::{FileHeader, FrameKind};
use stenolog_session::frames::{Frame, Position, Walk, WalkStep};

/// What is shown of each record, by ring and number: its message, and its spans.
type Shown = BTreeMap<(u32, u64), (String, Vec<String>)>;

/// A dump with blocks of one ring and of two, each of which begins within spans.
static DUMP: LazyLock<(Vec<u8>, Vec<Frame>, Shown)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.steno");
    let builder = Builder::new(&path).filter("trace").deliver_within(Duration::from_secs(3600));
    let log = builder.compression(Compression::Adaptive).start_detached().unwrap();
    let scope = log.enter();
    let session = span!("session", user = "ann", rounds = Empty);
    let shared = span!("shared").detach();
    for round in 0..6_u32 {
        let _request = debug_span!("request", round);
        for n in 0..20_u32 {
            let _step = (n % 3 == 0).then(|| span!("step", n));
            info!(n, "stepped");
            if n == 10 {
                log.flush().unwrap();
            }
        }
        if round % 2 == 1 {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _scope = log.enter();
                    shared.in_scope(|| (0..20_u32).for_each(|n| info!(n, "elsewhere")));
                });
            });
        }
        record!(session, rounds = round);
        log.flush().unwrap();
    }
    drop((session, shared, scope));
    log.close().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let shown = shown(&bytes);
    let frames = frames(&bytes);
    (bytes, frames, shown)
});

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut walk = Walk::new(bytes, Position::first(FileHeader::BYTES as u64));
    let mut frames = Vec::new();
    while let Ok(Some(WalkStep::Frame(frame))) = walk.step() {
        frames.push(frame);
    }
    frames
}

fn is(frame: &Frame, kind: FrameKind) -> bool {
    frame.header.kind == kind as u8
}

fn shown(bytes: &[u8]) -> Shown {
    let mut shown = Shown::new();
    let Ok(dump) = Dump::from_bytes("sample.steno", bytes.to_vec()) else { return shown };
    let mut message = String::new();
    let _ = Decoder::new(dump).for_each(|entry| {
        if let Entry::Record(record) = entry {
            message.clear();
            record.write_message(&mut message);
            let spans = record.spans().map(|span| format!("{:?} {:?}", span.name(), span.fields()));
            let place = (record.ring(), record.number());
            shown.insert(place, (message.clone(), spans.collect()));
        }
        ControlFlow::Continue(())
    });
    shown
}

/// The dump with one byte of a frame's payload changed.
fn broken(frame: &Frame) -> Vec<u8> {
    let mut bytes = DUMP.0.clone();
    let middle = frame.payload_offset() as usize + frame.header.payload_bytes as usize / 2;
    bytes[middle] ^= 0x10;
    bytes
}

#[test]
fn the_sample_has_what_it_is_for() {
    let (_, frames, shown) = &*DUMP;
    let count = |kind| frames.iter().filter(|frame| is(frame, kind)).count();
    assert!(
        count(FrameKind::Spans) > 0 && count(FrameKind::Block) > 6,
        "{}",
        count(FrameKind::Block)
    );
    assert_eq!(count(FrameKind::Context), count(FrameKind::Block));
    assert_eq!(shown.len(), 6 * 20 + 3 * 20);
    assert!(shown.values().all(|(_, spans)| !spans.is_empty()));
}

#[test]
fn a_lost_block_takes_no_other_record_out_of_its_spans() {
    let (_, frames, whole) = &*DUMP;
    let mut lost = 0;
    for frame in frames.iter().filter(|frame| is(frame, FrameKind::Block)) {
        let rest = shown(&broken(frame));
        // The last one may have only events of spans.
        assert!(rest.len() <= whole.len());
        lost += whole.len() - rest.len();
        for (place, (message, spans)) in &rest {
            assert_eq!((message, spans), (&whole[place].0, &whole[place].1), "{place:?}");
        }
    }
    assert_eq!(lost, whole.len(), "each was in one of them");
}

#[test]
fn lost_contexts_and_marks_cost_no_record() {
    let (_, frames, whole) = &*DUMP;
    let says = |frame: &&Frame| is(frame, FrameKind::Spans) || is(frame, FrameKind::Context);
    for frame in frames.iter().filter(says) {
        let bytes = broken(frame);
        let found = shown(&bytes);
        for (place, (message, spans)) in whole {
            assert_eq!(&found[place].0, message);
            // What a context says, other frames say, too; but not when a field was given its value.
            let names = |spans: &[String]| -> Vec<String> {
                spans.iter().map(|span| span.split(" [").next().unwrap().to_owned()).collect()
            };
            if is(frame, FrameKind::Context) {
                assert_eq!(names(&found[place].1), names(spans), "{place:?}, {frame:?}");
            }
        }
        let dump = Dump::from_bytes("sample.steno", bytes).unwrap();
        assert!(!stenolog_decoder::verify(&dump).is_intact(), "{frame:?}");
    }
}

#[test]
fn a_cut_dump_shows_what_is_there_in_its_spans() {
    let (bytes, _, whole) = &*DUMP;
    for end in (0..bytes.len()).step_by(13) {
        for (place, (message, spans)) in &shown(&bytes[..end]) {
            assert_eq!((message, spans), (&whole[place].0, &whole[place].1), "{place:?}");
        }
    }
}
