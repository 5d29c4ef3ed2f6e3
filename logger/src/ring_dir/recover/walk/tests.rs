use stenolog_format::block::BlockBuilder;
use stenolog_format::dictionary::{Level, TimeSource};
use stenolog_format::frame::FrameWriter;

use super::*;

/// The frames of a dump, without its header.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    writer: FrameWriter,
}

impl Frames {
    /// A raw block of ring 1 with so many records of 16 bytes each, and the place behind it.
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

    fn walk(&self, written: u64) -> Result<Walked, NotRecovered> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &self.bytes).unwrap();
        walk(file.as_file(), 0, written)
    }
}

#[test]
fn what_is_behind_progress_counts_only_with_its_checksum() {
    let mut frames = Frames::default();
    let written = frames.block(0, 10, 0);
    let end = frames.block(10, 10, 160);
    let walked = frames.walk(written).unwrap();
    assert_eq!((walked.end, walked.frames, walked.records), (end, 2, 20));
    // As by a disk that was slow: the header is there, and not all behind it.
    let last = frames.bytes.len() - 1;
    frames.bytes[last] ^= 1;
    let walked = frames.walk(written).unwrap();
    assert_eq!((walked.end, walked.frames, walked.records), (written, 1, 10));
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
    assert_eq!(frames.walk(end).unwrap().records, 20);
    // By number, by position, by both; before `progress` and behind it.
    for (first, position) in [(9, 160), (10, 152), (0, 0)] {
        let (begin, end, frames) = block(first, position);
        for written in [begin, end] {
            let error = frames.walk(written).map(|walked| walked.records);
            assert!(
                matches!(error, Err(NotRecovered::Dump { offset }) if offset == begin),
                "{first} at {position}: {error:?}"
            );
        }
    }
}
