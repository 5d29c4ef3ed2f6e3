//! Every prefix of a dump shows what the format's table of torn writes says.

use stenolog_decoder::{Dump, OpenError, Tail, verify};

use crate::oracle::{Expected, Reading};
use crate::samples::{SAMPLES, Sample};
use crate::walk::{END, FILE_HEADER};
use crate::{for_each, memory};

/// The expected output for the first `length` bytes.
fn check(sample: &Sample, length: usize) {
    let Sample { name, bytes, frames, .. } = sample;
    let bytes = &bytes[..length];
    let opened = Dump::from_bytes("sample.steno", bytes.to_vec());
    if length < FILE_HEADER {
        let error = opened.unwrap_err();
        let right = match length {
            0 => matches!(error, OpenError::Empty { .. }),
            _ => matches!(error, OpenError::Cut { .. }),
        };
        assert!(right, "{name}, {length} bytes: {error:?}");
        return;
    }
    let dump = opened.unwrap();
    let is_whole = |at: usize| frames[at].payload.end <= length;
    let torn = frames.iter().find(|frame| frame.payload.end > length && frame.start < length);
    let is_sealed =
        frames.last().is_some_and(|last| last.kind == END && is_whole(frames.len() - 1));
    let tail = match torn {
        Some(frame) => {
            Tail::Torn { offset: frame.start as u64, bytes: (length - frame.start) as u64 }
        }
        None if is_sealed => Tail::Sealed,
        None => Tail::Unfinished,
    };
    let verified = verify(&dump);
    let found = Reading::of_dump(dump);
    let expected = Expected::new(sample, length, is_whole);
    if let Err(why) = expected.compare(&found) {
        panic!("{name}, {length} bytes: {why}");
    }
    assert_eq!((found.tail, verified.tail), (tail, tail), "{name}, {length} bytes");
    assert_eq!(found.damage, [], "{name}, {length} bytes: a cut tail is no damage");
    // A reader that reports nothing missing has everything.
    assert_eq!(found.is_complete, is_sealed && found.lost == 0, "{name}, {length} bytes");
    assert_eq!(verified.is_intact(), is_sealed, "{name}, {length} bytes: {:?}", verified.damage);
}

#[test]
fn every_prefix_shows_all_that_is_whole() {
    let mut prefixes = 0;
    for sample in &*SAMPLES {
        prefixes += for_each(sample.bytes.len() + 1, |length| {
            let ((), peak) = memory::peak(|| check(sample, length));
            // What comes out is kept, and so is what should.
            assert!(peak < 64 * length + (1 << 20), "{}, {length} bytes: {peak}", sample.name);
            1
        });
    }
    assert!(prefixes > 5000, "{prefixes}");
}
