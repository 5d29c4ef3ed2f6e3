use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{Level, TimeSource};
use stenolog_format::frame::{FrameWriter, VERSION};

use super::*;

/// The frames of a dump, without its header.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    writer: FrameWriter,
}

impl Frames {
    /// Puts a raw block of ring 1 with records of 16 bytes each, and returns the offset after it.
    fn block(&mut self, first: u64, count: u64, position: u64) -> u64 {
        let mut builder = BlockBuilder::default();
        builder.begin(1, position, first);
        let mut raw = Vec::new();
        for number in first..first + count {
            builder.note(Level::Info, TimeSource::Counter, number);
            raw.extend(8_u32.to_le_bytes());
            raw.extend(CallSite::FIRST_ID.to_le_bytes());
            raw.extend(number.to_le_bytes());
        }
        let end = position + raw.len() as u64;
        self.writer.frame(&mut self.bytes, FrameKind::Block, |out| {
            builder.finish_raw(end, &[&raw], out);
        });
        self.bytes.len() as u64
    }

    fn read(&self, written: u64) -> Result<DumpContents, NotRecovered> {
        self.read_for(written, &BTreeMap::new())
    }

    fn read_for(
        &self,
        written: u64,
        firsts: &BTreeMap<u32, u64>,
    ) -> Result<DumpContents, NotRecovered> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &self.bytes).unwrap();
        let header = FileHeader {
            version: VERSION,
            session: [1; 16],
            created_unix_ns: 0,
            sequence: 0,
            process_id: 1,
            counter_hz: 1,
        };
        DumpContents::read(file.as_file(), header, 0, written, firsts)
    }
}

/// The end, the frames and the records that were read.
fn read(contents: &DumpContents) -> (u64, u32, u64) {
    let segment = &contents.segment;
    (segment.end, segment.frames, segment.records)
}

#[test]
fn frames_after_progress_count_only_with_their_checksum() {
    let mut frames = Frames::default();
    let written = frames.block(0, 10, 0);
    let end = frames.block(10, 10, 160);
    let contents = frames.read(written).unwrap();
    assert_eq!(read(&contents), (end, 2, 20));
    // As by a slow disk: the header is there, but not all of the payload.
    let last = frames.bytes.len() - 1;
    frames.bytes[last] ^= 1;
    let contents = frames.read(written).unwrap();
    assert_eq!(read(&contents), (written, 1, 10));
}

#[test]
fn blocks_that_go_back_are_not_believed() {
    let block = |first, position| {
        let mut frames = Frames::default();
        let begin = frames.block(0, 10, 0);
        let end = frames.block(first, 10, position);
        (begin, end, frames)
    };
    let (_, end, frames) = block(10, 160);
    assert_eq!(frames.read(end).unwrap().segment.records, 20);
    // By number, by position, by both; before `progress` and after it.
    for (first, position) in [(9, 160), (10, 152), (0, 0)] {
        let (begin, end, frames) = block(first, position);
        for written in [begin, end] {
            let error = frames.read(written).map(|contents| contents.segment.records);
            assert!(
                matches!(error, Err(NotRecovered::Dump { offset }) if offset == begin),
                "{first} at {position}: {error:?}"
            );
        }
    }
}

#[test]
fn blocks_that_a_ring_may_have_are_checked_and_kept() {
    let mut frames = Frames::default();
    let damaged = frames.block(0, 10, 0) as usize - 1;
    frames.block(10, 10, 160);
    let end = frames.block(20, 10, 320);
    frames.bytes[damaged] ^= 1;
    let kept = |first: u64| {
        let contents = frames.read_for(end, &BTreeMap::from([(1, first)])).unwrap();
        let ring = &contents.rings[&1];
        assert_eq!(ring.next, Some((30, 480)));
        ring.blocks.iter().map(|(block, is_whole)| (block.first_record, *is_whole)).collect()
    };
    let all: Vec<_> = kept(3);
    assert_eq!(all, [(0, false), (10, true), (20, true)]);
    let last: Vec<_> = kept(25);
    assert_eq!(last, [(20, true)]);
}
