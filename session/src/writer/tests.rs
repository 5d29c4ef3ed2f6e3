use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{Level, Role, Slot, TimeSource};
use stenolog_format::frame::VERSION;
use stenolog_format::loss::{Gone, GoneCause, Loss};
use stenolog_format::types::Type;
use stenolog_format::volatile::VolatileState;

use super::*;

/// The bytes of a segment, as the logger wrote it before this writer existed.
const GOLDEN: &[u8] = include_bytes!("../../tests/golden/segment.steno");

const HEADER: FileHeader = FileHeader {
    version: VERSION,
    session: [0x5e; 16],
    created_unix_ns: 1_795_388_825_000_000_000,
    sequence: 2,
    process_id: 77,
    counter_hz: 1_000_000_000,
};

fn site(id: u32) -> CallSite {
    CallSite {
        id,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "app".into(),
        module: "app::net".into(),
        file: "src/net.rs".into(),
        line: id,
        column: 5,
        template: Some("n {0}".into()),
        slots: vec![Slot { name: "n".into(), role: Role::Argument, ty: Type::U64 }],
    }
}

/// A builder with `count` records of a ring, and the position after them.
fn records(
    ring: u32,
    first: u64,
    count: u64,
    begin: fn(&mut BlockBuilder, u32, u64, u64),
) -> (BlockBuilder, u64) {
    let mut builder = BlockBuilder::default();
    begin(&mut builder, ring, first * 24, first);
    for n in first..first + count {
        let payload = [(1000 + n * 7).to_le_bytes(), (n * n).to_le_bytes()].concat();
        builder.push(&site(16 + (n % 2) as u32), &payload).unwrap();
    }
    (builder, (first + count) * 24)
}

/// Each kind of frame once at least, in an order that a drain may write.
fn begin() -> DumpWriter {
    let mut writer = DumpWriter::begin_segment(HEADER);
    let unix_ns = 1_795_388_825_000_000_900;
    writer.put_clock(&ClockPair { counter: 900, unix_ns, uncertainty_ticks: 30 });
    writer.put_volatile(&VolatileRing {
        ring: VolatileRing::ALL,
        state: VolatileState::Memory as u8,
        number: 0,
        reason: "no folder".into(),
    });
    let main = Thread { ring: 1, os_id: 1234, name: "main".into(), continues: None };
    writer.state_thread(&main);
    writer.state_thread(&main);
    writer.state_sites([site(16), site(17)].iter());
    let (mut builder, end) = records(1, 0, 100, BlockBuilder::begin_columns);
    writer.put_block(|out| builder.finish(end, out));
    let mut summary = SummaryBuilder::default();
    builder.sum_up(true, &mut summary);
    writer.put_summary(&mut summary);
    writer.put_watermark(Watermark { counter: 1700 });
    let loss = Loss { counter: 1701, full: [1, 2, 0, 0, 0], too_large: [0, 0, 3, 0, 0] };
    let gone = Some(Gone { first: 5, count: 2, cause: GoneCause::Truncated as u8 });
    writer.put_loss(&LossFrame { ring: 1, position: 2400, loss, gone });
    writer.put_header_if_due();
    writer.put_index_if_due();
    writer.put_index();
    writer
}

fn finish(writer: &mut DumpWriter) {
    let second = Thread { ring: 2, os_id: 1234, name: "main".into(), continues: Some(1) };
    writer.state_thread(&second);
    let (mut builder, end) = records(2, 0, 3, BlockBuilder::begin);
    writer.put_block(|out| builder.finish(end, out));
    let sites: Vec<_> = (18..318).map(site).collect();
    writer.state_all_sites(&sites.iter().collect::<Vec<_>>());
    let (mut builder, end) = records(1, 100, 5, BlockBuilder::begin);
    writer.put_block(|out| builder.finish(end, out));
    writer.put_header();
    writer.finish_segment(8, false);
}

#[test]
fn a_segment_has_the_bytes_that_it_always_had() {
    let mut writer = begin();
    finish(&mut writer);
    assert_eq!((writer.records(), writer.is_finished()), (108, true));
    assert_eq!(writer.end(), GOLDEN.len() as u64);
    assert!(writer.pending() == GOLDEN);
}

#[test]
fn bytes_may_be_taken_at_any_time_and_in_any_pieces() {
    let mut taken = Vec::new();
    let mut take = |writer: &mut DumpWriter, bytes: usize| {
        assert_eq!(writer.written_bytes(), taken.len() as u64);
        let bytes = bytes.min(writer.pending().len());
        taken.extend_from_slice(&writer.pending()[..bytes]);
        writer.advance(bytes);
    };
    let mut writer = begin();
    take(&mut writer, 777);
    take(&mut writer, 1);
    let end = writer.end();
    finish(&mut writer);
    assert!(writer.end() > end);
    take(&mut writer, usize::MAX);
    assert!(writer.pending().is_empty());
    assert_eq!(writer.end(), GOLDEN.len() as u64);
    assert!(taken == GOLDEN);
}

#[test]
fn a_segment_that_another_writer_began_is_continued() {
    let first = begin();
    let open = OpenSegment {
        header: HEADER,
        end: first.end(),
        frames: first.frames.frames(),
        records: first.records(),
        index: first.index.clone(),
    };
    let mut writer = DumpWriter::resume_segment(open);
    writer.note_thread(1);
    let main = Thread { ring: 1, os_id: 1234, name: "main".into(), continues: None };
    writer.state_thread(&main);
    finish(&mut writer);
    assert!(writer.pending() == &GOLDEN[first.pending().len()..]);
}

#[test]
fn copied_frames_are_indexed_as_those_that_were_put() {
    let mut writer = begin();
    let before = writer.pending().len();
    let thread = Thread { ring: 2, os_id: 5, name: "copied".into(), continues: None };
    writer.state_thread(&thread);
    let (mut copy, mut payload) = (begin(), Vec::new());
    thread.encode(&mut payload);
    copy.copy_frame(FrameKind::Thread as u8, &payload);
    // Of a later version: no index of this one names it.
    copy.copy_frame(200, b"unknown");
    assert_eq!(copy.index, writer.index);
    let put = &writer.pending()[before..];
    assert_eq!(&copy.pending()[before..][..put.len()], put);
    let unknown = FrameHeader::decode(&copy.pending()[before + put.len()..]).unwrap();
    assert_eq!((unknown.kind, unknown.payload_bytes), (200, 7));
}

#[test]
fn a_segment_knows_what_it_has_stated() {
    let mut writer = begin();
    assert!(writer.has_site(16) && writer.has_site(17) && !writer.has_site(18));
    assert!(writer.has_thread(1) && !writer.has_thread(2));
    writer.forget_thread(1);
    assert!(!writer.has_thread(1));
    // An id that no logger hands out takes no memory.
    writer.state_sites([site(u32::MAX)].iter());
    assert!(!writer.has_site(u32::MAX));
    let end = writer.end();
    writer.state_sites([].iter());
    assert_eq!(writer.end(), end);
    let next = DumpWriter::begin_segment(HEADER);
    assert!(!next.has_site(16) && !next.has_thread(1));
}

#[test]
fn header_and_index_are_restated_when_they_are_due() {
    let mut writer = DumpWriter::begin_segment(HEADER);
    let put_block = |writer: &mut DumpWriter, first| {
        let (mut builder, end) = records(1, first, 1, BlockBuilder::begin);
        writer.put_block(|out| builder.finish(end, out));
        let end = writer.end();
        writer.put_index_if_due();
        writer.end() > end
    };
    let last = INDEX_EVERY_BLOCKS as u64 - 1;
    assert!(!(0..last).any(|first| put_block(&mut writer, first)));
    assert!(put_block(&mut writer, last));
    assert!(!put_block(&mut writer, last + 1));
    let end = writer.end();
    writer.put_header_if_due();
    assert_eq!(writer.end(), end);
    writer.copy_frame(200, &vec![0; 1 << 20]);
    writer.put_header_if_due();
    let copy = &writer.pending()[writer.pending().len() - HeaderCopy::BYTES..];
    assert!(copy.starts_with(&HEADER.encode()));
    let index = HeaderCopy::index_of(copy).unwrap() as usize;
    let index = FrameHeader::decode(&writer.pending()[index..]).unwrap();
    assert_eq!(index.kind, FrameKind::Index as u8);
    let end = writer.end();
    writer.put_header_if_due();
    assert_eq!(writer.end(), end);
}
